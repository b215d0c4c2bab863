# SPDX-License-Identifier: Apache-2.0
"""Random expressions without parentheses, joins with USING and NATURAL, and bags of rows give what DuckDB gives (faults B5, B6, B16)."""

import pathlib
import random
import tempfile
import unittest

import duckdb

from subqueries_property_test import answers, shown
from weir_project import FULL_SCALE

SEEDS = [1, 2, *(range(100, 140) if FULL_SCALE else [])]
QUERIES_PER_SEED = 100
TABLES = {"ta": ("k", "x"), "tb": ("k", "y"), "tc": ("k", "x", "z")}


def expression(rng: random.Random) -> str:
    """A condition over the columns i, j (INT), c (BOOLEAN) and s (VARCHAR) of `e`."""
    number = lambda: rng.choice(["i", "j", "1", "2", "i + j", "i * 2 + 1", "-i", "i - j * 2", "i | 2", "i & 1 | j", "i << 1 + 1"])
    text = lambda: rng.choice(["s", "'a'", "s || 'b'", "s || i + 1", "'x' || s"])
    test = lambda: rng.choice([
        lambda: f"{number()} {rng.choice(['=', '<', '>=', '<>'])} {number()}", lambda: f"{number()} IS DISTINCT FROM {number()}",
        lambda: f"{number()} IS NOT DISTINCT FROM {number()}", lambda: f"{number()} {rng.choice(['', 'NOT '])}IN (1, 2)",
        lambda: f"{number()} {rng.choice(['', 'NOT '])}BETWEEN 1 AND {number()}", lambda: f"{text()} {rng.choice(['', 'NOT '])}LIKE {text()}",
        lambda: f"{number()} IS {rng.choice(['', 'NOT '])}NULL", lambda: "c", lambda: f"{text()} = {text()}",
        lambda: f"c = {number()} IN (1, 2)", lambda: f"c <> {text()} LIKE 'a%'", lambda: f"c = {number()} BETWEEN 0 AND 2",
        lambda: f"{number()} = {number()} IS NULL", lambda: f"c IS {rng.choice(['', 'NOT '])}{rng.choice(['TRUE', 'FALSE'])}",
        lambda: f"{text()} LIKE 'a%' = c", lambda: f"{number()} IS DISTINCT FROM {number()} IS NULL",
        lambda: "NOT EXISTS (SELECT 1 FROM e WHERE e.i > 5)"])()
    parts = [rng.choice(["", "", "NOT "]) + test()]
    for _ in range(rng.randrange(3)):
        parts += [rng.choice(["AND", "OR"]), rng.choice(["", "", "NOT "]) + test()]
    return " ".join(parts)


def merged(rng: random.Random) -> str:
    names = rng.sample(list(TABLES), rng.choice([2, 2, 3]))
    text, columns = names[0], list(TABLES[names[0]])
    for name in names[1:]:
        kind = rng.choice(["FULL JOIN", "RIGHT JOIN", "LEFT JOIN", "JOIN"])
        text += f" {'NATURAL ' if (natural := rng.random() < 0.3) else ''}{kind} {name}"
        if not natural:
            text += " USING (k)"
        columns += [column for column in TABLES[name] if column not in columns]
    # JSON has each name once.
    pick = rng.choice(["k" if {"ta", "tc"} <= set(names) else "*", "k", "k, count(*) AS n", "k + 1 AS m"])
    where = rng.choice(["", " WHERE k > 1", " WHERE k IS NULL", f" WHERE {names[0]}.k IS NULL"])
    return f"SELECT {pick} FROM {text}{where}" + (" GROUP BY k" if "count" in pick else "")


def bag(rng: random.Random) -> str:
    side = lambda: rng.choice(["SELECT k FROM ta", "SELECT k FROM tb", "SELECT x FROM ta", "SELECT x FROM tc", "SELECT k % 2 FROM tc"])
    word = lambda: f"{rng.choice(['INTERSECT', 'EXCEPT'])} {rng.choice(['ALL', 'ALL', ''])}"
    return f"SELECT q.* FROM (({side()} {word()} {side()}) {word()} {side()}) AS q (v)"


class SqlTextProperty(unittest.TestCase):
    def check(self, seed: int) -> None:
        rng = random.Random(seed)
        kinds = [lambda: f"SELECT e.n, CASE WHEN {(text := expression(rng))} THEN 1 ELSE 0 END AS v FROM e", lambda: merged(rng), lambda: bag(rng)]
        queries = [rng.choice(kinds)() for _ in range(QUERIES_PER_SEED)]
        engine = duckdb.connect()
        tables = {name: (columns, ["INT"] * len(columns), [[rng.choice([None, 0, 1, 2, 3]) for _ in columns] for _ in range(rng.choice([0, 3, 6]))])
                  for name, columns in TABLES.items()}
        tables["e"] = (("n", "i", "j", "c", "s"), ["INT", "INT", "INT", "BOOLEAN", "VARCHAR"],
                       [[n, rng.choice([None, 0, 1, 2, 3]), rng.choice([None, 1, 2]), rng.choice([None, "true", "false"]), rng.choice([None, "a", "ab", "b1"])]
                        for n in range(12)])
        with tempfile.TemporaryDirectory(prefix="weir-sql-text-") as scratch:
            folder = pathlib.Path(scratch)
            (folder / "weir.toml").write_text('[project]\nname = "sql_text"\n')
            (folder / "sources").mkdir()
            (folder / "data").mkdir()
            sources = ""
            for name, (columns, types, rows) in tables.items():
                lines = [",".join(columns), *(",".join("" if value is None else str(value) for value in row) for row in rows)]
                (folder / "data" / f"{name}.csv").write_text("\n".join(lines) + "\n")
                described = ", ".join(f"{column} {kind}" for column, kind in zip(columns, types))
                sources += f"CREATE EXTERNAL TABLE {name} ({described}) STORED AS CSV LOCATION 'data/{name}.csv' OPTIONS ('format.has_header' 'true');\n"
                engine.execute(f"CREATE TABLE {name} ({described})")
                for row in rows:
                    engine.execute(f"INSERT INTO {name} VALUES ({', '.join('?' for _ in row)})", row)
            (folder / "sources" / "all.sql").write_text(sources)
            given = answers(folder, queries)
        for query, answer in zip(queries, given, strict=True):
            try:
                result = engine.execute(query)
            except duckdb.Error:
                continue  # a type that it converts by itself, or a name that is ambiguous to it
            names = [column[0] for column in result.description]
            wanted = shown(result.fetchall())
            self.assertNotIsInstance(answer, str, f"seed {seed}\n{query}\n{answer}")
            self.assertEqual(shown([row.get(name) for name in names] for row in answer), wanted, f"seed {seed}\n{query}")


def add_case(seed: int) -> None:
    setattr(SqlTextProperty, f"test_seed_{seed}", lambda self: self.check(seed))


for number in SEEDS:
    add_case(number)

if __name__ == "__main__":
    unittest.main()
