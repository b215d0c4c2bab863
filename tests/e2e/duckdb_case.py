# SPDX-License-Identifier: Apache-2.0
"""Stored rows beside those that DuckDB has for the same query, in any order."""

import weir_project


class DuckdbCase(weir_project.ProjectCase):
    """A test whose oracle is a connection to DuckDB, `self.duckdb`, that has the same tables."""

    def assert_files_hold(self, files: list[str], query: str) -> None:
        """Parquet files have the query's rows: compared within DuckDB, however many there are."""
        mine = f"SELECT * FROM read_parquet({files})" if files else f"(FROM ({query}) LIMIT 0)"
        for first, second in ((mine, query), (query, mine)):
            [[count]] = self.duckdb.execute(f"SELECT count(*) FROM ({first} EXCEPT ALL {second})").fetchall()
            self.assertEqual(0, count, query)

    def assert_views_hold(self, project: weir_project.Project, queries: dict[str, str]) -> None:
        """The views have the rows of their queries, as Python reads both."""
        for name, query in queries.items():
            with self.subTest(name):
                expected = self.duckdb.execute(query).fetchall()
                found = [tuple(row.values()) for row in project.read(name).to_pylist()]
                self.assertEqual(sorted(map(repr, expected)), sorted(map(repr, found)))
