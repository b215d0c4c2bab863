#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Weir against a plain loop over the same views (baseline.py), in the same run.

In: the program, the flights example, a generated project of many small views. Out: a table of medians and ratios on stdout.

Rounds take turns: one of the baseline, one of Weir, who begins changes each time. A ratio is the median of the ratios of the
rounds, so that a machine that is slow for a while is slow for both. Each measured command is one process with its children: time on the
clock, processor time of the whole tree, and the greatest resident memory of any process in it, all as the kernel counts them.

Environment: WEIR_BENCH_ROUNDS (default 5), WEIR_BENCH_VIEWS (1000; 0 leaves that part out), WEIR_BENCH_VIEW_ROUNDS (3).
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import deltalake

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "tests" / "e2e"))
import weir_project  # noqa: E402
from generate_project import generate  # noqa: E402


# Views that scan a Delta table once a step of a recursion. The provider of the deltalake package yields its rows to the first
# step only, so the baseline's result is too small (tests/e2e/results_test.py proves Weir's against two engines); the time that
# it saves is left to it.
SCANS_DELTA_TWICE = {"airport_hops"}


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One command from start to end."""

    seconds: float
    work_seconds: float  # without the start of Python, for the baseline; else the same
    cpu_seconds: float
    peak_mb: float  # 1 MB = 10^6 bytes


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Rounds of the same work by both programs; the same index is the same round."""

    weir: list[Measurement]
    baseline: list[Measurement]

    def ratio(self, field: str) -> float:
        return statistics.median(getattr(mine, field) / getattr(other, field) for mine, other in zip(self.weir, self.baseline))


def median(rounds: list[Measurement], field: str) -> float:
    return statistics.median(getattr(one, field) for one in rounds)


def measure(command: list[str]) -> Measurement:
    """Runs a command that must succeed."""
    with tempfile.TemporaryFile() as output, tempfile.NamedTemporaryFile() as report:
        launcher = [sys.executable, "-I", "-S", str(BENCH / "launch.py"), report.name, *command]
        subprocess.run(launcher, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False)
        counted = json.loads(report.read() or '{"code": "no report"}')
        if counted.pop("code") != 0:
            output.seek(0)
            raise SystemExit(f"bench: `{' '.join(command)}` failed\n{output.read().decode(errors='replace')[-2000:]}")
        output.seek(0)
        own_time = re.fullmatch(rb'\{"tables": \d+, "seconds": ([\d.]+)\}\s*', output.read())
    return Measurement(work_seconds=float(own_time[1]) if own_time else counted["seconds"], **counted)


class Contest:
    """One project, built again and again from nothing by both programs."""

    def __init__(self, weir: str, project: weir_project.Project):
        self.weir = weir
        self.project = project
        self.baseline_warehouse = project.folder / "baseline-warehouse"

    def build_by_weir(self) -> Measurement:
        # A first build: nothing is left of an earlier one, compiled plans neither.
        shutil.rmtree(self.project.warehouse, ignore_errors=True)
        shutil.rmtree(self.project.folder / ".weir", ignore_errors=True)
        return self.run_weir()

    def run_weir(self) -> Measurement:
        return measure([self.weir, "run", "--project", str(self.project.folder), "--format", "json"])

    def build_by_baseline(self) -> Measurement:
        shutil.rmtree(self.baseline_warehouse, ignore_errors=True)
        return measure([sys.executable, str(BENCH / "baseline.py"), "--project", str(self.project.folder),
                        "--warehouse", str(self.baseline_warehouse)])

    def compare(self, name: str, rounds: int) -> Comparison:
        weir, baseline = [], []
        for number in range(rounds):
            turns = [(weir, self.build_by_weir), (baseline, self.build_by_baseline)]
            for measurements, build in turns if number % 2 else reversed(turns):
                measurements.append(build())
            print(f"bench: {name}: round {number + 1} of {rounds}: weir {weir[-1].seconds:.2f} s, "
                  f"baseline {baseline[-1].seconds:.2f} s", file=sys.stderr)
            if number == 0:
                self.check_same_tables()
        return Comparison(weir, baseline)

    def check_same_tables(self) -> None:
        """Fails unless both have written the same tables with the same numbers of rows: else the times mean nothing."""
        for view in self.project.stored_views():
            rows = [count_rows(folder / view.name) for folder in (self.project.warehouse, self.baseline_warehouse)]
            if rows[0] != rows[1] and view.name in SCANS_DELTA_TWICE:
                print(f"bench: `{view.name}` has {rows[0]} rows by weir and {rows[1]} by the baseline, as explained in bench.py",
                      file=sys.stderr)
            elif rows[0] != rows[1]:
                raise SystemExit(f"bench: `{view.name}` has {rows[0]} rows by weir and {rows[1]} by the baseline")


def count_rows(folder: pathlib.Path) -> int:
    return deltalake.DeltaTable(str(folder)).to_pyarrow_dataset().count_rows()


def comparison_rows(name: str, result: Comparison, wall_target: str, memory_target: str) -> list[tuple]:
    def row(what, field, unit, target):
        return (f"{name}: {what}", f"{median(result.weir, field):.2f} {unit}", f"{median(result.baseline, field):.2f} {unit}",
                f"{result.ratio(field):.2f}", target)

    return [row("time", "seconds", "s", wall_target), row("time, Python's start left out", "work_seconds", "s", ""),
            row("processor time", "cpu_seconds", "s", ""), row("peak memory", "peak_mb", "MB", memory_target)]


def aligned(header: tuple, rows: list[tuple]) -> str:
    """A table as text: the first column begins on the left, the others end on the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def render(rows: list[tuple], sides: tuple[str, str] = ("weir", "baseline")) -> str:
    return aligned(("what (medians)", *sides, "ratio", "aim"), rows)


def bench_flights(weir: str, scratch: pathlib.Path, rounds: int) -> tuple[list[tuple], dict]:
    contest = Contest(weir, weir_project.copy_flights(scratch / "flights"))
    result = contest.compare("flights", rounds)
    # The last build may be the baseline's; Weir's tables are there all the same.
    idle = [contest.run_weir() for _ in range(max(rounds, 3))]
    rows = comparison_rows("flights, full build", result, "<= 1.10", "<= 1.20")
    rows.append(("flights, nothing to do: time", f"{median(idle, 'seconds'):.3f} s", "", "", "< 0.3 s"))
    return rows, {"flights": dataclasses.asdict(result), "flights_idle": [dataclasses.asdict(one) for one in idle]}


def bench_many_views(weir: str, scratch: pathlib.Path, views: int, rounds: int) -> tuple[list[tuple], dict]:
    generate(scratch / "generated", views, seed=1)
    contest = Contest(weir, weir_project.Project(scratch / "generated"))
    result = contest.compare(f"{views} views", rounds)
    idle = contest.run_weir()
    rows = comparison_rows(f"{views} small views, first build", result, "<= 0.30", "<= 1.20")
    rows.append((f"{views} small views, nothing to do: time", f"{idle.seconds:.3f} s", "", "", ""))
    return rows, {"views": dataclasses.asdict(result), "views_idle": dataclasses.asdict(idle)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures Weir against a plain loop.")
    parser.add_argument("--weir", default=weir_project.program(), help="the program (default: build/weir)")
    parser.add_argument("--json", type=pathlib.Path, help="also writes every measurement to this file")
    arguments = parser.parse_args()
    weir = str(pathlib.Path(arguments.weir).resolve())
    if not os.access(weir, os.X_OK):
        parser.error(f"there is no program at `{weir}`: `make build` makes it")
    rounds = int(os.environ.get("WEIR_BENCH_ROUNDS", "5"))
    views = int(os.environ.get("WEIR_BENCH_VIEWS", "1000"))
    view_rounds = int(os.environ.get("WEIR_BENCH_VIEW_ROUNDS", "3"))

    if not (weir_project.FLIGHTS / "data" / "flights.csv").exists():
        subprocess.run([sys.executable, str(BENCH.parent / "scripts" / "fetch_flights.py")], check=True)
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        scratch = pathlib.Path(folder)
        rows, measurements = bench_flights(weir, scratch, rounds)
        if views > 0:
            more_rows, more = bench_many_views(weir, scratch, views, view_rounds)
            rows += more_rows
            measurements |= more
    print(render(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(measurements, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
