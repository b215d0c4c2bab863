# SPDX-License-Identifier: Apache-2.0
"""What benches share that measure the same work with something and without it, in turns, by a program of their own beside `weir`.

In: the seconds of both sides, by round. Out: rows of a table: the least and the median of both, and the median of the rounds' ratios.
"""

import argparse
import pathlib
import statistics

from bench import aligned

AIM = "<= 1.03"


def program_beside(weir: str, name: str, parser: argparse.ArgumentParser) -> pathlib.Path:
    """The program that takes the rounds; ends with wrong use where it is not built."""
    program = pathlib.Path(weir).resolve().parent / name
    if not program.exists():
        parser.error(f"there is no program at `{program}`: `ninja -C build {name}` makes it")
    return program


def row_of(name: str, one: list[float], other: list[float], aim: str = "") -> tuple:
    ratio = statistics.median(a / b for a, b in zip(one, other))
    return (name, f"{min(one):.3f}", f"{min(other):.3f}", f"{statistics.median(one):.3f}", f"{statistics.median(other):.3f}", f"{ratio:.3f}", aim)


def render(what: str, rows: list[tuple]) -> str:
    return aligned((what, "least with", "without", "median with", "without", "ratio", "aim"), rows)
