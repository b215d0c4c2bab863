# SPDX-License-Identifier: Apache-2.0
"""Random expressions over what a query sees.

In: a scope (the columns, keys or aggregates that may stand at a place, those of outer queries, and who makes subqueries) and a wanted kind
of type. Out: a typed expression. Arithmetic keeps below the bounds of its type, so that overflow is rare; what the engines differ in by
design is not made (docs/differences.md).
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal as decimals
import random

import sql_types
from sql_types import BOOL, DATE, FLOAT32, FLOAT64, INT16, INT32, INT64, TEXT, TIMESTAMP, SqlType
from syntax import Branch, Call, Case, Cast, Expr, InList, Literal

_COMPARISONS = ("eq", "eq", "ne", "lt", "le", "gt", "ge")
_COMPARISONS_SAID = ("=", "<>", "<", "<=", ">", ">=")
_PATTERNS = ("'a%'", "'%b'", "'%a%'", "'_'", "'a_'", "''", "'%'", "'ab'", "'%-%'")
_REGEXES = ("'^a'", "'b$'", "'[0-9]+'", "'a.'", "'^$'", "'(a|b)+'")
_SIMILAR = (("'a_'", "'a.'"), ("'%b'", "'.*b'"), ("'(a|b)%'", "'(a|b).*'"), ("'[0-9]+'", "'[0-9]+'"), ("'ab'", "'ab'"))
_KINDS = ("bool", "int", "int", "float", "decimal", "text", "text", "date", "timestamp")


@dataclasses.dataclass
class Scope:
    """`subqueries` makes queries inside expressions; None where none may stand."""

    leaves: list[Expr]
    outer: list[Expr] = dataclasses.field(default_factory=list)
    subqueries: object = None

    def alone(self) -> Scope:
        """The same without subqueries."""
        return Scope(self.leaves, self.outer, None)


def kind_of(sql_type: SqlType) -> str:
    return "int" if sql_type.is_int else "float" if sql_type.is_float else sql_type.kind


def clamp(value: float, top: float) -> float:
    return min(value, top)


class ExpressionMaker:
    """Draws everything from `source`, so that a seed tells the query."""

    def __init__(self, source: random.Random, features: frozenset[str]):
        self.random = source
        self.features = features

    def any(self, scope: Scope, depth: int) -> Expr:
        """An expression of any scalar type, mostly one that a leaf has."""
        if scope.leaves and self.random.random() < 0.7:
            kind = kind_of(self.random.choice(scope.leaves).type)
            return self.make(kind, scope, depth)
        return self.make(self.random.choice(_KINDS), scope, depth)

    def make(self, kind: str, scope: Scope, depth: int) -> Expr:
        """An expression of the kind; of the widths of numbers any."""
        if kind in ("list", "struct"):
            return self.nested(kind, scope, depth)
        if depth <= 0 or self.random.random() < 0.25:
            return self.leaf(kind, scope)
        if self.random.random() < 0.12:
            return self.choice(kind, scope, depth)
        if scope.subqueries is not None and self.random.random() < 0.05:
            made = scope.subqueries.scalar(kind, scope)
            if made is not None:
                return made
        return getattr(self, kind)(scope, depth)

    def exactly(self, sql_type: SqlType, scope: Scope, depth: int) -> Expr:
        """An expression of this very type."""
        e = self.make(kind_of(sql_type), scope, depth)
        return e if e.type == sql_type else self.convert(e, sql_type, scope)

    def convert(self, e: Expr, sql_type: SqlType, scope: Scope) -> Expr:
        if sql_type.is_nested:
            return self.null(sql_type)
        if e.type.is_number and e.bound > sql_types.largest(sql_type) or e.type.is_float and not sql_type.is_float:
            return self.literal_of(sql_type)
        if e.type.kind == "decimal" and sql_type.is_int:
            return self.literal_of(sql_type)
        if e.type.kind == "decimal" and sql_type.kind == "decimal" and e.type.arguments[1] > sql_type.arguments[1]:
            return self.literal_of(sql_type)
        return Cast(arg=e, type=sql_type, bound=e.bound, plain=e.plain)

    # Leaves and literals

    def leaf(self, kind: str, scope: Scope) -> Expr:
        fit = [e for e in scope.leaves if kind_of(e.type) == kind]
        outer = [e for e in scope.outer if kind_of(e.type) == kind]
        roll = self.random.random()
        if outer and roll < 0.2:
            return self.random.choice(outer)
        if fit and roll < 0.85:
            return self.random.choice(fit)
        return self.literal(kind)

    def literal(self, kind: str) -> Expr:
        if self.random.random() < 0.06:
            return self.null(self.type_of(kind))
        return self.literal_of(self.type_of(kind))

    def type_of(self, kind: str) -> SqlType:
        choices = {"int": [INT32, INT64, INT64], "float": [FLOAT64], "decimal": [sql_types.decimal(10, 2), sql_types.decimal(6, 1)]}
        return self.random.choice(choices.get(kind, [SqlType(kind)]))

    def null(self, sql_type: SqlType) -> Expr:
        return Literal(value=None, type=sql_type, bound=0, plain=True)

    def literal_of(self, t: SqlType) -> Expr:
        r = self.random
        if t.kind == "bool":
            value, bound = r.random() < 0.5, 1
        elif t.is_int:
            value = r.choice([0, 1, 2, 3, 5, 7, -1, -2])
            bound = abs(value)
        elif t.is_float:
            value = r.choice([0.0, 0.5, 1.0, 1.5, -0.25, 2.0, -1.5])
            bound = abs(value)
        elif t.kind == "decimal":
            scale = t.arguments[1]
            value = decimals.Decimal(r.randint(-20, 40)).scaleb(-scale)
            bound = abs(float(value))
        elif t.kind == "text":
            value, bound = r.choice(["a", "b", "ab", "", "x-y", "A", "12"]), 5
        elif t.kind == "date":
            value, bound = r.choice([datetime.date(2024, 2, 29), datetime.date(1970, 1, 1), datetime.date(2023, 12, 31)]), 0
        elif t.kind == "timestamp":
            value, bound = r.choice([datetime.datetime(2024, 2, 29), datetime.datetime(2023, 7, 1, 12, 30, 15)]), 0
        else:
            return self.null(t)
        return Literal(value=value, type=t, bound=bound, plain=True)

    def call(self, op: str, sql_type: SqlType, *args: Expr, bound: float = 0, plain: bool | None = None, options=()) -> Expr:
        return Call(op=op, args=args, type=sql_type, bound=bound, plain=all(a.plain for a in args) if plain is None else plain,
                    options=tuple(str(o) for o in options))

    # CASE and its like

    def choice(self, kind: str, scope: Scope, depth: int) -> Expr:
        r = self.random
        first = self.make(kind, scope, depth - 1)
        if kind in ("float", "decimal") or "mixed_case" not in self.features:
            second = self.exactly(first.type, scope, depth - 1)
        else:
            second = self.make(kind, scope, depth - 1)
        t = sql_types.meet(first.type, second.type)
        if t is None:
            return first
        bound, plain = max(first.bound, second.bound), first.plain and second.plain
        roll = r.random()
        if roll < 0.5:
            branches = [Branch(condition=self.bool(scope, depth - 1), value=first)]
            if r.random() < 0.3:
                branches.append(Branch(condition=self.bool(scope, depth - 1), value=self.exactly(first.type, scope, depth - 1)))
                bound = max(bound, branches[-1].value.bound)
                plain = plain and branches[-1].value.plain
            otherwise = second if r.random() < 0.8 else None
            return Case(branches=tuple(branches), otherwise=otherwise, type=t if otherwise else first.type, bound=bound, plain=plain)
        if roll < 0.8:
            return self.call("coalesce", t, first, second, bound=bound)
        if roll < 0.9 or kind == "bool":
            return self.call("nullif", first.type, first, second, bound=first.bound) if first.type == second.type else first
        return self.call(r.choice(["greatest", "least"]), t, first, second, bound=bound)

    # Kinds

    def bool(self, scope: Scope, depth: int) -> Expr:
        r = self.random
        if depth <= 0:
            return self.leaf("bool", scope) if r.random() < 0.3 else self.comparison(scope, 0)
        roll = r.random()
        if roll < 0.38:
            return self.comparison(scope, depth - 1)
        if roll < 0.55:
            return self.call(r.choice(["and", "or"]), BOOL, self.bool(scope, depth - 1), self.bool(scope, depth - 1))
        if roll < 0.62:
            return self.call("not", BOOL, self.bool(scope, depth - 1))
        if roll < 0.69:
            return self.call(r.choice(["is_null", "is_not_null"]), BOOL, self.any(scope, depth - 1))
        if roll < 0.74:
            return self.call(r.choice(["is_true", "is_false", "is_not_true", "is_not_false", "is_unknown"]), BOOL, self.bool(scope, depth - 1))
        if roll < 0.80:
            return self.in_list(scope, depth - 1)
        if roll < 0.90:
            return self.of_texts(scope, depth - 1)
        if roll < 0.93:
            return self.call("is_nan", BOOL, self.exactly(FLOAT64, scope, depth - 1))
        if roll < 0.95:
            return self.of_lists(scope)
        if scope.subqueries is not None:
            return scope.subqueries.condition(scope)
        return self.leaf("bool", scope)

    def comparable(self, scope: Scope, depth: int) -> tuple[Expr, Expr]:
        """Two expressions that every engine compares alike."""
        kind = self.random.choice(("int", "int", "int", "float", "decimal", "text", "text", "date", "timestamp", "bool"))
        left = self.make(kind, scope, depth)
        if kind == "int" and self.random.random() < 0.15:
            return left, self.decimal(scope, depth) if left.bound < 10**9 else left
        if kind == "float":
            if left.bound < 2**20 and self.random.random() < 0.2:
                return self.convert(left, FLOAT64, scope), self.make("int", scope, depth)
            return left, self.exactly(left.type, scope, depth)
        if kind == "decimal":
            right = self.make(kind, scope, depth)
            return (left, right) if sql_types.meet(left.type, right.type) else (left, left)
        return left, self.make(kind, scope, depth)

    def comparison(self, scope: Scope, depth: int) -> Expr:
        left, right = self.comparable(scope, depth)
        roll = self.random.random()
        if left.type == right.type == TIMESTAMP and roll < 0.4:
            options = [self.random.choice(_COMPARISONS_SAID), self.random.choice(["'1 day'", "'36 hours'", "'-1 month'", "'1 year'"])]
            return self.call("apart", BOOL, left, right, options=options)
        if roll < 0.12:
            return self.call(self.random.choice(["distinct_from", "not_distinct_from"]), BOOL, left, right)
        if roll < 0.22 and left.type == right.type:
            third = self.exactly(left.type, scope, depth)
            return self.call(self.random.choice(["between", "not_between"]), BOOL, left, right, third)
        return self.call(self.random.choice(_COMPARISONS), BOOL, left, right)

    def in_list(self, scope: Scope, depth: int) -> Expr:
        kind = self.random.choice(("int", "int", "text", "date", "float", "decimal"))
        arg = self.make(kind, scope, depth)
        if isinstance(arg, Case):  # DuckDB 2.0 takes `CASE WHEN b THEN 'a' END IN ('a')` for true where b is false
            arg = self.leaf(kind, scope)
        values = []
        for _ in range(self.random.randint(1, 5)):
            values.append(self.literal_of(arg.type) if self.random.random() < 0.85 else self.null(arg.type))
        if self.random.random() < 0.15:
            values.append(self.exactly(arg.type, scope, depth - 1))
        return InList(arg=arg, values=tuple(values), negated=self.random.random() < 0.4, type=BOOL, plain=True)

    def of_texts(self, scope: Scope, depth: int) -> Expr:
        r = self.random
        arg = self.make("text", scope, depth)
        op = r.choice(("like", "like", "not_like", "ilike", "regexp_like", "regexp_operator", "similar_to", "starts_with", "ends_with",
                       "contains"))
        if op == "similar_to" and "similar_to" not in self.features:
            op = "regexp_like"
        if op == "ilike" and not arg.plain:
            op = "like"
        if op in ("like", "not_like", "ilike"):
            return self.call(op, BOOL, arg, options=[r.choice(_PATTERNS)])
        if op in ("regexp_like", "regexp_operator"):
            return self.call(op, BOOL, arg, options=[r.choice(_REGEXES)])
        if op == "similar_to":
            return self.call(op, BOOL, arg, options=r.choice(_SIMILAR))
        return self.call(op, BOOL, arg, self.make("text", scope, depth - 1))

    def of_lists(self, scope: Scope) -> Expr:
        lists = [e for e in scope.leaves if e.type.kind == "list"]
        if not lists:
            return self.comparison(scope, 0)
        chosen = self.random.choice(lists)
        return self.call("array_has", BOOL, chosen, self.exactly_literal(chosen.type.arguments[0]))

    def exactly_literal(self, t: SqlType) -> Expr:
        return self.literal_of(t)

    def int(self, scope: Scope, depth: int) -> Expr:
        r = self.random
        roll = r.random()
        if roll < 0.42:
            a, b = self.make("int", scope, depth - 1), self.make("int", scope, depth - 1)
            op = r.choice(["add", "subtract", "multiply", "add", "subtract"])
            t = sql_types.meet(a.type, b.type)
            bound = a.bound * b.bound if op == "multiply" else a.bound + b.bound
            return a if bound > sql_types.largest(t) else self.call(op, t, a, b, bound=bound)
        if roll < 0.52:
            a, b = self.make("int", scope, depth - 1), self.make("int", scope, depth - 1)
            t = sql_types.meet(a.type, b.type)
            if r.random() < 0.5:
                return self.call("divide_int", INT64, a, b, bound=a.bound) if a.bound < sql_types.largest(t) else a
            a = self.convert(a, INT32, scope) if a.type == INT16 else a
            return self.call("modulo", t if t != INT16 else INT32, a, self.literal_number(t, 1), bound=a.bound)
        if roll < 0.58:
            a = self.make("int", scope, depth - 1)
            return a if a.bound > sql_types.largest(a.type) else self.call(r.choice(["abs", "negate"]), a.type, a, bound=a.bound)
        if roll < 0.62:
            a, b = self.exactly(INT64, scope, depth - 1), self.exactly(INT64, scope, depth - 1)
            return self.call(r.choice(["bit_and", "bit_or"] + ["xor"] * ("xor" in self.features)), INT64, a, b, bound=clamp(2 * max(a.bound, b.bound) + 1, 2.0**63))
        if roll < 0.74:
            a = self.make("text", scope, depth - 1)
            op = r.choice(["length", "length", "octet_length", "ascii", "strpos", "levenshtein", "digits_to_int"])
            if op == "digits_to_int" and "guarded_cast" not in self.features:
                op = "length"
            if op == "digits_to_int":
                return self.call(op, INT32, a, bound=10**9)
            if op == "ascii" and not a.plain:
                op = "length"
            if op in ("strpos", "levenshtein"):
                b = self.make("text", scope, depth - 1)
                if op == "levenshtein" and not (a.plain and b.plain):
                    op = "strpos"
                return self.call(op, INT32, a, b, bound=4000)
            return self.call(op, INT32, a, bound=4000)
        if roll < 0.84:
            return self.part_of_time(scope, depth - 1)
        if roll < 0.88:
            return Cast(arg=self.bool(scope, depth - 1), type=r.choice([INT32, INT64]), bound=1, plain=True)
        if roll < 0.93:
            a = self.make("decimal", scope, depth - 1)
            if a.bound < 10**9:
                return self.call("decimal_to_int", INT64, a, bound=a.bound, options=["BIGINT", "BIGINT"])
        lists = [e for e in scope.leaves if e.type.kind == "list"]
        if lists and roll < 0.97:
            chosen = r.choice(lists)
            if chosen.type.arguments[0].is_int and r.random() < 0.6:
                return self.call("element", chosen.type.arguments[0], chosen, bound=10, options=[r.choice([1, 2, 3, 9])])
            return self.call("array_length", INT64, chosen, bound=100)
        structs = [e for e in scope.leaves if e.type.kind == "struct"]
        if structs:
            return self.call("field", INT32, r.choice(structs), bound=10, options=["x"])
        return self.leaf("int", scope)

    def literal_number(self, t: SqlType, least: int) -> Expr:
        value = self.random.choice([least, 2, 3, 7])
        t = INT32 if t == INT16 else t
        return Literal(value=value, type=t, bound=value, plain=True)

    def part_of_time(self, scope: Scope, depth: int) -> Expr:
        r = self.random
        kind = r.choice(["date", "timestamp"])
        a = self.make(kind, scope, depth)
        if not a.plain:
            a = self.literal_of(SqlType(kind))
        if kind == "date" and r.random() < 0.3:
            b = self.make("date", scope, depth)
            return self.call("days_between", INT64, a, b if b.plain else a, bound=10**7)
        part = r.choice(["year", "month", "day", "dow", "doy", "week", "quarter"] + ["hour", "minute"] * (kind == "timestamp"))
        if r.random() < 0.5:
            return self.call("date_part", INT32, a, bound=10000, options=[f"'{part}'"])
        return self.call("extract", INT32, a, bound=10000, options=[part])

    def float(self, scope: Scope, depth: int) -> Expr:
        r = self.random
        roll = r.random()
        if roll < 0.45:
            a = self.exactly(FLOAT64, scope, depth - 1)
            b = self.exactly(FLOAT64, scope, depth - 1)
            op = r.choice(["add", "subtract", "multiply"])
            bound = a.bound * b.bound if op == "multiply" else a.bound + b.bound
            return self.call(op, FLOAT64, a, b, bound=bound)
        if roll < 0.55:
            a, b = self.exactly(FLOAT64, scope, depth - 1), self.exactly(FLOAT64, scope, depth - 1)
            return self.call("divide", FLOAT64, a, b, bound=float("inf"))
        if roll < 0.72:
            a = self.exactly(FLOAT64, scope, depth - 1)
            return self.call(r.choice(["floor", "ceil", "round", "trunc", "abs", "negate", "sqrt"]), FLOAT64, a,
                             bound=a.bound + 1)
        if roll < 0.9:
            a = self.make("int", scope, depth - 1)
            return Cast(arg=a, type=FLOAT64, bound=a.bound, plain=a.plain)
        if roll < 0.95:
            a = self.make("decimal", scope, depth - 1)
            if a.bound < 10**6:
                return Cast(arg=a, type=FLOAT64, bound=float("inf"), plain=a.plain)
        return self.leaf("float", scope)

    def decimal(self, scope: Scope, depth: int) -> Expr:
        r = self.random
        roll = r.random()
        if roll < 0.5:
            a, b = self.make("decimal", scope, depth - 1), self.make("decimal", scope, depth - 1)
            op = r.choice(["add", "subtract", "multiply"])
            (p1, s1), (p2, s2) = a.type.arguments, b.type.arguments
            if op == "multiply":
                precision, scale, bound = p1 + p2 + 1, s1 + s2, a.bound * b.bound
            else:
                precision, scale, bound = max(p1 - s1, p2 - s2) + max(s1, s2) + 1, max(s1, s2), a.bound + b.bound
            if precision <= 38 and scale <= 12 and bound < 10.0 ** (precision - scale - 1):
                return self.call(op, sql_types.decimal(precision, scale), a, b, bound=bound)
            return a
        if roll < 0.65:
            a = self.make("decimal", scope, depth - 1)
            return self.call(r.choice(["abs", "negate"]), a.type, a, bound=a.bound)
        if roll < 0.8:
            a = self.make("int", scope, depth - 1)
            t = sql_types.decimal(r.choice([12, 20]), r.choice([0, 2]))
            if a.bound < sql_types.largest(t):
                return Cast(arg=a, type=t, bound=a.bound, plain=a.plain)
        if roll < 0.95:
            a = self.make("decimal", scope, depth - 1)
            precision, scale = a.type.arguments
            wanted = sql_types.decimal(min(38, precision + 2), r.choice([scale, max(0, scale - 1), scale + 1]))
            if a.bound + 1 < sql_types.largest(wanted):
                return Cast(arg=a, type=wanted, bound=a.bound + 1, plain=a.plain)
        return self.leaf("decimal", scope)

    def text(self, scope: Scope, depth: int) -> Expr:
        r = self.random
        roll = r.random()
        a = self.make("text", scope, depth - 1)
        if roll < 0.25:
            b = self.make("text", scope, depth - 1)
            if a.bound + b.bound > 2000:
                return a
            return self.call(r.choice(["concat_operator", "concat_operator", "concat", "concat_ws"]), TEXT, a, b, bound=a.bound + b.bound + 1)
        if roll < 0.35 and a.plain:
            return self.call(r.choice(["upper", "lower", "reverse"]), TEXT, a, bound=a.bound)
        if roll < 0.45:
            op = r.choice(["substr", "substr_from", "left", "right"])
            options = [r.choice([1, 2, 3])] + ([r.choice([0, 1, 2, 5])] if op == "substr" else [])
            return self.call(op, TEXT, a, bound=a.bound, options=options)
        if roll < 0.55:
            op = r.choice(["trim", "ltrim", "rtrim", "btrim"])
            return self.call(op, TEXT, a, bound=a.bound, options=[] if op == "trim" else [r.choice(["'a'", "' '", "'ab'"])])
        if roll < 0.65:
            op = r.choice(["replace", "translate", "split_part"])
            options = {"replace": ["'a'", r.choice(["'b'", "''", "'xx'"])], "translate": ["'ab'", "'xy'"],
                       "split_part": [r.choice(["'-'", "'a'"]), r.choice([1, 2])]}[op]
            return self.call(op, TEXT, a, bound=2 * a.bound, options=options)
        if roll < 0.72 and a.bound < 500:
            op = r.choice(["repeat", "lpad", "rpad"])
            return self.call(op, TEXT, a, bound=a.bound * 3 + 9, options=[r.choice([0, 1, 3])] if op == "repeat" else [r.choice([1, 4, 9]), "'*'"])
        if roll < 0.76:
            return self.call("md5", TEXT, a, bound=32, plain=True)
        if roll < 0.9:
            inner = self.make(r.choice(["int", "bool", "date"]), scope, depth - 1)
            if not inner.plain and inner.type == DATE:
                return a
            return Cast(arg=inner, type=TEXT, bound=20, plain=True)
        if roll < 0.94:
            d = self.make("date", scope, depth - 1)
            if d.plain:
                return self.call("to_char", TEXT, d, bound=20, options=[r.choice(["'%Y-%m'", "'%d/%m/%Y'", "'%j'"])])
        structs = [e for e in scope.leaves if e.type.kind == "struct"]
        if structs:
            return self.call("field", TEXT, r.choice(structs), bound=5, options=["y"], plain=True)
        lists = [e for e in scope.leaves if e.type.kind == "list"]
        if lists:
            chosen = r.choice(lists)
            if chosen.type.arguments[0] == TEXT:
                return self.call("element", TEXT, chosen, bound=5, options=[r.choice([1, 2, 5])], plain=True)
            return self.call("array_to_string", TEXT, chosen, bound=40, plain=True)
        return a

    def date(self, scope: Scope, depth: int) -> Expr:
        r = self.random
        roll = r.random()
        a = self.make("date", scope, depth - 1)
        if roll < 0.1 and a.plain:
            days = Literal(value=r.choice([-40, 1, 7, 366]), type=INT32, bound=366, plain=True)
            return self.call("date_plus_days", DATE, a, days)
        if roll < 0.4 and a.plain:
            step = r.choice(["1 day", "-3 days", "1 month", "1 year", "-1 month", "2 weeks"])
            return self.call("date_plus", DATE, a, options=[f"'{step}'"])
        if roll < 0.6:
            t = self.make("timestamp", scope, depth - 1)
            if t.plain:
                return Cast(arg=t, type=DATE, bound=0, plain=True)
        if roll < 0.75 and a.plain:
            unit = r.choice(["month", "year", "week", "quarter"])
            return Cast(arg=self.call("date_trunc", TIMESTAMP, a, options=[f"'{unit}'"]), type=DATE, bound=0, plain=True)
        if roll < 0.85:
            months = self.literal_of(INT32)
            return self.call("make_date", DATE, Literal(value=2024, type=INT32, bound=2024, plain=True),
                             Literal(value=1 + abs(months.value) % 12, type=INT32, bound=12, plain=True),
                             Literal(value=r.choice([1, 15, 28]), type=INT32, bound=28, plain=True))
        return a

    def timestamp(self, scope: Scope, depth: int) -> Expr:
        r = self.random
        roll = r.random()
        a = self.make("timestamp", scope, depth - 1)
        if not a.plain:
            return a
        if roll < 0.35:
            step = r.choice(["1 day", "-90 minutes", "1 month", "36 hours", "1 year", "10 seconds"])
            return self.call("time_plus", TIMESTAMP, a, options=[f"'{step}'"])
        if roll < 0.65:
            return self.call("date_trunc", TIMESTAMP, a, options=[r.choice(["'hour'", "'day'", "'month'", "'minute'", "'second'", "'week'"])])
        if roll < 0.85:
            d = self.make("date", scope, depth - 1)
            if d.plain and r.random() < 0.4:
                return self.call("date_plus_hours", TIMESTAMP, d, options=[r.choice(["'1 hour'", "'-25 hours'", "'1 month 90 minutes'"])])
            if d.plain:
                return Cast(arg=d, type=TIMESTAMP, bound=0, plain=True)
        return a

    def nested(self, kind: str, scope: Scope, depth: int) -> Expr:
        r = self.random
        fit = [e for e in scope.leaves if e.type.kind == kind]
        if fit and r.random() < 0.6:
            chosen = r.choice(fit)
            if kind == "list" and r.random() < 0.3:
                return self.call("array_append", chosen.type, chosen, self.exactly(chosen.type.arguments[0], scope, 1))
            return chosen
        if kind == "list":
            element = r.choice([INT32, TEXT])
            return self.call("make_array", sql_types.list_of(element), *(self.exactly(element, scope, depth - 1) for _ in range(r.randint(1, 3))))
        x, y = self.exactly(INT32, scope, depth - 1), self.exactly(TEXT, scope, depth - 1)
        return self.call("make_struct", sql_types.struct_of(("x", INT32), ("y", TEXT)), x, y)
