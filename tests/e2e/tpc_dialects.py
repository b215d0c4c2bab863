# SPDX-License-Identifier: Apache-2.0
"""Reads the texts of TPC-H in several dialects, and has its plans written in several others and run by DuckDB and SQLite.

In: the projects of scripts/fetch_tpc.py and the program that WEIR names. Out: what came of each query, for tests and for
docs/dialects.md. The engine's answers to the untouched texts are what everything is compared with.
"""

import datetime
import decimal
import glob
import importlib.util
import json
import math
import pathlib
import re
import sqlite3
import subprocess
import tempfile

import deltalake
import duckdb

import weir_project

TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]
READ = ["ansi", "bigquery", "clickhouse", "databricks", "duckdb", "hive", "mssql", "mysql", "postgresql", "redshift", "snowflake",
        "spark", "sqlite"]
WRITTEN = ["bigquery", "duckdb", "generic", "mysql", "postgresql", "snowflake", "sqlite"]

_TABLE = re.compile(r"\b(" + "|".join(TABLES) + r")\b")
_STRING = re.compile(r"(date |interval )?'([^']*)'")
_DATE = re.compile(r"date ('[0-9-]+')")
_DOUBLE = lambda text: _TABLE.sub(r'"\1"', text)
_BACK = lambda text: _TABLE.sub(r"`\1`", text)
_BRACKET = lambda text: _TABLE.sub(r"[\1]", text)
_TEXTS = lambda text: _STRING.sub(lambda found: found[0] if found[1] else f'"{found[2]}"', text)
_CASTS = lambda text: _DATE.sub(r"\1::date", text)
_HASH = lambda text: "# it's read; `as` \"a\" comment\n" + text
_SLASHES = lambda text: "// it's read; as \"a\" comment\n" + text

# How a text is said in a dialect: (what is done, the function that does it), in order.
REWRITES = {
    "ansi": [("table names in double quotes", _DOUBLE)],
    "bigquery": [("strings in double quotes", _TEXTS), ("table names in backquotes", _BACK), ("a comment after `#`", _HASH)],
    "clickhouse": [("table names in backquotes", _BACK)],
    "databricks": [("strings in double quotes", _TEXTS), ("table names in backquotes", _BACK)],
    "duckdb": [("`date '…'` as `'…'::date`", _CASTS), ("table names in double quotes", _DOUBLE)],
    "hive": [("table names in backquotes", _BACK), ("a comment after `#`", _HASH)],
    "mssql": [("table names in brackets", _BRACKET)],
    "mysql": [("strings in double quotes", _TEXTS), ("table names in backquotes", _BACK), ("a comment after `#`", _HASH)],
    "postgresql": [("`date '…'` as `'…'::date`", _CASTS), ("table names in double quotes", _DOUBLE)],
    "redshift": [("`date '…'` as `'…'::date`", _CASTS), ("table names in double quotes", _DOUBLE)],
    "snowflake": [("`date '…'` as `'…'::date`", _CASTS), ("table names in double quotes", _DOUBLE),
                  ("a comment after `//`", _SLASHES)],
    "spark": [("strings in double quotes", _TEXTS), ("table names in backquotes", _BACK)],
    "sqlite": [("table names in brackets", _BRACKET)],
}


def projects() -> dict[str, pathlib.Path]:
    """The folders of the projects tpch and tpcds."""
    path = weir_project.ROOT / "scripts" / "fetch_tpc.py"
    spec = importlib.util.spec_from_file_location("fetch_tpc", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.projects()


def by_number(path: pathlib.Path) -> tuple[int, str]:
    return int(re.sub(r"\D", "", path.stem)), path.stem


def queries(project: pathlib.Path) -> dict[str, str]:
    """The texts by name, without the CREATE VIEW around them."""
    texts = {}
    for file in sorted((project / "views").glob("*.sql"), key=by_number):
        texts[file.stem] = re.sub(r"\A\s*CREATE VIEW \w+ AS\s", "", file.read_text())
    return texts


def weir(project: pathlib.Path, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess:
    command = [weir_project.program(), *arguments, "--project", str(project)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False,
                          timeout=weir_project.SECONDS_AT_MOST)


def stored_text(query: str) -> str:
    """A query whose result can be stored: every column has a name."""
    return query.replace("\tsum(l_quantity)\nfrom", "\tsum(l_quantity) as sum_quantity\nfrom")


def read_in(dialects: list[str], project: pathlib.Path) -> dict[str, dict[str, str]]:
    """For each dialect and query: empty if it plans to the plan of the untouched text, else what was found."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / "weir.toml").write_text('[project]\nname = "dialects"\n')
        (folder / "sources").mkdir()
        (folder / "sources" / "tables.sql").write_text("".join(
            f"CREATE EXTERNAL TABLE {table} STORED AS DELTATABLE LOCATION '{project}/data/{table}';\n" for table in TABLES))
        (folder / "views").mkdir()
        for name, text in queries(project).items():
            (folder / "views" / f"{name}.sql").write_text(stored_text(text))
            for dialect in dialects:
                said = stored_text(text)
                for _, rewrite in REWRITES[dialect]:
                    said = rewrite(said)
                (folder / "views" / f"{name}_{dialect}.sql").write_text(f"-- dialect: {dialect}\n{said}")
        run = weir(folder, "run")
        rows = json.loads(weir(folder, "sql", "SELECT p.view_name, p.plan_fingerprint, s.dialect_read FROM weir.plan_bundles p "
                               "JOIN weir.statements s ON s.kind = 'view' AND s.name = p.view_name", "--format",
                               "json").stdout or "[]")
        found = {row["view_name"]: (row["plan_fingerprint"], row["dialect_read"]) for row in rows}
        outcome: dict[str, dict[str, str]] = {}
        for dialect in dialects:
            outcome[dialect] = {}
            for name in queries(project):
                plan, read = found.get(f"{name}_{dialect}", ("", ""))
                if not plan:
                    said = re.search(rf"error\S* (.*)\n  --> views/{name}_{dialect}.sql", run.stderr)
                    outcome[dialect][name] = said.group(1) if said else "not planned"
                else:
                    same = plan == found[name][0] and read == dialect
                    outcome[dialect][name] = "" if same else "another plan"
        return outcome


def values(row) -> list:
    """Values as all three engines can be compared by: numbers as numbers, the rest as text."""
    plain = []
    for value in row:
        if isinstance(value, (datetime.date, datetime.datetime)):
            value = value.isoformat()[:10]
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                pass
        plain.append(float(value) if isinstance(value, (int, float, decimal.Decimal)) else value)
    return plain


def sort_key(row) -> list:
    return [(value is None, isinstance(value, str), f"{value:.4g}" if isinstance(value, float) else str(value)) for value in row]


def same_rows(left, right) -> bool:
    """Equal as multisets, numbers to one part in 100,000: averages of decimals are rounded at different places."""
    left, right = (sorted(map(values, rows), key=sort_key) for rows in (left, right))
    if len(left) != len(right):
        return False
    for a, b in zip(left, right):
        for x, y in zip(a, b, strict=True):
            if isinstance(x, float) and isinstance(y, float):
                if not math.isclose(x, y, rel_tol=1e-5, abs_tol=1e-6):
                    return False
            elif x != y:
                return False
    return True


def duckdb_tables(project: pathlib.Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for folder in glob.glob(f"{project}/data/*"):
        rows = deltalake.DeltaTable(folder).to_pyarrow_table()  # noqa: F841 - named in the SQL below
        connection.execute(f'CREATE TABLE "{pathlib.Path(folder).name}" AS SELECT * FROM rows')
    return connection


def sqlite_tables(project: pathlib.Path) -> sqlite3.Connection:
    """SQLite has no decimals and no dates: they are floats and texts."""
    def plain(value):
        if isinstance(value, decimal.Decimal):
            return float(value)
        return value.isoformat() if isinstance(value, datetime.date) else value

    connection = sqlite3.connect(":memory:")
    for folder in glob.glob(f"{project}/data/*"):
        rows = deltalake.DeltaTable(folder).to_pyarrow_table()
        columns = ", ".join(f'"{name}"' for name in rows.column_names)
        connection.execute(f'CREATE TABLE "{pathlib.Path(folder).name}" ({columns})')
        marks = ", ".join("?" * rows.num_columns)
        connection.executemany(f'INSERT INTO "{pathlib.Path(folder).name}" VALUES ({marks})',
                               ([plain(value) for value in row.values()] for row in rows.to_pylist()))
        for column in rows.column_names:
            if column.endswith("key"):
                connection.execute(f'CREATE INDEX "{column}_index" ON "{pathlib.Path(folder).name}" ("{column}")')
    return connection


def json_values(text: str) -> list:
    decoder, found, position = json.JSONDecoder(), [], 0
    while (position := len(text) - len(text[position:].lstrip())) < len(text):
        value, position = decoder.raw_decode(text, position)
        found.append(value)
    return found


def statements(texts) -> str:
    return "".join(f"{text.strip()};\n" for text in texts)


def answers(project: pathlib.Path, names, dialect: str = "generic", written: dict | None = None) -> dict[str, list]:
    """The engine's rows for each view, or for texts written in a dialect."""
    texts = [written[name] if written else f"SELECT * FROM {name}" for name in names]
    run = weir(project, "sql", "--dialect", dialect, "--format", "json", text=statements(texts))
    rows = json_values(run.stdout)
    if len(rows) != len(texts):
        # One was refused, which ends the pipe: ask one by one.
        rows = []
        for text in texts:
            one = weir(project, "sql", text, "--dialect", dialect, "--format", "json")
            rows.append(json.loads(one.stdout) if one.returncode == 0 else one.stderr.splitlines()[0])
    return {name: answer if isinstance(answer, str) else [list(row.values()) for row in answer]
            for name, answer in zip(names, rows)}


def write(project: pathlib.Path, names, dialect: str) -> tuple[dict[str, str], dict[str, str]]:
    """The plans of the views as SQL, and why some are not."""
    written, refused = {}, {}
    run = weir(project, "sql", "--dialect", "generic", "--to", dialect, text=statements(f"SELECT * FROM {name}" for name in names))
    texts = run.stdout.split(";\n")[:-1]
    if len(texts) == len(names):
        return dict(zip(names, texts)), {}
    # One was refused, which ends the pipe: ask one by one.
    for name in names:
        run = weir(project, "sql", f"SELECT * FROM {name}", "--dialect", "generic", "--to", dialect)
        if run.returncode == 0:
            written[name] = run.stdout.strip().rstrip(";")
        else:
            refused[name] = run.stderr.splitlines()[0].removeprefix("error: ")
    return written, refused


def run_elsewhere(written: dict[str, str], connection, expected: dict[str, list]) -> dict[str, str]:
    """For each text: empty if `connection` gives the expected rows, else what it said."""
    outcome = {}
    for name, text in written.items():
        try:
            rows = connection.execute(text).fetchall()
            outcome[name] = "" if same_rows(rows, expected[name]) else "other rows"
        except (duckdb.Error, sqlite3.Error) as error:
            outcome[name] = str(error).splitlines()[0]
    return outcome
