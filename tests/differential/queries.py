# SPDX-License-Identifier: Apache-2.0
"""Random queries over the tables of a project.

In: tables and a generator of random numbers. Out: query trees whose result is one multiset of rows in every engine: what takes rows by
order (LIMIT, DISTINCT ON, windows) has a total order, up to rows that are wholly alike.
"""

from __future__ import annotations

import dataclasses
import random

import sql_types
from expressions import ExpressionMaker, Scope, kind_of
from sql_types import BOOL, FLOAT64, INT32, INT64, TEXT, SqlType
from syntax import (Aggregate, Branch, Call, Case, Cast, Column, Derived, Exists, Expr, Group, InQuery, Item, Join, Literal, Quantified, Query, Recursive, Relation, Select,
                    SetOperation, SortKey, Table, ValueOf, Values, Window, With, both, outputs, walk)
from tables import TableData

#: What a run may leave out while a fault is open: `--without in_query,full_using`.
FEATURES = frozenset({
    "subquery", "in_query", "correlated", "full_using", "using", "natural", "semi_join", "set_all", "window", "window_frame", "ignore_nulls",
    "grouping_sets", "distinct_on", "recursive", "unnest", "nested", "limit", "mixed_union", "union", "similar_to", "not_in_query", "xor", "guarded_cast", "wide_times", "nan", "mixed_case",
    "string_agg", "array_agg", "offset"})

def has_column(e: Expr) -> bool:
    return any(isinstance(n, Column) for n in walk(e))


_SCALAR_KINDS = ("bool", "int", "int", "float", "decimal", "text", "text", "date", "timestamp")


def unambiguous(shown: list[Expr], beside: list[Expr]) -> list[Expr]:
    """Without merged columns whose names a table beside has as well: the standard knows no such name."""
    names = {e.name for e in beside if isinstance(e, Column)}
    return [e for e in shown if not (isinstance(e, Column) and e.relation is None and e.name in names)]


class QueryMaker:
    """Makes one query after another; `features` is what they may have."""

    def __init__(self, tables: list[TableData], seed: int, features: frozenset[str] = FEATURES):
        self.tables = tables
        self.random = random.Random(seed)
        self.features = features
        self.expressions = ExpressionMaker(self.random, features)
        self.aliases = 0
        self.ctes: list[tuple[str, list[tuple[str, Expr]]]] = []
        self.level = 0

    def chance(self, probability: float, feature: str | None = None) -> bool:
        drawn = self.random.random() < probability
        return drawn and (feature is None or feature in self.features)

    def alias(self) -> str:
        self.aliases += 1
        return f"q{self.aliases}"

    def make(self) -> Query:
        """A whole query."""
        self.aliases, self.ctes, self.level = 0, [], 0
        roll = self.random.random()
        if roll < 0.08:
            return self.with_query()
        if roll < 0.11 and "recursive" in self.features:
            return self.recursive()
        if roll < 0.26 and "union" in self.features:
            return self.set_operation(2)
        return self.select(2)

    # Relations and what they show

    def relation(self, depth: int, joined: bool = True) -> tuple[Relation, list[Expr]]:
        roll = self.random.random()
        if depth > 0 and joined and roll < 0.4:
            return self.join(depth - 1)
        if depth > 0 and roll < 0.55:
            return self.derived(depth - 1)
        return self.table()

    def shown(self, alias: str, columns) -> list[Expr]:
        return [Column(relation=alias, name=name, type=e.type, bound=e.bound, plain=e.plain) for name, e in columns]

    def table(self) -> tuple[Relation, list[Expr]]:
        alias = self.alias()
        if self.ctes and self.random.random() < 0.7:
            name, columns = self.random.choice(self.ctes)
            return Table(name=name, alias=alias), self.shown(alias, columns)
        data = self.random.choice(self.tables)
        return Table(name=data.name, alias=alias), self.shown(alias, [(c.name, c) for c in data.columns])

    def derived(self, depth: int) -> tuple[Relation, list[Expr]]:
        alias = self.alias()
        if self.random.random() < 0.12:
            query: Query = self.values()
        elif self.random.random() < 0.2 and "union" in self.features:
            query = self.set_operation(depth)
        else:
            query = self.select(depth)
        return Derived(query=query, alias=alias), self.shown(alias, outputs(query))

    def values(self) -> Values:
        types = [self.expressions.type_of(self.random.choice(_SCALAR_KINDS)) for _ in range(self.random.randint(1, 3))]
        rows = [tuple(self.expressions.literal_of(t) if self.random.random() < 0.85 else self.expressions.null(t) for t in types)
                for _ in range(self.random.randint(1, 4))]
        return Values(rows=tuple(rows), names=tuple(f"v{i}" for i in range(len(types))))

    def join(self, depth: int) -> tuple[Relation, list[Expr]]:
        r = self.random
        if self.chance(0.2, "using"):
            return self.join_by_name()
        left, left_shown = self.relation(depth)
        right, right_shown = self.relation(depth, joined=r.random() < 0.2)
        left_shown, right_shown = unambiguous(left_shown, right_shown), unambiguous(right_shown, left_shown)
        kind = r.choice(["INNER", "INNER", "LEFT", "LEFT", "RIGHT", "FULL", "CROSS", "SEMI", "ANTI"])
        if kind in ("SEMI", "ANTI") and "semi_join" not in self.features:
            kind = "LEFT"
        if kind == "CROSS":
            return Join(kind=kind, left=left, right=right), left_shown + right_shown
        condition = self.join_condition(left_shown, right_shown)
        return (Join(kind=kind, left=left, right=right, condition=condition),
                left_shown if kind in ("SEMI", "ANTI") else left_shown + right_shown)

    def join_condition(self, left: list[Expr], right: list[Expr]) -> Expr:
        r = self.random
        pairs = [(a, b) for a in left for b in right if a.type == b.type and not a.type.is_nested]
        mixed = [(a, b) for a in left for b in right if a.type.is_int and b.type.is_int]
        condition = None
        if pairs and r.random() < 0.85:
            for _ in range(r.choice([1, 1, 2])):
                a, b = r.choice(mixed) if mixed and r.random() < 0.3 else r.choice(pairs)
                op = "not_distinct_from" if r.random() < 0.12 else "eq"
                sides = (a, b) if r.random() < 0.7 else (b, a)
                condition = both(condition, self.expressions.call(op, BOOL, *sides))
        if condition is None or r.random() < 0.3:
            extra = self.expressions.bool(Scope(left + right), r.choice([1, 2]))
            condition = both(condition, extra)
        return condition

    def join_by_name(self) -> tuple[Relation, list[Expr]]:
        """USING and NATURAL, over two base tables: the columns of a name become one."""
        r = self.random
        first, second = r.sample(self.tables, 2) if len(self.tables) > 1 else (self.tables[0], self.tables[0])
        sides = []
        for data in (first, second):
            alias = self.alias()
            sides.append((Table(name=data.name, alias=alias), self.shown(alias, [(c.name, c) for c in data.columns])))
        (left, left_shown), (right, right_shown) = sides
        common = [a.name for a in left_shown if any(a.name == b.name for b in right_shown)]
        kinds = ["INNER", "LEFT", "RIGHT"] + ["FULL"] * ("full_using" in self.features)
        kind = r.choice(kinds)
        natural = self.chance(0.3, "natural")
        names = common if natural or r.random() < 0.3 else ["k"]
        merged = [Column(relation=None, name=a.name, type=a.type, bound=a.bound, plain=a.plain) for a in left_shown if a.name in names]
        shown = merged + [e for e in left_shown + right_shown if e.name not in names]
        if r.random() < 0.3 and not (len(common) > len(names)):
            shown += [e for e in left_shown + right_shown if e.name in names]  # both sides are still there, by their qualified names
        return Join(kind=kind, left=left, right=right, using=() if natural else tuple(names), natural=natural), shown

    # SELECT

    def select(self, depth: int, wanted: list[SqlType] | None = None, outer: list[Expr] = ()) -> Query:
        """A query whose columns have the `wanted` types, where they are given."""
        r = self.random
        self.level += 1
        source, shown = self.relation(depth)
        if "nested" not in self.features:
            shown = [e for e in shown if not e.type.is_nested]
        subqueries = self if self.level <= 2 and "subquery" in self.features else None
        scope = Scope(shown, list(outer), subqueries)
        where = self.expressions.bool(scope, r.choice([1, 2, 2, 3])) if r.random() < 0.55 else None
        roll = r.random()
        if roll < 0.3:
            query = self.grouped(source, where, scope, wanted)
        elif roll < 0.45 and "window" in self.features:
            query = self.windowed(source, where, scope, wanted)
        else:
            query = Select(items=self.items(scope, wanted), source=source, where=where)
            if r.random() < 0.15:
                query = Select(items=query.items, source=source, where=where, distinct=True)
            elif wanted is None and self.chance(0.06, "distinct_on"):
                query = self.distinct_on(source, where, scope)
            elif wanted is None and self.chance(0.05, "unnest"):
                query = self.unnested(source, where, scope)
        self.level -= 1
        return self.limited(query)

    def items(self, scope: Scope, wanted: list[SqlType] | None) -> tuple[Item, ...]:
        depth = self.random.choice([0, 1, 2, 2, 3])
        if wanted is not None:
            made = [self.expressions.exactly(t, scope, depth) for t in wanted]
        else:
            made = [self.expressions.any(scope, depth) for _ in range(self.random.randint(1, 4))]
        return tuple(Item(expr=e, name=f"o{i}") for i, e in enumerate(made))

    def limited(self, query: Select) -> Query:
        """With a LIMIT at times: the order is that of all columns."""
        if query.distinct_on or query.limit is not None or any(i.expr.type.is_nested for i in query.items):
            return query
        if not self.chance(0.18, "limit"):
            return query
        alias = None
        if query.distinct or query.group or any(i.expr.type.is_float for i in query.items) or self.random.random() < 0.3 or any(
                isinstance(i.expr, Call) and i.expr.op == "unnest" for i in query.items):
            alias = self.alias()
            shown = self.shown(alias, outputs(query))
            query = Select(items=tuple(Item(expr=e, name=f"o{i}") for i, e in enumerate(shown)), source=Derived(query=query, alias=alias))
        keys = [Column(relation=alias, name=item.name, type=item.expr.type, bound=0, plain=True) for item in query.items]
        self.random.shuffle(keys)
        order = tuple(self.sort_key(e) for e in keys)
        offset = self.random.choice([None, None, 1, 2]) if "offset" in self.features else None
        limit = self.random.choice([1, 2, 3, 5, 0])
        return Select(items=query.items, source=query.source, where=query.where, order=order, limit=limit, offset=offset)

    def sort_key(self, e: Expr) -> SortKey:
        return SortKey(expr=e, descending=self.random.random() < 0.4, nulls_first=self.random.random() < 0.5)

    def total_order(self, shown: list[Expr]) -> tuple[SortKey, ...]:
        """All columns, in any order: rows that are still alike are wholly alike."""
        keys = [e for e in shown if not e.type.is_nested]
        self.random.shuffle(keys)
        return tuple(self.sort_key(e) for e in keys)

    def distinct_on(self, source, where, scope: Scope) -> Select:
        keys = [e for e in scope.leaves if not e.type.is_nested and not e.type.is_float]
        if len(keys) < 2 or any(e.type.is_nested or e.type.is_float for e in scope.leaves):
            return Select(items=self.items(scope, None), source=source, where=where)
        on = tuple(self.random.sample(keys, self.random.choice([1, 1, 2])))
        order = tuple(self.sort_key(e) for e in on) + self.total_order([e for e in keys if e not in on])
        items = tuple(Item(expr=e, name=f"o{i}") for i, e in enumerate(self.random.sample(keys, min(4, len(keys)))))
        return Select(items=items, source=source, where=where, distinct_on=on, order=order)

    def unnested(self, source, where, scope: Scope) -> Select:
        made = self.expressions.make("list", scope, 2)
        element = made.type.arguments[0]
        first = Call(op="unnest", args=(made,), type=element, bound=10**6, plain=False)
        return Select(items=(Item(expr=first, name="o0"), *(Item(expr=item.expr, name=f"o{i + 1}") for i, item in
                             enumerate(self.items(scope.alone(), None)))), source=source, where=where)

    # GROUP BY

    def grouped(self, source, where, scope: Scope, wanted) -> Select:
        r = self.random
        inner = scope.alone() if r.random() < 0.8 else scope
        keys: list[Expr] = []
        columns = [e for e in scope.leaves if not e.type.is_nested]
        for _ in range(r.choice([0, 1, 1, 1, 2, 2, 3])):
            if columns and r.random() < 0.75:
                key = r.choice(columns)
            else:
                key = self.expressions.any(inner.alone(), 1)
            if key not in keys and not key.type.is_nested and has_column(key):
                keys.append(key)
        kind, sets = "plain", ()
        if keys and self.chance(0.22, "grouping_sets") and all(isinstance(key, Column) for key in keys):
            kind = r.choice(["rollup", "cube", "sets"])
            if kind == "sets":
                sets = tuple(tuple(i for i in range(len(keys)) if r.random() < 0.6) for _ in range(r.randint(1, 3)))
                if set().union(*map(set, sets)) != set(range(len(keys))):
                    sets += (tuple(range(len(keys))),)
        group = Group(keys=tuple(keys), kind=kind, sets=sets)
        aggregates = [self.aggregate(inner) for _ in range(r.randint(1, 3))]
        leaves = keys + aggregates
        if kind != "plain" and r.random() < 0.4:
            leaves.append(Call(op="grouping", args=(keys[0],), type=INT32, bound=1, plain=True))
        above = Scope([e for e in leaves if not e.type.is_nested] or leaves)
        if wanted is None and r.random() < 0.6:
            chosen = leaves if r.random() < 0.8 else leaves[::-1]
            items = tuple(Item(expr=e, name=f"o{i}") for i, e in enumerate(chosen))
        else:
            items = self.items_above(above, wanted)
        if not keys and not any(isinstance(n, Aggregate) for item in items for n in walk(item)):
            kept = Case(branches=(Branch(condition=self.expressions.call("is_not_null", BOOL, aggregates[0]), value=items[0].expr),),
                        otherwise=None, type=items[0].expr.type, bound=items[0].expr.bound, plain=items[0].expr.plain)
            items = (Item(expr=kept, name=items[0].name), *items[1:])
        having = self.expressions.bool(above, 2) if r.random() < 0.2 else None
        if having is not None and not has_column(having) and not any(isinstance(n, Aggregate) for n in walk(having)):
            having = None
        return Select(items=items, source=source, where=where, group=group, having=having)

    def items_above(self, scope: Scope, wanted) -> tuple[Item, ...]:
        """Expressions over keys and aggregates."""
        if wanted is not None:
            made = [self.expressions.exactly(t, scope, 1) for t in wanted]
        else:
            made = [self.expressions.any(scope, self.random.choice([0, 1, 2])) for _ in range(self.random.randint(1, 3))]
        return tuple(Item(expr=e, name=f"o{i}") for i, e in enumerate(made))

    def no_constant(self, kind: str, scope: Scope, depth: int) -> Expr:
        """An expression that may stand behind ORDER BY, where a number would be a position."""
        fit = [e for e in scope.leaves if kind_of(e.type) == kind]
        for _ in range(4):
            made = self.expressions.make(kind, scope.alone(), depth)
            if has_column(made):
                return made
        return self.random.choice(fit) if fit else Case(branches=(Branch(condition=self.expressions.call(
            "is_null", BOOL, self.random.choice(scope.leaves)), value=made),), otherwise=None, type=made.type, bound=made.bound, plain=made.plain)

    def aggregate(self, scope: Scope) -> Aggregate:
        r = self.random
        condition = self.expressions.bool(scope.alone(), 1) if r.random() < 0.15 else None
        depth = r.choice([0, 0, 1])
        roll = r.random()

        def of(op, arg, sql_type, bound, distinct=False, order=()):
            args = () if arg is None else (arg,)
            return Aggregate(op=op, args=args, type=sql_type, bound=bound, plain=arg is None or arg.plain, filter=condition, distinct=distinct,
                             order=order)

        if roll < 0.15:
            return of("count_all", None, INT64, 10**6)
        if roll < 0.3:
            arg = self.expressions.any(scope.alone(), depth)
            if arg.type.is_nested:
                return of("count", arg, INT64, 10**6)
            return of("count", arg, INT64, 10**6, distinct=r.random() < 0.5)
        if roll < 0.45:
            arg = self.expressions.make(r.choice(["int", "int", "float", "decimal"]), scope.alone(), depth)
            if arg.type.is_float and arg.bound > 2**30 or arg.type.is_int and arg.bound > 2**40:
                return of("count", arg, INT64, 10**6)
            if arg.type.kind == "decimal":
                precision, scale = arg.type.arguments
                return of("sum", arg, sql_types.decimal(min(38, precision + 10), scale), arg.bound * 10**5)
            return of("sum", arg, FLOAT64 if arg.type.is_float else INT64, arg.bound * 10**5,
                      distinct=arg.type.is_int and r.random() < 0.2)
        if roll < 0.54:
            arg = self.expressions.make(r.choice(["int", "float"]), scope.alone(), depth)
            if arg.bound < 2**30:
                return of("avg", arg, FLOAT64, float("inf"))
        if roll < 0.78:
            arg = self.expressions.any(scope.alone(), depth)
            if not arg.type.is_nested:
                return of(r.choice(["min", "max"]), arg, arg.type, arg.bound)
        if roll < 0.84:
            return of(r.choice(["bool_and", "bool_or"]), self.expressions.bool(scope.alone(), depth), BOOL, 1)
        if roll < 0.88:
            arg = self.expressions.make("int", scope.alone(), depth)
            return of(r.choice(["agg_bit_and", "agg_bit_or", "agg_bit_xor"]), arg, arg.type, 2.0**63)
        if roll < 0.92:
            arg = self.expressions.exactly(FLOAT64, scope.alone(), depth)
            if arg.bound < 2**20:
                return of(r.choice(["stddev", "stddev_pop", "var_pop", "var_samp", "median"]), arg, FLOAT64, float("inf"))
        if roll < 0.95 and "string_agg" in self.features:
            arg = self.no_constant("text", scope, depth)
            return of("string_agg", arg, TEXT, 10**4, order=(self.sort_key(arg),))
        if roll < 0.97 and "array_agg" in self.features:
            arg = self.no_constant(r.choice(["int", "text"]), scope, 0)
            return of("array_agg", arg, sql_types.list_of(arg.type), 10, order=(self.sort_key(arg),))
        total = self.total_order(scope.leaves)
        if total and not any(e.type.is_nested or e.type.is_float for e in scope.leaves):
            arg = self.expressions.any(scope.alone(), 0)
            if not arg.type.is_nested:
                return of(r.choice(["first_value", "last_value"]), arg, arg.type, arg.bound, order=total)
        return of("count_all", None, INT64, 10**6)

    # Windows

    def windowed(self, source, where, scope: Scope, wanted) -> Select:
        r = self.random
        made = [self.window(scope.alone())]
        if r.random() < 0.4:
            made.append(self.window(scope.alone(), self.from_behind(made[0]) if r.random() < 0.5 else None))
        inside = self.items(scope, None) if wanted is None else ()
        items = [item.expr for item in inside] + made
        if wanted is not None:
            mixed = Scope(scope.leaves + made)
            items = [self.expressions.exactly(t, mixed, 1) for t in wanted]
        elif r.random() < 0.2:
            items.append(self.expressions.any(Scope(made), 1))
        return Select(items=tuple(Item(expr=e, name=f"o{i}") for i, e in enumerate(items)), source=source, where=where)

    @staticmethod
    def from_behind(window: Expr) -> tuple | None:
        """The partition and the opposite order of the window in an expression: one sort serves both."""
        inner = next((n for n in walk(window) if isinstance(n, Window)), None)
        if inner is None or not inner.order or inner.op in ("rank", "dense_rank", "percent_rank", "cume_dist"):
            return None  # ranks have orders that leave rows alike
        opposite = tuple(dataclasses.replace(key, descending=not key.descending, nulls_first=not key.nulls_first) for key in inner.order)
        return inner.partition, opposite

    def window(self, scope: Scope, behind: tuple | None = None) -> Expr:
        r = self.random
        keys = [e for e in scope.leaves if not e.type.is_nested]
        partition = tuple(r.sample(keys, min(len(keys), r.choice([0, 1, 1, 2]))))
        order = self.total_order(scope.leaves)
        if behind is not None:
            partition, order = behind
        alike = any(e.type.is_nested for e in scope.leaves)  # no total order
        roll = r.random()

        def of(op, args, sql_type, bound, frame="", options=(), order=order, plain=True, ignore_nulls=False):
            return Window(op=op, args=tuple(args), type=sql_type, bound=bound, plain=plain, partition=partition, order=order, frame=frame,
                          options=tuple(str(o) for o in options), ignore_nulls=ignore_nulls)

        def rank(window):  # unsigned in the engine: it meets integers in decimals
            return Cast(arg=window, type=INT64, bound=window.bound, plain=True)

        some = tuple(self.sort_key(e) for e in r.sample(keys, min(len(keys), r.choice([1, 2]))))
        if roll < 0.15:
            return rank(of(r.choice(["rank", "dense_rank"]), (), INT64, 10**6, order=some or order))
        if roll < 0.3 or alike or not order:
            return of("count_all", (), INT64, 10**6, order=()) if alike or not order else rank(of("row_number", (), INT64, 10**6))
        if roll < 0.34:
            return of(r.choice(["percent_rank", "cume_dist"]), (), FLOAT64, 1, order=some)
        if roll < 0.38:
            return rank(of("ntile", (), INT64, 10, options=[r.choice([1, 2, 3])]))
        arg = self.expressions.any(scope, r.choice([0, 0, 1]))
        if arg.type.is_nested:
            arg = self.expressions.make("int", scope, 0)
        if roll < 0.55:
            op = r.choice(["lag", "lead"])
            if r.random() < 0.3:
                other = self.expressions.literal_of(arg.type)
                return of(op + "_default", (arg, other), arg.type, max(arg.bound, other.bound), options=[r.choice([1, 2])], plain=arg.plain)
            return of(op, (arg,), arg.type, arg.bound, options=[r.choice([1, 1, 2, 0])], plain=arg.plain,
                      ignore_nulls=self.chance(0.2, "ignore_nulls"))
        frame = self.frame(order) if r.random() < 0.7 else ""
        if roll < 0.7:
            op = r.choice(["window_first", "window_last", "nth_value"])
            return of(op, (arg,), arg.type, arg.bound, frame=frame, options=[r.choice([1, 2, 3])] if op == "nth_value" else [], plain=arg.plain,
                      ignore_nulls=op != "nth_value" and self.chance(0.2, "ignore_nulls"))
        aggregate = self.aggregate(scope)
        if aggregate.op in ("count_all", "count", "sum", "avg", "min", "max", "bool_and", "bool_or") and not (
                aggregate.distinct or aggregate.filter) and not (frame and aggregate.op.startswith("bool")):
            bound = aggregate.bound
            return of(aggregate.op, aggregate.args, aggregate.type, bound, frame=frame, plain=aggregate.plain)
        return of("count_all", (), INT64, 10**6, frame=frame)

    def frame(self, order) -> str:
        r = self.random
        if "window_frame" not in self.features:
            return ""
        unit = r.choice(["ROWS", "ROWS", "RANGE"])
        if unit == "RANGE":
            return "RANGE BETWEEN " + r.choice(["UNBOUNDED PRECEDING AND CURRENT ROW", "CURRENT ROW AND UNBOUNDED FOLLOWING",
                                                "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", "CURRENT ROW AND CURRENT ROW"])
        starts = ["UNBOUNDED PRECEDING", "2 PRECEDING", "1 PRECEDING", "CURRENT ROW", "1 FOLLOWING"]
        ends = ["1 PRECEDING", "CURRENT ROW", "1 FOLLOWING", "2 FOLLOWING", "UNBOUNDED FOLLOWING"]
        pairs = [(s, e) for i, s in enumerate(starts) for j, e in enumerate(ends) if j >= max(0, i - 2)]
        return "{} BETWEEN {} AND {}".format(unit, *r.choice(pairs))

    # Set operations, WITH

    def set_operation(self, depth: int, wanted: list[SqlType] | None = None) -> SetOperation:
        r = self.random
        left = self.branch(depth - 1, wanted)
        left_types = [e.type for _, e in outputs(left)]
        right_types: list[SqlType] = []
        for t in left_types:
            other = t
            if wanted is None and self.chance(0.25, "mixed_union") and t.is_number:
                other = r.choice([INT32, INT64, FLOAT64, sql_types.decimal(12, 3)])
                if sql_types.meet(t, other) is None:
                    other = t
            right_types.append(other)
        right = self.branch(depth - 1, right_types)
        op = r.choice(["UNION", "UNION", "INTERSECT", "EXCEPT"])
        every = op == "UNION" and r.random() < 0.6 or op != "UNION" and self.chance(0.4, "set_all")
        if any(t.is_nested for t in left_types):
            op, every = "UNION", True
        return SetOperation(op=op, all=every, left=left, right=right)

    def branch(self, depth: int, wanted) -> Query:
        if depth > 0 and self.random.random() < 0.15 and (wanted is None or not any(t.is_nested for t in wanted)):
            return self.set_operation(depth, wanted)
        return self.select(max(0, depth), wanted)

    def with_query(self) -> Query:
        name = "w1"
        query = self.set_operation(1) if self.random.random() < 0.25 and "union" in self.features else self.select(1)
        self.ctes.append((name, outputs(query)))
        body = self.select(1) if self.random.random() < 0.75 or "union" not in self.features else self.set_operation(1)
        self.ctes.pop()
        return With(name=name, query=query, body=body)

    def recursive(self) -> Recursive:
        """Counts up to a bound; a second column follows, through a join at times."""
        r = self.random
        base = Select(items=(Item(expr=Literal(value=r.choice([0, 1]), type=INT64, bound=1, plain=True), name="n"),
                             Item(expr=Cast(arg=Literal(value=r.choice([1, 2]), type=INT64, bound=2, plain=True), type=INT64), name="x")))
        n = Column(relation="r", name="n", type=INT64, bound=100, plain=True)
        x = Column(relation="r", name="x", type=INT64, bound=10**6, plain=True)
        one = Literal(value=1, type=INT64, bound=1, plain=True)
        source: Relation = Table(name="walk", alias="r")
        shown = [n, x]
        if r.random() < 0.4:
            table, more = self.table()
            condition = self.join_condition([x], [e for e in more if e.type.is_int] or [n])
            source, shown = Join(kind="INNER", left=source, right=table, condition=condition), shown + more
        following = self.expressions.exactly(INT64, Scope(shown), 1)
        if following.bound > 10**12:
            following = x
        step = Select(items=(Item(expr=self.expressions.call("add", INT64, n, one, bound=101), name="n"), Item(expr=following, name="x")),
                      source=source, where=self.expressions.call("lt", BOOL, n, Literal(value=r.choice([2, 3]), type=INT64, bound=3, plain=True)))
        self.ctes.append(("walk", [("n", n), ("x", Column(relation="r", name="x", type=INT64, bound=10**13, plain=True))]))
        body = self.select(1)
        self.ctes.pop()
        return Recursive(name="walk", columns=("n", "x"), base=base, step=step, all=r.random() < 0.7, body=body)

    # Subqueries in expressions

    def correlation(self, inner: list[Expr], outer: list[Expr]) -> Expr | None:
        pairs = [(a, b) for a in inner for b in outer if a.type == b.type and not a.type.is_nested]
        if not pairs:
            return None
        a, b = self.random.choice(pairs)
        op = "eq" if self.random.random() < 0.8 else self.random.choice(["lt", "ge", "ne", "not_distinct_from"])
        return self.expressions.call(op, BOOL, a, b)

    def scalar(self, kind: str, scope: Scope) -> Expr | None:
        """A subquery of one value: an aggregate without groups, correlated or not."""
        if kind not in ("int", "float", "decimal", "text", "date", "timestamp", "bool"):
            return None
        self.level += 1
        source, shown = self.relation(0)
        inner = Scope(shown)
        arg = self.expressions.make(kind, inner, 1)
        op = self.random.choice(["min", "max", "count", "sum"])
        if kind != "int" or arg.bound > 2**30:
            op = self.random.choice(["min", "max"]) if kind != "bool" else "bool_or"
        result = INT64 if op in ("count", "sum") else arg.type
        bound = 10**6 if op == "count" else arg.bound * 10**5 if op == "sum" else arg.bound
        item = Aggregate(op=op, args=(arg,), type=result, bound=bound, plain=arg.plain)
        where = self.expressions.bool(inner, 1) if self.random.random() < 0.3 else None
        if self.chance(0.6, "correlated"):
            where = both(self.correlation(shown, scope.leaves), where)
        query = Select(items=(Item(expr=item, name="s"),), source=source, where=where, group=Group(keys=()))
        self.level -= 1
        return ValueOf(query=query, type=result, bound=bound, plain=arg.plain)

    def condition(self, scope: Scope) -> Expr:
        """EXISTS, IN, or a comparison with ANY or ALL rows of a subquery."""
        negated = self.random.random() < 0.45
        self.level += 1
        source, shown = self.relation(self.random.choice([0, 0, 1]))
        where = self.expressions.bool(Scope(shown), 1) if self.random.random() < 0.4 else None
        if self.chance(0.65, "correlated"):
            where = both(where, self.correlation(shown, scope.leaves))
        if self.random.random() < 0.5 or "in_query" not in self.features:
            items = (Item(expr=self.expressions.any(Scope(shown), 1), name="e"),)
            query = Select(items=items, source=source, where=where)
            made: Expr = Exists(query=query, negated=negated, type=BOOL, plain=True)
        else:
            kinds = {kind_of(e.type) for e in scope.leaves} & {"int", "text", "date", "decimal", "timestamp"} or {"int"}
            kind = self.random.choice(sorted(kinds))
            arg = self.expressions.make(kind, scope.alone(), self.random.choice([0, 0, 1]))
            chosen = self.expressions.exactly(arg.type, Scope(shown), self.random.choice([0, 0, 1]))
            query = Select(items=(Item(expr=chosen, name="e"),), source=source, where=where)
            if self.random.random() < 0.3:
                op, quantifier = self.random.choice(["=", "<>", "<", "<=", ">", ">="]), self.random.choice(["ANY", "ALL"])
                made = Quantified(arg=arg, op=op, quantifier=quantifier, query=query, type=BOOL, plain=True)
            else:
                made = InQuery(arg=arg, query=query, negated=negated and "not_in_query" in self.features, type=BOOL, plain=True)
        self.level -= 1
        return made
