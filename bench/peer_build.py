#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds a project's views from Delta tables into Delta tables with another tool, as a person who knows it would write the loop.

In: a project whose sources are Delta tables. Out: a Delta table for each stored view. Each tool reads the files that delta-rs names, with
its own reader of Parquet, runs a query after the other on all cores, and delta-rs commits what it gives.
"""

import argparse
import pathlib
import sys

import deltalake

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))
import weir_project  # noqa: E402


class DuckDb:
    """The SQL of the views; `read_parquet` over the files of each table."""

    def __init__(self, sources: dict[str, str]):
        import duckdb
        self.connection = duckdb.connect()
        for name, location in sources.items():
            files = deltalake.DeltaTable(location).file_uris()
            self.connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({files!r})")

    def result(self, view: weir_project.View):
        return self.connection.sql(view.query).to_arrow_table()


class Polars:
    """Queries of the same meaning as lazy frames (peer_polars.py), which its streaming engine runs."""

    def __init__(self, sources: dict[str, str]):
        import peer_polars
        import polars
        self.queries = peer_polars.QUERIES
        self.tables = peer_polars.Tables({name: polars.scan_delta(location) for name, location in sources.items()})

    def result(self, view: weir_project.View):
        return self.queries[view.name](self.tables).collect(engine="streaming").to_arrow()


class DataFusion:
    """The SQL of the views, over the files of each table as tables of Parquet."""

    def __init__(self, sources: dict[str, str]):
        import datafusion
        self.context = datafusion.SessionContext()
        for name, location in sources.items():
            # The provider of the deltalake package would cross a boundary for each batch.
            files = deltalake.DeltaTable(location).file_uris()
            self.context.register_parquet(name, str(pathlib.Path(files[0]).parent) + "/")

    def result(self, view: weir_project.View):
        return self.context.sql(view.query).to_arrow_table()


TOOLS = {"duckdb": DuckDb, "polars": Polars, "datafusion": DataFusion}


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds a project's views with another tool.")
    parser.add_argument("tool", choices=sorted(TOOLS))
    parser.add_argument("--project", type=pathlib.Path, required=True)
    parser.add_argument("--warehouse", type=pathlib.Path, required=True, help="where the tables go")
    parser.add_argument("--select", nargs="*", help="the views to build (default: all)")
    arguments = parser.parse_args()
    project = weir_project.Project(arguments.project.absolute())
    tool = TOOLS[arguments.tool]({source.name: str(source.location) for source in project.sources()})
    for view in project.stored_views():
        if arguments.select is None or view.name in arguments.select:
            deltalake.write_deltalake(str(arguments.warehouse / view.name), tool.result(view), mode="overwrite")
    return 0


if __name__ == "__main__":
    sys.exit(main())
