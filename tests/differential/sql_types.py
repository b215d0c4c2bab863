# SPDX-License-Identifier: Apache-2.0
"""The types of columns and expressions, and what each engine calls them.

In: nothing. Out: `SqlType` values, their names in SQL, in Delta schemas and in DuckDB's results, and the type that two numbers meet in.
"""

from __future__ import annotations

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class SqlType:
    """`arguments` are precision and scale of a decimal, the element of a list, or (name, type) pairs of a struct."""

    kind: str
    arguments: tuple = ()

    def __str__(self) -> str:
        return duckdb_name(self)

    @property
    def is_number(self) -> bool:
        return self.kind in _RANK or self.kind == "decimal"

    @property
    def is_int(self) -> bool:
        return self.kind in ("int16", "int32", "int64")

    @property
    def is_float(self) -> bool:
        return self.kind in ("float32", "float64")

    @property
    def is_nested(self) -> bool:
        return self.kind in ("list", "struct")


BOOL, INT16, INT32, INT64 = SqlType("bool"), SqlType("int16"), SqlType("int32"), SqlType("int64")
FLOAT32, FLOAT64, TEXT = SqlType("float32"), SqlType("float64"), SqlType("text")
DATE, TIMESTAMP = SqlType("date"), SqlType("timestamp")

_RANK = {"int16": 0, "int32": 1, "int64": 2, "float32": 3, "float64": 4}
_DIGITS = {"int16": 5, "int32": 10, "int64": 20}  # as the engine widens them
MAXIMUM = {"int16": 2**15 - 1, "int32": 2**31 - 1, "int64": 2**63 - 1}
_WEIR = {"bool": "BOOLEAN", "int16": "SMALLINT", "int32": "INT", "int64": "BIGINT", "float32": "FLOAT", "float64": "DOUBLE",
         "text": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP"}
_DUCKDB = {**_WEIR, "int32": "INTEGER"}
_SQLITE = {"bool": "INTEGER", "int16": "INTEGER", "int32": "INTEGER", "int64": "INTEGER", "float32": "REAL", "float64": "REAL",
           "text": "TEXT", "date": "TEXT", "timestamp": "TEXT"}
_DELTA = {"boolean": BOOL, "short": INT16, "integer": INT32, "long": INT64, "float": FLOAT32, "double": FLOAT64, "string": TEXT,
          "date": DATE, "timestamp_ntz": TIMESTAMP}


def decimal(precision: int, scale: int) -> SqlType:
    return SqlType("decimal", (precision, scale))


def list_of(element: SqlType) -> SqlType:
    return SqlType("list", (element,))


def struct_of(*fields: tuple[str, SqlType]) -> SqlType:
    return SqlType("struct", fields)


def _name(sql_type: SqlType, names: dict[str, str]) -> str:
    if sql_type.kind == "decimal":
        return "DECIMAL({},{})".format(*sql_type.arguments)
    if sql_type.kind == "list":
        return _name(sql_type.arguments[0], names) + "[]"
    if sql_type.kind == "struct":
        return "STRUCT(" + ", ".join(f"{name} {_name(field, names)}" for name, field in sql_type.arguments) + ")"
    return names[sql_type.kind]


def weir_name(sql_type: SqlType) -> str:
    return _name(sql_type, _WEIR)


def duckdb_name(sql_type: SqlType) -> str:
    return _name(sql_type, _DUCKDB)


def sqlite_name(sql_type: SqlType) -> str:
    """REQUIRES: SQLite can hold the type (neither decimal nor nested)."""
    return _SQLITE[sql_type.kind]


def from_delta(stored) -> SqlType:
    """The type that a Delta schema (as JSON) names; an unknown one keeps its name."""
    if isinstance(stored, dict):
        if stored["type"] == "array":
            return list_of(from_delta(stored["elementType"]))
        if stored["type"] == "struct":
            return struct_of(*((field["name"], from_delta(field["type"])) for field in stored["fields"]))
        return SqlType(stored["type"])
    found = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", stored)
    if found:
        return decimal(int(found[1]), int(found[2]))
    return _DELTA.get(stored, SqlType(stored))


def meet(left: SqlType, right: SqlType) -> SqlType | None:
    """The type of a CASE, a UNION or a COALESCE over both; None where the engines differ or have none."""
    if left == right:
        return left
    if left.kind in _RANK and right.kind in _RANK:
        if left.is_int != right.is_int and "float32" in (left.kind, right.kind):
            return None  # the engines do not agree whether INT and FLOAT meet in DOUBLE
        return left if _RANK[left.kind] > _RANK[right.kind] else right
    if left.is_number and right.is_number and not (left.is_float or right.is_float):
        (p1, s1), (p2, s2) = (t.arguments if t.kind == "decimal" else (_DIGITS[t.kind], 0) for t in (left, right))
        scale = max(s1, s2)
        precision = max(p1 - s1, p2 - s2) + scale
        return decimal(precision, scale) if precision <= 38 else None
    return None


def largest(sql_type: SqlType) -> float:
    """The greatest magnitude that the type holds; arithmetic keeps its results below."""
    if sql_type.kind == "decimal":
        precision, scale = sql_type.arguments
        return 10 ** (precision - scale) - 1
    if sql_type.is_float:
        return 2.0**18 if sql_type.kind == "float32" else 2.0**40  # so that sums of quarters stay exact
    return MAXIMUM[sql_type.kind]
