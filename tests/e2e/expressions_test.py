# SPDX-License-Identifier: Apache-2.0
"""Random conditions, windows and keys over columns with NULL, NaN, both zeros and infinities give what DuckDB gives, over Parquet, CSV and
Delta, in SELECT, in WHERE, under NOT and IS NULL (faults B3, B4, B7, B8, B9)."""

import csv
import datetime
import decimal
import json
import math
import random
import re
import subprocess
import tempfile
import unittest

import duckdb
import pyarrow
import pyarrow.parquet

from weir_project import FULL_SCALE, Project, program

SEED = 20251129
EXPRESSIONS = 3000 if FULL_SCALE else 250
WINDOWS = 600 if FULL_SCALE else 80
ROWS = 60
FLOATS = [None, math.nan, 0.0, -0.0, math.inf, -math.inf, 1.0, 1.5, -2.0, 2.0, 1e300]
DECIMALS = [None, "0.00", "1.10", "1.20", "1.24", "-1.10", "2.00", "3.40"]
TEXTS = [None, "a", "ab", "abc", "7", "07", "10", "a%b", "a_b"]
INTEGERS = [None, -3, -1, 0, 1, 2, 3, 5, 7, 100]
SCHEMA = pyarrow.schema([("id", pyarrow.int64()), ("i", pyarrow.int32()), ("j", pyarrow.int64()), ("x", pyarrow.float64()),
                         ("y", pyarrow.float64()), ("d", pyarrow.decimal128(10, 2)), ("s", pyarrow.string()), ("b", pyarrow.bool_()),
                         ("ts", pyarrow.timestamp("us")), ("day", pyarrow.date32())])


def random_table(chance: random.Random) -> pyarrow.Table:
    def row(number: int) -> dict:
        money = chance.choice(DECIMALS)
        moment = datetime.datetime(2024, 1, chance.randrange(1, 4), chance.choice([0, 0, 12]), 0, 0, chance.choice([0, 1, 1000, 500000]))
        return {"id": number, "i": chance.choice(INTEGERS), "j": chance.choice(INTEGERS), "x": chance.choice(FLOATS),
                "y": chance.choice(FLOATS), "d": decimal.Decimal(money) if money else None, "s": chance.choice(TEXTS),
                "b": chance.choice([None, True, False]), "ts": chance.choice([None, moment, moment]),
                "day": chance.choice([None, moment.date()])}
    return pyarrow.Table.from_pylist([row(number) for number in range(ROWS)], schema=SCHEMA)


class Conditions:
    """Random conditions of SQL that both engines read alike, and that fail for no value."""

    def __init__(self, chance: random.Random):
        self.chance = chance

    def literal(self, kind: str) -> str:
        pick = self.chance.choice
        match kind:
            case "integer":
                return str(pick(INTEGERS[1:]))
            case "float":
                return pick(["CAST('NaN' AS DOUBLE)", "CAST('Infinity' AS DOUBLE)", "CAST('-Infinity' AS DOUBLE)", "CAST(0.0 AS DOUBLE)",
                             "CAST('-0.0' AS DOUBLE)", "CAST(1.0 AS DOUBLE)", "CAST(1.5 AS DOUBLE)", "CAST(2.0 AS DOUBLE)"])
            case "decimal":
                return f"CAST({pick(DECIMALS[1:])} AS DECIMAL(10,2))"
            case "text":
                return "'" + pick(TEXTS[1:]) + "'"
            case "time":
                return f"TIMESTAMP '2024-01-0{pick('123')} {pick(['00', '12'])}:00:00'"
        return f"DATE '2024-01-0{pick('123')}'"

    def value(self, kind: str, depth: int = 1) -> str:
        pick = self.chance.choice
        columns = {"integer": ["i", "j"], "float": ["x", "y"], "decimal": ["d"], "text": ["s"], "time": ["ts"], "day": ["day"]}[kind]
        choices = [pick(columns)] * 4
        if depth > 0:
            other = self.value(kind, depth - 1)
            choices += [f"coalesce({pick(columns)}, {self.literal(kind)})", f"nullif({pick(columns)}, {self.literal(kind)})",
                        f"CASE WHEN {self.atom(0)} THEN {other} ELSE {self.literal(kind)} END",
                        f"CASE WHEN {self.atom(0)} THEN {other} END"]
            match kind:
                case "integer":
                    choices += ["CAST(d AS INT)", "CAST(i AS BIGINT)", "TRY_CAST(j AS SMALLINT)", "TRY_CAST(s AS INT)", "i + 1", "-i",
                                "CAST(b AS INT)"]
                case "float":
                    choices += ["x + y", "x - y", "CAST(d AS DOUBLE)", "CAST(i AS DOUBLE)"]
                case "decimal":
                    choices += ["CAST(d AS DECIMAL(10,1))", "CAST(d AS DECIMAL(12,3))", "CAST(i AS DECIMAL(12,2))"]
                case "text":
                    choices += ["CAST(i AS VARCHAR)", "lower(s)", "s || 'b'"]
                case "time":
                    choices += ["CAST(day AS TIMESTAMP)"]
                case "day":
                    choices += ["CAST(ts AS DATE)"]
        return pick(choices)

    def atom(self, depth: int = 1) -> str:
        chance, pick = self.chance, self.chance.choice
        kind = pick(["integer", "integer", "float", "float", "decimal", "text", "time", "day"])
        value = self.value(kind, depth)
        comparison = pick(["=", "<>", "<", "<=", ">", ">="])
        members = [self.literal(kind) for _ in range(chance.randrange(1, 6))] + (["NULL"] if chance.random() < 0.2 else [])
        if chance.random() < 0.2:
            members.append(self.value(kind, 0))
        other = pick([self.literal(kind)] * 3 + [self.value(kind, 0)])
        choices = [f"{value} {comparison} {other}", f"{value} {comparison} {other}",
                   f"{value} {pick(['IN', 'NOT IN'])} ({', '.join(members)})", f"{value} {pick(['IN', 'NOT IN'])} ({', '.join(members)})",
                   f"{value} {pick(['', 'NOT '])}BETWEEN {self.literal(kind)} AND {self.literal(kind)}",
                   f"{value} IS {pick(['', 'NOT '])}NULL", f"({value} IS {pick(['', 'NOT '])}DISTINCT FROM {other})"]
        if kind == "text":
            choices += [f"{value} LIKE {pick(['a%', '%b', 'a', '%', '_b', 'a%%']).__repr__()}"] * 2
        return pick(choices + ["b"])

    def condition(self, depth: int) -> str:
        chance, pick = self.chance, self.chance.choice
        if depth == 0 or chance.random() < 0.2:
            return self.atom()
        one, two = self.condition(depth - 1), self.condition(depth - 1)
        # The same value in both, now and then: what is merged there is merged rightly.
        if chance.random() < 0.4:
            column = pick(["i", "j", "x", "d", "s"])
            kind = {"i": "integer", "j": "integer", "x": "float", "d": "decimal", "s": "text"}[column]
            one, two = (f"{column} {pick(['IN', 'NOT IN'])} ({self.literal(kind)}, {self.literal(kind)})" if chance.random() < 0.6
                        else f"{column} {pick(['=', '<>', '<', '>='])} {self.literal(kind)}" for _ in range(2))
        return pick([f"({one} AND {two})", f"({one} OR {two})", f"NOT ({one})", f"(({one}) IS {pick(['TRUE', 'NOT FALSE', 'NOT TRUE'])})",
                     f"CASE WHEN {one} THEN {two} ELSE {self.atom()} END", f"CASE WHEN {one} THEN {two} END", f"({one} AND NOT {two})",
                     f"coalesce({one}, {two})"])


def over(source: str, query: str) -> str:
    """The query over a source in the place of t."""
    return re.sub(r"\b(FROM|JOIN) t\b", rf"\1 {source}", query)


def one_value(value):
    """A value by which two programs agree: floats by their value, decimals as numbers, times by their text."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, str) and value in ("NaN", "inf", "-inf", "Infinity", "-Infinity"):
        return "NaN" if value == "NaN" else (-math.inf if value.startswith("-") else math.inf)
    return value


def as_rows(rows: list[dict]) -> list[tuple]:
    """Rows in an order that does not hang on theirs. A column that is NULL may be left out."""
    return sorted((tuple(sorted((name, one_value(value)) for name, value in row.items() if value is not None)) for row in rows), key=repr)


class ExpressionsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="weir-expressions-")
        cls.project = Project(cls.scratch.name)
        table = random_table(random.Random(SEED))
        cls.project.write("weir.toml", '[project]\nname = "expressions"\n')
        parquet = cls.project.folder / "t.parquet"
        pyarrow.parquet.write_table(table, parquet, row_group_size=7)
        with open(cls.project.folder / "t.csv", "w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(SCHEMA.names)
            writer.writerows(["" if value is None else value for value in row.values()] for row in table.to_pylist())
        columns = "id BIGINT, i INT, j BIGINT, x DOUBLE, y DOUBLE, d DECIMAL(10,2), s VARCHAR, b BOOLEAN, ts TIMESTAMP(6), day DATE"
        cls.project.write("sources/all.sql",
                          "CREATE EXTERNAL TABLE p STORED AS PARQUET LOCATION 't.parquet';\n"
                          f"CREATE EXTERNAL TABLE c ({columns}) STORED AS CSV LOCATION 't.csv' OPTIONS ('has_header' 'true');\n")
        cls.project.write("views/v.sql", "SELECT * FROM p WHERE id < 30 UNION ALL SELECT * FROM p WHERE id >= 30")
        cls.project.run()
        cls.oracle = duckdb.connect()
        cls.oracle.execute("SET TimeZone = 'UTC'")
        cls.oracle.execute(f"CREATE TABLE t AS SELECT * FROM '{parquet}'")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def answers(self, queries: list[str]) -> list:
        """The rows of each query, in one process; the message of the one that fails ends it."""
        done = subprocess.run([program(), "sql", "--project", str(self.project.folder), "--format", "json"],
                              input="".join(query + "\n;\n" for query in queries), capture_output=True, text=True, timeout=900)
        found, at, decoder = [], 0, json.JSONDecoder()
        while at < len(done.stdout):
            rows, at = decoder.raw_decode(done.stdout, at)
            found.append(rows)
            while at < len(done.stdout) and done.stdout[at].isspace():
                at += 1
        if done.returncode != 0:
            self.fail(f"{queries[min(len(found), len(queries) - 1)]}\n{done.stderr}")
        return found

    def wanted(self, query: str) -> list[dict]:
        cursor = self.oracle.execute(query)
        names = [column[0] for column in cursor.description]
        return [{name: value for name, value in zip(names, row) if value is not None} for row in cursor.fetchall()]

    def compare(self, pairs: list[tuple[str, str]]) -> None:
        """Queries of the program, each with the one for DuckDB."""
        differ = []
        for (query, asked), rows in zip(pairs, self.answers([query for query, _ in pairs]), strict=True):
            found, wanted = as_rows(rows), as_rows(self.wanted(asked))
            if found != wanted:
                lost = [row for row in wanted if row not in found]
                added = [row for row in found if row not in wanted]
                differ.append(f"{query}\nlost {lost[:9]}\nadded {added[:9]}")
        self.assertEqual(differ[:5], [], f"{len(differ)} of {len(pairs)} differ")

    def test_conditions_mean_the_same_wherever_they_stand(self):
        chance = random.Random(SEED)
        conditions = Conditions(chance)
        pairs = []
        for _ in range(EXPRESSIONS):
            condition, source = conditions.condition(chance.randrange(1, 4)), chance.choice(["p", "c", "v"])
            for query in (f"SELECT id, {condition} AS e FROM t", f"SELECT id FROM t WHERE {condition}",
                          f"SELECT id FROM t WHERE NOT ({condition})", f"SELECT count(*) AS n FROM t WHERE ({condition}) IS NULL"):
                pairs.append((over(source, query), query))
        self.compare(pairs)

    def test_windows_ignore_nulls(self):
        chance = random.Random(SEED)
        pairs = []
        for _ in range(WINDOWS):
            number = chance.randrange(0, 5)
            function, arguments = chance.choice([("lead", f", {number}"), ("lag", f", {number}"), ("lead", ""), ("lag", f", {number}, -9"),
                                                 ("lead", f", {number}, -9"), ("first_value", ""), ("last_value", ""),
                                                 ("nth_value", f", {number + 1}")])
            partition = chance.choice(["", "PARTITION BY b ", "PARTITION BY x "])
            frame = ""
            if function not in ("lead", "lag"):
                low = chance.choice(["UNBOUNDED PRECEDING", "3 PRECEDING", "CURRENT ROW"])
                high = chance.choice(["CURRENT ROW", "2 FOLLOWING", "UNBOUNDED FOLLOWING"])
                frame = f" ROWS BETWEEN {low} AND {high}"
            order = f"ORDER BY id{chance.choice(['', ' DESC'])}"
            nulls = chance.choice([" IGNORE NULLS", " IGNORE NULLS", ""])
            limit = chance.choice(["", "", " ORDER BY id LIMIT 7"])
            window = f"OVER ({partition}{order}{frame}) AS w FROM t{limit}"
            query = f"SELECT id, {function}(i{arguments}){nulls} {window}"
            asked = f"SELECT id, {function}(i{arguments}{nulls}) {window}"
            pairs.append((over(chance.choice("pv"), query), asked))
        self.compare(pairs)

    def test_floats_are_keys_by_their_value(self):
        queries = ["SELECT x, count(*) AS n FROM t GROUP BY x", "SELECT x, i, count(*) AS n FROM t GROUP BY x, i", "SELECT DISTINCT x FROM t",
                   "SELECT x, y, count(*) AS n FROM t GROUP BY ROLLUP (x, y)", "SELECT count(DISTINCT x) AS n FROM t",
                   "SELECT a.id AS a, b.id AS b FROM t AS a JOIN t AS b ON a.x = b.y",
                   "SELECT a.id AS a, b.id AS b FROM t AS a LEFT JOIN t AS b ON a.x = b.y AND a.i < b.i",
                   "SELECT id FROM t WHERE x IN (SELECT y FROM t WHERE y IS NOT NULL)",
                   "SELECT id FROM t WHERE x NOT IN (SELECT y FROM t WHERE y > 1.0)",
                   "SELECT id FROM t AS a WHERE EXISTS (SELECT 1 FROM t AS b WHERE a.x = b.y AND a.id <> b.id)",
                   "SELECT id, count(*) OVER (PARTITION BY x) AS n, rank() OVER (ORDER BY x) AS r FROM t",
                   "SELECT id, sum(i) OVER (PARTITION BY x ORDER BY y, id) AS n FROM t",
                   "SELECT x FROM t UNION SELECT y FROM t", "SELECT x FROM t INTERSECT SELECT y FROM t", "SELECT x FROM t EXCEPT SELECT y FROM t",
                   "SELECT id FROM t ORDER BY x NULLS LAST, id LIMIT 20", "SELECT id FROM t ORDER BY x DESC NULLS LAST, id LIMIT 20",
                   "SELECT max(x) AS a, min(y) AS b, count(x) AS n FROM t", "SELECT max(x) AS a FROM t WHERE i > 0",
                   "SELECT id FROM t WHERE x > 2.0", "SELECT id FROM t WHERE x >= 1e300", "SELECT id FROM t WHERE x = 0.0 AND x <> 5.0",
                   "SELECT id, CASE x WHEN 0.0 THEN 'zero' WHEN 1.0 THEN 'one' END AS k FROM t"]
        self.compare([(over(source, query), query) for query in queries for source in "pcv"])
        for source in "pcv":
            for query in (f"SELECT CAST(x AS VARCHAR) AS k FROM (SELECT x FROM {source} GROUP BY x)",
                          f"SELECT CAST(x AS VARCHAR) AS k FROM (SELECT DISTINCT x FROM {source})"):
                self.assertNotIn("-0.0", [row.get("k") for row in self.project.sql(query)])


if __name__ == "__main__":
    unittest.main()
