# SPDX-License-Identifier: Apache-2.0
"""NOT IN over a Parquet file whose NULL stands in a row group of its own, which a filter of the join must not leave out (beside fault B1)."""

import json
import pathlib
import subprocess
import tempfile
import unittest

import pyarrow
import pyarrow.parquet

from weir_project import program


class NotInTest(unittest.TestCase):
    def test_a_null_in_another_row_group_is_seen(self):
        with tempfile.TemporaryDirectory(prefix="weir-not-in-") as scratch:
            folder = pathlib.Path(scratch)
            (folder / "weir.toml").write_text('[project]\nname = "not_in"\n')
            (folder / "sources").mkdir()
            rows = pyarrow.table({"k": pyarrow.array([5, 6, None, None], pyarrow.int64())})
            pyarrow.parquet.write_table(rows, folder / "u.parquet", row_group_size=2)
            (folder / "sources" / "u.sql").write_text("CREATE EXTERNAL TABLE u (k BIGINT) STORED AS PARQUET LOCATION 'u.parquet';\n")
            ids = "(SELECT coalesce(n, 0) AS id FROM (VALUES (1), (2)) AS v (n)) AS t"
            for condition, wanted in (("k IS NULL OR k > 0", []), ("k IS NOT NULL", [{"id": 1}, {"id": 2}])):
                sql = f"SELECT t.id FROM {ids} WHERE t.id NOT IN (SELECT u.k FROM u WHERE {condition}) ORDER BY t.id"
                done = subprocess.run([program(), "sql", "--project", scratch, "--format", "json", sql], capture_output=True, text=True, check=True)
                self.assertEqual(json.loads(done.stdout), wanted, condition)
            sql = f"SELECT t.id FROM {ids} WHERE t.id NOT IN (SELECT u.k FROM u)"
            done = subprocess.run([program(), "sql", "--project", scratch, "--format", "json", sql], capture_output=True, text=True, check=True)
            self.assertEqual(json.loads(done.stdout), [])


if __name__ == "__main__":
    unittest.main()
