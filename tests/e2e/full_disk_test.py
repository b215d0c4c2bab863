# SPDX-License-Identifier: Apache-2.0
"""A disk that is full at whatever moment: the command says so, every table is as it was, and the next run ends with the tables of a run
that had room. The disk is a small one in memory, of a mount namespace of the test's own.

Environment: WEIR_FULL_DISKS (default 10; 100 with WEIR_TEST_SCALE=full), WEIR_FULL_DISK_SEED (default 1)."""

import ctypes
import os
import pathlib
import random
import shutil
import subprocess
import sys
import unittest

import deltalake
import pyarrow
import pyarrow.parquet

import weir_project
from weir_project import Project, ProjectCase

DISKS = int(os.environ.get("WEIR_FULL_DISKS", "100" if weir_project.FULL_SCALE else "10"))
SEED = int(os.environ.get("WEIR_FULL_DISK_SEED", "1"))
INSIDE = "WEIR_FULL_DISK_INSIDE"
MIB = 1 << 20


def namespace() -> list[str] | None:
    """The command that starts another one in a mount namespace of its own; None where that is not allowed."""
    for command in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        if shutil.which("unshare") and subprocess.run([*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False).returncode == 0:
            return command
    return None


class FullDisk(ProjectCase):
    """Runs itself once more where it may mount."""

    def test_in_a_namespace(self):
        command = namespace()
        if command is None:
            self.skipTest("no mount namespaces here")
        outcome = subprocess.run([*command, sys.executable, "-m", "unittest", "full_disk_test.Inside"], cwd=pathlib.Path(__file__).parent,
                                 env={**os.environ, INSIDE: "1"}, capture_output=True, text=True, check=False)
        self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)
        self.assertNotIn("skipped", outcome.stderr)


@unittest.skipUnless(os.environ.get(INSIDE), "FullDisk runs it")
class Inside(ProjectCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.disk = self.scratch / "disk"
        self.disk.mkdir()
        if ctypes.CDLL(None, use_errno=True).mount(b"tmpfs", str(self.disk).encode(), b"tmpfs", 0, b"size=64m") != 0:
            self.fail(os.strerror(ctypes.get_errno()))
        self.addCleanup(lambda: ctypes.CDLL(None).umount2(str(self.disk).encode(), 2))
        self.project = Project(self.scratch / "project")
        self.project.write("weir.toml", f"[project]\nname = 'full'\nwarehouse = '{self.disk}/lake'\n"
                                        "[profiles.default.sql]\nallow = ['query', 'dml', 'ddl']\n")
        self.rows = 60_000
        self.write_source(0)
        self.project.write("sources/events.sql", f"CREATE EXTERNAL TABLE events STORED AS PARQUET LOCATION '{self.scratch}/events.parquet';")
        self.project.write("views/a.sql", "SELECT id, k, text FROM events")
        self.project.write("views/b.sql", "CREATE MATERIALIZED VIEW b TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', "
                                          "'weir.change_feed' = 'difference') AS SELECT k, count(*) AS n, min(text) AS t FROM a GROUP BY k")
        self.project.write("views/c.sql", "SELECT a.id, b.n, a.text FROM a JOIN b ON a.k = b.k")

    def write_source(self, state: int) -> None:
        draw = random.Random(state)
        keys = [draw.randrange(2000) for _ in range(self.rows)]
        self.table = pyarrow.table({"id": range(self.rows), "k": keys, "text": [f"{draw.random()}" for _ in keys]})
        pyarrow.parquet.write_table(self.table, self.scratch / "events.parquet")

    def tables(self) -> dict:
        """Every row of the views' tables, as another reader sees them; no table counts as none."""
        found = {}
        for name in "abc":
            folder = self.disk / "lake" / name
            if (folder / "_delta_log").is_dir() and any((folder / "_delta_log").glob("*.json")):
                found[name] = weir_project.rows_hash(deltalake.DeltaTable(folder).to_pyarrow_table())
        return found

    def wanted(self) -> dict:
        """By pyarrow alone."""
        rows = self.table.to_pylist()
        groups: dict = {}
        for row in rows:
            groups.setdefault(row["k"], []).append(row["text"])
        b = pyarrow.table({"k": list(groups), "n": [len(texts) for texts in groups.values()], "t": [min(texts) for texts in groups.values()]})
        c = pyarrow.table({"id": [row["id"] for row in rows], "n": [len(groups[row["k"]]) for row in rows], "text": [row["text"] for row in rows]})
        return {"a": weir_project.rows_hash(self.table), "b": weir_project.rows_hash(b), "c": weir_project.rows_hash(c)}

    def fill_up_to(self, free: int) -> pathlib.Path:
        """Leaves so many bytes."""
        file = self.disk / "filler"
        room = shutil.disk_usage(self.disk).free - free
        with open(file, "wb") as out:
            for _ in range(max(0, room) // 65536):
                out.write(b"\0" * 65536)
        return file

    def assert_says_so(self, outcome, what: str) -> None:
        self.assertEqual(outcome.code, 3, f"{what}\n{outcome.text}")
        self.assertRegex(outcome.text, "(?i)no space left|disk is full", what)

    def test_runs(self):
        self.project.run()
        before = self.tables()
        self.assertEqual(before, self.wanted())
        full = 0
        for number in range(1, DISKS + 1):
            self.write_source(number)
            free = self.random.choice([0, self.random.randrange(300_000), self.random.randrange(8 * MIB)])
            what = f"seed {SEED}, disk {number} with {free} bytes"
            filler = self.fill_up_to(free)
            outcome = self.project.weir("run")
            now = self.tables()
            wanted = self.wanted()
            for name, rows in now.items():
                self.assertIn(rows, (before[name], wanted[name]), f"{what}: {name} is neither what it was nor what it is to be")
            if outcome.code != 0:
                full += 1
                self.assert_says_so(outcome, what)
            filler.unlink()
            self.project.run()
            self.assertEqual(self.tables(), wanted, what)
            self.assertEqual(self.project.run()["views"]["run"], 0, what)
            before = wanted
            self.project.succeed("gc")
        self.assertGreater(full, DISKS // 3)

    def test_statements(self):
        table = self.disk / "t"
        deltalake.write_deltalake(table, self.table, configuration={"delta.enableChangeDataFeed": "true"})
        statements = ["UPDATE {t} SET text = text || 'x' WHERE k < 1500", "DELETE FROM {t} WHERE k % 3 = 1", "INSERT INTO {t} SELECT * FROM {t}"]
        for number, statement in enumerate(statements):
            before = weir_project.rows_hash(deltalake.DeltaTable(table).to_pyarrow_table())
            files = {file for file in table.rglob("*") if file.is_file()}
            filler = self.fill_up_to(self.random.randrange(100_000))
            outcome = self.project.weir("sql", statement.format(t=f"'{table}'"))
            self.assert_says_so(outcome, statement)
            self.assertEqual(weir_project.rows_hash(deltalake.DeltaTable(table).to_pyarrow_table()), before, statement)
            self.assertEqual({file for file in table.rglob("*") if file.is_file()}, files, f"{statement}: files are left behind")
            filler.unlink()
            self.project.succeed("sql", statement.format(t=f"'{table}'"))
            self.assertEqual(deltalake.DeltaTable(table).version(), number + 1)


if __name__ == "__main__":
    unittest.main()
