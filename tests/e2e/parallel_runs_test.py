# SPDX-License-Identifier: Apache-2.0
"""Runs of one warehouse at the same time, and runs that are killed while they record: every row of the artifacts stands once, no run
that succeeds or goes on is recorded as killed, none ends for another's sake (faults A11).
"""

import collections
import os
import random
import signal
import subprocess
import time
import unittest

from weir_project import Project, ProjectCase, last_json

SOURCE = "CREATE EXTERNAL TABLE items (id BIGINT, name VARCHAR)\nSTORED AS CSV LOCATION 'data/items.csv'\nOPTIONS ('has_header' 'true');\n"
KEYS = {
    "runs": ("run_id",),
    "tasks": ("run_id", "view_name"),
    "decisions": ("run_id", "view_name"),
    "writes": ("run_id", "view_name"),
    "plan_bundles": ("run_id", "view_name"),
    "scan_units": ("run_id", "view_name", "scan_id"),
    "scan_files": ("run_id", "view_name", "scan_id", "path"),
    "lineage": ("run_id", "view_name", "output_column", "input_table", "input_column", "use"),
    "settings": ("settings_hash", "name"),
    "functions": ("function_registry_hash", "name", "kind"),
    "statements": ("run_id", "kind", "name"),
}


class RunsCase(ProjectCase):
    def make(self, views: int) -> Project:
        project = Project(self.scratch / "p")
        project.write("weir.toml", '[project]\nname = "p"\nwarehouse = "warehouse"\n')
        project.write("sources/items.sql", SOURCE)
        self.change(project, 1)
        for number in range(views):
            above = f"v{number // 2}" if number % 3 else "items"
            project.write(f"views/v{number}.sql", f"SELECT id, name, {number} AS k FROM {above}\n"
                          if number else "SELECT id, name FROM items\n")
        return project

    def change(self, project: Project, seed: int) -> None:
        lines = (f"{number},{seed}-{number}\n" for number in range(50))
        project.write("data/items.csv", "id,name\n" + "".join(lines))

    def assert_each_row_once(self, project: Project) -> None:
        for table, key in KEYS.items():
            counted = collections.Counter(tuple(row[column] for column in key) for row in project.artifact(table))
            self.assertEqual({k: n for k, n in counted.items() if n > 1}, {}, table)

    def states(self, project: Project) -> dict[str, str]:
        return {row["run_id"]: row["state"] for row in project.artifact("runs")}


class ParallelRunsTest(RunsCase):
    def test_runs_at_the_same_time_are_serial_in_effect(self):
        for together in (2, 4):
            with self.subTest(together):
                project = self.make(30)
                self.change(project, together)
                before = set(self.states(project)) if (project.warehouse / "_weir").exists() else set()
                started = [project.start("run", "--format", "json") for _ in range(together)]
                summaries, waited = [], 0
                for process in started:
                    stdout, stderr = process.communicate(timeout=300)
                    self.assertEqual(process.returncode, 0, stderr)
                    summaries.append(last_json(stdout))
                    waited += "waiting for run" in stderr
                self.assertEqual(sorted(s["views"]["run"] for s in summaries), [0] * (together - 1) + [30])
                self.assertGreater(waited, 0)
                states = self.states(project)
                self.assertEqual({states[s["run_id"]] for s in summaries}, {"succeeded"})
                self.assertEqual(len(set(states) - before), together)
                self.assert_each_row_once(project)

    def test_waiting_run_says_for_whom(self):
        project = self.make(60)
        project.run()
        holder = self.stopped_in_the_middle(project)
        try:
            with project.start("run") as waiting:
                time.sleep(1.0)
                self.assertIsNone(waiting.poll(), "it did not wait")
                waiting.send_signal(signal.SIGINT)
                _, stderr = waiting.communicate(timeout=60)
                self.assertEqual(waiting.returncode, 130, stderr)
                self.assertIn(f"process {holder.pid}", stderr)
        finally:
            holder.send_signal(signal.SIGCONT)
            stdout, stderr = holder.communicate(timeout=60)
        self.assertEqual(holder.returncode, 0, stderr)
        self.assertEqual(self.states(project)[last_json(stdout)["run_id"]], "succeeded")
        self.assert_each_row_once(project)

    def stopped_in_the_middle(self, project: Project) -> subprocess.Popen:
        """A run that was stopped while it held the lock."""
        for _ in range(20):
            before = len(project.log_files("v59"))
            holder = project.start("run", "--force", "--format", "json")
            while holder.poll() is None and not any(len(project.log_files(f"v{n}")) > before for n in range(0, 10, 3)):
                time.sleep(0.001)
            holder.send_signal(signal.SIGSTOP)
            if holder.poll() is None:
                return holder
            holder.communicate()
        raise AssertionError("no run could be stopped in time")

    def test_run_that_selects_nothing_leaves_no_trace(self):
        project = self.make(2)
        self.assertEqual(project.weir("run", "--select", "nothing").code, 2)
        project.run()
        self.assertEqual(list(self.states(project).values()), ["succeeded"])


class KilledRunsTest(RunsCase):
    def test_kills_at_any_time_leave_each_row_once(self):
        rng = random.Random(int(os.environ.get("WEIR_KILL_SEED", "1")))
        project = self.make(40)
        started = time.monotonic()
        project.run()
        seconds = time.monotonic() - started
        killed = 0
        for number in range(12):
            self.change(project, number + 2)
            # Late ones hit the recording, two after each other the recording of a killed run.
            wait = seconds * rng.choice((rng.random(), 0.7 + 0.5 * rng.random()))
            with project.start("run", "--format", "json") as process:
                try:
                    process.communicate(timeout=wait)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    killed += 1
        summary = project.run()
        self.assertGreater(killed, 3)
        states = self.states(project)
        self.assertEqual(states[summary["run_id"]], "succeeded")
        self.assert_each_row_once(project)
        again = project.run()
        self.assertEqual(again["views"], {"run": 0, "reused": 40, "failed": 0, "blocked": 0})
        self.assertEqual(self.states(project), {**states, again["run_id"]: "succeeded"})

    def test_every_view_that_stands_has_its_bundle_recorded(self):
        project = self.make(20)
        with project.start("run") as process:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and len(list(project.warehouse.glob("v*/_delta_log/*.json"))) < 5:
                time.sleep(0.002)
            process.kill()
            process.communicate()
        project.run()
        recorded = {(row["run_id"], row["view_name"]) for row in project.artifact("plan_bundles")}
        self.assertEqual({name for _, name in recorded}, {f"v{n}" for n in range(20)})
        self.assertIn("killed", self.states(project).values())
        self.assert_each_row_once(project)


if __name__ == "__main__":
    unittest.main()
