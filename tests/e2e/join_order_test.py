# SPDX-License-Identifier: Apache-2.0
"""Inner joins are executed in another order than the one that is written, where that is better: the rows are those that DuckDB finds, and
those of the written order, whatever is joined, filtered, NULL, doubled or named.

In: Delta tables of very different sizes, and random queries over them (seeded). With WEIR_TEST_SCALE=full more of them.
"""

import json
import random
import unittest

import deltalake
import duckdb

import weir_project
from weir_project import Project, ProjectCase

QUERIES = 400 if weir_project.FULL_SCALE else 60
WRITTEN = '[project]\nname = "p"\n\n[profiles.default.settings]\n"datafusion.optimizer.join_reordering" = "false"\n'

# Keys of all kinds, NULL, doubled, and without a partner; `k` and `v` are in several tables.
TABLES = {
    "fact": "SELECT i AS id, nullif((h % 211)::INT, 7) AS a, (h % 37)::INT AS b, 's' || (h % 23) AS c, date '2024-01-01' + (h % 90)::INT "
            "AS d, (h % 1000) / 4.0 AS v, CASE h % 9 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN -0.0::DOUBLE ELSE h % 5 END AS x FROM r(20000)",
    "dim_a": "SELECT i::INT AS a, 'name ' || (i % 10) AS name, (i % 37)::INT AS k FROM r(250)",
    "dim_b": "SELECT (i % 40)::INT AS b, i::INT AS k, 'g' || (i % 4) AS name FROM r(80)",
    "dim_c": "SELECT 's' || i AS c, (i % 5)::INT AS k FROM r(30)",
    "dim_d": "SELECT date '2024-01-01' + i::INT AS d, 'week ' || (i // 7) AS name FROM r(120)",
    "dim_x": "SELECT CASE i WHEN 0 THEN 'nan'::DOUBLE ELSE i - 1 END AS x, i::INT AS k FROM r(7)",
    "tiny": "SELECT i::INT AS k, CASE WHEN i = 3 THEN NULL ELSE 'g' || i END AS name FROM r(5)",
    "nothing": "SELECT i::INT AS k, 'g' || i AS name FROM r(1) WHERE i > 0",
    "Odd Name": 'SELECT i::INT AS k, \'g\' || i AS "na""me" FROM r(40)',
}
KEYS = {"fact": {"a": "a", "b": "b", "c": "c", "d": "d", "x": "x"}, "dim_a": {"a": "a", "k": "b"}, "dim_b": {"b": "b", "k": "a"},
        "dim_c": {"c": "c", "k": "b"}, "dim_d": {"d": "d"}, "dim_x": {"x": "x", "k": "b"}, "tiny": {"k": "b"}, "nothing": {"k": "b"},
        "Odd Name": {"k": "b"}}
FILTERS = {
    "fact": ["{t}.a < 20", "{t}.v > 240", "{t}.c IN ('s1', 's2')", "{t}.d BETWEEN date '2024-01-05' AND date '2024-01-20'", "{t}.x = 2",
             "{t}.a IS NOT NULL", "NOT ({t}.b > 3)"],
    "dim_a": ["{t}.name = 'name 3'", "{t}.a > 200", "{t}.name LIKE '%5'"], "dim_b": ["{t}.name <> 'g1'", "{t}.k = 11"],
    "dim_c": ["{t}.k = 2", "{t}.c >= 's2'"], "dim_d": ["{t}.name = 'week 2'"], "dim_x": ["{t}.x > 1"], "tiny": ["{t}.name IS NULL", "{t}.k < 2"],
    "nothing": [], "Odd Name": ["{t}.k < 30"],
}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class QueryMaker:
    """Random joins that hang together; the same for the same seed."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def query(self) -> str:
        names = [self.random.choice(list(KEYS)) for _ in range(self.random.randint(3, 6))]
        # No more than two large ones, or the result has more rows than are worth comparing.
        names = [n if n != "fact" or names[:i].count("fact") < 1 else "tiny" for i, n in enumerate(names)]
        aliases = [(f"t{i}", name) for i, name in enumerate(names)]
        conditions = []
        for i, (alias, name) in enumerate(aliases[1:], 1):
            pairs = [(f"{other}.{k}", f"{alias}.{mine}") for other, other_name in aliases[:i] for k, kind in KEYS[other_name].items()
                     for mine, my_kind in KEYS[name].items() if kind == my_kind]
            if not pairs:
                return self.query()
            conditions.append(self.random.sample(pairs, min(len(pairs), self.random.choice((1, 1, 1, 2)))))
        self.random.shuffle(conditions)
        wheres = [f"{a} = {b}" for pairs in conditions for a, b in pairs]
        for alias, name in aliases:
            wheres += [f.format(t=alias) for f in FILTERS[name] if self.random.random() < 0.3]
        if self.random.random() < 0.3:
            (a, first), (b, second) = self.random.sample(aliases, 2)
            wheres.append(f"({a}.{list(KEYS[first])[0]} IS NOT NULL OR {b}.{list(KEYS[second])[0]} IS NULL)")
        if self.random.random() < 0.3:
            # What can fail stays where it is.
            alias, name = self.random.choice(aliases)
            column = next((c for c, kind in KEYS[name].items() if kind == "b"), None)
            wheres += [f"{alias}.{column} + 1 <> {aliases[0][0]}.{list(KEYS[aliases[0][1]])[0]}"] \
                if column and KEYS[aliases[0][1]][list(KEYS[aliases[0][1]])[0]] in "ab" else []
        self.random.shuffle(aliases)
        columns = [f"{alias}.{column} AS {alias}_{column}" for alias, name in aliases for column in KEYS[name] if self.random.random() < 0.6]
        tables = ", ".join(f"{quoted(name)} {alias}" for alias, name in aliases)
        where = " AND ".join(wheres)
        kind = self.random.random()
        if kind < 0.5 or not columns:
            return f"SELECT count(*) AS n FROM {tables} WHERE {where}"
        if kind < 0.8:
            groups = ", ".join(c.rpartition(" AS ")[0] for c in columns)
            return f"SELECT {', '.join(columns)}, count(*) AS n FROM {tables} WHERE {where} GROUP BY {groups}"
        # Joins among other operators: those on either side of an outer join, in a union, below a window.
        outer = f"SELECT o.name, count(*) AS n FROM (SELECT {aliases[0][0]}.* FROM {tables} WHERE {where}) s {self.random.choice(('LEFT', 'FULL'))} " \
                f"JOIN tiny o ON o.k = s.{next(iter(KEYS[aliases[0][1]]))} GROUP BY o.name"
        if KEYS[aliases[0][1]][next(iter(KEYS[aliases[0][1]]))] in "ab":
            return outer
        return f"SELECT count(*) AS n FROM {tables} WHERE {where} UNION ALL SELECT k FROM tiny"


class JoinOrderTest(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "p")
        self.project.write("weir.toml", '[project]\nname = "p"\n')
        self.duckdb = duckdb.connect()
        self.duckdb.execute("CREATE MACRO r(n) AS TABLE SELECT i, (hash(i) % 1000000007)::BIGINT AS h FROM range(n) t(i)")
        sources = ""
        for name, query in TABLES.items():
            self.duckdb.execute(f"CREATE TABLE {quoted(name)} AS {query}")
            folder = self.project.folder / "data" / name.replace(" ", "_")
            deltalake.write_deltalake(str(folder), self.duckdb.table(quoted(name)).to_arrow_table())
            sources += f"CREATE EXTERNAL TABLE {quoted(name)} STORED AS DELTATABLE LOCATION '{folder}';\n"
        self.project.write("sources/tables.sql", sources)

    def view(self, name: str, query: str) -> None:
        self.project.write(f"views/{name}.sql", f"CREATE MATERIALIZED VIEW {name} AS\n{query}\n")

    @staticmethod
    def comparable(rows) -> list[tuple]:
        """In an order, NaN beside NULL. Both zeros are one group, which has either sign."""
        return sorted(tuple(str(value + 0.0 if isinstance(value, float) else value) for value in row) for row in rows)

    def rows(self, query: str) -> list[tuple]:
        return self.comparable(self.duckdb.execute(query).fetchall())

    def stored(self, name: str) -> list[tuple]:
        table = deltalake.DeltaTable(str(self.project.warehouse / name)).to_pyarrow_table()
        return self.comparable(row.values() for row in table.to_pylist())

    def plans(self, names: list[str]) -> dict[str, str]:
        found = {}
        for name in names:
            outcome = self.project.weir("explain", name, "--analyze", "--format", "json")
            self.assertEqual(0, outcome.code, outcome.text)
            found[name] = json.dumps([operator["operator"] for operator in json.loads(outcome.stdout)["operators"]])
        return found

    def test_random_joins_have_the_rows_of_the_written_order(self):
        maker = QueryMaker(20261201)
        queries = {f"q{i}": maker.query() for i in range(QUERIES)}
        for name, query in queries.items():
            self.view(name, query)
        outcome = self.project.weir("run")
        self.assertEqual(0, outcome.code, outcome.text)
        for name, query in queries.items():
            self.assertEqual(self.rows(query), self.stored(name), query)
        sample = list(queries)[:30]
        ordered = self.plans(sample)
        self.project.write("weir.toml", WRITTEN)
        outcome = self.project.weir("run", "--force")
        self.assertEqual(0, outcome.code, outcome.text)
        for name, query in queries.items():
            self.assertEqual(self.rows(query), self.stored(name), query)
        written = self.plans(sample)
        self.assertGreater(sum(ordered[name] != written[name] for name in sample), 5, "no plan has another order")

    def test_filtered_tables_are_joined_first(self):
        """As in the queries of TPC-H that name a nation last."""
        self.view("late", "SELECT f.id, a.name FROM fact f JOIN dim_a a ON f.a = a.a JOIN dim_d d ON f.d = d.d JOIN tiny t ON a.k = t.k "
                          "WHERE t.name = 'g2'")
        outcome = self.project.weir("run")
        self.assertEqual(0, outcome.code, outcome.text)
        (plan,) = self.plans(["late"]).values()
        # An operator stands before those that it reads; `tiny` is written last.
        self.assertIn("on=[(k@0, k@2)]", plan)
        self.assertEqual(plan.rindex("HashJoinExec"), plan.rindex("HashJoinExec", 0, plan.index("on=[(k@0, k@2)]")), plan)

    def test_what_can_fail_is_evaluated_where_it_is_written(self):
        """A cast in a condition would fail for rows that the join before it leaves out."""
        self.duckdb.execute("CREATE TABLE texts AS SELECT i::INT AS k, CASE WHEN i < 5 THEN i::VARCHAR ELSE 'none' END AS s FROM range(50) t(i)")
        folder = self.project.folder / "data" / "texts"
        deltalake.write_deltalake(str(folder), self.duckdb.table("texts").to_arrow_table())
        self.project.write("sources/texts.sql", f"CREATE EXTERNAL TABLE texts STORED AS DELTATABLE LOCATION '{folder}';\n")
        self.view("cast", "SELECT f.id, t.s FROM (SELECT x.k, x.s FROM texts x JOIN tiny y ON x.k = y.k) t JOIN fact f ON f.b = t.k "
                          "JOIN dim_b b ON b.b = f.b AND CAST(t.s AS INT) + b.k > 3")
        outcome = self.project.weir("run")
        self.assertEqual(0, outcome.code, outcome.text)
        query = "SELECT f.id, t.s FROM texts t, fact f, dim_b b WHERE t.k < 5 AND f.b = t.k AND b.b = f.b AND TRY_CAST(t.s AS INT) + b.k > 3"
        self.assertEqual(self.rows(query), self.stored("cast"))


if __name__ == "__main__":
    unittest.main()
