# SPDX-License-Identifier: Apache-2.0
"""Fields of structs that are NULL, or that have parts that are: in Parquet whose fields are never missing, in Delta tables, and in what
functions make of them. DuckDB reads the same file and says what is right."""

import random
import unittest

import deltalake
import pyarrow
import pyarrow.parquet

from sql_case import Anywhere, bag, of_duckdb, quoted

# `a`, `n` and `n.b` are never missing where what holds them is there.
INNER = pyarrow.struct([pyarrow.field("b", pyarrow.string(), nullable=False), pyarrow.field("f", pyarrow.float64())])
ITEM = pyarrow.struct([pyarrow.field("x", pyarrow.int64(), nullable=False)])
SCHEMA = pyarrow.schema([
    pyarrow.field("id", pyarrow.int64(), nullable=False),
    pyarrow.field("s", pyarrow.struct([pyarrow.field("a", pyarrow.int64(), nullable=False), pyarrow.field("n", INNER, nullable=False),
                                       pyarrow.field("m", INNER), pyarrow.field("day", pyarrow.date32(), nullable=False)])),
    pyarrow.field("Odd Name", pyarrow.struct([pyarrow.field("Ünï", pyarrow.int32(), nullable=False), pyarrow.field("a b", pyarrow.string())])),
    pyarrow.field("items", pyarrow.list_(ITEM)),
    pyarrow.field("named", pyarrow.map_(pyarrow.string(), ITEM)),
])

# The same text in both engines, `t` the table.
QUERIES = [
    "SELECT id, s['a'] AS v FROM t",
    "SELECT id, s['n']['b'] AS v, s['n']['f'] AS w FROM t",
    "SELECT id, s['m']['b'] AS v, s['m']['f'] AS w FROM t",
    "SELECT id, s['n'] AS v, s['m'] AS w FROM t",
    "SELECT id FROM t WHERE s['a'] IS NULL",
    "SELECT id FROM t WHERE s['a'] IS NOT NULL AND s['m']['b'] IS NULL",
    "SELECT id, s['a'] AS v FROM t WHERE s['a'] <= 0",
    "SELECT id FROM t WHERE s['m']['b'] = ''",
    "SELECT count(*) AS n, count(s['a']) AS a, count(s['m']['b']) AS b, count(s['n']['f']) AS f, min(s['day']) AS d FROM t",
    "SELECT s['a'] AS k, count(*) AS n, sum(id)::BIGINT AS total FROM t GROUP BY s['a']",
    "SELECT s['m']['b'] AS k, max(s['a']) AS most FROM t GROUP BY s['m']['b']",
    "SELECT id, row_number() OVER (ORDER BY s['a'] DESC NULLS LAST, id) AS r FROM t",
    "SELECT x.id, y.id AS other FROM t AS x JOIN t AS y ON x.s['a'] = y.s['a'] AND x.id < y.id",
    "SELECT x.id, y.s['a'] AS v, y.s['m']['b'] AS w FROM t AS x LEFT JOIN t AS y ON y.id = x.id + 40",
    "SELECT id, coalesce(s['a'], -1) AS v, coalesce(s['m']['b'], 'none') AS w FROM t",
    "SELECT id, u['a'] AS v, u['n']['b'] AS w FROM (SELECT id, CASE WHEN id % 2 = 0 THEN s END AS u FROM t) AS q",
    'SELECT id, "Odd Name"[\'Ünï\'] AS v, "Odd Name"[\'a b\'] AS w FROM t WHERE "Odd Name"[\'Ünï\'] IS NULL OR "Odd Name"[\'Ünï\'] < 2',
    "SELECT id, items[1]['x'] AS v, items[2]['x'] AS w FROM t",
    "SELECT id, unnest(items)['x'] AS v FROM t",
    "SELECT DISTINCT s['m']['b'] AS v, s['n']['b'] AS w FROM t",
    "SELECT id, s['a'] AS v FROM t WHERE id IN (SELECT s['a'] FROM t)",
    "SELECT id FROM t WHERE id NOT IN (SELECT s['a'] FROM t WHERE s['a'] IS NOT NULL)",
    "SELECT id, s['a'] AS v FROM t UNION ALL SELECT id, floor(s['m']['f'])::BIGINT FROM t WHERE s['m']['f'] BETWEEN 0 AND 9",
    "SELECT id, s['day'] AS v FROM t WHERE s['day'] < DATE '1970-01-02' OR s['day'] IS NULL",
    "SELECT id, s['a'] AS v FROM t ORDER BY s['a'] NULLS FIRST, id LIMIT 30",
]


def random_table(draw: random.Random, rows: int) -> pyarrow.Table:
    def maybe(value, odds=0.3):
        return None if draw.random() < odds else value

    def inner():
        return {"b": draw.choice(["", "x", "Ü"]), "f": maybe(draw.choice([0.0, -0.0, 1.5, float("nan"), float("inf")]))}

    def item():
        return {"x": draw.randrange(4)}

    made = [{"id": number,
             "s": maybe({"a": draw.randrange(-2, 50), "n": inner(), "m": maybe(inner()), "day": draw.randrange(3)}),
             "Odd Name": maybe({"Ünï": draw.randrange(4), "a b": maybe("'")}, 0.5),
             "items": maybe([maybe(item()) for _ in range(draw.randrange(4))]),
             "named": maybe([(key, maybe(item())) for key in "ab"[:draw.randrange(3)]])} for number in range(rows)]
    return pyarrow.Table.from_pylist(made, SCHEMA)


class NullStructs(Anywhere):
    def check(self, table: str, oracle: str) -> None:
        wanted = [bag(of_duckdb(f"WITH t AS ({oracle}) {query}")) for query in QUERIES]
        for query, rows in zip(QUERIES, wanted, strict=True):
            self.assertEqual(bag(self.table(f"WITH t AS (SELECT * FROM {table}) {query}")), rows, f"{table}\n{query}")

    def test_parquet_delta_and_json(self):
        for seed in range(2):
            table = random_table(random.Random(seed), 200)
            file = self.scratch / f"rows{seed}.parquet"
            pyarrow.parquet.write_table(table, file, row_group_size=64)
            oracle = f"SELECT * FROM read_parquet({quoted(file)})"
            self.check(quoted(file), oracle)
            delta = self.scratch / f"delta{seed}"
            deltalake.write_deltalake(delta, table)
            self.check(quoted(delta), oracle)

    def test_a_view_stores_what_it_reads(self):
        """Fields that are NULL go into tables and come out of them, whole structs and parts."""
        table = random_table(random.Random(9), 300)
        file = self.scratch / "rows.parquet"
        pyarrow.parquet.write_table(table, file)
        self.write("p/weir.toml", "[project]\nname = 'p'\n")
        self.write("p/sources/t.sql", f"CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION {quoted(file)};")
        self.write("p/views/v.sql", "SELECT id, s, s['a'] AS a, s['m'] AS m, unnest(s) FROM t")
        self.write("p/views/w.sql", "SELECT id, s['a'] AS again, m['b'] AS b FROM v WHERE s['a'] IS NULL OR a > 10")
        outcome = self.weir("run", cwd=self.scratch / "p")
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        names = [field.name for field in SCHEMA.field("s").type]
        whole = deltalake.DeltaTable(self.scratch / "p/warehouse/v").to_pyarrow_table().to_pylist()
        self.assertEqual(len(whole), 300)
        by_id = {row["id"]: row for row in table.to_pylist()}
        for row in whole:
            s = by_id[row["id"]]["s"]
            parts = [value for name, value in row.items() if name not in ("id", "s", "a", "m")]
            self.assertEqual(repr((row["s"], row["a"], row["m"])), repr((s, s and s["a"], s and s["m"])))
            self.assertEqual(repr(parts), repr([s and s[name] for name in names]))
        found = sorted((row["id"], row["again"], row["b"])
                       for row in deltalake.DeltaTable(self.scratch / "p/warehouse/w").to_pyarrow_table().to_pylist())
        wanted = sorted((number, s and s["a"], s and s["m"] and s["m"]["b"]) for number, s in
                        ((number, row["s"]) for number, row in by_id.items()) if s is None or s["a"] > 10)
        self.assertEqual(found, wanted)


if __name__ == "__main__":
    unittest.main()
