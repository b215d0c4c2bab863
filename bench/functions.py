#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures native functions against the engine's nearest own words for the same work, in the same run.

In: the program; a generated table of WEIR_BENCH_ROWS rows (10 million by default). Out: a table on stdout: processor seconds of both
sides, the ratio of native throughput to that of the other (more is better) by processor time and by the clock, and the least ratio
that is wanted; then what a call over the bridge costs.

Rounds take turns. What a query costs without the functions (start, scan, the aggregate around them) is measured in each round and
taken off both sides. WEIR_BENCH_ROUNDS (default 3). `--only TEXT` measures the lines whose name contains it.
"""

import argparse
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time
import typing

import numpy
import pyarrow
import pyarrow.parquet

ROWS = int(os.environ.get("WEIR_BENCH_ROWS", 10_000_000))
ROUNDS = int(os.environ.get("WEIR_BENCH_ROUNDS", 3))
BRIDGE_NAME = "a call over the bridge"
BRIDGE_ROWS = 20_000_000
BRIDGE_CALLS = 30
BATCH_ROWS = 8192  # the engine's batch size

# Name, native expression, the engine's, the same query around both without them, wanted ratio.
ROW_QUERIES = [
    ("stable_hash64 : digest blake2b", "count(stable_hash64(s))", "count(digest(s, 'blake2b'))", "max(length(s))", 1.0),
    ("stable_id_parts(4) : concat_ws + digest", "count(stable_id_parts('k', s, a, b, g))",
     "count('k:' || encode(digest(concat_ws(chr(31), s, a, b, g), 'blake2b'), 'hex'))", "max(s), max(a), max(b), max(g)", 1.5),
    ("span_overlaps : comparisons, in SELECT", "count_if(span_overlaps(span_make(a, a + 9), span_make(b, b + 9)))",
     "count_if(CASE WHEN a <= a + 9 AND b <= b + 9 THEN a < b + 9 AND b < a + 9 END)", "max(a), max(b)", None),
    ("utf8_normalize : lower(trim)", "count(utf8_normalize(s))", "count(lower(trim(s)))", "max(length(s))", 0.7),
]
WHERE_QUERIES = [
    ("span_overlaps : comparisons, in WHERE", "span_overlaps(span_make(a, a + 9), span_make(b, b + 9))", "a < b + 9 AND b < a + 9", 0.9),
]
GROUP_QUERIES = [
    ("any_value_det : first_value(ORDER BY), groups", "any_value_det(s, a) AS v", "first_value(s ORDER BY a) AS v", "sum(length(v))", 1.0),
    ("arg_max : first_value(ORDER BY DESC), groups", "arg_max(s, a) AS v", "first_value(s ORDER BY a DESC) AS v", "sum(length(v))", 1.0),
    ("any_value_det with count(distinct b)", "any_value_det(s, a) AS v, count(distinct b) AS n",
     "first_value(s ORDER BY a) AS v, count(distinct b) AS n", "sum(length(v)), sum(n)", 10.0),
    ("the most that can be gained there", "count(distinct b) AS n", "first_value(s ORDER BY a) AS v, count(distinct b) AS n", "sum(n)", None),
    ("collect_set : array_sort(array_agg(distinct))", "collect_set(h) AS v", "array_sort(array_agg(distinct h)) AS v",
     "sum(cardinality(v))", 1.0),
]


def generate(folder: pathlib.Path) -> None:
    random = numpy.random.default_rng(7)
    (folder / "sources").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "weir.toml").write_text('[project]\nname = "bench"\n')
    (folder / "sources" / "t.sql").write_text("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION 'data/';\n")
    words = numpy.array([f" Some Module.path_{i} " for i in range(50_000)], dtype=object)
    with pyarrow.parquet.ParquetWriter(folder / "data" / "t.parquet", pyarrow.schema(
            [("s", "string"), ("a", "int64"), ("b", "int64"), ("g", "int64"), ("h", "int64")])) as writer:
        for first in range(0, ROWS, 1_000_000):
            rows = min(1_000_000, ROWS - first)
            writer.write_table(pyarrow.table({"s": pyarrow.array(words[random.integers(0, len(words), rows)], "string"),
                                              "a": random.integers(0, 1 << 40, rows), "b": random.integers(0, 1 << 40, rows),
                                              "g": random.integers(0, 10_000, rows), "h": random.integers(0, 50, rows)}))


class Cost(typing.NamedTuple):
    """Of one run, or what one run took more than another."""
    processor: float
    clock: float

    def over(self, base: "Cost") -> "Cost":
        return Cost(max(self.processor - base.processor, 1e-3), max(self.clock - base.clock, 1e-3))


class Bench:
    def __init__(self, weir: str, folder: pathlib.Path, only: str):
        self.command = [weir, "sql", "--project", str(folder), "--format", "json"]
        self.only = only

    def cost(self, query: str) -> Cost:
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([*self.command, query], capture_output=True, text=True)
        clock, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise SystemExit(f"bench: `{query}` failed\n{done.stderr[-2000:]}")
        return Cost(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, clock)

    def compare(self, name: str, native: str, other: str, around: str, wanted: float | None) -> None:
        if self.only not in name:
            return
        mine, theirs = [], []
        for number in range(ROUNDS):
            order = [native, other] if number % 2 == 0 else [other, native]
            base = self.cost(around)
            took = {query: self.cost(query).over(base) for query in order}
            mine.append(took[native])
            theirs.append(took[other])
        def ratio(part: str) -> float:
            return statistics.median(getattr(b, part) / getattr(a, part) for a, b in zip(mine, theirs))
        seconds = [statistics.median(cost.processor for cost in side) for side in (mine, theirs)]
        target = f"≥ {wanted}" if wanted else "–"
        print(f"{name:<48} {seconds[0]:>8.3f} s {seconds[1]:>8.3f} s {ratio('processor'):>7.2f}× {ratio('clock'):>7.2f}× {target:>8}",
              flush=True)

    def bridge(self) -> None:
        """Prints the cost of a call that hands on its argument as it is: many calls, one within the other, against none."""
        if self.only not in BRIDGE_NAME:
            return
        def query(calls: int) -> str:
            value = "named_struct('a', value)"
            for _ in range(calls):
                value = f"struct_pick({value}, 'a')"
            return f"SELECT max({value}['a']) FROM generate_series(1, {BRIDGE_ROWS})"
        costs = []
        for _ in range(ROUNDS):
            costs.append(self.cost(query(BRIDGE_CALLS)).over(self.cost(query(0))).processor)
        calls = BRIDGE_CALLS * BRIDGE_ROWS / BATCH_ROWS
        print(f"{BRIDGE_NAME}: {statistics.median(costs) / calls * 1e6:.2f} µs a batch of {BATCH_ROWS} rows (wanted: < 5 µs)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as scratch:
        folder = pathlib.Path(scratch) / "p"
        generate(folder)
        bench = Bench(os.path.abspath(arguments.weir), folder, arguments.only)
        title = f"native : engine, {ROWS:,} rows"
        print(f"{title:<48} {'native':>10} {'engine':>10} {'ratio':>8} {'by clock':>8} {'wanted':>8}")
        for name, native, other, around, wanted in ROW_QUERIES:
            bench.compare(name, f"SELECT {native} AS n FROM t", f"SELECT {other} AS n FROM t", f"SELECT {around} FROM t", wanted)
        for name, native, other, wanted in WHERE_QUERIES:
            bench.compare(name, f"SELECT count(*) FROM t WHERE {native}", f"SELECT count(*) FROM t WHERE {other}",
                          "SELECT max(a), max(b) FROM t", wanted)
        for name, native, other, result, wanted in GROUP_QUERIES:
            query = f"SELECT {result} FROM (SELECT g, {{}} FROM t GROUP BY g)"
            bench.compare(name, query.format(native), query.format(other), "SELECT max(g) FROM t", wanted)
        bench.bridge()


if __name__ == "__main__":
    main()
