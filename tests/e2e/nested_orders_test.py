# SPDX-License-Identifier: Apache-2.0
"""Limits and offsets by structs and lists that hold NULL, and offsets whose rows are grouped. A model in plain Python says what is right.

In: random rows, many alike. Out: in stored views and in `weir sql`, the rows that come first; where several are alike any of them may.
"""

import collections
import functools
import random

import deltalake
import pyarrow

import weir_project

ROWS = 240
TYPES = {
    "s": pyarrow.struct([("a", pyarrow.int64()), ("b", pyarrow.string())]),
    "l": pyarrow.list_(pyarrow.int64()),
    "n": pyarrow.struct([("s", pyarrow.struct([("x", pyarrow.int64())])), ("l", pyarrow.list_(pyarrow.int64()))]),
}
ORDERS = [(direction, nulls) for direction in ("ASC", "DESC") for nulls in ("FIRST", "LAST")]


def draw_value(draw: random.Random, data_type: pyarrow.DataType):
    if draw.random() < 0.25:
        return None
    if pyarrow.types.is_struct(data_type):
        return {field.name: draw_value(draw, field.type) for field in data_type}
    if pyarrow.types.is_list(data_type):
        return [draw_value(draw, data_type.value_type) for _ in range(draw.randrange(4))]
    return draw.choice(["", "a", "b c", "é"]) if pyarrow.types.is_string(data_type) else draw.randrange(-2, 4)


def compared(one, other, descends: bool, nulls_first: bool) -> int:
    if one is None or other is None:
        return 0 if one is other else (1 if (one is None) != nulls_first else -1)
    if isinstance(one, dict):
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list):
        parts = (compared(a, b, descends, nulls_first) for a, b in zip(one, other, strict=False))
        by_parts = next((outcome for outcome in parts if outcome), None)
        return by_parts or compared(len(one), len(other), descends, nulls_first)
    one, other = (v.encode() if isinstance(v, str) else v for v in (one, other))
    return ((one > other) - (one < other)) * (-1 if descends else 1)


class NestedOrdersTest(weir_project.ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "project")
        draw = random.Random(11)
        self.rows = [{"id": number, **{name: draw_value(draw, kind) for name, kind in TYPES.items()}} for number in range(ROWS)]
        schema = pyarrow.schema([("id", pyarrow.int64()), *TYPES.items()])
        deltalake.write_deltalake(str(self.scratch / "t"), pyarrow.Table.from_pylist(self.rows, schema=schema))
        self.project.write("weir.toml", '[project]\nname = "orders"\n[profiles.default.settings]\n"datafusion.execution.batch_size" = "16"\n')
        self.project.write("sources/t.sql", f"CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION '{self.scratch / 't'}';\n")

    def in_order(self, column: str, direction: str, nulls: str) -> list:
        def key(one, other):
            return compared(one[column], other[column], direction == "DESC", nulls == "FIRST")
        return sorted(self.rows, key=functools.cmp_to_key(key))

    def check(self, queries: dict[str, tuple[str, list[str]]]) -> None:
        """Queries by the names of their views, each with the values of `v` that it must have, in any order."""
        for name, (query, _) in queries.items():
            self.project.write(f"views/{name}.sql", query + "\n")
        self.project.run()
        for name, (query, expected) in queries.items():
            with self.subTest(query):
                for found in (self.project.sql(query), self.project.read(name).to_pylist()):
                    self.assertEqual(collections.Counter(repr(row["v"]) for row in found), collections.Counter(expected))

    def test_the_first_rows_by_nested_values(self):
        queries = {}
        for column in TYPES:
            for direction, nulls in ORDERS:
                for skip in (0, 7):
                    expected = [repr(row[column]) for row in self.in_order(column, direction, nulls)[skip:skip + 25]]
                    offset = f" OFFSET {skip}" if skip else ""
                    query = f"SELECT id, {column} AS v FROM t ORDER BY {column} {direction} NULLS {nulls} LIMIT 25{offset}"
                    queries[f"v{len(queries)}"] = (query, expected)
        self.check(queries)
        for query, expected in queries.values():
            self.assertEqual([repr(row["v"]) for row in self.project.sql(query)], expected, query)

    def test_the_first_rows_of_each_group_by_lists(self):
        # Windows by a struct are refused: the engine has no frames for them.
        queries = {}
        for direction, nulls in ORDERS:
            rows = self.in_order("l", direction, nulls)
            expected = [repr(row["l"]) for group in range(3) for row in [r for r in rows if r["id"] % 3 == group][:6]]
            query = (f"SELECT id, v FROM (SELECT id, l AS v, row_number() OVER (PARTITION BY id % 3 ORDER BY l {direction} "
                     f"NULLS {nulls}) AS place FROM t) AS numbered WHERE place <= 6")
            queries[f"v{len(queries)}"] = (query, expected)
        self.check(queries)

    def test_offsets_below_groups_joins_and_windows(self):
        by_id = [row["id"] for row in self.rows]
        rest = f"(SELECT id FROM t ORDER BY id DESC OFFSET {ROWS - 3})"
        middle = "(SELECT id FROM t ORDER BY id DESC LIMIT 5 OFFSET 100)"
        chosen = by_id[::-1][100:105]
        by_other = f"(SELECT id FROM t ORDER BY id % 7 DESC, -id OFFSET {ROWS - 3})"
        by_hidden = f"(SELECT id + 1 AS id FROM (SELECT id, l FROM t) AS i ORDER BY l IS NULL, id DESC OFFSET {ROWS - 2})"
        others = sorted(by_id, key=lambda number: (-(number % 7), -number))[-3:]
        hidden = [row["id"] + 1 for row in sorted(self.rows, key=lambda row: (row["l"] is None, -row["id"]))[-2:]]
        queries = {
            f"SELECT sum(id) AS v FROM {rest}": [sum(by_id[:3])],
            f"SELECT max(id) AS v FROM {rest} GROUP BY id % 1": [2],
            f"SELECT a.id AS v FROM {rest} a JOIN t ON t.id = a.id": [0, 1, 2],
            f"SELECT sum(id) OVER () AS v FROM {rest}": [3, 3, 3],
            f"SELECT id AS v FROM t WHERE id IN {rest}": [0, 1, 2],
            f"SELECT DISTINCT id AS v FROM {rest} UNION ALL SELECT -1": [-1, 0, 1, 2],
            f"SELECT sum(id) AS v FROM {middle}": [sum(chosen)],
            f"SELECT sum(id) AS v FROM {by_other}": [sum(others)],
            f"SELECT id AS v FROM {by_other} GROUP BY id": sorted(others),
            f"SELECT t.id AS v FROM {by_other} a JOIN t ON t.id = a.id": sorted(others),
            f"SELECT id AS v FROM t WHERE id NOT IN {by_other} AND id < 2": sorted({0, 1} - set(others)),
            f"SELECT max(id) AS v FROM {by_hidden}": [max(hidden)],
            f"SELECT count(*) AS v FROM {middle} a JOIN {rest} b ON a.id > b.id": [15],
        }
        self.check({f"v{number}": (query, [repr(value) for value in expected])
                    for number, (query, expected) in enumerate(queries.items())})
