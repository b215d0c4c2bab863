# SPDX-License-Identifier: Apache-2.0
"""A kill at any moment: the next run goes on, and ends with the tables of a run that nobody interrupted.

Seeded random moments of the run of the flights example. Every other kill hits a first build, the rest a build over older
tables. What is compared are the content hashes that Weir records, and independently the rows as another reader sees them.

Environment: WEIR_KILLS (default 6; 50 with WEIR_TEST_SCALE=full), WEIR_KILL_SEED (default 1), WEIR_KILL_FLIGHTS (how many flights
the cut-down example has; default 8000, 0 for all).
"""

import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import weir_project
from weir_project import Project, ProjectCase

KILLS = int(os.environ.get("WEIR_KILLS", "50" if weir_project.FULL_SCALE else "6"))
SEED = int(os.environ.get("WEIR_KILL_SEED", "1"))
FLIGHTS = int(os.environ.get("WEIR_KILL_FLIGHTS", "8000")) or None


def table_hashes(project: Project) -> dict[str, str]:
    return {view.name: weir_project.rows_hash(project.read(view.name)) for view in project.stored_views()}


def content_hashes(project: Project) -> dict[str, set[str]]:
    """The content hashes of all recorded writes of each view."""
    hashes: dict[str, set[str]] = {}
    for row in project.sql("SELECT view_name, content_hash FROM weir.writes"):
        hashes.setdefault(row["view_name"], set()).add(row["content_hash"])
    return hashes


class KillTest(ProjectCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.fresh = self.flights("fresh", FLIGHTS)
        self.older = self.build_older()
        whole = self.copy(self.fresh, "whole")
        started = time.monotonic()
        whole.run()
        self.seconds = time.monotonic() - started
        self.wanted_tables = table_hashes(whole)
        self.wanted_contents = content_hashes(whole)
        self.assertEqual(set(self.wanted_contents), set(self.wanted_tables))

    def copy(self, project: Project, name: str) -> Project:
        shutil.copytree(project.folder, self.scratch / name, symlinks=True)
        return Project(self.scratch / name)

    def build_older(self) -> Project:
        """The same project over tables that were built from fewer flights."""
        older = self.copy(self.fresh, "older")
        flights = older.folder / "data" / "flights.csv"
        newer = flights.read_bytes()
        lines = newer.splitlines(keepends=True)
        flights.unlink()
        flights.write_bytes(b"".join(lines[:1] + lines[1::2]))
        older.run()
        flights.write_bytes(newer)
        return older

    def kill_after(self, project: Project, seconds: float) -> bool:
        """Starts a run and kills it. Returns False if it ended before."""
        with project.start("run") as process:
            try:
                process.communicate(timeout=seconds)
                self.assertEqual(process.returncode, 0)
                return False
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                return True

    def assert_whole(self, project: Project, summary: dict, what: str) -> None:
        self.assertEqual(summary["views"]["failed"] + summary["views"]["blocked"], 0, what)
        found = table_hashes(project)
        self.assertEqual(found, self.wanted_tables, what)
        recorded = content_hashes(project)
        for name, hashes in self.wanted_contents.items():
            if name in recorded:
                self.assertTrue(hashes & recorded[name], f"{what}: content hash of {name}")
        # A view that the killed run had committed may be reused without having been recorded; no other may be missing.
        missing = set(self.wanted_contents) - set(recorded)
        self.assertLessEqual(len(missing), summary["views"]["reused"], what)

    def test_run_after_a_kill_gives_the_tables_of_an_uninterrupted_run(self):
        killed = 0
        for number in range(KILLS):
            seconds = self.random.uniform(0.0, self.seconds)
            what = f"seed {SEED}, kill {number} after {seconds:.3f} s of {self.seconds:.3f} s"
            with self.subTest(what):
                project = self.copy(self.older if number % 2 else self.fresh, f"killed-{number}")
                killed += self.kill_after(project, seconds)
                self.assert_tables_open(project, what)
                self.assert_whole(project, project.run(), what)
                self.assertEqual(project.run()["views"]["run"], 0, f"{what}: the run after that has nothing to do")
                shutil.rmtree(project.folder)
        self.assertGreaterEqual(killed, max(1, KILLS // 2), "too few runs were still going when they were to be killed")

    def assert_tables_open(self, project: Project, what: str) -> None:
        """Right after the kill, every table that there is can be read: none is half written."""
        for view in project.stored_views():
            if project.log_files(view.name):
                self.assertGreaterEqual(project.read(view.name).num_rows, 0, what)

    def test_interrupt_ends_with_130_and_the_next_run_goes_on(self):
        project = self.copy(self.fresh, "interrupted")
        with project.start("run") as process:
            time.sleep(self.seconds * 0.4)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)
        self.assertIn(process.returncode, (130, 0), stdout + stderr)  # 0: it was done already
        self.assert_tables_open(project, "interrupted")
        self.assert_whole(project, project.run(), "interrupted")


if __name__ == "__main__":
    unittest.main()
