# SPDX-License-Identifier: Apache-2.0
"""Queries as typed trees, which printers write in each dialect and the shrinker cuts down.

In: parts. Out: immutable nodes; `children`, `replace_at` and `walk` see any of them alike. Every expression has a type; numbers have a
bound of their magnitude; a *plain* value is one that all engines treat alike (texts of ASCII, dates of our time).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from sql_types import BOOL, SqlType, meet


def node(cls):
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


@node
class Expr:
    type: SqlType
    bound: float = float("inf")
    plain: bool = False


@node
class Column(Expr):
    """Without a relation it is a column that USING has merged."""

    relation: str | None
    name: str


@node
class Literal(Expr):
    value: object


@node
class Call(Expr):
    """An operator or function of `operators.TEMPLATES`; options are texts that the template takes as they are."""

    op: str
    args: tuple[Expr, ...]
    options: tuple[str, ...] = ()


@node
class Cast(Expr):
    arg: Expr
    is_try: bool = False


@node
class Branch:
    condition: Expr
    value: Expr


@node
class Case(Expr):
    branches: tuple[Branch, ...]
    otherwise: Expr | None


@node
class InList(Expr):
    arg: Expr
    values: tuple[Expr, ...]
    negated: bool


@node
class SortKey:
    expr: Expr
    descending: bool
    nulls_first: bool


@node
class Aggregate(Expr):
    op: str
    args: tuple[Expr, ...]
    distinct: bool = False
    filter: Expr | None = None
    order: tuple[SortKey, ...] = ()


@node
class Window(Expr):
    op: str
    args: tuple[Expr, ...]
    options: tuple[str, ...] = ()
    ignore_nulls: bool = False
    partition: tuple[Expr, ...]
    order: tuple[SortKey, ...]
    frame: str = ""


@node
class ValueOf(Expr):
    """A scalar subquery."""

    query: Query


@node
class Exists(Expr):
    query: Query
    negated: bool


@node
class InQuery(Expr):
    arg: Expr
    query: Query
    negated: bool


@node
class Quantified(Expr):
    """A comparison with ANY or ALL rows of a subquery."""

    arg: Expr
    op: str
    quantifier: str
    query: Query


# Relations


@node
class Relation:
    pass


@node
class Table(Relation):
    """A table of the data, or a CTE."""

    name: str
    alias: str


@node
class Derived(Relation):
    query: Query
    alias: str


@node
class Join(Relation):
    """`kind`: INNER, LEFT, RIGHT, FULL, CROSS, SEMI, ANTI."""

    kind: str
    left: Relation
    right: Relation
    condition: Expr | None = None
    using: tuple[str, ...] = ()
    natural: bool = False


# Queries


@node
class Query:
    pass


@node
class Item:
    expr: Expr
    name: str


@node
class Group:
    """`kind`: plain, rollup, cube or sets; sets hold positions of keys."""

    keys: tuple[Expr, ...]
    kind: str = "plain"
    sets: tuple[tuple[int, ...], ...] = ()


@node
class Select(Query):
    items: tuple[Item, ...]
    source: Relation | None = None
    where: Expr | None = None
    group: Group | None = None
    having: Expr | None = None
    distinct: bool = False
    distinct_on: tuple[Expr, ...] = ()
    order: tuple[SortKey, ...] = ()
    limit: int | None = None
    offset: int | None = None


@node
class SetOperation(Query):
    op: str  # UNION, INTERSECT, EXCEPT
    all: bool
    left: Query
    right: Query

    @property
    def types(self) -> tuple[SqlType, ...]:
        """A UNION's columns have the types that both sides meet in; what is taken from the left keeps its type."""
        return self.met if self.op == "UNION" else tuple(e.type for _, e in outputs(self.left))

    @property
    def met(self) -> tuple[SqlType, ...]:
        """The types in which rows are compared. Raises ValueError where there is none."""
        pairs = list(zip(outputs(self.left), outputs(self.right), strict=True))
        found = tuple(meet(a.type, b.type) for (_, a), (_, b) in pairs)
        if None in found:
            raise ValueError("types that do not meet")
        return found


@node
class Values(Query):
    rows: tuple[tuple[Expr, ...], ...]
    names: tuple[str, ...]


@node
class With(Query):
    name: str
    query: Query
    body: Query


@node
class Recursive(Query):
    name: str
    columns: tuple[str, ...]
    base: Query
    step: Query
    all: bool
    body: Query


def outputs(query: Query) -> list[tuple[str, Expr]]:
    """Names of the result's columns, each with an expression that has its type, bound and plainness."""
    if isinstance(query, Select):
        return [(item.name, item.expr) for item in query.items]
    if isinstance(query, SetOperation):
        pairs = zip(outputs(query.left), outputs(query.right), query.types)
        return [(name, Column(relation=None, name=name, type=sql_type, bound=max(a.bound, b.bound), plain=a.plain and b.plain))
                for (name, a), (_, b), sql_type in pairs]
    if isinstance(query, Values):
        columns = zip(query.names, zip(*query.rows))
        return [(name, Column(relation=None, name=name, type=cells[0].type, bound=max(c.bound for c in cells),
                              plain=all(c.plain for c in cells))) for name, cells in columns]
    return outputs(query.body)


def children(parent) -> list[tuple[tuple, object]]:
    """The nodes right below `parent`, each with its place: a field's name, and positions where the field is a tuple."""
    found = []

    def look(place, value):
        if dataclasses.is_dataclass(value) and not isinstance(value, SqlType):
            found.append((place, value))
        elif isinstance(value, tuple):
            for position, element in enumerate(value):
                look((*place, position), element)

    for field in dataclasses.fields(parent):
        if field.name != "type":
            look((field.name,), getattr(parent, field.name))
    return found


def replace_at(parent, place: tuple, new):
    """`parent` with the child at `place` replaced."""
    def put(value, rest):
        if not rest:
            return new
        return (*value[:rest[0]], put(value[rest[0]], rest[1:]), *value[rest[0] + 1:])

    return dataclasses.replace(parent, **{place[0]: put(getattr(parent, place[0]), place[1:])})


def walk(parent) -> Iterator:
    """`parent` and everything below it."""
    yield parent
    for _, child in children(parent):
        yield from walk(child)


def size(parent) -> int:
    return sum(1 for _ in walk(parent))


def both(left: Expr | None, right: Expr | None) -> Expr | None:
    """The conjunction of two conditions, either of which may be missing."""
    if left is None or right is None:
        return right if left is None else left
    return Call(op="and", args=(left, right), type=BOOL)
