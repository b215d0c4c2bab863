# SPDX-License-Identifier: Apache-2.0
"""Files that nobody needs, and files that are gone.

A write that fails leaves no file (faults A12); what a killed run leaves is listed by `weir gc --dry-run` and removed by `weir gc`. A data
file that vanished from a view's table is noticed by plan and run, and the view is built again (faults A14).
"""

import os
import pathlib
import shutil
import unittest

import deltalake
import pyarrow

from weir_project import Project, ProjectCase


class RemainsCase(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "p")
        self.project.write("weir.toml", '[project]\nname = "p"\nwarehouse = "warehouse"\n')
        self.project.write("sources/items.sql", "CREATE EXTERNAL TABLE items (id BIGINT, s VARCHAR)\nSTORED AS CSV LOCATION 'data/items.csv'\n"
                           "OPTIONS ('has_header' 'true');\n")
        self.rows(20_000)

    def rows(self, count: int, bad: int | None = None) -> None:
        lines = (f"{n},{'x' if n == bad else n}\n" for n in range(count))
        self.project.write("data/items.csv", "id,s\n" + "".join(lines))

    def data_files(self, table: str) -> set[str]:
        folder = self.project.table_path(table)
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "_delta_log" not in path.parts}

    def named_files(self, table: str) -> set[str]:
        if not self.project.log_files(table):
            return set()
        folder = self.project.table_path(table)
        return {str(pathlib.Path(uri.removeprefix("file://")).relative_to(folder)) for uri in self.project.delta(table).file_uris()}


class FailedWritesTest(RemainsCase):
    QUERIES = {
        "plain": "SELECT id, CAST(s AS BIGINT) AS n FROM items\n",
        "parts": "CREATE MATERIALIZED VIEW parts PARTITIONED BY (k) AS SELECT id, CAST(s AS BIGINT) AS n, id % 7 AS k FROM items\n",
        "strict": "CREATE MATERIALIZED VIEW strict (CONSTRAINT c EXPECT (s <> 'x') ON VIOLATION FAIL UPDATE) AS SELECT id, s FROM items\n",
    }

    def test_failed_writes_leave_no_file(self):
        for name, query in self.QUERIES.items():
            self.project.write(f"views/{name}.sql", query)
        self.rows(20_000, bad=19_990)
        self.assertEqual(self.project.weir("run").code, 1)
        for name in self.QUERIES:
            self.assertEqual(self.data_files(name), set(), name)
        self.rows(20_000)
        self.project.run()
        before = {name: self.data_files(name) for name in self.QUERIES}
        self.rows(20_000, bad=19_990)
        for _ in range(3):
            self.assertEqual(self.project.weir("run").code, 1)
        for name in self.QUERIES:
            self.assertEqual(self.data_files(name), before[name], name)
        self.assertEqual(self.project.succeed("gc", "--format", "json").json()["files"], 0)

    def test_interrupted_run_leaves_no_file(self):
        self.project.write("views/plain.sql", "SELECT a.id, b.s FROM items a CROSS JOIN items b\n")
        with self.project.start("run") as process:
            try:
                process.communicate(timeout=1.5)
            except Exception:
                process.terminate()
                process.communicate()
        self.assertEqual(self.data_files("plain"), set())


class GarbageTest(RemainsCase):
    def test_files_that_no_version_names_are_listed_and_removed(self):
        self.project.write("views/v.sql", "SELECT id, s FROM items\n")
        self.project.write("views/w.sql", "CREATE MATERIALIZED VIEW w PARTITIONED BY (k) AS SELECT id, id % 3 AS k FROM items\n")
        self.project.run()
        self.rows(100)
        self.project.run()
        kept = {name: self.data_files(name) for name in ("v", "w")}
        left = {"v/part-00000-left.parquet", "w/k=1/part-left.parquet", "v/part-00001.parquet#3", "v/_delta_log/00000000000000000009.json#1"}
        for path in left:
            (self.project.warehouse / path).write_bytes(b"left")
        listed = self.project.succeed("gc", "--dry-run", "--format", "json").json()
        self.assertEqual({f"{action['table']}/{action['path']}" for action in listed["actions"]}, left)
        self.assertEqual((listed["files"], listed["bytes"], listed["dry_run"]), (4, 16, True))
        self.assertTrue(all((self.project.warehouse / path).exists() for path in left))
        self.assertIn("4 files", self.project.succeed("gc").stdout)
        self.assertEqual({name: self.data_files(name) for name in ("v", "w")}, kept)
        self.assertFalse(any((self.project.warehouse / path).exists() for path in left))
        self.assertEqual(self.project.run()["views"]["reused"], 2)
        # Earlier versions are still there.
        self.assertEqual(deltalake.DeltaTable(str(self.project.table_path("v")), version=0).to_pyarrow_table().num_rows, 20_000)

    def test_first_build_that_was_killed_is_seen(self):
        self.project.write("views/v.sql", "SELECT id, s FROM items\n")
        (self.project.warehouse / "v").mkdir(parents=True)
        (self.project.warehouse / "v" / "part-0.parquet").write_bytes(b"left")
        self.assertEqual(self.project.succeed("gc", "--format", "json").json()["files"], 1)
        self.project.run()


class VanishedFilesTest(RemainsCase):
    def setUp(self):
        super().setUp()
        self.project.write("views/v.sql", "SELECT id, s FROM items\n")
        self.project.write("views/w.sql", "CREATE MATERIALIZED VIEW w PARTITIONED BY (k) AS SELECT id, id % 3 AS k FROM items\n")
        self.project.write("views/reader.sql", "SELECT count(*) AS n FROM v\n")
        self.project.run()
        self.project.succeed("plan")

    def remove(self, table: str) -> pathlib.Path:
        path = self.project.table_path(table) / sorted(self.named_files(table))[0]
        path.unlink()
        return path

    def reason(self, view: str) -> tuple[str, str]:
        [row] = [row for row in self.project.succeed("plan", "--format", "json").json()["views"] if row["view"] == view]
        return row["code"], row["reason"]

    def test_vanished_file_is_built_again(self):
        for table in ("v", "w"):
            with self.subTest(table):
                rows = self.project.read(table).num_rows
                path = self.remove(table)
                code, reason = self.reason(table)
                self.assertEqual(code, "files_missing")
                self.assertIn(path.name, reason)
                summary = self.project.run()
                self.assertEqual((summary["views"]["run"], summary["views"]["reused"]), (1, 2))
                self.assertEqual(self.project.read(table).num_rows, rows)
                self.assertEqual(self.reason(table)[0], "unchanged")

    def test_query_of_a_view_whose_file_is_gone_says_so(self):
        path = self.remove("v")
        outcome = self.project.weir("sql", "--format", "json", "SELECT max(length(s)) AS n FROM v")
        self.assertEqual(outcome.code, 3, outcome.text)
        self.assertEqual(outcome.stdout, "")
        self.assertIn(path.name, outcome.stderr)
        self.assertIn("`v`", outcome.stderr)
        self.assertIn("weir run", outcome.stderr)
        self.assertNotIn("os error", outcome.stderr)
        self.assertNotIn("Object at location", outcome.stderr)

    def test_table_that_was_removed_is_not_one_that_was_never_built(self):
        shutil.rmtree(self.project.table_path("v"))
        self.assertEqual(self.reason("v"), ("table_removed", "its table was removed"))
        outcome = self.project.weir("sql", "SELECT * FROM v")
        self.assertIn("removed", outcome.stderr)
        self.assertEqual(self.project.run()["views"]["run"], 1)

    def test_table_that_another_program_wrote_is_named_as_such(self):
        deltalake.write_deltalake(str(self.project.table_path("v")), pyarrow.table({"id": [1], "s": ["a"]}), mode="overwrite")
        code, reason = self.reason("v")
        self.assertEqual(code, "table_replaced")
        self.assertIn("another program", reason)

    def test_new_view_was_never_built(self):
        self.project.write("views/new.sql", "SELECT id FROM items\n")
        self.assertEqual(self.reason("new"), ("never_built", "it was never built"))


if __name__ == "__main__":
    unittest.main()
