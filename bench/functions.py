#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures native functions against the engine's nearest own words for the same work, in the same run.

In: the program; a generated table of WEIR_BENCH_ROWS rows (10 million by default). Out: a table of ratios on stdout, native
throughput to that of the other (more is better), and the least that is wanted.

Rounds take turns. What a query costs without the functions (start, scan, the aggregate around them) is measured in each round and
taken off both sides. WEIR_BENCH_ROUNDS (default 3).
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy
import pyarrow
import pyarrow.parquet

ROWS = int(os.environ.get("WEIR_BENCH_ROWS", 10_000_000))
ROUNDS = int(os.environ.get("WEIR_BENCH_ROUNDS", 3))

# Name, native expression, the engine's, the same query around both without them, wanted ratio.
ROW_QUERIES = [
    ("stable_hash64 : digest blake2b", "count(stable_hash64(s))", "count(digest(s, 'blake2b'))", "max(length(s))", 1.0),
    ("stable_id_parts(4) : concat_ws + digest", "count(stable_id_parts('k', s, a, b, g))",
     "count('k:' || encode(digest(concat_ws(chr(31), s, a, b, g), 'blake2b'), 'hex'))", "max(s), max(a), max(b), max(g)", 1.5),
    ("span_overlaps : comparisons, in SELECT", "count_if(span_overlaps(span_make(a, a + 9), span_make(b, b + 9)))",
     "count_if(CASE WHEN a <= a + 9 AND b <= b + 9 THEN a < b + 9 AND b < a + 9 END)", "max(a), max(b)", None),
    ("utf8_normalize : lower(trim)", "count(utf8_normalize(s))", "count(lower(trim(s)))", "max(length(s))", 0.7),
    ("arg_max : first_value(ORDER BY)", "arg_max(s, a)", "first_value(s ORDER BY a DESC)", "max(length(s)), max(a)", 1.0),
]
WHERE_QUERIES = [
    ("span_overlaps : comparisons, in WHERE", "span_overlaps(span_make(a, a + 9), span_make(b, b + 9))", "a < b + 9 AND b < a + 9", 0.9),
]
GROUP_QUERIES = [
    ("any_value_det : first_value(ORDER BY), groups", "any_value_det(s, a) AS v", "first_value(s ORDER BY a) AS v", "sum(length(v))", 1.0),
    ("the same with count(distinct b)", "any_value_det(s, a) AS v, count(distinct b) AS n",
     "first_value(s ORDER BY a) AS v, count(distinct b) AS n", "sum(length(v)), sum(n)", 10.0),
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


class Bench:
    def __init__(self, weir: str, folder: pathlib.Path):
        self.command = [weir, "sql", "--project", str(folder), "--format", "json"]

    def seconds(self, query: str) -> float:
        begin = time.perf_counter()
        done = subprocess.run([*self.command, query], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"bench: `{query}` failed\n{done.stderr[-2000:]}")
        return time.perf_counter() - begin

    def compare(self, name: str, native: str, other: str, around: str, wanted: float | None) -> None:
        ratios, times = [], []
        for number in range(ROUNDS):
            order = [native, other] if number % 2 == 0 else [other, native]
            base = self.seconds(around)
            took = {query: max(self.seconds(query) - base, 1e-3) for query in order}
            ratios.append(took[other] / took[native])
            times.append((took[native], took[other]))
        mine, theirs = (statistics.median(side) for side in zip(*times))
        target = f"≥ {wanted}" if wanted else "–"
        print(f"{name:<50} {mine:>8.3f} s {theirs:>8.3f} s {statistics.median(ratios):>7.2f}× {target:>8}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as scratch:
        folder = pathlib.Path(scratch) / "p"
        generate(folder)
        bench = Bench(os.path.abspath(arguments.weir), folder)
        print(f"{'native : engine, ' + format(ROWS, ',') + ' rows':<50} {'native':>10} {'engine':>10} {'ratio':>8} {'wanted':>8}")
        for name, native, other, around, wanted in ROW_QUERIES:
            bench.compare(name, f"SELECT {native} AS n FROM t", f"SELECT {other} AS n FROM t", f"SELECT {around} FROM t", wanted)
        for name, native, other, wanted in WHERE_QUERIES:
            bench.compare(name, f"SELECT count(*) FROM t WHERE {native}", f"SELECT count(*) FROM t WHERE {other}",
                          "SELECT max(a), max(b) FROM t", wanted)
        for name, native, other, result, wanted in GROUP_QUERIES:
            query = f"SELECT {result} FROM (SELECT g, {{}} FROM t GROUP BY g)"
            bench.compare(name, query.format(native), query.format(other), "SELECT max(g) FROM t", wanted)


if __name__ == "__main__":
    main()
