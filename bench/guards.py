#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what guards and overflow checks cost: the 22 queries of TPC-H with all guards and with none, in turns, in one process.

In: the program guard_rounds beside `weir`; query texts and rows as scripts/fetch_tpc.py gets them, at scale factor 1. Out: a table on
stdout: for each query the least and the median seconds of both sides and the median of the rounds' ratios; for all, the ratio of the
sums. Rounds take turns, who begins changes each time, so that a machine that is slow for a while is slow for both.

Environment: WEIR_BENCH_GUARD_ROUNDS (default 7), WEIR_BENCH_TPCH_SCALE (1).
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))
sys.path.insert(0, str(BENCH.parent / "tests" / "e2e"))
import weir_project  # noqa: E402
from peer_builds import write_project  # noqa: E402
from rounds import AIM, program_beside, render, row_of  # noqa: E402


def measure(program: pathlib.Path, project: pathlib.Path, rounds: int, guards: list[str]) -> list[dict]:
    command = [str(program), str(project), str(rounds), *guards]
    views = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            views.append(json.loads(line))
            print(f"bench: guards: {views[-1]['view']}", file=sys.stderr)
    if process.returncode != 0:
        raise SystemExit(f"bench: `{' '.join(command)}` failed")
    return views


def total_row(name: str, views: list[dict], fields: tuple[str, str], aim: str) -> tuple:
    """Sums over the queries; of the least and of the median seconds, and the ratio of the latter, then of the former."""
    least = [sum(min(view[field]) for view in views) for field in fields]
    medians = [sum(statistics.median(view[field]) for view in views) for field in fields]
    return (name, f"{least[0]:.3f}", f"{least[1]:.3f}", f"{medians[0]:.3f}", f"{medians[1]:.3f}",
            f"{medians[0] / medians[1]:.3f} (least {least[0] / least[1]:.3f})", aim)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures what guards and overflow checks cost.")
    parser.add_argument("--weir", default=weir_project.program(), help="the program (default: build/weir); guard_rounds lies beside it")
    parser.add_argument("--guard", action="append", default=[], help="leave out this guard only, not all (may be repeated)")
    parser.add_argument("--json", type=pathlib.Path, help="also writes every measurement to this file")
    arguments = parser.parse_args()
    program = program_beside(arguments.weir, "guard_rounds", parser)
    scale = os.environ.get("WEIR_BENCH_TPCH_SCALE", "1")
    rounds = int(os.environ.get("WEIR_BENCH_GUARD_ROUNDS", "7"))
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        project = write_project(pathlib.Path(folder) / "tpch", scale, "")
        views = measure(program, project.folder, rounds, arguments.guard)
    rows = [row_of(view["view"], view["with"], view["without"]) for view in views]
    rows.append(total_row("all queries", views, ("with", "without"), AIM))
    rows.append(total_row("all queries, processor time", views, ("cpu_with", "cpu_without"), ""))
    print(render("TPC-H with guards and without (s)", rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(views, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
