# SPDX-License-Identifier: Apache-2.0
"""Asks Weir, DuckDB and SQLite the same random queries and reports every difference, made small.

    python tests/differential/run.py --seed 1 --queries 1000 [--keep DIR] [--without FEATURE,…] [--settings NAME] [--engine datafusion]

Exit code 1 if a difference is left that nothing explains. `--keep` writes each as a case for tests/differential/cases.
`--engine datafusion` asks the engine's Python package instead of Weir: a difference that stays is the engine's.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import sys
import time

import cases
import compare
import metamorphic
import printers
from batch import Batch, Verdict
from queries import FEATURES

QUERIES_A_BATCH = 250


def report(batch: Batch, verdict: Verdict, keep: pathlib.Path | None, small: bool) -> None:
    print(f"## seed {batch.seed} {verdict.name} ({batch.settings}): {verdict.kind}: {verdict.message[:400]}")
    query, data, last = batch.shrink(verdict) if small and verdict.kind in ("rows", "types", "weir_error") and verdict.found.error != "cancelled" else (
        verdict.query, batch.data, verdict)
    weir, duckdb = printers.say(query, "weir"), printers.say(query, "duckdb")
    print(f"  weir:   {weir[:1500]}")
    if weir != duckdb:
        print(f"  duckdb: {duckdb[:1500]}")
    for table in data if small else ():
        print(f"    {table.name} {table.format} {[(c.name, str(c.type)) for c in table.columns]} {list(table.rows)[:6]}")
    print(f"  found:  {last.found.error or (list(map(str, last.found.types)), last.found.rows[:5])}")
    print(f"  wanted: {last.wanted.error or last.wanted.rows[:5]}", flush=True)
    if keep is not None and last.wanted.error is None:
        types = [e.type for _, e in compare.syntax.outputs(query)]
        rows = [tuple(compare.value(v, t, None) for v, t in zip(row, types)) for row in last.wanted.rows]
        cases.write(cases.Case(last.message, data, weir, types, rows, batch.settings), keep / f"seed_{batch.seed}_{verdict.name}.json")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=QUERIES_A_BATCH)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--without", default="")
    parser.add_argument("--settings", choices=list(metamorphic.SETTINGS))
    parser.add_argument("--engine", choices=["weir", "datafusion"], default="weir")
    parser.add_argument("--whole", action="store_true", help="do not make differences small")
    parser.add_argument("--each", type=int, default=3, help="how many differences of one kind are shown in a batch")
    options = parser.parse_args()
    features = FEATURES - frozenset(filter(None, options.without.split(",")))
    counts: collections.Counter[str] = collections.Counter()
    start = time.monotonic()
    for number in range(-(-options.queries // options.batch)):
        seed = options.seed + number
        batch = Batch(seed, min(options.batch, options.queries - number * options.batch), features, options.engine, options.settings)
        shown: collections.Counter[str] = collections.Counter()
        for verdict in batch.run():
            counts[verdict.kind] += 1
            if verdict.is_difference:
                shown[verdict.kind + (verdict.found.error or "")[:40]] += 1
                if shown[verdict.kind + (verdict.found.error or "")[:40]] <= options.each:
                    report(batch, verdict, options.keep, not options.whole)
    for kind, count in counts.most_common():
        print(f"{count:7} {kind}")
    print(f"{sum(counts.values())} queries in {time.monotonic() - start:.0f} s")
    return 1 if any(kind in counts for kind in ("rows", "types", "weir_error", "duckdb_error", "sqlite")) else 0


if __name__ == "__main__":
    sys.exit(main())
