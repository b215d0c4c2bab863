# SPDX-License-Identifier: Apache-2.0
"""What is known of differences: what Weir refuses, what dialects differ in, and what is open by itself.

In: a query and the answers to it. Out: the name of the kind that explains a difference, or nothing.
"""

from __future__ import annotations

import dataclasses
import re

import compare
import syntax
from engines import Answer


@dataclasses.dataclass(frozen=True)
class Kind:
    name: str
    pattern: str  # of the error
    reason: str


#: Errors of Weir alone: what the engine cannot do, said before anything is written.
REFUSED = (
    Kind("subquery", r"a subquery that refers to columns of the query around it cannot hold", "the engine cannot take this subquery out of its place"),
    Kind("ordered_aggregates", r"Conflicting ordering requirements", "several aggregates of one SELECT with different orders"),
    Kind("sliding", r"retract_batch. is not implemented|sliding accumulator", "an aggregate that has no sliding frames"),
    Kind("recursion", r"Cannot project plan column .* nullability differs", "a recursive query whose parts differ in whether they may be NULL"),
    Kind("sorted_constants", r"does not satisfy order requirements|Expects PARTITION BY expression to be ordered|All partition by columns should have an ordering",
         "the engine loses an order that it needs, where a column is constant, and says so"),
    Kind("never_null", r"is declared as non-nullable but contains null values",
         "a sort-merge join holds the constants of a side that it fills with NULL for columns without NULL, and says so"),
    Kind("same_names", r"W2007|Projections require unique expression names|Schema contains (duplicate|qualified field name)",
         "the engine gives two expressions the same name: a cast is not part of it"),
)

#: Errors of DuckDB alone, by design.
DUCKDB_ONLY = (
    Kind("overflow", r"Overflow|out of range|Out of Range|OverflowError", "evaluated here, left out or in a wider type there"),
    Kind("merged_key", r"Ambiguous column reference|Ambiguous reference to column name", "it knows no merged key there"),
    Kind("its_own", r"BindBuiltinScalarFunction did not return", "an internal failure of its"),
    Kind("guarded_cast", r"Conversion Error: Could not convert string", "it evaluates a cast of a text where the condition around it is false"),
    Kind("python_dates", r"ValueError|year is out of range", "Python has no date beyond the year 9999"),
)


def refused(answer: Answer) -> str | None:
    return next((kind.name for kind in REFUSED if re.search(kind.pattern, answer.error or "")), None)


def duckdb_only(answer: Answer) -> str | None:
    return next((kind.name for kind in DUCKDB_ONLY if re.search(kind.pattern, answer.error or "")), None)


def undetermined(query: syntax.Query, found: Answer, wanted: Answer) -> str | None:
    """Of rows that are alike but for two windows, which comes first is open to each window by itself."""
    windowed = [any(isinstance(n, syntax.Window) for n in syntax.walk(e)) for _, e in syntax.outputs(query)]
    if sum(windowed) < 2:
        return None
    types = [e.type for _, e in syntax.outputs(query)]
    ours, theirs = (compare.rows(answer, types, 9) for answer in (found, wanted))
    groups: dict[str, tuple[list, list]] = {}
    for side, rows in enumerate((compare.without(ours, theirs), compare.without(theirs, ours))):
        for row in rows:
            alike = repr([v for v, is_open in zip(row, windowed) if not is_open])
            groups.setdefault(alike, ([], []))[side].append(row)
    for mine, others in groups.values():
        columns = [[sorted(map(repr, column)) for column in zip(*rows)] for rows in (mine, others)]
        if len(mine) < 2 or columns[0] != columns[1]:
            return None
    return "beside each other"


def variance_of_one(query: syntax.Query, found: Answer, wanted: Answer) -> str | None:
    """The variance of one NaN or infinity is NaN here and in PostgreSQL, and 0 in DuckDB, which does not look at a single value."""
    if not any(getattr(n, "op", None) in ("var_pop", "stddev_pop", "covar_pop") for n in syntax.walk(query)):
        return None
    types = [e.type for _, e in syntax.outputs(query)]
    ours, theirs = ([tuple(0.0 if v == "NaN" else v for v in row) for row in compare.rows(a, types, 9)] for a in (found, wanted))
    return None if compare.without(ours, theirs) or compare.without(theirs, ours) else "variance of one"


def sqlite_only(query: syntax.Query) -> str | None:
    """SQLite 3.40 takes a constant condition of a join for one of the whole FROM, also where a RIGHT or FULL JOIN comes behind."""
    for n in syntax.walk(query):
        if isinstance(n, syntax.Join) and n.kind in ("RIGHT", "FULL") and any(isinstance(inner, syntax.Join) for inner in syntax.walk(n.left)):
            return "constant condition"
    return None
