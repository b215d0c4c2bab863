# SPDX-License-Identifier: Apache-2.0
"""Parquet files and Delta tables whose files differ from what the source says: NOT NULL, other columns, orders, types and cases.

Fault A5 and its neighbours. The right rows are written out here.
"""

import datetime
import decimal
import json
import random
import unittest

import pyarrow
import pyarrow.parquet

from source_case import SourceCase

NUMBERS = pyarrow.table({"id": pyarrow.array([1, None, 3], pyarrow.int32()), "n": ["a", "b", "c"]})


class RequiredTest(SourceCase):
    """A5."""

    def parquet(self, path: str, table: pyarrow.Table) -> None:
        pyarrow.parquet.write_table(table, self.file(path, b""))

    def test_a_null_in_a_column_that_is_not_null(self):
        self.parquet("t.parquet", NUMBERS)
        self.source("t", "id INT NOT NULL, n VARCHAR", "t.parquet", "PARQUET")
        for query in ("SELECT id, n FROM t", "SELECT coalesce(id, 0) AS i FROM t", "SELECT count(id) AS n FROM t",
                      "SELECT count(*) AS n FROM t WHERE id IS NULL", "SELECT id + 1 AS i FROM t", "SELECT n FROM t ORDER BY id"):
            with self.subTest(query=query):
                self.refuse(query, "data/t.parquet`, column `id`", "NOT NULL")
        self.assertEqual(self.rows("SELECT n FROM t ORDER BY n"), [("a",), ("b",), ("c",)])

    def test_a_column_that_a_file_lacks(self):
        self.parquet("p/a.parquet", NUMBERS.filter([True, False, True]))
        self.parquet("p/b.parquet", NUMBERS.select(["n"]))
        self.source("t", "id INT NOT NULL, n VARCHAR", "p/", "PARQUET")
        self.refuse("SELECT id, n FROM t", "p/b.parquet`", "`id`", "NOT NULL")
        self.source("t", "id INT, n VARCHAR", "p/", "PARQUET")
        self.assertEqual(self.stored("SELECT id, n FROM t"), [(None, "a"), (None, "b"), (None, "c"), (1, "a"), (3, "c")])

    def test_delta_columns_that_are_not_null(self):
        self.parquet("d/part.parquet", NUMBERS)
        fields = [{"name": "id", "type": "integer", "nullable": False, "metadata": {}},
                  {"name": "n", "type": "string", "nullable": True, "metadata": {}}]
        actions = [
            {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
            {"metaData": {"id": "00000000-0000-0000-0000-000000000001", "format": {"provider": "parquet", "options": {}},
                          "schemaString": json.dumps({"type": "struct", "fields": fields}), "partitionColumns": [],
                          "configuration": {}, "createdTime": 0}},
            {"add": {"path": "part.parquet", "partitionValues": {}, "modificationTime": 0, "dataChange": True,
                     "size": (self.project.folder / "data/d/part.parquet").stat().st_size}}]
        self.file("d/_delta_log/00000000000000000000.json", "".join(json.dumps(action) + "\n" for action in actions))
        self.source("t", "", "d/", "DELTATABLE")
        for query in ("SELECT id, n FROM t", "SELECT coalesce(id, 0) AS i FROM t", "SELECT id + 1 AS i FROM t",
                      "SELECT count(*) AS n FROM t WHERE id IS NULL", "SELECT count(*) AS n FROM t WHERE id IS NOT NULL",
                      "SELECT n FROM t WHERE coalesce(id, 0) = 0", "SELECT count(id) AS n FROM t",
                      "SELECT n FROM t WHERE id IS DISTINCT FROM 1", "SELECT n FROM t WHERE (id IS NULL) IN (true)"):
            with self.subTest(query=query):
                self.refuse(query, "d/part.parquet`, column `id`", "NOT NULL")
        # What was never read is nobody's fault.
        self.assertEqual(self.rows("SELECT n FROM t ORDER BY n"), [("a",), ("b",), ("c",)])

    def test_a_partition_column_that_is_not_null(self):
        """There is no file to blame: NULL is NULL."""
        self.parquet("d/part.parquet", NUMBERS.select(["n"]))
        fields = [{"name": "id", "type": "integer", "nullable": False, "metadata": {}},
                  {"name": "n", "type": "string", "nullable": True, "metadata": {}}]
        actions = [
            {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
            {"metaData": {"id": "00000000-0000-0000-0000-000000000001", "format": {"provider": "parquet", "options": {}},
                          "schemaString": json.dumps({"type": "struct", "fields": fields}), "partitionColumns": ["id"],
                          "configuration": {}, "createdTime": 0}},
            {"add": {"path": "part.parquet", "partitionValues": {"id": None}, "modificationTime": 0, "dataChange": True,
                     "size": (self.project.folder / "data/d/part.parquet").stat().st_size}}]
        self.file("d/_delta_log/00000000000000000000.json", "".join(json.dumps(action) + "\n" for action in actions))
        self.source("t", "", "d/", "DELTATABLE")
        self.assertEqual(self.rows("SELECT count(*) AS n, count(id) AS i FROM t WHERE id IS NULL"), [(3, 0)])
        self.assertEqual(self.rows("SELECT coalesce(id, 7) AS i FROM t"), [(7,)] * 3)


class DifferenceTest(SourceCase):

    def test_columns_of_several_files_go_by_name(self):
        self.parquet("p/a.parquet", {"id": pyarrow.array([1], pyarrow.int32()), "x": pyarrow.array([1.5]), "s": ["a"]})
        self.parquet("p/b.parquet", {"s": ["b"], "id": pyarrow.array([2], pyarrow.int64())})
        self.parquet("p/c.parquet", {"x": pyarrow.array([2.5], pyarrow.float32()), "more": ["z"], "id": pyarrow.array([3], pyarrow.int8())})
        self.source("t", "id BIGINT, x DOUBLE, s VARCHAR", "p/", "PARQUET")
        self.assertEqual(self.stored("SELECT * FROM t"), [(1, 1.5, "a"), (2, None, "b"), (3, 2.5, None)])

    def test_values_that_do_not_fit_the_declared_type_are_refused(self):
        self.parquet("p/a.parquet", {"id": pyarrow.array([1, 2**40], pyarrow.int64())})
        self.source("t", "id INT", "p/", "PARQUET")
        self.refuse("SELECT id FROM t", "p/a.parquet`")
        self.parquet("q/a.parquet", {"d": pyarrow.array([decimal.Decimal("123.456")])})
        self.source("t", "d DECIMAL(4,2)", "q/", "PARQUET")
        self.refuse("SELECT d FROM t", "q/a.parquet`")

    def test_declared_decimals_are_rounded_as_cast_does(self):
        self.parquet("p/a.parquet", {"d": pyarrow.array([decimal.Decimal("1.009"), decimal.Decimal("-1.005")]),
                                     "x": pyarrow.array([1.009, 2.5])})
        self.source("t", "d DECIMAL(10,2), x DECIMAL(10,2)", "p/", "PARQUET")
        self.assertEqual(self.rows("SELECT CAST(d AS VARCHAR) AS d, CAST(x AS VARCHAR) AS x FROM t ORDER BY d"),
                         [("-1.01", "2.50"), ("1.01", "1.01")])

    def test_names_in_other_case(self):
        self.parquet("p/a.parquet", {"ID": [1], "Amount": [2], "other": [9]})
        self.parquet("p/b.parquet", {"amount": [4], "id": [3]})
        self.source("t", "id BIGINT, amount BIGINT", "p/", "PARQUET")
        self.assertEqual(self.stored("SELECT id, amount FROM t"), [(1, 2), (3, 4)])
        self.assertEqual(self.rows("SELECT amount FROM t WHERE id = 1"), [(2,)])
        self.source("t", 'id BIGINT, "Amount" BIGINT, "AMOUNT" BIGINT', "p/", "PARQUET")
        self.assertEqual(self.rows('SELECT id, "Amount" AS a FROM t WHERE id = 1'), [(1, 2)])
        (self.project.folder / "views/v.sql").unlink()
        self.parquet("q/a.parquet", {"ID": [1], "Id": [2]})
        self.source("t", "id BIGINT", "q/", "PARQUET")
        self.refuse("SELECT id FROM t", "q/a.parquet`", "`ID`")

    def test_times_of_several_units(self):
        moment = datetime.datetime(2024, 2, 29, 12, 30, 15)
        for unit in ("s", "ms", "us", "ns"):
            self.parquet(f"p/{unit}.parquet", {"m": pyarrow.array([moment], pyarrow.timestamp(unit))})
        self.source("t", "m TIMESTAMP", "p/", "PARQUET")
        self.assertEqual(self.stored("SELECT m FROM t"), [(moment,)] * 4)
        self.assertEqual(self.rows("SELECT count(*) AS n FROM t WHERE m = TIMESTAMP '2024-02-29 12:30:15'"), [(4,)])

    def parquet(self, path: str, columns: dict) -> None:
        pyarrow.parquet.write_table(pyarrow.table(columns), self.file(path, b""))


class SnappyTest(SourceCase):
    """Pages that Snappy packed, with repeats of all distances and lengths; pyarrow writes them, and reads what Weir packs."""

    def texts(self, rng: random.Random) -> list[str | None]:
        texts = [None, "", "a", "a" * 100_000, "ab" * 33, "".join(chr(rng.randrange(32, 0x2fff)) for _ in range(5000))]
        for _ in range(300):
            earlier = rng.choice(texts) or "xyz"
            start = rng.randrange(len(earlier))
            texts.append(earlier[start:start + rng.randrange(1, 80)] * rng.randrange(1, 6) + rng.choice(["", "?", str(rng.random())]))
        return texts

    def test_pages_of_all_kinds(self):
        rng = random.Random(14)
        texts = self.texts(rng)
        table = pyarrow.table({
            "id": pyarrow.array(range(len(texts)), pyarrow.int64()),
            "t": pyarrow.array(texts, pyarrow.string()),
            "noise": pyarrow.array([rng.getrandbits(63) for _ in texts], pyarrow.int64()),
            "same": pyarrow.array([7] * len(texts), pyarrow.int32()),
            "none": pyarrow.array([None] * len(texts), pyarrow.float64()),
        })
        versions = [(version, size, words) for version in ("1.0", "2.0") for size in (64, 4096, 2**20) for words in (True, False)]
        for at, (version, size, words) in enumerate(versions):
            pyarrow.parquet.write_table(table, self.file(f"{at}.parquet", b""), compression="snappy", data_page_version=version,
                                        data_page_size=size, use_dictionary=words)
            self.source(f"t{at}", "", f"{at}.parquet", "PARQUET")
            self.project.write(f"views/v{at}.sql", f"CREATE MATERIALIZED VIEW v{at} TBLPROPERTIES ('weir.compression' = 'snappy') AS SELECT * FROM t{at}\n")
        self.project.run()
        for at, how in enumerate(versions):
            with self.subTest(how=how):
                self.assertEqual(self.project.read(f"v{at}").sort_by("id").to_pydict(), table.to_pydict())

if __name__ == "__main__":
    unittest.main()
