# SPDX-License-Identifier: Apache-2.0
"""Random sequences of statements over one Delta table, held to a model in plain Python: rows of every version, and the change data of every
commit. Another reader (python deltalake) looks at the table; compactions of that other program stand between the statements."""

import collections
import json
import math
import unittest

import deltalake
import pyarrow

from dml_model import COLUMNS, Model
from sql_case import Anywhere
from weir_project import FULL_SCALE

SCHEMA = pyarrow.schema([("k", pyarrow.int32()), ("s", pyarrow.string()), ("f", pyarrow.float64()), ("p", pyarrow.string())])
SEEDS, STATEMENTS = (60, 60) if FULL_SCALE else (6, 20)
ALLOWED = '[profiles.default.sql]\nallow = ["query", "dml", "ddl"]\n'


def plain(value):
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    return value


def bag(rows) -> collections.Counter:
    return collections.Counter(tuple(plain(row[column]) for column in COLUMNS) for row in rows)


def bag_of_changes(changes) -> collections.Counter:
    return collections.Counter((kind, *(plain(row[column]) for column in COLUMNS)) for kind, row in changes)


class DmlProperty(Anywhere):
    def setUp(self):
        super().setUp()
        self.write("weir.toml", '[project]\nname = "dml"\n' + ALLOWED)
        self.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION 'table';\n")

    def create(self, feed: bool, partitioned: bool, vectors: bool) -> None:
        configuration = {"delta.enableChangeDataFeed": "true"} if feed else {}
        if vectors:
            configuration["delta.enableDeletionVectors"] = "true"
        deltalake.DeltaTable.create(self.scratch / "table", SCHEMA, partition_by=["p"] if partitioned else None, configuration=configuration)

    def other_reader(self, version: int | None = None) -> list[dict]:
        table = deltalake.DeltaTable(self.scratch / "table", version=version)
        return pyarrow.table(deltalake.QueryBuilder().register("t", table).execute("SELECT * FROM t")).to_pylist()

    def run_sequence(self, seed: int) -> None:
        feed, partitioned, vectors = seed % 3 != 1, seed % 4 >= 2, seed % 2 == 1
        self.create(feed, partitioned, vectors)
        model = Model(seed, "t", first_rows=60 if vectors else 6)
        marked = 0
        versions = {0: []}
        changes = {}
        version = 0
        for _ in range(STATEMENTS):
            if model.random.random() < 0.1:
                deltalake.DeltaTable(self.scratch / "table").optimize.compact()
                now = deltalake.DeltaTable(self.scratch / "table").version()
                if now > version:
                    version, changes[now], versions[now] = now, [], model.rows
            sql, effect = model.next()
            note = f"seed {seed}, version {version}: {sql}"
            if effect.ambiguous:
                self.assertIn("by several", self.failure(sql), note)
                continue
            outcome = self.weir("sql", "--format", "json", sql)
            self.assertEqual(outcome.returncode, 0, f"{note}\n{outcome.stderr}")
            did = json.loads(outcome.stdout)[0]
            counted = collections.Counter(kind for kind, _ in effect.changes)
            self.assertEqual((did["rows_inserted"], did["rows_updated"], did["rows_deleted"]),
                             (counted["insert"], counted["update_postimage"], counted["delete"]), note)
            if not effect.changes:
                self.assertEqual(did["version"], version, note)
                continue
            version += 1
            self.assertEqual(did["version"], version, note)
            marked += '"deletionVector"' in (self.scratch / "table" / "_delta_log" / f"{version:020}.json").read_text()
            model.rows = versions[version] = effect.rows
            changes[version] = effect.changes
            found = self.other_reader()
            self.assertEqual(bag(found), bag(effect.rows), note)
        for at, rows in versions.items():
            found = self.other_reader(at)
            self.assertEqual(bag(found), bag(rows), f"seed {seed}, version {at}")
        if not vectors or not partitioned:  # files of a partition are too small
            self.assertEqual(marked > 0, vectors, f"seed {seed}")
        if feed:
            self.check_feed(seed, changes, self.table("SELECT * FROM delta_cdf('./table', 1)"))
            # That other reader does not decode the names of folders, and takes a removed file for one without a vector.
            if not partitioned and not vectors:
                self.check_feed(seed, changes, pyarrow.table(deltalake.DeltaTable(self.scratch / "table").load_cdf(starting_version=1)))
            first = model.random.randrange(1, version + 1)
            last = model.random.randrange(first, version + 1)
            part = {at: of_commit for at, of_commit in changes.items() if first <= at <= last}
            self.check_feed(seed, part, self.table(f"SELECT * FROM delta_cdf('./table', {first}, {last})"))

    def check_feed(self, seed: int, changes: dict, feed: pyarrow.Table) -> None:
        found = collections.defaultdict(collections.Counter)
        for row in feed.to_pylist():
            found[row["_commit_version"]][(row["_change_type"], *(plain(row[column]) for column in COLUMNS))] += 1
        self.assertLessEqual(set(found), set(changes))
        for at, expected in changes.items():
            self.assertEqual(found[at], bag_of_changes(expected), f"seed {seed}, the feed of version {at}")


def add_seed(seed: int) -> None:
    setattr(DmlProperty, f"test_random_statements_{seed}", lambda self: self.run_sequence(seed))


for each in range(SEEDS):
    add_seed(each)

if __name__ == "__main__":
    unittest.main()
