# SPDX-License-Identifier: Apache-2.0
"""Several tables in one publish: readers see the versions of a run that succeeded together, or those of the one before.

The oracles: a plain Python model of what each run built and published, which finds the set that a selection publishes by trying all of
them; and DuckDB with deltalake, which resolve a set by the SQL that docs/delta.md gives.

Environment: WEIR_PUBLISH_SEQUENCES (default 3; 20 with WEIR_TEST_SCALE=full) random sequences, WEIR_PUBLISH_SEED (default 1).
"""

import itertools
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import unittest

import deltalake
import duckdb
import pyarrow.parquet
import weir_project
from weir_project import Outcome, Project, ProjectCase, program

SEQUENCES = int(os.environ.get("WEIR_PUBLISH_SEQUENCES", "20" if weir_project.FULL_SCALE else "3"))
SEED = int(os.environ.get("WEIR_PUBLISH_SEED", "1"))

# What docs/delta.md tells other readers.
DOCS = (weir_project.ROOT / "docs/delta.md").read_text().split("## Published versions")[1].split("\n## ")[0]
LAST_SET, SET_OF_RUN = re.search(r"```sql\n(.*?)```", DOCS, re.S)[1].split("\n\n")
LAST_SET = LAST_SET.replace("'flights'", "'p'")
SET_OF_RUN = re.sub(r"'\d{8}T[^']*'", "?", SET_OF_RUN)
IN_PYTHON = re.search(r"```python\n(.*?)```", DOCS, re.S)[1]

TOML = '[project]\nname = "{name}"\nwarehouse = "{warehouse}"\n\n[retention]\nruns = {runs}\ndays = 0\nremoved_views_days = 30\n'
ITEMS = ("CREATE EXTERNAL TABLE items (id BIGINT, amount BIGINT)\nSTORED AS CSV LOCATION '{folder}data/items.csv' "
         "OPTIONS ('has_header' 'true');\n")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class PublishCase(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "p")
        self.settings()
        self.project.write("sources/items.sql", ITEMS.format(folder=""))

    def settings(self, runs: int = 0, name: str = "p", warehouse: str = "warehouse", more: str = "") -> None:
        self.project.write("weir.toml", TOML.format(name=name, warehouse=warehouse, runs=runs) + more)

    def items(self, rows) -> None:
        self.project.write("data/items.csv", "id,amount\n" + "".join(f"{id},{amount}\n" for id, amount in rows))

    def fail_run(self, *arguments: str) -> dict:
        outcome = self.project.weir("run", "--format", "json", *arguments)
        self.assertEqual(outcome.code, 1, outcome.text)
        return outcome.json()

    def value(self, query: str, *arguments: str):
        [row] = self.project.succeed("sql", "--format", "json", *arguments, query).json()
        [value] = row.values()
        return value

    def refuse(self, *arguments: str, code: int = 1) -> str:
        outcome = self.project.weir(*arguments)
        self.assertEqual(outcome.code, code, outcome.text)
        return outcome.stderr

    def artifact(self, name: str):
        return deltalake.DeltaTable(str(self.project.table_path(f"_weir/{name}"))).to_pyarrow_table()

    def resolve(self, query: str, *parameters) -> dict[str, tuple[str, int]]:
        """A set as DuckDB finds it: folder and version by view."""
        database = duckdb.connect()
        database.register("published", self.artifact("published"))
        database.register("runs", self.artifact("runs"))
        return {view: (folder, version) for view, folder, version in database.execute(query, list(parameters)).fetchall()}

    def read_set(self, query: str, *parameters) -> dict[str, list[tuple]]:
        """The rows of a set's views as deltalake reads them, sorted."""
        rows = {}
        for view, (folder, version) in self.resolve(query, *parameters).items():
            table = deltalake.DeltaTable(str(self.project.table_path(folder)), version=version).to_pyarrow_table()
            rows[view] = sorted(tuple(row.values()) for row in table.to_pylist())
        return rows


class SumsTest(PublishCase):
    """`fact` is the sum of `detail`."""

    TEXTS = {"detail": "SELECT id, amount FROM items", "fact": "SELECT sum(amount) AS s FROM detail",
             "Zähler": 'CREATE MATERIALIZED VIEW "Zähler" AS SELECT count(*) AS n FROM detail'}
    BROKEN = "SELECT sum(amount / (amount - amount)) AS s FROM detail"
    FITS = "SELECT f.s - d.s FROM fact f, (SELECT sum(amount) AS s FROM detail) d"

    def setUp(self):
        super().setUp()
        for view, text in self.TEXTS.items():
            self.project.write(f"views/{view}.sql", text + "\n")
        self.items([(1, 10), (2, 20)])
        self.first = self.project.run()["run_id"]

    def break_fact(self) -> str:
        """A run that builds `detail` anew and fails at `fact`. Returns its id."""
        self.items([(1, 11), (2, 20)])
        self.project.write("views/fact.sql", self.BROKEN + "\n")
        return self.fail_run()["run_id"]

    def mend_fact(self) -> None:
        self.project.write("views/fact.sql", self.TEXTS["fact"] + "\n")

    def test_a_run_that_failed_halfway_publishes_nothing(self):
        failed = self.break_fact()
        self.assertEqual(self.value("SELECT sum(amount) AS s FROM detail"), 30)
        self.assertEqual(self.value(self.FITS), 0)
        self.assertEqual(self.value("SELECT sum(amount) AS s FROM detail", "--latest"), 31)
        self.assertEqual(self.value(self.FITS, "--latest"), -1)
        self.assertEqual(self.value(self.FITS, "--run", self.first), 0)
        said = self.refuse("sql", "--run", failed, "SELECT 1")
        self.assertIn("recorded as failed", said)
        outcome = self.project.weir("run")
        self.assertIn(f"not published; `weir sql` reads the set of run {self.first}", outcome.stderr)
        self.mend_fact()
        second = self.project.run()
        self.assertEqual(second["published_run_id"], second["run_id"])
        self.assertEqual(self.value("SELECT s FROM fact"), 31)
        self.assertEqual(self.value("SELECT s FROM fact", "--run", self.first), 30)
        self.assertEqual(self.value(self.FITS), 0)

    def test_other_readers_resolve_a_set_by_sql(self):
        self.break_fact()
        wanted = {"detail": [(1, 10), (2, 20)], "fact": [(30,)], "Zähler": [(2,)]}
        self.assertEqual(self.read_set(LAST_SET), wanted)
        self.mend_fact()
        second = self.project.run()["run_id"]
        again = self.project.run()
        self.assertEqual(again["published_run_id"], second)
        self.assertEqual(self.read_set(LAST_SET), {"detail": [(1, 11), (2, 20)], "fact": [(31,)], "Zähler": [(2,)]})
        self.assertEqual(self.read_set(SET_OF_RUN, self.first), wanted)
        self.assertEqual(self.read_set(SET_OF_RUN, again["run_id"]), self.read_set(LAST_SET))
        rows = {row["view_name"]: row for row in self.project.artifact("published") if row["run_id"] == second}
        self.assertEqual({(row["set_number"], row["project"]) for row in rows.values()}, {(2, "p")})
        writes = {(row["run_id"], row["view_name"]): row for row in self.project.artifact("writes")}
        for view, row in rows.items():
            write = writes[row["built_by"], view]
            self.assertEqual((row["content_hash"], row["rows"], row["built_version"]),
                             (write["content_hash"], write["rows"], write["version"]))

    def test_the_python_of_the_docs_reads_the_last_set(self):
        self.break_fact()
        script = ("import duckdb\nfrom deltalake import DeltaTable\n" + IN_PYTHON
                  + "print(sorted((view, rows.num_rows) for view, rows in tables.items()))\n"
                  + "print(sum(tables['detail']['amount'].to_pylist()), tables['fact']['s'].to_pylist())\n")
        done = subprocess.run([sys.executable, "-c", script], cwd=self.project.folder, capture_output=True, text=True)
        self.assertEqual(done.stdout, "[('Zähler', 1), ('detail', 2), ('fact', 1)]\n30 [30]\n", done.stderr)

    def test_a_run_that_changes_nothing_has_the_set_of_before(self):
        commits = self.project.log_files("_weir/published")
        again = self.project.run()
        self.assertEqual(again["published_run_id"], self.first)
        self.assertEqual(self.project.log_files("_weir/published"), commits)
        self.items([(1, 12), (2, 20)])
        self.project.run()
        self.assertEqual(self.value("SELECT s FROM fact", "--run", again["run_id"]), 30)
        self.assertEqual(self.value("SELECT s FROM fact"), 32)

    def test_what_a_killed_run_built_is_published_by_the_next(self):
        """All views are committed, nothing is recorded."""
        self.items([(1, 13), (2, 20)])
        records = self.project.warehouse / "_weir"
        shutil.copytree(records, self.scratch / "records")
        killed = self.project.run()["run_id"]
        shutil.rmtree(records)
        shutil.copytree(self.scratch / "records", records)
        self.assertEqual((self.value("SELECT s FROM fact"), self.value("SELECT s FROM fact", "--latest")), (30, 33))
        self.assertIn("is wanted, found", self.refuse("sql", "--run", killed, "SELECT 1", code=2))
        after = self.project.run()
        self.assertEqual(after["views"], {"run": 0, "reused": 3, "failed": 0, "blocked": 0})
        self.assertEqual(after["published_run_id"], after["run_id"])
        self.assertEqual(self.value("SELECT s FROM fact"), 33)
        self.assertEqual({row["built_by"] for row in self.project.artifact("published") if row["run_id"] == after["run_id"]},
                         {killed, self.first}, "`Zähler` reads nothing that changed")

    def test_a_run_that_was_killed_after_its_publish(self):
        """The set stands, the run is not recorded: it is found by the id all the same, and the next run leaves the set as it is."""
        self.items([(1, 13), (2, 20)])
        records = self.project.warehouse / "_weir"
        shutil.copytree(records, self.scratch / "records")
        killed = self.project.run()["run_id"]
        shutil.move(records / "published", self.scratch / "published")
        shutil.rmtree(records)
        shutil.copytree(self.scratch / "records", records)
        shutil.rmtree(records / "published")
        shutil.move(self.scratch / "published", records / "published")
        self.assertEqual(self.value("SELECT s FROM fact"), 33)
        self.assertEqual(self.value("SELECT s FROM fact", "--run", killed), 33)
        after = self.project.run()
        self.assertEqual(after["published_run_id"], killed)
        self.assertEqual(self.value("SELECT s FROM fact", "--run", after["run_id"]), 33)
        self.assertEqual(self.value("SELECT s FROM fact", "--run", self.first), 30)

    def test_kills_between_the_commits_of_views_and_the_publish(self):
        """Whenever a run is killed after its last view's commit, readers have one whole set, and the next run publishes."""
        hits = 0
        for number in range(12):
            self.items([(1, 100 + number), (2, 20)])
            before = self.value("SELECT s FROM fact")
            commits = len(self.project.log_files("fact"))
            with self.project.start("run") as process:
                while process.poll() is None and len(self.project.log_files("fact")) == commits:
                    time.sleep(0.0005)
                time.sleep(number * 0.001)
                process.send_signal(signal.SIGKILL)
                process.communicate()
            now = self.value("SELECT s FROM fact")
            self.assertIn(now, (before, 120 + number))
            self.assertEqual(self.value(self.FITS), 0)
            hits += now == before
            self.project.run()
            self.assertEqual(self.value("SELECT s FROM fact"), 120 + number)
            self.assertEqual(self.value(self.FITS), 0)
        self.assertGreater(hits, 0, "no kill came before the publish")
        numbers = [row["set_number"] for row in self.project.artifact("published")]
        self.assertEqual(set(numbers), set(range(1, max(numbers) + 1)))
        self.assertEqual(len(numbers), 3 * max(numbers))
        for row in self.project.artifact("runs"):
            if row["state"] == "killed" and row["published_run_id"] is not None:
                self.assertEqual(row["published_run_id"], row["run_id"])
                self.assertEqual(self.value(self.FITS, "--run", row["run_id"]), 0)

    def test_selections(self):
        self.items([(1, 11), (2, 20)])
        outcome = self.project.weir("run", "--select", "detail")
        self.assertEqual(outcome.code, 0, outcome.text)
        self.assertIn("not published: the view `fact`, which was not selected, was built from another result of `detail`", outcome.stderr)
        self.assertEqual(self.value("SELECT sum(amount) AS s FROM detail"), 30)
        self.assertEqual(self.value("SELECT sum(amount) AS s FROM detail", "--latest"), 31)
        # Fits: what `Zähler` reads of `detail` did not change, and `detail` comes with `fact`.
        selected = self.project.run("--select", "fact")
        self.assertEqual(selected["published_run_id"], selected["run_id"])
        self.assertEqual(self.value("SELECT sum(amount) AS s FROM detail"), 31)
        self.assertEqual(self.value("SELECT s FROM fact"), 31)
        self.assertEqual(self.value('SELECT n FROM "Zähler"'), 2)
        self.assertEqual(self.value(self.FITS), 0)
        self.assertEqual(self.project.run("--select", "Zähler")["published_run_id"], selected["run_id"])

    def test_a_selection_of_a_new_view_leaves_the_others(self):
        self.project.write("views/fresh.sql", "SELECT max(id) AS m FROM items\n")
        self.project.write("views/later.sql", "SELECT min(id) AS m FROM items\n")
        summary = self.project.run("--select", "fresh")
        self.assertEqual(summary["published_run_id"], summary["run_id"])
        self.assertEqual(set(self.resolve(LAST_SET)), {"detail", "fact", "Zähler", "fresh"})
        said = self.refuse("sql", "SELECT * FROM later")
        self.assertIn("the view `later` is not in the set of run", said)
        self.assertIn("it was never built; `weir run` builds it", said)

    def test_a_view_that_no_set_has_yet(self):
        self.project.write("views/fresh.sql", "SELECT max(id) AS m FROM items\n")
        failed = self.break_fact()
        said = self.refuse("sql", "SELECT * FROM fresh")
        self.assertIn(f"the view `fresh` is not in the set of run {self.first}", said)
        self.assertIn(f"run {failed} built it", said)
        self.assertEqual(self.value("SELECT m FROM fresh", "--latest"), 2)

    def test_removed_views_leave_the_set(self):
        (self.project.folder / "views" / "Zähler.sql").unlink()
        summary = self.project.run()
        self.assertEqual(summary["published_run_id"], summary["run_id"])
        self.assertEqual(set(self.resolve(LAST_SET)), {"detail", "fact"})
        self.assertEqual(set(self.resolve(SET_OF_RUN, self.first)), {"detail", "fact", "Zähler"})
        self.assertEqual(self.read_set(SET_OF_RUN, self.first)["Zähler"], [(2,)])

    def test_gc_keeps_what_readers_read_however_old_it_is(self):
        self.break_fact()
        for amount in (12, 13, 14):
            self.items([(1, amount), (2, 20)])
            self.fail_run()
        removed = self.project.succeed("gc", "--format", "json").json()
        self.assertGreater(removed["files"], 0)
        self.assertEqual(self.value(self.FITS), 0)
        self.assertEqual(self.value("SELECT s FROM fact"), 30)
        self.assertEqual(self.read_set(LAST_SET), {"detail": [(1, 10), (2, 20)], "fact": [(30,)], "Zähler": [(2,)]})
        self.mend_fact()
        self.project.run()
        self.project.succeed("gc")
        self.assertEqual(self.value("SELECT s FROM fact"), 34)
        said = self.refuse("sql", "--run", self.first, "SELECT * FROM detail", code=3)
        self.assertIn("view `detail` in version 0", said)
        self.assertIn(self.first, said)
        self.assertIn("[retention]", said)

    def test_gc_keeps_a_removed_view_until_a_set_without_it_is_published(self):
        (self.project.folder / "views" / "Zähler.sql").unlink()
        self.project.write("weir.toml", TOML.format(name="p", warehouse="warehouse", runs=0).replace("removed_views_days = 30",
                                                                                                     "removed_views_days = 0"))
        for _ in range(3):
            self.project.succeed("gc")
            self.assertEqual(self.read_set(LAST_SET)["Zähler"], [(2,)])
        self.project.run()
        for _ in range(2):
            self.project.succeed("gc")
        self.assertFalse(self.project.table_path("Zähler").exists())

    def test_compaction_leaves_the_set_and_the_next_run_takes_it_over(self):
        parts = " UNION ALL ".join(f"SELECT id, amount, {n} AS part FROM items" for n in range(3))
        self.project.write("views/detail.sql", f"CREATE MATERIALIZED VIEW detail AS SELECT id, amount FROM ({parts})\n")
        self.project.run()
        # Twelve small files of the same rows, as another writer of maintenance leaves them.
        table = self.project.delta("detail")
        rows = table.to_pyarrow_table()
        actions = []
        for n in range(rows.num_rows):
            path = f"small-{n}.parquet"
            pyarrow.parquet.write_table(rows.slice(n, 1), self.project.table_path("detail") / path)
            size = (self.project.table_path("detail") / path).stat().st_size
            actions.append({"add": {"path": path, "partitionValues": {}, "size": size, "modificationTime": 0, "dataChange": False}})
        for file in table.file_uris():
            actions.append({"remove": {"path": file.rsplit("/", 1)[1], "dataChange": False, "deletionTimestamp": 0}})
        version = table.version() + 1
        (self.project.table_path("detail") / "_delta_log" / f"{version:020}.json").write_text(
            "".join(json.dumps(action) + "\n" for action in [{"commitInfo": {"operation": "OPTIMIZE"}}, *actions]))
        before = self.resolve(LAST_SET)["detail"][1]
        self.project.succeed("gc")
        self.assertEqual(self.resolve(LAST_SET)["detail"][1], before)
        self.assertEqual(self.value("SELECT count(*) AS n FROM detail"), 6)
        summary = self.project.run()
        self.assertEqual(summary["views"]["run"], 0)
        self.assertEqual(summary["published_run_id"], summary["run_id"])
        self.assertGreater(self.resolve(LAST_SET)["detail"][1], before)
        self.assertEqual(self.value("SELECT count(*) AS n FROM detail"), 6)
        self.assertEqual(self.project.run()["published_run_id"], summary["run_id"])

    def test_versions_that_a_query_names_go_before_the_set(self):
        self.project.write("views/detail.sql", "CREATE MATERIALIZED VIEW detail TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true') AS\n"
                           "SELECT id, amount FROM items\n")
        shutil.rmtree(self.project.warehouse)
        self.project.run()
        self.break_fact()
        self.assertEqual(self.value("SELECT sum(amount) AS s FROM detail VERSION AS OF 1"), 31)
        self.assertEqual(self.value("SELECT sum(amount) AS s FROM detail VERSION AS OF 0", "--latest"), 30)
        self.assertEqual(self.value("SELECT a.s - b.s FROM (SELECT sum(amount) AS s FROM detail VERSION AS OF 1) a, "
                                    "(SELECT sum(amount) AS s FROM detail) b"), 1)
        rows = self.project.succeed("changes", "detail", "--format", "json", "--from", "1").json()
        self.assertEqual(sorted((row["amount"], row["_change_type"]) for row in rows),
                         [(10, "delete"), (11, "insert"), (20, "delete"), (20, "insert")])

    def test_artifacts_are_read_at_their_latest(self):
        self.break_fact()
        self.assertEqual(self.value("SELECT count(*) AS n FROM weir.runs", "--run", self.first), 2)
        self.assertEqual(self.value("SELECT max(set_number) AS n FROM weir.published", "--run", self.first), 1)

    def test_views_that_are_not_stored_read_the_set(self):
        self.project.write("views/whole.sql", "CREATE VIEW whole AS SELECT f.s, d.n FROM fact f, "
                           "(SELECT count(*) AS n FROM detail WHERE amount = 10) d\n")
        self.break_fact()
        self.assertEqual(self.project.sql("SELECT * FROM whole"), [{"s": 30, "n": 1}])
        self.assertEqual(self.project.succeed("sql", "--format", "json", "--latest", "SELECT n FROM whole").json(), [{"n": 0}])

    def test_tests_are_of_what_is_there(self):
        self.project.write("tests/all.sql", "SELECT * FROM detail WHERE amount = 11\n")
        self.project.succeed("test")
        self.break_fact()
        self.refuse("test")

    def test_warehouses_without_sets(self):
        self.break_fact()
        shutil.rmtree(self.project.table_path("_weir/published"))
        self.assertEqual(self.value("SELECT sum(amount) AS s FROM detail"), 31)
        self.assertIn("no set is published yet", self.project.weir("run").stderr)
        self.mend_fact()
        selected = self.project.run("--select", "fact")
        self.assertEqual(selected["published_run_id"], selected["run_id"])
        self.assertEqual(set(self.resolve(LAST_SET)), {"detail", "fact", "Zähler"})

    def test_ids_that_are_none(self):
        said = self.refuse("sql", "--run", self.first[:-1] + "x", "SELECT 1", code=2)
        self.assertIn(f"did you mean `{self.first}`?", said)
        self.assertIn("`weir history` lists the runs", self.refuse("sql", "--run", "yesterday", "SELECT 1", code=2))
        self.assertIn("found both", self.refuse("sql", "--run", self.first, "--latest", "SELECT 1", code=2))
        alone = subprocess.run([program(), "sql", "--run", self.first, "SELECT 1"], cwd=self.scratch, capture_output=True, text=True)
        self.assertEqual(alone.returncode, 2)
        self.assertIn("found no weir.toml here", alone.stderr)

    def test_a_table_that_was_built_anew_is_not_taken_for_the_old_one(self):
        shutil.rmtree(self.project.table_path("detail"))
        said = self.refuse("sql", "SELECT * FROM detail", code=3)
        self.assertIn(f"version 0 of the view `detail`, which the set of run {self.first} names", said)
        self.items([(1, 50)])
        self.project.run()
        self.assertEqual(self.value("SELECT sum(amount) AS s FROM detail"), 50)
        said = self.refuse("sql", "--run", self.first, "SELECT * FROM detail", code=3)
        self.assertIn("a table that was built anew since", said)
        self.assertEqual(self.value("SELECT s FROM fact", "--run", self.first), 30)

    def test_a_prompt_reads_one_set_from_beginning_to_end(self):
        leader, follower = pty.openpty()
        with subprocess.Popen([program(), "sql", "--project", str(self.project.folder)], stdin=follower, stdout=follower,
                              stderr=follower, env={**os.environ, "TERM": "dumb", "HOME": str(self.scratch)}) as process:
            self.addCleanup(os.close, leader)
            self.addCleanup(os.close, follower)
            asked = b"SELECT 'sum is ' || CAST(sum(amount) AS VARCHAR) AS t FROM detail;\n"
            os.write(leader, asked)
            self.assertEqual(self.await_sum(leader), "30")
            self.items([(1, 70)])
            self.project.run()
            os.write(leader, b"SELECT 'sum is ' || CAST(s AS VARCHAR) AS t FROM fact;\n")
            self.assertEqual(self.await_sum(leader), "30")
            os.write(leader, b"\\quit\n")
            process.wait(timeout=30)

    def await_sum(self, terminal: int) -> str:
        text = ""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if select.select([terminal], [], [], 1)[0]:
                text += os.read(terminal, 65536).decode(errors="replace")
                if found := re.search(r"sum is (\d+)", text):
                    return found[1]
        raise AssertionError(f"no sum in `{text}`")


class PlacesTest(PublishCase):
    """Profiles, projects and warehouses."""

    def setUp(self):
        super().setUp()
        self.settings(more='\n[profiles.dev]\nwarehouse = "dev"\n')
        self.project.write("views/detail.sql", "SELECT id, amount FROM items\n")
        self.project.write("views/fact.sql", "SELECT sum(amount) AS s FROM detail\n")
        self.items([(1, 10), (2, 20)])
        self.run_id = self.project.run()["run_id"]

    def break_run(self):
        self.items([(1, 11), (2, 20)])
        self.project.write("views/fact.sql", "SELECT sum(amount / (amount - amount)) AS s FROM detail\n")
        self.fail_run()

    def test_each_warehouse_has_its_own_sets(self):
        self.items([(1, 50)])
        dev = self.project.run("--profile", "dev")["run_id"]
        self.assertEqual(self.value("SELECT s FROM fact"), 30)
        self.assertEqual(self.value("SELECT s FROM fact", "--profile", "dev"), 50)
        self.refuse("sql", "--run", dev, "SELECT 1", code=2)
        self.refuse("sql", "--run", self.run_id, "--profile", "dev", "SELECT 1", code=2)

    def test_what_is_deferred_is_read_of_the_last_set_there(self):
        self.break_run()
        asked = "SELECT sum(amount) AS s FROM detail"
        self.assertEqual(self.value(asked, "--profile", "dev", "--defer-to", "default"), 30)
        self.assertEqual(self.value(asked, "--profile", "dev", "--defer-to", "default", "--latest"), 31)
        # A view that is built here over what is published there.
        self.project.write("views/fact.sql", "SELECT sum(amount) + 1000 AS s FROM detail\n")
        summary = self.project.run("--profile", "dev", "--defer-to", "default", "--select", "fact")
        self.assertEqual(summary["published_run_id"], summary["run_id"])
        self.assertEqual(self.value("SELECT s FROM fact", "--profile", "dev", "--defer-to", "default"), 1031)
        self.assertEqual(self.value("SELECT s FROM fact", "--profile", "dev"), 1031)
        self.refuse("sql", "--profile", "dev", asked)
        self.assertEqual(self.value(asked, "--profile", "dev", "--defer-to", "default"), 30)

    def test_what_a_project_published_under_another_name_keeps_nothing(self):
        self.items([(1, 11), (2, 20)])
        self.settings(name="renamed")
        self.assertEqual(self.value("SELECT s FROM fact"), 30)  # no set has that name: what is there
        self.project.run()
        self.project.succeed("gc")
        self.assertEqual(self.value("SELECT s FROM fact"), 31)
        self.assertEqual(len(list(self.project.table_path("detail").glob("*.parquet"))), 1)

    def test_two_projects_in_one_warehouse(self):
        other = Project(self.scratch / "other")
        other.write("weir.toml", TOML.format(name="o'ther", warehouse="../p/warehouse", runs=0))
        other.write("sources/items.sql", ITEMS.format(folder="../p/"))
        other.write("views/Own One.sql", 'CREATE MATERIALIZED VIEW "Own One" AS SELECT max(amount) AS m FROM items\n')
        theirs = other.run()
        self.assertEqual(self.value("SELECT s FROM fact"), 30)
        self.assertEqual(other.sql('SELECT m FROM "Own One"'), [{"m": 20}])
        self.assertEqual(self.project.run()["published_run_id"], self.run_id)
        self.assertIn("found one of `o'ther`", self.refuse("sql", "--run", other.run()["run_id"], "SELECT 1"))
        self.break_run()
        for project in (self.project, other, self.project):
            project.succeed("gc")
        self.assertEqual(self.value("SELECT s FROM fact"), 30)
        self.assertEqual(self.value("SELECT sum(amount) AS s FROM detail"), 30)
        self.assertEqual(other.sql('SELECT m FROM "Own One"'), [{"m": 20}])
        self.assertEqual(set(self.resolve(LAST_SET)), {"detail", "fact"})
        self.assertEqual(other.run()["published_run_id"][:8], theirs["run_id"][:8])


class Build:
    """What one build of a view made, and of what."""

    def __init__(self, rows, reads):
        self.rows = rows
        self.reads = reads  # by view: the columns that it read


def columns(rows, which):
    return sorted(tuple(row[n] for n in which) for row in rows)


class Model:
    """Views over `items`, how they are computed, and what runs built and published."""

    # By view: what it reads of others (their columns by place), its query, its rows.
    DETAIL, FACT, BY_K, IDS, TOP, ASIDE = "detail", "Fact Total", "Ümsätze", "IDS", "top 日本", "a 'side"
    READS = {DETAIL: {}, FACT: {DETAIL: (1,)}, BY_K: {DETAIL: (1, 2)}, IDS: {DETAIL: (0,)}, TOP: {FACT: (0,), BY_K: (1,)}, ASIDE: {}}
    QUERIES = {
        DETAIL: "SELECT id, amount, id % 3 AS k, CAST({c} AS BIGINT) AS c FROM items",
        FACT: 'SELECT sum(amount) AS s, CAST({c} AS BIGINT) AS c FROM "detail"',
        BY_K: 'SELECT k, sum(amount) AS s, CAST({c} AS BIGINT) AS c FROM "detail" GROUP BY k',
        IDS: 'SELECT max(id) AS m, CAST({c} AS BIGINT) AS c FROM "detail"',
        TOP: 'SELECT max(f.s) - sum(u.s) AS d, CAST({c} AS BIGINT) AS c FROM "Fact Total" f, "Ümsätze" u',
        ASIDE: "SELECT max(amount) AS m, CAST({c} AS BIGINT) AS c FROM items",
    }
    FAILING = "CAST(concat('x', CAST(count(*) AS VARCHAR)) AS BIGINT)"
    REMOVABLE = (IDS, TOP, ASIDE)

    def __init__(self):
        self.items = [(n, n * 10) for n in range(6)]
        self.constants = dict.fromkeys(self.READS, 0)
        self.failing = set()
        self.present = set(self.READS)
        self.newest: dict[str, Build] = {}
        self.runs: list[dict] = []  # oldest first
        self.last: dict[str, Build] | None = None

    def text(self, view: str) -> str:
        query = self.QUERIES[view].format(c=self.FAILING if view in self.failing else self.constants[view])
        if view in self.failing and view in (self.DETAIL, self.BY_K):
            query = f"SELECT a.*, b.c AS e FROM ({query.replace(self.FAILING, '0')}) a, (SELECT {self.FAILING} AS c FROM items) b"
        return f"CREATE MATERIALIZED VIEW {quoted(view)} AS {query}\n"

    def compute(self, view: str) -> list[tuple]:
        c = self.constants[view]
        rows = {read: self.newest[read].rows for read in self.READS[view]}
        if view == self.DETAIL:
            return sorted((id, amount, id % 3, c) for id, amount in self.items)
        if view == self.FACT:
            return [(sum(row[1] for row in rows[self.DETAIL]), c)]
        if view == self.BY_K:
            sums: dict[int, int] = {}
            for row in rows[self.DETAIL]:
                sums[row[2]] = sums.get(row[2], 0) + row[1]
            return sorted((k, s, c) for k, s in sums.items())
        if view == self.IDS:
            return [(max(row[0] for row in rows[self.DETAIL]), c)]
        if view == self.TOP:
            return [(rows[self.FACT][0][0] - sum(row[1] for row in rows[self.BY_K]), c)]
        return [(max(amount for _, amount in self.items), c)]

    def run(self, run_id: str, selected: set[str]) -> None:
        """Notes a run of `selected` views."""
        lost: set[str] = set()
        for view in self.READS:  # in build order
            if view not in selected:
                continue
            if view in self.failing or any(read in lost or read not in self.newest for read in self.READS[view]):
                lost.add(view)
                continue
            reads = {read: columns(self.newest[read].rows, which) for read, which in self.READS[view].items()}
            self.newest[view] = Build(self.compute(view), reads)
        published = None if lost else self.published(selected)
        self.runs.append({"run_id": run_id, "failed": bool(lost), "set": published})
        if published is not None:
            self.last = published

    def published(self, selected: set[str]) -> dict[str, Build] | None:
        """The consistent set that moves the fewest views to their newest builds; nothing if there is none."""
        views = sorted(self.present)
        choices = []
        for view in views:
            newest = self.newest.get(view)
            if view in selected or self.last is None:
                choices.append([newest])
            else:
                earlier = self.last.get(view)
                choices.append([earlier] + ([newest] if newest is not earlier and newest is not None else []))
        best, fewest = None, None
        for chosen in itertools.product(*choices):
            builds = {view: build for view, build in zip(views, chosen) if build is not None}
            if not all(self.fits(view, builds, selected) for view in builds):
                continue
            moved = sum(build is not (self.last or {}).get(view) for view, build in builds.items())
            if fewest is None or moved < fewest:
                best, fewest = builds, moved
        return best

    def fits(self, view: str, builds: dict[str, Build], selected: set[str]) -> bool:
        for read, rows in builds[view].reads.items():
            if read not in builds:
                return False
            if view in selected and builds[read].rows != self.newest[read].rows:
                return False
            if columns(builds[read].rows, self.READS[view][read]) != rows:
                return False
        return True


class RandomSequencesTest(PublishCase):
    """Edits, failures, selections, removed views and `weir gc` in random order."""

    def test_random_sequences(self):
        kinds: set[str] = set()
        for number in range(SEQUENCES):
            with self.subTest(seed=SEED + number):
                self.random = random.Random(SEED + number)
                for folder in ("warehouse", "views", ".weir"):
                    shutil.rmtree(self.project.folder / folder, ignore_errors=True)
                self.sequence()
                kinds |= {"failed" if run["failed"] else "misfit" if run["set"] is None else "published" for run in self.model.runs}
        self.assertEqual(kinds, {"failed", "misfit", "published"}, "the sequences are too tame")

    def sequence(self):
        self.model = Model()
        self.kept: set[str] = set()  # ids of runs whose sets are still whole
        self.settings(runs=2)
        for view in self.model.present:
            self.write(view)
        self.items(self.model.items)
        for _ in range(self.random.randint(14, 20)):
            for _ in range(self.random.randint(0, 3)):
                self.random.choice([self.edit_data, self.edit_data, self.edit_view, self.fail_view, self.mend, self.mend,
                                    self.remove_view, self.bring_view_back])()
            self.random.choice([self.run_all, self.run_some, self.run_some, self.run_all, self.collect])()
            self.check()

    def write(self, view: str) -> None:
        self.project.write(f"views/{view}.sql", self.model.text(view))

    def edit_data(self):
        model = self.model
        model.items = [(id, amount + self.random.choice([0, 1, 5])) for id, amount in model.items]
        if self.random.random() < 0.3:
            model.items = model.items + [(max(id for id, _ in model.items) + 1, self.random.randint(1, 99))]
        self.items(model.items)

    def edit_view(self):
        view = self.random.choice(sorted(self.model.present))
        self.model.constants[view] = self.random.randint(0, 2)
        self.write(view)

    def fail_view(self):
        view = self.random.choice(sorted(self.model.present))
        self.model.failing.add(view)
        self.write(view)

    def mend(self):
        mended = self.model.failing & self.model.present
        self.model.failing -= mended
        for view in mended:
            self.write(view)

    def remove_view(self):
        view = self.random.choice(Model.REMOVABLE)
        if view in self.model.present:
            (self.project.folder / f"views/{view}.sql").unlink()
            self.model.present.remove(view)

    def bring_view_back(self):
        view = self.random.choice(Model.REMOVABLE)
        self.model.present.add(view)
        self.write(view)

    def run_all(self):
        self.run_selected(self.model.present, [])

    def run_some(self):
        some = set(self.random.sample(sorted(self.model.present), self.random.randint(1, 3)))
        self.run_selected(some, ["--select", ",".join(sorted(some))])

    def run_selected(self, selected: set[str], options: list[str]) -> None:
        if self.random.random() < 0.2:
            options = [*options, "--force"]
        before = self.model.last
        outcome = self.project.weir("run", "--format", "json", *options)
        summary = outcome.json()
        run_id = summary["run_id"]
        self.model.run(run_id, set(selected))
        run = self.model.runs[-1]
        self.assertEqual(summary["state"], "failed" if run["failed"] else "succeeded", outcome.text)
        self.assertEqual(summary["published_run_id"] is None, run["set"] is None, (outcome.text, options))
        self.assertEqual("not published" in outcome.stderr, run["set"] is None, outcome.text)
        if before is None and run["set"] is None:
            self.assertIn("no set is published yet", outcome.stderr)
        self.kept.add(run_id)

    def collect(self):
        runs = self.random.choice([0, 1, 2])
        self.settings(runs=runs)
        self.project.succeed("gc")
        self.kept &= {run["run_id"] for run in self.model.runs[-runs:]} if runs else set()
        last = [run["run_id"] for run in self.model.runs if run["set"] is not None][-1:]
        self.kept |= set(last)

    def statements(self, views) -> str:
        return "".join(f"SELECT * FROM {quoted(view)};\n" for view in views)

    def ask(self, views, *arguments: str) -> tuple[list, Outcome]:
        """The rows of each view up to the first that cannot be read."""
        done = subprocess.run([program(), "sql", "--project", str(self.project.folder), "--format", "json", *arguments],
                              input=self.statements(views), capture_output=True, text=True)
        decoder, rest, found = json.JSONDecoder(), done.stdout.strip(), []
        while rest:
            rows, end = decoder.raw_decode(rest)
            found.append(sorted(tuple(row.values()) for row in rows))
            rest = rest[end:].strip()
        return found, Outcome(done.returncode, done.stdout, done.stderr)

    def assert_reads(self, builds: dict[str, Build], whole: bool, *arguments: str) -> None:
        views = sorted(view for view in builds if view in self.model.present)
        found, outcome = self.ask(views, *arguments)
        wanted = [builds[view].rows for view in views]
        if whole:
            self.assertEqual((found, outcome.code), (wanted, 0), (arguments, outcome.stderr))
        else:
            # Some may be gone: then the first of them is named, and nothing else is read in its place.
            self.assertEqual(found, wanted[:len(found)], arguments)
            self.assertEqual(outcome.code, 0 if len(found) == len(views) else 3, outcome.text)
            if len(found) < len(views):
                self.assertIn(f"`{views[len(found)]}`", outcome.stderr)

    def check(self) -> None:
        model = self.model
        self.assert_reads(model.newest, True, "--latest")
        self.assert_reads(model.newest if model.last is None else model.last, True)
        if model.last is not None:
            hidden = sorted(view for view in model.present & model.newest.keys() if view not in model.last)
            for view in hidden:
                found, outcome = self.ask([view])
                self.assertEqual((found, outcome.code), ([], 1), outcome.text)
                self.assertIn("is not in the set of run", outcome.stderr)
            self.assertEqual(self.read_set(LAST_SET), {view: build.rows for view, build in model.last.items()})
        for run in self.random.sample(model.runs, min(3, len(model.runs))):
            if run["set"] is None:
                _, outcome = self.ask([], "--run", run["run_id"])
                self.assertEqual(outcome.code, 1, outcome.text)
                self.assertIn("a run that published a set is wanted", outcome.stderr)
                continue
            self.assert_reads(run["set"], run["run_id"] in self.kept, "--run", run["run_id"])
            if run["run_id"] in self.kept:
                self.assertEqual(self.read_set(SET_OF_RUN, run["run_id"]), {view: build.rows for view, build in run["set"].items()})


if __name__ == "__main__":
    unittest.main()
