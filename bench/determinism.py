#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what `deterministic = true` costs, and what more threads give a single view.

In: the program. Out: four tables on stdout, each of medians and ratios of one run; rounds take turns, and who begins changes.

1. sum(x) of floats by groups: exact sums against the engine's, processor time and time of the whole process, which reads a Parquet file.
2. Views of TPC-H alone on one thread and on two: the time of the view itself, and of the process.
3. TPC-H as 22 views with and without, and the same with floats in the place of decimals: processor time and time.
4. Orders with ties over TPC-H's lineitem, completed and as they were written: processor time and memory.

    bench/determinism.py --weir build/weir --scale 1 --rounds 5
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import deltalake
import numpy
import pyarrow
import pyarrow.dataset
import pyarrow.parquet

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "scripts"))
sys.path.insert(0, str(BENCH.parent / "tests" / "e2e"))
import fetch_tpc  # noqa: E402
import weir_project  # noqa: E402
from bench import Measurement, measure, median, render  # noqa: E402
from peer_builds import write_project  # noqa: E402

ROWS = 12_000_000
GROUPS = (10, 1_000, 1_000_000)
ALONE = ("q1", "q9", "q18", "q21")
TIES = {
    "first_100": "SELECT * FROM lineitem ORDER BY l_shipdate LIMIT 100",
    "numbered": "SELECT l_orderkey, l_linenumber, row_number() OVER (PARTITION BY l_suppkey ORDER BY l_shipdate) AS place FROM lineitem",
    "numbered_wide": "SELECT *, row_number() OVER (PARTITION BY l_suppkey ORDER BY l_shipdate) AS place FROM lineitem",
}
PROFILES = """
[profiles.plain]
deterministic = false
[profiles.one]
threads = 1
[profiles.two]
threads = 2
"""


def in_turns(rounds: int, works: dict) -> dict[str, list]:
    """Figures of each work, a round of all after the other."""
    figures = {name: [] for name in works}
    names = list(works)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            figures[name].append(works[name]())
    return figures


def ratio(mine: list[Measurement], other: list[Measurement], field: str) -> float:
    return statistics.median(getattr(a, field) / getattr(b, field) for a, b in zip(mine, other))


def sum_rows(weir: str, scratch: pathlib.Path, rounds: int) -> list[tuple]:
    folder = scratch / "sums"
    folder.mkdir()
    random = numpy.random.default_rng(1)
    columns = {"x": numpy.round(random.uniform(900, 105_000, ROWS), 2)}
    columns |= {f"k{groups}": random.integers(0, groups, ROWS).astype("int32") for groups in GROUPS}
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "t.parquet", row_group_size=1 << 20)
    (folder / "weir.toml").write_text('[project]\nname = "sums"\n' + PROFILES)

    def work(profile: str, groups: int):
        query = f"SELECT count(*), max(s) FROM (SELECT k{groups}, sum(x) AS s FROM '{folder}/t.parquet' GROUP BY k{groups})"
        return lambda: measure([weir, "sql", "--project", str(folder), "--profile", profile, query])

    rows = []
    for groups in GROUPS:
        figures = in_turns(rounds, {"exact": work("default", groups), "plain": work("plain", groups)})
        for field, what in (("cpu_seconds", "processor time"), ("seconds", "time")):
            rows.append((f"sum by {groups:,} groups of {ROWS:,} rows: {what}", f"{median(figures['exact'], field):.2f} s",
                         f"{median(figures['plain'], field):.2f} s", f"{ratio(figures['exact'], figures['plain'], field):.2f}",
                         "<= 2" if groups > 1000 else "<= 1.2"))
    return rows


def build(weir: str, project: weir_project.Project, profile: str, view: str = "") -> Measurement:
    """From nothing. `work_seconds` is the time of the one view, where there is one."""
    shutil.rmtree(project.warehouse, ignore_errors=True)
    shutil.rmtree(project.folder / ".weir", ignore_errors=True)
    command = [weir, "run", "--project", str(project.folder), "--profile", profile, "--format", "json"]
    return measure(command + (["--select", view] if view else []))


def view_seconds(weir: str, project: weir_project.Project) -> float:
    """Of the one view of the last run."""
    query = "SELECT CAST(finished_at AS BIGINT) - CAST(started_at AS BIGINT) AS us FROM weir.tasks"
    shown = subprocess.run([weir, "sql", "--project", str(project.folder), "--format", "json", query], check=True,
                           capture_output=True, text=True).stdout
    return json.loads(shown)[0]["us"] / 1e6


def thread_rows(weir: str, project: weir_project.Project, rounds: int) -> list[tuple]:
    rows = []
    for view in ALONE:
        def work(profile: str):
            def run() -> tuple[float, float]:
                whole = build(weir, project, profile, view)
                return view_seconds(weir, project), whole.seconds
            return run
        figures = in_turns(rounds, {"one": work("one"), "two": work("two")})
        for index, what in ((0, "the view"), (1, "the process")):
            one, two = ([figure[index] for figure in figures[name]] for name in ("one", "two"))
            rows.append((f"{view} alone: {what}", f"{statistics.median(one):.2f} s", f"{statistics.median(two):.2f} s",
                         f"{statistics.median(a / b for a, b in zip(one, two)):.2f}", ">= 1.7" if index == 0 else ""))
    return rows


def with_floats(scale: str, folder: pathlib.Path) -> pathlib.Path:
    """The tables of TPC-H with floats in the place of decimals."""
    for table in fetch_tpc.TPCH_TABLES:
        rows = deltalake.DeltaTable(str(fetch_tpc.tpch_tables(scale) / table)).to_pyarrow_dataset()
        schema = pyarrow.schema([field.with_type(pyarrow.float64()) if pyarrow.types.is_decimal(field.type) else field
                                 for field in rows.schema])
        batches = (pyarrow.record_batch([column.cast(field.type) for column, field in zip(batch.columns, schema)], schema=schema)
                   for batch in rows.to_batches(batch_size=1 << 16))
        deltalake.write_deltalake(str(folder / table), pyarrow.RecordBatchReader.from_batches(schema, batches))
    return folder


def cost_rows(weir: str, decimals: weir_project.Project, floats: weir_project.Project, rounds: int) -> list[tuple]:
    works = {(name, profile): lambda project=project, profile=profile: build(weir, project, profile)
             for name, project in (("decimals", decimals), ("floats", floats)) for profile in ("default", "plain")}
    figures = in_turns(rounds, works)
    rows = []
    for name in ("decimals", "floats"):
        with_it, without = figures[name, "default"], figures[name, "plain"]
        for field, what in (("cpu_seconds", "processor time"), ("seconds", "time")):
            rows.append((f"TPC-H with {name}: {what}", f"{median(with_it, field):.2f} s", f"{median(without, field):.2f} s",
                         f"{ratio(with_it, without, field):.2f}", ""))
    return rows


def tie_rows(weir: str, project: weir_project.Project, rounds: int) -> list[tuple]:
    """`project`: one with the tables of TPC-H, whose views give way."""
    for view in project.views():
        (project.folder / "views" / f"{view.name}.sql").unlink()
    for name, query in TIES.items():
        project.write(f"views/{name}.sql", f"CREATE MATERIALIZED VIEW {name} AS {query}")
    rows = []
    for name in TIES:
        figures = in_turns(rounds, {profile: lambda profile=profile, name=name: build(weir, project, profile, name)
                                    for profile in ("default", "plain")})
        for field, what, unit in (("cpu_seconds", "processor time", "s"), ("peak_mb", "memory", "MB")):
            with_it, without = figures["default"], figures["plain"]
            digits = 2 if unit == "s" else 0
            rows.append((f"{name}: {what}", f"{median(with_it, field):.{digits}f} {unit}", f"{median(without, field):.{digits}f} {unit}",
                         f"{ratio(with_it, without, field):.2f}", ""))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures what deterministic = true costs.")
    parser.add_argument("--weir", default=weir_project.program(), help="the program (default: build/weir)")
    parser.add_argument("--scale", default="1", help="the scale factor of TPC-H (default: 1)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("sums", "threads", "cost", "ties"), help="one of the tables")
    arguments = parser.parse_args()
    weir = str(pathlib.Path(arguments.weir).resolve())
    with tempfile.TemporaryDirectory(prefix="weir-determinism-") as folder:
        scratch = pathlib.Path(folder)
        if arguments.only in (None, "sums"):
            print(render(sum_rows(weir, scratch, arguments.rounds), ("exact", "the engine's")), flush=True)
        if arguments.only == "sums":
            return 0
        decimals = write_project(scratch / "decimals", arguments.scale, PROFILES)
        if arguments.only in (None, "threads"):
            print(render(thread_rows(weir, decimals, arguments.rounds), ("one thread", "two threads")), flush=True)
        if arguments.only in (None, "cost"):
            floats = write_project(scratch / "floats", arguments.scale, PROFILES,
                                   data=with_floats(arguments.scale, scratch / "float-tables"))
            print(render(cost_rows(weir, decimals, floats, arguments.rounds), ("deterministic", "not")), flush=True)
        if arguments.only in (None, "ties"):
            print(render(tie_rows(weir, decimals, arguments.rounds), ("completed", "as written")), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
