# SPDX-License-Identifier: Apache-2.0
"""Random queries with subqueries at every place, over small tables of small integers and NULL, for other engines to answer as well."""

import random

TABLES = ("ta", "tb", "tc")
COLUMNS = ("i", "j", "k")


def tables(rng: random.Random) -> dict[str, list[tuple]]:
    """Rows of each table: some empty, with duplicates and NULL."""
    value = lambda: rng.choice([None, 0, 1, 2, 3, 1, 2])
    return {name: [tuple(value() for _ in COLUMNS) for _ in range(rng.choice([0, 1, 3, 5, 7]))] for name in TABLES}


class Queries:
    """Makes queries. Every LIMIT has an order that decides its values, so that engines agree."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.aliases = 0

    def query(self) -> str:
        rng = self.rng
        relation, scope = self.relation()
        shape = rng.choice(["where", "where", "where", "select", "select", "group", "having", "aggregate", "join", "lateral"])
        if shape == "where":
            return f"SELECT {self.column(scope)} AS c0, {self.column(scope)} AS c1 FROM {relation} WHERE {self.condition([scope], 2)}"
        if shape == "select":
            return (f"SELECT {self.column(scope)} AS c0, {self.truth(self.condition([scope], 2))} AS c1, {self.value([scope], 2)} AS c2 "
                    f"FROM {relation} WHERE {self.condition([scope], 0)}")
        if shape == "group":
            key = self.truth(self.condition([scope], 2))
            return f"SELECT q.c0 AS c0, count(*) AS c1 FROM (SELECT {key} AS c0 FROM {relation}) AS q GROUP BY q.c0"
        if shape == "having":
            key = rng.choice(scope)
            return f"SELECT {key} AS c0, count(*) AS c1 FROM {relation} GROUP BY {key} HAVING {self.condition([[key]], 2)}"
        if shape == "aggregate":
            return f"SELECT sum(CASE WHEN {self.condition([scope], 2)} THEN 1 ELSE 0 END) AS c0, count(*) AS c1 FROM {relation}"
        if shape == "lateral":
            kind = rng.choice(["JOIN", "LEFT JOIN"])
            return (f"SELECT {self.column(scope)} AS c0, q.x AS c1 FROM {relation} {kind} LATERAL ({self.subquery([scope], 0)}) AS q (x) "
                    f"ON {rng.choice(['true', f'q.x > {self.column(scope)}', f'q.x = {self.column(scope)}'])}")
        left, right = self.table(), self.table()
        scope = left[1] + right[1]
        kind = rng.choice(["JOIN", "JOIN", "LEFT JOIN"])
        side = scope if kind == "JOIN" else rng.choice([left[1], right[1]])
        return (f"SELECT {self.column(left[1])} AS c0, {self.column(right[1])} AS c1 FROM {left[0]} {kind} {right[0]} "
                f"ON {self.column(left[1])} = {self.column(right[1])} AND {self.condition([side], 1)}")

    def table(self) -> tuple[str, list[str]]:
        self.aliases += 1
        alias = f"a{self.aliases}"
        return f"{self.rng.choice(TABLES)} AS {alias}", [f"{alias}.{column}" for column in COLUMNS]

    def relation(self) -> tuple[str, list[str]]:
        left = self.table()
        if self.rng.random() < 0.7:
            return left
        right = self.table()
        kind = self.rng.choice(["JOIN", "LEFT JOIN"])
        return f"{left[0]} {kind} {right[0]} ON {self.column(left[1])} = {self.column(right[1])}", left[1] + right[1]

    def column(self, scope: list[str]) -> str:
        return self.rng.choice(scope)

    def truth(self, condition: str) -> str:
        """Three values as numbers, which all engines show alike."""
        return f"CASE WHEN {condition} THEN 1 WHEN NOT ({condition}) THEN 0 END"

    def any_column(self, scopes: list[list[str]]) -> str:
        return self.column(scopes[-1] if self.rng.random() < 0.6 else self.rng.choice(scopes))

    def simple(self, scopes: list[list[str]]) -> str:
        rng = self.rng
        left = self.any_column(scopes)
        roll = rng.random()
        if roll < 0.15:
            return f"{left} IS {rng.choice(['', 'NOT '])}NULL"
        if roll < 0.25:
            return f"{left} IS {rng.choice(['', 'NOT '])}DISTINCT FROM {self.any_column(scopes)}"
        right = self.any_column(scopes) if rng.random() < 0.7 else str(rng.randrange(4))
        return f"{left} {rng.choice(['=', '=', '<', '>', '<=', '<>'])} {right}"

    def condition(self, scopes: list[list[str]], depth: int) -> str:
        rng = self.rng
        roll = rng.random()
        if depth == 0:
            return self.simple(scopes) if roll < 0.6 else f"({self.simple(scopes)} {rng.choice(['AND', 'OR'])} {self.simple(scopes)})"
        if roll < 0.12:
            return f"({self.condition(scopes, depth)} {rng.choice(['AND', 'OR'])} {self.condition(scopes, depth - 1)})"
        if roll < 0.2:
            return f"NOT ({self.condition(scopes, depth)})"
        if roll < 0.28:
            return f"({self.condition(scopes, depth)}) IS {rng.choice(['', 'NOT '])}{rng.choice(['TRUE', 'NULL', 'FALSE'])}"
        if roll < 0.55:
            return f"{rng.choice(['', 'NOT '])}EXISTS ({self.subquery(scopes, depth - 1)})"
        if roll < 0.85:
            return f"{self.operand(scopes)} {rng.choice(['', 'NOT '])}IN ({self.subquery(scopes, depth - 1)})"
        return f"{self.operand(scopes)} {rng.choice(['=', '<', '>='])} {self.value(scopes, depth)}"

    def operand(self, scopes: list[list[str]]) -> str:
        roll = self.rng.random()
        if roll < 0.75:
            return self.any_column(scopes)
        return str(self.rng.randrange(4)) if roll < 0.9 else f"{self.any_column(scopes)} + 1"

    def inner(self, scopes: list[list[str]], depth: int) -> tuple[str, list[list[str]]]:
        relation, scope = self.relation()
        scopes = [*scopes, scope]
        return f"FROM {relation} WHERE {self.condition(scopes, depth if self.rng.random() < 0.4 else 0)}", scopes

    def subquery(self, scopes: list[list[str]], depth: int) -> str:
        """Of one column."""
        rng = self.rng
        body, inner = self.inner(scopes, depth)
        column = self.column(inner[-1])
        other = self.column(inner[-1])
        shape = rng.choice(["plain", "plain", "plain", "aggregate", "having", "group", "distinct", "limit", "union", "with", "derived"])
        if shape == "plain":
            return f"SELECT {column} {body}"
        if shape == "aggregate":
            return f"SELECT {self.aggregate(column)} {body}"
        if shape == "having":
            return f"SELECT {self.aggregate(column)} {body} HAVING count(*) {rng.choice(['=', '>', '<'])} {rng.randrange(3)}"
        if shape == "group":
            return f"SELECT {rng.choice([column, 'count(*)', f'max({other})'])} {body} GROUP BY {column} HAVING count(*) > {rng.randrange(2)}"
        if shape == "distinct":
            return f"SELECT DISTINCT {column} {body}"
        if shape == "limit":
            order = f"ORDER BY {column} {rng.choice(['ASC', 'DESC'])} NULLS {rng.choice(['FIRST', 'LAST'])}"
            return f"SELECT {column} {body} {order} LIMIT {rng.randrange(3)} OFFSET {rng.randrange(3)}"
        if shape == "union":
            more, last = self.inner(scopes, 0)
            return f"SELECT {column} {body} UNION {rng.choice(['', 'ALL '])}SELECT {self.column(last[-1])} {more}"
        if shape == "with":
            return f"WITH w AS (SELECT {column} AS x {body}) SELECT w.x FROM w WHERE w.x {rng.choice(['>', '<='])} {rng.randrange(3)}"
        return f"SELECT d.x FROM (SELECT {column} AS x, {other} AS y {body}) AS d WHERE d.y IS NOT NULL"

    def aggregate(self, column: str) -> str:
        return self.rng.choice([f"max({column})", f"min({column})", "count(*)", f"count({column})", f"sum({column})",
                                f"coalesce(max({column}), 2)", "count(*) + 1"])

    def value(self, scopes: list[list[str]], depth: int) -> str:
        """A scalar subquery."""
        body, inner = self.inner(scopes, depth - 1 if depth > 1 else 0)
        column = self.column(inner[-1])
        if self.rng.random() < 0.75:
            return f"(SELECT {self.aggregate(column)} {body})"
        return f"(SELECT {column} {body} ORDER BY {column} NULLS {self.rng.choice(['FIRST', 'LAST'])} LIMIT 1)"
