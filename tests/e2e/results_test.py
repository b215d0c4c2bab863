# SPDX-License-Identifier: Apache-2.0
"""The tables of the demo hold what two other programs answer to the same SQL, and other Delta readers find what they need."""

import json
import unittest

import pyarrow as pa
import pyarrow.compute as pc

from flights_reference import answer_with_datafusion, answer_with_duckdb, describe_difference
from weir_project import ProjectCase

# The newest protocol that a reader without deletion vectors or column mapping can need: `timestampNtz` is a table feature.
_KNOWN_FEATURES = {"timestampNtz", "appendOnly", "invariants"}
# Types for which Delta keeps the smallest and the greatest value. Booleans, binaries and nested types have none.
_ORDERED_TYPES = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_date, pa.types.is_timestamp,
                  pa.types.is_string, pa.types.is_large_string)


class Results(ProjectCase):
    """One full run, looked at from several sides."""

    def setUp(self):
        super().setUp()
        self.project = self.flights()
        self.summary = self.project.run()

    def test_one_run(self):
        self.check_summary()
        tables = {view.name: self.project.read(view.name) for view in self.project.stored_views()}
        for program, answer in (("DataFusion", answer_with_datafusion), ("DuckDB", answer_with_duckdb)):
            wanted = answer(self.project)
            for name, table in tables.items():
                with self.subTest(view=name, program=program):
                    self.assertIsNone(describe_difference(table, wanted[name]))
        for view in self.project.stored_views():
            with self.subTest(view=view.name, what="log"):
                self.check_log(view, tables[view.name])
        for view in self.project.views():
            if not view.stored:
                self.assertFalse(self.project.table_path(view.name).exists(), f"{view.name} is inlined and has a table")

    def check_summary(self):
        stored = len(self.project.stored_views())
        self.assertGreaterEqual(stored, 20)
        self.assertEqual(self.summary["state"], "succeeded")
        self.assertTrue(self.summary["run_id"])
        counts = {state: self.summary["views"][state] for state in ("run", "reused", "failed", "blocked")}
        self.assertEqual(counts, {"run": stored, "reused": 0, "failed": 0, "blocked": 0})

    def check_log(self, view, table):
        """Protocol versions that common readers have, and statistics of every column they can prune by."""
        delta = self.project.delta(view.name)
        protocol = delta.protocol()
        self.assertLessEqual(protocol.min_reader_version, 3)
        self.assertLessEqual(protocol.min_writer_version, 7)
        self.assertLessEqual(set(protocol.reader_features or []), _KNOWN_FEATURES)
        self.assertLessEqual(set(protocol.writer_features or []), _KNOWN_FEATURES)
        self.assertEqual(tuple(delta.metadata().partition_columns), view.partition_columns)

        adds = self.read_adds(view.name)
        self.assertTrue(adds, "no file was added")
        self.assertEqual(sum(json.loads(add["stats"])["numRecords"] for add in adds), table.num_rows)
        for add in adds:
            self.assertEqual(tuple(add["partitionValues"]), view.partition_columns)
            self.check_statistics(json.loads(add["stats"]), table, view.partition_columns)
        for column in set(table.column_names) - set(view.partition_columns):
            nulls = sum(json.loads(add["stats"])["nullCount"][column] for add in adds)
            self.assertEqual(nulls, table[column].null_count, f"null count of {column}")

    def read_adds(self, name):
        """The add actions in the log of a view's table."""
        log = self.project.table_path(name) / "_delta_log"
        actions = [json.loads(line) for path in sorted(log.glob("*.json")) for line in path.read_text().splitlines()]
        return [action["add"] for action in actions if "add" in action]

    def check_statistics(self, stats, table, partition_columns):
        self.assertGreater(stats["numRecords"], 0)
        for field in table.schema:
            if field.name in partition_columns:
                continue
            self.assertIn(field.name, stats["nullCount"])
            has_values = stats["nullCount"][field.name] < stats["numRecords"]
            if has_values and any(is_ordered(field.type) for is_ordered in _ORDERED_TYPES):
                self.assertIn(field.name, stats["minValues"])
                if pa.types.is_floating(field.type) and pc.any(pc.is_nan(table[field.name])).as_py():
                    # NaN is above all numbers, and JSON has none: no maximum may be claimed.
                    self.assertNotIn(field.name, stats["maxValues"])
                    continue
                self.assertIn(field.name, stats["maxValues"])
                if not pa.types.is_decimal(field.type):
                    self.assertLessEqual(stats["minValues"][field.name], stats["maxValues"][field.name])


class Comparison(unittest.TestCase):
    """The comparison itself sees what it should see."""

    def test_order_of_rows_and_noise_in_floats_do_not_matter(self):
        found = pa.table({"a": [2, 1, 1], "b": [0.3, 0.1 + 0.2, None]})
        self.assertIsNone(describe_difference(found, pa.table({"a": [1, 1, 2], "b": [None, 0.3, 0.3]})))

    def test_a_value_a_row_a_name_or_a_multiplicity_matters(self):
        found = pa.table({"a": [1, 1, 2], "b": [1.0, 1.0, 2.0]})
        for wanted in (
            pa.table({"a": [1, 1, 2], "b": [1.0, 1.0, 2.0001]}),
            pa.table({"a": [1, 2, 2], "b": [1.0, 2.0, 2.0]}),
            pa.table({"a": [1, 2], "b": [1.0, 2.0]}),
            pa.table({"a": [1, 1, 2], "c": [1.0, 1.0, 2.0]}),
            pa.table({"a": [1, 1, None], "b": [1.0, 1.0, 2.0]}),
        ):
            self.assertIsNotNone(describe_difference(found, wanted))


if __name__ == "__main__":
    unittest.main()
