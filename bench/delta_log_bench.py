#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures planning over Delta tables of many files, against delta-rs doing the same, in one run.

In: the program. Out: a table of times and peak memory on stdout. Each table is a log without its files (generate_delta_log.py): with 20
columns of statistics that nobody asks for, and with none, so that memory can be compared. The work: choose the files of
`id >= x`, which one file in a hundred passes. delta-rs does it by its list of add actions, filtered by the maxima.

Environment: WEIR_BENCH_LOG_FILES (default "100000 1000000"), WEIR_BENCH_ROUNDS (3).
"""

import argparse
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

from bench import Measurement, measure
from generate_delta_log import ROWS_A_FILE, generate

DELTA_RS = """
import sys
import deltalake
import pyarrow
import pyarrow.compute
actions = pyarrow.table(deltalake.DeltaTable(sys.argv[1]).get_add_actions(flatten=True))
kept = pyarrow.compute.sum(pyarrow.compute.greater_equal(actions["max.id"], int(sys.argv[2]))).as_py()
assert kept == int(sys.argv[3]), kept
"""


def write_project(folder: pathlib.Path, table: pathlib.Path, first_id: int) -> None:
    for part in ("sources", "views"):
        (folder / part).mkdir(parents=True)
    (folder / "weir.toml").write_text('[project]\nname = "log"\nwarehouse = "warehouse"\n')
    (folder / "sources" / "t.sql").write_text(f"CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION '{table}';\n")
    (folder / "views" / "v.sql").write_text(f"SELECT id, name FROM t WHERE id >= {first_id}\n")


def median(rounds: list[Measurement]) -> Measurement:
    return Measurement(*(statistics.median(values) for values in zip(*(vars(one).values() for one in rounds))))


def compare(weir: str, folder: pathlib.Path, files: int, extra_columns: int, rounds: int) -> None:
    table, project = folder / "t", folder / "project"
    generate(table, files, extra_columns)
    kept = files // 100
    first_id = (files + 1 - kept) * ROWS_A_FILE
    write_project(project, table, first_id)
    commands = {
        "weir check": [weir, "check", "--project", str(project)],
        "weir plan": [weir, "plan", "--project", str(project)],
        "weir explain --scans": [weir, "explain", "v", "--scans", "--project", str(project)],
        "delta-rs": [sys.executable, "-c", DELTA_RS, str(table), str(first_id), str(kept)],
    }
    measured = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            shutil.rmtree(project / ".weir", ignore_errors=True)  # what is measured must be done, not remembered
            measured[name].append(measure(command))
    baseline = median(measured["delta-rs"])
    for name in commands:
        one = median(measured[name])
        print(
            f"{files:>9,} {extra_columns:>7} {name:<22} {one.seconds:>7.2f} s {one.cpu_seconds:>7.2f} s {one.peak_mb:>7.0f} MB"
            f" {one.seconds / baseline.seconds:>6.2f} {one.peak_mb / baseline.peak_mb:>6.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weir", required=True)
    arguments = parser.parse_args()
    rounds = int(os.environ.get("WEIR_BENCH_ROUNDS", "3"))
    print(f"{'files':>9} {'columns':>7} {'command':<22} {'time':>9} {'CPU':>9} {'memory':>10}   ratios to delta-rs")
    for files in map(int, os.environ.get("WEIR_BENCH_LOG_FILES", "100000 1000000").split()):
        for extra_columns in (20, 0):
            with tempfile.TemporaryDirectory() as folder:
                compare(str(pathlib.Path(arguments.weir).resolve()), pathlib.Path(folder), files, extra_columns, rounds)


if __name__ == "__main__":
    main()
