# SPDX-License-Identifier: Apache-2.0
"""Time is microseconds, from the year 1 to 9999 and beyond: literals, functions, comparisons, CSV, Parquet (INT96 too) and Delta.

Faults B19, C1. The right rows are written out here.
"""

import datetime
import json
import unittest

import pyarrow
import pyarrow.parquet

from source_case import SourceCase

UTC = datetime.timezone.utc
TIMES = [datetime.datetime(1, 1, 1), datetime.datetime(1582, 10, 15, 1, 2, 3), datetime.datetime(1677, 9, 21, 0, 12, 43),
         datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), datetime.datetime(2024, 2, 29, 12, 30, 15, 123456),
         datetime.datetime(2262, 4, 12), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)]


class LiteralTest(SourceCase):

    def test_literals_and_casts(self):
        self.assertEqual(self.stored(
            "SELECT TIMESTAMP '9999-12-31 23:59:59.999999' AS a, CAST('0001-01-01' AS TIMESTAMP) AS b, "
            "CAST(DATE '9999-12-31' AS TIMESTAMP) AS c, '9999-12-31'::timestamp AS d, "
            "TIMESTAMP WITH TIME ZONE '9999-12-31 23:59:59+00:00' AS e, CAST(['9999-12-31'] AS TIMESTAMP[]) AS f"), [
                (TIMES[-1], TIMES[0], datetime.datetime(9999, 12, 31), datetime.datetime(9999, 12, 31),
                 datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), [datetime.datetime(9999, 12, 31)])])

    def test_nanoseconds_where_the_user_asks(self):
        self.assertEqual(self.rows("SELECT arrow_typeof(CAST('2024-01-01' AS TIMESTAMP(9))) AS t, "
                                   "arrow_typeof(CAST('2024-01-01' AS TIMESTAMP)) AS u"), [("Timestamp(ns)", "Timestamp(µs)")])
        # Stored, they are cut to microseconds.
        self.assertEqual(self.stored("SELECT CAST('2024-01-01 00:00:00.123456789' AS TIMESTAMP(9)) AS t"),
                         [(datetime.datetime(2024, 1, 1, 0, 0, 0, 123456),)])
        self.refuse("SELECT CAST(x AS TIMESTAMP(9)) AS t FROM (VALUES ('9999-12-31')) v(x)", "9999-12-31")

    def test_comparisons_with_dates_texts_and_the_present(self):
        self.csv("id INT, m TIMESTAMP, d DATE", "id,m,d\n1,9999-12-31 00:00:00,9999-12-31\n2,2000-01-01 10:00:00,2000-01-01\n3,,\n")
        for condition, wanted in [
            ("m = d", [1]), ("m > now()", [1]), ("d > now()", [1]), ("m < now()", [2]), ("m = '9999-12-31'", [1]),
            ("m > '9999-12-30 23:59:59'", [1]), ("m BETWEEN DATE '2000-01-01' AND DATE '9999-12-30'", [2]),
            ("m IN (DATE '9999-12-31', DATE '2000-01-01')", [1]), ("m IS NOT DISTINCT FROM d", [1, 3]), ("d < m", [2]),
            ("coalesce(m, TIMESTAMP '9999-12-31') = DATE '9999-12-31'", [1, 3]), ("m >= TIMESTAMP '9999-12-31'", [1]),
            ("CASE WHEN m = d THEN true ELSE false END", [1])]:
            with self.subTest(condition=condition):
                self.assertEqual(self.rows(f"SELECT id FROM t WHERE {condition} ORDER BY id"), [(i,) for i in wanted])
        self.assertEqual(self.rows("SELECT a.id AS i, b.id AS j FROM t a JOIN t b ON a.m = b.d"), [(1, 1)])
        self.assertEqual(self.stored("SELECT a.id AS i, b.id AS j FROM t a JOIN t b ON a.m = b.d"), [(1, 1)])

    def test_functions(self):
        self.csv("m TIMESTAMP", "m\n9999-12-31 23:59:59.999999\n")
        for expression, wanted in [
            ("date_trunc('year', m)", "9999-01-01T00:00:00"), ("m + INTERVAL '1 microsecond'", "+10000-01-01T00:00:00"),
            ("m - INTERVAL '9998 years'", "0001-12-31T23:59:59.999999"), ("to_timestamp('9999-12-31')", "9999-12-31T00:00:00"),
            ("to_timestamp(253402214400)", "9999-12-31T00:00:00"), ("to_timestamp(253402214400.5)", "9999-12-31T00:00:00.500"),
            ("to_timestamp_micros('9999-12-31')", "9999-12-31T00:00:00"), ("from_unixtime(253402214400)", "9999-12-31T00:00:00"),
            ("date_part('year', m)", "9999"), ("extract(microsecond FROM m)", "59999999"), ("CAST(m AS DATE)", "9999-12-31"),
            ("greatest(m, TIMESTAMP '2024-01-01')", "9999-12-31T23:59:59.999999")]:
            with self.subTest(expression=expression):
                self.assertEqual(self.rows(f"SELECT replace(CAST({expression} AS VARCHAR), 'Z', '') AS x FROM t"), [(wanted,)])

    def test_dates_among_times(self):
        self.csv("m TIMESTAMP, d DATE, n INT, s VARCHAR", "m,d,n,s\n9999-12-31 10:00:00,9999-12-30,1,30/12/9999\n")
        for expression, wanted in [
            ("CASE WHEN n = 1 THEN m ELSE d END", "9999-12-31T10:00:00"), ("CASE WHEN n = 1 THEN d ELSE m END", "9999-12-30T00:00:00"),
            ("coalesce(CAST(NULL AS DATE), m)", "9999-12-31T10:00:00"), ("coalesce(d, m)", "9999-12-30T00:00:00"),
            ("greatest(d, m)", "9999-12-31T10:00:00"), ("least(m, d)", "9999-12-30T00:00:00"), ("[d, m][1]", "9999-12-30T00:00:00"),
            ("coalesce(CASE WHEN n = 2 THEN m ELSE d END, d)", "9999-12-30T00:00:00"),
            ("(SELECT max(y) FROM (SELECT d AS y FROM t UNION ALL SELECT m FROM t))", "9999-12-31T10:00:00"),
            ("(SELECT min(y) FROM (SELECT m AS y FROM t UNION SELECT d FROM t UNION ALL SELECT d FROM t))", "9999-12-30T00:00:00"),
            ("(SELECT max(y) FROM (SELECT d AS y FROM t UNION ALL SELECT d FROM t UNION ALL SELECT m FROM t))", "9999-12-31T10:00:00"),
            ("nullif(d, m)", "9999-12-30T00:00:00"), ("nullif(m, d)", "9999-12-31T10:00:00"), ("greatest(m, '9999-12-31 11:00:00')", "9999-12-31T11:00:00"),
            ("CASE WHEN n = 1 THEN '9999-12-29' ELSE m END", "9999-12-29T00:00:00"), ("CASE n WHEN 1 THEN m ELSE s END", "9999-12-31T10:00:00"),
            ("array_has([m], d)", "false"), ("array_position([m, CAST('9999-12-30' AS TIMESTAMP)], d)", "2"),
            ("m IN (SELECT d FROM t)", "false"), ("date_trunc('day', m) - INTERVAL '1 day' IN (SELECT d FROM t)", "true"),
            ("d IN (SELECT date_trunc('day', m) - INTERVAL '1 day' FROM t)", "true"), ("d NOT IN (SELECT m FROM t)", "true"),
            ("arrow_cast(m - d, 'Int64') / 3600000000", "34"), ("arrow_cast(d - m, 'Int64') / 3600000000", "-34"),
            ("date_trunc('month', d)", "9999-12-01T00:00:00"), ("coalesce(date_trunc('year', d), d)", "9999-01-01T00:00:00"),
            ("date_bin(INTERVAL '1 day', d)", "9999-12-30T00:00:00"), ("date_bin(INTERVAL '1 month', d)", "9999-12-01T00:00:00"),
            ("date_bin(INTERVAL '5 months', m)", "9999-08-01T00:00:00"),
            ("date_bin(INTERVAL '7 months', TIMESTAMP '0001-12-31')", "0001-11-01T00:00:00"),
            ("to_timestamp(s, '%d/%m/%Y')", "9999-12-30T00:00:00"), ("to_timestamp(s, '%Y', '%d/%m/%Y')", "9999-12-30T00:00:00"),
            ("to_timestamp_micros('9999-12-30 01:02:03.5+01:00', '%Y-%m-%d %H:%M:%S%.f%:z')", "9999-12-30T00:02:03.500"),
            ("m AT TIME ZONE 'UTC'", "9999-12-31T10:00:00"), ("m AT TIME ZONE 'Europe/Berlin'", "9999-12-31T10:00:00+01:00"),
            ("d AT TIME ZONE 'Europe/Berlin'", "9999-12-30T00:00:00+01:00"), ("d + INTERVAL '10 hours'", "9999-12-30T10:00:00")]:
            with self.subTest(expression=expression):
                self.assertEqual(self.rows(f"SELECT replace(CAST({expression} AS VARCHAR), 'Z', '') AS x FROM t"), [(wanted,)])

    def test_dates_among_times_in_every_place_of_a_query(self):
        self.csv("m TIMESTAMP, d DATE, n INT", "m,d,n\n2024-12-31 10:00:00,2024-12-30,1\n")
        for query, wanted in [
            ("SELECT sum(n) FILTER (WHERE coalesce(d, m) < m) AS s FROM t GROUP BY GROUPING SETS ((n), ())", [(1,), (1,)]),
            ("SELECT row_number() OVER (PARTITION BY coalesce(d, m) ORDER BY coalesce(d, m)) AS r FROM t", [(1,)]),
            ("SELECT r + 1 AS r FROM (SELECT row_number() OVER (ORDER BY coalesce(d, m)) AS r FROM t) q", [(2,)]),
            ("SELECT array_agg(n ORDER BY coalesce(d, m)) AS a FROM t HAVING max(coalesce(d, m)) < max(m)", [([1],)]),
            ("WITH RECURSIVE r(k, x) AS (SELECT 1, coalesce(d, m) FROM t UNION ALL SELECT k + 1, x FROM r WHERE k < 3) "
             "SELECT count(*) AS n FROM r WHERE x < TIMESTAMP '2024-12-30 01:00:00'", [(3,)]),
            ("SELECT count(*) AS n FROM t a WHERE EXISTS (SELECT 1 FROM t b WHERE coalesce(b.d, b.m) = a.d)", [(1,)]),
            ("SELECT unnest([d, m]) > TIMESTAMP '2024-12-31' AS u FROM t", [(False,), (True,)]),
            ("SELECT CAST(x + INTERVAL '1 hour' AS VARCHAR) AS x FROM (SELECT d AS x FROM t UNION SELECT m FROM t) q ORDER BY x",
             [("2024-12-30T01:00:00",), ("2024-12-31T11:00:00",)])]:
            with self.subTest(query=query):
                self.assertEqual([tuple(int(v) if isinstance(v, str) and v.isdigit() else v for v in row) for row in self.rows(query)], wanted)

    def test_series_in_from(self):
        for call in ("generate_series(TIMESTAMP '2023-01-01', TIMESTAMP '2023-01-03', INTERVAL '1 day')",
                     "range(CAST('2023-01-01' AS TIMESTAMP), TIMESTAMP '2023-01-04', INTERVAL '1 day')"):
            with self.subTest(call=call):
                self.assertEqual(self.rows(f"SELECT CAST(CAST(x AS DATE) AS VARCHAR) AS d FROM {call} AS s(x) WHERE x > TIMESTAMP '2023-01-01'"),
                                 [("2023-01-02",), ("2023-01-03",)])

    def test_functions_give_no_other_time(self):
        """An error, or the right time."""
        self.csv("m TIMESTAMP, x DOUBLE", "m,x\n9999-12-31 23:59:59.999999,1e17\n")
        for expression, wanted in [
            ("date_bin(INTERVAL '1 day', m)", "9999-12-31"), ("date_bin(INTERVAL '1 day', m, TIMESTAMP '0001-01-01')", "9999-12-31"),
            ("date_trunc('day', CAST(m AS TIMESTAMP(9)))", "9999-12-31"), ("m - TIMESTAMP '0001-01-01'", "3652058 days"),
            ("to_timestamp_nanos(m)", "9999-12-31"), ("to_timestamp(x)", "+"), ("to_timestamp_nanos('9999-12-31')", "9999-12-31"),
            ("to_unixtime(m)", "253402300799"), ("date_part('epoch', m)", "253402300800"), ("to_char(m, '%Y')", "9999"),
            ("m AT TIME ZONE 'Europe/Berlin'", "9999-12-31"), ("make_date(9999, 12, 31)", "9999-12-31"),
            ("CAST(m AS TIMESTAMP(9))", "9999-12-31"), ("arrow_cast(m, 'Timestamp(Nanosecond, None)')", "9999-12-31"),
            ("CAST(arrow_cast(m, 'Timestamp(Second, None)') AS TIMESTAMP)", "9999-12-31"),
            ("(SELECT max(v) FROM generate_series(TIMESTAMP '9999-12-30', TIMESTAMP '9999-12-31', INTERVAL '1 day') AS g(v))",
             "9999-12-31"),
            ("generate_series(TIMESTAMP '9999-12-30', TIMESTAMP '9999-12-31', INTERVAL '1 day')", "9999-12-31"),
            ("CASE WHEN x > 0 THEN m ELSE DATE '2000-01-01' END", "9999-12-31"), ("coalesce(NULL, DATE '9999-12-31', m)", "9999-12-31"),
            ("(SELECT max(y) FROM (SELECT m AS y FROM t UNION ALL SELECT DATE '2000-01-01'))", "9999-12-31")]:
            with self.subTest(expression=expression):
                outcome = self.project.weir("sql", "--format", "json", f"SELECT CAST({expression} AS VARCHAR) AS x FROM t")
                if outcome.code == 0:
                    self.assertIn(wanted, outcome.json()[0]["x"], expression)
                else:
                    self.assertEqual(outcome.code, 1, outcome.text)


class FileTest(SourceCase):

    def test_csv(self):
        self.csv("m TIMESTAMP, z TIMESTAMP WITH TIME ZONE", "m,z\n" + "".join(f"{t},{t.isoformat()}Z\n" for t in TIMES))
        self.assertEqual(self.stored("SELECT m, z FROM t"), [(t, t.replace(tzinfo=UTC)) for t in TIMES])

    def parquet(self, path: str, column: pyarrow.Array, **options) -> None:
        file = self.file(path, b"")
        table = pyarrow.table({"id": pyarrow.array(range(len(column)), pyarrow.int32()), "m": column})
        pyarrow.parquet.write_table(table, file, **options)

    def test_parquet_in_all_units(self):
        column = pyarrow.array(TIMES, pyarrow.timestamp("us"))
        self.parquet("us.parquet", column)
        self.parquet("int96.parquet", column, use_deprecated_int96_timestamps=True)
        self.parquet("ms.parquet", column.cast("timestamp[ms]", safe=False))
        for name, wanted in [("us", TIMES), ("int96", TIMES),
                             ("ms", column.cast("timestamp[ms]", safe=False).to_pylist())]:
            for columns in ("", "id INT, m TIMESTAMP"):
                with self.subTest(name=name, columns=columns):
                    self.source("t", columns, f"{name}.parquet", "PARQUET")
                    self.assertEqual(self.stored("SELECT m FROM t"), [(t,) for t in wanted])
                    self.assertEqual(self.rows("SELECT count(*) AS n FROM t WHERE m > TIMESTAMP '9000-01-01'"), [(1,)])
                    self.assertEqual(self.rows("SELECT count(*) AS n FROM t WHERE m < TIMESTAMP '1000-01-01'"), [(1,)])

    def test_parquet_in_nanoseconds(self):
        self.parquet("ns.parquet", pyarrow.array([1_700_000_000_123_456_789, -1], pyarrow.timestamp("ns")))
        self.source("t", "", "ns.parquet", "PARQUET")
        self.assertEqual(self.rows("SELECT CAST(m AS VARCHAR) AS m FROM t ORDER BY id"),
                         [("2023-11-14T22:13:20.123456789",), ("1969-12-31T23:59:59.999999999",)])
        self.source("t", "id INT, m TIMESTAMP", "ns.parquet", "PARQUET")
        self.assertEqual(len(self.rows("SELECT m FROM t WHERE m >= TIMESTAMP '2023-01-01'")), 1)

    def test_int96_in_delta(self):
        self.delta("plain", {})
        self.delta("mapped", {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "2"})
        for name in ("plain", "mapped"):
            with self.subTest(name=name):
                self.source("t", "", f"{name}/", "DELTATABLE")
                self.assertEqual(self.stored("SELECT m FROM t"), [(t.replace(tzinfo=UTC),) for t in TIMES])
                self.assertEqual(self.rows("SELECT count(*) AS n FROM t WHERE m > TIMESTAMP '9000-01-01 00:00:00'"), [(1,)])

    def delta(self, name: str, properties: dict) -> None:
        """A table of one file with INT96, as Spark writes it."""
        self.parquet(f"{name}/part.parquet", pyarrow.array(TIMES, pyarrow.timestamp("us", "UTC")), use_deprecated_int96_timestamps=True)
        file = self.project.folder / "data" / name / "part.parquet"

        def field(number: int, column: str, kind: str) -> dict:
            mapping = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": column} if properties else {}
            return {"name": column, "type": kind, "nullable": True, "metadata": mapping}
        schema = {"type": "struct", "fields": [field(1, "id", "integer"), field(2, "m", "timestamp")]}
        protocol = {"minReaderVersion": 2, "minWriterVersion": 5} if properties else {"minReaderVersion": 1, "minWriterVersion": 2}
        actions = [
            {"protocol": protocol},
            {"metaData": {"id": "00000000-0000-0000-0000-000000000001", "format": {"provider": "parquet", "options": {}},
                          "schemaString": json.dumps(schema), "partitionColumns": [], "configuration": properties, "createdTime": 0}},
            {"add": {"path": "part.parquet", "partitionValues": {}, "size": file.stat().st_size, "modificationTime": 0,
                     "dataChange": True}}]
        self.file(f"{name}/_delta_log/00000000000000000000.json", "".join(json.dumps(action) + "\n" for action in actions))


if __name__ == "__main__":
    unittest.main()
