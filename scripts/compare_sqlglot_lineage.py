#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the column lineage of Weir with that of SQLGlot over the queries of TPC-DS, column by column.

In: the project that scripts/fetch_tpc.py makes, the program named by the environment variable WEIR (default: build/weir), and the
package sqlglot. Out: the table of docs/lineage.md on stdout; with --write in its place; with --details each difference. Fails if a
difference has none of the reasons below. Run it with the Python of scripts/venv.sh.

Compared are the source columns that touch one output column by itself: those that its values come from, and what else stands in its
expressions (conditions, keys of windows, subqueries). What decides about all rows of a view (WHERE, joins, GROUP BY) is left out:
SQLGlot does not tell it.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

import deltalake
import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage as sqlglot_lineage
from sqlglot.optimizer.qualify import qualify

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import fetch_tpc  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "lineage.md"
MARK = "<!-- sqlglot: written by scripts/compare_sqlglot_lineage.py --write -->"
DIALECT = "spark"

SUBQUERY = "Weir adds what decides about the value of a scalar subquery: its filters; SQLGlot has the subquery's output only"
LOOKUP = ("Weir adds the keys and filters behind a left join with one row a key: they decide whether the value is there; to SQLGlot "
          "they are of the query's rows")
GROUPING = ("SQLGlot adds the arguments of `grouping()`; it tells which keys a row is grouped by, whatever their values, so Weir has no "
            "column for it")
UNKNOWN = "no reason known"


def weir_lineage(folder: pathlib.Path) -> dict:
    """By view: its lineage, as `weir lineage --format json` prints it."""
    program = os.environ.get("WEIR", ROOT / "build" / "weir")
    return json.loads(subprocess.run([program, "lineage", "--project", folder, "--format", "json"], check=True,
                                     stdout=subprocess.PIPE).stdout)


def table_columns(folder: pathlib.Path) -> dict[str, dict[str, str]]:
    """By table: its columns, for SQLGlot. Their types do not matter to it."""
    return {path.name: {field.name: "int" for field in deltalake.DeltaTable(str(path)).schema().fields}
            for path in sorted((folder / "data").iterdir())}


def sqlglot_sources(name: str, tree, schema: dict) -> set[str]:
    """The tables' columns at the leaves of SQLGlot's lineage of an output column."""
    leaves = set()
    for node in sqlglot_lineage(name, tree.copy(), schema=schema, dialect=DIALECT).walk():
        if not node.downstream and isinstance(node.expression, exp.Table):
            leaves.add(f"{node.expression.name}.{node.name.rsplit('.', 1)[-1]}".lower())
    return leaves


def weir_sources(column: dict) -> dict[str, set[str]]:
    """By source column: its uses for this output column."""
    uses = collections.defaultdict(set)
    for entry in column["inputs"]:
        uses[f"{entry['table']}.{entry['column']}".lower()].add(entry["use"])
    return uses


def grouped(tree) -> set[str]:
    """The names of the columns that stand in calls of grouping()."""
    calls = [call for call in tree.find_all(exp.Func) if call.sql().upper().startswith("GROUPING(")]
    return {column.name.lower() for call in calls for column in call.find_all(exp.Column)}


def reason(column: dict, more: dict[str, set[str]], less: set[str], tree) -> str:
    """Why Weir has `more` and `less` than SQLGlot."""
    if less and not more:
        return GROUPING if {name.split(".")[1] for name in less} <= grouped(tree) else UNKNOWN
    if less or any(uses & {"value", "condition"} for uses in more.values()):
        return UNKNOWN
    return SUBQUERY if "(SELECT" in column["expression"] else LOOKUP


def natural(file: pathlib.Path) -> list:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", file.stem)]


def compare(folder: pathlib.Path, details: bool) -> tuple[int, int, dict[str, list[str]]]:
    """How many columns there are and how many are the same, and the others by reason."""
    ours, schema = weir_lineage(folder), table_columns(folder)
    columns, same, differences = 0, 0, collections.defaultdict(list)
    for file in sorted((folder / "views").glob("*.sql"), key=natural):
        tree = sqlglot.parse_one(file.read_text().split(" AS\n", 1)[1], read=DIALECT)
        # Columns without an alias are named by either in its own way: they meet by position.
        names = qualify(tree.copy(), schema=schema, dialect=DIALECT).named_selects
        seen = collections.Counter()
        for column, name in zip(ours[file.stem]["columns"], names, strict=True):
            seen[column["name"]] += 1
            if seen[column["name"]] > 1:
                continue  # SQLGlot finds the first column of a name only
            columns += 1
            uses, theirs = weir_sources(column), sqlglot_sources(name, tree, schema)
            if set(uses) == theirs:
                same += 1
                continue
            more, less = {name: uses[name] for name in set(uses) - theirs}, theirs - set(uses)
            why = reason(column, more, less, tree)
            differences[why].append(f"{file.stem}.{column['name']}")
            if details or why == UNKNOWN:
                print(f"{file.stem}.{column['name']}: Weir only {sorted(more)}, SQLGlot only {sorted(less)}: {why}", file=sys.stderr)
    return columns, same, differences


def table(queries: int, columns: int, same: int, differences: dict[str, list[str]]) -> str:
    lines = [MARK, "## Compared with SQLGlot",
             f"The lineage of {queries} queries of TPC-DS against that of SQLGlot {sqlglot.__version__}, which reads it off the text: {columns} output",
             "columns, each with the source columns that touch it by itself. `scripts/compare_sqlglot_lineage.py` makes this table.", "",
             "| columns | difference | which |", "|---|---|---|", f"| {same} | none | |"]
    for why, names in sorted(differences.items(), key=lambda entry: -len(entry[1])):
        lines.append(f"| {len(names)} | {why} | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--details", action="store_true", help="print each difference")
    parser.add_argument("--write", action="store_true", help="write the table into docs/lineage.md")
    arguments = parser.parse_args()
    folder = fetch_tpc.projects()["tpcds"]
    columns, same, differences = compare(folder, arguments.details)
    text = table(len(list((folder / "views").glob("*.sql"))), columns, same, differences)
    if arguments.write:
        DOCUMENT.write_text(DOCUMENT.read_text().split(MARK)[0] + text)
    else:
        print(text, end="")
    return 1 if UNKNOWN in differences else 0


if __name__ == "__main__":
    sys.exit(main())
