# SPDX-License-Identifier: Apache-2.0
"""Random aggregations and windows over rows that hurt, each with the rows that it must have.

In: a seed. Out: tables in memory, and `Case`s: SQL, and what an exact model in Python makes of the rows (exact_model.py). Cases of
`order_cases` take rows by an order with ties: any choice among ties is right, but it must be the same one everywhere; what is checked of
them is that the choice is a valid one.
"""

import dataclasses
import decimal
import itertools
import math
import random
import struct
from collections.abc import Callable

import pyarrow

import exact_model

MANY_ROWS, SOME_ROWS = 260, 40
SCHEMA = pyarrow.schema([("id", pyarrow.int64()), ("g", pyarrow.int32()), ("h", pyarrow.string()), ("o", pyarrow.int32()),
                         ("x", pyarrow.float64()), ("y", pyarrow.float64()), ("f", pyarrow.float32()), ("d", pyarrow.decimal128(18, 4)),
                         ("i", pyarrow.int64()), ("s", pyarrow.string())])
TOP = 1.7976931348623157e308
#: The floats of a group, by its number; of group 9 any finite bits.
FLAVOURS = (
    tuple(k / 10 for k in range(-40, 41)),
    (1e300, -1e300, 1e-300, 5e-324, 1e16, -1e16, 1.0, 0.1, -0.1, 3.3e150, -3.3e150),
    (0.0, -0.0),
    (math.inf, 1.5, -2.25),
    (math.inf, -math.inf, 1.0),
    (math.nan, 1.0, -math.inf),
    (TOP, -TOP, TOP, -TOP, 1e308, -1e308, 1.0),
    (5e-324, -5e-324, 1.5e-323, 2.2250738585072014e-308, -2.225073858507201e-308, 1e-310),
    (1.0, 2.0**-53, 2.0**-54, -(2.0**-53), 2.0**-105, 2.0**53, -(2.0**53), 3.0),
)
#: Groups whose sums are finite numbers.
FINITE = "g NOT IN (3, 4, 5)"


def make_rows(draw: random.Random, count: int, first_id: int = 0) -> list[dict]:
    def a_float(group):
        if draw.random() < 0.08:
            return None
        if group is None or draw.random() < 0.05:
            group = 0
        if group < len(FLAVOURS):
            return draw.choice(FLAVOURS[group])
        while True:
            value = struct.unpack("<d", draw.randbytes(8))[0]
            if math.isfinite(value):
                return value

    def one(number):
        group = None if draw.random() < 0.05 else draw.randrange(10)
        real = a_float(group)
        if real is not None and math.isfinite(real) and abs(real) > 3e38:
            real = math.copysign(3e38, real)
        return {"id": number, "g": group, "h": draw.choice(["a", "b", "c c", None]), "o": draw.randrange(7), "x": a_float(group),
                "y": a_float(group), "f": None if real is None else struct.unpack("<f", struct.pack("<f", real))[0],
                "d": None if draw.random() < 0.1 else decimal.Decimal(draw.randint(-10**7, 10**7)).scaleb(-4),
                "i": draw.choice([None, 0, 1, -1, 7, 2**53 + 1, 2**53 + 3, -(2**53) - 1, draw.randint(-100, 100)]),
                "s": draw.choice(["k", "l", "m", "n n", None])}

    return [one(first_id + number) for number in range(count)]


def make_tables(seed: int) -> dict[str, list[dict]]:
    """t: many rows; u: some, for joins; e: none; w: one row a group, each with another float."""
    draw = random.Random(f"rows {seed}")
    rows = make_rows(draw, MANY_ROWS)
    doubles = [dict(row) for row in draw.sample(rows, 20)]  # alike in all but their number
    for number, row in enumerate(doubles):
        row["id"] = MANY_ROWS + number
    return {"t": rows + doubles, "u": make_rows(draw, SOME_ROWS), "e": [],
            "w": [{**row, "o": row["id"]} for row in make_rows(draw, 2 * SOME_ROWS)]}


def arrow_table(rows: list[dict]) -> pyarrow.Table:
    return pyarrow.Table.from_pylist(rows, SCHEMA)


@dataclasses.dataclass(frozen=True)
class Case:
    """A query. `wanted` makes its rows of the tables; `flaw` says what is wrong with rows that were found, None: nothing."""

    sql: str
    wanted: Callable[[dict], list[tuple]] | None = None
    flaw: Callable[[dict, list[tuple]], str | None] | None = None


def told(row) -> tuple[str, ...]:
    """A row as texts that are equal if no reader can tell the rows apart; all NaNs are one."""
    return tuple(told_value(value) for value in row)


def told_value(value) -> str:
    if isinstance(value, float):
        return f"{value.hex()} ({value!r})"
    if isinstance(value, decimal.Decimal):
        return str(value.normalize() if value else abs(value.normalize()))
    return str(value)


# Parts of queries: SQL and what it means for a row


@dataclasses.dataclass(frozen=True)
class Value:
    sql: str
    of: Callable[[dict], object]
    whole: bool = False  # an integer or a decimal, whose sum is one


def column(name: str, whole: bool = False) -> Value:
    return Value(name, lambda row: row[name], whole)


def lifted(function):
    """Of floats that may be NULL; what is no float becomes one, as the engine has it."""
    def apply(*values):
        return None if None in values else function(*map(float, values))
    return apply


VALUES = (
    column("x"), column("x"), column("x"), column("y"), column("f"), column("i", True), column("d", True),
    Value("x + y", lambda row: lifted(lambda a, b: a + b)(row["x"], row["y"])),
    Value("x * 0.5", lambda row: lifted(lambda a: a * 0.5)(row["x"])),
    Value("-x", lambda row: lifted(lambda a: -a)(row["x"])),
    Value("d * x", lambda row: lifted(lambda a, b: a * b)(row["d"], row["x"])),
    Value("CASE WHEN o > 2 THEN x END", lambda row: row["x"] if row["o"] > 2 else None),
    Value("CASE WHEN o > 3 THEN x ELSE 0.0 END", lambda row: row["x"] if row["o"] > 3 else 0.0),
)
CONDITIONS = (
    Value("o > 2", lambda row: row["o"] > 2),
    Value("id % 3 <> 0", lambda row: row["id"] % 3 != 0),
    Value("h = 'a'", lambda row: row["h"] == "a"),
    Value("x IS NOT NULL AND o < 5", lambda row: row["x"] is not None and row["o"] < 5),
    Value("o > 100", lambda row: False),
    Value(FINITE, lambda row: row["g"] is not None and row["g"] not in (3, 4, 5)),
)
OTHER_NAMES = {"stddev_samp": ("stddev", "stddev_samp"), "var_samp": ("var", "var_samp", "var_sample"), "avg": ("avg", "mean"),
               "covar_samp": ("covar", "covar_samp"), "var_pop": ("var_pop", "var_population")}
DISTINCT_ONES = ("sum", "avg", "var_samp", "var_pop")


@dataclasses.dataclass(frozen=True)
class Aggregate:
    sql: str
    of: Callable[[list[dict]], object]  # of the rows of a group or a frame


class CaseMaker:
    """Makes one case after another."""

    def __init__(self, seed: int):
        self.random = random.Random(f"queries {seed}")

    def make(self) -> Case:
        kinds = (self.grouped, self.grouped, self.grouping_sets, self.windowed, self.windowed, self.windowed, self.of_all, self.two_levels,
                 self.joined, self.grouped_by_float)
        return self.random.choice(kinds)()

    # Aggregates

    def aggregate(self, distinct: bool = True, filtered: bool = True) -> Aggregate:
        r = self.random
        condition = r.choice(CONDITIONS) if filtered and r.random() < 0.3 else None
        after = f" FILTER (WHERE {condition.sql})" if condition else ""

        def counted(rows):
            return [row for row in rows if condition.of(row)] if condition else rows

        if r.random() < 0.4:
            function = r.choice(exact_model.PAIRED)
            y, x = r.choice(VALUES), r.choice(VALUES)
            return Aggregate(f"{self.name(function)}({y.sql}, {x.sql}){after}", lambda rows: exact_model.of_two(
                function, [tuple(as_float(side.of(row)) for side in (y, x)) for row in counted(rows)]))
        function, value = r.choice(exact_model.SINGLE), r.choice(VALUES)
        if function == "avg" and value.sql == "d":  # a decimal again, with a scale of the engine's own
            value = column("x")
        if distinct and r.random() < 0.2 and function in DISTINCT_ONES:
            return Aggregate(f"{self.name(function)}(DISTINCT {value.sql}){after}",
                             lambda rows: of_values(function, value, counted(rows), distinct=True))
        return Aggregate(f"{self.name(function)}({value.sql}){after}", lambda rows: of_values(function, value, counted(rows)))

    def name(self, function: str) -> str:
        return self.random.choice(OTHER_NAMES.get(function, (function,)))

    def aggregates(self, least: int = 1, most: int = 4, **options) -> list[Aggregate]:
        return [self.aggregate(**options) for _ in range(self.random.randint(least, most))]

    def where(self, chance: float = 0.4) -> tuple[str, Callable[[dict], bool]]:
        if self.random.random() < chance:
            condition = self.random.choice(CONDITIONS)
            return f" WHERE {condition.sql}", condition.of
        return "", lambda row: True

    # Kinds of queries

    def of_all(self) -> Case:
        name, made = self.random.choice(["t", "t", "t", "e", "w"]), self.aggregates()
        text, keep = self.where(0.8)
        return Case(f"SELECT {listed(made)} FROM {name}{text}",
                    lambda tables: [tuple(a.of(list(filter(keep, tables[name]))) for a in made)])

    def grouped(self) -> Case:
        keys = self.random.choice([("g",), ("g",), ("h",), ("g", "h"), ("o", "h"), ("g", "h", "o"), ("id",)])
        name, made = self.random.choice(["t", "t", "t", "t", "e", "w"]), self.aggregates()
        text, keep = self.where()
        return Case(f"SELECT {', '.join(keys)}, {listed(made)} FROM {name}{text} GROUP BY {', '.join(keys)}",
                    lambda tables: by_keys(list(filter(keep, tables[name])), keys, keys, made))

    def grouped_by_float(self) -> Case:
        """The sums by a float key, whose zeros are one group, and whose NaNs."""
        made = self.aggregates()

        def wanted(tables):
            groups = {}
            for row in tables["t"]:
                key = row["y"]
                groups.setdefault("NaN" if key is not None and key != key else key, []).append(row)  # 0.0 == -0.0
            return [tuple(a.of(rows) for a in made) + (len(rows),) for rows in groups.values()]

        return Case(f"SELECT {listed(made)}, count(*) AS n FROM t GROUP BY y", wanted)

    def grouping_sets(self) -> Case:
        keys = ("g", "h", "o")[:self.random.choice([2, 2, 3])]
        made = self.aggregates(most=3)
        kind = self.random.choice(["ROLLUP", "CUBE", "SETS"])
        if kind == "ROLLUP":
            sets = [keys[:count] for count in range(len(keys) + 1)]
            text = f"ROLLUP({', '.join(keys)})"
        elif kind == "CUBE":
            sets = [subset for count in range(len(keys) + 1) for subset in itertools.combinations(keys, count)]
            text = f"CUBE({', '.join(keys)})"
        else:
            sets = [(keys[0],), keys, ()][:self.random.choice([2, 3])]
            text = f"GROUPING SETS ({', '.join('(' + ', '.join(subset) + ')' for subset in sets)})"
        return Case(f"SELECT {', '.join(keys)}, {listed(made)} FROM t GROUP BY {text}",
                    lambda tables: [row for subset in sets for row in by_keys(tables["t"], subset, keys, made)])

    def two_levels(self) -> Case:
        """Sums of sums."""
        inner = self.random.choice(["sum(x)", "avg(y)", "sum(f)"])
        value, function = {"sum(x)": column("x"), "avg(y)": column("y"), "sum(f)": column("f")}[inner], inner[:3]
        outer = self.random.choice(exact_model.SINGLE)

        def wanted(tables):
            parts = by_keys(tables["t"], ("g", "h"), ("g", "h"), [Aggregate("", lambda rows: of_values(function, value, rows))])
            groups = {}
            for group, _, part in parts:
                groups.setdefault(group, []).append(part)
            return [(group, exact_model.of_one(outer, values)) for group, values in groups.items()]

        return Case(f"SELECT g, {outer}(part) AS a0 FROM (SELECT g, h, {inner} AS part FROM t GROUP BY g, h) q GROUP BY g", wanted)

    def joined(self) -> Case:
        outer = self.random.random() < 0.5
        function = self.random.choice(exact_model.SINGLE)

        def wanted(tables):
            groups = {}
            for left in tables["t"]:
                matches = [right for right in tables["u"] if right["o"] == left["o"] and right["h"] == left["h"] and left["h"] is not None]
                for right in matches or ([{"x": None}] if outer else []):
                    product = None if None in (left["y"], right["x"]) else left["y"] * right["x"]
                    groups.setdefault(left["g"], []).append(product)
            return [(group, exact_model.of_one(function, values)) for group, values in groups.items()]

        return Case(f"SELECT a.g, {function}(a.y * b.x) AS a0 FROM t a {'LEFT ' * outer}JOIN u b ON a.o = b.o AND a.h = b.h GROUP BY a.g",
                    wanted)

    def windowed(self) -> Case:
        r = self.random
        partition = r.choice([(), ("g",), ("g",), ("h",), ("g", "h")])
        down = r.random() < 0.3
        unit = r.choice(["ROWS", "ROWS", "RANGE", "RANGE", "GROUPS", "peers", "whole"])
        keys = r.choice([("o", "id"), ("id",)]) if unit == "ROWS" else () if unit == "whole" else ("o",)
        start, end = self.bounds() if unit in ("ROWS", "RANGE", "GROUPS") else (None, 0)
        made = self.aggregates(most=3, distinct=False)
        over = " ".join([*([f"PARTITION BY {', '.join(partition)}"] if partition else []),
                         *(["ORDER BY " + ", ".join(key + " DESC" * down for key in keys)] if keys else []),
                         *([f"{unit} BETWEEN {bound(start, 'PRECEDING')} AND {bound(end, 'FOLLOWING')}"]
                           if unit in ("ROWS", "RANGE", "GROUPS") else [])])
        text, keep = self.where()
        columns = ", ".join(f"{a.sql} OVER ({over}) AS a{number}" for number, a in enumerate(made))

        def wanted(tables):
            groups = {}
            for row in filter(keep, tables["t"]):
                groups.setdefault(tuple(row[key] for key in partition), []).append(row)
            found = []
            for rows in groups.values():
                rows.sort(key=lambda row: tuple(row[key] for key in keys), reverse=down)
                frames = all_frames(rows, unit, start, end, down)
                found += [(row["id"], *(a.of(frame) for a in made)) for row, frame in zip(rows, frames)]
            return found

        return Case(f"SELECT id, {columns} FROM t{text}", wanted)

    def bounds(self) -> tuple[int | None, int | None]:
        """Offsets from the row: -2 is 2 PRECEDING; None: unbounded."""
        start, end = sorted(self.random.choices(range(-4, 4), k=2))
        return (None if self.random.random() < 0.2 else start), (None if self.random.random() < 0.2 else end)


def bound(offset: int | None, unbounded: str) -> str:
    if offset is None:
        return f"UNBOUNDED {unbounded}"
    return "CURRENT ROW" if offset == 0 else f"{abs(offset)} {'PRECEDING' if offset < 0 else 'FOLLOWING'}"


def all_frames(rows, unit, start, end, down) -> list[list[dict]]:
    """The frame of each of the rows of a partition, in order."""
    if unit == "whole":
        return [rows] * len(rows)
    if unit == "ROWS":
        return [rows[max(0, place + start) if start is not None else 0:
                     max(0, place + end + 1) if end is not None else None] for place in range(len(rows))]
    ranks = {value: rank for rank, value in enumerate(dict.fromkeys(row["o"] for row in rows))}

    def position(row):
        if unit == "GROUPS":
            return ranks[row["o"]]
        return -row["o"] if down else row["o"]

    return [[other for other in rows if (start is None or position(other) >= position(row) + start)
             and (end is None or position(other) <= position(row) + end)] for row in rows]


def listed(made: list[Aggregate]) -> str:
    return ", ".join(f"{a.sql} AS a{number}" for number, a in enumerate(made))


def as_float(value):
    return None if value is None else float(value)


def of_values(function: str, value: Value, rows: list[dict], distinct: bool = False):
    values = [value.of(row) for row in rows]
    if not value.whole or function != "sum":
        values = [as_float(one) for one in values]
    if distinct:
        nans = [one for one in values if one is not None and one != one][:1]
        values = list({one for one in values if one is not None and one == one}) + nans
    return exact_model.of_whole(function, values) if value.whole else exact_model.of_one(function, values)


def by_keys(rows, keys, shown, made) -> list[tuple]:
    """One row a group, with NULL for what is shown and no key. No keys: one group, even of no rows."""
    groups = {} if keys else {(): []}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return [(*(dict(zip(keys, group)).get(name) for name in shown), *(a.of(members) for a in made)) for group, members in groups.items()]


# Orders with ties


def order_cases(seed: int) -> list[Case]:
    """Queries whose order leaves ties, in many forms."""
    draw = random.Random(f"orders {seed}")
    key = draw.choice(["g", "h"])
    some = draw.choice([3, 7, 20])
    descending = draw.choice(["", " DESC", " DESC NULLS LAST", " NULLS FIRST"])
    taken = draw.choice(["x", "y", "s", "d", "f", "i"])
    over = f"PARTITION BY {key} ORDER BY o{descending}"
    return [
        *(Case(f"SELECT id, {function} OVER ({over}) AS v FROM t", flaw=numbers_flaw(key) if function == "row_number()" else None)
          for function in ("row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(4)", f"lag({taken})",
                           f"lead({taken}, 2)", f"lag({taken}, 1) IGNORE NULLS", f"first_value({taken})", f"last_value({taken})",
                           f"nth_value({taken}, 3)")),
        Case(f"SELECT {key}, s, row_number() OVER ({over}) AS n FROM t"),
        Case("SELECT s, row_number() OVER () AS n, lag(x) OVER () AS before FROM t"),
        Case(f"SELECT id, sum(x) OVER ({over} ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS a, avg(i) OVER ({over} ROWS 3 PRECEDING) AS b FROM t"),
        Case(f"SELECT id, {taken} FROM t ORDER BY o{descending} LIMIT {some}", flaw=limit_flaw(some, descending)),
        Case(f"SELECT {taken} AS v, s FROM t ORDER BY o LIMIT {some} OFFSET 2"),
        Case(f"SELECT {taken}, o FROM t ORDER BY s NULLS LAST, h LIMIT {some}"),
        Case(f"SELECT id, x FROM t LIMIT {some}", flaw=lambda tables, rows: None if len(rows) == some else f"{len(rows)} rows"),
        Case(f"SELECT s, h FROM t WHERE o > 2 LIMIT {some} OFFSET 3"),
        Case(f"SELECT count(*) AS n, sum(i) AS a, sum(y) AS b FROM (SELECT i, y FROM t ORDER BY o LIMIT {some}) q"),
        Case(f"SELECT DISTINCT ON ({key}) {key}, o, id, x FROM t ORDER BY {key}, o{descending}", flaw=first_flaw(key)),
        Case(f"SELECT DISTINCT ON ({key}) {key}, s, f FROM t"),
        Case(f"SELECT {key}, array_agg({taken} ORDER BY o{descending}) AS v, array_agg(id ORDER BY s) AS w FROM t GROUP BY {key}"),
        Case(f"SELECT {key}, array_agg(id) AS v FROM t GROUP BY {key}", flaw=list_flaw(key)),
        Case(f"SELECT {key}, array_agg(DISTINCT s) AS v FROM t GROUP BY {key}"),
        Case(f"SELECT {key}, string_agg(s, ',' ORDER BY o{descending}) AS v, string_agg(h || s, '; ') AS w FROM t GROUP BY {key}"),
        Case(f"SELECT {key}, first_value({taken} ORDER BY o) AS v, last_value({taken} ORDER BY o{descending}) AS w, "
             f"nth_value({taken}, 2 ORDER BY o) AS z FROM t GROUP BY {key}"),
        Case(f"SELECT {key}, first_value({taken}) AS v, last_value(s) AS w FROM t GROUP BY {key}"),
        Case(f"SELECT {key}, arg_max({taken}, o) AS v, arg_min({taken}, o) AS w, collect_set(s) AS z FROM t GROUP BY {key}"),
        Case(f"SELECT {key}, string_agg(DISTINCT s, ',') AS v, string_agg(CAST(x AS VARCHAR), ',') AS w FROM t GROUP BY {key}"),
        Case(f"SELECT id, array_agg(s) OVER ({over}) AS v, string_agg(s, ',') OVER ({over}) AS w FROM t"),
        Case(f"SELECT id, first_value(s) OVER ({over} ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING) AS v, "
             f"last_value({taken}) OVER ({over} GROUPS 1 PRECEDING) AS w FROM t"),
        Case(f"SELECT g, sum(x) AS a, row_number() OVER (ORDER BY count(*)) AS n FROM t GROUP BY g ORDER BY count(*) LIMIT {some}"),
        Case(f"WITH q AS (SELECT id, o, s FROM t ORDER BY o LIMIT {some}) SELECT a.id AS i, b.s AS v FROM q a JOIN q b ON a.o = b.o"),
        Case(f"SELECT id FROM t WHERE o = 1 UNION ALL (SELECT id FROM t WHERE o = 2 ORDER BY s LIMIT {some})"),
        Case(f"SELECT {key}, sum(y ORDER BY o) AS a FROM t GROUP BY {key}"),
        Case(f"SELECT id, {key}, s FROM t QUALIFY row_number() OVER ({over}) = 1"),
        Case(f"SELECT {key}, (array_agg({taken} ORDER BY o))[1] AS v, unnest(array_agg(s ORDER BY o)) AS w FROM t GROUP BY {key}"),
        Case(f"SELECT * FROM (SELECT id, {key}, s, row_number() OVER ({over}) AS n FROM t) q WHERE n <= 2"),
        Case("SELECT id, (SELECT u.x FROM u WHERE u.h = t.h ORDER BY u.o LIMIT 1) AS v FROM t"),
        Case(f"SELECT id, o FROM t WHERE s IN (SELECT s FROM u ORDER BY o LIMIT {some})"),
        Case(f"SELECT a.id, b.v FROM t a JOIN (SELECT h, x AS v FROM u ORDER BY o LIMIT {some}) b ON a.h = b.h"),
        Case("SELECT x FROM t UNION SELECT y FROM t"),
        Case("SELECT DISTINCT x, f FROM t"),
        Case("SELECT x, count(*) AS n, min(y) AS a, max(y) AS b FROM t GROUP BY x"),
        # Zeros of both signs, which are equal, and which a reader can tell apart.
        Case("SELECT g, min(x) AS a, max(x) AS b, min(f) AS c, max(f) AS d FROM t WHERE g = 2 GROUP BY g"),
        Case("SELECT min(x) AS a, max(y) AS b FROM t WHERE g = 2"),
        Case("SELECT id, min(x) OVER (ORDER BY id ROWS 2 PRECEDING) AS a, max(x) OVER (PARTITION BY h) AS b FROM t WHERE g = 2"),
        Case("SELECT o, max(x) AS a FROM t WHERE g = 2 GROUP BY o ORDER BY a DESC LIMIT 5"),
        Case("SELECT o, min(y) AS a FROM t WHERE g IN (2, 5) GROUP BY o ORDER BY a LIMIT 5"),
        Case("SELECT h, collect_set(x) AS a, array_agg(DISTINCT x) AS b, count(DISTINCT x) AS c FROM t GROUP BY h"),
        Case("SELECT h, arg_max(s, x) AS a, arg_min(x, y) AS b, arg_max(y, x) AS c FROM t GROUP BY h"),
        Case("SELECT h, median(x) AS a, percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS b FROM t WHERE g = 2 GROUP BY h"),
        Case("SELECT DISTINCT [x, 1.0] AS v FROM t"),
        Case("SELECT named_struct('a', x, 'b', h) AS v, count(*) AS n FROM t GROUP BY named_struct('a', x, 'b', h)"),
        Case("SELECT x, h, sum(i) AS a FROM t GROUP BY ROLLUP(x, h)"),
        Case("SELECT DISTINCT ON (x) x, o FROM t ORDER BY x, o"),
        Case(f"SELECT x, y FROM t ORDER BY x LIMIT {some}"),
        Case("SELECT id, x FROM t WHERE g = 2 ORDER BY x DESC LIMIT 9"),
        Case("SELECT x, y, f FROM t WHERE g = 2 ORDER BY o LIMIT 9"),
        Case("SELECT h, x, y, row_number() OVER (PARTITION BY h ORDER BY x) AS n FROM t WHERE g = 2"),
        Case("SELECT h, array_agg(x ORDER BY o) AS v, first_value(y ORDER BY x) AS w FROM t WHERE g = 2 GROUP BY h"),
        Case("SELECT x FROM t INTERSECT SELECT y FROM t"),
        Case("SELECT x FROM t EXCEPT SELECT y FROM u"),
        Case("SELECT a.x, b.x AS bx FROM t a JOIN u b ON a.x = b.x"),
        Case("SELECT coalesce(a.x, b.x) AS v, a.id AS i, b.id AS j FROM t a FULL JOIN u b ON a.x = b.x AND a.h = b.h"),
        Case("SELECT g, median(x) AS a, median(i) AS b, count(DISTINCT x) AS c, avg(d) AS e, bit_xor(i) AS k FROM t GROUP BY g"),
        Case("SELECT h, approx_distinct(id) AS a, bool_and(o > 1) AS b FROM t GROUP BY h"),
        Case("SELECT g, percentile_cont(0.3) WITHIN GROUP (ORDER BY x) AS a FROM t WHERE x IS NOT NULL GROUP BY g"),
        Case(f"WITH RECURSIVE r AS (SELECT id, o, 1 AS n FROM u WHERE o < 3 UNION ALL SELECT id, o + 1, n + 1 FROM r WHERE o < 5) "
             f"SELECT n, s, row_number() OVER (PARTITION BY n ORDER BY r.o) AS k FROM r JOIN u USING (id) ORDER BY k LIMIT {some}"),
    ]


def numbers_flaw(key: str):
    """Numbers of each group are 1 to its size, in the order of o."""
    def flaw(tables, found):
        of_id, groups = {row["id"]: row for row in tables["t"]}, {}
        for row_id, number in found:
            groups.setdefault(of_id[row_id][key], []).append((number, of_id[row_id]["o"]))
        for group, numbered in groups.items():
            numbered.sort()
            orders = [order for _, order in numbered]
            if [number for number, _ in numbered] != list(range(1, len(numbered) + 1)):
                return f"group {group} is numbered {numbered}"
            if orders not in (sorted(orders), sorted(orders, reverse=True)):
                return f"group {group} is not numbered by o: {numbered}"
        return None if sum(map(len, groups.values())) == len(tables["t"]) else "rows are missing"

    return flaw


def limit_flaw(some: int, descending: str):
    def flaw(tables, found):
        orders = sorted((row["o"] for row in tables["t"]), reverse="DESC" in descending)
        of_id = {row["id"]: row["o"] for row in tables["t"]}
        shown = sorted((of_id[row[0]] for row in found), reverse="DESC" in descending)
        return None if shown == orders[:some] and len({row[0] for row in found}) == some else f"{shown} instead of {orders[:some]}"

    return flaw


def first_flaw(key: str):
    def flaw(tables, found):
        groups = {row[key] for row in tables["t"]}
        of_id = {row["id"]: row for row in tables["t"]}
        bad = [row for row in found if of_id[row[2]][key] != row[0] or of_id[row[2]]["o"] != row[1]]
        return None if {row[0] for row in found} == groups and len(found) == len(groups) and not bad else f"{found}"

    return flaw


def list_flaw(key: str):
    def flaw(tables, found):
        wanted = {}
        for row in tables["t"]:
            wanted.setdefault(row[key], []).append(row["id"])
        return None if {group: sorted(ids) for group, ids in found} == {group: sorted(ids) for group, ids in wanted.items()} else f"{found}"

    return flaw
