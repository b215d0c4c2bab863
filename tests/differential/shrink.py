# SPDX-License-Identifier: Apache-2.0
"""Makes a failing query, and the rows that it fails over, small.

In: a query and tables that fail, and a judge who says of many cases at once which of them fail in the same way. Out: the smallest case that
single cuts reach. Cuts need not make valid queries: what an engine refuses does not fail in the same way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import syntax
from sql_types import SqlType
from syntax import Query
from tables import TableData

Case = tuple[Query, list[TableData]]
Judge = Callable[[list[Case]], list[bool]]
CASES_AT_ONCE = 150


def shrink(query: Query, data: list[TableData], judge: Judge, rounds: int = 60) -> Case:
    """REQUIRES: judge([(query, data)]) == [True]."""
    for _ in range(rounds):
        smaller = first_failing([(q, data) for q in smaller_queries(query)], judge)
        if smaller is None:
            break
        query = smaller[0]
    data = [table for table in data if table.name in names(query)]
    for _ in range(rounds):
        smaller = first_failing([(query, d) for d in smaller_data(data)], judge)
        if smaller is None:
            break
        data = smaller[1]
    for _ in range(rounds):  # fewer rows allow more cuts
        smaller = first_failing([(q, data) for q in smaller_queries(query)], judge)
        if smaller is None:
            break
        query = smaller[0]
    return query, [without_columns(table, query) for table in data]


def first_failing(cases: list[Case], judge: Judge) -> Case | None:
    """The first case that fails; cases are given from the smallest on."""
    for start in range(0, len(cases), CASES_AT_ONCE):
        some = cases[start:start + CASES_AT_ONCE]
        for case, fails in zip(some, judge(some)):
            if fails:
                return case
    return None


def names(query: Query) -> set[str]:
    return {n.name for n in syntax.walk(query) if isinstance(n, syntax.Table)}


def smaller_queries(query: Query) -> list[Query]:
    """Every query that one cut makes of this one, the smallest first, each once."""
    found = {}
    for candidate in [*cuts(query), *without_each_column(query)]:
        if isinstance(candidate, Query) and is_consistent(candidate):
            found.setdefault(repr(candidate), candidate)
    found.pop(repr(query), None)
    return sorted(found.values(), key=syntax.size)


def is_consistent(query: Query) -> bool:
    """Whether every column still has the type that its derived table or CTE gives it: a cut may change that."""
    try:
        given: dict[str | None, dict[str, SqlType]] = {}
        ctes = {n.name: syntax.outputs(n.query) for n in syntax.walk(query) if isinstance(n, syntax.With)}
        for n in syntax.walk(query):
            if isinstance(n, syntax.Derived):
                given[n.alias] = {name: e.type for name, e in syntax.outputs(n.query)}
            elif isinstance(n, syntax.Table) and n.name in ctes:
                given[n.alias] = {name: e.type for name, e in ctes[n.name]}
            elif isinstance(n, syntax.SetOperation) and n.met is None:
                return False
        return all(n.type == given[n.relation].get(n.name, n.type) for n in syntax.walk(query)
                   if isinstance(n, syntax.Column) and n.relation in given)
    except ValueError:
        return False


def cuts(n) -> list:
    """What may stand in the place of `n`: itself with one cut somewhere below, or less than itself."""
    made = list(cuts_here(n))
    for place, child in syntax.children(n):
        for smaller in cuts(child):
            if compatible(n, place, child, smaller):
                made.append(syntax.replace_at(n, place, smaller))
    return made


def compatible(parent, place, child, smaller) -> bool:
    if isinstance(child, syntax.Expr):
        return isinstance(smaller, syntax.Expr) and smaller.type == child.type
    if isinstance(child, syntax.Query):
        return isinstance(smaller, syntax.Query)
    if isinstance(child, syntax.Relation):
        return isinstance(smaller, syntax.Relation)
    return type(child) is type(smaller)


def cuts_here(n):
    if isinstance(n, syntax.Expr):
        yield from smaller_expressions(n)
    elif isinstance(n, syntax.Query):
        yield from (below for below in syntax.walk(n) if isinstance(below, Query) and below is not n)
        if isinstance(n, syntax.Select):
            yield from smaller_selects(n)
        if isinstance(n, syntax.Values) and len(n.rows) > 1:
            for i in range(len(n.rows)):
                yield dataclasses.replace(n, rows=n.rows[:i] + n.rows[i + 1:])
        if isinstance(n, syntax.SetOperation):
            if n.all:
                yield dataclasses.replace(n, all=False)
    elif isinstance(n, syntax.Join):
        yield from (n.left, n.right)
        if n.kind in ("FULL", "LEFT", "RIGHT", "SEMI", "ANTI"):
            yield dataclasses.replace(n, kind="INNER")
    elif isinstance(n, syntax.Group):
        for i in range(len(n.keys)):
            if n.kind != "sets":
                yield dataclasses.replace(n, keys=n.keys[:i] + n.keys[i + 1:])
        for i in range(len(n.sets)):
            yield dataclasses.replace(n, sets=n.sets[:i] + n.sets[i + 1:])


def smaller_expressions(e: syntax.Expr):
    for child in inner(e):
        if child.type == e.type:
            yield child
    if not isinstance(e, (syntax.Literal, syntax.Column)):
        for literal in literals(e.type):
            yield literal
    if isinstance(e, syntax.Case) and len(e.branches) > 1 and all(b.value.type == e.type for b in e.branches):
        for i in range(len(e.branches)):
            yield dataclasses.replace(e, branches=e.branches[:i] + e.branches[i + 1:])
    if isinstance(e, syntax.Case) and e.otherwise is not None and all(b.value.type == e.type for b in e.branches):
        yield dataclasses.replace(e, otherwise=None)
    if isinstance(e, syntax.InList) and len(e.values) > 1:
        for i in range(len(e.values)):
            yield dataclasses.replace(e, values=e.values[:i] + e.values[i + 1:])
    if isinstance(e, (syntax.Aggregate,)) and e.filter is not None:
        yield dataclasses.replace(e, filter=None)
    if isinstance(e, syntax.Window):
        if e.frame:
            yield dataclasses.replace(e, frame="")
        for i in range(len(e.partition)):
            yield dataclasses.replace(e, partition=e.partition[:i] + e.partition[i + 1:])
        if len(e.order) > 1:
            for i in range(len(e.order)):
                yield dataclasses.replace(e, order=e.order[:i] + e.order[i + 1:])


def inner(e) -> list[syntax.Expr]:
    """The expressions right below, those of branches too; none of subqueries."""
    found = []
    for _, child in syntax.children(e):
        if isinstance(child, syntax.Expr):
            found.append(child)
        elif isinstance(child, (syntax.Branch, syntax.SortKey)):
            found += inner(child)
    return found


def literals(t: SqlType) -> list[syntax.Literal]:
    values = {"bool": [True, False], "int16": [1], "int32": [1], "int64": [1], "float64": [1.0], "text": ["a"]}.get(t.kind, [])
    return [syntax.Literal(value=v, type=t, bound=1, plain=True) for v in values]


def smaller_selects(q: syntax.Select):
    for field in ("where", "having"):
        if getattr(q, field) is not None:
            yield dataclasses.replace(q, **{field: None})
    if q.where is not None and isinstance(q.where, syntax.Call) and q.where.op in ("and", "or"):
        for arg in q.where.args:
            yield dataclasses.replace(q, where=arg)
    if q.distinct:
        yield dataclasses.replace(q, distinct=False)
    if q.group is not None and q.group.keys:
        yield dataclasses.replace(q, group=dataclasses.replace(q.group, kind="plain", sets=()))
    if q.limit is not None:
        yield dataclasses.replace(q, limit=None, offset=None, order=())
        if q.offset is not None:
            yield dataclasses.replace(q, offset=None)
    if isinstance(q.source, syntax.Derived) and isinstance(q.source.query, syntax.Select):
        below = q.source.query
        if not (below.group or below.distinct or below.distinct_on or below.limit is not None or below.offset is not None):
            yield merged(q, below)


def merged(q: syntax.Select, below: syntax.Select) -> syntax.Select:
    """`q` over what its only derived table reads, where that has no more than columns and a condition."""
    alias = q.source.alias
    exprs = {item.name: item.expr for item in below.items}

    def put(n):
        if isinstance(n, syntax.Column) and n.relation == alias and n.name in exprs:
            return exprs[n.name]
        for place, child in syntax.children(n):
            new = put(child)
            if new is not child:
                n = syntax.replace_at(n, place, new)
        return n

    moved = put(dataclasses.replace(q, source=None))
    return dataclasses.replace(moved, source=below.source, where=syntax.both(below.where, moved.where))


def without_each_column(query: Query):
    """The query without one column of its result, in all branches of a set operation; also so in derived tables and CTEs."""
    count = len(syntax.outputs(query))
    for i in range(count if count > 1 else 0):
        yield without_column(query, i)
    for place, child in syntax.children(query):
        if isinstance(child, (Query, syntax.Relation)):
            for smaller in without_each_column(child) if isinstance(child, Query) else in_relation(child):
                yield syntax.replace_at(query, place, smaller)


def in_relation(relation):
    for place, child in syntax.children(relation):
        if isinstance(child, Query):
            for smaller in without_each_column(child):
                yield syntax.replace_at(relation, place, smaller)
        elif isinstance(child, syntax.Relation):
            for smaller in in_relation(child):
                yield syntax.replace_at(relation, place, smaller)


def without_column(query: Query, i: int) -> Query:
    def drop(values):
        return values[:i] + values[i + 1:]

    if isinstance(query, syntax.Select):
        name = query.items[i].name
        kept = tuple(k for k in query.order if not (isinstance(k.expr, syntax.Column) and k.expr.relation is None and k.expr.name == name))
        return dataclasses.replace(query, items=drop(query.items), order=kept)
    if isinstance(query, syntax.SetOperation):
        return dataclasses.replace(query, left=without_column(query.left, i), right=without_column(query.right, i))
    if isinstance(query, syntax.Values):
        return dataclasses.replace(query, rows=tuple(map(drop, query.rows)), names=drop(query.names))
    return dataclasses.replace(query, body=without_column(query.body, i))


def smaller_data(data: list[TableData]) -> list[list[TableData]]:
    """Tables with fewer rows: none, a half, one less."""
    made = []
    for number, table in enumerate(data):
        rows = table.rows
        cut = [(), rows[:len(rows) // 2], rows[len(rows) // 2:]] if len(rows) > 1 else [()] if rows else []
        if 2 < len(rows) <= 40:
            cut += [rows[:i] + rows[i + 1:] for i in range(len(rows))]
        made += [data[:number] + [table.with_rows(kept)] + data[number + 1:] for kept in cut if len(kept) < len(rows)]
    return sorted(made, key=lambda tables: sum(len(t.rows) for t in tables))


def without_columns(table: TableData, query: Query) -> TableData:
    """Only the columns that the query names, and one at least. NATURAL and USING may meet in any: then all."""
    if any(isinstance(n, syntax.Join) and (n.natural or n.using) for n in syntax.walk(query)):
        return table
    used = {n.name for n in syntax.walk(query) if isinstance(n, syntax.Column)}
    kept = [i for i, c in enumerate(table.columns) if c.name in used] or [0]
    return dataclasses.replace(table, columns=tuple(table.columns[i] for i in kept), rows=tuple(tuple(row[i] for i in kept) for row in table.rows))


