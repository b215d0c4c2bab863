# SPDX-License-Identifier: Apache-2.0
"""Names of folders and files are what they are on the disk, and are decoded once where a format encodes them.

Fault A7. The right rows are written out here.
"""

import shutil
import unittest

import deltalake
import pyarrow
import pyarrow.parquet

from source_case import SourceCase
from weir_project import Project

NAMES = ["a b", "per%cent", "a%20b", "a#b", "a?b", "a+b", "a&b=c", "ü", "%C3%BC", "100%", 'a"b', "a'b", "a;b", "[x]{y}", "~", "a:b"]


class FolderTest(SourceCase):

    def test_hive_folders_hold_encoded_values(self):
        for folder, text in [("a%20b", "1"), ("a b", "2"), ("x%2Fy", "3"), ("100%", "4"), ("%C3%BC", "5"), ("a%2520b", "6"),
                             ("__HIVE_DEFAULT_PARTITION__", "7"), ("a+b", "8"), ("%FF", "9")]:
            self.file(f"p/k={folder}/f.csv", f"id\n{text}\n")
        self.source("t", "id INT", "p/", partitioned="k VARCHAR")
        wanted = [(1, "a b"), (2, "a b"), (3, "x/y"), (4, "100%"), (5, "ü"), (6, "a%20b"), (7, None), (8, "a+b"), (9, "%FF")]
        self.assertEqual(self.rows("SELECT id, k FROM t ORDER BY id"), wanted)
        self.assertEqual(self.rows("SELECT id FROM t WHERE k = 'a b' ORDER BY id"), [(1,), (2,)])
        self.assertEqual(sorted(self.stored("SELECT id, k FROM t"), key=lambda row: row[0]), wanted)

    def test_hive_folders_of_typed_values(self):
        self.file("p/d=2024-01-31/m=2024-01-31%2010%3A00%3A00/n=1.50/f.csv", "id\n1\n")
        self.file("p/d=__HIVE_DEFAULT_PARTITION__/m=9999-12-31 00%3A00%3A00/n=-2/f.csv", "id\n2\n")
        self.source("t", "id INT", "p/", partitioned="d DATE, m TIMESTAMP, n DECIMAL(4,1)")
        self.assertEqual(self.rows("SELECT id, CAST(d AS VARCHAR) AS d, CAST(m AS VARCHAR) AS m, CAST(n AS VARCHAR) AS n FROM t ORDER BY id"),
                         [(1, "2024-01-31", "2024-01-31T10:00:00", "1.5"), (2, None, "9999-12-31T00:00:00", "-2.0")])

    def test_a_hive_folder_whose_value_is_none_of_the_type(self):
        self.file("p/k=x/f.csv", "id\n1\n")
        self.source("t", "id INT", "p/", partitioned="k INT")
        self.refuse("SELECT id, k FROM t", "x")

    def test_listed_files_of_any_name(self):
        for name in NAMES:
            with self.subTest(name=name):
                shutil.rmtree(self.project.folder / "data", ignore_errors=True)
                self.file(f"{name}/{name}.csv", "id\n1\n")
                location = name.replace("'", "''")
                self.source("t", "id INT", f"{location}/")
                self.source("u", "id INT", f"{location}/{location}.csv")
                self.assertEqual(self.rows("SELECT t.id AS a, u.id AS b FROM t, u"), [(1, 1)])

    def test_delta_tables_in_folders_of_any_name(self):
        for name in NAMES:
            for how in ("plain", "mapped"):
                with self.subTest(name=name, how=how):
                    shutil.rmtree(self.project.folder / "data", ignore_errors=True)
                    folder = self.project.folder / "data" / "table"
                    rows = pyarrow.table({"id": [1, 2], "k": ["a b", "100%/ü"]})
                    mapping = {"delta.columnMapping.mode": "name"} if how == "mapped" else None
                    deltalake.write_deltalake(str(folder), rows, partition_by=["k"], configuration=mapping)
                    folder.rename(folder.parent / name)
                    self.source("t", "", name.replace("'", "''") + "/", "DELTATABLE")
                    self.assertEqual(self.rows("SELECT id, k FROM t ORDER BY id"), [(1, "a b"), (2, "100%/ü")])
                    self.assertEqual(self.rows("SELECT id FROM t WHERE k = '100%/ü'"), [(2,)])


class ProjectTest(SourceCase):

    def read_elsewhere(self, project: Project, name: str) -> list[dict]:
        """A table's rows as another reader sees them, in a folder whose name that reader understands."""
        plain = self.scratch / "plain"
        shutil.rmtree(plain, ignore_errors=True)
        shutil.copytree(project.table_path(name), plain)
        return deltalake.DeltaTable(str(plain)).to_pyarrow_table().to_pylist()

    def test_projects_in_folders_of_any_name(self):
        self.csv("id INT", "id\n1\n")
        self.project.write("views/v.sql", "SELECT id, 'a b' AS k FROM t\n")
        self.project.write("views/w.sql", "SELECT id + 1 AS id FROM v WHERE k = 'a b'\n")
        self.project.write("views/p.sql", "CREATE MATERIALIZED VIEW p PARTITIONED BY (k) AS SELECT id, k || '%20' AS k FROM v\n")
        for name in NAMES:
            with self.subTest(name=name):
                project = Project(self.scratch / "folders" / name)
                shutil.copytree(self.project.folder, project.folder)
                project.run()
                self.assertEqual(project.run()["views"]["run"], 0)
                self.assertEqual(project.sql("SELECT w.id AS id, p.k AS k FROM w, p"), [{"id": 2, "k": "a b%20"}])
                self.assertEqual(self.read_elsewhere(project, "w"), [{"id": 2}])
                self.assertEqual([run["state"] for run in project.sql("SELECT state FROM weir.runs")], ["succeeded"] * 2)

    def test_projects_whose_folders_differ_in_encoding_alone(self):
        for folder, number in [("a b", 1), ("a%20b", 2)]:
            project = Project(self.scratch / folder)
            shutil.copytree(self.project.folder, project.folder)
            project.write("views/v.sql", f"SELECT {number} AS n\n")
        for folder, number in [("a b", 1), ("a%20b", 2)]:
            project = Project(self.scratch / folder)
            project.run()
            self.assertEqual(project.sql("SELECT n FROM v"), [{"n": number}])
        self.assertEqual(Project(self.scratch / "a b").sql("SELECT n FROM v"), [{"n": 1}])

    def test_views_in_files_of_any_name(self):
        names = [name for name in NAMES if name != "~"] + ["~x"]
        for name in names:
            self.project.write(f"views/{name}.sql", "SELECT 1 AS n\n")
        self.project.write("views/reader.sql", "SELECT " + " + ".join(f'"t{i}".n' for i in range(len(names))) + " AS n FROM "
                           + ", ".join(f'"{name.lower()}" AS "t{i}"'.replace('a"b"', 'a""b"') for i, name in enumerate(names)) + "\n")
        self.project.run()
        self.assertEqual(self.project.read("reader").to_pylist(), [{"n": len(names)}])
        self.assertEqual(self.project.run()["views"]["run"], 0)
        for name in names:
            with self.subTest(name=name):
                quoted = name.lower().replace('"', '""')
                self.assertEqual(self.project.sql(f'SELECT n FROM "{quoted}"'), [{"n": 1}])
                self.assertEqual(self.read_elsewhere(self.project, name.lower()), [{"n": 1}])


if __name__ == "__main__":
    unittest.main()
