# SPDX-License-Identifier: Apache-2.0
"""A part of a query that stands in it several times runs once, and nobody can tell from the rows. DuckDB says what is right.

Random queries read common table expressions from two to four places: joins of all kinds, unions, subqueries, places behind a filter or
a limit that stops reading early. They run in several partitions, with small batches, and with so little memory that rows go to disk.
"""

import json
import random

import deltalake
import duckdb
import pyarrow

import weir_project

ROWS = 3_000
SEEDS = range(40 if weir_project.FULL_SCALE else 6)
VIEWS = 12

PARTS = (
    "SELECT k, count(*) AS n, sum(v) AS total, min(w) AS least FROM t GROUP BY k",
    "SELECT k, g AS n, sum(v) AS total, max(w) AS least FROM t WHERE v > 10 GROUP BY k, g",
    "SELECT DISTINCT k, g AS n, v AS total, w AS least FROM t WHERE v < 3",
    "SELECT k, v AS n, sum(v) OVER (PARTITION BY k ORDER BY id) AS total, w AS least FROM t WHERE id % 30 = 0",
    "SELECT k, g AS n, v AS total, w AS least FROM t ORDER BY id DESC LIMIT 90",
    "SELECT t.k, count(*) AS n, sum(u.v) AS total, min(u.w) AS least FROM t JOIN u ON t.k = u.k AND t.g = u.g GROUP BY t.k",
)
READERS = (
    "SELECT a.k, a.n, b.total, b.least FROM p a JOIN p b ON a.k = b.k AND a.n = b.n",
    "SELECT a.k, a.n, b.total, b.least FROM p a LEFT JOIN p b ON a.k = b.k + 1 AND b.n > 3 AND a.total = b.total",
    "SELECT k, n, total, least FROM p WHERE total > (SELECT avg(total) FROM p)",
    "SELECT k, n, total, least FROM p WHERE total = (SELECT max(total) FROM p) UNION ALL SELECT k, n, total, least FROM p WHERE k = 3",
    "SELECT k, n, total, least FROM p UNION ALL SELECT k, n, total, least FROM p UNION ALL SELECT k + 1, n, total, least FROM p",
    "SELECT k, n, total, least FROM p WHERE EXISTS (SELECT 1 FROM p q WHERE q.k = p.k + 1 AND q.n > 1)",
    "SELECT k, n, total, least FROM p WHERE k NOT IN (SELECT k FROM p WHERE n > 5 AND k IS NOT NULL)",
    "SELECT a.k, a.n, b.total, c.least FROM p a JOIN (SELECT k, max(total) AS total FROM p GROUP BY k) b ON a.k = b.k "
    "JOIN (SELECT k, min(least) AS least FROM p GROUP BY k) c ON b.k = c.k",
    "SELECT a.k, a.n, a.total, a.least FROM p a JOIN u ON a.k = u.k AND u.id = -1 JOIN p b ON a.k = b.k",
    "SELECT k, n, total, least FROM (SELECT k, n, total, least FROM p ORDER BY k, n, total, least LIMIT 5) AS f "
    "WHERE (SELECT count(*) FROM p) > 3",
    # Two limits over one sort of eleven rows.
    "SELECT * FROM (SELECT k, n, total, least FROM p ORDER BY k, n, total, least LIMIT 9 OFFSET 2) AS f "
    "UNION ALL SELECT * FROM (SELECT k, n, total, least FROM p ORDER BY k, n, total, least LIMIT 8 OFFSET 3) AS g",
)
SETTINGS = ("", '"datafusion.execution.target_partitions" = "3"\n"datafusion.execution.batch_size" = "100"\n')


class SharedPartsTest(weir_project.ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "project")
        self.duckdb = duckdb.connect()

    def write_tables(self, draw: random.Random, rows: int = ROWS) -> None:
        sources = []
        for name, count in (("t", rows), ("u", 300)):
            table = pyarrow.table({
                "id": pyarrow.array(range(count), pyarrow.int64()),
                "k": pyarrow.array([draw.choice([None, *range(12)]) for _ in range(count)], pyarrow.int64()),
                "g": pyarrow.array([draw.randrange(8) for _ in range(count)], pyarrow.int64()),
                "v": pyarrow.array([draw.choice([None, *range(90)]) for _ in range(count)], pyarrow.int64()),
                "w": pyarrow.array([draw.choice([None, "a", "b c", "", "ä", "long text " * 3]) for _ in range(count)])})
            for mode, half in (("overwrite", table.slice(0, count // 2)), ("append", table.slice(count // 2))):
                deltalake.write_deltalake(str(self.scratch / name), half, mode=mode)
            sources.append(f"CREATE EXTERNAL TABLE {name} STORED AS DELTATABLE LOCATION '{self.scratch / name}';\n")
            self.duckdb.register(name, table)
        self.project.write("sources/tables.sql", "".join(sources))

    def write_views(self, draw: random.Random) -> dict[str, str]:
        views = {}
        for number in range(VIEWS):
            part, reader = draw.choice(PARTS), draw.choice(READERS)
            query = f"WITH p AS ({part})\n{reader}"
            if draw.random() < 0.3:  # a part within a part
                query = (f"WITH o AS ({part}), p AS (SELECT k, n, sum(total) AS total, min(least) AS least FROM "
                         f"(SELECT * FROM o UNION ALL SELECT * FROM o) AS halves GROUP BY k, n)\n{reader}")
            views[f"v{number}"] = query
            self.project.write(f"views/v{number}.sql", query + "\n")
        return views

    def check(self, views: dict[str, str], settings: str) -> None:
        self.project.write("weir.toml", '[project]\nname = "parts"\n' + settings)
        self.project.run("--force")
        for name, query in views.items():
            with self.subTest(name, query=query, settings=settings):
                expected = self.duckdb.execute(query).fetchall()
                found = [tuple(row.values()) for row in self.project.read(name).to_pylist()]
                as_numbers = [tuple(int(v) if hasattr(v, "as_integer_ratio") else v for v in row) for row in found]
                self.assertEqual(sorted(map(repr, expected)), sorted(map(repr, as_numbers)))

    def test_random_queries_equal_another_engine(self):
        for seed in SEEDS:
            draw = random.Random(seed)
            self.write_tables(draw)
            views = self.write_views(draw)
            for settings in SETTINGS:
                self.check(views, f"\n[profiles.default.settings]\n{settings}")

    def physical_plan(self, query: str) -> str:
        return self.project.succeed("sql", f"EXPLAIN {query}").stdout

    def test_a_part_runs_once_and_what_varies_or_differs_does_not_share(self):
        self.write_tables(random.Random(1))
        self.project.write("weir.toml", '[project]\nname = "parts"\n')
        shared = "WITH p AS (SELECT k, count(*) AS n FROM t GROUP BY k) SELECT * FROM p a JOIN p b ON a.k = b.n"
        self.assertEqual(self.physical_plan(shared).count("SharedRows"), 2)
        other_filters = shared + " WHERE a.k = 3 AND b.k = 4"
        self.assertEqual(self.physical_plan(other_filters).count("SharedRows"), 0)
        varying = "(SELECT k, sum(v * random()) AS n FROM t GROUP BY k)"
        self.assertEqual(self.physical_plan(f"SELECT * FROM {varying} a JOIN {varying} b ON a.k = b.k").count("SharedRows"), 0)
        steady = varying.replace("random()", "2")
        self.assertEqual(self.physical_plan(f"SELECT * FROM {steady} a JOIN {steady} b ON a.k = b.k").count("SharedRows"), 2)

    def test_rows_that_memory_cannot_hold_go_to_disk(self):
        self.write_tables(random.Random(2), rows=100_000)
        # The second place begins to read when the first is done: what it has not read yet is held.
        query = ("WITH p AS (SELECT id, v, w, count(*) AS n FROM t GROUP BY id, v, w)\n"
                 "SELECT id, v, w FROM p WHERE n >= (SELECT min(n) FROM p)")
        self.project.write("views/v.sql", query)
        self.check({"v": query}, '\n[profiles.default]\nmemory_limit = "4MiB"\n')
        operators = json.loads(self.project.sql("SELECT operator_metrics AS m FROM weir.tasks")[0]["m"])
        places = [operator for operator in operators if operator["name"] == "SharedRows"]
        self.assertEqual([place["output_rows"] for place in places], [100_000, 100_000])
        self.assertGreater(sum(place["spilled_bytes"] for place in places), 0)
