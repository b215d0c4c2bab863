# SPDX-License-Identifier: Apache-2.0
"""What guards do for queries holds for constraints, tests and files of other types than the table: zeros, NaN, casts, guarded evaluation
(faults B3, B7, B8, B9, B18)."""

import decimal
import json
import math
import tempfile
import unittest

import deltalake
import pyarrow
import pyarrow.parquet

from weir_project import Project


class GuardedConstraintsTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="weir-guarded-")
        self.addCleanup(self.scratch.cleanup)
        self.project = Project(self.scratch.name)
        self.project.write("weir.toml", '[project]\nname = "guarded"\n')

    def kept(self, condition: str) -> list[int]:
        """The rows that a constraint leaves."""
        self.project.write("t.csv", "n,x,s,kind,i\n1,-0.0,7,number,1\n2,1.0,x,text,2\n3,NaN,5,number,\n")
        self.project.write("sources/t.sql", "CREATE EXTERNAL TABLE t (n INT, x DOUBLE, s VARCHAR, kind VARCHAR, i INT) STORED AS CSV "
                                            "LOCATION 't.csv' OPTIONS ('has_header' 'true');\n")
        self.project.write("views/v.sql", f"CREATE MATERIALIZED VIEW v (CONSTRAINT c EXPECT ({condition}) ON VIOLATION DROP ROW) AS "
                                          "SELECT * FROM t\n")
        self.project.run()
        return sorted(row["n"] for row in self.project.sql("SELECT n FROM v"))

    def test_constraints_look_at_floats_by_their_value(self):
        self.assertEqual(self.kept("x IN (0.0, 5.0, 6.0, 7.0)"), [1])
        self.assertEqual(self.kept("x > 2.0"), [3])
        self.assertEqual(self.kept("nullif(x, 0.0) IS NULL"), [1])

    def test_constraints_are_guarded_by_what_stands_before(self):
        self.assertEqual(self.kept("kind <> 'number' OR CAST(s AS INT) > 6"), [1, 2])
        self.assertEqual(self.kept("kind = 'number' AND CAST(s AS INT) > 6"), [1])
        self.assertEqual(self.kept("CASE WHEN kind = 'number' THEN CAST(s AS INT) > 6 ELSE true END"), [1, 2])

    def test_constraints_call_what_becomes_a_case(self):
        self.assertEqual(self.kept("coalesce(i, 0) > 0"), [1, 2])
        self.assertEqual(self.kept("nvl(i, 7) = 7"), [3])

    def test_constraints_over_null(self):
        self.assertEqual(self.kept("NOT array_has(make_array(i, 1), 2)"), [1, 3])
        self.assertEqual(self.kept("NOT (i IN (1) AND i IN (2))"), [1, 2])

    def test_files_of_finer_types_than_the_table(self):
        values = [decimal.Decimal("1.10"), decimal.Decimal("2.00"), None]
        pyarrow.parquet.write_table(pyarrow.table({"n": [1, 2, 3], "d": pyarrow.array(values, pyarrow.decimal128(10, 2))}),
                                    self.project.folder / "d.parquet")
        self.project.write("sources/d.sql", "CREATE EXTERNAL TABLE d (n BIGINT, d INT) STORED AS PARQUET LOCATION 'd.parquet';\n")
        self.assertEqual(self.project.sql("SELECT n, d FROM d WHERE d = 1"), [{"n": 1, "d": 1}])

    def test_written_statistics_do_not_hide_nan(self):
        """Other readers sort NaN above all numbers, too, and skip files by what their statistics say."""
        self.project.write("views/v.sql", "SELECT * FROM (VALUES (1, CAST('NaN' AS DOUBLE)), (2, 1.0)) AS t(n, x)\n")
        self.project.run()
        log = sorted((self.project.warehouse / "v" / "_delta_log").glob("*.json"))[-1]
        added = [json.loads(line)["add"] for line in log.read_text().splitlines() if '"add"' in line]
        maxima = json.loads(added[0]["stats"])["maxValues"]
        self.assertEqual(maxima, {"n": 2})
        self.assertEqual([row["n"] for row in self.project.sql("SELECT n FROM v WHERE x > 2.0")], [1])

    def test_deletion_vectors_and_nan(self):
        """delta-rs' own scan answers from statistics and takes columns of one value for constants."""
        table = self.project.folder / "delta"
        deltalake.write_deltalake(str(table), pyarrow.table({"n": [1, 2], "x": [1.5, math.nan]}),
                                  configuration={"delta.columnMapping.mode": "name", "delta.minReaderVersion": "2",
                                                 "delta.minWriterVersion": "5"})
        self.project.write("sources/e.sql", "CREATE EXTERNAL TABLE e STORED AS DELTATABLE LOCATION 'delta';\n")
        self.assertEqual([row["n"] for row in self.project.sql("SELECT n FROM e WHERE x > 2.0")], [2])
        self.assertEqual(self.project.sql("SELECT count(DISTINCT x) AS n FROM e"), [{"n": 2}])
        self.assertEqual(self.project.sql("SELECT max(x) > 2.0 AS e FROM e"), [{"e": True}])


if __name__ == "__main__":
    unittest.main()
