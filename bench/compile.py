#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how fast whole projects compile, on generated projects, against DataFusion's own planning of the same SQL.

In: the program. Out: on stdout, a table with a row a project size: `weir check` from nothing, with nothing changed and with one view
edited; `weir plan` from nothing (every view compiled to its bundle, scanned and decided on), with all bundles in the cache, with
nothing changed and with one view edited; and the time that DataFusion alone takes to plan the same SQL on one thread (planning_baseline.py), measured in the same round. Medians of the
rounds; the ratio is the median of the rounds' ratios.

"From nothing" means without anything that Weir keeps; the program and the project's files are in the operating system's cache, brought
there by one run that is not measured.

Environment: WEIR_BENCH_COMPILE_VIEWS (default "1000 5000 10000"), WEIR_BENCH_COMPILE_ROUNDS (3).
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))
from generate_project import generate  # noqa: E402


def measure(command: list[str], scratch: pathlib.Path) -> tuple[float, float, str]:
    """Seconds, peak MB and output of a command that must succeed."""
    report = scratch / "report.json"
    done = subprocess.run([sys.executable, str(BENCH / "launch.py"), str(report), *command], capture_output=True, text=True)
    figures = json.loads(report.read_text())
    if figures["code"] != 0:
        raise SystemExit(f"{' '.join(command)} ended with {figures['code']}\n{done.stderr}")
    return figures["seconds"], figures["peak_mb"], done.stdout


def edit_one(project: pathlib.Path, number: int) -> None:
    """Another literal in one view of a middle layer: its plan changes, its columns do not."""
    path = sorted(project.glob("views/win/*.sql"))[0]
    path.write_text(re.sub(r"place > \d+", f"place > {number}", path.read_text()))


def round_of(weir: str, project: pathlib.Path, number: int, scratch: pathlib.Path) -> dict[str, tuple[float, float]]:
    def run(command: str) -> tuple[float, float]:
        return measure([weir, command, "--project", str(project)], scratch)[:2]

    def forget() -> None:
        # Moved away: file systems look for free inodes longer right after thousands were removed.
        if (project / ".weir").exists():
            (project / ".weir").rename(tempfile.mkdtemp(dir=scratch) + "/.weir")

    figures = {}
    forget()
    run("check")
    forget()
    figures["check"] = run("check")
    figures["check, unchanged"] = run("check")
    edit_one(project, 10 + number)
    figures["check, one edit"] = run("check")
    forget()
    figures["plan"] = run("plan")
    (project / ".weir" / "plan-default.memo").unlink()
    figures["plan, cached bundles"] = run("plan")
    figures["plan, unchanged"] = run("plan")
    edit_one(project, 100 + number)
    figures["plan, one edit"] = run("plan")
    seconds, peak, out = measure([sys.executable, str(BENCH / "planning_baseline.py"), str(project)], scratch)
    figures["DataFusion"] = (json.loads(out)["seconds"], peak)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures the compilation of whole projects.")
    parser.add_argument("--weir", required=True)
    arguments = parser.parse_args()
    sizes = [int(size) for size in os.environ.get("WEIR_BENCH_COMPILE_VIEWS", "1000 5000 10000").split()]
    rounds = int(os.environ.get("WEIR_BENCH_COMPILE_ROUNDS", "3"))
    weir = str(pathlib.Path(arguments.weir).resolve())
    print("| views | what | s | peak MB | of DataFusion's planning on one thread |")
    print("|---:|---|---:|---:|---:|")
    for views in sizes:
        with tempfile.TemporaryDirectory() as folder:
            scratch = pathlib.Path(folder)
            project = scratch / "project"
            generate(project, views, seed=1)
            measured = [round_of(weir, project, number, scratch) for number in range(rounds)]
        for what in measured[0]:
            seconds = statistics.median(figures[what][0] for figures in measured)
            peak = statistics.median(figures[what][1] for figures in measured)
            ratio = statistics.median(figures[what][0] / figures["DataFusion"][0] for figures in measured)
            print(f"| {views:,} | {what} | {seconds:.2f} | {peak:.0f} | {ratio:.3f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
