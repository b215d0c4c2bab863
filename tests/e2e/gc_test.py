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

import deltalake
import pyarrow
import weir_project
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
        """By table: versions of the last runs and of the newest run of each tag, and what their builds read. `first`: of each table, the
        first version that an earlier gc has left in the log."""
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
            # The log begins with the last checkpoint that the kept versions and the last build allow.
            least = min(kept | {log.build(version) for version in kept})
            checkpoints = [int(path.name[:20]) for path in (folder / "_delta_log").glob("*.checkpoint.parquet")]
            base = max((version for version in checkpoints if version <= least), default=0)
            self.assertEqual(self.versions_on_disk(table), list(range(base, log.latest + 1)), table)


if __name__ == "__main__":
    unittest.main()
