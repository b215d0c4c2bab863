# SPDX-License-Identifier: Apache-2.0
"""Writes a query tree in the SQL of one engine.

In: a query. Out: its text, or `Unsupported` where the engine has no way to say it with the same meaning. What must be said in another way
to mean the same is said here or in `operators`; docs/differences.md lists it.
"""

from __future__ import annotations

import datetime
import decimal
import math

import operators
import syntax
from sql_types import SqlType, duckdb_name, sqlite_name, weir_name


class Unsupported(Exception):
    """The dialect cannot say it."""


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if not (name.isascii() and name.isalnum() and name == name.lower()) or name in (
        "select", "order", "group") else name


class Printer:
    """The parts that all dialects share; written for Weir."""

    position = 0  # in templates
    ordered_result = False

    def type_name(self, sql_type: SqlType) -> str:
        return weir_name(sql_type)

    # Expressions

    def expr(self, e: syntax.Expr) -> str:
        return getattr(self, type(e).__name__.lower())(e)

    def column(self, e) -> str:
        return quote(e.name) if e.relation is None else f"{e.relation}.{quote(e.name)}"

    def literal(self, e) -> str:
        value, kind = e.value, e.type.kind
        if value is None:
            return f"CAST(NULL AS {self.type_name(e.type)})"
        if kind == "bool":
            return "TRUE" if value else "FALSE"
        if kind == "text":
            return text(value)
        if kind == "date":
            return f"DATE '{value.isoformat()}'"
        if kind == "timestamp":
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        if kind == "int64":
            return self.big_literal(value)
        if kind in ("float32", "float64") and not math.isfinite(value):
            return f"CAST('{'NaN' if math.isnan(value) else 'Infinity' if value > 0 else '-Infinity'}' AS {self.type_name(e.type)})"
        if kind == "float64":
            return f"({value!r}e0)" if "e" not in repr(value) else f"({value!r})"
        return f"CAST({value} AS {self.type_name(e.type)})"

    def big_literal(self, value: int) -> str:
        return f"({value})" if value < 0 else str(value)

    def call(self, e) -> str:
        template = operators.TEMPLATES[e.op][self.position]
        if template is None:
            raise Unsupported(e.op)
        args = [self.expr(a) for a in e.args]
        options = {f"o{i}": option for i, option in enumerate(e.options)}
        return template.replace("{*}", "{all}").format(*args, all=", ".join(args), order="", **options)

    def cast(self, e) -> str:
        return f"{'TRY_CAST' if e.is_try else 'CAST'}({self.expr(e.arg)} AS {self.type_name(e.type)})"

    def case(self, e) -> str:
        branches = " ".join(f"WHEN {self.expr(b.condition)} THEN {self.expr(b.value)}" for b in e.branches)
        return f"CASE {branches}{'' if e.otherwise is None else ' ELSE ' + self.expr(e.otherwise)} END"

    def inlist(self, e) -> str:
        return f"({self.expr(e.arg)} {'NOT ' if e.negated else ''}IN ({', '.join(self.expr(v) for v in e.values)}))"

    def sort_keys(self, keys) -> str:
        if not keys:
            return ""
        return "ORDER BY " + ", ".join(f"{self.sort_expr(k.expr)} {'DESC' if k.descending else 'ASC'} NULLS "
                                       f"{'FIRST' if k.nulls_first else 'LAST'}" for k in keys)

    def sort_expr(self, e) -> str:
        """Both zeros sort alike in some engines only: they become one here."""
        said = self.expr(e)
        return f"CASE WHEN {said} = 0 THEN 0 ELSE {said} END" if e.type.is_float else said

    def aggregate(self, e) -> str:
        template = operators.TEMPLATES[e.op][self.position]
        if template is None or (e.order and "{order}" not in template):
            raise Unsupported(e.op)
        args = [self.expr(a) for a in e.args]
        if e.distinct:
            args[0] = "DISTINCT " + args[0]
        said = template.format(*args, order=self.sort_keys(e.order))
        return said if e.filter is None else f"{said} FILTER (WHERE {self.expr(e.filter)})"

    def window(self, e) -> str:
        template = operators.TEMPLATES[e.op][self.position]
        if template is None:
            raise Unsupported(e.op)
        options = {f"o{i}": option for i, option in enumerate(e.options)}
        said = template.format(*(self.expr(a) for a in e.args), order="", **options)
        partition = "PARTITION BY " + ", ".join(self.expr(p) for p in e.partition) if e.partition else ""
        over = " ".join(part for part in (partition, self.sort_keys(e.order), e.frame) if part)
        return f"{self.ignoring(said, e.ignore_nulls)} OVER ({over})"

    def ignoring(self, said: str, ignore_nulls: bool) -> str:
        return said + " IGNORE NULLS" if ignore_nulls else said

    def valueof(self, e) -> str:
        return f"({self.query(e.query)})"

    def exists(self, e) -> str:
        return f"({'NOT ' if e.negated else ''}EXISTS ({self.query(e.query)}))"

    def inquery(self, e) -> str:
        return f"({self.expr(e.arg)} {'NOT ' if e.negated else ''}IN ({self.query(e.query)}))"

    def quantified(self, e) -> str:
        return f"({self.expr(e.arg)} {e.op} {e.quantifier} ({self.query(e.query)}))"

    # Relations

    def relation(self, r: syntax.Relation) -> str:
        if isinstance(r, syntax.Table):
            return f"{r.name} AS {r.alias}"
        if isinstance(r, syntax.Derived):
            if isinstance(r.query, syntax.Values):
                return self.derived_values(r)
            return f"({self.query(r.query)}) AS {r.alias}"
        kind = {"SEMI": "LEFT SEMI", "ANTI": "LEFT ANTI"}.get(r.kind, r.kind)
        return self.join(r, self.join_kind(kind))

    def join_kind(self, kind: str) -> str:
        return kind

    def join(self, r: syntax.Join, kind: str) -> str:
        right = self.relation(r.right)
        if isinstance(r.right, syntax.Join):
            right = f"({right})"
        said = f"{self.relation(r.left)} {'NATURAL ' if r.natural else ''}{kind} JOIN {right}"
        if r.using:
            return f"{said} USING ({', '.join(quote(name) for name in r.using)})"
        return said if r.condition is None else f"{said} ON {self.expr(r.condition)}"

    def derived_values(self, r) -> str:
        return f"({self.query(r.query)}) AS {r.alias}({', '.join(quote(name) for name in r.query.names)})"

    # Queries

    def query(self, q: syntax.Query) -> str:
        return getattr(self, type(q).__name__.lower())(q)

    def item(self, item: syntax.Item) -> str:
        return f"{self.expr(item.expr)} AS {quote(item.name)}"

    def select(self, q) -> str:
        parts = ["SELECT"]
        if q.distinct_on:
            parts.append(f"DISTINCT ON ({', '.join(self.expr(e) for e in q.distinct_on)})")
        elif q.distinct:
            parts.append("DISTINCT")
        parts.append(", ".join(self.item(item) for item in q.items))
        if q.source is not None:
            parts.append("FROM " + self.relation(q.source))
        if q.where is not None:
            parts.append("WHERE " + self.expr(q.where))
        if q.group is not None and q.group.keys:
            parts.append("GROUP BY " + self.grouping(q.group))
        if q.having is not None:
            parts.append("HAVING " + self.expr(q.having))
        if q.order:
            parts.append(self.sort_keys(q.order))
        if q.limit is not None:
            parts.append(f"LIMIT {q.limit}")
        if q.offset is not None:
            parts.append(f"OFFSET {q.offset}")
        return " ".join(parts)

    def grouping(self, group: syntax.Group) -> str:
        keys = [self.expr(e) for e in group.keys]
        if group.kind == "plain":
            return ", ".join(keys)
        if group.kind in ("rollup", "cube"):
            return f"{group.kind.upper()}({', '.join(keys)})"
        sets = ", ".join("(" + ", ".join(keys[i] for i in chosen) + ")" for chosen in group.sets)
        return f"GROUPING SETS ({sets})"

    def setoperation(self, q) -> str:
        return f"{self.branch(q.left)} {q.op}{' ALL' if q.all else ''} {self.branch(q.right)}"

    def branch(self, q) -> str:
        plain = isinstance(q, syntax.Select) and not q.order and q.limit is None and q.offset is None
        return self.query(q) if plain else f"({self.query(q)})"

    def values(self, q) -> str:
        return "VALUES " + ", ".join("(" + ", ".join(self.expr(e) for e in row) + ")" for row in q.rows)

    def with_(self, q) -> str:
        raise NotImplementedError

    def recursive(self, q) -> str:
        return (f"WITH RECURSIVE {q.name}({', '.join(q.columns)}) AS ({self.query(q.base)} UNION{' ALL' if q.all else ''} "
                f"{self.query(q.step)}) {self.query(q.body)}")


def _with(self, q) -> str:
    inner = self.query(q.body)
    head = f"{q.name} AS ({self.query(q.query)})"
    return f"WITH {head}, {inner[5:]}" if isinstance(q.body, syntax.With) else f"WITH {head} {inner}"


setattr(Printer, "with", _with)  # a node's class gives the method's name


class DuckdbPrinter(Printer):
    """DuckDB's results get the type that Weir's have: its sums and lengths are wider."""

    position = 1

    def type_name(self, sql_type):
        return duckdb_name(sql_type)

    def big_literal(self, value):
        return f"CAST({value} AS BIGINT)"

    def item(self, item):
        e = item.expr
        said = self.expr(e)
        if not isinstance(e, syntax.Column) and not (isinstance(e, syntax.Call) and e.op == "unnest"):
            said = f"CAST({said} AS {duckdb_name(e.type)})"
        return f"{said} AS {quote(item.name)}"

    def join_kind(self, kind):
        return kind.removeprefix("LEFT ") if kind in ("LEFT SEMI", "LEFT ANTI") else kind

    def call(self, e):
        """Products of short decimals would have 18 digits at most."""
        if e.op == "multiply" and e.type.kind == "decimal" and all(a.type.arguments[0] < 19 for a in e.args):
            return f"(CAST({self.expr(e.args[0])} AS DECIMAL(19,{e.args[0].type.arguments[1]})) * {self.expr(e.args[1])})"
        return super().call(e)

    def setoperation(self, q):
        """Each branch gets the types that both meet in, since those of decimals and integers meet in others here."""
        sides = [[e.type for _, e in syntax.outputs(side)] for side in (q.left, q.right)]
        if sides[0] == sides[1]:
            return super().setoperation(q)
        met = list(q.met)
        said = f"{self._converted(q.left, q, met)} {q.op}{' ALL' if q.all else ''} {self._converted(q.right, q, met)}"
        if met == list(q.types):
            return said
        columns = ", ".join(f"CAST(b.{quote(n)} AS {duckdb_name(t)}) AS {quote(n)}" for (n, _), t in zip(syntax.outputs(q), q.types))
        return f"SELECT {columns} FROM ({said}) AS b"

    def _converted(self, branch, q, types):
        names = [name for name, _ in syntax.outputs(branch)]
        wanted = [name for name, _ in syntax.outputs(q)]
        columns = ", ".join(f"CAST(b.{quote(a)} AS {duckdb_name(t)}) AS {quote(w)}" for a, t, w in zip(names, types, wanted))
        return f"SELECT {columns} FROM ({self.query(branch)}) AS b" + (
            f"({', '.join(quote(n) for n in names)})" if isinstance(branch, syntax.Values) else "")

    def ignoring(self, said, ignore_nulls):
        return said[:-1] + " IGNORE NULLS)" if ignore_nulls else said


class SqlitePrinter(Printer):
    """SQLite has no booleans, dates, decimals or nested types: dates are texts, the others are refused."""

    position = 2

    def quantified(self, e) -> str:
        raise Unsupported(e.quantifier)

    def type_name(self, sql_type):
        if sql_type.kind in ("decimal", "list", "struct"):
            raise Unsupported(sql_type.kind)
        return sqlite_name(sql_type)

    def column(self, e):
        if e.type.kind in ("decimal", "list", "struct", "float32"):
            raise Unsupported(e.type.kind)
        return super().column(e)

    def literal(self, e):
        value, kind = e.value, e.type.kind
        if value is None:
            return "NULL"
        if isinstance(value, decimal.Decimal) or kind == "float32":
            raise Unsupported(kind)
        if kind in ("float64",) and not math.isfinite(value):
            raise Unsupported("NaN and infinities")
        if kind == "bool":
            return "1" if value else "0"
        if isinstance(value, datetime.datetime):
            return text(sqlite_timestamp(value))
        if isinstance(value, datetime.date):
            return text(value.isoformat())
        if kind == "float64":
            return f"({value!r})"
        return self.big_literal(value) if kind != "text" else text(value)

    def cast(self, e):
        pair = (e.arg.type.kind, e.type.kind)
        widening = e.arg.type.is_int and e.type.is_int or pair[0] == "bool" and e.type.is_int or e.arg.type.is_int and pair[1] == "float64"
        if e.is_try or not (widening or e.arg.type.is_int and pair[1] == "text" or e.arg.type == e.type):
            raise Unsupported("CAST")
        return super().cast(e)

    def select(self, q):
        if q.distinct_on or (q.group is not None and q.group.kind != "plain"):
            raise Unsupported("DISTINCT ON, grouping sets")
        if q.offset is not None and q.limit is None:
            raise Unsupported("OFFSET without LIMIT")
        return super().select(q)

    def join(self, r, kind):
        if "SEMI" in kind or "ANTI" in kind:
            raise Unsupported(kind)
        return super().join(r, kind)

    def setoperation(self, q):
        if q.all and q.op != "UNION":
            raise Unsupported(f"{q.op} ALL")
        if any(t.is_float or t.kind == "decimal" for side in (q.left, q.right) for t in (e.type for _, e in syntax.outputs(side))):
            raise Unsupported("numbers of several types")
        return super().setoperation(q)

    def branch(self, q):
        return f"SELECT * FROM ({self.query(q)})"

    def derived_values(self, r):
        if len(r.query.rows) == 0:
            raise Unsupported("empty VALUES")
        columns = ", ".join(f"column{i + 1} AS {quote(name)}" for i, name in enumerate(r.query.names))
        return f"(SELECT {columns} FROM ({self.query(r.query)})) AS {r.alias}"

    def ignoring(self, said, ignore_nulls):
        if ignore_nulls:
            raise Unsupported("IGNORE NULLS")
        return said


def sqlite_timestamp(value: datetime.datetime) -> str:
    return value.isoformat(sep=" ", timespec="microseconds")


PRINTERS = {"weir": Printer(), "duckdb": DuckdbPrinter(), "sqlite": SqlitePrinter()}


def say(query: syntax.Query, dialect: str) -> str:
    """The text of `query`. Raises Unsupported."""
    return PRINTERS[dialect].query(query)
