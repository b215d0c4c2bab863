# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM: the first ends a run in order, a second while that takes its time ends it at once; the next run goes on."""

import signal
import threading
import time
import unittest

import disk_faults
from weir_project import Project, ProjectCase, last_json

FIRST = "interrupted: what goes on is being ended; once more ends it at once"


class InterruptTest(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "p")
        self.project.write("weir.toml", "[project]\nname = 'p'\nwarehouse = 'warehouse'\n")
        self.project.write("sources/items.sql", "CREATE EXTERNAL TABLE items (id BIGINT, name VARCHAR) STORED AS CSV "
                                                "LOCATION 'data/items.csv' OPTIONS ('has_header' 'true');\n")
        self.project.write("data/items.csv", "id,name\n" + "".join(f"{number},{number % 7}\n" for number in range(500)))
        self.project.write("views/quick.sql", "SELECT id, name FROM items")
        # 10^8 rows are counted, which takes its time.
        self.project.write("views/slow.sql", "SELECT a.name, count(*) AS n FROM quick AS a CROSS JOIN quick AS b CROSS JOIN quick AS c "
                                             "WHERE a.id * b.id % 1009 <> c.id GROUP BY a.name")
        self.disk = disk_faults.Disk(disk_faults.build(self.scratch), self.project.folder, self.project.warehouse,
                                     self.scratch / "journal")

    def await_table(self, name: str) -> None:
        deadline = time.monotonic() + 60
        while not self.project.log_files(name):
            self.assertLess(time.monotonic(), deadline, f"`{name}` was not built")
            time.sleep(0.005)

    def assert_goes_on(self, state: str, run_id: str | None = None) -> None:
        """The next run builds what is missing and records the earlier one."""
        self.project.write("views/slow.sql", "SELECT count(*) AS n FROM quick")
        self.assertEqual(self.project.run()["views"], {"run": 1, "reused": 1, "failed": 0, "blocked": 0})
        self.assertEqual(self.project.read("slow").to_pylist(), [{"n": 500}])
        first, *_ = sorted(self.project.artifact("runs"), key=lambda row: row["started_at"])
        self.assertEqual(first["state"], state)
        if run_id is not None:
            self.assertEqual(first["run_id"], run_id)

    def test_the_first_ends_the_run_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                self.setUp()
                with self.project.start("run", "--format", "json") as process:
                    self.await_table("quick")
                    process.send_signal(number)
                    stdout, stderr = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 130, stdout + stderr)
                self.assertEqual(stderr.count(FIRST), 1, stderr)
                summary = last_json(stdout)
                self.assertEqual(summary["state"], "cancelled")
                self.assertEqual([view["view"] for view in summary["failures"]], ["slow"])
                self.assertEqual(self.project.log_files("slow"), [])
                self.assert_goes_on("cancelled", summary["run_id"])

    def test_the_second_ends_it_at_once(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                self.setUp()
                # Its disk does not answer while it writes the first data file.
                with self.project.start("run", env=self.disk.environment("slow:12")) as process:
                    said: list[str] = []
                    reader = threading.Thread(target=lambda lines=process.stderr: said.extend(iter(lines.readline, "")))
                    reader.start()
                    deadline = time.monotonic() + 60
                    while not self.disk.journal().failed():
                        self.assertLess(time.monotonic(), deadline, "the disk was to hang")
                        time.sleep(0.005)
                    process.send_signal(number)
                    while FIRST + "\n" not in said:
                        self.assertLess(time.monotonic(), deadline, f"nothing was said: {said}")
                        time.sleep(0.005)
                    time.sleep(0.2)
                    self.assertIsNone(process.poll(), "the disk did not hang")
                    process.send_signal(number)
                    began = time.monotonic()
                    process.wait(timeout=60)
                    self.assertLess(time.monotonic() - began, 5)
                    reader.join()
                self.assertEqual(process.returncode, 130)
                self.assertEqual(self.project.log_files("slow"), [])
                self.project.run("--select", "quick")
                self.assert_goes_on("killed")

    def test_one_that_waits_for_another_run_ends_at_once(self):
        with self.project.start("run") as holder:
            self.await_table("quick")
            holder.send_signal(signal.SIGSTOP)
            try:
                with self.project.start("run") as waiting:
                    time.sleep(1.0)
                    self.assertIsNone(waiting.poll(), "it did not wait")
                    waiting.send_signal(signal.SIGTERM)
                    _, stderr = waiting.communicate(timeout=60)
                self.assertEqual(waiting.returncode, 130, stderr)
                self.assertIn(FIRST, stderr)
            finally:
                holder.send_signal(signal.SIGCONT)
                holder.send_signal(signal.SIGINT)
                holder.communicate(timeout=60)
        self.assertEqual(holder.returncode, 130)
        self.assert_goes_on("cancelled")


if __name__ == "__main__":
    unittest.main()
