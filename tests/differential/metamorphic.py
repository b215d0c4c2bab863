# SPDX-License-Identifier: Apache-2.0
"""Says a query in another way that means the same.

In: a query, and random numbers. Out: another query with the same rows: a condition, its negation and its being NULL part the rows; a table
parted by UNION ALL is the table. The other way goes to Weir alone, and its answer is compared with that to the query as it was.
"""

from __future__ import annotations

import dataclasses
import random

import syntax
from sql_types import BOOL, INT32
from syntax import Call, Column, Derived, Expr, Item, Literal, Query, Select, SetOperation, Table
from tables import TableData

#: What a project is run under: nothing of it may change a row.
SETTINGS = {
    "default": "",
    "all cores": "[profiles.default]\ndeterministic = false\nthreads = 3\n",
    "small batches": '[profiles.default]\ndeterministic = false\nthreads = 2\n[profiles.default.settings]\n"datafusion.execution.batch_size" = 2\n',
    "one row a batch": '[profiles.default.settings]\n"datafusion.execution.batch_size" = 1\n',
    "filters in Parquet": '[profiles.default.settings]\n"datafusion.execution.parquet.pushdown_filters" = true\n'
                          '"datafusion.execution.parquet.reorder_filters" = true\n',
    "no dynamic filters": '[profiles.default.settings]\n"datafusion.optimizer.enable_dynamic_filter_pushdown" = false\n',
    "no statistics": '[profiles.default.settings]\n"datafusion.execution.collect_statistics" = false\n'
                     '"datafusion.execution.parquet.pruning" = false\n',
    "sort merge joins": '[profiles.default]\ndeterministic = false\nthreads = 2\n[profiles.default.settings]\n'
                        '"datafusion.optimizer.prefer_hash_join" = false\n',
    "by lane": "",
}


def parted_conditions(condition: Expr) -> list[Expr]:
    negated = Call(op="not", args=(condition,), type=BOOL, plain=True)
    return [condition, negated, Call(op="is_null", args=(condition,), type=BOOL, plain=True)]


def union_all(queries: list[Query]) -> Query:
    whole = queries[0]
    for other in queries[1:]:
        whole = SetOperation(op="UNION", all=True, left=whole, right=other)
    return whole


def part_rows(query: Select, condition: Expr) -> Query:
    """`query` as the union of the rows for which `condition` is true, false and NULL. REQUIRES: can_part(query)."""
    return union_all([dataclasses.replace(query, where=syntax.both(query.where, part)) for part in parted_conditions(condition)])


def can_part(query: Query) -> bool:
    """Whether each row of the result comes of one row below."""
    return (isinstance(query, Select) and query.group is None and query.having is None and not query.distinct and not query.distinct_on
            and query.limit is None and query.offset is None and query.source is not None
            and not any(isinstance(n, (syntax.Window, syntax.Aggregate)) for item in query.items for n in own(item.expr)))


def own(e: Expr):
    """The expressions of `e`, without those of its subqueries."""
    if isinstance(e, Expr):
        yield e
    for _, child in syntax.children(e):
        if not isinstance(child, Query):
            yield from own(child)


def split_tables(query: Query, data: list[TableData], source: random.Random) -> Query:
    """`query` with tables in the place of which their three parts stand, by the column k."""
    columns = {table.name: table for table in data}

    def split(n):
        if isinstance(n, Table) and n.name in columns and source.random() < 0.7:
            alias = n.alias + "p"
            shown = [Column(relation=alias, name=c.name, type=c.type, bound=c.bound, plain=c.plain) for c in columns[n.name].columns]
            key = Column(relation=alias, name="k", type=INT32, bound=10, plain=True)
            condition = Call(op=source.choice(["lt", "eq", "ge"]), type=BOOL, plain=True,
                             args=(key, Literal(value=source.choice([0, 3, 5]), type=INT32, bound=5, plain=True)))
            whole = Select(items=tuple(Item(expr=c, name=c.name) for c in shown), source=Table(name=n.name, alias=alias))
            return Derived(query=part_rows(whole, condition), alias=n.alias)
        for place, child in syntax.children(n):
            new = split(child)
            if new is not child:
                n = syntax.replace_at(n, place, new)
        return n

    return split(query)


def other_way(query: Query, data: list[TableData], source: random.Random) -> Query:
    """Another query with the same rows, where there is one; else the query itself."""
    names = {n.name for n in syntax.walk(query) if isinstance(n, syntax.With)}
    if not names and source.random() < 0.5:
        return split_tables(query, data, source)
    if can_part(query):
        conditions = [n for n in own(query.where) if n.type == BOOL] if query.where is not None else []
        columns = [e for item in query.items for e in own(item.expr) if isinstance(e, Column) and not e.type.is_nested]
        if conditions and source.random() < 0.5:
            return part_rows(query, source.choice(conditions))
        if columns:
            column = source.choice(columns)
            return part_rows(query, Call(op="eq", args=(column, source.choice(columns)), type=BOOL, plain=True)
                             if all(c.type == column.type for c in columns) else
                             Call(op="is_null", args=(column,), type=BOOL, plain=True))
    return query
