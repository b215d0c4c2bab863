# SPDX-License-Identifier: Apache-2.0
"""Runs of one warehouse at the same time, and runs that are killed while they record: every row of the artifacts stands once, no run
that succeeds or goes on is recorded as killed, none ends for another's sake (faults A11).

Environment: WEIR_PARALLEL_ROUNDS (default 5; 100 with WEIR_TEST_SCALE=full), WEIR_KILL_SEED (default 1).
"""

import collections
import os
import random
import signal
import subprocess
import time
import unittest

import weir_project
from weir_project import Project, ProjectCase, last_json

SOURCE = "CREATE EXTERNAL TABLE items (id BIGINT, name VARCHAR)\nSTORED AS CSV LOCATION 'data/items.csv'\nOPTIONS ('has_header' 'true');\n"
ROUNDS = int(os.environ.get("WEIR_PARALLEL_ROUNDS", "100" if weir_project.FULL_SCALE else "5"))
SEED = int(os.environ.get("WEIR_KILL_SEED", "1"))
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


class TwoRunsTest(RunsCase):
    """Two runs of one warehouse, round after round: what each saw of the data is known from what it built."""

    VIEWS = 12
    # How the second comes: `together` with the first, or `later`, and whether the data changes in between (`changed`); or in the
    # middle of the first, which is killed then.
    WAYS = ("together", "later", "later, changed", "together, both select", "first is killed")

    def test_two_at_a_time_are_serial_in_effect(self):
        draw = random.Random(SEED)
        project = self.make(self.VIEWS)
        began = time.monotonic()
        project.run()
        self.seconds = time.monotonic() - began
        self.content, waited, killed = 1, 0, 0
        for number in range(ROUNDS):
            way = self.WAYS[number % len(self.WAYS)]
            with self.subTest(f"seed {SEED}, round {number}: {way}"):
                second_waited, first_killed = self.round(project, way, draw)
                waited += second_waited
                killed += first_killed
        self.assertGreater(waited, ROUNDS // 3, "too few waited for the other")
        self.assertGreater(killed, ROUNDS // 15 - 1, "too few were killed in the middle")

    def round(self, project: Project, way: str, draw: random.Random) -> tuple[bool, bool]:
        before = self.states(project)
        self.change_to(project, self.content + 1)
        selections: list[list[str]] = [[], []]
        if way == "together, both select":
            selections = [["--select", "v0,v1"], ["--select", "v0,v3"]]
        first = project.start("run", "--format", "json", *selections[0])
        if way.startswith("later"):
            time.sleep(draw.uniform(0.0, self.seconds))
        if way == "later, changed":
            self.change_to(project, self.content + 2)
        second = project.start("run", "--format", "json", *selections[1])
        if way == "first is killed":
            time.sleep(draw.uniform(0.0, self.seconds))
            first.kill()
        ended = [process.communicate(timeout=300) for process in (first, second)]
        was_killed = first.returncode == -signal.SIGKILL
        self.assertIn(first.returncode, (0, -signal.SIGKILL) if way == "first is killed" else (0,), ended[0][1])
        self.assertEqual(second.returncode, 0, ended[1][1])
        summaries = [last_json(stdout) for (stdout, _), process in zip(ended, (first, second)) if process.returncode == 0]
        waited = self.assert_waited_for_each_other(ended, (first, second))
        states = self.states(project)
        self.assertEqual({states[summary["run_id"]] for summary in summaries}, {"succeeded"})
        others = {run_id: state for run_id, state in states.items() if run_id not in before and run_id not in {s["run_id"] for s in summaries}}
        self.assertLessEqual(len(others), int(was_killed))
        self.assertLessEqual(set(others.values()), {"killed", "succeeded"}, others)  # it may have recorded itself
        self.assertLessEqual(before.items(), states.items(), "a run was lost, or is another one now")
        self.assert_effect(project, way, summaries)
        self.assert_each_row_once(project)
        return waited, was_killed

    def assert_waited_for_each_other(self, ended: list[tuple[str, str]], processes: tuple) -> bool:
        """At most one waited, and said for whom: for the other one, by its process."""
        said = [index for index, (_, stderr) in enumerate(ended) if "waiting for run" in stderr]
        self.assertLessEqual(len(said), 1, ended)
        for index in said:
            other = processes[1 - index]
            self.assertRegex(ended[index][1], rf"waiting for run \S+ of \S+@\S+ \(process {other.pid}\): a warehouse has one run at a time")
            if other.returncode == 0:
                self.assertIn(f"waiting for run {last_json(ended[1 - index][0])['run_id']} of", ended[index][1])
        return bool(said)

    def assert_effect(self, project: Project, way: str, summaries: list[dict]) -> None:
        """The effect of one run after the other: where the data stayed as it was, each view was built once; all hold the last state."""
        self.content += 2 if way == "later, changed" else 1
        built = [summary["views"]["run"] for summary in summaries]
        if way in ("together", "later"):
            self.assertEqual(sorted(built), [0, self.VIEWS])
        elif way == "together, both select":
            self.assertEqual(sorted(built), [1, 2])
            project.run()
        for view in range(self.VIEWS):
            names = set(project.read(f"v{view}").column("name").to_pylist())
            self.assertEqual(names, {f"{self.content}-{number}" for number in range(50)}, f"v{view}")
        self.assertEqual(project.run()["views"]["run"], 0)

    def change_to(self, project: Project, content: int) -> None:
        """In one step, so that no run sees a file that is half written."""
        lines = (f"{number},{content}-{number}\n" for number in range(50))
        new = project.write("data/new", "id,name\n" + "".join(lines))
        os.replace(new, project.folder / "data" / "items.csv")


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
        rng = random.Random(SEED)
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
