# SPDX-License-Identifier: Apache-2.0
"""Tables that Weir and Spark write to each other: random statements, change feeds, deletion vectors and checkpoints, held to a model in Python.

The long suites run it: Spark is slow, and comes from PyPI and Maven."""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

import pyarrow

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from dml_model import COLUMNS, Model  # noqa: E402
from sql_case import Anywhere  # noqa: E402
from weir_project import FULL_SCALE, ROOT  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
STATEMENTS = 14
PROPERTIES = "TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'delta.enableDeletionVectors' = 'true')"


def text(value):
    return None if value is None else "NaN" if value != value else repr(value)


def bag(rows) -> collections.Counter:
    return collections.Counter(tuple(text(row[column]) for column in COLUMNS) for row in rows)


def bag_of_texts(rows) -> collections.Counter:
    return collections.Counter(tuple(row) for row in rows)


def is_for_spark(sql: str) -> bool:
    """Spark wants the clauses of a MERGE in one order, and of each kind all but the last with a condition."""
    if "REPLACE WHERE" in sql:
        return False
    clauses = [(["MATCHED", "NOT MATCHED", "NOT MATCHED BY SOURCE"].index(kind), bool(condition))
               for kind, condition in re.findall(r"WHEN ((?:NOT )?MATCHED(?: BY SOURCE)?)( AND)?", sql)]
    kinds = [kind for kind, _ in clauses]
    return kinds == sorted(kinds) and all(condition for i, (kind, condition) in enumerate(clauses) if kind in kinds[i + 1:])


@unittest.skipUnless(FULL_SCALE, "Spark is slow: WEIR_TEST_SCALE=full runs it")
class SparkExchange(Anywhere):
    def spark(self, run: list[str], read: dict[str, str]) -> dict:
        jars = subprocess.run([str(ROOT / "scripts" / "fetch_spark_jars.sh")], capture_output=True, text=True, check=True).stdout.strip()
        venv = subprocess.run([str(ROOT / "scripts" / "venv.sh"), str(HERE / "requirements-spark.txt")], capture_output=True, text=True, check=True).stdout.strip()
        done = subprocess.run([f"{venv}/bin/python", str(HERE / "spark_statements.py")], input=json.dumps({"run": run, "read": read}), capture_output=True,
                              text=True, env=os.environ | {"TZ": "UTC", "WEIR_SPARK_JARS": jars}, timeout=900, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        return json.loads(done.stdout)

    def statements(self, seed: int, table: str):
        """Statements that both understand, the rows of each version, and the changes of each commit."""
        # Spark reads two quotes in a text as none, and -0.0 as a decimal.
        model = Model(seed, table, first_rows=120, texts=["a", "b", "ü"], floats=["0.0", "1.5", "CAST('NaN' AS DOUBLE)", "1e300", "-2.25"])
        # Some rows of many, for a deletion vector.
        many = [{"k": i % 12, "s": "a", "f": float(i), "p": "x"} for i in range(400)]
        model.rows = [row for row in many if not (row["k"] == 5 and row["f"] < 100)]
        gone = [row for row in many if row["k"] == 5 and row["f"] < 100]
        run = [f"INSERT INTO {table} VALUES " + ", ".join(f"({row['k']}, 'a', {row['f']}, 'x')" for row in many), f"DELETE FROM {table} WHERE k = 5 AND f < 100"]
        versions = {0: [], 1: many, 2: model.rows}
        changes = {1: [("insert", row) for row in many], 2: [("delete", row) for row in gone]}
        while len(run) < STATEMENTS:
            sql, effect = model.next()
            if not is_for_spark(sql) or effect.ambiguous or not effect.changes:
                continue
            run.append(sql)
            model.rows = effect.rows
            versions[len(run)], changes[len(run)] = effect.rows, effect.changes
        return run, versions, changes

    @staticmethod
    def expected(changes: dict) -> collections.Counter:
        return collections.Counter((*(text(row[column]) for column in COLUMNS), repr(kind), str(at)) for at, of_commit in changes.items() for kind, row in of_commit)

    def test_spark_reads_what_weir_writes_and_weir_what_spark_writes(self):
        self.write("weir.toml", '[project]\nname = "exchange"\n[profiles.default.sql]\nallow = ["query", "dml", "ddl"]\n')
        ours, theirs = self.scratch / "ours", self.scratch / "theirs"
        of_weir, of_spark = self.statements(3, "t"), self.statements(4, f"delta.`{theirs}`")
        self.write("sources/t.sql", f"CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION '{ours}';")
        self.rows(f"CREATE TABLE t (k INT, s VARCHAR, f DOUBLE, p VARCHAR) USING DELTA {PROPERTIES}")
        for sql in of_weir[0]:
            self.rows(sql)
        log = "".join(path.read_text() for path in (ours / "_delta_log").glob("*.json"))
        self.assertIn('"deletionVector"', log)
        self.assertTrue(list((ours / "_delta_log").glob("*.checkpoint*.parquet")))
        create = f"CREATE TABLE delta.`{theirs}` (k INT, s STRING, f DOUBLE, p STRING) USING DELTA {PROPERTIES}"
        found = self.spark([create, *of_spark[0]], {"ours": str(ours), "theirs": str(theirs)})
        for at, rows in of_weir[1].items():
            self.assertEqual(bag_of_texts(found["ours"]["versions"][str(at)]), bag(rows), f"Spark reads version {at}")
        self.assertEqual(bag_of_texts(found["ours"]["changes"]), self.expected(of_weir[2]))
        for at, rows in of_spark[1].items():
            # The model is of what Spark did, too.
            self.assertEqual(bag_of_texts(found["theirs"]["versions"][str(at)]), bag(rows), f"Spark wrote version {at}")
            self.assertEqual(bag(self.table(f"SELECT * FROM '{theirs}' VERSION AS OF {at}").to_pylist()), bag(rows), f"Weir reads version {at}")
        feed = self.table(f"SELECT * FROM delta_cdf('{theirs}', 1)")
        self.assertEqual(self.of_feed(feed), self.expected(of_spark[2]))
        # And on with the table of the other.
        self.rows(f"DELETE FROM '{theirs}' WHERE k IS NULL")
        self.assertEqual(bag(self.table(f"SELECT * FROM '{theirs}'").to_pylist()), bag(row for row in of_spark[1][STATEMENTS] if row["k"] is not None))

    @staticmethod
    def of_feed(feed: pyarrow.Table) -> collections.Counter:
        return collections.Counter((*(text(row[column]) for column in COLUMNS), repr(row["_change_type"]), str(row["_commit_version"])) for row in feed.to_pylist())


if __name__ == "__main__":
    unittest.main()
