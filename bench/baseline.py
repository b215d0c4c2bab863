#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The plain program that Weir is measured against: one loop over a project's views.

In: a project folder. Out: a Delta table for each stored view, and one JSON object on stdout: the number of tables and the seconds
that they took, the start of Python and its packages left out. For each view, in an order that suits: plan and run its SQL with
DataFusion, stream the result into deltalake, register the new table for the views that follow. It compiles nothing ahead, keeps no
record, and builds everything each time; whatever it does, a person who writes such a loop by hand would do too.
"""

import argparse
import json
import pathlib
import re
import sys
import time

import datafusion
import deltalake

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))
import weir_project  # noqa: E402

# Native functions are Weir's. The loop computes something of the same size and effort with functions that DataFusion has:
# a BLAKE2b digest of the same text, cut to as many digits; a filtered count; the first value.
_STAND_INS = (
    # The demo's own function, written out.
    (re.compile(r"\bis_late\(([^(),]*), minutes => (\d+)\)", re.I), r"\1 > \2"),
    (re.compile(r"\bis_late\(([^(),]*)\)", re.I), r"\1 > 15"),
    (re.compile(r"\bstable_id_parts\(\s*('[^']*')\s*,\s*([^()]*)\)", re.I),
     r"concat(\1, ':', substr(encode(digest(concat_ws(chr(31), \2), 'blake2b'), 'hex'), 1, 32))"),
    (re.compile(r"\bcount_if\(([^()]*)\)", re.I), r"count(*) FILTER (WHERE \1)"),
    (re.compile(r"\bany_value_det\(\s*([^(),]*),\s*([^()]*)\)", re.I), r"first_value(\1 ORDER BY \2)"),
)


def without_native_functions(sql: str) -> str:
    for pattern, stand_in in _STAND_INS:
        sql = pattern.sub(stand_in, sql)
    return sql


def register_source(context: datafusion.SessionContext, source: weir_project.Source) -> None:
    if source.format == "deltatable":
        context.register_table(source.name, deltalake.DeltaTable(str(source.location)))
    else:
        context.sql(source.ddl)


def build(project: weir_project.Project, warehouse: pathlib.Path) -> int:
    """Builds all views and returns the number of tables written."""
    context = datafusion.SessionContext()
    for source in project.sources():
        register_source(context, source)
    tables = 0
    for view in project.views():
        result = context.sql(without_native_functions(view.query))
        if not view.stored:
            context.register_view(view.name, result)
            continue
        path = str(warehouse / view.name)
        deltalake.write_deltalake(path, result, mode="overwrite", partition_by=list(view.partition_columns) or None)
        context.register_table(view.name, deltalake.DeltaTable(path))
        tables += 1
    return tables


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds a project's views in a plain loop.")
    parser.add_argument("--project", type=pathlib.Path, required=True)
    parser.add_argument("--warehouse", type=pathlib.Path, required=True, help="where the tables go")
    arguments = parser.parse_args()
    started = time.perf_counter()
    tables = build(weir_project.Project(arguments.project.absolute()), arguments.warehouse.absolute())
    print(json.dumps({"tables": tables, "seconds": time.perf_counter() - started}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
