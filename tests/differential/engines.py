# SPDX-License-Identifier: Apache-2.0
"""Asks an engine many queries over the same tables.

In: tables, and queries as text by name. Out: an `Answer` each, its types as `SqlType` where the engine has types; one query's error never
hides another's answer. Weir's answers are what is stored: the Delta schema and rows of a view, as the Python reader `deltalake` has them.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import threading

import datafusion
import deltalake
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import sql_types
import tables as table_files
from tables import TableData

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS_AT_MOST = 60  # for a few hundred tiny views: what takes longer hangs


@dataclasses.dataclass(frozen=True)
class Answer:
    types: tuple = ()
    rows: tuple = ()
    error: str | None = None


class DuckdbEngine:
    def __init__(self, data: list[TableData]):
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1; SET TimeZone = 'UTC'")
        for table in data:
            table_files.load_duckdb(table, self.connection)

    def ask(self, query: str, seconds: float = 20) -> Answer:
        timer = threading.Timer(seconds, self.connection.interrupt)
        timer.start()
        try:
            result = self.connection.execute(query)
            types = tuple(str(column[1]) for column in result.description)
            return Answer(types=types, rows=tuple(result.fetchall()))
        except Exception as e:  # dates beyond Python's are a ValueError of the reading
            return Answer(error=f"{type(e).__name__}: {e}")
        finally:
            timer.cancel()


class SqliteEngine:
    """Only for tables that SQLite can hold; its answers have no types."""

    def __init__(self, data: list[TableData]):
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute("PRAGMA case_sensitive_like = ON")
        for table in data:
            table_files.load_sqlite(table, self.connection)

    def ask(self, query: str, seconds: float = 20) -> Answer:
        timer = threading.Timer(seconds, self.connection.interrupt)
        timer.start()
        try:
            return Answer(rows=tuple(self.connection.execute(query).fetchall()))
        except sqlite3.Error as e:
            return Answer(error=f"{type(e).__name__}: {e}")
        finally:
            timer.cancel()


def of_arrow(t: pa.DataType) -> sql_types.SqlType:
    """The type that a column of this Arrow type is stored in."""
    if pa.types.is_decimal(t):
        return sql_types.decimal(t.precision, t.scale)
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return sql_types.list_of(of_arrow(t.value_type))
    if pa.types.is_struct(t):
        return sql_types.struct_of(*((t.field(i).name, of_arrow(t.field(i).type)) for i in range(t.num_fields)))
    names = {"bool": "bool", "int16": "int16", "int32": "int32", "int64": "int64", "uint64": "int64", "float": "float32",
             "double": "float64", "string": "text", "string_view": "text", "large_string": "text", "date32[day]": "date"}
    return sql_types.SqlType("timestamp" if pa.types.is_timestamp(t) else names.get(str(t), str(t)))


class DataFusionEngine:
    """The engine below Weir, as its Python package has it: tells Weir's own faults from the engine's."""

    def __init__(self, data: list[TableData], folder: pathlib.Path):
        self.context = datafusion.SessionContext()
        folder.mkdir(parents=True, exist_ok=True)
        for table in data:
            path = folder / f"{table.name}.parquet"
            pq.write_table(table_files.arrow_table(table), path)
            self.context.register_parquet(table.name, str(path))

    def ask(self, query: str) -> Answer:
        try:
            result = self.context.sql(query).to_arrow_table()
            return Answer(types=tuple(of_arrow(f.type) for f in result.schema), rows=rows_of(result))
        except BaseException as e:  # its panics are BaseExceptions
            if isinstance(e, KeyboardInterrupt):
                raise
            return Answer(error=f"{type(e).__name__}: {e}")


def rows_of(table: pa.Table) -> tuple:
    """Rows as Python values; times without a zone, in microseconds."""
    columns = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us"), safe=False)
        columns.append(column.to_pylist())
    return tuple(zip(*columns)) if columns else ()


class WeirEngine:
    """One project: its sources are the tables, every query is a stored view."""

    def __init__(self, data: list[TableData], folder: pathlib.Path, settings: str = "", arguments: tuple[str, ...] = ()):
        self.folder = folder
        self.arguments = arguments
        (folder / "sources").mkdir(parents=True, exist_ok=True)
        (folder / "views").mkdir(exist_ok=True)
        (folder / "weir.toml").write_text(f'[project]\nname = "differential"\n{settings}')
        (folder / "sources" / "tables.sql").write_text("\n".join(table_files.write(table, folder) for table in data) + "\n")

    def weir(self, *arguments: str) -> subprocess.CompletedProcess:
        """Runs a command; one that takes too long is asked to end, which says what was not done by then."""
        program = os.environ.get("WEIR", str(ROOT / "build" / "weir"))
        with subprocess.Popen([program, arguments[0], "--project", str(self.folder), *arguments[1:]], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) as process:
            try:
                stdout, stderr = process.communicate(timeout=SECONDS_AT_MOST)
            except subprocess.TimeoutExpired:
                process.terminate()
                stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def ask_all(self, queries: dict[str, str]) -> dict[str, Answer]:
        """The answers to all; views that do not compile are taken out, then the rest is run."""
        for name, query in queries.items():
            (self.folder / "views" / f"{name}.sql").write_text(query + "\n")
        answers: dict[str, Answer] = {}
        errors = self.check()
        while True:
            if strange := {name: message for name, message in errors.items() if name not in queries}:
                raise AssertionError(f"errors outside of the queries: {strange}")
            for name, message in errors.items():
                answers[name] = Answer(error=message)
                (self.folder / "views" / f"{name}.sql").unlink()
            waiting = [name for name in queries if name not in answers]
            if not waiting:
                return answers
            run = self.weir("run", "--format", "json", *self.arguments)
            try:
                summary = last_json(run.stdout)
                break
            except ValueError:
                errors = compile_errors(run.stderr)
            if not errors:
                raise AssertionError(f"weir run ended with {run.returncode}\n{run.stdout[-2000:]}\n{run.stderr[-4000:]}")
        failures = {f["view"]: f["message"] for f in summary.get("failures", [])}
        for name in waiting:
            answers[name] = Answer(error=failures[name]) if name in failures else self.stored(name)
        return answers

    def check(self) -> dict[str, str]:
        """What `weir check` says of views that have errors."""
        done = self.weir("check", "--format", "json")
        try:
            found = last_json(done.stdout)
        except ValueError:
            raise AssertionError(f"weir check ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}") from None
        errors: dict[str, str] = {}
        for diagnostic in found["diagnostics"]:
            if diagnostic["severity"] != "error":
                continue
            name = diagnostic.get("view_name") or pathlib.Path(diagnostic.get("file") or "").stem
            errors.setdefault(name, f"[{diagnostic['code']}] {diagnostic['message']}")
        return errors

    def stored(self, name: str) -> Answer:
        path = self.folder / "warehouse" / name
        try:
            table = deltalake.DeltaTable(str(path))
        except Exception as e:
            return Answer(error=f"not stored: {e}")
        schema = json.loads(table.schema().to_json())
        rows = rows_of(table.to_pyarrow_table())
        return Answer(types=tuple(sql_types.from_delta(f["type"]) for f in schema["fields"]), rows=rows)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def compile_errors(text: str) -> dict[str, str]:
    """The views that a command's diagnostics name, with what they say."""
    found = re.findall(r"^error\[(W\d+)\]: (.*?)\n  --> views/([^/:\n]+)\.sql", text, re.M | re.S)
    return {name: f"[{code}] {message}" for code, message, name in found}


def last_json(text: str):
    """The JSON value that ends `text`. Raises ValueError."""
    start = re.search(r"^[{\[]", text, re.M)
    if start is None:
        raise ValueError("no JSON")
    decoder = json.JSONDecoder()
    position, value = start.start(), None
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        while position < len(text) and text[position].isspace():
            position += 1
    return value
