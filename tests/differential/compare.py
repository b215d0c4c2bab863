# SPDX-License-Identifier: Apache-2.0
"""Says in what two answers differ.

In: answers of two engines, and the types that the query's tree has. Out: nothing, or a sentence. Rows are multisets. NaN equals NaN, both
zeros are one, texts and times are exact; floats may differ in the last digits only where the order of summation may.
"""

from __future__ import annotations

import datetime
import decimal
import math

import sql_types
import syntax
from engines import Answer
from operators import APPROXIMATE
from sql_types import SqlType


def is_approximate(query: syntax.Query) -> bool:
    return any(getattr(n, "op", None) in APPROXIMATE for n in syntax.walk(query))


def value(found, t: SqlType, digits: int | None):
    """A value that is equal to, and sorts with, those that mean the same."""
    if found is None:
        return None
    if t.kind == "list":
        return tuple(value(v, t.arguments[0], digits) for v in found)
    if t.kind == "struct":
        return tuple(value(found[name], field, digits) for name, field in t.arguments)
    if t.is_float:
        return number(float(found), t, digits)
    if t.kind == "decimal":
        return decimal.Decimal(found).quantize(decimal.Decimal(1).scaleb(-t.arguments[1]), context=decimal.Context(prec=60))
    if t.kind == "bool":
        return bool(found)
    if t.is_int and isinstance(found, (int, decimal.Decimal)):
        return int(found)
    if t.kind == "timestamp":
        if isinstance(found, str):
            return datetime.datetime.fromisoformat(found)
        if isinstance(found, datetime.datetime):
            return found.replace(tzinfo=None)
    if t.kind == "date" and isinstance(found, str):
        return datetime.date.fromisoformat(found)
    return found


def number(found: float, t: SqlType, digits: int | None):
    if math.isnan(found):
        return "NaN"
    if found == 0:
        return 0.0
    if t.kind == "float32":
        return float(f"{found:.7g}")
    return found if digits is None or math.isinf(found) else float(f"{found:.{digits}g}")


def rows(answer: Answer, types, digits: int | None) -> list[tuple]:
    made = [tuple(value(v, t, digits) for v, t in zip(row, types)) for row in answer.rows]
    return sorted(made, key=repr)


def near(left, right) -> bool:
    """Whether two values are the same but for the last digits."""
    if isinstance(left, float) and isinstance(right, float):
        return left == right or abs(left - right) <= 1e-9 * max(abs(left), abs(right), 1e-3)
    if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
        return all(near(a, b) for a, b in zip(left, right))
    return left == right


def difference(query: syntax.Query, found: Answer, wanted: Answer, check_types: bool = True) -> str | None:
    """In what `found` differs from `wanted`, both without error. Types are compared with those of the tree."""
    types = [e.type for _, e in syntax.outputs(query)]
    if check_types and list(found.types) != types:
        return f"types: wanted {[str(t) for t in types]}, found {[str(t) for t in found.types]}"
    if check_types and wanted.types and list(wanted.types) != [sql_types.duckdb_name(t) for t in types]:
        return f"types of the other engine: wanted {[str(t) for t in types]}, found {list(wanted.types)}"
    approximate = is_approximate(query)
    digits = 9 if approximate else None
    ours, theirs = rows(found, types, digits), rows(wanted, types, digits)
    if ours == theirs or approximate and len(ours) == len(theirs) and all(map(near, ours, theirs)):
        return None
    missing, extra = without(theirs, ours), without(ours, theirs)
    return f"rows: {len(ours)} found, {len(theirs)} wanted; missing {missing[:3]}, unexpected {extra[:3]}"


def without(some: list, others: list) -> list:
    """The multiset difference."""
    counts: dict[str, int] = {}
    for row in others:
        counts[repr(row)] = counts.get(repr(row), 0) + 1
    left = []
    for row in some:
        key = repr(row)
        if counts.get(key, 0):
            counts[key] -= 1
        else:
            left.append(row)
    return left
