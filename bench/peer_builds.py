#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures whole builds: the 22 queries of TPC-H as 22 views, Delta tables to Delta tables, by Weir and by other tools of the day.

In: the program. Out: on stdout, a table with a row a tool (time on the clock, processor time of the tree of processes, peak memory, and
Weir's ratio to each), and one for queries that are built alone. Each build starts a process, finds nothing of an earlier one, and
ends with committed tables. Rounds take turns, who begins changes each time, and a ratio is the median of the ratios of the rounds. After
the first round the tables of all are compared, rows and values: else the times mean nothing.

    bench/peer_builds.py --weir build/weir --scale 1 --rounds 5

The rows come from tpchgen-cli, the texts of the queries through Maven (scripts/fetch_tpc.py), the peers from PyPI (peers.txt), which
peer_build.py runs.
"""

import argparse
import datetime
import decimal
import itertools
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import deltalake

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "scripts"))
sys.path.insert(0, str(BENCH.parent / "tests" / "e2e"))
import fetch_tpc  # noqa: E402
import weir_project  # noqa: E402
from bench import Measurement, measure, median  # noqa: E402

ALONE = ("q1", "q9", "q13", "q18", "q21")
# Other tools give averages and quotients as floats, where Weir gives decimals.
TOLERANCE = 1e-6
FIELDS = (("seconds", "s"), ("cpu_seconds", "s"), ("peak_mb", "MB"))


def write_project(folder: pathlib.Path, scale: str, profile: str,
                  data: pathlib.Path | None = None) -> weir_project.Project:
    """The 22 queries as stored views over tables that lie elsewhere."""
    data = data or fetch_tpc.tpch_tables(scale)
    texts = fetch_tpc.projects()["tpch"] / "views"
    (folder / "sources").mkdir(parents=True)
    (folder / "views").mkdir()
    (folder / "weir.toml").write_text(f'[project]\nname = "tpch"\ndialect = "spark"\n{profile}')
    (folder / "sources" / "tables.sql").write_text("".join(
        f"CREATE EXTERNAL TABLE {table} STORED AS DELTATABLE LOCATION '{data / table}';\n" for table in fetch_tpc.TPCH_TABLES))
    for file in texts.glob("*.sql"):
        text = re.sub(r"^CREATE VIEW", "CREATE MATERIALIZED VIEW", file.read_text())
        # The one column that the text leaves without a name that can be stored.
        text = re.sub(r"(?m)^(\s*sum\(l_quantity\))$", r"\1 AS sum_quantity", text, count=1)
        (folder / "views" / file.name).write_text(text)
    return weir_project.Project(folder)


class Builder:
    """A tool that builds the project's views into a warehouse that nobody has used."""

    def __init__(self, name: str, project: weir_project.Project, scratch: pathlib.Path):
        self.name = name
        self.project = project
        self.scratch = scratch
        self.warehouses = itertools.count()
        self.warehouse = scratch

    def command(self, select: list[str]) -> list[str]:
        raise NotImplementedError

    def build(self, select: list[str]) -> Measurement:
        # A name of its own: files in the place of ones just deleted cost more, and would be charged to whoever comes next.
        self.warehouse = self.scratch / f"{self.name}-{next(self.warehouses)}"
        return measure(self.command(select))


class WeirBuilder(Builder):
    def __init__(self, program: str, profile: str, project: weir_project.Project, scratch: pathlib.Path):
        super().__init__("weir", project, scratch)
        self.program = program
        self.profile = profile

    def command(self, select: list[str]) -> list[str]:
        shutil.rmtree(self.project.folder / ".weir", ignore_errors=True)
        settings = self.project.folder / "weir.toml"
        text = re.sub(r'\nwarehouse = "[^"]*"', "", settings.read_text())
        settings.write_text(text.replace("[project]\n", f'[project]\nwarehouse = "{self.warehouse}"\n', 1))
        selected = [word for name in select for word in ("--select", name)]
        return [self.program, "run", "--project", str(self.project.folder), "--profile", self.profile, "--format", "json", *selected]


class PeerBuilder(Builder):
    def __init__(self, name: str, python: str, project: weir_project.Project, scratch: pathlib.Path):
        super().__init__(name, project, scratch)
        self.python = python

    def command(self, select: list[str]) -> list[str]:
        selected = ["--select", *select] if select else []
        return [self.python, str(BENCH / "peer_build.py"), self.name, "--project", str(self.project.folder),
                "--warehouse", str(self.warehouse), *selected]


# The comparison of results


def plain(value):
    """A value in the one form that all tools' values of its kind have."""
    if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
        return float(value)
    return value.isoformat() if isinstance(value, (datetime.date, datetime.datetime)) else value


def rows_of(folder: pathlib.Path) -> tuple[list[str], list[tuple]]:
    """The columns' names, and the rows in an order in which values that differ by little stand at the same place."""
    table = deltalake.DeltaTable(str(folder)).to_pyarrow_table()
    rows = [tuple(plain(value) for value in row.values()) for row in table.to_pylist()]
    return table.column_names, sorted(rows, key=lambda row: tuple(f"{v:.1f}" if isinstance(v, float) else str(v) for v in row))


def close(mine, other) -> bool:
    if isinstance(mine, float) and isinstance(other, float):
        return abs(mine - other) <= TOLERANCE * max(1.0, abs(mine), abs(other))
    return mine == other


def check_same_tables(builders: list[Builder], views: list[str]) -> None:
    for view in views:
        expected = rows_of(builders[0].warehouse / view)
        for other in builders[1:]:
            found = rows_of(other.warehouse / view)
            what = f"`{view}` by {builders[0].name} and {other.name}"
            if expected[0] != found[0] or len(expected[1]) != len(found[1]):
                raise SystemExit(f"peer_builds: {what}: {len(expected[1])} rows of {expected[0]} and {len(found[1])} of {found[0]}")
            for mine, theirs in zip(expected[1], found[1]):
                if not all(map(close, mine, theirs)):
                    raise SystemExit(f"peer_builds: {what} differ:\n  {mine}\n  {theirs}")


# The contest


def compare(builders: list[Builder], select: list[str], views: list[str], rounds: int) -> dict[str, list[Measurement]]:
    """Rounds of the same work by all; the same index is the same round."""
    figures: dict[str, list[Measurement]] = {builder.name: [] for builder in builders}
    for number in range(rounds):
        turn = number % len(builders)
        for builder in builders[turn:] + builders[:turn]:
            figures[builder.name].append(builder.build(select))
        if number == 0:
            check_same_tables(builders, views)
        print(f"peer_builds: {' '.join(select) or 'all'}: round {number + 1} of {rounds}: "
              + ", ".join(f"{name} {rows[-1].seconds:.2f} s" for name, rows in figures.items()), file=sys.stderr, flush=True)
    return figures


def ratio(figures: dict[str, list[Measurement]], other: str, field: str) -> float:
    """Weir's share of another's figure."""
    return statistics.median(getattr(mine, field) / getattr(theirs, field) for mine, theirs in zip(figures["weir"], figures[other]))


def print_rows(what: str, figures: dict[str, list[Measurement]], versions: dict[str, str]) -> None:
    for name, rounds in figures.items():
        cells = []
        for field, unit in FIELDS:
            share = "" if name == "weir" else f" ({ratio(figures, name, field):.2f})"
            figure = median(rounds, field)
            cells.append((f"{figure:,.0f}" if unit == "MB" else f"{figure:.2f}") + share)
        print(f"| {what} | {name} {versions[name]} | {' | '.join(cells)} |", flush=True)


def peer_versions(python: str) -> dict[str, str]:
    names = ("duckdb", "polars", "datafusion")
    text = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {names!r}}}))"
    return json.loads(subprocess.run([python, "-c", text], check=True, capture_output=True, text=True).stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures whole builds of TPC-H by Weir and by other tools.")
    parser.add_argument("--weir", default=weir_project.program(), help="the program (default: build/weir)")
    parser.add_argument("--scale", default="1", help="the scale factor of TPC-H (default: 1)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=["duckdb", "polars", "datafusion"])
    parser.add_argument("--alone", nargs="*", default=ALONE, help="queries that are also built alone, beside the first peer")
    parser.add_argument("--settings", default="", help="text of weir.toml, for a profile of its own for instance")
    parser.add_argument("--profile", default="default")
    parser.add_argument("--scratch", type=pathlib.Path, help="where projects and tables go while it runs (default: the system's)")
    arguments = parser.parse_args()
    python = str(pathlib.Path(subprocess.run([str(BENCH.parent / "scripts" / "venv.sh"), "bench/peers.txt"], check=True,
                                             capture_output=True, text=True).stdout.strip()) / "bin" / "python")
    with tempfile.TemporaryDirectory(prefix="weir-peers-", dir=arguments.scratch) as folder:
        scratch = pathlib.Path(folder)
        project = write_project(scratch / "project", arguments.scale, arguments.settings.replace("\\n", "\n"))
        weir = WeirBuilder(str(pathlib.Path(arguments.weir).resolve()), arguments.profile, project, scratch)
        peers = [PeerBuilder(name, python, project, scratch) for name in arguments.peers]
        versions = {"weir": "", **peer_versions(python)}
        views = sorted(view.name for view in project.stored_views())
        print(f"| TPC-H, scale factor {arguments.scale} | tool | time, s (Weir's share) | processor time, s | peak memory, MB |")
        print("|---|---|---:|---:|---:|")
        print_rows("22 views", compare([weir, *peers], [], views, arguments.rounds), versions)
        for view in arguments.alone:
            print_rows(view, compare([weir, *peers[:1]], [view], [view], arguments.rounds), versions)
    return 0


if __name__ == "__main__":
    sys.exit(main())
