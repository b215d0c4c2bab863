#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures statements that write Delta tables, and what they leave to readers, as ratios in one run.

In: the program. Out: a table of times on stdout. Four works: an INSERT of all rows against `write_deltalake` from the same Parquet file with
the same compression; reading a table of which deletion vectors take 1 % of the rows against reading it before; a MERGE of 0.1 % of the rows that lie
together, and how many files it touches; the change feed of the last commit of a long table against that of a short one.

Environment: WEIR_BENCH_WRITE_ROWS (default 10000000), WEIR_BENCH_WRITE_COMMITS (1000), WEIR_BENCH_ROUNDS (3).
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import deltalake
import duckdb
import pyarrow

from bench import measure
from delta_log_bench import median

ALLOWED = '[project]\nname = "writes"\n[profiles.default.sql]\nallow = ["query", "dml", "ddl"]\n'
DELTALAKE = """
import sys
import deltalake
import pyarrow.parquet
reader = pyarrow.parquet.ParquetFile(sys.argv[1])
batches = pyarrow.RecordBatchReader.from_batches(reader.schema_arrow, reader.iter_batches(131072))
properties = deltalake.WriterProperties(compression="ZSTD", compression_level=1)
deltalake.write_deltalake(sys.argv[2], batches, mode="append", writer_properties=properties)
"""


def make_rows(file: pathlib.Path, rows: int) -> None:
    duckdb.sql(f"""COPY (SELECT i AS id, i % 1000 AS k, hash(i) % 1000000 / 100.0 AS price, 'name ' || (hash(i * 7) % 100000) AS name,
                   DATE '2020-01-01' + CAST(i % 1000 AS INT) AS day FROM range({rows}) r(i)) TO '{file}' (FORMAT parquet, COMPRESSION snappy)""")


def write(weir: str, folder: pathlib.Path, rows: int, rounds: int) -> None:
    file = folder / "rows.parquet"
    make_rows(file, rows)
    ours, theirs = folder / "ours", folder / "theirs"
    measured = {"weir": [], "deltalake": []}
    for _ in range(rounds):
        for table in (ours, theirs):
            shutil.rmtree(table, ignore_errors=True)
        create = f"CREATE TABLE '{ours}' (id BIGINT, k BIGINT, price DOUBLE, name VARCHAR, day DATE) USING DELTA"
        subprocess.run([weir, "sql", "--project", str(folder), create], check=True, capture_output=True)
        measured["weir"].append(measure([weir, "sql", "--project", str(folder), f"INSERT INTO '{ours}' SELECT * FROM '{file}'"]))
        measured["deltalake"].append(measure([sys.executable, "-c", DELTALAKE, str(file), str(theirs)]))
    one, other = median(measured["weir"]), median(measured["deltalake"])
    print(f"INSERT of {rows:,} rows: weir {one.seconds:.2f} s, write_deltalake {other.seconds:.2f} s: throughput {other.seconds / one.seconds:.2f} x, "
          f"memory {one.peak_mb:.0f} and {other.peak_mb:.0f} MB")


def vectors(weir: str, folder: pathlib.Path, rows: int, rounds: int) -> None:
    table = folder / "ours"
    query = [weir, "sql", "--project", str(folder), f"SELECT sum(price) AS s, count(DISTINCT name) AS n, max(day) AS d FROM '{table}'"]
    before = median([measure(query) for _ in range(rounds)])
    for sql in (f"ALTER TABLE '{table}' SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')", f"DELETE FROM '{table}' WHERE id % 100 = 7"):
        subprocess.run([weir, "sql", "--project", str(folder), sql], check=True, capture_output=True)
    adds = pyarrow.table(deltalake.DeltaTable(table).get_add_actions(flatten=True)).to_pylist()
    log = (table / "_delta_log" / f"{deltalake.DeltaTable(table).version():020}.json").read_text()
    assert log.count('"deletionVector"') == len(adds), "the rows were not deleted by vectors"
    after = median([measure(query) for _ in range(rounds)])
    print(f"reading with 1 % of the rows deleted by vectors: {after.seconds:.2f} s against {before.seconds:.2f} s: {before.seconds / after.seconds:.2f} x")


def merge(weir: str, folder: pathlib.Path, rows: int) -> None:
    table = folder / "merged"
    part = max(rows // 20, 1)
    for i in range(20):
        sql = f"SELECT id, price FROM '{folder / 'rows.parquet'}' WHERE id >= {i * part} AND id < {(i + 1) * part}"
        verb = f"CREATE TABLE '{table}' USING DELTA AS" if i == 0 else f"INSERT INTO '{table}'"
        subprocess.run([weir, "sql", "--project", str(folder), f"{verb} {sql}"], check=True, capture_output=True)
    files = len(deltalake.DeltaTable(table).file_uris())
    first = rows // 2
    source = f"(SELECT id, price + 1 AS price FROM '{folder / 'rows.parquet'}' WHERE id >= {first} AND id < {first + rows // 1000}) AS s"
    statement = f"MERGE INTO '{table}' AS t USING {source} ON t.id = s.id WHEN MATCHED THEN UPDATE SET price = s.price"
    done = subprocess.run([weir, "sql", "--project", str(folder), "--format", "json", statement], check=True, capture_output=True, text=True)
    did = json.loads(done.stdout)[0]
    must = {first // part, (first + rows // 1000 - 1) // part}
    print(f"MERGE of {did['rows_updated']:,} rows that lie together: {did['files_removed']} of {files} files written anew, {len(must)} of 20 parts hold them")


def feed(weir: str, folder: pathlib.Path, commits: int, rounds: int) -> None:
    seconds = {}
    for count in (10, commits):
        table = folder / f"feed{count}"
        deltalake.write_deltalake(table, pyarrow.table({"a": [0]}), configuration={"delta.enableChangeDataFeed": "true"})
        for i in range(1, count):
            deltalake.write_deltalake(table, pyarrow.table({"a": [i]}), mode="append")
        command = [weir, "changes", "--project", str(folder), str(table) + "/", "--from", str(count - 1)]
        seconds[count] = median([measure(command) for _ in range(rounds)]).seconds
    print(f"feed of the last commit: {seconds[commits] * 1000:.0f} ms of {commits} commits, {seconds[10] * 1000:.0f} ms of 10: "
          f"{seconds[commits] / seconds[10]:.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", required=True)
    weir = str(pathlib.Path(parser.parse_args().weir).resolve())
    rows, commits, rounds = (int(os.environ.get(name, default)) for name, default in
                             (("WEIR_BENCH_WRITE_ROWS", "10000000"), ("WEIR_BENCH_WRITE_COMMITS", "1000"), ("WEIR_BENCH_ROUNDS", "3")))
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as scratch:
        folder = pathlib.Path(scratch)
        (folder / "weir.toml").write_text(ALLOWED)
        write(weir, folder, rows, rounds)
        vectors(weir, folder, rows, rounds)
        merge(weir, folder, rows)
        feed(weir, folder, commits, rounds)


if __name__ == "__main__":
    main()
