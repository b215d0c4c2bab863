# SPDX-License-Identifier: Apache-2.0
"""Where order decides and leaves ties: a view's result hangs on the bag of rows alone, and is one that SQL allows.

Random tables full of duplicates, NULL, NaN and signed zeros, and random queries over all that an order decides. The rows are
shuffled and split over files anew for each number of partitions and size of batches: the content hashes are the same. What is
allowed is told by a model in plain Python, which knows peers and not the program's choice among them.
"""

import collections
import functools
import itertools
import json
import math
import random
import shutil
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

from weir_project import FULL_SCALE, Project, ProjectCase

PARTITIONS = [1, 2, 3, 8]
BATCH_SIZES = [2, 7, 8192]
SEEDS = range(8 if FULL_SCALE else 2)
VIEWS_OF_A_KIND = 4

SCHEMA = pa.schema([
    ("g", pa.string()), ("h", pa.int64()), ("k", pa.int64()), ("f", pa.float64()), ("x", pa.int64()), ("s", pa.string()),
    ("l", pa.list_(pa.int64())), ("m", pa.map_(pa.string(), pa.int64())), ("t", pa.struct([("a", pa.int64()), ("b", pa.string())])),
])
SIMPLE = ["g", "h", "k", "f", "x", "s"]
VALUES = {
    "g": ["a", "b", "c", None],
    "h": [1, 2],
    "k": [1, 2, 3, 4, None],
    "f": [0.0, -0.0, math.nan, math.inf, -1.5, 2.5, None],
    "x": list(range(12)) + [None],
    "s": ["p", "q", "", "r", None],
    "l": [[1, 2], [], [2, None], None],
    "m": [[("a", 1)], [("a", 2), ("b", 1)], [], None],
    "t": [{"a": 1, "b": "x"}, {"a": None, "b": "y"}, None],
}


def random_rows(rng: random.Random) -> list[dict]:
    rows = [{name: rng.choice(values) for name, values in VALUES.items()} for _ in range(rng.randint(60, 160))]
    return rows + [dict(rng.choice(rows)) for _ in range(30)]


def frozen(value):
    """A value that can be counted: NaN equal to itself, zeros told apart."""
    if isinstance(value, float):
        return ("nan",) if math.isnan(value) else ("float", repr(value))
    if isinstance(value, (list, tuple)):
        return tuple(frozen(part) for part in value)
    if isinstance(value, dict):
        return tuple((name, frozen(part)) for name, part in value.items())
    return value


def bag(values) -> collections.Counter:
    return collections.Counter(frozen(value) for value in values)


@functools.total_ordering
class Place:
    """Where a value stands in an order; peers are equal, zeros of both signs too."""

    def __init__(self, value, descending: bool, nulls_first: bool):
        self.null = value is None
        self.nulls_first = nulls_first
        self.descending = descending
        if isinstance(value, float):
            value = (1, 0.0) if math.isnan(value) else (0, value + 0.0)
        self.value = value

    def __eq__(self, other):
        return (self.null and other.null) or (not self.null and not other.null and self.value == other.value)

    def __lt__(self, other):
        if self.null or other.null:
            return self.null != other.null and self.null == self.nulls_first
        return self.value > other.value if self.descending else self.value < other.value

    def __hash__(self):
        return hash((self.null, None if self.null else self.value))


class Order:
    """Random keys, as SQL and as places."""

    def __init__(self, rng: random.Random, columns=("k", "f", "h", "s", "x"), most=2):
        self.keys = [(name, rng.random() < 0.4, rng.random() < 0.5) for name in rng.sample(columns, rng.randint(1, most))]

    @property
    def sql(self) -> str:
        return ", ".join(f"{name}{' DESC' if descending else ' ASC'} NULLS {'FIRST' if first else 'LAST'}"
                         for name, descending, first in self.keys)

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.keys]

    def place(self, row: dict) -> tuple:
        return tuple(Place(row[name], descending, first) for name, descending, first in self.keys)


def groups(rows, names) -> dict:
    found = collections.defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names)].append(row)
    return found


class Check:
    """What a query's rows must be; `case` is the running test."""

    def __init__(self, case, rows):
        self.case, self.rows = case, rows

    def among(self, found, names):
        """Rows that are there, each at most as often."""
        extra = bag([row[name] for name in names] for row in found) - bag([row[name] for name in names] for row in self.rows)
        self.case.assertFalse(extra)

    def same_bag(self, found, names):
        self.case.assertEqual(bag([row[name] for name in names] for row in found),
                              bag([row[name] for name in names] for row in self.rows))

    def in_order(self, found, order):
        """Numbered rows of one partition, peers in any order."""
        found = sorted(found, key=lambda row: row["n"])
        self.case.assertEqual([row["n"] for row in found], list(range(1, len(found) + 1)))
        places = [order.place(row) for row in found]
        self.case.assertEqual(places, sorted(places))
        return found


# Each makes a query and the check of its rows.

def first_rows(rng):
    order, skip, fetch = Order(rng), rng.choice([0, 0, 3, 50]), rng.choice([0, 1, 5, 20, 1000])
    more = rng.sample([name for name in VALUES if name not in order.names], 3)
    names = order.names + more
    sql = f"SELECT {', '.join(names)} FROM t ORDER BY {order.sql} LIMIT {fetch}" + (f" OFFSET {skip}" if skip else "")

    def check(c: Check, found):
        c.among(found, names)
        wanted = sorted((order.place(row) for row in c.rows))[skip:skip + fetch]
        c.case.assertEqual(sorted(order.place(row) for row in found), wanted)
    return sql, check


def rows_after(rng):
    order, skip = Order(rng), rng.choice([1, 7, 40])
    names = order.names + rng.sample([name for name in VALUES if name not in order.names], 2)
    inner = f"SELECT {', '.join(names)} FROM t ORDER BY {order.sql} OFFSET {skip}"
    sql = rng.choice([inner, f"SELECT {', '.join(names)} FROM ({inner}) WHERE {names[0]} IS NOT NULL OR true"])

    def check(c: Check, found):
        c.among(found, names)
        c.case.assertEqual(sorted(order.place(row) for row in found), sorted(order.place(row) for row in c.rows)[skip:])
    return sql, check


def any_rows(rng):
    names = rng.sample(list(VALUES), 3)
    skip, fetch = rng.choice([0, 5]), rng.choice([1, 4, 30])
    limit = f"LIMIT {fetch}" + (f" OFFSET {skip}" if skip else "")
    form = rng.randrange(3)
    if form == 0:
        sql = f"SELECT {', '.join(names)} FROM t {limit}"
    elif form == 1:
        sql = f"SELECT {', '.join(names)} FROM (SELECT * FROM t WHERE h = 1 UNION ALL SELECT * FROM t WHERE h = 2) {limit}"
    else:
        columns = ", ".join(f"a.{name}" for name in names)
        sql = f"SELECT {columns} FROM t a LEFT JOIN (SELECT 0 AS y) b ON a.k = b.y {limit}"

    def check(c: Check, found):
        c.among(found, names)
        c.case.assertEqual(len(found), min(fetch, len(c.rows) - skip))
    return sql, check


def rows_of_groups(rng):
    fetch = rng.choice([2, 5])
    sql = f"SELECT k, s, n FROM (SELECT k, s, count(*) AS n FROM t GROUP BY k, s) ORDER BY n DESC LIMIT {fetch}"

    def check(c: Check, found):
        counts = {key: len(rows) for key, rows in groups(c.rows, ["k", "s"]).items()}
        c.case.assertEqual(sorted(row["n"] for row in found), sorted(counts.values())[-fetch:])
        for row in found:
            c.case.assertEqual(row["n"], counts[(row["k"], row["s"])])
    return sql, check


def window(rng):
    partition = rng.choice([[], ["g"], ["h"], ["g", "h"]])
    order = Order(rng)
    over = (f"PARTITION BY {', '.join(partition)} " if partition else "") + f"ORDER BY {order.sql}"
    return partition, order, over


def numbers(rng):
    partition, order, over = window(rng)
    names = sorted(set(partition + order.names + ["x", "s"] + rng.sample(list(VALUES), 2)))
    tiles, back, ahead = rng.choice([2, 3, 7]), rng.choice([1, 2]), rng.choice([1, 3])
    low, high = rng.randint(0, 3), rng.randint(0, 2)
    wanted = {
        "n": f"row_number() OVER ({over})",
        "tile": f"ntile({tiles}) OVER ({over})",
        "back": f"lag(x, {back}) OVER ({over})",
        "ahead": f"lead(s, {ahead}) OVER ({over})",
        "total": f"sum(x) OVER ({over} ROWS BETWEEN {low} PRECEDING AND {high} FOLLOWING)",
        "texts": f"array_agg(s) OVER ({over} ROWS BETWEEN {low} PRECEDING AND CURRENT ROW)",
        "last": f"last_value(x) OVER ({over} ROWS BETWEEN UNBOUNDED PRECEDING AND {high} FOLLOWING)",
        "place": f"rank() OVER ({over})",
        "dense": f"dense_rank() OVER ({over})",
        "peers": f"count(*) OVER ({over})",
    }
    chosen = ["n"] + rng.sample(list(wanted)[1:], 5)
    sql = f"SELECT {', '.join(names)}, {', '.join(f'{wanted[name]} AS {name}' for name in chosen)} FROM t"

    def check(c: Check, found):
        c.same_bag(found, names)
        for rows in groups(found, partition).values():
            rows = c.in_order(rows, order)
            places = [order.place(row) for row in rows]
            xs, texts = [row["x"] for row in rows], [row["s"] for row in rows]
            for i, row in enumerate(rows):
                for name in chosen:
                    if name == "back":
                        value = xs[i - back] if i >= back else None
                    elif name == "ahead":
                        value = texts[i + ahead] if i + ahead < len(rows) else None
                    elif name == "tile":
                        sizes = [len(rows) // tiles + (tile < len(rows) % tiles) for tile in range(tiles)]
                        value = next(tile + 1 for tile, end in enumerate(itertools.accumulate(sizes)) if i < end)
                    elif name == "total":
                        inside = [x for x in xs[max(0, i - low):i + high + 1] if x is not None]
                        value = sum(inside) if inside else None
                    elif name == "texts":
                        value = texts[max(0, i - low):i + 1]
                    elif name == "last":
                        value = xs[min(len(rows) - 1, i + high)]
                    elif name == "place":
                        value = places.index(places[i]) + 1
                    elif name == "dense":
                        value = len(set(places[:i + 1]))
                    elif name == "peers":
                        value = sum(place <= places[i] for place in places)
                    else:
                        continue
                    c.case.assertEqual(row[name], value, name)
    return sql, check


def values_of_peers(rng):
    """Values taken from peers, whose frames must not change."""
    partition, order, over = window(rng)
    names = sorted(set(partition + order.names + ["h"]))
    ignoring = rng.choice(["", " IGNORE NULLS"])
    frames = ["", " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
              " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"]
    frame = rng.randrange(len(frames))
    wanted = {
        "first_x": f"first_value(x){ignoring} OVER ({over}{frames[frame]})",
        "last_x": f"last_value(x){ignoring} OVER ({over}{frames[frame]})",
        "second": f"nth_value(x, 2) OVER ({over}{frames[frame]})",
        "xs": f"array_agg(x) OVER ({over}{frames[frame]})",
        "place": f"rank() OVER ({over})",
        "n": f"row_number() OVER ({over})",
    }
    chosen = rng.sample(list(wanted), rng.randint(1, 4))
    sql = f"SELECT {', '.join(names)}, {', '.join(f'{wanted[name]} AS {name}' for name in chosen)} FROM t"

    def inside(frame_of, places, of):
        """The places of a frame."""
        distinct = sorted(set(places))
        at = distinct.index(of)
        if frame_of == 0:
            return distinct[:at + 1]
        if frame_of == 1:
            return distinct[at:]
        if frame_of == 2:
            return distinct[max(0, at - 1):at + 1]
        return distinct

    def check(c: Check, found):
        c.same_bag(found, names)
        inputs = groups(c.rows, partition)
        for key, rows in groups(found, partition).items():
            given = collections.defaultdict(list)
            for row in inputs[key]:
                given[order.place(row)].append(row["x"])
            places = list(given)
            seen = {}
            for row in rows:
                of = order.place(row)
                frame_places = inside(frame, places, of)
                values = [x for place in frame_places for x in given[place]]
                if ignoring:
                    frame_places = [p for p in frame_places if any(x is not None for x in given[p])]
                for name in chosen:
                    if name in ("first_x", "last_x"):
                        allowed = [None]
                        if frame_places:
                            allowed = given[frame_places[0 if name == "first_x" else -1]]
                            allowed = [x for x in allowed if x is not None] if ignoring else allowed
                        c.case.assertIn(row[name], allowed, name)
                    elif name == "second":
                        of_first = given[frame_places[0]] if frame_places else []
                        if ignoring or len(values) < 2:
                            continue
                        c.case.assertIn(row[name], of_first if len(of_first) > 1 else given[frame_places[1]], name)
                    elif name == "xs":
                        c.case.assertEqual(bag(row[name]), bag(values), name)
                    elif name == "place":
                        c.case.assertEqual(row[name], 1 + sum(len(given[p]) for p in places if p < of))
                    if name != "n":  # all peers see the same
                        c.case.assertEqual(frozen(seen.setdefault((name, of), row[name])), frozen(row[name]), name)
    return sql, check


def aggregates(rng):
    by = rng.choice([["g"], ["h", "s"], []])
    order = Order(rng, ("k", "f", "h"), 1)
    key = order.names[0]
    ordered = rng.random() < 0.7
    suffix = f" ORDER BY {order.sql}" if ordered else ""
    condition = rng.choice([None, None, "h = 1"])
    filtered = f" FILTER (WHERE {condition})" if condition else ""
    wanted = {
        "xs": f"array_agg(x{suffix}){filtered}",
        "keys": f"array_agg({key}{suffix}){filtered}",
        "texts": f"string_agg(coalesce(s, '-'), ','{suffix}){filtered}",
        "first_x": f"first_value(x{suffix}){filtered}",
        "first_s": f"first_value(s{suffix}){filtered}",
        "last_x": f"last_value(x{suffix}){filtered}",
        "second": f"nth_value(x, 2{suffix}){filtered}",
        "some": "any_value(x)",
        "different": "array_agg(DISTINCT x)",
        "joined": "string_agg(DISTINCT s, ',')",
        "structs": f"array_agg(t{suffix})",
    }
    chosen = rng.sample(list(wanted), rng.randint(1, 5))
    columns = by + [f"{wanted[name]} AS {name}" for name in chosen]
    sql = f"SELECT {', '.join(columns)} FROM t" + (f" GROUP BY {', '.join(by)}" if by else "")

    def check(c: Check, found):
        inputs = groups(c.rows, by)
        c.case.assertEqual(bag([row[name] for name in by] for row in found), bag(inputs))
        for row in found:
            whole = inputs[tuple(row[name] for name in by)]
            rows = [r for r in whole if r["h"] == 1] if condition else whole
            places = sorted(order.place(r) for r in rows)
            at_first = [r for r in rows if not ordered or order.place(r) == places[0]]
            at_last = [r for r in rows if not ordered or order.place(r) == places[-1]]
            at_second = [r for r in rows if not ordered or order.place(r) == places[1 % len(places)]]
            if not rows:
                continue
            if ordered and "xs" in chosen and "keys" in chosen:
                c.case.assertEqual(bag(zip(row["keys"], row["xs"])), bag((r[key], r["x"]) for r in rows))
            for name in chosen:
                if name == "xs":
                    c.case.assertEqual(bag(row[name]), bag(r["x"] for r in rows))
                elif name == "structs":
                    c.case.assertEqual(bag(row[name]), bag(r["t"] for r in whole))
                elif name == "keys" and ordered:
                    c.case.assertEqual([order.place({key: value}) for value in row[name]], places)
                elif name == "texts":
                    c.case.assertEqual(bag(row[name].split(",")), bag("-" if r["s"] is None else r["s"] for r in rows))
                elif name == "first_x":
                    c.case.assertIn(row[name], [r["x"] for r in at_first])
                elif name == "first_s":
                    c.case.assertIn(row[name], [r["s"] for r in at_first])
                elif name == "last_x":
                    c.case.assertIn(row[name], [r["x"] for r in at_last])
                elif name == "second":
                    c.case.assertIn(row[name], [r["x"] for r in at_second] if len(rows) > 1 else [None])
                elif name == "some":
                    c.case.assertIn(row[name], [r["x"] for r in whole if r["x"] is not None] or [None])
                elif name == "joined":
                    texts = {r["s"] for r in whole} - {None}
                    c.case.assertEqual(None if row[name] is None else sorted(row[name].split(",")), sorted(texts) or None)
                elif name == "different":
                    c.case.assertEqual(bag(row[name]), bag({r["x"] for r in whole}))
            if "first_x" in chosen and "first_s" in chosen:  # from one row
                c.case.assertIn((row["first_x"], row["first_s"]), [(r["x"], r["s"]) for r in at_first])
    return sql, check


def first_of_groups(rng):
    order = Order(rng)
    by = rng.choice(["g", "h"])
    names = list(dict.fromkeys([by, *order.names, "x", "s", "m"]))
    sql = f"SELECT DISTINCT ON ({by}) {', '.join(names)} FROM t ORDER BY {by}, {order.sql}"

    def check(c: Check, found):
        c.among(found, names)
        inputs = groups(c.rows, [by])
        c.case.assertEqual(bag(row[by] for row in found), bag(key for key, in inputs))
        for row in found:
            c.case.assertEqual(order.place(row), min(order.place(r) for r in inputs[(row[by],)]))
    return sql, check


KINDS = [first_rows, rows_after, any_rows, rows_of_groups, numbers, values_of_peers, aggregates, first_of_groups]


class Ties(ProjectCase):
    def project(self, name: str) -> Project:
        project = Project(self.scratch / name)
        profiles = ""
        for partitions, batch in itertools.product(PARTITIONS, BATCH_SIZES):
            profiles += (f'[profiles.p{partitions}_{batch}.settings]\n"datafusion.execution.target_partitions" = "{partitions}"\n'
                         f'"datafusion.execution.batch_size" = "{batch}"\n'
                         '"datafusion.optimizer.repartition_file_min_size" = "1"\n')
        project.write("weir.toml", f'[project]\nname = "ties"\n{profiles}')
        project.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION 'data/t/';\n")
        return project

    def lay_out(self, project: Project, rows: list[dict], rng: random.Random):
        """Writes the rows in another order into other files."""
        rows = list(rows)
        rng.shuffle(rows)
        folder = project.folder / "data" / "t"
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        cuts = sorted(rng.randrange(len(rows)) for _ in range(rng.choice([0, 1, 4])))
        for i, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(rows)])):
            pq.write_table(pa.Table.from_pylist(rows[start:end], SCHEMA), folder / f"{i}.parquet",
                           row_group_size=rng.choice([10, 1000]))

    def hashes(self, project: Project, profile: str, *options: str) -> dict[str, str]:
        run = json.loads(project.succeed("run", "--force", "--profile", profile, "--format", "json", *options).stdout)
        rows = json.loads(project.succeed("sql", "--profile", profile, "--format", "json",
                                          f"SELECT view_name, content_hash FROM weir.writes WHERE run_id = '{run['run_id']}'").stdout)
        return {row["view_name"]: row["content_hash"] for row in rows}

    def test_results_are_functions_of_the_bag_and_allowed(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                rows = random_rows(rng)
                project = self.project(f"p{seed}")
                checks = {}
                for kind in KINDS:
                    for i in range(VIEWS_OF_A_KIND):
                        name = f"{kind.__name__}_{i}"
                        sql, checks[name] = kind(rng)
                        project.write(f"views/{name}.sql", sql + "\n")
                first = None
                for partitions, batch in itertools.product(PARTITIONS, BATCH_SIZES):
                    self.lay_out(project, rows, rng)
                    lane = ["--by-lane"] if batch == 7 else []
                    found = self.hashes(project, f"p{partitions}_{batch}", *lane)
                    if first is None:
                        first = found
                        self.assertEqual(set(first), set(checks))
                        for name, check in checks.items():
                            with self.subTest(view=name, sql=(project.folder / f"views/{name}.sql").read_text()):
                                table = project.read(name).to_pylist(maps_as_pydicts=None)
                                check(Check(self, rows), table)
                    for name in checks:
                        with self.subTest(view=name, partitions=partitions, batch=batch,
                                          sql=(project.folder / f"views/{name}.sql").read_text()):
                            self.assertEqual(found[name], first[name])

    def test_what_was_completed_is_told_and_changes_no_bytes_twice(self):
        project = self.project("told")
        self.lay_out(project, random_rows(random.Random(1)), random.Random(2))
        project.write("views/v.sql", "SELECT k, x FROM t ORDER BY k DESC LIMIT 3\n")
        project.write("views/whole.sql", "SELECT k, sum(x) AS x FROM t GROUP BY k ORDER BY k LIMIT 3\n")
        told = project.succeed("explain", "v", "--format", "json").json()
        self.assertEqual(told["completed_orders"], ["the first 3 rows by t.k DESC, then by t.x"])
        self.assertIn("the first 3 rows by t.k DESC, then by t.x", project.succeed("explain", "v").stdout)
        self.assertEqual(project.succeed("explain", "whole", "--format", "json").json()["completed_orders"], [])
        fingerprint = project.succeed("explain", "v", "--fingerprint").stdout
        shutil.rmtree(project.folder / ".weir")
        self.assertEqual(project.succeed("explain", "v", "--fingerprint").stdout, fingerprint)
        # What a session of SQL asks for stays as it is written.
        planned = project.succeed("sql", "EXPLAIN SELECT k, x FROM t ORDER BY k DESC LIMIT 3").stdout
        self.assertIn("fetch=3", planned)
        self.assertNotIn("x@", planned.split("SortExec")[1].split("]")[0])

    def test_what_no_order_settles_is_warned_of(self):
        project = self.project("warned")
        self.lay_out(project, random_rows(random.Random(1)), random.Random(2))
        project.write("views/v.sql", "SELECT g, approx_median(x) AS m FROM t GROUP BY g\n")
        project.write("views/r.sql", "SELECT x, random() AS y FROM t\n")
        project.write("views/fine.sql", "SELECT g, median(x) AS m FROM t GROUP BY g\n")
        for _ in range(2):  # the second time nothing has changed
            checked = project.succeed("check").text
            self.assertEqual(checked.count("warning[W2013]"), 2, checked)
            self.assertIn("views/v.sql:1:11", checked)
            self.assertIn("views/r.sql:1:11", checked)

    def test_approximate_percentiles_hang_on_the_bag(self):
        rows = [{**row, "f": None if row["f"] is None or not math.isfinite(row["f"]) else row["f"] + row["x"] / 7 if row["x"] else 1.0}
                for row in random_rows(random.Random(5)) * 20]
        project = self.project("approximate")
        project.write("views/v.sql", "SELECT g, approx_percentile_cont(0.3) WITHIN GROUP (ORDER BY f) AS p, approx_median(x) AS m "
                                     "FROM t GROUP BY g\n")
        rng = random.Random(6)
        found = set()
        for partitions in PARTITIONS:
            self.lay_out(project, rows, rng)
            found.add(self.hashes(project, f"p{partitions}_8192")["v"])
        self.assertEqual(len(found), 1)


if __name__ == "__main__":
    unittest.main()
