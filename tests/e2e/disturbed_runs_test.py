# SPDX-License-Identifier: Apache-2.0
"""A run that is disturbed at any moment: killed, without a disk that writes, or by a power cut. It says what failed, and the next run
ends with the tables of one that nobody disturbed.

Seeded rounds over three projects (disturbed_projects.py), each over no tables or over older ones. What is compared are the content
hashes that Weir records and, independently, rows and artifacts as another reader sees them.

Environment: WEIR_KILLS, how many rounds (default 10; 1000 with WEIR_TEST_SCALE=full); WEIR_KILL_SEED (default 1);
WEIR_KILL_FLIGHTS, how many flights the cut-down example has (default 1500, 0 for all); WEIR_KILL_PROJECTS and WEIR_KILL_KINDS, names
of those that are wanted; WEIR_KILL_REPORT, a file that gets a line a round.
"""

import collections
import os
import random
import re
import shutil
import signal
import subprocess
import time
import unittest

import deltalake
import pyarrow

import disk_faults
import disturbed_projects
import weir_project
from disturbed_projects import Start, copy
from parallel_runs_test import KEYS
from weir_project import Outcome, Project, ProjectCase

ROUNDS = int(os.environ.get("WEIR_KILLS", "1000" if weir_project.FULL_SCALE else "10"))
SEED = int(os.environ.get("WEIR_KILL_SEED", "1"))
FLIGHTS = int(os.environ.get("WEIR_KILL_FLIGHTS", "1500")) or None
PROJECTS = os.environ.get("WEIR_KILL_PROJECTS", "layers flights tpch").split()
# `kill` and `interrupt` come at a random time, `stop` and `cut` at a random operation on the warehouse, `late cut` after a run,
# `gc cut` in the middle of a `weir gc` after a run. After `cut+cut` and `stop+cut` the power goes in the next run, too: what is to mend the
# one is cut off itself.
KINDS = os.environ.get("WEIR_KILL_KINDS", "cut,kill,stop,write,full,cut+cut,gc cut,sync,open,cut,stop+cut,rename,link,interrupt,unlink,late cut"
                       ).split(",")
# Those in which the process is killed at an operation.
KILLED = ("stop", "cut", "gc cut", "cut+cut", "stop+cut")
MAKERS = {"flights": lambda folder: disturbed_projects.flights(folder, FLIGHTS), "tpch": disturbed_projects.tpch,
          "layers": disturbed_projects.layers}
ENVIRONMENT_FAILED, INTERRUPTED = 3, 130
# What may fail without the run failing: it only spares reading, or shows that the run goes on.
SPARED = (".checkpoint.", "_last_checkpoint", ".alive")


def table_hashes(project: Project) -> dict[str, str]:
    return {view.name: weir_project.rows_hash(project.read(view.name)) for view in project.stored_views()}


def last_contents(project: Project) -> dict[str, str]:
    """The content hash in the last commit of each view, as Weir recorded it there."""
    found = {}
    for view in project.stored_views():
        (commit,) = project.delta(view.name).history(1)
        found[view.name] = commit["weir"]["content_hash"]
    return found


def is_named(path: str, text: str) -> bool:
    """Whether a message names the file, or the folder of the table that it is to belong to."""
    inside = path.split("/warehouse", 1)[1]
    table = re.match(r"/(_weir/)?\w+/(_change_data/)?(?!_delta_log)", inside)
    return path.split("#")[0] in text or (table is not None and f"/warehouse{table[0]}`" in text) or path.rstrip("/") + "`" in text


def table_rows(project: Project, name: str) -> str | None:
    """The rows of a table in the project's folder; None where there is none."""
    if not any((project.folder / name / "_delta_log").glob("*.json")):
        return None
    return weir_project.rows_hash(deltalake.DeltaTable(str(project.folder / name)).to_pyarrow_table())


class DisturbedRunsTest(ProjectCase):
    def setUp(self):
        super().setUp()
        self.library = disk_faults.build(self.scratch)
        self.starts: dict[str, list[Start]] = {}
        self.starts_of_gc: dict[str, Start] = {}
        self.wanted: dict[str, tuple] = {}
        self.done: collections.Counter = collections.Counter()
        self.fired: collections.Counter = collections.Counter()
        self.damaged: collections.Counter = collections.Counter()
        self.mended = 0

    def disk(self, project: Project, journal: str) -> disk_faults.Disk:
        return disk_faults.Disk(self.library, project.folder, project.warehouse, self.scratch / journal)

    def prepare(self, name: str) -> None:
        """Makes a project's starts, and lets each run undisturbed."""
        folder = self.scratch / name
        self.starts[name] = [Start(project) for project in MAKERS[name](folder)]
        for number, start in enumerate(self.starts[name]):
            start.calm = copy(start.project, folder / f"calm-{number}")
            disk = self.disk(start.calm, f"{name}-{number}.journal")
            began = time.monotonic()
            outcome = start.calm.weir("run", env=disk.environment())
            start.seconds = time.monotonic() - began
            self.assertEqual(outcome.code, 0, outcome.text)
            start.journal = disk.journal()
            self.assertEqual(start.journal.unsynced(), {}, "a run that has ended is on the disk")
            for kind in disk_faults.LETTERS:
                self.assertGreater(start.journal.count(kind, start.calm.warehouse), 0, f"{kind}: the library saw none")
            wanted = (table_hashes(start.calm), last_contents(start.calm), disturbed_projects.statements_said(start.calm))
            self.assertEqual(self.wanted.setdefault(name, wanted), wanted, f"{name}: from nothing and from older tables")

    def test_run_after_a_disturbed_one_gives_what_an_undisturbed_one_gives(self):
        for name in PROJECTS:
            self.prepare(name)
        seeds = random.Random(SEED)
        for number in range(ROUNDS):
            kind = KINDS[number % len(KINDS)]
            name = PROJECTS[(number + number // len(KINDS)) % len(PROJECTS)]
            self.disturb(number, name, kind, random.Random(seeds.randrange(1 << 60)))
        for kind in set(KINDS) - {"kill", "interrupt"}:
            self.assertGreaterEqual(2 * self.fired[kind], self.done[kind], f"{kind}: most rounds were not disturbed: {self.fired}")
        if "cut" in KINDS and self.done["cut"]:
            self.assertGreater(self.damaged["cut"], self.done["cut"] // 3, f"power cuts took too little: {self.damaged}")
        if ROUNDS >= 100:
            self.assertGreater(self.mended, 0, "nothing had to be taken back")
        self.report(f"rounds {dict(self.done)}, disturbed {dict(self.fired)}, damaged {dict(self.damaged)}, with commits taken back: {self.mended}")

    def test_power_cut_leaves_a_statement_whole_or_not_at_all(self):
        start = Project(self.scratch / "start")
        start.write("weir.toml", "[project]\nname = 'p'\n[profiles.default.sql]\nallow = ['query', 'dml', 'ddl']\n")
        rows = pyarrow.table({"id": range(100), "kind": [f"{number % 3}" for number in range(100)]})
        deltalake.write_deltalake(str(start.folder / "t"), rows, configuration={"delta.enableChangeDataFeed": "true"})
        statements = ("UPDATE './t' SET kind = 'x' WHERE id % 7 = 1", "INSERT INTO './t' SELECT id + 100, kind FROM './t'",
                      "CREATE TABLE './new' USING DELTA PARTITIONED BY (kind) AS SELECT * FROM './t'", "TRUNCATE TABLE './t'")
        draw = random.Random(SEED)
        for number in range(max(len(statements), ROUNDS // 10)):
            statement = statements[number % len(statements)]
            counts = None
            for plan in ("", "kill", ""):
                project = copy(start, self.scratch / "round")
                disk = disk_faults.Disk(self.library, project.folder, project.folder, self.scratch / "statement.journal")
                disk.file.unlink(missing_ok=True)
                outcome = project.weir("sql", statement, env=disk.environment(plan and f"kill:{draw.randrange(counts) + 1}"), cwd=project.folder)
                journal = disk.journal()
                damage = disk_faults.cut_power(journal, draw)
                found = table_rows(project, "t"), table_rows(project, "new")
                trouble = f"seed {SEED}, {number}: {statement}\n{outcome.text}\n{damage}"
                if plan:
                    self.assertEqual(outcome.code, -signal.SIGKILL, trouble)
                    self.assertIn(found, (before, after), trouble)
                else:
                    self.assertEqual((outcome.code, damage), (0, []), trouble)
                    before, after = (table_rows(start, "t"), None), found
                    self.assertNotEqual(before, after, trouble)
                    counts = journal.count("kill", project.folder)
                shutil.rmtree(project.folder)

    def test_what_is_taken_back_is_said(self):
        """As a run leaves it whose end did not come to the disk: the last commits of a view and of an artifact are cut off."""
        project = Project(self.scratch / "p")
        project.write("weir.toml", "[project]\nname = 'p'\nwarehouse = 'warehouse'\n")
        project.write("sources/ones.sql", "CREATE EXTERNAL TABLE ones (one BIGINT) STORED AS CSV LOCATION 'ones.csv' "
                                          "OPTIONS ('has_header' 'true');")
        project.write("ones.csv", "one\n1\n")
        for number in range(2):
            project.write("views/v.sql", f"SELECT one + {number} AS n FROM ones")
            project.run()
        (project.warehouse / "_weir" / "_runs" / f"{2:020}.ended").unlink()
        commit = project.table_path("v") / "_delta_log" / f"{1:020}.json"
        whole = commit.read_bytes()
        commit.write_bytes(whole[:whole.index(b"\n") + 1])
        (project.table_path("_weir/tasks") / "_delta_log" / f"{1:020}.json").write_bytes(b"")
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 0, outcome.text)
        self.assertIn("warning[W5013]: table `v`: version 1 is taken back, left half written by a run that was cut off: its commit ends in the "
                      "middle\n  hint: what it held is built again where it is wanted\n", outcome.stderr)
        self.assertIn("warning[W5013]: table `weir.tasks`: version 1 is taken back, left half written by a run that was cut off: its commit is "
                      "empty\n  hint: what that run had recorded there is lost\n", outcome.stderr)
        self.assertEqual(outcome.stderr.count("W5013"), 2)
        self.assertEqual(project.read("v").to_pylist(), [{"n": 2}])
        self.assertEqual({row["run_id"] for row in project.artifact("tasks")} - {row["run_id"] for row in project.artifact("runs")}, set())
        self.assert_recorded(project, outcome.text)
        self.assertNotIn("W5013", project.succeed("run").text)

    def disturb(self, number: int, name: str, kind: str, draw: random.Random) -> None:
        start = self.start_of_gc(name) if kind == "gc cut" else draw.choice(self.starts[name])
        plan, seconds = self.plan(kind, start, draw)
        what = f"seed {SEED}, round {number}: {name}, {start.project.folder.name}, {kind} {plan or f'after {seconds:.3f} s'}"
        began = time.monotonic()
        with self.subTest(what):
            project = copy(start.project, self.scratch / f"round-{number}")
            try:
                self.round(project, name, kind, plan, seconds, draw)
            finally:
                if os.environ.get("WEIR_KILL_KEEP"):
                    shutil.copytree(project.folder, f"{os.environ['WEIR_KILL_KEEP']}/round-{number}", dirs_exist_ok=True)
                shutil.rmtree(project.folder)
            self.report(f"ok {what} ({time.monotonic() - began:.1f} s)")

    @staticmethod
    def report(line: str) -> None:
        if report := os.environ.get("WEIR_KILL_REPORT"):
            with open(report, "a", encoding="utf-8") as file:
                file.write(line + "\n")

    def start_of_gc(self, name: str) -> Start:
        """The older tables and what a run made of them; undisturbed, `weir gc` then does this."""
        if name not in self.starts_of_gc:
            start = Start(copy(self.starts[name][1].calm, self.scratch / name / "built"))
            start.calm = copy(start.project, self.scratch / name / "calm-gc")
            disk = self.disk(start.calm, f"{name}-gc.journal")
            outcome = start.calm.weir("gc", env=disk.environment())
            self.assertEqual(outcome.code, 0, outcome.text)
            start.journal = disk.journal()
            self.assertEqual(start.journal.unsynced(), {}, "what `weir gc` did is on the disk")
            self.starts_of_gc[name] = start
        return self.starts_of_gc[name]

    def plan(self, kind: str, start: Start, draw: random.Random) -> tuple[str, float]:
        """Which operation is hit, or when."""
        if kind in ("kill", "interrupt"):
            return "", draw.uniform(0.0, start.seconds)
        if kind == "late cut":
            return "", 0.0
        operation = "kill" if kind in KILLED else kind
        count = start.journal.count(operation, start.calm.warehouse)
        return f"{operation}:{draw.randrange(count) + 1}", 0.0

    def round(self, project: Project, name: str, kind: str, plan: str, seconds: float, draw: random.Random) -> None:
        disk = self.disk(project, "round.journal")
        disk.file.unlink(missing_ok=True)
        outcome = self.run_disturbed(project, disk, kind, plan, seconds, draw)
        journal = disk.journal()
        failed = journal.failed()
        was_killed = outcome.code == -signal.SIGKILL
        self.done[kind] += 1
        self.fired[kind] += bool(failed) or was_killed or kind == "late cut"
        damage = disk_faults.cut_power(journal, draw) if "cut" in kind and kind != "stop+cut" else []
        if "+" in kind:
            damage += self.cut_again(project, disk, kind, draw)
            journal = disk.journal()
        began = disturbed_projects.runs_that_began(project) if was_killed and kind != "gc cut" else set()
        self.damaged[kind] += bool(damage)
        trouble = "\n".join([outcome.text, *failed, *damage])
        if failed and not was_killed:
            self.assert_says_so(outcome, kind, failed, trouble)
        elif not failed and kind not in ("kill", "interrupt", *KILLED):
            self.assertEqual(outcome.code, 0, trouble)
        if kind == "late cut":
            self.assertEqual(outcome.code, 0, trouble)
            self.assertEqual(damage, [], trouble)
        if kind in ("kill", "stop"):
            self.assert_tables_open(project)
        self.assert_mended(project, name, journal, began, trouble)

    def cut_again(self, project: Project, disk: disk_faults.Disk, kind: str, draw: random.Random) -> list[str]:
        """Cuts the power in the run after a disturbed one, most often while it takes back what is left of that."""
        if kind == "cut+cut":
            disk.file.unlink()  # what the first cut left is on the disk
        self.run_disturbed(project, disk, kind, f"kill:{draw.randrange(draw.choice((30, 100, 400))) + 1}", 0.0, draw)
        return ["and again", *disk_faults.cut_power(disk.journal(), draw)]

    def run_disturbed(self, project: Project, disk: disk_faults.Disk, kind: str, plan: str, seconds: float, draw: random.Random) -> Outcome:
        with project.start("gc" if kind == "gc cut" else "run", env=disk.environment(plan)) as process:
            try:
                stdout, stderr = process.communicate(timeout=seconds if kind in ("kill", "interrupt") else weir_project.SECONDS_AT_MOST)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL if kind == "kill" else signal.SIGINT)
                if kind == "interrupt" and draw.random() < 0.5:
                    time.sleep(draw.uniform(0.0, 0.02))
                    process.send_signal(signal.SIGINT)
                stdout, stderr = process.communicate(timeout=weir_project.SECONDS_AT_MOST)
        allowed = {"interrupt": (0, INTERRUPTED, -signal.SIGINT), **{kind: (0, -signal.SIGKILL) for kind in ("kill", *KILLED)}}
        self.assertIn(process.returncode, allowed.get(kind, (0, ENVIRONMENT_FAILED)), stdout + stderr)
        return Outcome(process.returncode, stdout, stderr)

    def assert_says_so(self, outcome: Outcome, kind: str, failed: list[str], trouble: str) -> None:
        """A write that failed is an error that names the file, or its folder, and the reason."""
        if outcome.code == 0 and kind == "unlink":
            return  # what could not be removed is in nobody's way
        if outcome.code == 0:
            self.assertTrue(all(any(part in path for part in SPARED) for path in failed), f"a fault was passed over\n{trouble}")
            return
        self.assertEqual(outcome.code, ENVIRONMENT_FAILED, trouble)
        self.assertIn(disk_faults.reason(kind), outcome.text, trouble)
        self.assertTrue(any(is_named(path, outcome.text) for path in failed), f"no file is named\n{trouble}")
        self.assertNotIn("bug in Weir", outcome.text, trouble)

    def assert_tables_open(self, project: Project) -> None:
        """Right after a kill, every table that there is can be read: none is half written."""
        for view in project.stored_views():
            if project.log_files(view.name):
                self.assertGreaterEqual(project.read(view.name).num_rows, 0)

    def assert_mended(self, project: Project, name: str, journal: disk_faults.Journal, began: set[str], trouble: str) -> None:
        tables, contents, statements = self.wanted[name]
        outcome = project.weir("run", "--format", "json")
        self.mended += "W5013" in outcome.text
        trouble = f"{trouble}\nand then\n{outcome.text}"
        self.assertEqual(outcome.code, 0, trouble)
        self.assertEqual(outcome.json()["views"]["failed"] + outcome.json()["views"]["blocked"], 0, trouble)
        self.assertEqual(table_hashes(project), tables, trouble)
        self.assertEqual(last_contents(project), contents, trouble)
        rows = project.artifact("diagnostics") if project.log_files("_weir/diagnostics") else []
        warned = [row["code"] for row in rows if row["run_id"] == outcome.json()["run_id"]]
        self.assertEqual(warned.count("W5013"), outcome.text.count("warning[W5013]"), f"warnings are recorded\n{trouble}")
        again = project.weir("run", "--format", "json")
        self.assertEqual(again.code, 0, trouble + again.text)
        self.assertEqual(again.json()["views"]["run"], 0, f"the run after that has nothing to do\n{trouble}\n{again.text}")
        self.assertNotIn("W5013", again.text, trouble)
        self.assert_recorded(project, trouble)
        self.assertEqual(disturbed_projects.statements_said(project), statements, trouble)
        self.assert_history(project, journal, began, [outcome.json()["run_id"], again.json()["run_id"]], trouble)

    def assert_recorded(self, project: Project, trouble: str) -> None:
        """No row of the artifacts stands twice, none refers to one that is not there, and what is published is what stands."""
        rows = {table: project.artifact(table) for table in KEYS}
        for table, key in KEYS.items():
            counted = collections.Counter(tuple(row[column] for column in key) for row in rows[table])
            self.assertEqual({k: n for k, n in counted.items() if n > 1}, {}, f"{table}\n{trouble}")
        for column, table in (("settings_hash", "settings"), ("function_registry_hash", "functions")):
            self.assertLessEqual({row[column] for row in rows["runs"]}, {row[column] for row in rows[table]}, f"{table}\n{trouble}")
        versions = {view.name: project.delta(view.name).version() for view in project.stored_views()}
        self.assertEqual(disturbed_projects.published_versions(project), versions, trouble)
        for view, version in versions.items():
            (commit,) = project.delta(view).history(1)
            built = [row for row in rows["writes"] if row["view_name"] == view and row["version"] == version]
            self.assertIn(commit["weir"]["run_id"], [row["run_id"] for row in built], f"{view}: its build is not recorded\n{trouble}")

    def assert_history(self, project: Project, journal: disk_faults.Journal, began: set[str], later: list[str], trouble: str) -> None:
        states = {row["run_id"]: row["state"] for row in project.succeed("history", "--format", "json").json()}
        for run_id in later:
            self.assertEqual(states[run_id], "succeeded", trouble)
        # It may have come as far as to record itself.
        has_recorded = any(entry[0] == "L" and "/_weir/runs/_delta_log/" in entry[-1] for entry in journal.entries)
        for run_id in began:
            self.assertIn(states.get(run_id), ("killed", "succeeded") if has_recorded else ("killed",), trouble)


if __name__ == "__main__":
    unittest.main()
