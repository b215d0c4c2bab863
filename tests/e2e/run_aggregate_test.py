# SPDX-License-Identifier: Apache-2.0
"""Groups of rows whose equal keys lie together, and few groups, come out as those of any other rows. DuckDB says what is right.

Tables differ in how long the runs of their keys are, in whether keys come back, and in how many there are, from the first row on or later;
keys are of all types that runs are made of. All is aggregated in one partition and in several, with small batches and ordinary ones.
"""

import json

import deltalake
import duckdb

import weir_project
from duckdb_case import DuckdbCase

ROWS = 2_000_000 if weir_project.FULL_SCALE else 120_000
GROUPS = ROWS // 4

# The number of the key of row `i`.
LAYOUTS = {
    "runs": "i // 4",
    "long_runs": "i // 1000",
    "pairs": "i // 2",
    "uneven_runs": f"CASE WHEN i % 3 = 0 THEN hash(i) % {GROUPS} ELSE i // 6 END",
    "runs_at_first": f"CASE WHEN i < {ROWS // 2} THEN i // 4 ELSE hash(i) % {GROUPS} END",
    "runs_later": f"CASE WHEN i < {ROWS // 2} THEN hash(i) % {GROUPS} ELSE i // 4 END",
    "keys_come_back": f"i // 4 % {GROUPS // 2}",
    "few_keys": "i // 4 % 7",
    "shuffled": f"hash(i) % {GROUPS}",
    "few_shuffled": "hash(i) % 200",
    "many_later": f"CASE WHEN i < {ROWS // 2} THEN hash(i) % 50 ELSE hash(i) % {GROUPS} END",
}

TABLE = """SELECT i AS id,
  CASE WHEN h % 10 = 3 THEN NULL ELSE h END AS k,
  CASE WHEN h % 9 = 0 THEN NULL WHEN h % 9 = 1 THEN '' WHEN h % 2 = 0 THEN concat('ä', h) ELSE concat('a text that is longer than twelve ', h) END AS s,
  CASE WHEN h % 8 = 0 THEN NULL ELSE DATE '1990-01-01' + (h % 20000)::INT END AS d,
  CASE WHEN h % 7 = 0 THEN NULL ELSE (h % 1000000 / 8)::DECIMAL(12, 3) END AS m,
  CASE h % 6 WHEN 0 THEN NULL WHEN 1 THEN 'nan'::DOUBLE WHEN 2 THEN IF(i % 2 = 0, -0.0, 0.0)::DOUBLE ELSE h / 4 END AS f,
  CASE WHEN h % 5 = 0 THEN NULL ELSE h % 2 = 0 END AS b,
  CASE WHEN i % 11 = 0 THEN NULL ELSE hash(i + 1)::HUGEINT % 2000 - 1000 END::BIGINT AS v,
  CASE WHEN i % 13 = 0 THEN NULL ELSE (hash(i + 2) % 1000 / 8)::DOUBLE END AS w,
  CASE WHEN i % 17 = 0 THEN NULL ELSE concat('t', hash(i + 3) % 5000) END AS t
FROM (SELECT i, ({key})::BIGINT AS h FROM range({rows}) r(i))"""

VIEWS = {
    "sums": "SELECT k, count(*) AS n, count(v) AS vs, sum(v) AS v, sum(m) AS m, sum(w) AS w FROM {t} GROUP BY k",
    "averages": "SELECT k, avg(v) AS v, avg(w) AS w, CAST(avg(v) FILTER (WHERE id % 3 = 0) AS DOUBLE) AS third FROM {t} GROUP BY k",
    "extremes": "SELECT k, min(v) AS v, max(w) AS w, min(t) AS least, max(t) AS most, max(d) AS d, min(m) AS m FROM {t} GROUP BY k",
    "truths": "SELECT k, bool_and(b) AS every, bool_or(v > 0) AS some, bit_xor(v) AS x FROM {t} GROUP BY k",
    "spreads": "SELECT k, round(var_pop(v) * 0.7312345, 2) AS v, round(stddev_pop(v) * 0.7312345, 2) AS w FROM {t} WHERE id % 2 = 0 GROUP BY k",
    "filters": "SELECT k, count(*) FILTER (WHERE v > 0) AS n, sum(v) FILTER (WHERE b) AS v, min(t) FILTER (WHERE v > 2000) AS t FROM {t} GROUP BY k",
    "natives": "SELECT k, arg_max(v, id) AS late, arg_min(t, id) AS early, count_if(id % 3 = 0) AS n FROM {t} GROUP BY k",
    "distinct_values": "SELECT k, count(DISTINCT v) AS n, sum(v) AS v FROM {t} GROUP BY k",
    "by_text": "SELECT s, count(*) AS n, sum(v) AS v FROM {t} GROUP BY s",
    "by_all": "SELECT k, s, d, m, f, b, count(*) AS n, max(t) AS t FROM {t} GROUP BY k, s, d, m, f, b",
    "by_float": "SELECT f, count(*) AS n, sum(v) AS v FROM {t} GROUP BY f",
    "by_date_and_truth": "SELECT d, b, count(*) AS n, sum(m) AS m FROM {t} GROUP BY d, b",
    "by_short_text": "SELECT concat('t', k % 20) AS s, b, count(*) AS n, sum(m) AS m, avg(v) AS v, min(t) AS t FROM {t} GROUP BY concat('t', k % 20), b",
    "by_text_that_grows": f"SELECT concat(CASE WHEN id < {ROWS // 3} THEN '' ELSE 'longer than before' END, k % 9) AS s, count(*) AS n, sum(v) FILTER (WHERE b) AS v FROM {{t}} "
                          f"GROUP BY concat(CASE WHEN id < {ROWS // 3} THEN '' ELSE 'longer than before' END, k % 9)",
    "by_decimal": "SELECT m, b, f, count(*) AS n, max(t) AS t FROM {t} GROUP BY m, b, f",
    "by_wide_decimal": "SELECT m * 1000000000000000000 AS m, count(*) AS n FROM {t} GROUP BY m * 1000000000000000000",
    "by_small_numbers": "SELECT CAST(k % 100 AS TINYINT) AS k8, CAST(k % 100 AS SMALLINT) AS k16, CAST(k % 3 AS REAL) AS r, count(*) AS n, arg_min(v, id) AS v FROM {t} "
                        "GROUP BY CAST(k % 100 AS TINYINT), CAST(k % 100 AS SMALLINT), CAST(k % 3 AS REAL)",
    "by_expression": "SELECT k + 1 AS k1, length(s) AS l, count(*) AS n FROM {t} GROUP BY k + 1, length(s)",
    "distinct_rows": "SELECT DISTINCT k, d, b FROM {t}",
    "having": "SELECT k FROM {t} GROUP BY k HAVING sum(v) > 300",
    "above_a_join": "SELECT a.k, count(*) AS n, sum(a.v) AS v FROM {t} a JOIN {t} b ON a.id = b.id WHERE b.v > 0 GROUP BY a.k",
    "with_join_above": "SELECT a.k, a.n, b.id FROM (SELECT k, count(*) AS n FROM {t} GROUP BY k) a JOIN {t} b ON a.k = b.k AND b.id < 50",
    "nothing": "SELECT k, count(*) AS n, sum(v) AS v FROM {t} WHERE id < 0 GROUP BY k",
    "few": "SELECT k, count(*) AS n, sum(v) AS v FROM {t} WHERE id < 6 GROUP BY k",
    "sets": "SELECT k, b, count(*) AS n FROM {t} GROUP BY GROUPING SETS ((k), (b), ())",
}
# Partitions and rows a batch.
SETTINGS = ((1, 8192), (2, 8192), (3, 1000))
SMALL_BATCHES = ((1, 3), (3, 3))


class RunAggregateTest(DuckdbCase):
    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "project")
        self.duckdb = duckdb.connect()

    def write_table(self, name: str, key: str, rows: int = ROWS) -> None:
        self.duckdb.execute(f"CREATE TABLE {name} AS {TABLE.format(key=key, rows=rows)}")
        reader = self.duckdb.sql(f"SELECT * FROM {name} ORDER BY id").to_arrow_reader(50_000)
        deltalake.write_deltalake(str(self.scratch / name), reader)
        self.project.write(f"sources/{name}.sql",
                           f"CREATE EXTERNAL TABLE {name} STORED AS DELTATABLE LOCATION '{self.scratch / name}';\n")

    def set_up(self, partitions: int, batch_size: int, more: str = "") -> None:
        self.project.write("weir.toml", f'[project]\nname = "runs"\n\n[profiles.default]\n{more}\n[profiles.default.settings]\n'
                           f'"datafusion.execution.target_partitions" = "{partitions}"\n"datafusion.execution.batch_size" = "{batch_size}"\n')

    def check(self, table: str, views: dict[str, str], settings) -> None:
        queries = {view: query.format(t=table) for view, query in views.items()}
        for view, query in queries.items():
            self.project.write(f"views/{view}.sql", query + "\n")
        for partitions, batch_size in settings:
            self.set_up(partitions, batch_size)
            self.project.run("--force")
            for view, query in queries.items():
                with self.subTest(view, table=table, partitions=partitions, batch_size=batch_size):
                    self.assert_files_hold(self.project.delta(view).file_uris(), query)

    def test_layouts(self):
        for layout, key in LAYOUTS.items():
            self.write_table(layout, key)
            self.check(layout, VIEWS, SETTINGS)

    def test_small_batches(self):
        some = {name: VIEWS[name] for name in ("sums", "filters", "by_all", "nothing")}
        for layout in ("runs", "runs_at_first", "shuffled"):
            self.write_table(layout, LAYOUTS[layout], 30_000)
            self.check(layout, some, SMALL_BATCHES)

    def test_little_memory(self):
        for layout in ("runs", "runs_at_first"):
            self.write_table(layout, LAYOUTS[layout])
            queries = {name: VIEWS[name].format(t=layout) for name in ("sums", "extremes", "by_all")}
            for view, query in queries.items():
                self.project.write(f"views/{view}.sql", query + "\n")
            for partitions in (1, 2):
                self.set_up(partitions, 8192, 'memory_limit = "48MB"\n')
                self.project.run("--force")
                for view, query in queries.items():
                    with self.subTest(view, table=layout, partitions=partitions):
                        self.assert_files_hold(self.project.delta(view).file_uris(), query)

    def rows_of_states(self, layout: str) -> int:
        """That the aggregation of rows gave to the one above it, in two partitions."""
        self.write_table(layout, LAYOUTS[layout])
        self.project.write("views/v.sql", f"SELECT k, count(*) AS n FROM {layout} GROUP BY k\n")
        self.set_up(2, 8192)
        self.project.run("--force", "--select", "v")
        metrics = self.project.sql("SELECT operator_metrics AS m FROM weir.tasks ORDER BY started_at DESC LIMIT 1")[0]["m"]
        return [one["output_rows"] for one in json.loads(metrics) if one["name"] == "AggregateExec"][-1]

    def test_goes_by_runs_where_there_are_some(self):
        # Each key has one run in each half of the rows; NULL is the key of every tenth.
        self.assertGreater(self.rows_of_states("keys_come_back"), GROUPS * 0.95)
        # Tables of groups hold what comes back.
        self.assertLess(self.rows_of_states("few_keys"), 20)

    def test_plans_show_nothing_of_it(self):
        self.write_table("runs", LAYOUTS["runs"], 1000)
        self.set_up(2, 8192)
        plan = self.project.succeed("sql", "EXPLAIN SELECT k, count(*) AS n FROM runs GROUP BY k").stdout
        self.assertIn("AggregateExec", plan)
        self.assertNotIn("HandedRows", plan)
        measured = self.project.succeed("sql", "EXPLAIN ANALYZE SELECT k, count(*) AS n FROM runs GROUP BY k").stdout
        self.assertIn("output_rows", measured)


if __name__ == "__main__":
    import unittest
    unittest.main()
