# SPDX-License-Identifier: Apache-2.0
"""A naive model of one table under INSERT, UPDATE, DELETE, MERGE and OVERWRITE, and random statements for it.

In: a seed. Out: statements as SQL, and what they do to a list of rows, in plain Python. Rows are dictionaries; NULL is None. Conditions are
pairs of SQL text and a function of a row that returns True, False or None.
"""

import dataclasses
import math
import random

COLUMNS = ["k", "s", "f", "p"]
TEXTS = ["a", "b", "it''s", "ü"]
FLOATS = ["0.0", "-0.0", "1.5", "CAST('NaN' AS DOUBLE)", "1e300", "-2.25"]
PARTITIONS = ["x", "y z", "50%"]


def value_of(literal: str | None):
    """The value of a literal that the functions below write."""
    if literal is None:
        return None
    if literal.startswith("'"):
        return literal[1:-1].replace("''", "'")
    if "NaN" in literal:
        return math.nan
    return float(literal) if "." in literal or "e" in literal else int(literal)


def sql_of(literal: str | None) -> str:
    return "NULL" if literal is None else literal


def order(value):
    """Numbers with NaN above all."""
    return math.inf if isinstance(value, float) and math.isnan(value) else value


def compare(left, operator: str, right):
    if left is None or right is None:
        return None
    left, right = order(left), order(right)
    return {"=": left == right, "<>": left != right, "<": left < right, ">=": left >= right}[operator]


def conjunction(left, right):
    return False if left is False or right is False else None if left is None or right is None else True


def disjunction(left, right):
    return True if left is True or right is True else None if left is None or right is None else False


class Statements:
    """Random parts of statements over columns of a table that goes by `alias`."""

    def __init__(self, seed: int, texts: list[str], floats: list[str]):
        self.random = random.Random(seed)
        self.texts = texts
        self.floats = floats

    def literal(self, column: str) -> str | None:
        if self.random.random() < 0.15:
            return None
        if column == "k":
            return str(self.random.randrange(0, 12))
        if column == "f":
            return self.random.choice(self.floats)
        text = self.random.choice(self.texts if column == "s" else PARTITIONS)
        return f"'{text}'"

    def row(self) -> dict:
        return {column: self.literal(column) for column in COLUMNS}

    def condition(self, alias: str = "t", depth: int = 2):
        kind = self.random.randrange(6 if depth else 3)
        column = self.random.choice(COLUMNS)
        if kind == 0:
            negated = self.random.random() < 0.5
            return (f"{alias}.{column} IS {'NOT ' if negated else ''}NULL", lambda row: (row[column] is None) != negated)
        if kind in (1, 2):
            operator = self.random.choice(["=", "<>", "<", ">="]) if column in ("k", "f") else self.random.choice(["=", "<>"])
            literal = self.literal(column)
            if literal is None:
                return (f"{alias}.{column} IS NULL", lambda row: row[column] is None)
            return (f"{alias}.{column} {operator} {literal}", lambda row: compare(row[column], operator, value_of(literal)))
        left, of_left = self.condition(alias, depth - 1)
        if kind == 3:
            return f"NOT ({left})", lambda row: None if of_left(row) is None else not of_left(row)
        right, of_right = self.condition(alias, depth - 1)
        if kind == 4:
            return f"({left}) AND ({right})", lambda row: conjunction(of_left(row), of_right(row))
        return f"({left}) OR ({right})", lambda row: disjunction(of_left(row), of_right(row))

    def assignments(self, alias: str = "t"):
        """Texts of SET, and a function of a row that returns the new one."""
        chosen = self.random.sample(COLUMNS, self.random.randrange(1, 4))
        texts, changes = [], {}
        for column in chosen:
            kind = self.random.randrange(3)
            if column == "k" and kind == 0:
                texts.append(f"k = {alias}.k + 1")
                changes["k"] = lambda row: None if row["k"] is None else row["k"] + 1
            elif column == "s" and kind == 0:
                texts.append(f"s = CASE WHEN {alias}.s = 'a' THEN 'A' ELSE {alias}.p END")
                changes["s"] = lambda row: "A" if row["s"] == "a" else row["p"]
            else:
                literal = self.literal(column)
                texts.append(f"{column} = {sql_of(literal)}")
                changes[column] = lambda row, literal=literal: value_of(literal)
        return ", ".join(texts), lambda row: {**row, **{column: change(row) for column, change in changes.items()}}


@dataclasses.dataclass
class Effect:
    """What a statement does: the table's rows afterwards, and its change data."""

    rows: list[dict]
    changes: list[tuple[str, dict]]
    ambiguous: bool = False


class Model:
    def __init__(self, seed: int, table: str, first_rows: int = 6, texts: list[str] = TEXTS, floats: list[str] = FLOATS):
        self.statements = Statements(seed, texts, floats)
        self.random = self.statements.random
        self.table = table
        self.rows: list[dict] = []
        self.first_rows = first_rows

    def values(self, most: int = 6, least: int = 1) -> tuple[str, list[dict]]:
        rows = [self.statements.row() for _ in range(self.random.randrange(least, most))]
        if self.random.random() < 0.4:
            rows += rows[:2]  # duplicates
        text = ", ".join("(" + ", ".join(sql_of(row[column]) for column in COLUMNS) + ")" for row in rows)
        return text, [{column: value_of(row[column]) for column in COLUMNS} for row in rows]

    def next(self) -> tuple[str, Effect]:
        if len(self.rows) < self.first_rows // 3:
            return self.insert()
        kinds = [self.insert] * 3 + [self.update] * 3 + [self.delete] * 2 + [self.merge] * 4 + [self.overwrite, self.replace_where, self.insert_select]
        return self.random.choice(kinds)()

    def insert(self):
        text, rows = self.values() if len(self.rows) > self.first_rows // 3 else self.values(self.first_rows + 1, max(1, self.first_rows // 2))
        columns = self.random.sample(COLUMNS, len(COLUMNS))
        if self.random.random() < 0.5:
            sql = f"INSERT INTO {self.table} VALUES {text}"
        else:
            sql = f"INSERT INTO {self.table} ({', '.join(columns)}) SELECT {', '.join(columns)} FROM (VALUES {text}) AS v({', '.join(COLUMNS)})"
        return sql, Effect(self.rows + rows, [("insert", row) for row in rows])

    def insert_select(self):
        text, condition = self.statements.condition("o", 1)
        rows = [{**row, "s": None} for row in self.rows if condition(row) is True]
        sql = f"INSERT INTO {self.table} SELECT o.k, NULL, o.f, o.p FROM {self.table} AS o WHERE {text}"
        return sql, Effect(self.rows + rows, [("insert", row) for row in rows])

    def overwrite(self):
        text, rows = self.values(10)
        sql = f"INSERT OVERWRITE {self.table} VALUES {text}"
        return sql, Effect(rows, [("delete", row) for row in self.rows] + [("insert", row) for row in rows])

    def replace_where(self):
        text, rows = self.values()
        for row in rows:
            row["p"] = "x"
        sql = f"INSERT INTO {self.table} REPLACE WHERE p = 'x' SELECT k, s, f, 'x' FROM (VALUES {text}) AS v(k, s, f, p)"
        gone = [row for row in self.rows if row["p"] == "x"]
        kept = [row for row in self.rows if row["p"] != "x"]
        return sql, Effect(kept + rows, [("delete", row) for row in gone] + [("insert", row) for row in rows])

    def update(self):
        alias = self.random.choice(["t", "u"])
        text, condition = self.statements.condition(alias)
        assignments, change = self.statements.assignments(alias)
        named = f"{self.table} AS {alias}" if alias != "t" or self.table != "t" else self.table
        rows, changes = [], []
        for row in self.rows:
            if condition(row) is True:
                changes += [("update_preimage", row), ("update_postimage", change(row))]
                rows.append(change(row))
            else:
                rows.append(row)
        return f"UPDATE {named} SET {assignments} WHERE {text}", Effect(rows, changes)

    def delete(self):
        text, condition = self.statements.condition("t")
        gone = [row for row in self.rows if condition(row) is True]
        kept = [row for row in self.rows if condition(row) is not True]
        named = self.table if self.table == "t" else f"{self.table} t"
        return f"DELETE FROM {named} WHERE {text}", Effect(kept, [("delete", row) for row in gone])

    def merge(self):
        text, source = self.values(5)
        if self.random.random() < 0.7:
            source = [row for i, row in enumerate(source) if row["k"] not in [other["k"] for other in source[:i]]]
            text = ", ".join("(" + ", ".join(self.literal_of(row[column]) for column in COLUMNS) + ")" for row in source)
        on, matches = "t.k = s.k", lambda row, other: row["k"] is not None and row["k"] == other["k"]
        if self.random.random() < 0.3:
            on = "t.k = s.k AND t.p = s.p"
            matches = lambda row, other: None not in (row["k"], row["p"]) and (row["k"], row["p"]) == (other["k"], other["p"])
        clauses, sql = [], []
        for kind in self.random.sample(["matched", "matched", "inserted", "by_source"], self.random.randrange(1, 4)):
            when = {"matched": "WHEN MATCHED", "inserted": "WHEN NOT MATCHED", "by_source": "WHEN NOT MATCHED BY SOURCE"}[kind]
            holds, extra = (lambda row: True), ""
            if self.random.random() < 0.5:
                condition, holds = self.statements.condition("s" if kind == "inserted" else "t", 1)
                extra = f" AND {condition}"
            if kind == "inserted":
                if self.random.random() < 0.5:
                    action, apply = "INSERT *", lambda row, other: dict(other)
                else:
                    action, apply = "INSERT (k, p) VALUES (s.k, s.p)", lambda row, other: {"k": other["k"], "s": None, "f": None, "p": other["p"]}
            elif self.random.random() < 0.3:
                action, apply = "DELETE", None
            elif kind == "matched" and self.random.random() < 0.4:
                action, apply = "UPDATE SET *", lambda row, other: dict(other)
            elif kind == "matched" and self.random.random() < 0.5:
                action = "UPDATE SET s = s.s, f = t.f"
                apply = lambda row, other: {**row, "s": other["s"]}
            else:
                assignments, change = self.statements.assignments("t")
                action, apply = f"UPDATE SET {assignments}", lambda row, other, change=change: change(row)
            clauses.append((kind, holds, action, apply))
            sql.append(f"{when}{extra} THEN {action}")
        statement = f"MERGE INTO {self.table} AS t USING (SELECT * FROM (VALUES {text}) AS v(k, s, f, p)) AS s ON {on} {' '.join(sql)}"
        return statement, self.merged(source, matches, clauses)

    @staticmethod
    def literal_of(value) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        if isinstance(value, float):
            return "CAST('NaN' AS DOUBLE)" if math.isnan(value) else repr(value)
        return str(value)

    def merged(self, source, matches, clauses) -> Effect:
        rows, changes, ambiguous = [], [], False
        found = [False] * len(source)
        for row in self.rows:
            acting = []
            is_matched = False
            for i, other in enumerate(source):
                if not matches(row, other):
                    continue
                found[i] = is_matched = True
                for kind, holds, action, apply in clauses:
                    if kind == "matched" and holds(row) is True:
                        acting.append((action, apply, other))
                        break
            if not is_matched:
                for kind, holds, action, apply in clauses:
                    if kind == "by_source" and holds(row) is True:
                        acting.append((action, apply, None))
                        break
            if len(acting) > 1 and any(apply is not None for _, apply, _ in acting):
                ambiguous = True
            if not acting:
                rows.append(row)
            elif acting[0][1] is None:
                changes.append(("delete", row))
            else:
                new = acting[0][1](row, acting[0][2])
                changes += [("update_preimage", row), ("update_postimage", new)]
                rows.append(new)
        for i, other in enumerate(source):
            if found[i]:
                continue
            for kind, holds, _, apply in clauses:
                if kind == "inserted" and holds(other) is True:
                    rows.append(apply(None, other))
                    changes.append(("insert", rows[-1]))
                    break
        return Effect(rows, changes, ambiguous)
