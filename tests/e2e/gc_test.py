# SPDX-License-Identifier: Apache-2.0
"""Upkeep of a warehouse: `weir gc` removes what nobody needs, and nothing else.

The oracle is a naive model over the JSON of the logs: it replays every commit it has ever seen, and says which files the versions need
that the retained runs wrote, found or read. After each `weir gc` the files on disk are exactly those, and every retained version, read
by another reader, holds the rows that it held when it was new.

Environment: WEIR_GC_SEQUENCES (default 3; 20 with WEIR_TEST_SCALE=full) random sequences, WEIR_GC_SEED (default 1).
"""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import time
import unittest
import urllib.parse

import boto3
import deltalake
import duckdb
import pyarrow
import pyarrow.parquet
import weir_project
from bucket_server import serve_buckets
from weir_project import Project, ProjectCase, rows_hash

SEQUENCES = int(os.environ.get("WEIR_GC_SEQUENCES", "20" if weir_project.FULL_SCALE else "3"))
SEED = int(os.environ.get("WEIR_GC_SEED", "1"))
ODD = ["plain", "a b", "50%", "%41", "ü/ñ", "=", "#1", "'q'", "日本"]

VIEWS = {
    "items_clean": "SELECT id, s, id % 9 AS kind FROM items WHERE id >= 0",
    "by_kind": "CREATE MATERIALIZED VIEW by_kind PARTITIONED BY (k) AS\nSELECT id, CASE kind "
               + " ".join(f"WHEN {n} THEN '{text.replace(chr(39), chr(39) * 2)}'" for n, text in enumerate(ODD)) + " END AS k FROM items_clean",
    "kinds": "SELECT k, count(*) AS n, max(id) AS most FROM by_kind GROUP BY k",
    "side": "SELECT count(*) AS n FROM items_clean",
    "other": "SELECT max(s) AS s FROM items",
}
REMOVABLE = ("kinds", "side", "other")


class Log:
    """All commits of one table that ever were."""

    def __init__(self):
        self.commits: dict[int, list[dict]] = {}

    def absorb(self, folder: pathlib.Path) -> None:
        for path in (folder / "_delta_log").glob("*.json"):
            if path.stem.isdigit() and int(path.stem) not in self.commits:
                self.commits[int(path.stem)] = [json.loads(line) for line in path.read_text().splitlines() if line]

    @property
    def latest(self) -> int:
        return max(self.commits)

    def files(self, version: int) -> set[str]:
        """The paths of the files of a version, by replay from the beginning."""
        active: set[str] = set()
        for number in range(version + 1):
            for action in self.commits[number]:
                if "remove" in action:
                    active.discard(urllib.parse.unquote(action["remove"]["path"]))
            for action in self.commits[number]:
                if "add" in action:
                    active.add(urllib.parse.unquote(action["add"]["path"]))
        return active

    def recorded(self, version: int) -> dict | None:
        """What Weir recorded in a commit of rows; nothing in one of maintenance."""
        for action in self.commits[version]:
            if "commitInfo" in action:
                return action["commitInfo"].get("weir")
        return None

    def build(self, version: int) -> int:
        """The last commit of rows up to a version."""
        return max(number for number in self.commits if number <= version and self.recorded(number) is not None)


class Model:
    """What a warehouse has to keep."""

    def __init__(self):
        self.logs: dict[str, Log] = {}
        self.runs: list[dict] = []  # oldest first: run_id, tag, versions by view
        self.rows: dict[tuple[str, int], str] = {}
        self.unseen: set[str] = set()  # tables without a view that no gc has seen
        self.seen: set[str] = set()

    def absorb(self, project: Project) -> None:
        for folder in project.warehouse.iterdir():
            if (folder / "_delta_log").is_dir() and folder.name != "_weir":
                self.logs.setdefault(folder.name, Log()).absorb(folder)

    def note_run(self, project: Project, run_id: str, tag: str | None, views: set[str]) -> None:
        self.absorb(project)
        versions = {view: self.logs[view].latest for view in views}
        self.runs.append({"run_id": run_id, "tag": tag, "versions": versions})
        self.note_rows(project)
        self.seen -= views

    def note_rows(self, project: Project) -> None:
        """What the newest version of each table holds while it is new."""
        for table, log in self.logs.items():
            if project.table_path(table).exists() and (table, log.latest) not in self.rows:
                self.rows[table, log.latest] = rows_hash(project.read(table))

    def needed(self, runs: int, first: dict[str, int]) -> dict[str, set[int]]:
        """By table: versions of the last runs and of the newest run of each tag, what their builds read, and what was published last.
        `first`: of each table, the first version that an earlier gc has left in the log."""
        newest = {run["tag"]: run["run_id"] for run in self.runs if run["tag"]}
        kept = self.runs[-runs:] if runs else []
        kept = kept + [run for run in self.runs if run["run_id"] in newest.values()]
        direct: dict[str, set[int]] = {}
        for run in kept:
            for view, version in run["versions"].items():
                # A table that was dropped and built again has other versions of the same numbers: they stay, which does no harm.
                if view in self.logs and first[view] <= version <= self.logs[view].latest:
                    direct.setdefault(view, set()).add(version)
        ids = {run["run_id"] for run in kept}
        for table, log in self.logs.items():
            direct.setdefault(table, set()).update(
                n for n in log.commits if n >= first[table] and (log.recorded(n) or {}).get("run_id") in ids)
        needed = {table: set(versions) for table, versions in direct.items()}
        for table, versions in direct.items():
            for version in versions:
                pins = json.loads(self.logs[table].recorded(self.logs[table].build(version))["pins"])
                for read, pinned in pins.items():
                    if read in self.logs and first[read] <= pinned <= self.logs[read].latest:
                        needed.setdefault(read, set()).add(pinned)
        for view, version in self.runs[-1]["versions"].items():  # the last published set
            if first[view] <= version <= self.logs[view].latest:
                needed.setdefault(view, set()).add(version)
        return needed


class GcCase(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "p")
        self.settings()
        self.project.write("sources/items.sql", "CREATE EXTERNAL TABLE items (id BIGINT, s VARCHAR)\nSTORED AS CSV LOCATION 'data/items.csv'\n"
                           "OPTIONS ('has_header' 'true');\n")
        self.rows(60)

    def settings(self, runs: int = 0, days: int = 0, removed_views_days: int = 0, more: str = "") -> None:
        self.project.write("weir.toml", '[project]\nname = "p"\nwarehouse = "warehouse"\n\n[retention]\n'
                           f"runs = {runs}\ndays = {days}\nremoved_views_days = {removed_views_days}\n{more}")

    def rows(self, count: int, shift: int = 0) -> None:
        self.project.write("data/items.csv", "id,s\n" + "".join(f"{n},{n + shift}\n" for n in range(count)))

    def gc(self, *arguments: str) -> dict:
        return self.project.succeed("gc", "--format", "json", *arguments).json()

    def data_files(self, table: str) -> set[str]:
        folder = self.project.table_path(table)
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "_delta_log" not in path.parts}

    def versions_on_disk(self, table: str) -> list[int]:
        return sorted(int(name[:20]) for name in self.project.log_files(table))

    def rows_of(self, table: str, version: int) -> str:
        return rows_hash(deltalake.DeltaTable(str(self.project.table_path(table)), version=version).to_pyarrow_table())

    @staticmethod
    def actions(report: dict, *kinds: str) -> set[tuple]:
        return {(a["table"], a["action"], a["path"]) for a in report["actions"] if not kinds or a["action"] in kinds}


class RandomSequencesTest(GcCase):
    """Runs, edits, tags, removed views and rests of killed writers in random order, with random settings."""

    def test_random_sequences(self):
        for number in range(SEQUENCES):
            with self.subTest(seed=SEED + number):
                self.random = random.Random(SEED + number)
                shutil.rmtree(self.project.folder / "warehouse", ignore_errors=True)
                shutil.rmtree(self.project.folder / ".weir", ignore_errors=True)
                self.sequence()

    def sequence(self) -> None:
        self.model = Model()
        self.present = set(VIEWS)
        self.texts = dict(VIEWS)
        for view, text in VIEWS.items():
            self.project.write(f"views/{view}.sql", text + "\n")
        self.shift, self.count = 0, 60
        self.run_project()
        for _ in range(self.random.randint(18, 28)):
            self.random.choice([self.edit_data, self.edit_data, self.edit_view, self.run_project, self.run_project, self.run_project,
                                self.remove_view, self.bring_view_back, self.leave_rests, self.collect, self.collect])()
        self.collect()
        summary = self.project.run()
        self.assertEqual(self.project.run()["views"]["run"], 0, summary)
        # Artifacts were put together meanwhile: no run is lost, none is there twice.
        self.assertEqual(len(self.project.artifact("runs")), len(self.model.runs) + 2)

    def edit_data(self):
        """Often with the same ids: then what does not read `s` is reused, over a version of its upstream that no run reads any more."""
        self.shift += 1
        self.count = self.random.choice([self.count, self.count, self.random.randint(20, 90)])
        self.rows(self.count, self.shift)

    def edit_view(self):
        view = self.random.choice(sorted(self.present))
        if view == "by_kind":
            return
        self.texts[view] = VIEWS[view] + self.random.choice(["", " LIMIT 1000", " LIMIT 1001", "\n-- a comment"])
        self.project.write(f"views/{view}.sql", self.texts[view] + "\n")

    def run_project(self):
        tag = self.random.choice([None, None, None, "release", "a tag"])
        options = (["--tag", tag] if tag else []) + (["--force"] if self.random.random() < 0.3 else [])
        self.model.note_run(self.project, self.project.run(*options)["run_id"], tag, set(self.present))

    def remove_view(self):
        view = self.random.choice(REMOVABLE)
        (self.project.folder / f"views/{view}.sql").unlink(missing_ok=True)
        self.present.discard(view)

    def bring_view_back(self):
        view = self.random.choice(REMOVABLE)
        self.project.write(f"views/{view}.sql", self.texts[view] + "\n")
        self.present.add(view)

    def leave_rests(self):
        for path in ("by_kind/k=a%20b/part-left.parquet", "items_clean/part-left.parquet#1"):
            file = self.project.warehouse / path
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(b"left")

    def collect(self):
        runs = self.random.choice([0, 1, 2, 3, 5])
        self.settings(runs=runs)
        before = self.project.all_files()
        first = {table: self.versions_on_disk(table)[0] for table in self.model.logs}
        files = {table: self.data_files(table) for table in self.model.logs}
        planned = self.gc("--dry-run")
        self.assertEqual(self.project.all_files(), before, "a dry run removes nothing")
        done = self.gc()
        self.assertEqual(self.actions(planned), self.actions(done))
        self.assertEqual((planned["files"], planned["bytes"]), (done["files"], done["bytes"]))
        after = self.project.all_files()
        gone = set(before) - set(after)
        self.assertEqual(sum(before[path][0] for path in gone),
                         sum(a["bytes"] for a in done["actions"] if a["action"] in ("remove_file", "remove_log", "drop_table")
                             and not a["table"].startswith("weir.")))
        self.check(self.model.needed(runs, first), files, done)

    def check(self, needed: dict[str, set[int]], before: dict[str, set[str]], done: dict) -> None:
        for table, log in list(self.model.logs.items()):
            folder = self.project.table_path(table)
            if table not in self.present:
                seen = table in self.model.seen
                self.model.seen.add(table)
                if seen and not needed.get(table):
                    self.assertFalse(folder.exists(), table)
                    del self.model.logs[table]
                    self.model.rows = {key: rows for key, rows in self.model.rows.items() if key[0] != table}
                    self.model.seen.discard(table)
                    continue
                wanted = "await_removed_view" if seen else "see_removed_view"
                self.assertIn((table, wanted, None), self.actions(done))
            log.absorb(folder)
            kept = needed.get(table, set()) | {log.latest}
            # What an earlier gc, with other settings, has taken is gone.
            whole = {version for version in kept if log.files(version) <= before[table]}
            self.assertIn(log.latest, whole)
            wanted_files = set().union(*(log.files(version) for version in kept)) & before[table]
            self.assertEqual(self.data_files(table), wanted_files, table)
            for version in whole:
                self.assertEqual(self.rows_of(table, version), self.model.rows[table, version], (table, version))
            # Another reader opens the files that the model names, without the log.
            files = [str(folder / path) for path in log.files(log.latest)]
            [(count,)] = duckdb.execute("SELECT count(*) FROM read_parquet($files, union_by_name = true, hive_partitioning = false)", {"files": files}).fetchall()
            self.assertEqual(count, self.project.read(table).num_rows, table)
            # The log begins with the last checkpoint that the kept versions and the last build allow.
            least = min(kept | {log.build(version) for version in kept})
            checkpoints = [int(path.name[:20]) for path in (folder / "_delta_log").glob("*.checkpoint.parquet")]
            base = max((version for version in checkpoints if version <= least), default=0)
            self.assertEqual(self.versions_on_disk(table), list(range(base, log.latest + 1)), table)



class SmallFilesTest(GcCase):
    """Small files of a view's table are put together in a version of the same rows."""

    def setUp(self):
        super().setUp()
        many = "\nUNION ALL ".join(f"SELECT id, s, id / 12 % 2 AS k, {n} AS part FROM items WHERE id % 12 = {n}" for n in range(12))
        self.project.write("views/many.sql", many + "\n")
        self.project.write("views/parts.sql", "CREATE MATERIALIZED VIEW parts PARTITIONED BY (k) AS\nSELECT s, part, CASE WHEN k = 0 THEN 'a b%41/ü' END AS k "
                           f"FROM (\n{many}\n)\n")
        self.project.write("views/reader.sql", "SELECT sum(id) AS n FROM many\n")
        self.project.write("views/few.sql", "SELECT id FROM items\n")
        self.project.run()

    def test_second_run_does_nothing_and_readers_read_what_was_put_together(self):
        self.assertGreaterEqual(len(self.data_files("many")), 10)
        self.assertGreaterEqual(len(self.data_files("parts")), 20)
        rows = {table: rows_hash(self.project.read(table)) for table in ("many", "parts", "few")}
        contents = {row["view_name"]: row["content_hash"] for row in self.project.artifact("writes")}
        report = self.gc()
        self.assertEqual({(a["table"], a["action"]) for a in report["actions"] if not a["table"].startswith("weir.")},
                         {("many", "compact"), ("parts", "compact")})
        self.assertEqual(len(self.project.delta("many").file_uris()), 1)
        self.assertEqual(len(self.project.delta("parts").file_uris()), 2)
        for table, hashed in rows.items():
            self.assertEqual(rows_hash(self.project.read(table)), hashed, table)
            self.assertEqual(self.rows_of(table, 0), hashed, table)
        with self.subTest("the commit says that no data changed"):
            lines = (self.project.table_path("many") / "_delta_log" / f"{1:020}.json").read_text().splitlines()
            actions = [json.loads(line) for line in lines]
            self.assertTrue(all(action[kind]["dataChange"] is False for action in actions for kind in ("add", "remove") if kind in action))
            self.assertFalse(any("metaData" in action or "protocol" in action for action in actions))
        self.assertEqual(self.project.run()["views"], {"run": 0, "reused": 4, "failed": 0, "blocked": 0})
        self.assertEqual({view["code"] for view in self.project.succeed("plan", "--format", "json").json()["views"]}, {"unchanged"})
        # The versions before are not needed by any run that is kept; without them the reader is built again and finds the same.
        self.assertEqual(len([a for a in self.gc()["actions"] if a["table"] == "many" and a["action"] == "remove_file"]), 12)
        self.assertEqual(len(self.data_files("many")), 1)
        before = self.project.sql("SELECT n FROM reader")
        self.assertEqual(self.project.run("--force", "--select", "reader")["views"]["run"], 1)
        self.assertEqual(self.project.sql("SELECT n FROM reader"), before)
        self.assertEqual({row["version"] for row in self.project.artifact("scan_units") if row["view_name"] == "reader"}, {0, 1})
        self.project.run("--force")
        self.assertEqual({row["view_name"]: row["content_hash"] for row in self.project.artifact("writes")}, contents)
        self.assertIn(("many", "compact", None), self.actions(self.gc("--dry-run")))

    def test_many_partitions_are_put_together_some_at_a_time(self):
        branches = "\nUNION ALL ".join(f"SELECT id, CAST(id % 150 AS VARCHAR) AS k FROM items WHERE id / 150 = {n}" for n in range(11))
        self.rows(150 * 11)
        self.project.write("views/wide.sql", f"CREATE MATERIALIZED VIEW wide PARTITIONED BY (k) AS {branches}\n")
        self.project.run()
        self.assertEqual(len(self.data_files("wide")), 150 * 11)
        rows = rows_hash(self.project.read("wide"))
        self.gc()
        self.assertEqual(len(self.project.delta("wide").file_uris()), 150)
        self.assertEqual(rows_hash(self.project.read("wide")), rows)
        self.assertEqual(self.project.run()["views"]["run"], 0)
        self.gc()
        self.assertEqual(len(self.data_files("wide")), 150)

    def test_values_of_all_types_stay_what_they_are(self):
        columns = """id, DATE '2024-02-29' + CAST(id % 2 AS INT) AS d, CAST(id * 1000 AS TIMESTAMP) AS t, arrow_cast(CAST(id AS TIMESTAMP), 'Timestamp(Microsecond, Some("UTC"))') AS z,
            CAST(id AS DECIMAL(20, 3)) / 7 AS n, id % 2 = 0 AS b, CASE WHEN id % 3 > 0 THEN s END AS s, make_array(id, NULL, id + 1) AS l, named_struct('x', id, 'y', s) AS st,
            MAP(['k', s], [id, NULL]) AS m, CAST(s AS BYTEA) AS bin, CAST(id AS DOUBLE) / 3 AS f, CAST(id % 100 AS TINYINT) AS tiny"""
        partitions = {"pd": "DATE '2024-02-29' + CAST(id % 2 AS INT)", "pt": "CAST(1700000000123456 + id % 2 AS TIMESTAMP)",
                      "pz": "arrow_cast(CAST(1700000000123456 AS TIMESTAMP), 'Timestamp(Microsecond, Some(\"UTC\"))')", "pn": "CAST(id % 2 AS DECIMAL(10, 2)) / 4",
                      "pb": "id % 2 = 0", "ps": "CASE id % 2 WHEN 0 THEN ' =%/é\\' END", "pf": "CAST(id % 2 AS DOUBLE) / 3"}
        typed = ", ".join(f"{text} AS {name}" for name, text in partitions.items())
        branches = "\nUNION ALL ".join(f"SELECT {columns}, {typed} FROM items WHERE id / 5 = {n}" for n in range(12))
        self.project.write("views/types.sql", f"CREATE MATERIALIZED VIEW types PARTITIONED BY ({', '.join(partitions)}) AS {branches}\n")
        self.project.run()

        def state() -> tuple[str, str, set[str]]:
            table = self.project.delta("types")
            actions = pyarrow.table(table.get_add_actions()).to_pylist()
            return (rows_hash(table.to_pyarrow_table()), str(table.schema().to_json()), {json.dumps(action["partition"], default=str) for action in actions})

        before = state()
        self.assertEqual(len(before[2]), 2)
        self.assertEqual(len(self.data_files("types")), 24)
        self.assertIn(("types", "compact", None), self.actions(self.gc()))
        self.assertEqual(len(self.project.delta("types").file_uris()), 2)
        self.assertEqual(state(), before)
        self.assertEqual(self.project.run()["views"]["run"], 0)

    def test_run_that_is_kept_keeps_the_version_that_it_read(self):
        self.settings(runs=1)
        rows = rows_hash(self.project.read("many"))
        self.gc()
        self.assertNotIn("many", {a["table"] for a in self.gc()["actions"]}, "the run that built it needs version 0")
        self.assertEqual(self.rows_of("many", 0), rows)
        self.project.run()
        self.assertNotIn("many", {a["table"] for a in self.gc()["actions"]}, "what the last run reused was built from version 0")
        self.project.run("--force", "--select", "reader")
        self.assertIn("many", {a["table"] for a in self.gc()["actions"]})
        self.assertEqual(self.rows_of("many", 1), rows)


class LogTest(GcCase):
    def setUp(self):
        super().setUp()
        self.project.write("views/v.sql", "SELECT id, s FROM items\n")

    def build(self, times: int) -> None:
        for n in range(times):
            self.rows(10, n)
            self.project.run("--force")

    def test_log_begins_with_a_checkpoint_that_kept_versions_allow(self):
        self.settings(runs=6)
        self.build(25)
        kept = {version: self.rows_of("v", version) for version in range(19, 25)}
        self.gc()
        self.assertEqual(self.versions_on_disk("v"), list(range(10, 25)), "19 needs the checkpoint of 10")
        self.assertEqual({version: self.rows_of("v", version) for version in kept}, kept)
        self.settings(runs=5)
        self.gc()
        self.assertEqual(self.versions_on_disk("v"), list(range(20, 25)))
        self.assertEqual({version: self.rows_of("v", version) for version in range(20, 25)}, {v: kept[v] for v in range(20, 25)})
        self.assertEqual(self.project.run()["views"]["reused"], 1)
        path = str(self.project.table_path("v")).replace("'", "''")
        for version in range(20, 25):
            [row] = self.project.sql(f"SELECT max(s) AS s FROM delta_scan('{path}', version => {version}) WHERE id = 0")
            self.assertEqual(row["s"], str(version))

    def test_log_retention_of_the_table_is_respected(self):
        self.project.write("views/v.sql", "CREATE MATERIALIZED VIEW v TBLPROPERTIES ('delta.logRetentionDuration' = 'interval 1 day') AS SELECT id, s FROM items\n")
        self.build(12)
        self.gc()
        self.assertEqual(self.versions_on_disk("v"), list(range(12)))
        self.assertEqual(len(self.data_files("v")), 1)
        for path in (self.project.table_path("v") / "_delta_log").glob("*.json"):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            lines[0]["commitInfo"]["timestamp"] -= 2 * 86_400_000
            path.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
        self.gc()
        self.assertEqual(self.versions_on_disk("v"), [10, 11])

    def test_files_stay_as_long_as_the_table_says(self):
        self.project.write("views/v.sql", "CREATE MATERIALIZED VIEW v TBLPROPERTIES ('delta.deletedFileRetentionDuration' = 'interval 2 hours') AS SELECT id, s FROM items\n")
        self.build(4)
        self.assertEqual(self.gc()["files"], 0)
        # Version 1 took the place of 0 three hours ago, the others did so just now.
        path = self.project.table_path("v") / "_delta_log" / f"{1:020}.json"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        lines[0]["commitInfo"]["timestamp"] -= 3 * 3_600_000
        path.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
        gone = self.actions(self.gc(), "remove_file")
        self.assertEqual(len(gone), 1)
        self.assertIn("only version 0", [a["reason"] for a in self.project.artifact("maintenance") if a["action"] == "remove_file"][0])
        self.rows_of("v", 1)

    def test_checkpoint_that_contradicts_the_log_is_no_ground_to_remove_it(self):
        self.build(12)
        log = self.project.table_path("v") / "_delta_log"
        self.project.write("views/other.sql", "SELECT s FROM items\n")
        for n in range(10):
            self.project.run("--force")
        other = self.project.table_path("other") / "_delta_log" / f"{9:020}.checkpoint.parquet"
        self.assertFalse(other.exists())
        good = log / f"{10:020}.checkpoint.parquet"
        for damage in ("truncated", "another"):
            with self.subTest(damage):
                kept = good.read_bytes()
                if damage == "truncated":
                    good.write_bytes(kept[:len(kept) // 2])
                else:
                    table = pyarrow.parquet.read_table(good)
                    pyarrow.parquet.write_table(table.filter([value is None for value in table.column("add").to_pylist()]), good)
                # The one of version 20 is whole, but a run that is kept needs version 12.
                self.settings(runs=10)
                outcome = self.project.weir("gc", "--format", "json")
                self.assertEqual(outcome.code, 3, outcome.text)
                self.assertIn("table `v`", outcome.stderr)
                self.assertEqual(self.versions_on_disk("v")[0], 0)
                good.write_bytes(kept)
        self.gc()
        self.assertEqual(self.versions_on_disk("v")[0], 10)

    def test_long_tail_gets_a_checkpoint(self):
        self.build(15)
        log = self.project.table_path("v") / "_delta_log"
        for path in [*log.glob("*.checkpoint.parquet"), log / "_last_checkpoint"]:
            path.unlink()
        self.assertIn(("v", "write_checkpoint", None), self.actions(self.gc()))
        self.assertEqual([path.name for path in log.glob("*.checkpoint.parquet")], [f"{14:020}.checkpoint.parquet"])
        self.assertEqual(self.versions_on_disk("v"), list(range(15)))
        self.gc()
        self.assertEqual(self.versions_on_disk("v"), [14])
        self.assertEqual(self.project.run()["views"]["reused"], 1)

    def test_changes_that_no_kept_version_has_are_removed(self):
        self.project.run()
        folder = self.project.table_path("v")
        (folder / "_change_data").mkdir()
        for version in (1, 2):
            (folder / f"_change_data/cdc-{version}.parquet").write_bytes(b"changes")
            commit = [{"commitInfo": {"timestamp": 1, "operation": "OPTIMIZE", "engineInfo": "another"}},
                      {"cdc": {"path": f"_change_data/cdc-{version}.parquet", "partitionValues": {}, "size": 7, "dataChange": False}}]
            (folder / "_delta_log" / f"{version:020}.json").write_text("\n".join(json.dumps(action) for action in commit) + "\n")
        self.assertEqual(self.actions(self.gc()), set(), "version 0 is published")
        self.project.run()
        self.assertEqual(self.actions(self.gc()), {("v", "remove_file", "_change_data/cdc-1.parquet")})


class RemovedViewsTest(GcCase):
    def setUp(self):
        super().setUp()
        self.project.write("views/v.sql", "SELECT id, s FROM items\n")
        self.project.write("views/gone.sql", "SELECT id FROM items\n")
        self.project.run()
        (self.project.folder / "views/gone.sql").unlink()

    def act(self) -> set[tuple]:
        return {(a["table"], a["action"]) for a in self.gc()["actions"]}

    def test_it_is_seen_first_and_dropped_when_its_time_is_over(self):
        self.settings(removed_views_days=1)
        self.assertEqual(self.actions(self.gc("--dry-run")), {("gone", "see_removed_view", None)})
        self.assertEqual(self.act(), {("gone", "see_removed_view")}, "a dry run notes nothing")
        self.assertEqual(self.act(), {("gone", "await_removed_view")})
        self.assertEqual(self.project.read("gone").num_rows, 60)
        self.settings(removed_views_days=0)
        report = self.gc()
        self.assertEqual([(a["table"], a["action"]) for a in report["actions"]], [("gone", "await_removed_view")])
        self.assertIn("a published set", report["actions"][0]["reason"])
        self.project.run()
        size = sum(path.stat().st_size for path in self.project.table_path("gone").rglob("*") if path.is_file())
        report = self.gc()
        self.assertEqual([(a["table"], a["action"], a["bytes"]) for a in report["actions"]], [("gone", "drop_table", size)])
        self.assertEqual(report["bytes"], size)
        self.assertFalse(self.project.table_path("gone").exists())
        rows = sorted(self.project.artifact("maintenance"), key=lambda row: row["done_at"])
        self.assertEqual([row["action"] for row in rows], ["see_removed_view", "drop_table"])
        self.assertEqual(self.act(), set())

    def test_view_that_comes_back_and_goes_is_seen_anew(self):
        self.assertEqual(self.act(), {("gone", "see_removed_view")})
        self.project.write("views/gone.sql", "SELECT id FROM items\n")
        self.assertEqual(self.project.run()["views"], {"run": 0, "reused": 2, "failed": 0, "blocked": 0})
        self.assertEqual(self.act(), set())
        (self.project.folder / "views/gone.sql").unlink()
        self.project.run()
        self.assertEqual(self.act(), {("gone", "see_removed_view")})
        self.assertEqual(self.act(), {("gone", "drop_table")})

    def test_run_that_is_kept_keeps_it(self):
        self.settings(runs=1)
        self.act()
        self.assertEqual(self.act(), {("gone", "await_removed_view")})
        self.project.run()
        self.assertEqual(self.act(), {("gone", "drop_table")})

    def test_tag_keeps_it(self):
        self.project.write("views/gone.sql", "SELECT id FROM items\n")
        self.project.run("--tag", "1.0")
        (self.project.folder / "views/gone.sql").unlink()
        for _ in range(3):
            self.project.run()
        self.act()
        self.assertEqual(self.act(), {("gone", "await_removed_view")})
        self.project.run("--tag", "1.0")
        self.assertEqual(self.act(), {("gone", "drop_table")}, "a tag is of the newest run that has it")

    def test_what_others_wrote_is_not_touched(self):
        warehouse = self.project.warehouse
        rows = pyarrow.table({"id": [1, 2]})
        for name in ("foreign", "_weird", "gone_too"):
            deltalake.write_deltalake(str(warehouse / name), rows)
        deltalake.write_deltalake(str(warehouse / "foreign"), rows, mode="overwrite")
        (warehouse / "no_table").mkdir()
        (warehouse / "no_table/part-0.parquet").write_bytes(b"somebody's")
        # A table of Weir under another name, one that another program wrote last, and a link to one outside.
        shutil.copytree(warehouse / "gone", warehouse / "copied")
        shutil.copytree(warehouse / "gone", self.scratch / "outside")
        (warehouse / "linked").symlink_to(self.scratch / "outside")
        deltalake.write_deltalake(str(warehouse / "gone"), rows, mode="overwrite", schema_mode="overwrite")
        before = {path: path.stat().st_mtime_ns for folder in (warehouse, self.scratch / "outside") for path in folder.rglob("*")
                  if "_weir" not in path.parts}
        self.act()
        self.act()
        after = {path: path.stat().st_mtime_ns for folder in (warehouse, self.scratch / "outside") for path in folder.rglob("*")
                 if "_weir" not in path.parts}
        self.assertEqual(before, after)

    def test_table_of_a_view_that_others_wrote_is_not_touched(self):
        """A view's name may be that of a table which was there before, or that another program wrote last."""
        rows = pyarrow.table({"id": [1, 2]})
        for name in ("there", "v"):
            for _ in range(12):
                deltalake.write_deltalake(str(self.project.table_path(name)), rows, mode="overwrite", schema_mode="overwrite")
            (self.project.table_path(name) / "part-left.parquet").write_bytes(b"somebody is writing it")
        self.project.write("views/there.sql", "SELECT id FROM items\n")
        shutil.move(self.project.table_path("gone"), self.scratch / "linked")
        self.project.table_path("gone").symlink_to(self.scratch / "linked")
        self.project.write("views/gone.sql", "SELECT id FROM items\n")
        (self.project.table_path("gone") / "part-left.parquet").write_bytes(b"left elsewhere")
        before = self.project.all_files()
        self.assertEqual(self.act(), set())
        self.assertEqual(self.project.all_files(), before)
        self.assertTrue((self.scratch / "linked/part-left.parquet").exists())

    def test_tables_of_another_project_in_the_same_warehouse_stay(self):
        other = Project(self.scratch / "other")
        other.write("weir.toml", f'[project]\nname = "other"\nwarehouse = "{self.project.warehouse}"\n[retention]\nruns = 0\ndays = 0\nremoved_views_days = 0\n')
        other.write("views/theirs.sql", "SELECT 1 AS n\n")
        other.run()
        other.run("--force")
        self.act()
        self.assertEqual(self.act(), {("gone", "await_removed_view")}, "it is in this project's last set")
        self.project.run()
        self.assertEqual(self.act(), {("gone", "drop_table")})
        self.assertEqual(len(self.data_files("theirs")), 2)
        self.assertEqual({(a["table"], a["action"]) for a in other.succeed("gc", "--format", "json").json()["actions"]}, {("theirs", "remove_file")})
        self.assertTrue(self.project.table_path("v").exists())

    def test_sources_are_not_touched_wherever_they_lie(self):
        self.project.write("views/v.sql", "SELECT id, s FROM items LIMIT 5\n")
        self.project.run()
        (self.project.folder / "link").symlink_to(self.project.warehouse / "gone")
        self.project.write("sources/own.sql", "CREATE EXTERNAL TABLE own STORED AS DELTATABLE LOCATION 'link';\n"
                           "CREATE EXTERNAL TABLE again STORED AS DELTATABLE LOCATION 'warehouse/v';\n")
        (self.project.table_path("v") / "part-left.parquet").write_bytes(b"left")
        self.act()
        self.assertEqual(self.act(), set())
        self.assertEqual(len(self.data_files("v")), 3)
        (self.project.folder / "sources/own.sql").unlink()
        self.assertEqual(self.act(), {("gone", "see_removed_view"), ("v", "remove_file")})

    def test_view_that_became_a_plain_one_has_no_table(self):
        self.project.write("views/gone.sql", "CREATE VIEW gone AS SELECT id FROM items\n")
        self.project.run()
        self.act()
        self.assertEqual(self.act(), {("gone", "drop_table")})


class RestsTest(GcCase):
    def test_everything_is_printed_with_its_reason_and_recorded(self):
        self.project.write("views/v.sql", "SELECT id, s FROM items\n")
        self.project.run()
        self.rows(70)
        self.project.run()
        (self.project.table_path("v") / "part-left.parquet").write_bytes(b"left")
        old = self.data_files("v") - {pathlib.Path(uri).name for uri in self.project.delta("v").file_uris()} - {"part-left.parquet"}
        printed = self.project.succeed("gc", "--dry-run").stdout
        for text in (*old, "part-left.parquet", "no version names it", "no version that is kept holds it, only version 0", "2 files", "`weir gc` removes them"):
            self.assertIn(text, printed)
        report = self.gc()
        self.assertEqual(self.actions(report), {("v", "remove_file", path) for path in (*old, "part-left.parquet")})
        rows = self.project.artifact("maintenance")
        self.assertEqual({(row["gc_id"], row["table_name"], row["action"], row["path"], row["bytes"]) for row in rows},
                         {(report["gc_id"], "v", "remove_file", a["path"], a["bytes"]) for a in report["actions"]})
        self.assertEqual(self.gc()["actions"], [])
        self.assertEqual(len(self.project.artifact("maintenance")), 2, "nothing done, nothing recorded")

    def test_log_that_cannot_be_read_keeps_what_it_may_need(self):
        self.project.write("views/v.sql", "SELECT id, s FROM items\n")
        self.project.write("views/reader.sql", "SELECT count(*) AS n FROM v\n")
        for n in range(3):
            self.rows(60 + n)
            self.project.run()
        (self.project.table_path("v") / "part-left.parquet").write_bytes(b"left")
        damaged = self.project.table_path("reader") / "_delta_log" / f"{1:020}.json"
        whole = damaged.read_text()
        damaged.write_text(whole[:100])
        outcome = self.project.weir("gc", "--format", "json")
        self.assertEqual(outcome.code, 3)
        self.assertIn("table `reader`", outcome.stderr)
        self.assertEqual(self.actions(outcome.json()), {("v", "remove_file", "part-left.parquet")})
        damaged.write_text(whole)
        self.gc()
        self.assertEqual(len(self.data_files("v")), 1)

    def test_table_whose_files_cannot_be_removed_keeps_no_other_from_its_upkeep(self):
        for view in ("a", "b"):
            self.project.write(f"views/{view}.sql", "SELECT id, s FROM items\n")
        self.project.run()
        for view in ("a", "b"):
            (self.project.table_path(view) / "part-left.parquet").write_bytes(b"left")
        self.project.table_path("a").chmod(0o555)
        self.addCleanup(self.project.table_path("a").chmod, 0o755)
        outcome = self.project.weir("gc", "--format", "json", preexec_fn=weir_project.obey_permissions)
        self.assertEqual(outcome.code, 3, outcome.text)
        self.assertIn("table `a`: a file cannot be removed", outcome.stderr)
        self.assertIn("part-left.parquet", outcome.stderr)
        self.assertEqual(self.actions(outcome.json()), {("b", "remove_file", "part-left.parquet")})
        self.assertEqual([row["table_name"] for row in self.project.artifact("maintenance")], ["b"])
        self.project.table_path("a").chmod(0o755)
        self.assertEqual(self.actions(self.gc()), {("a", "remove_file", "part-left.parquet")})

    def test_folders_of_partitions_that_are_no_more_go_with_their_files(self):
        self.project.write("views/p.sql", "CREATE MATERIALIZED VIEW p PARTITIONED BY (k) AS SELECT id, id / 30 AS k FROM items\n")
        self.rows(90)
        self.project.run()
        self.rows(30)
        self.project.run()
        self.gc()
        self.assertEqual({path.name for path in self.project.table_path("p").iterdir()}, {"k=0", "_delta_log"})

    def test_warehouse_that_is_not_there_needs_no_upkeep(self):
        self.project.write("views/v.sql", "SELECT id, s FROM items\n")
        self.assertEqual(self.gc()["actions"], [])

    def test_wrong_settings_are_named(self):
        for text, wanted in (("runs = -1", "a number from 0"), ("days = \"x\"", "an integer is wanted"), ("weeks = 1", "weeks")):
            self.project.write("weir.toml", f"[project]\nname = 'p'\n[retention]\n{text}\n")
            outcome = self.project.weir("gc")
            self.assertEqual(outcome.code, 1)
            self.assertIn(wanted, outcome.stderr)
            self.assertIn("weir.toml:4", outcome.stderr)
        self.assertEqual(self.project.weir("run", "--tag", "").code, 2)


class InterruptedTest(GcCase):
    """A kill at any moment leaves every kept version readable, and the next gc goes on."""

    KILLS = 60 if weir_project.FULL_SCALE else 8

    def setUp(self):
        super().setUp()
        self.settings(runs=2)
        for view in ("items_clean", "by_kind", "kinds", "side"):
            self.project.write(f"views/{view}.sql", VIEWS[view] + "\n")
        for n in range(14):
            self.rows(40 + n, n)
            self.project.run()
        (self.project.folder / "views/side.sql").unlink()
        self.rows(80)
        self.project.run()
        self.settings(runs=1)
        self.kept = {(view, version): self.rows_of(view, version)
                     for view in ("items_clean", "by_kind", "kinds") for version in (14,)}
        for n in range(400):
            (self.project.table_path("side") / f"part-left-{n}.parquet").write_bytes(b"left")
            (self.project.table_path("items_clean") / f"part-left-{n}.parquet").write_bytes(b"left")

    def check(self, project: Project) -> None:
        for (view, version), rows in self.kept.items():
            table = deltalake.DeltaTable(str(project.table_path(view)), version=version)
            self.assertEqual(rows_hash(table.to_pyarrow_table()), rows, (view, version))
            self.assertEqual(table.version(), version)

    def test_kill_at_any_moment(self):
        randomness = random.Random(SEED)
        whole = Project(self.scratch / "whole")
        shutil.copytree(self.project.folder, whole.folder)
        whole.succeed("gc")
        started = time.monotonic()
        whole.succeed("gc")
        self.assertFalse(whole.table_path("side").exists())
        # Most of the time goes into the start of the program.
        seconds = 2 * (time.monotonic() - started)
        killed = 0
        for number in range(self.KILLS):
            project = Project(self.scratch / f"kill{number}")
            shutil.copytree(self.project.folder, project.folder)
            if number % 2 == 0:
                project.succeed("gc")
                for n in range(400):
                    (project.table_path("side") / f"part-left-{n}.parquet").write_bytes(b"left")
            for _ in range(3):
                with project.start("gc") as process:
                    try:
                        process.communicate(timeout=randomness.uniform(0.02, seconds))
                    except subprocess.TimeoutExpired:
                        process.send_signal(signal.SIGKILL)
                        process.communicate()
                        killed += 1
                self.check(project)
            for _ in range(3):
                project.succeed("gc")
            self.check(project)
            self.assertFalse(project.table_path("side").exists(), number)
            self.assertEqual(list((project.warehouse / "_weir/_dropping").glob("*")), [])
            self.assertEqual({str(path.relative_to(project.warehouse)) for path in project.warehouse.rglob("*.parquet") if "_weir" not in path.parts
                              and "_delta_log" not in path.parts},
                             {str(path.relative_to(whole.warehouse)) for path in whole.warehouse.rglob("*.parquet") if "_weir" not in path.parts
                              and "_delta_log" not in path.parts})
            self.assertEqual(project.run()["views"]["failed"], 0)
            self.assertEqual(project.run()["views"], {"run": 0, "reused": 3, "failed": 0, "blocked": 0})
            shutil.rmtree(project.folder)
        self.assertGreater(killed, self.KILLS // 2)

    def test_drop_that_was_begun_goes_on(self):
        """Whatever is left of the table, if only objects of its log."""
        self.project.succeed("gc")
        log = sorted(path.name for path in (self.project.table_path("side") / "_delta_log").iterdir())
        marker = self.project.warehouse / "_weir/_dropping/side"
        for left in range(len(log) + 1):
            with self.subTest(left=left):
                project = Project(self.scratch / f"left{left}")
                shutil.copytree(self.project.folder, project.folder)
                folder = project.table_path("side")
                for path in folder.glob("*.parquet"):
                    path.unlink()
                for name in log[left:]:
                    (folder / "_delta_log" / name).unlink()
                begun = project.warehouse / marker.relative_to(self.project.warehouse)
                begun.parent.mkdir()
                begun.write_text(str(time.time_ns() // 1000))
                report = project.succeed("gc", "--format", "json").json()
                self.assertIn(("side", "drop_table", None), self.actions(report))
                self.assertFalse(folder.exists())
                self.assertFalse(begun.exists())

    def test_view_that_comes_back_while_its_table_is_dropped_is_built(self):
        folder = self.project.table_path("side")
        for path in folder.glob("*.parquet"):
            path.unlink()
        marker = self.project.warehouse / "_weir/_dropping/side"
        marker.parent.mkdir()
        marker.write_text(str(time.time_ns() // 1000))
        self.project.write("views/side.sql", VIEWS["side"] + "\n")
        self.assertEqual(self.project.run()["views"]["run"], 1)
        (self.project.folder / "views/side.sql").unlink()
        self.settings(runs=0)
        self.assertIn(("side", "see_removed_view", None), self.actions(self.gc()), "it was built after the drop was begun")
        self.project.write("views/side.sql", VIEWS["side"] + "\n")
        self.gc()
        self.assertFalse(marker.exists())

    def test_killed_gc_is_no_run(self):
        """The next run records it as one that was killed; it takes no run's place."""
        self.settings(runs=2)
        for _ in range(100):
            with self.project.start("gc") as process:
                time.sleep(0.02)
                process.send_signal(signal.SIGKILL)
                process.communicate()
            self.project.run("--force")
            if [row for row in self.project.artifact("runs") if row["state"] == "killed"]:
                break
        else:
            self.fail("no kill hit a gc that held the lock")
        latest = self.project.delta("items_clean").version()
        self.gc()
        self.rows_of("items_clean", latest - 1)

    def test_killed_run_is_one_of_the_last(self):
        """What it wrote is recorded in the commit alone."""
        self.settings(runs=1)
        self.rows(81)
        shutil.copytree(self.project.warehouse / "_weir", self.scratch / "artifacts")
        run_id = self.project.run()["run_id"]
        shutil.rmtree(self.project.warehouse / "_weir")
        shutil.move(self.scratch / "artifacts", self.project.warehouse / "_weir")
        self.assertNotIn(run_id, {row["run_id"] for row in self.project.artifact("runs")})
        self.gc()
        rows = sorted(self.project.artifact("published"), key=lambda row: row["set_number"])
        published = {row["view_name"]: row["version"] for row in rows}["items_clean"]
        self.assertEqual((len(self.data_files("items_clean")), published), (2, 14))
        self.rows_of("items_clean", 14)
        self.rows_of("items_clean", 15)


class OlderRunsTest(GcCase):
    def test_runs_that_did_not_record_what_they_found_keep_it(self):
        """Runs of an older program: neither tags nor versions of what was reused."""
        self.settings(runs=2)
        self.project.write("views/v.sql", "SELECT id FROM base\n")
        self.project.write("views/base.sql", "SELECT id, s FROM items\n")
        for n in range(4):
            self.rows(50, n)
            self.assertEqual(self.project.run()["views"]["run"], 2 if n == 0 else 1, "only `s` changes")
        for name, column in (("runs", "tag"), ("tasks", "version")):
            table = self.project.read(f"_weir/{name}").drop_columns([column])
            deltalake.write_deltalake(str(self.project.table_path(f"_weir/{name}")), table, mode="overwrite", schema_mode="overwrite")
        self.assertEqual(self.project.delta("v").version(), 0)
        found, wanted = 0, self.rows_of("v", 0)
        self.project.run("--force", "--select", "v")
        self.gc()
        # The last two runs: one that wrote a version, and one that found the version before.
        self.assertEqual(self.rows_of("v", found), wanted)
        self.assertEqual(len(self.data_files("v")), 2)
        self.project.run("--select", "v")
        self.gc()
        self.assertEqual(len(self.data_files("v")), 1)


class ReaderTest(GcCase):
    def test_reader_of_a_kept_version_is_not_disturbed(self):
        self.settings(runs=2)
        self.project.write("views/v.sql", "SELECT id, s FROM items\n")
        problems, stop = [], threading.Event()
        for n in range(11):
            self.rows(50, n)
            self.project.run("--tag", "first") if n == 0 else self.project.run()
        wanted = {version: self.rows_of("v", version) for version in (0, 10)}

        def read() -> None:
            while not stop.is_set():
                for version, rows in wanted.items():
                    try:
                        if self.rows_of("v", version) != rows:
                            problems.append(version)
                    except Exception as error:  # noqa: BLE001: whatever a reader meets is what the test is about
                        problems.append(error)

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for n in range(6):
            for left in range(20):
                (self.project.table_path("v") / f"part-left-{left}.parquet").write_bytes(b"left")
            self.gc()
            if n % 3 == 0:
                self.project.run()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])


class BucketTest(ProjectCase):
    """A warehouse in an object store, with odd names in the keys."""

    def setUp(self):
        super().setUp()
        endpoint = serve_buckets(self)
        self.options = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint,
                        "AWS_ALLOW_HTTP": "true"}
        self.client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret")
        self.client.create_bucket(Bucket="lake")
        self.project = Project(self.scratch / "p")
        self.project.write("weir.toml", '[project]\nname = "remote"\nwarehouse = "s3://lake/ware house"\n\n[retention]\nruns = 2\ndays = 0\n'
                           'removed_views_days = 0\n\n[object_stores."s3://lake"]\naws_access_key_id = "key"\naws_secret_access_key = "secret"\n'
                           f'aws_region = "us-east-1"\naws_endpoint = "{endpoint}"\naws_allow_http = "true"\n')
        self.project.write("sources/items.sql", "CREATE EXTERNAL TABLE items (id BIGINT, s VARCHAR)\nSTORED AS CSV LOCATION 'data/items.csv'\n"
                           "OPTIONS ('has_header' 'true');\n")
        for view in ("items_clean", "by_kind", "side"):
            self.project.write(f"views/{view}.sql", VIEWS[view] + "\n")
        self.project.write("views/odd.sql", 'CREATE MATERIALIZED VIEW "o%41 d-ü" AS SELECT id FROM items\n')

    def keys(self) -> dict[str, int]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket="lake")
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", []) if "/_weir/_runs/" not in entry["Key"]}

    def data_keys(self) -> set[str]:
        return {key for key in self.keys() if "/_weir/" not in key and "/_delta_log/" not in key}

    def table(self, name: str, version: int | None = None) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(f"s3://lake/ware house/{name}", version=version, storage_options=self.options)

    def rows(self, count: int) -> None:
        self.project.write("data/items.csv", "id,s\n" + "".join(f"{n},{n}\n" for n in range(count)))

    def test_kept_versions_stay_and_the_rest_goes(self):
        kept: dict[tuple[str, int], str] = {}
        files: dict[tuple[str, int], set[str]] = {}
        tables = ("items_clean", "by_kind", "side")
        for n in range(12):
            self.rows(20 + n)
            self.project.run()
            for name in tables:
                table = self.table(name)
                kept[name, n] = rows_hash(table.to_pyarrow_table())
                files[name, n] = self.data_keys_of(name)
        left = ["ware house/by_kind/k=a%20b/part-left.parquet", "ware house/by_kind/k=a b/part-left.parquet", "ware house/side/part%41.parquet"]
        for key in left:
            self.client.put_object(Bucket="lake", Key=key, Body=b"left")
        self.client.put_object(Bucket="lake", Key="elsewhere/part-left.parquet", Body=b"somebody's")
        self.client.put_object(Bucket="lake", Key="ware house/no_table/part-left.parquet", Body=b"somebody's")
        before = self.keys()
        planned = self.project.succeed("gc", "--dry-run", "--format", "json").json()
        self.assertEqual(self.keys(), before)
        done = self.project.succeed("gc", "--format", "json").json()
        self.assertEqual(planned["actions"], done["actions"])
        after = self.keys()
        gone = {key: size for key, size in before.items() if key not in after}
        self.assertEqual(sum(gone.values()), done["bytes"])
        self.assertFalse(set(left) & set(after))
        self.assertIn("elsewhere/part-left.parquet", after)
        self.assertIn("ware house/no_table/part-left.parquet", after)
        for name in tables:
            for version in (10, 11):
                self.assertEqual(rows_hash(self.table(name, version).to_pyarrow_table()), kept[name, version], (name, version))
            needed = files[name, 11] - files[name, 9]
            self.assertEqual({key for key in self.data_keys() if key.startswith(f"ware house/{name}/")}, needed, name)
        logs = [key for key in after if key.startswith("ware house/by_kind/_delta_log/") and key.endswith(".json")]
        self.assertEqual(sorted(int(key[-25:-5]) for key in logs), [10, 11])
        self.assertEqual(self.project.run()["views"]["run"], 0)
        with self.subTest("a removed view"):
            for file in ("side", "odd"):
                (self.project.folder / f"views/{file}.sql").unlink()
            self.project.run()
            self.project.run()
            seen = self.project.succeed("gc", "--format", "json").json()["actions"]
            self.assertEqual({a["table"] for a in seen if a["action"] == "see_removed_view"}, {"side", "o%41 d-ü"})
            dropped = self.project.succeed("gc", "--format", "json").json()["actions"]
            self.assertEqual({a["table"] for a in dropped if a["action"] == "drop_table"}, {"side", "o%41 d-ü"})
            self.assertFalse([key for key in self.keys() if key.startswith(("ware house/side/", "ware house/o%41 d", "ware house/_weir/_dropping"))])
            self.assertEqual(self.project.succeed("gc", "--format", "json").json()["actions"], [])

    def data_keys_of(self, name: str) -> set[str]:
        return {key for key in self.data_keys() if key.startswith(f"ware house/{name}/")}


if __name__ == "__main__":
    unittest.main()
