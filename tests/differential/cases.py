# SPDX-License-Identifier: Apache-2.0
"""Small cases that once failed, kept as files: tables, the query as Weir reads it, and the rows that are right.

In: a case on disk (`cases/*.json`). Out: the same, written and read; values cross as texts, so that NaN, decimals and times stay exact.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import math
import pathlib

import sql_types
from sql_types import SqlType
from tables import ColumnData, TableData

FOLDER = pathlib.Path(__file__).resolve().parent / "cases"


@dataclasses.dataclass(frozen=True)
class Case:
    about: str
    tables: list[TableData]
    query: str
    types: list[SqlType]
    rows: list[tuple]
    settings: str = "default"


def say_type(t: SqlType):
    return [t.kind, *(say_type(a) if isinstance(a, SqlType) else [a[0], say_type(a[1])] if isinstance(a, tuple) else a for a in t.arguments)]


def read_type(said) -> SqlType:
    kind, *arguments = said
    if kind == "list":
        return sql_types.list_of(read_type(arguments[0]))
    if kind == "struct":
        return sql_types.struct_of(*((name, read_type(field)) for name, field in arguments))
    return SqlType(kind, tuple(arguments))


def say_value(value, t: SqlType):
    if value is None or t.kind in ("bool", "text"):
        return value
    if t.kind == "list":
        return [say_value(v, t.arguments[0]) for v in value]
    if t.kind == "struct":
        return {name: say_value(value[name], field) for name, field in t.arguments}
    if t.is_float:
        return "NaN" if math.isnan(value) else repr(float(value))
    return value.isoformat() if t.kind in ("date", "timestamp") else str(value)


def read_value(said, t: SqlType):
    if said is None or t.kind in ("bool", "text"):
        return said
    if t.kind == "list":
        return [read_value(v, t.arguments[0]) for v in said]
    if t.kind == "struct":
        return {name: read_value(said[name], field) for name, field in t.arguments}
    if t.is_float:
        return float(said)
    if t.is_int:
        return int(said)
    if t.kind == "decimal":
        return decimal.Decimal(said)
    return (datetime.date if t.kind == "date" else datetime.datetime).fromisoformat(said)


def say_rows(rows, types) -> list:
    return [[say_value(v, t) for v, t in zip(row, types)] for row in rows]


def read_rows(said, types) -> list[tuple]:
    return [tuple(read_value(v, t) for v, t in zip(row, types)) for row in said]


def write(case: Case, path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = [{"name": t.name, "format": t.format, "columns": [[c.name, say_type(c.type)] for c in t.columns],
               "rows": say_rows(t.rows, [c.type for c in t.columns])} for t in case.tables]
    said = {"about": case.about, "settings": case.settings, "query": case.query, "types": [say_type(t) for t in case.types],
            "rows": say_rows(case.rows, case.types), "tables": tables}
    path.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n")


def read(path: pathlib.Path) -> Case:
    said = json.loads(path.read_text())
    tables = []
    for t in said["tables"]:
        types = [read_type(c[1]) for c in t["columns"]]
        columns = tuple(ColumnData(name, sql_type, 0, True) for (name, _), sql_type in zip(t["columns"], types))
        tables.append(TableData(t["name"], t["format"], columns, tuple(read_rows(t["rows"], types))))
    types = [read_type(t) for t in said["types"]]
    return Case(said["about"], tables, said["query"], types, read_rows(said["rows"], types), said.get("settings", "default"))
