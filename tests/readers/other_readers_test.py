# SPDX-License-Identifier: Apache-2.0
"""What Weir writes, other programs read alike: deltalake, polars, DuckDB's extension, and Spark in the long suites. The rows are written out
here by hand, not asked of Weir.
"""

import datetime
import decimal
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import canonical  # noqa: E402
from canonical import Map, Struct  # noqa: E402
from weir_project import FULL_SCALE, ROOT, Project, ProjectCase  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
D = decimal.Decimal
NAN, INF = float("nan"), float("inf")


def utc(*parts) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=datetime.timezone.utc)


def ntz(*parts) -> datetime.datetime:
    return datetime.datetime(*parts)


date = datetime.date

# name: (columns, SQL types, rows, literals of the rows in SQL). Each is stored as it is, and again partitioned by each of its scalar columns.
SCALARS = {
    "booleans": ("BOOLEAN", [(True, "true"), (False, "false"), (None, "NULL")]),
    "bytes8": ("TINYINT", [(-128, "-128"), (127, "127"), (0, "0"), (None, "NULL")]),
    "shorts": ("SMALLINT", [(-32768, "-32768"), (32767, "32767"), (None, "NULL")]),
    "ints": ("INT", [(-2147483648, "-2147483648"), (2147483647, "2147483647"), (None, "NULL")]),
    "longs": ("BIGINT", [(-9223372036854775807, "-9223372036854775807"), (9223372036854775807, "9223372036854775807"), (None, "NULL")]),
    "floats": ("REAL", [(1.5, "'1.5'"), (INF, "'inf'"), (-INF, "'-inf'"), (NAN, "'NaN'"), (None, "NULL")]),
    "doubles": ("DOUBLE", [(0.1, "0.1"), (1e300, "1e300"), (5e-324, "'5e-324'"), (INF, "'inf'"), (-INF, "'-inf'"), (NAN, "'NaN'"), (None, "NULL")]),
    "small_decimals": ("DECIMAL(5, 2)", [(D("999.99"), "'999.99'"), (D("-0.01"), "'-0.01'"), (D("1.50"), "1.5"), (None, "NULL")]),
    "wide_decimals": ("DECIMAL(38, 10)", [(D("1234567890123456789012345678.0123456789"), "'1234567890123456789012345678.0123456789'"),
                                          (D("-1.0000000000"), "-1"), (None, "NULL")]),
    "whole_decimals": ("DECIMAL(38, 0)", [(D(10**38 - 1), f"'{10**38 - 1}'"), (D(0), "0"), (None, "NULL")]),
    "dates": ("DATE", [(date(1, 1, 1), "'0001-01-01'"), (date(1969, 12, 31), "'1969-12-31'"), (date(9999, 12, 31), "'9999-12-31'"), (None, "NULL")]),
    "texts": ("VARCHAR", [("plain", "'plain'"), ("größe 漢字 🦆", "'größe 漢字 🦆'"), ("a/b=c%20d #?&+", "'a/b=c%20d #?&+'"), ("it's \"quoted\"", "'it''s \"quoted\"'"),
                          ("line\nbreak\ttab", "'line\nbreak\ttab'"), (" blanks ", "' blanks '"), ("NULL", "'NULL'"), ("x" * 250, f"'{'x' * 250}'"), (None, "NULL")]),
}
UNPARTITIONED = {
    "binaries": ("BYTEA", [(b"", "X''"), (b"\x00\xff\xfe", "X'00FFFE'"), (b"text", "X'74657874'"), (None, "NULL")]),
    "empty_texts": ("VARCHAR", [("", "''"), ("\u0001", "chr(1)"), (None, "NULL")]),
    "long_texts": ("VARCHAR", [("x" * 300, f"'{'x' * 300}'"), ("é" * 5000, f"'{'é' * 5000}'")]),
    "zeros": ("DOUBLE", [(0.0, "0.0"), (-0.0, "'-0.0'")]),
}
TIMES = {
    "instants": [(utc(1969, 12, 31, 23, 59, 59, 999999), "1969-12-31T23:59:59.999999"), (utc(2024, 2, 29, 12, 30), "2024-02-29T12:30:00"),
                 (utc(1900, 1, 1), "1900-01-01T00:00:00"), (utc(2261, 12, 31, 1, 2, 3), "2261-12-31T01:02:03"), (None, None)],
}
NESTED = {
    "lists": ("SELECT 1 AS id, [1, 2, NULL] AS v UNION ALL SELECT 2, arrow_cast([], 'List(Int64)') UNION ALL SELECT 3, NULL",
              [(1, [1, 2, None]), (2, []), (3, None)]),
    "lists_of_lists": ("SELECT 1 AS id, [['a', NULL], ['b']] AS v UNION ALL SELECT 2, NULL", [(1, [["a", None], ["b"]]), (2, None)]),
    "structs": ("SELECT 1 AS id, named_struct('a', 1, 'b', 'x') AS v UNION ALL SELECT 2, named_struct('a', NULL, 'b', NULL) UNION ALL SELECT 3, NULL",
                [(1, Struct(a=1, b="x")), (2, Struct(a=None, b=None)), (3, None)]),
    "structs_of_lists": ("SELECT 1 AS id, named_struct('p', [named_struct('q', 1.5)], 'r', DATE '2024-01-01') AS v",
                         [(1, Struct(p=[Struct(q=1.5)], r=date(2024, 1, 1)))]),
    "maps": ("SELECT 1 AS id, MAP {'k': 1, 'l': NULL} AS v UNION ALL SELECT 2, NULL", [(1, Map([("k", 1), ("l", None)])), (2, None)]),
    "maps_of_lists": ("SELECT 1 AS id, MAP {'k': [1, 2]} AS v", [(1, Map([("k", [1, 2])]))]),
}
ODD = {
    "no_rows": ("SELECT 1 AS id, 'x' AS v WHERE false", ["id", "v"], []),
    "odd_names": ('SELECT 1 AS "Größe", 2 AS "with-dash", 3 AS "q""uote", 4 AS "Select", 5 AS "dotted.name"',
                  ["Größe", "with-dash", 'q"uote', "Select", "dotted.name"], [(1, 2, 3, 4, 5)]),
    "many_rows": ("SELECT n AS id, n % 7 AS v FROM (SELECT unnest(range(1, 20001)) AS n)", ["id", "v"], [(i, i % 7) for i in range(1, 20001)]),
}
# What a reader cannot read, though the table is as the protocol has it: (reader, table) and the reason.
READERS_OWN: dict[tuple[str, str], str] = {
    ("deltalake", "by_small_decimals"): "its dataset reads the partition value -0.01 as 0.-1",
}


def union(values, kind: str) -> str:
    return "\nUNION ALL ".join(f"SELECT {i} AS id, CAST({literal} AS {kind}) AS v" for i, (_, literal) in enumerate(values))


def tables() -> dict[str, tuple[str, list[str], list[tuple]]]:
    """Of each view its text, its columns and its rows."""
    made = {}
    for name, (kind, values) in (SCALARS | UNPARTITIONED).items():
        rows = [(i, value) for i, (value, _) in enumerate(values)]
        made[name] = (union(values, kind), ["id", "v"], rows)
        if name in SCALARS:
            made[f"by_{name}"] = (f"CREATE MATERIALIZED VIEW by_{name} PARTITIONED BY (v) AS\n{union(values, kind)}", ["id", "v"], rows)
    for kind, convert in (("zoned", lambda t: t), ("local", lambda t: t.replace(tzinfo=None))):
        values = TIMES["instants"]
        zone = '"UTC"' if kind == "zoned" else None
        arrow = f"Timestamp(Microsecond, {f'Some({zone})' if zone else 'None'})"
        sql = "\nUNION ALL ".join(
            f"SELECT {i} AS id, arrow_cast({'NULL' if text is None else repr(text + ('Z' if zone else ''))}, '{arrow}') AS v" for i, (_, text) in enumerate(values))
        rows = [(i, None if value is None else convert(value)) for i, (value, _) in enumerate(values)]
        made[kind] = (sql, ["id", "v"], rows)
        made[f"by_{kind}"] = (f"CREATE MATERIALIZED VIEW by_{kind} PARTITIONED BY (v) AS\n{sql}", ["id", "v"], rows)
    for name, (sql, rows) in NESTED.items():
        made[name] = (sql, ["id", "v"], rows)
    made |= ODD
    return made


class OtherReadersTest(ProjectCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tables = tables()
        scratch = cls.enterClassContext(__import__("tempfile").TemporaryDirectory(prefix="weir-readers-"))
        cls.project = Project(scratch)
        cls.project.write("weir.toml", '[project]\nname = "readers"\n')
        for name, (sql, _, _) in cls.tables.items():
            cls.project.write(f"views/{name}.sql", sql)
        cls.outcome = cls.project.weir("run")

    def test_all_are_built(self):
        self.assertEqual(self.outcome.code, 0, self.outcome.text)

    def answers(self, reader: str, python: str, **environment) -> dict:
        folders = {name: str(self.project.table_path(name)) for name in self.tables}
        done = subprocess.run([python, str(HERE / "read_tables.py"), reader], input=json.dumps(folders), capture_output=True, text=True,
                              env=os.environ | {"TZ": "UTC"} | environment, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return json.loads(done.stdout)

    def check(self, reader: str, python: str, **environment) -> None:
        answers = self.answers(reader, python, **environment)
        for name, (_, columns, rows) in self.tables.items():
            with self.subTest(reader=reader, table=name):
                answer = answers[name]
                wanted = {"columns": columns, "rows": canonical.forms(rows)}
                if (reader, name) in READERS_OWN:
                    self.assertNotEqual(answer, wanted, "the reader reads it by now: strike it off the list")
                else:
                    self.assertEqual(answer, wanted)

    def python_of(self, requirements: str) -> str:
        done = subprocess.run([str(ROOT / "scripts" / "venv.sh"), str(HERE / requirements)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip() + "/bin/python"

    def test_deltalake(self):
        self.check("deltalake", self.python_of("requirements.txt"))

    def test_polars(self):
        self.check("polars", self.python_of("requirements.txt"))

    def test_duckdb(self):
        self.check("duckdb", self.python_of("requirements.txt"))

    @unittest.skipUnless(FULL_SCALE, "Spark is slow: WEIR_TEST_SCALE=full runs it")
    def test_spark(self):
        jars = subprocess.run([str(ROOT / "scripts" / "fetch_spark_jars.sh")], capture_output=True, text=True)
        self.assertEqual(jars.returncode, 0, jars.stderr)
        self.check("spark", self.python_of("requirements-spark.txt"), WEIR_SPARK_JARS=jars.stdout.strip())


if __name__ == "__main__":
    unittest.main()
