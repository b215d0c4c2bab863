# SPDX-License-Identifier: Apache-2.0
"""Columns of sources: what they declare against what their data has, files that differ from each other, columns that say where a row lies.

The oracles are DuckDB (union_by_name, file_row_number, filename), pyarrow with a model of its own, and delta-rs.
"""

import datetime
import decimal
import itertools
import json
import pathlib
import unittest
import urllib.parse

import deltalake
import duckdb
import pyarrow
import pyarrow.parquet

from handmade_delta import Table, field, metadata, protocol, struct_of
from source_case import SourceCase

DATE, TIME = datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 30, 15, 250000)


def bag(rows) -> list[str]:
    """Rows without their order."""
    return sorted(repr(tuple(row)) for row in rows)


class ContractCase(SourceCase):

    def parquet(self, path: str, columns, schema: pyarrow.Schema | None = None, **options) -> pathlib.Path:
        file = self.file(path, b"")
        table = columns if isinstance(columns, pyarrow.Table) else pyarrow.table(columns, schema=schema)
        pyarrow.parquet.write_table(table, file, **options)
        return file

    def check(self) -> list[dict]:
        """The diagnostics of a check that finds no error."""
        return self.project.succeed("check", "--format", "json").json()["diagnostics"]

    def warnings(self, code: str = "W3007") -> list[str]:
        return [found["message"] for found in self.check() if found["code"] == code]

    def warning(self, code: str = "W3007") -> str:
        found = self.warnings(code)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def error(self, code: str, *wanted: str) -> dict:
        """The one error of a check."""
        outcome = self.project.weir("check", "--format", "json")
        self.assertEqual(outcome.code, 1, outcome.text)
        found = [each for each in outcome.json()["diagnostics"] if each["severity"] == "error"]
        self.assertEqual([each["code"] for each in found], [code], outcome.text)
        for text in wanted:
            self.assertIn(text, found[0]["message"])
        return found[0]

    def table(self, query: str = "SELECT * FROM t") -> pyarrow.Table:
        """What a stored view holds, as delta-rs reads it."""
        self.project.write("views/v.sql", query + "\n")
        self.project.run()
        return self.project.read("v")

    def views_none(self) -> None:
        for file in (self.project.folder / "views").glob("*.sql"):
            file.unlink()


class EvolutionTest(ContractCase):
    """Parquet files of one source that differ, without declared columns."""

    def union(self, folder: str) -> list[dict]:
        """Rows as DuckDB joins the files by the names of their columns."""
        files = str(self.project.folder / "data" / folder / "*.parquet")
        found = duckdb.sql(f"SELECT * FROM read_parquet('{files}', union_by_name=true)").to_arrow_table()
        return found.to_pylist()

    def assert_union(self, folder: str) -> pyarrow.Table:
        self.source("t", "", f"{folder}/", "PARQUET")
        table = self.table()
        wanted = self.union(folder)
        names = sorted(table.column_names)
        self.assertEqual(sorted(wanted[0], key=str), names)
        self.assertEqual(bag([row[name] for name in names] for row in table.to_pylist()),
                         bag([row[name] for name in names] for row in wanted))
        return table

    def test_columns_are_added_and_reordered(self):
        self.parquet("p/a.parquet", {"id": [1, 2], "n": ["a", None]})
        self.parquet("p/b.parquet", {"n": ["c"], "id": [3]})
        self.parquet("p/c.parquet", {"more": [1.5, None], "n": ["d", "e"], "id": [4, 4]})
        self.assert_union("p")
        message = self.warning()
        self.assertIn("source `t`", message)
        self.assertIn("`more` in 1 of 3 files, `data/p/c.parquet`", message)
        self.assertNotIn("`n`", message)

    def test_reordered_columns_alone_are_no_difference(self):
        self.parquet("p/a.parquet", {"id": [1], "n": ["a"]})
        self.parquet("p/b.parquet", {"n": ["b"], "id": [2]})
        self.assert_union("p")
        self.assertEqual(self.warnings(), [])

    def test_types_widen_where_every_value_fits(self):
        cases = {
            "int": (pyarrow.int32(), [1, None, -2**31], pyarrow.int64(), [2**62, -2**63], pyarrow.int64()),
            "small": (pyarrow.int8(), [-128], pyarrow.int16(), [2**15 - 1], pyarrow.int16()),
            "float": (pyarrow.float32(), [1.5, float("nan"), None], pyarrow.float64(), [0.1, float("-inf")], pyarrow.float64()),
            "number": (pyarrow.int32(), [2**31 - 1], pyarrow.float64(), [0.5], pyarrow.float64()),
            "money": (pyarrow.decimal128(6, 2), [decimal.Decimal("1234.56"), None], pyarrow.decimal128(9, 4), [decimal.Decimal("12345.6789")],
                      pyarrow.decimal128(9, 4)),
            "whole": (pyarrow.int64(), [2**62], pyarrow.decimal128(5, 1), [decimal.Decimal("0.5")], pyarrow.decimal128(20, 1)),
            "date": (pyarrow.date32(), [DATE, datetime.date(1, 1, 1), None], pyarrow.timestamp("us"), [TIME], pyarrow.timestamp("us")),
            "time": (pyarrow.timestamp("ms"), [TIME, datetime.datetime(9999, 12, 31)], pyarrow.timestamp("us"), [TIME], pyarrow.timestamp("us")),
            "null": (pyarrow.null(), [None], pyarrow.string(), ["x"], pyarrow.string()),
        }
        for name, (first, values, second, others, wanted) in cases.items():
            for order in (("a", "b"), ("b", "a")):
                with self.subTest(name, order=order):
                    folder = f"{name}-{order[0]}"
                    self.parquet(f"{folder}/{order[0]}.parquet", {"x": pyarrow.array(values, first)})
                    self.parquet(f"{folder}/{order[1]}.parquet", {"x": pyarrow.array(others, second)})
                    self.source("t", "", f"{folder}/", "PARQUET")
                    table = self.table()
                    self.assertEqual(table.schema.field("x").type, wanted)
                    right = pyarrow.concat_arrays([pyarrow.array(values, first).cast(wanted), pyarrow.array(others, second).cast(wanted)])
                    self.assertEqual(bag([value] for value in table["x"].to_pylist()), bag([value] for value in right.to_pylist()))
                    if name != "null":
                        self.assertIn("read as", self.warning())

    def test_filters_see_widened_values(self):
        """Statistics of files and row groups are those of the narrower type."""
        self.parquet("p/a.parquet", {"x": pyarrow.array([1, 2, 3], pyarrow.int32()), "y": pyarrow.array([1.5, 2.5, None], pyarrow.float32())})
        self.parquet("p/b.parquet", {"x": pyarrow.array([2, 2**40], pyarrow.int64()), "y": pyarrow.array([2.5, 0.1], pyarrow.float64())})
        self.source("t", "", "p/", "PARQUET")
        for condition in ("x = 2", "x > 3", "x < 2", "x BETWEEN 2 AND 1099511627776", "y = 2.5", "y < 1", "y IS NULL", "x IN (1, 1099511627776)"):
            with self.subTest(condition):
                wanted = duckdb.sql(f"SELECT x, y FROM read_parquet('{self.project.folder}/data/p/*.parquet', union_by_name=true) WHERE {condition}")
                self.assertEqual(bag(self.rows(f"SELECT x, y FROM t WHERE {condition}")), bag(wanted.fetchall()))
                self.assertEqual(self.rows(f"SELECT count(*) AS n FROM t WHERE {condition}")[0][0], len(wanted.fetchall()))

    def test_nested_fields_are_added(self):
        point = pyarrow.struct([("x", pyarrow.int32())])
        larger = pyarrow.struct([("y", pyarrow.string()), ("x", pyarrow.int64()), ("z", pyarrow.struct([("w", pyarrow.float64())]))])
        small, large = {"x": 1}, {"y": "q", "x": 2**40, "z": {"w": 0.5}}
        filled = {"y": None, "x": 1, "z": None}
        for name, of, wrap in (("struct", lambda t: t, lambda v: v), ("list", pyarrow.list_, lambda v: [v, None]),
                               ("lists", lambda t: pyarrow.struct([("l", pyarrow.list_(t))]), lambda v: {"l": [v]})):
            with self.subTest(name):
                self.parquet(f"{name}/a.parquet", {"id": [1, 2], "s": pyarrow.array([wrap(small), None], of(point))})
                self.parquet(f"{name}/b.parquet", {"id": [3], "s": pyarrow.array([wrap(large)], of(larger))})
                self.source("t", "", f"{name}/", "PARQUET")
                rows = {row["id"]: row["s"] for row in self.table().to_pylist()}
                self.assertEqual(rows, {1: wrap(filled), 2: None, 3: wrap(large)})

    def test_maps_widen_where_their_values_have_no_parts(self):
        self.parquet("p/a.parquet", {"m": pyarrow.array([[("k", 1)], None], pyarrow.map_(pyarrow.string(), pyarrow.int32()))})
        self.parquet("p/b.parquet", {"m": pyarrow.array([[("k", 2**40), ("l", None)], []], pyarrow.map_(pyarrow.string(), pyarrow.int64()))})
        self.source("t", "", "p/", "PARQUET")
        self.assertEqual(bag(row.values() for row in self.table().to_pylist()), bag([([("k", 1)],), (None,), ([("k", 2**40), ("l", None)],), ([],)]))
        struct = pyarrow.struct([("x", pyarrow.int32())])
        self.parquet("q/a.parquet", {"m": pyarrow.array([[("k", {"x": 1})]], pyarrow.map_(pyarrow.string(), struct))})
        self.parquet("q/b.parquet", {"m": pyarrow.array([[("k", 2)]], pyarrow.map_(pyarrow.string(), pyarrow.int64()))})
        self.source("t", "", "q/", "PARQUET")
        self.error("W3008", "`m`", "MAP<VARCHAR, STRUCT<x INT>>", "MAP<VARCHAR, BIGINT>")

    def test_the_columns_do_not_hang_on_the_names_of_files(self):
        tables = [pyarrow.table({"id": pyarrow.array([1], pyarrow.int32()), "Name": ["a"]}),
                  pyarrow.table({"name": ["b"], "id": pyarrow.array([2], pyarrow.int64()), "extra": [True]}),
                  pyarrow.table({"other": [1.5], "id": pyarrow.array([3], pyarrow.int16())})]
        schemas = set()
        for number, order in enumerate(itertools.permutations(tables)):
            for place, table in enumerate(order):
                self.parquet(f"p{number}/{place}.parquet", table)
            self.source("t", "", f"p{number}/", "PARQUET")
            schemas.add(self.table().schema.remove_metadata().to_string())
        self.assertEqual(len(schemas), 1, schemas)
        self.assertEqual(self.project.read("v").schema.field("id").type, pyarrow.int64())

    def test_names_in_upper_case_are_the_same_columns(self):
        self.parquet("p/a.parquet", {"ID": [1], "Amount": [1.5]})
        self.parquet("p/b.parquet", {"id": [2], "amount": [2.5]})
        self.source("t", "", "p/", "PARQUET")
        self.assertEqual(bag(self.rows("SELECT id, amount FROM t")), bag([(1, 1.5), (2, 2.5)]))
        self.assertIn("spelled `ID`, `id`", self.warning())
        # One file that has both makes them two.
        self.parquet("q/a.parquet", {"ID": [1], "id": [2]})
        self.parquet("q/b.parquet", {"id": [3]})
        self.source("t", "", "q/", "PARQUET")
        self.assertEqual(bag(self.rows('SELECT id, "ID" AS other FROM t')), bag([(2, 1), (3, None)]))

    def test_a_column_may_hold_null_where_one_file_lets_it(self):
        schema = pyarrow.schema([pyarrow.field("x", pyarrow.int64(), nullable=False), pyarrow.field("y", pyarrow.int64(), nullable=False)])
        self.parquet("p/a.parquet", {"x": [1], "y": [1]}, schema)
        self.parquet("p/b.parquet", {"x": pyarrow.array([None], pyarrow.int64())})
        self.source("t", "", "p/", "PARQUET")
        self.assertEqual(bag(self.stored("SELECT x, y FROM t")), bag([(1, 1), (None, None)]))
        for condition, wanted in (("x IS NULL", 1), ("y IS NULL", 1), ("x IS NOT NULL", 1)):
            self.assertEqual(self.rows(f"SELECT count(*) AS n FROM t WHERE {condition}"), [(wanted,)])

    def test_folders_are_columns_beside(self):
        self.parquet("p/day=1/a.parquet", {"id": [1]})
        self.parquet("p/day=2/b.parquet", {"more": ["x"], "id": [2], "day": [99]})
        self.source("t", "", "p/", "PARQUET", partitioned="day")
        self.assertEqual(bag(self.rows("SELECT id, more, day FROM t")), bag([(1, None, "1"), (2, "x", "2")]))

    def test_folders_alone_may_be_typed(self):
        self.parquet("p/day=1/a.parquet", {"id": [1]})
        self.parquet("p/day=2/b.parquet", {"id": [2], "more": ["x"]})
        self.source("t", "", "p/", "PARQUET", partitioned="day INT", row_number_column="r")
        self.assertEqual(bag(self.rows("SELECT id, more, day + 1 AS d, r FROM t")), bag([(1, None, 2, 0), (2, "x", 3, 0)]))
        self.file("c/day=1/a.csv", "id\n1\n")
        self.source("t", "", "c/", partitioned="day INT", row_number_column="r")
        self.assertEqual(self.rows("SELECT id, day + 1 AS d, r FROM t"), [(1, 2, 0)])

    def test_types_that_have_nothing_in_common_are_refused(self):
        pairs = ((pyarrow.int64(), [1], "BIGINT", pyarrow.string(), ["x"], "VARCHAR"), (pyarrow.int64(), [1], "BIGINT", pyarrow.float64(), [0.5], "DOUBLE"),
                 (pyarrow.timestamp("us"), [TIME], "TIMESTAMP", pyarrow.timestamp("us", "UTC"), [TIME], "TIMESTAMP WITH TIME ZONE"),
                 (pyarrow.decimal128(38, 0), [1], "DECIMAL(38,0)", pyarrow.decimal128(10, 5), [1], "DECIMAL(10,5)"),
                 (pyarrow.list_(pyarrow.int64()), [[1]], "BIGINT[]", pyarrow.int64(), [1], "BIGINT"))
        self.project.write("views/v.sql", "SELECT x FROM t\n")
        for number, (first, values, name, second, others, other) in enumerate(pairs):
            with self.subTest(first=first, second=second):
                self.parquet(f"p{number}/one file.parquet", {"x": pyarrow.array(values, first)})
                self.parquet(f"p{number}/two.parquet", {"x": pyarrow.array(others, second)})
                self.source("t", "", f"p{number}/", "PARQUET")
                error = self.error("W3008", "`x`", f"{name} in `data/p{number}/one file.parquet`", f"{other} in `data/p{number}/two.parquet`")
                self.assertEqual(error["file"], "sources/t.sql")
                self.assert_says(self.project.weir("run"), 1, ("W3008", "`x`"))
        # Declared, the same files are read.
        self.source("t", "x DOUBLE", "p1/", "PARQUET")
        self.assertEqual(bag(self.stored("SELECT x FROM t")), bag([(1.0,), (0.5,)]))

    def test_a_difference_can_be_refused_or_ignored(self):
        self.parquet("p/a.parquet", {"id": [1]})
        self.parquet("p/b.parquet", {"id": [2], "more": [3]})
        self.project.write("views/v.sql", "SELECT * FROM t\n")
        self.source("t", "", "p/", "PARQUET", schema_drift="error")
        self.error("W3008", "`more` in 1 of 2 files")
        self.source("t", "", "p/", "PARQUET", schema_drift="ignore")
        self.assertEqual(self.check(), [])
        self.assertEqual(bag(self.rows("SELECT id, more FROM t")), bag([(1, None), (2, 3)]))

    def test_a_warning_is_told_each_time(self):
        self.parquet("p/a.parquet", {"id": [1]})
        self.parquet("p/b.parquet", {"id": [2], "more": [3]})
        self.source("t", "", "p/", "PARQUET")
        self.project.write("views/v.sql", "SELECT * FROM t\n")
        for _ in range(3):
            self.warning()
        self.assertIn("W3007", self.project.succeed("run").text)

    def test_patterns_of_paths_follow_the_same_rules(self):
        self.parquet("p/a.parquet", {"id": pyarrow.array([1], pyarrow.int32())})
        self.parquet("p/b.parquet", {"more": ["x"], "id": [2**40]})
        path = f"{self.project.folder}/data/p/*.parquet"
        self.assertEqual(bag(self.rows(f"SELECT id, more FROM '{path}'")), bag([(1, None), (2**40, "x")]))
        self.parquet("p/c.parquet", {"id": ["text"]})
        self.assert_says(self.project.weir("sql", f"SELECT id FROM '{path}'"), 1, ("`id`", "c.parquet`", "VARCHAR"))


class DeclaredTest(ContractCase):
    """Files against the columns that their source declares."""

    def test_added_removed_and_retyped_in_one_diagnostic(self):
        self.parquet("p/a.parquet", {"id": pyarrow.array([1, 2**40], pyarrow.int64()), "x": pyarrow.array([1.5, None], pyarrow.float32()), "new": ["a", "b"]})
        self.project.write("sources/t.sql", "CREATE EXTERNAL TABLE t (\n  x DOUBLE,\n  gone VARCHAR,\n  id INT\n) STORED AS PARQUET LOCATION 'data/p/';\n")
        self.project.write("views/v.sql", "SELECT x, gone FROM t\n")
        found = [each for each in self.check() if each["code"] == "W3007"]
        self.assertEqual(len(found), 1, found)
        for text in ("added: `new` VARCHAR (not read)", "removed: `gone` VARCHAR (line 3)", "retyped: `x` from DOUBLE (line 2) to REAL (narrower, every value fits)",
                     "`id` from INT (line 4) to BIGINT (wider, a value that does not fit fails its reader)"):
            self.assertIn(text, found[0]["message"])
        self.assertEqual((found[0]["file"], found[0]["line"], found[0]["column"]), ("sources/t.sql", 2, 3))
        self.assertEqual(bag(self.stored("SELECT x, gone FROM t")), bag([(1.5, None), (None, None)]))
        self.assert_says(self.project.weir("sql", "SELECT id FROM t"), 1, ("p/a.parquet`",))

    def test_what_is_as_declared_is_not_reported(self):
        self.parquet("p/a.parquet", {"id": pyarrow.array([1], pyarrow.int32()), "name": pyarrow.array(["a"]).dictionary_encode(),
                                     "at": pyarrow.array([TIME], pyarrow.timestamp("us")), "d": pyarrow.array([DATE]),
                                     "m": pyarrow.array([decimal.Decimal("1.50")], pyarrow.decimal128(10, 2)),
                                     "l": pyarrow.array([[1]], pyarrow.large_list(pyarrow.int64())), "b": pyarrow.array([b"x"], pyarrow.large_binary()),
                                     "s": pyarrow.array([{"a": 1}], pyarrow.struct([("a", pyarrow.int64())])), "ok": [True],
                                     "z": pyarrow.array([TIME], pyarrow.timestamp("us", "UTC"))})
        self.source("t", "ID INT, name VARCHAR, at TIMESTAMP, d DATE, m DECIMAL(10,2), l BIGINT[], b BYTEA, s STRUCT<a BIGINT>, ok BOOLEAN, "
                         "z TIMESTAMP WITH TIME ZONE NOT NULL", "p/", "PARQUET")
        self.project.write("views/v.sql", "SELECT id FROM t\n")
        self.assertEqual(self.check(), [])

    def test_a_column_that_is_not_null_must_be_there(self):
        self.parquet("p/a.parquet", {"id": [1], "n": ["a"]})
        self.parquet("p/b.parquet", {"n": ["b"]})
        self.source("t", "n VARCHAR, id BIGINT NOT NULL", "p/", "PARQUET")
        self.project.write("views/v.sql", "SELECT n FROM t\n")
        error = self.error("W3008", "removed: `id` BIGINT NOT NULL", "in 1 of 2 files, `data/p/b.parquet`")
        self.assertEqual(error["column"], len("CREATE EXTERNAL TABLE t (n VARCHAR, ") + 1)
        self.source("t", "n VARCHAR, id BIGINT NOT NULL", "p/", "PARQUET", schema_drift="ignore")
        self.assertEqual(self.check(), [])
        self.assertEqual(bag(self.rows("SELECT n FROM t")), bag([("a",), ("b",)]))
        self.assert_says(self.project.weir("sql", "SELECT id FROM t"), 1, ("p/b.parquet`", "`id`", "NOT NULL"))

    def test_what_nothing_casts_is_an_error(self):
        self.parquet("p/a.parquet", {"s": [{"a": 1}]})
        self.source("t", "s INT", "p/", "PARQUET")
        self.project.write("views/v.sql", "SELECT s FROM t\n")
        self.error("W3008", "`s` from INT", "STRUCT<a BIGINT>", "nothing casts it", "data/p/a.parquet")

    def test_a_file_may_be_the_location(self):
        self.parquet("one.parquet", {"id": [1], "new": [2]})
        self.source("t", "id BIGINT", "one.parquet", "PARQUET")
        self.project.write("views/v.sql", "SELECT id FROM t\n")
        self.assertIn("added: `new` BIGINT", self.warning())

    def test_any_difference_can_be_an_error(self):
        self.parquet("p/a.parquet", {"id": [1], "new": [2]})
        self.source("t", "id BIGINT", "p/", "PARQUET", schema_drift="error")
        self.project.write("views/v.sql", "SELECT id FROM t\n")
        self.error("W3008", "added: `new`")
        self.assert_says(self.project.weir("run"), 1, ("W3008", "`new`"))
        self.parquet("p/a.parquet", {"id": [1]})
        self.assertEqual(self.check(), [])

    def test_csv_headers(self):
        self.file("c/a.csv", "id,name,new\n1,a,x\n")
        self.file("c/b.csv", "name,id\nb,2\n")
        self.source("t", "id INT, name VARCHAR", "c/")
        self.project.write("views/v.sql", "SELECT id FROM t\n")
        self.assertIn("added: `new` (not read) in 1 of 2 files, `data/c/a.csv`", self.warning())
        self.assertEqual(bag(self.rows("SELECT id, name FROM t")), bag([(1, "a"), (2, "b")]))
        # A header with other names gives columns by their places: there is nothing to compare.
        self.file("e/a.csv", "x,y\n1,a\n")
        self.source("t", "id INT, name VARCHAR", "e/")
        self.assertEqual(self.check(), [])
        self.file("f/a.csv", "1,a\n")
        self.source("t", "id INT, name VARCHAR", "f/", has_header="false")
        self.assertEqual(self.check(), [])

    def test_keys_of_ndjson(self):
        self.file("n/a.json", '{"id": 1, "new": {"a": 1}}\n')
        self.file("n/b.json", '{"id": 2}\n')
        self.source("t", "id INT, gone VARCHAR", "n/", "NDJSON")
        self.project.write("views/v.sql", "SELECT id FROM t\n")
        message = self.warning()
        self.assertIn("added: `new` (not read)", message)
        self.assertIn("removed: `gone` VARCHAR", message)
        self.assertEqual(bag(self.rows("SELECT id, gone FROM t")), bag([(1, None), (2, None)]))


class DeltaContractTest(ContractCase):
    """Delta tables against the columns that their source declares."""

    def setUp(self):
        super().setUp()
        self.path = str(self.project.folder / "data" / "d")

    def write(self, columns: dict, **options) -> None:
        deltalake.write_deltalake(self.path, pyarrow.table(columns), **options)

    def declare(self, columns: str, **options) -> None:
        self.source("t", columns, "d/", "DELTATABLE", **options)

    def test_a_column_that_came_is_not_read(self):
        self.write({"id": [1, 2], "n": ["a", "b"]})
        self.declare("n VARCHAR, id BIGINT")
        self.project.write("views/v.sql", "SELECT * FROM t\n")
        self.assertEqual(self.check(), [])
        self.assertEqual(self.table().column_names, ["n", "id"])
        self.write({"id": [3], "n": ["c"], "new": [1.5]}, mode="append", schema_mode="merge")
        self.assertIn("added: `new` DOUBLE (not read)", self.warning())
        table = self.table()
        self.assertEqual(table.column_names, ["n", "id"])
        self.assertEqual(bag(row.values() for row in table.to_pylist()), bag([("a", 1), ("b", 2), ("c", 3)]))
        self.declare("n VARCHAR, id BIGINT", schema_drift="error")
        self.error("W3008", "`new`")
        self.declare("n VARCHAR, id BIGINT", schema_drift="error", version="0")
        self.assertEqual(self.check(), [])
        self.declare("")
        self.assertEqual(self.check(), [])
        self.assertEqual(self.table().column_names, ["id", "n", "new"])

    def test_a_column_that_went_or_changed_breaks_the_contract(self):
        self.write({"id": [1], "n": ["a"]})
        self.project.write("views/v.sql", "SELECT id FROM t\n")
        self.declare("id BIGINT, gone INT")
        error = self.error("W3008", "removed: `gone` INT (line 1)", "added: `n` VARCHAR")
        self.assertEqual(error["column"], len("CREATE EXTERNAL TABLE t (id BIGINT, ") + 1)
        self.declare("id INT, n VARCHAR")
        self.error("W3008", "retyped: `id` from INT (line 1) to BIGINT (wider)")
        self.declare("id VARCHAR, n VARCHAR")
        self.error("W3008", "retyped: `id` from VARCHAR (line 1) to BIGINT")
        self.assert_says(self.project.weir("run"), 1, ("W3008",))

    def test_wider_declarations_hold_every_value(self):
        self.write({"i": pyarrow.array([1, None, -2**31], pyarrow.int32()), "f": pyarrow.array([1.5, None, float("inf")], pyarrow.float32()),
                    "d": pyarrow.array([decimal.Decimal("1.25"), None, decimal.Decimal("-9.99")], pyarrow.decimal128(5, 2)),
                    "day": pyarrow.array([DATE, None, datetime.date(1, 1, 1)]), "p": pyarrow.array([1, 1, 2], pyarrow.int16())}, partition_by=["p"])
        self.declare("p INT, day TIMESTAMP, d DECIMAL(9,4), f DOUBLE, i BIGINT")
        self.project.write("views/v.sql", "SELECT * FROM t\n")
        self.assertIn("`i` from BIGINT (line 1) to INT (narrower, every value fits)", self.warning())
        table = self.table()
        self.assertEqual([str(field.type) for field in table.schema], ["int32", "timestamp[us]", "decimal128(9, 4)", "double", "int64"])
        midnight = datetime.datetime(2024, 2, 29)
        self.assertEqual(bag(row.values() for row in table.to_pylist()),
                         bag([(1, midnight, decimal.Decimal("1.2500"), 1.5, 1), (1, None, None, None, None),
                              (2, datetime.datetime(1, 1, 1), decimal.Decimal("-9.9900"), float("inf"), -2**31)]))
        for condition, wanted in (("i = 1", 1), ("i < 0", 1), ("day >= TIMESTAMP '2024-02-29'", 1), ("day < TIMESTAMP '2024-01-01'", 1), ("d > 1", 1),
                                  ("f > 1e300", 1), ("p = 1", 2), ("i IS NULL", 1), ("i > 3000000000", 0)):
            with self.subTest(condition):
                self.assertEqual(self.rows(f"SELECT count(*) AS n FROM t WHERE {condition}"), [(wanted,)])
        self.assertNotIn("W4001", self.project.weir("run").text)

    def test_mapped_columns_are_known_by_their_names_in_the_table(self):
        """Column mapping: a rename breaks the contract, the files stay as they are. Deleted rows keep their places."""
        made = Table(pathlib.Path(self.path))
        features = protocol(features=["columnMapping", "deletionVectors"])
        mapping = {"delta__columnMapping__mode": "name"}
        point = struct_of(field("x", id=3, physical="p3"), field("y", "string", id=4, physical="p4"))
        rows = pyarrow.table({"p1": pyarrow.array([1, 2, 3], pyarrow.int32()), "p2": [{"p3": 1, "p4": "a"}, None, {"p3": 3, "p4": "c"}]},
                             pyarrow.schema([("p1", pyarrow.int32()), ("p2", pyarrow.struct([("p3", pyarrow.int32()), ("p4", pyarrow.string())]))]))
        stats = {"numRecords": 3, "minValues": {"p1": 1}, "maxValues": {"p1": 3}, "nullCount": {"p1": 0}}
        made.commit(features, metadata(field("a", id=1, physical="p1"), field("s", point, id=2, physical="p2"), **mapping),
                    made.file("f.parquet", rows, stats=stats, deleted=[1]))
        columns = "s STRUCT<x INT, y VARCHAR>, a BIGINT"
        self.declare(columns, file_column="f", row_number_column="r")
        wanted = [({"x": 1, "y": "a"}, 1, "f.parquet", 0), ({"x": 3, "y": "c"}, 3, "f.parquet", 2)]
        self.assertEqual(bag(self.rows("SELECT s, a, f, r FROM t")), bag(wanted))
        self.assertEqual(self.rows("SELECT s['y'] AS y FROM t WHERE a > 1"), [("c",)])
        self.project.write("views/v.sql", "SELECT a FROM t WHERE a > 7\n")
        self.project.run()
        unit = self.project.artifact("scan_units")[0]
        self.assertEqual((unit["files_kept"], unit["files_pruned"]), (0, 1))
        made.commit(metadata(field("renamed", id=1, physical="p1"), field("s", point, id=2, physical="p2"), **mapping))
        self.error("W3008", "removed: `a` BIGINT", "added: `renamed` INT")
        self.declare("renamed INT NOT NULL")
        self.assertEqual(bag(self.rows("SELECT renamed FROM t")), bag([(1,), (3,)]))

    def test_a_null_where_the_source_says_there_is_none(self):
        self.write({"id": pyarrow.array([1, None]), "n": ["a", "b"]})
        self.declare("id BIGINT NOT NULL, n VARCHAR")
        self.assertEqual(bag(self.rows("SELECT n FROM t")), bag([("a",), ("b",)]))
        self.refuse("SELECT id FROM t", "column `id`", "NOT NULL")

    def test_the_next_version_is_built_again(self):
        """Decisions compare versions as the source reads them."""
        self.write({"id": [1], "n": ["a"]})
        self.declare("n VARCHAR")
        self.assertEqual(bag(self.stored("SELECT n FROM t")), bag([("a",)]))
        self.assertEqual(self.project.run()["views"]["reused"], 1)
        self.write({"id": [2], "n": ["b"]}, mode="append")
        self.assertEqual(bag(self.stored("SELECT n FROM t")), bag([("a",), ("b",)]))


class PlaceTest(ContractCase):
    """Columns that say where a row lies."""

    def model(self, folder: str) -> list[tuple]:
        """The rows of all Parquet files with their files and numbers, in plain Python."""
        root = self.project.folder / "data" / folder
        rows = []
        for file in sorted(root.glob("**/*.parquet")):
            table = pyarrow.parquet.ParquetFile(file).read()
            rows += [(row["x"], str(file.relative_to(root)), number) for number, row in enumerate(table.to_pylist())]
        return rows

    def test_parquet(self):
        self.parquet("p/a b.parquet", {"x": list(range(5000))}, row_group_size=700)
        self.parquet("p/sub/ä%20.parquet", {"x": [1, None, 1]})
        self.source("t", "", "p/", "PARQUET", file_column="_file", row_number_column="_row")
        wanted = self.model("p")
        self.assertEqual(len(wanted), 5003)
        self.assertEqual(bag(self.rows('SELECT x, "_file", "_row" FROM t')), bag(wanted))
        files = str(self.project.folder / "data/p/**/*.parquet")
        peer = duckdb.sql(f"SELECT x, file_row_number FROM read_parquet('{files}', file_row_number=true)").fetchall()
        self.assertEqual(bag(self.rows('SELECT x, "_row" AS r FROM t')), bag(peer))
        for query, rows in ((f'SELECT x, "_file" AS f, "_row" AS r FROM t WHERE x > 4000 AND "_row" % 2 = 0', [r for r in wanted if r[0] and r[0] > 4000 and r[2] % 2 == 0]),
                            ('SELECT x, "_file" AS f, "_row" AS r FROM t WHERE "_row" = 1', [r for r in wanted if r[2] == 1]),
                            ('SELECT x, "_file" AS f, "_row" AS r FROM t WHERE "_file" LIKE \'sub/%\'', [r for r in wanted if r[1].startswith("sub/")]),
                            ('SELECT "_row" AS r FROM t WHERE x IS NULL', [(1,)])):
            with self.subTest(query):
                self.assertEqual(bag(self.rows(query)), bag(rows))
        self.assertEqual(self.rows('SELECT count(*) AS n FROM t'), [(5003,)])

    def test_text_files(self):
        rows = [(i, f"line\nbreak {i}") for i in range(20000)]
        self.file("c/a.csv", "x,n\n" + "".join(f'{x},"{n}"\n' for x, n in rows))
        self.file("c/b.csv", "n,x\nonly,7\n")
        self.source("t", "", "c/", file_column="file", row_number_column="number")
        wanted = [(x, "a.csv", i) for i, (x, _) in enumerate(rows)] + [(7, "b.csv", 0)]
        self.assertEqual(bag(self.rows("SELECT x, file, number FROM t")), bag(wanted))
        self.assertEqual(self.rows("SELECT max(number) AS n FROM t WHERE file = 'a.csv'"), [(19999,)])
        self.source("t", "x INT, n VARCHAR NOT NULL", "c/", file_column="file", row_number_column="number", newlines_in_values="false")
        self.file("c/a.csv", "x,n\n" + "".join(f"{x},n\n" for x, _ in rows))
        self.assertEqual(bag(self.rows("SELECT number, x, file FROM t")), bag((i, x, f) for x, f, i in wanted))
        self.file("j/a.json", "".join(json.dumps({"x": i}) + "\n" for i in range(20000)))
        self.source("t", "x INT", "j/", "NDJSON", row_number_column="number")
        self.assertEqual(bag(self.rows("SELECT x, number FROM t")), bag((i, i) for i in range(20000)))
        self.assertEqual(self.rows("SELECT count(number) AS n FROM t"), [(20000,)])

    def test_a_location_that_is_a_file(self):
        self.parquet("one file.parquet", {"x": [1]})
        self.source("t", "x INT", "one file.parquet", "PARQUET", file_column="f")
        self.assertEqual(self.rows("SELECT x, f FROM t"), [(1, "one file.parquet")])

    def test_partitions_beside(self):
        self.parquet("p/day=1/a.parquet", {"x": [1, 2]})
        self.parquet("p/day=2/a.parquet", {"x": [3]})
        self.source("t", "x BIGINT", "p/", "PARQUET", partitioned="day INT", file_column="f", row_number_column="r")
        self.assertEqual(bag(self.rows("SELECT x, day, f, r FROM t")),
                         bag([(1, 1, "day=1/a.parquet", 0), (2, 1, "day=1/a.parquet", 1), (3, 2, "day=2/a.parquet", 0)]))
        self.assertEqual([row["column_name"] for row in self.project.sql("DESCRIBE t")], ["x", "day", "f", "r"])

    def test_delta(self):
        path = str(self.project.folder / "data" / "d")
        for part in ([1, 2, 3], [4, None, 6]):
            deltalake.write_deltalake(path, pyarrow.table({"x": part, "p": ["a/b"] * 3}), mode="append", partition_by=["p"])
        deltalake.DeltaTable(path).delete("x = 2")
        self.source("t", "", "d/", "DELTATABLE", file_column="f", row_number_column="r")
        table = deltalake.DeltaTable(path)
        wanted = []
        for add in pyarrow.table(table.get_add_actions()).to_pylist():
            name = urllib.parse.unquote(add["path"])
            file = pyarrow.parquet.ParquetFile(pathlib.Path(path) / name).read().to_pylist()
            wanted += [(row["x"], name, number) for number, row in enumerate(file)]
        self.assertEqual(len(wanted), 5)
        self.assertEqual(bag(self.rows("SELECT x, f, r FROM t")), bag(wanted))
        one = wanted[0][1]
        self.assertEqual(bag(self.rows(f"SELECT x, r FROM t WHERE f = '{one}'")), bag((x, r) for x, f, r in wanted if f == one))
        self.source("t", "x BIGINT", "d/", "DELTATABLE", file_column="f")
        self.assertEqual(bag(self.rows("SELECT x, f FROM t")), bag((x, f) for x, f, _ in wanted))

    def test_a_filter_on_the_file_prunes_files(self):
        for name in "abc":
            self.parquet(f"p/{name}.parquet", {"x": [1, 2]})
        path = str(self.project.folder / "data" / "d")
        for value in (1, 2):
            deltalake.write_deltalake(path, pyarrow.table({"x": [value]}), mode="append")
        first = pyarrow.table(deltalake.DeltaTable(path).get_add_actions()).to_pylist()[0]["path"]
        self.source("t", "", "p/", "PARQUET", file_column="f")
        self.source("d", "", "d/", "DELTATABLE", file_column="f")
        self.project.write("views/v.sql", "SELECT x FROM t WHERE f = 'b.parquet'\n")
        self.project.write("views/w.sql", f"SELECT x FROM d WHERE f = '{first}'\n")
        self.project.run()
        units = {row["view_name"]: row for row in self.project.artifact("scan_units")}
        self.assertEqual((units["v"]["files_kept"], units["v"]["files_pruned"]), (1, 2), units["v"])
        self.assertEqual((units["w"]["files_kept"], units["w"]["files_pruned"]), (1, 1), units["w"])
        # A file that no filter lets in changes nothing.
        self.parquet("p/d.parquet", {"x": [9]})
        self.assertEqual(self.project.run()["views"]["reused"], 2)

    def test_a_compaction_gives_other_places(self):
        """Rows that only moved are not the same rows to who reads where they lie."""
        path = str(self.project.folder / "data" / "d")
        for value in (1, 2):
            deltalake.write_deltalake(path, pyarrow.table({"x": [value]}), mode="append")
        self.source("t", "", "d/", "DELTATABLE", file_column="f", row_number_column="r")
        self.project.write("views/places.sql", "SELECT x, f, r FROM t\n")
        self.project.write("views/values.sql", "SELECT x FROM t\n")
        self.project.run()
        deltalake.DeltaTable(path).optimize.compact()
        self.project.run()
        file = pyarrow.table(deltalake.DeltaTable(path).get_add_actions()).to_pylist()[0]["path"]
        self.assertEqual(bag((row["x"], row["f"]) for row in self.project.read("places").to_pylist()), bag([(1, file), (2, file)]))
        self.assertEqual(sorted(row["r"] for row in self.project.read("places").to_pylist()), [0, 1])
        self.assertEqual(bag(row.values() for row in self.project.read("values").to_pylist()), bag([(1,), (2,)]))

    def test_views_that_read_places_are_named(self):
        self.parquet("p/a.parquet", {"x": [1]})
        self.source("t", "", "p/", "PARQUET", file_column="f", row_number_column="r")
        self.project.write("views/plain.sql", "SELECT x FROM t\n")
        self.project.write("views/hidden.sql", "SELECT x FROM t WHERE r > 0\n")
        self.project.write("views/shown.sql", "SELECT x,\n       f\nFROM t\n")
        self.project.write("views/above.sql", "SELECT f FROM shown\n")
        found = [each for each in self.check() if each["code"] == "W2014"]
        self.assertEqual([(each["view_name"], each["line"]) for each in found], [("hidden", 1), ("shown", 2)])
        self.assertIn("`f` of `t`", found[1]["message"])

    def test_lineage_goes_to_the_column(self):
        self.parquet("p/a.parquet", {"x": [1]})
        self.source("t", "", "p/", "PARQUET", file_column="f")
        self.project.write("views/v.sql", "SELECT upper(f) AS u FROM t\n")
        found = self.project.succeed("lineage", "v.u", "--format", "json").text
        self.assertIn('"f"', found)

    def test_names_that_are_taken(self):
        self.parquet("p/a.parquet", {"x": [1]})
        self.project.write("views/v.sql", "SELECT x FROM t\n")
        self.source("t", "", "p/", "PARQUET", file_column="X")
        self.error("W3005", "found one that the data has: `X`")
        self.source("t", "x INT", "p/", "PARQUET", row_number_column="x")
        self.error("W1211", "`x`")
        self.source("t", "", "p/", "PARQUET", row_number_column="r", file_column="R")
        self.error("W1211", "`R`")
        self.source("t", "", "p/", "PARQUET", file_colum="f")
        self.assertIn("`file_column`", self.error("W1304", "`file_colum`")["hint"])
        self.source("t", "", "p/", "PARQUET", schema_drift="strict")
        self.error("W1305", "`warn`, `error` or `ignore`")


class PushdownTest(ContractCase):

    def test_a_source_may_keep_filters_from_its_reader(self):
        """`EXPLAIN ANALYZE` counts the rows that the reader left out."""
        self.parquet("p/a.parquet", {"x": list(range(1000)), "s": [f"text {i}" * 20 for i in range(1000)]})
        path = str(self.project.folder / "data" / "d")
        deltalake.write_deltalake(path, pyarrow.table({"x": list(range(1000)), "s": [f"text {i}" * 20 for i in range(1000)]}))
        for name, location, stored_as in (("t", "p/", "PARQUET"), ("d", "d/", "DELTATABLE")):
            pruned = {}
            for value in ("true", "false"):
                self.source(name, "", location, stored_as, pushdown_filters=value)
                plan = str(self.project.sql(f"EXPLAIN ANALYZE SELECT s FROM {name} WHERE x % 7 = 3 AND x < 900"))
                pruned[value] = "pushdown_rows_pruned=0" not in plan
                self.assertEqual(self.rows(f"SELECT count(*) AS n, max(s) AS s FROM {name} WHERE x % 7 = 3 AND x < 900"),
                                 [(129, max(f"text {i}" * 20 for i in range(900) if i % 7 == 3))])
            self.assertEqual(pruned, {"true": True, "false": False}, name)


class UnboundedTest(ContractCase):

    def test_what_to_write_instead(self):
        self.parquet("p/a.parquet", {"x": [1]})
        self.project.write("sources/t.sql", "CREATE UNBOUNDED EXTERNAL TABLE t STORED AS PARQUET LOCATION 'data/p/';\n")
        self.project.write("views/v.sql", "SELECT x FROM t\n")
        error = self.error("W3006", "UNBOUNDED")
        for text in ("leave UNBOUNDED out", "change_feed", "'version'"):
            self.assertIn(text, error["hint"])


if __name__ == "__main__":
    unittest.main()
