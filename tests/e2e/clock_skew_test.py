# SPDX-License-Identifier: Apache-2.0
"""Machines whose clocks differ by days write one warehouse by turns: what is built, reused, kept and read hangs on versions, not on times.

A shim before the C library moves the clock of single commands. What is wanted is computed by a model in Python."""

import json
import os
import pathlib
import random
import subprocess
import unittest

import deltalake
import pyarrow

from weir_project import Project, ProjectCase

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long offset(void) { const char* text = getenv("CLOCK_OFFSET"); return text ? atol(text) : 0; }
int clock_gettime(clockid_t id, struct timespec* at) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(id, at);
  if (id == CLOCK_REALTIME) at->tv_sec += offset();
  return result;
}
time_t time(time_t* at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
int gettimeofday(struct timeval* at, void* zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}
"""
DAY = 86_400


class ClockSkew(ProjectCase):
    def setUp(self):
        super().setUp()
        source = self.scratch / "shim.c"
        source.write_text(SHIM)
        self.shim = self.scratch / "shim.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.shim, source, "-ldl"], check=True)
        self.project = Project(self.scratch / "project")
        self.project.write("weir.toml", "[project]\nname = 'skew'\n[profiles.default.sql]\nallow = ['query', 'dml', 'ddl']\n"
                                        "[retention]\nruns = 2\ndays = 0\n")
        self.table = self.project.folder / "data" / "t"
        deltalake.write_deltalake(self.table, pyarrow.table({"id": [0], "v": [0]}))
        self.project.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION 'data/t';")
        self.project.write("views/a.sql", "SELECT id, v + 1 AS w FROM t")
        self.project.write("views/b.sql", "SELECT count(*) AS n, sum(w) AS s FROM a")

    def at(self, days: float, *arguments: str):
        outcome = self.project.weir(*arguments, env={**os.environ, "LD_PRELOAD": str(self.shim), "CLOCK_OFFSET": str(int(days * DAY))})
        self.assertEqual(outcome.code, 0, f"{arguments} at {days} days\n{outcome.text}")
        return outcome

    def recorded_times(self) -> list[int]:
        logs = sorted(pathlib.Path(self.project.warehouse / "a" / "_delta_log").glob("*.json"))
        return [json.loads(line)["commitInfo"]["timestamp"] for log in logs for line in log.read_text().splitlines() if "commitInfo" in line]

    def test_runs_statements_and_gc_by_turns(self):
        draw = random.Random(4)
        rows = [(0, 0)]
        for number in range(1, 13):
            days = draw.choice([0, 3, -2, 400, -400, 0.01])
            if draw.random() < 0.8:
                rows.append((number, number * 7))
                self.at(draw.choice([5, -5, 0]), "sql", f"INSERT INTO t VALUES ({number}, {number * 7})")
            self.at(days, "run")
            what = f"turn {number} at {days} days"
            self.assertEqual(sorted(map(tuple, (row.values() for row in self.project.read("a").to_pylist()))), [(k, v + 1) for k, v in rows], what)
            self.assertEqual(self.project.read("b").to_pylist(), [{"n": len(rows), "s": sum(v + 1 for _, v in rows)}], what)
            again = self.at(draw.choice([days, 0, -30]), "run", "--format", "json").json()
            self.assertEqual(again["views"]["run"], 0, f"{what}: nothing is left to do")
            if number % 4 == 0:
                self.at(draw.choice([0, 2000]), "gc")
                self.assertEqual(self.project.read("b").to_pylist()[0]["n"], len(rows), what)
        times = self.recorded_times()
        self.assertNotEqual(times, sorted(times), "the clocks did differ")
        self.assertEqual(self.project.sql("SELECT count(*) AS n FROM t VERSION AS OF 0"), [{"n": 1}])


if __name__ == "__main__":
    unittest.main()
