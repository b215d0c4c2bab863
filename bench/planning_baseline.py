#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What DataFusion alone takes to plan a project's views: SQL → optimised → physical plan, one after the other on one thread.

In: a generated project. Out: one JSON object on stdout: the number of views and the seconds, the start of Python left out. Each
view is known to those after it as a table without rows; nothing is read, kept or written.
"""

import argparse
import json
import pathlib
import sys
import time

import datafusion
import deltalake
import pyarrow

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))
import weir_project  # noqa: E402


def plan(project: weir_project.Project) -> int:
    config = datafusion.SessionConfig().with_target_partitions(1)
    context = datafusion.SessionContext(config)

    def know(name: str, schema: pyarrow.Schema) -> None:
        rows = pyarrow.RecordBatch.from_pylist([], schema=schema)
        context.register_record_batches(name, [[rows]])

    for source in project.sources():
        know(source.name, deltalake.DeltaTable(str(source.location)).to_pyarrow_dataset().schema)
    views = project.views()
    for view in views:
        frame = context.sql(view.query)
        frame.execution_plan()
        know(view.name, frame.schema())
    return len(views)


def main() -> int:
    parser = argparse.ArgumentParser(description="Plans a project's views with DataFusion alone.")
    parser.add_argument("project", type=pathlib.Path)
    arguments = parser.parse_args()
    started = time.perf_counter()
    views = plan(weir_project.Project(arguments.project))
    print(json.dumps({"views": views, "seconds": time.perf_counter() - started}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
