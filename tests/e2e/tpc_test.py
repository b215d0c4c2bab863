# SPDX-License-Identifier: Apache-2.0
"""The queries of TPC-H and TPC-DS as two projects: every one compiles, and those of TPC-H have the rows that another engine finds."""

import pathlib
import shutil
import subprocess
import sys

import duckdb

import weir_project

sys.path.insert(0, str(weir_project.ROOT / "scripts"))
import fetch_tpc  # noqa: E402


class TpcTest(weir_project.ProjectCase):
    def project(self, suite: str) -> weir_project.Project:
        """A fresh copy, so that no test sees what another has cached."""
        folder = self.scratch / suite
        shutil.copytree(fetch_tpc.projects()[suite], folder)
        return weir_project.Project(folder)

    def test_every_query_of_both_compiles(self):
        for suite, queries in fetch_tpc.QUERIES.items():
            with self.subTest(suite):
                project = self.project(suite)
                self.assertEqual(queries, len(list(project.folder.glob("views/*.sql"))))
                self.assertIn("no errors", project.succeed("check").text)

    def test_plans_taken_apart_and_put_together_are_the_same(self):
        program = pathlib.Path(weir_project.program()).parent / "plan_round_trip"
        for suite, options in (("tpch", ["--rows"]), ("tpcds", [])):
            with self.subTest(suite):
                result = subprocess.run([program, self.project(suite).folder, *options], capture_output=True, text=True,
                                        timeout=weir_project.SECONDS_AT_MOST, check=False)
                lines = result.stdout.splitlines()
                self.assertEqual([], [line for line in lines if not line.endswith(" ok")], result.stderr)
                self.assertEqual(fetch_tpc.QUERIES[suite], len(lines), result.stderr)

    def test_rewrites_are_few_and_each_has_its_reason(self):
        for query, changes in fetch_tpc.REWRITES.items():
            for old, new, why in changes:
                self.assertNotEqual(old, new, query)
                self.assertTrue(why, query)
        self.assertLessEqual(len(fetch_tpc.REWRITES), 3)

    def test_rows_of_tpch_are_those_of_another_engine(self):
        project = self.project("tpch")
        other = duckdb.connect()
        for table in sorted((project.folder / "data").iterdir()):
            # The tables were written once: their files are their rows.
            other.execute(f"CREATE VIEW {table.name} AS SELECT * FROM '{table}/*.parquet'")
        for file in sorted(project.folder.glob("views/*.sql")):
            with self.subTest(file.stem):
                query = file.read_text().split(" AS\n", 1)[1]
                expected = [normal(row) for row in other.execute(query).fetchall()]
                found = [normal(tuple(row.values())) for row in project.sql(f"SELECT * FROM {file.stem}")]
                self.assertEqual(sorted(expected), sorted(found))


def normal(row: tuple) -> tuple[str, ...]:
    """A row as text that does not depend on how an engine types decimals."""
    return tuple(normal_value(value) for value in row)


def normal_value(value) -> str:
    try:
        return f"{float(value):.2f}"
    except (TypeError, ValueError):
        return str(value)
