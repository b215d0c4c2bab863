#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes two projects out of the queries of TPC-H and TPC-DS, one view a query: for tests and measurements, never committed.

In: the query texts inside the tests jar of Apache Spark SQL on Maven Central, got with Maven and checked against the pin below;
TPC-H rows from the package tpchgen-cli. Out: two folders below <cache>/tpc/, whose paths are the lines on stdout. TPC-H has rows of
a tiny scale, TPC-DS tables are empty. Does nothing when both are there. Run it with the Python of scripts/venv.sh.
"""

import argparse
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

SPARK = "4.0.1"
ARTIFACT = f"org.apache.spark:spark-sql_2.13:{SPARK}:jar:tests"
JAR = f"spark-sql_2.13-{SPARK}-tests.jar"
JAR_SHA256 = "132cf2b0ebbe4ef6367e373288b5891fcacd148b1798455fb0ceec07649e61e1"
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
SCHEMA_CLASS = "org/apache/spark/sql/TPCDSSchema.class"
SCALE = "0.01"
TPCH_TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")
QUERIES = {"tpch": 22, "tpcds": 103}  # 99, four of them in variants a and b

# What is changed in a query, by its name: (from, to, why). Each must occur.
_YEAR = "the engine has no function `year`"
REWRITES: dict[str, list[tuple[str, str, str]]] = {
    "tpch/q7": [("year(l_shipdate)", "date_part('year', l_shipdate)", _YEAR)],
    "tpch/q8": [("year(o_orderdate)", "date_part('year', o_orderdate)", _YEAR)],
    "tpch/q9": [("year(o_orderdate)", "date_part('year', o_orderdate)", _YEAR)],
}


class FetchError(Exception):
    """What could not be got, and what to do about it."""


def cache_folder() -> pathlib.Path:
    return pathlib.Path(os.environ.get("WEIR_CACHE_DIR") or pathlib.Path.home() / ".cache" / "weir")


def download_jar(target: pathlib.Path) -> None:
    """Lets Maven put the jar at `target`. The environment variable WEIR_MAVEN_SETTINGS may name a settings file of its own."""
    if shutil.which("mvn") is None:
        raise FetchError(f"there is no `mvn` on the PATH to get {ARTIFACT}; get that jar otherwise and give it with --jar")
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        command = ["mvn", "-q", "-B", COPY_GOAL, f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={scratch}",
                   f"-Dmaven.repo.local={scratch}/repository"]
        if settings := os.environ.get("WEIR_MAVEN_SETTINGS"):
            command += ["-s", settings]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        file = pathlib.Path(scratch) / JAR
        if result.returncode != 0 or not file.exists():
            said = (result.stdout + result.stderr).strip()[-500:]
            raise FetchError(f"Maven could not get {ARTIFACT}; is the repository reachable? The jar can also be got elsewhere and "
                             f"given with --jar. Maven said: `{said}`")
        check_pin(file)
        os.replace(file, target)


def check_pin(jar: pathlib.Path) -> None:
    found = hashlib.sha256(jar.read_bytes()).hexdigest()
    if found != JAR_SHA256:
        raise FetchError(f"{jar.name} is not the pinned one: wanted sha256 {JAR_SHA256}, found `{found}`")


def read_queries(jar: zipfile.ZipFile, suite: str) -> dict[str, str]:
    """The texts of tpch or tpcds by name: q1, q14a."""
    queries = {}
    for name in jar.namelist():
        if match := re.fullmatch(rf"{suite}/(q\d+[ab]?)\.sql", name):
            queries[match[1]] = jar.read(name).decode()
    if len(queries) != QUERIES[suite]:
        raise FetchError(f"{jar.filename} holds {len(queries)} queries of {suite}, wanted {QUERIES[suite]}")
    return queries


def class_texts(content: bytes) -> list[str]:
    """The UTF-8 constants of a Java class file (The Java Virtual Machine Specification, 4.4)."""
    size_after_tag = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
    texts = []
    (count,) = struct.unpack_from(">H", content, 8)
    position, index = 10, 1
    while index < count:
        tag = content[position]
        if tag == 1:
            (length,) = struct.unpack_from(">H", content, position + 1)
            texts.append(content[position + 3:position + 3 + length].decode(errors="replace"))
            position += 3 + length
        else:
            position += 1 + size_after_tag[tag]
        index += 2 if tag in (5, 6) else 1
    return texts


def tpcds_columns(jar: zipfile.ZipFile) -> dict[str, list[tuple[str, str]]]:
    """Columns and SQL types of the 24 tables."""
    tables = {}
    table = None
    for text in class_texts(jar.read(SCHEMA_CLASS)):
        columns = re.findall(r"`(\w+)`\s+(\w+(?:\([\d, ]+\))?)", text)
        if columns:
            tables[table] = columns
        elif re.fullmatch(r"[a-z]+(_[a-z]+)*", text):
            table = text
    if len(tables) != 24:
        raise FetchError(f"the jar describes {len(tables)} tables of TPC-DS, wanted 24: {sorted(map(str, tables))}")
    return tables


def arrow_type(sql: str):
    import pyarrow
    if decimal := re.fullmatch(r"DECIMAL\((\d+), ?(\d+)\)", sql):
        return pyarrow.decimal128(int(decimal[1]), int(decimal[2]))
    if sql.startswith(("CHAR", "VARCHAR", "STRING")):
        return pyarrow.string()
    return {"INT": pyarrow.int32(), "BIGINT": pyarrow.int64(), "DATE": pyarrow.date32()}[sql]


def write_tpcds_tables(folder: pathlib.Path, tables: dict[str, list[tuple[str, str]]]) -> None:
    import deltalake
    import pyarrow
    for table, columns in tables.items():
        schema = pyarrow.schema([(name, arrow_type(sql)) for name, sql in columns])
        deltalake.DeltaTable.create(str(folder / "data" / table), schema)


def write_tpch_tables(folder: pathlib.Path, scale: str) -> None:
    """Writes the eight tables below `folder`/data, a table at a time and as a stream."""
    import deltalake
    import pyarrow
    import pyarrow.dataset
    generator = pathlib.Path(sys.executable).parent / "tpchgen-cli"
    if not generator.exists():
        raise FetchError("tpchgen-cli is not in this Python's environment: run this script with the one of scripts/venv.sh")
    for table in TPCH_TABLES:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            result = subprocess.run([str(generator), "parquet", "-s", scale, "--tables", table, "--output-dir", scratch],
                                    capture_output=True, text=True, check=False)
            if result.returncode != 0:
                raise FetchError(f"tpchgen-cli failed: `{result.stderr.strip()}`")
            rows = pyarrow.dataset.dataset(scratch, format="parquet").scanner(batch_size=1 << 16).to_reader()
            plain = pyarrow.schema([field.with_type(pyarrow.string()) if pyarrow.types.is_string_view(field.type) else field
                                    for field in rows.schema])
            batches = (pyarrow.record_batch([column.cast(field.type) for column, field in zip(batch.columns, plain)], schema=plain)
                       for batch in rows)
            deltalake.write_deltalake(str(folder / "data" / table), pyarrow.RecordBatchReader.from_batches(plain, batches))


def rewritten(suite: str, name: str, query: str) -> str:
    for old, new, why in REWRITES.get(f"{suite}/{name}", []):
        if old not in query:
            raise FetchError(f"{suite}/{name} has no `{old}` any more, which was to be rewritten ({why})")
        query = query.replace(old, new)
    return query


def write_project(folder: pathlib.Path, suite: str, queries: dict[str, str]) -> None:
    tables = sorted(path.name for path in (folder / "data").iterdir() if path.is_dir())
    (folder / "sources").mkdir()
    (folder / "views").mkdir()
    (folder / "weir.toml").write_text(f'[project]\nname = "{suite}"\ndialect = "spark"\n')
    (folder / "sources" / "tables.sql").write_text("".join(
        f"CREATE EXTERNAL TABLE {table} STORED AS DELTATABLE LOCATION 'data/{table}';\n" for table in tables))
    for name, query in queries.items():
        text = rewritten(suite, name, query).strip().rstrip(";")
        (folder / "views" / f"{name}.sql").write_text(f"CREATE VIEW {name} AS\n{text}\n")


def make_projects(jar_file: pathlib.Path, target: pathlib.Path) -> None:
    """Makes both projects and puts them in place together."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch, zipfile.ZipFile(jar_file) as jar:
        made = pathlib.Path(scratch) / "projects"
        for suite in QUERIES:
            (made / suite / "data").mkdir(parents=True)
        write_tpch_tables(made / "tpch", SCALE)
        write_tpcds_tables(made / "tpcds", tpcds_columns(jar))
        for suite in QUERIES:
            write_project(made / suite, suite, read_queries(jar, suite))
        (made / "rewrites.json").write_text(json.dumps(REWRITES, indent=1))
        os.replace(made, target)


def projects(jar: pathlib.Path | None = None) -> dict[str, pathlib.Path]:
    """The folders of both projects by suite; makes them if they are not there."""
    root = cache_folder() / "tpc"
    root.mkdir(parents=True, exist_ok=True)
    # Another recipe is another folder, so that checkouts of several versions share a cache.
    target = root / hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]
    with open(root / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            if jar is None:
                jar = root / JAR
                if not jar.exists():
                    print(f"fetch_tpc: getting {ARTIFACT}", file=sys.stderr)
                    download_jar(jar)
            check_pin(jar)
            make_projects(jar, target)
    return {suite: target / suite for suite in QUERIES}


def tpch_tables(scale: str) -> pathlib.Path:
    """The folder of the eight tables at a scale factor; makes it if it is not there."""
    root = cache_folder() / "tpc"
    root.mkdir(parents=True, exist_ok=True)
    target = root / f"tpch-{scale}"
    with open(root / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=root) as scratch:
                made = pathlib.Path(scratch) / "made"
                (made / "data").mkdir(parents=True)
                write_tpch_tables(made, scale)
                os.replace(made, target)
    return target / "data"


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes projects out of the queries of TPC-H and TPC-DS; prints their folders.")
    parser.add_argument("--jar", type=pathlib.Path, help=f"a {JAR} that is already here")
    arguments = parser.parse_args()
    try:
        for folder in projects(arguments.jar).values():
            print(folder)
    except (FetchError, OSError, zipfile.BadZipFile) as error:
        print(f"fetch_tpc: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
