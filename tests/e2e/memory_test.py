# SPDX-License-Identifier: Apache-2.0
"""`memory_limit` bounds the process: whatever a view does, the peak of what is resident stays below 1.2 times the limit and 150 MB, which
the program and its libraries take; and rows are those that DuckDB finds, in memory, spilled, or by a join that sorts.

In: Delta tables whose rows are many times the limit. With WEIR_TEST_SCALE=full the queries of TPC-H, too, at the scale factors 1 and 10.

Environment: WEIR_SHOW_PEAKS=1 prints each peak.
"""

import decimal
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import deltalake
import duckdb

import weir_project
from duckdb_case import DuckdbCase
from weir_project import Project

sys.path.insert(0, str(weir_project.ROOT / "scripts"))
import fetch_tpc  # noqa: E402

ROWS = 3_000_000 if weir_project.FULL_SCALE else 1_000_000

# What cannot be done without holding much, or spilling it.
VIEWS = {
    "sorted": "SELECT id, s, row_number() OVER (ORDER BY s, id) AS place FROM t",
    "groups": "SELECT k, count(*) AS n, sum(v) AS v, min(s) AS least, max(d) AS most FROM t GROUP BY k",
    "texts": "SELECT DISTINCT s, k FROM t",
    "windows": "SELECT id, sum(v) OVER (PARTITION BY k ORDER BY id) AS v, lag(s) OVER (PARTITION BY k ORDER BY id) AS before FROM t",
    "joined": "SELECT a.id, b.id AS other, a.s AS mine, b.s AS theirs FROM t a JOIN t b ON a.k = b.id",
    "outer_joined": "SELECT a.id, b.id AS other, b.s FROM t a FULL JOIN (SELECT * FROM t WHERE id % 3 = 0) b ON a.k = b.id",
    "left_out": "SELECT id, s FROM t a WHERE NOT EXISTS (SELECT 1 FROM t b WHERE b.k = a.id AND b.s <> a.s)",
    "taken": "SELECT id, s FROM t WHERE k IN (SELECT k FROM t WHERE s LIKE '%7')",
    "collected": "SELECT k % 1000 AS k, string_agg(s, ',' ORDER BY id) AS texts FROM t WHERE id % 50 = 0 GROUP BY 1",
}
# A text is as long as a row of a wide table; NULL, NaN and both zeros are among the values.
TABLE = f"""
CREATE TABLE t AS SELECT i AS id, CASE WHEN h % 97 = 0 THEN NULL ELSE h % {ROWS} END AS k,
  CASE WHEN h % 89 = 0 THEN NULL ELSE concat(md5(i::VARCHAR), md5(h::VARCHAR)) END AS s,
  CASE h % 50 WHEN 0 THEN NULL WHEN 1 THEN 'nan'::DOUBLE WHEN 2 THEN -0.0::DOUBLE ELSE (h % 1000) / 8 END AS v,
  (h % 1000000)::DECIMAL(18, 2) AS d
FROM (SELECT i, (hash(i) % 1000000007)::BIGINT AS h FROM range({ROWS}) r(i))"""


def run_measured(project: Project, *arguments: str, command: str = "run") -> tuple[weir_project.Outcome, float]:
    """How `weir run`, or another command, ended, and its peak resident memory in MB, as `memory_limit` has them (powers of 1024). Started by
    a small process, since the kernel counts the memory of whoever starts a command as the command's."""
    report = project.folder / "report.json"
    command = [weir_project.program(), command, "--project", str(project.folder), *arguments]
    done = subprocess.run([sys.executable, weir_project.ROOT / "bench" / "launch.py", report, *command], capture_output=True, text=True,
                          timeout=weir_project.SECONDS_AT_MOST, stdin=subprocess.DEVNULL, check=True)
    counted = json.loads(report.read_text())
    return weir_project.Outcome(counted["code"], done.stdout, done.stderr), counted["peak_mb"] * 1e6 / (1 << 20)


class MemoryCase(DuckdbCase):
    def limit(self, project: Project, megabytes: int, more: str = "") -> None:
        toml = (project.folder / "weir.toml").read_text().split("[profiles.default]")[0]
        project.write("weir.toml", f'{toml}[profiles.default]\nmemory_limit = "{megabytes}MB"\n{more}')

    def run_bounded(self, project: Project, megabytes: int, *arguments: str, command: str = "run") -> str:
        """Runs within a limit; returns what it printed."""
        outcome, peak = run_measured(project, *arguments, command=command)
        self.assertEqual(0, outcome.code, outcome.stderr)
        if os.environ.get("WEIR_SHOW_PEAKS"):
            print(f"{peak:.0f} MB under {megabytes} MB: {' '.join(arguments)}", file=sys.stderr)
        self.assertLessEqual(peak, 1.2 * megabytes + 150, f"peak in MB under {megabytes} MB: {' '.join(arguments)}")
        return outcome.stderr


class OperatorsTest(MemoryCase):
    LIMIT = 160

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.duckdb = duckdb.connect()
        cls.duckdb.execute(TABLE)

    def project(self) -> Project:
        project = Project(self.scratch / "p")
        project.write("weir.toml", '[project]\nname = "p"\n')
        rows = self.duckdb.sql("SELECT * FROM t").to_arrow_reader(100_000)
        deltalake.write_deltalake(project.folder / "t", rows, target_file_size=16 << 20)
        project.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION 't';\n")
        for name, query in VIEWS.items():
            project.write(f"views/{name}.sql", f"{query}\n")
        return project

    def assert_rows(self, project: Project, view: str) -> None:
        self.assert_files_hold(project.delta(view).file_uris(), VIEWS[view])

    def test_every_operator_stays_within_the_limit(self):
        project = self.project()
        self.limit(project, self.LIMIT)
        for view in VIEWS:
            with self.subTest(view):
                self.run_bounded(project, self.LIMIT, "--select", view)
                self.assert_rows(project, view)

    def test_all_at_once(self):
        project = self.project()
        self.limit(project, self.LIMIT)
        printed = self.run_bounded(project, self.LIMIT)
        self.assertIn("warning[W5012]: view `joined`: its hash joins found no memory", printed)
        for view in VIEWS:
            with self.subTest(view):
                self.assert_rows(project, view)

    def test_keys_that_are_larger_than_rows_are_merged(self):
        project = self.project()
        keys = {"one": "s, id", "short": "substr(s, 1, 1), substr(s, 2, 1), k % 7, id", "mixed": "v DESC, d, s NULLS FIRST, k DESC, id"}
        for name, key in keys.items():
            query = f"SELECT id, s, row_number() OVER (ORDER BY {key}) AS place FROM t"
            project.write(f"views/by_{name}.sql", f"{query}\n")
            for megabytes in (64, 128):
                with self.subTest(name, megabytes=megabytes):
                    self.limit(project, megabytes)
                    self.run_bounded(project, megabytes, "--force", "--select", f"by_{name}")
                    # DuckDB has NULL at the end by default, wherever DESC stands.
                    in_order = ", ".join(f"{each} NULLS FIRST" if each.endswith("DESC") else each for each in key.split(", ", 9))
                    self.assert_files_hold(project.delta(f"by_{name}").file_uris(), f"SELECT id, s, row_number() OVER (ORDER BY {in_order}) AS place FROM t")

    def test_queries_into_files_pass_rows_on_though_merges_reserve_what_is_free(self):
        project = self.project()
        file = project.folder / "rows.parquet"
        queries = {"sorted": "SELECT * FROM t ORDER BY s, id", "few": "SELECT id, s FROM t ORDER BY s, id", "joined": VIEWS["joined"]}
        for megabytes in (64, 96, 128):
            self.limit(project, megabytes)
            for name, query in queries.items():
                with self.subTest(name, megabytes=megabytes):
                    self.run_bounded(project, megabytes, query, "--output", str(file), command="sql")
                    self.assert_files_hold([str(file)], query.partition(" ORDER BY ")[0])
                    if name != "joined":
                        places = "SELECT file_row_number AS place, row_number() OVER (ORDER BY s NULLS LAST, id) - 1 AS expected"
                        [[count]] = self.duckdb.execute(f"SELECT count(*) FROM ({places} FROM read_parquet('{file}', file_row_number = true)) "
                                                       "WHERE place <> expected").fetchall()
                        self.assertEqual(0, count, query)

    def test_joins_of_queries_and_statements_give_way(self):
        project = self.project()
        self.limit(project, self.LIMIT, '[profiles.default.sql]\nallow = ["query", "dml"]\n')
        file = project.folder / "joined.parquet"
        self.run_bounded(project, self.LIMIT, VIEWS["joined"], "--output", str(file), command="sql")
        self.assert_files_hold([str(file)], VIEWS["joined"])
        empty = self.duckdb.sql(f"SELECT * FROM ({VIEWS['joined']}) LIMIT 0").to_arrow_table()
        deltalake.write_deltalake(project.folder / "target", empty)
        project.write("sources/target.sql", "CREATE EXTERNAL TABLE target STORED AS DELTATABLE LOCATION 'target';\n")
        self.run_bounded(project, self.LIMIT, f"INSERT INTO target {VIEWS['joined']}", command="sql")
        self.assert_files_hold(deltalake.DeltaTable(project.folder / "target").file_uris(), VIEWS["joined"])
        self.limit(project, self.LIMIT, 'join_fallback = "none"\n')
        outcome, _ = run_measured(project, VIEWS["joined"], "--output", str(file), command="sql")
        self.assertEqual(3, outcome.code, outcome.stderr)
        self.assertIn("HashJoin", outcome.stderr)

    def test_without_the_other_join_the_failure_says_where(self):
        project = self.project()
        self.limit(project, self.LIMIT, 'join_fallback = "none"\n')
        outcome, _ = run_measured(project, "--select", "joined")
        self.assertEqual(3, outcome.code, outcome.stderr)
        self.assertRegex(outcome.stderr, r"error\[W5001\]: view `joined` failed: .*HashJoin")
        self.assertIn("raise `memory_limit`", outcome.stderr)


def in_order(rows: list[tuple]) -> list[list]:
    """Numbers as floats, all else as text; rows that differ by little stand at the same place."""
    plain = [[float(value) if isinstance(value, (int, float, decimal.Decimal)) else str(value) for value in row] for row in rows]
    return sorted(plain, key=lambda row: [f"{value:.1f}" if isinstance(value, float) else value for value in row])


@unittest.skipUnless(weir_project.FULL_SCALE, "WEIR_TEST_SCALE=full: makes 4 GB of tables")
class TpchTest(MemoryCase):
    def check(self, scale: str, megabytes: int) -> None:
        data = fetch_tpc.tpch_tables(scale)
        project = Project(self.scratch / f"tpch-{scale}-{megabytes}")
        project.write("weir.toml", '[project]\nname = "tpch"\ndialect = "spark"\n')
        project.write("sources/tables.sql", "".join(
            f"CREATE EXTERNAL TABLE {table} STORED AS DELTATABLE LOCATION '{data / table}';\n" for table in fetch_tpc.TPCH_TABLES))
        shutil.copytree(fetch_tpc.projects()["tpch"] / "views", project.folder / "views")
        for file in (project.folder / "views").glob("*.sql"):
            text = re.sub(r"^CREATE VIEW", "CREATE MATERIALIZED VIEW", file.read_text())
            file.write_text(re.sub(r"(?m)^(\s*sum\(l_quantity\))$", r"\1 AS sum_quantity", text, count=1))
        self.limit(project, megabytes)
        self.run_bounded(project, megabytes)
        for file in (project.folder / "views").glob("*.sql"):
            with self.subTest(file.stem):
                self.assert_rows(project, file, data)

    def assert_rows(self, project: Project, file: pathlib.Path, data: pathlib.Path) -> None:
        other = duckdb.connect()
        for table in fetch_tpc.TPCH_TABLES:
            other.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({deltalake.DeltaTable(data / table).file_uris()})")
        expected = other.execute(file.read_text().split(" AS\n", 1)[1]).fetchall()
        found = [tuple(row.values()) for row in project.read(file.stem).to_pylist()]
        self.assertEqual(len(expected), len(found))
        for mine, theirs in zip(in_order(found), in_order(expected)):
            for one, other_one in zip(mine, theirs):
                if isinstance(one, float):
                    self.assertAlmostEqual(one, other_one, delta=1e-6 * max(1.0, abs(one)), msg=f"{file.stem}: {mine} and {theirs}")
                else:
                    self.assertEqual(one, other_one, file.stem)

    def test_scale_factor_1(self):
        for megabytes in (64, 128, 256):
            with self.subTest(megabytes):
                self.check("1", megabytes)

    def test_scale_factor_10(self):
        self.check("10", 2048)


if __name__ == "__main__":
    unittest.main()
