# SPDX-License-Identifier: Apache-2.0
"""A result is a function of the bags of rows that it reads: not of their order, files, partitions, batches, or the engine's operators.

Known projects and random queries are built over the same rows in several layouts (bag_layouts.py); the content hashes of all views must
be the same. The sums of random queries are those of an exact model in Python, to the last bit (bag_queries.py, exact_model.py).
WEIR_TEST_SCALE=full takes more layouts, rows and seeds.
"""

import collections
import dataclasses
import fractions
import json
import math
import pathlib
import random
import shutil
import statistics
import sys
import unittest

import pyarrow

import bag_layouts
import bag_projects
import bag_queries
import exact_model
from bag_layouts import Bags, Variant
from bag_queries import told
from weir_project import FULL_SCALE, Project, ProjectCase, copy_flights

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "differential"))
import printers  # noqa: E402
import tables as differential_tables  # noqa: E402
from queries import QueryMaker  # noqa: E402

#: What seeds a run has: fixed ones, so that what fails once fails again.
SEEDS = range(1, 41) if FULL_SCALE else range(1, 3)
VARIANTS, VARIANTS_OF_PROJECTS = (15, 15) if FULL_SCALE else (3, 2)
CASES = 60
#: Partitions, and memory that is too little for what they hold of many groups.
SPILLING = ((1, "96MB"), (3, "160MB")) if FULL_SCALE else ((1, "8MB"), (3, "16MB"))


class BagCase(ProjectCase):
    def compare(self, bags, seed: int, count: int, **options) -> tuple[Project, dict[str, str]]:
        """Builds `bags` in the plain layout and in `count` others: all views have the same content. Returns the plain one, built."""
        plain, first = self.built(bags, Variant(), "plain")
        for variant in bag_layouts.variants(seed, count, **options):
            with self.subTest(bags=bags.name, variant=str(variant)):
                other, found = self.built(bags, variant, "other")
                self.assertEqual(first.keys(), found.keys())
                # In the order of reading: what differs first is not told of by what reads it.
                different = [view.name for view in plain.stored_views() if not same(first[view.name], found[view.name])]
                told_of = "\n".join(self.difference(view, plain, other, first, found) for view in different[:4])
                self.assertEqual(len(different), 0, f"of {len(first)} views: {', '.join(different)}\n{told_of}")
        return plain, first

    def built(self, bags, variant: Variant, name: str) -> tuple[Project, dict[str, str]]:
        folder = self.scratch / bags.name / name
        shutil.rmtree(folder, ignore_errors=True)
        project = bags.project(folder, variant)
        return project, bag_layouts.run(project)

    def difference(self, view: str, plain: Project, other: Project, first, found) -> str:
        if not plain.log_files(view) or not other.log_files(view):
            return f"{view}: {first[view]}\n{' ' * len(view)}  {found[view]}"
        one, two = rows_of(plain, view), rows_of(other, view)
        return f"{view}:\n  plain only: {shortened(one - two)}\n  other only: {shortened(two - one)}"


def same(one: str, other: str) -> bool:
    """Whether a view came to the same; what fails may name other rows."""
    return one == other or (one.startswith("failed") and other.startswith("failed"))


def shortened(rows) -> str:
    return str(sorted(rows.elements())[:2])[:300]


def rows_of(project: Project, view: str) -> collections.Counter:
    return collections.Counter(told(row) for row in tuples_of(project, view))


def tuples_of(project: Project, view: str) -> list[tuple]:
    return [tuple(row.values()) for row in project.read(view).to_pylist()]


class ModelTest(unittest.TestCase):
    """The model agrees with what Python itself has."""

    def test_sums_and_variances(self):
        draw = random.Random(1)
        for _ in range(3000 if FULL_SCALE else 500):
            reach = draw.choice([1, 10, 300, 1020])
            values = [draw.choice([1, -1]) * math.ldexp(draw.random(), draw.randint(-reach, min(reach, 500))) for _ in range(draw.randint(2, 9))]
            if draw.random() < 0.2:
                values = [math.ldexp(draw.randint(-9, 9), -1074) for _ in values]
            exact = sum(map(fractions.Fraction, values))
            self.assertEqual(exact_model.of_one("sum", values), math.fsum(values))
            self.assertEqual(exact_model.of_one("avg", values), float(exact / len(values)))
            for name, other in {"var_samp": statistics.variance, "var_pop": statistics.pvariance, "stddev_samp": statistics.stdev,
                                "stddev_pop": statistics.pstdev}.items():
                self.assertEqual(exact_model.of_one(name, values), other(values), (name, values))

    def test_pairs(self):
        draw = random.Random(2)
        for _ in range(300):
            pairs = [(draw.uniform(-9, 9), draw.uniform(-9, 9)) for _ in range(draw.randint(2, 9))]
            y, x = ([fractions.Fraction(value) for value in side] for side in zip(*pairs))
            count, mean_x, mean_y = len(pairs), sum(x) / len(x), sum(y) / len(y)
            xx, yy = sum((value - mean_x)**2 for value in x), sum((value - mean_y)**2 for value in y)
            xy = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
            for name, exact in {"covar_pop": xy / count, "covar_samp": xy / (count - 1), "regr_slope": xy / xx, "regr_sxx": xx, "regr_syy": yy,
                                "regr_sxy": xy, "regr_intercept": mean_y - xy / xx * mean_x, "regr_r2": xy * xy / (xx * yy),
                                "regr_avgx": mean_x, "regr_avgy": mean_y}.items():
                self.assertEqual(exact_model.of_two(name, pairs), float(exact), (name, pairs))
            found = fractions.Fraction(abs(exact_model.of_two("corr", pairs)))
            step = fractions.Fraction(math.ulp(float(found))) / 2
            self.assertTrue((found - step)**2 <= xy * xy / (xx * yy) <= (found + step)**2, pairs)

    def test_the_ends(self):
        top, least = sys.float_info.max, 5e-324
        self.assertEqual(exact_model.of_one("sum", [top, top, -top]), top)
        self.assertEqual(exact_model.of_one("sum", [top, top]), math.inf)
        self.assertEqual(exact_model.of_one("avg", [top, top]), top)
        self.assertEqual(exact_model.of_one("stddev_pop", [top, -top]), top)
        self.assertEqual(exact_model.of_one("var_pop", [top, -top]), math.inf)
        self.assertEqual(exact_model.of_one("stddev_pop", [least, -least]), least)
        self.assertEqual(math.copysign(1, exact_model.of_one("sum", [-0.0, -0.0])), 1)
        self.assertEqual(exact_model.of_two("corr", [(1e300, least), (-1e300, -least)]), 1.0)


class KnownProjects(BagCase):
    SCALE = "0.01" if FULL_SCALE else "0.001"
    ROWS = 200 if FULL_SCALE else 60
    VIEWS = 200 if FULL_SCALE else 24

    def assert_of_the_bag(self, bags, seed: int, **options) -> dict[str, str]:
        return self.compare(bags, seed, VARIANTS_OF_PROJECTS, **options)[1]

    def test_tpch(self):
        self.assert_of_the_bag(bag_projects.tpch(self.SCALE), seed=1)

    def test_tpch_with_floats(self):
        self.assert_of_the_bag(bag_projects.with_floats(bag_projects.tpch(self.SCALE)), seed=2)

    def test_tpcds(self):
        found = self.assert_of_the_bag(self.some_of(bag_projects.tpcds(self.ROWS, seed=1), 0), seed=3)
        self.assertLessEqual(sum(content.startswith("failed") for content in found.values()), 3, found)

    def test_tpcds_with_floats(self):
        self.assert_of_the_bag(self.some_of(bag_projects.with_floats(bag_projects.tpcds(self.ROWS, seed=2)), 1), seed=4)

    def some_of(self, bags: Bags, first: int) -> Bags:
        """Every other view, the full scale all of them."""
        return bags if FULL_SCALE else dataclasses.replace(bags, views=dict(list(bags.views.items())[first::2]))

    def test_generated(self):
        self.assert_of_the_bag(bag_projects.generated(self.scratch / "made", self.VIEWS, seed=5), seed=5)

    def test_generated_with_floats(self):
        bags = bag_projects.generated(self.scratch / "made", self.VIEWS, seed=6)
        self.assert_of_the_bag(bag_projects.with_floats(bags, ("amount",), divisor=7.0), seed=6)

    def test_demo(self):
        self.assert_of_the_bag(Demo(None if FULL_SCALE else 3000), seed=7, forms=["csv"])


@dataclasses.dataclass
class Demo:
    """The example, its files cut into several with their lines in another order."""

    flight_rows: int | None
    name: str = "flights"

    def project(self, folder: pathlib.Path, variant: Variant) -> Project:
        project = copy_flights(folder, self.flight_rows)
        project.write("weir.toml", variant.toml(self.name))
        draw = random.Random(str(variant))
        for source in project.sources():
            header, *lines = source.location.read_text().splitlines(keepends=True)
            if variant.order.startswith("shuffled"):
                draw.shuffle(lines)
            elif variant.order != bag_layouts.ORDERS[0]:
                lines.sort(key=lambda line: line[::-1], reverse=variant.order == "reversed")
            source.location.unlink()
            parts = max(1, len(lines) // variant.files + 1)
            for number, start in enumerate(range(0, len(lines), parts)):
                file = source.location.with_suffix("") / f"{number:02}.csv"
                file.parent.mkdir(exist_ok=True)
                file.write_text(header + "".join(lines[start:start + parts]))
        for file in project.folder.glob("sources/*.sql"):
            file.write_text(file.read_text().replace(".csv'", "/'"))
        return project


def bags_of(cases, tables, name: str) -> Bags:
    return Bags(name, {table: bag_queries.arrow_table(rows) for table, rows in tables.items()},
                {f"c{number:03}.sql": case.sql + "\n" for number, case in enumerate(cases)})


class RandomQueries(BagCase):
    def test_sums_are_exact(self):
        for seed in SEEDS:
            maker = bag_queries.CaseMaker(seed)
            cases = [maker.make() for _ in range(CASES)]
            tables = bag_queries.make_tables(seed)
            plain, found = self.compare(bags_of(cases, tables, f"sums_{seed}"), seed, VARIANTS)
            self.assert_rows(plain, found, cases, tables)

    def assert_rows(self, project, found, cases, tables):
        wrong = list(self.wrong_rows(project, found, cases, tables))
        self.assertEqual(len(wrong), 0, f"of {len(cases)} queries have rows that are not exact\n" + "\n".join(wrong[:8]))

    def wrong_rows(self, project, found, cases, tables):
        for number, case in enumerate(cases):
            view = f"c{number:03}"
            if not project.log_files(view):
                yield f"{case.sql}\n  {found[view]}"
                continue
            rows, wanted = rows_of(project, view), collections.Counter(map(told, case.wanted(tables)))
            if rows != wanted:
                yield f"{case.sql}\n  found only:  {shortened(rows - wanted)}\n  wanted only: {shortened(wanted - rows)}"

    def test_plain_sums_are_found_out(self):
        """The test of exactness can fail: without `deterministic` most of the sums are others."""
        maker = bag_queries.CaseMaker(1)
        cases, tables = [maker.make() for _ in range(CASES)], bag_queries.make_tables(1)
        project, found = self.built(bags_of(cases, tables, "plain_sums"), Variant(deterministic=False, partitions=3, files=5), "plain")
        self.assertGreater(len(list(self.wrong_rows(project, found, cases, tables))), CASES // 4)

    def test_other_rows_are_found_out(self):
        """The test of layouts can fail: one row more changes the content of what reads it."""
        tables = bag_queries.make_tables(1)
        cases = [bag_queries.Case("SELECT count(*) AS n FROM t"), bag_queries.Case("SELECT h, array_agg(id ORDER BY id) AS v FROM t GROUP BY h"),
                 bag_queries.Case("SELECT count(*) AS n FROM u")]
        _, first = self.built(bags_of(cases, tables, "rows"), Variant(), "plain")
        tables["t"] = tables["t"] + [{**tables["t"][0], "id": 10**6}]
        _, second = self.built(bags_of(cases, tables, "rows"), Variant(partitions=3, order="shuffled"), "other")
        self.assertEqual([first[view] == second[view] for view in ("c000", "c001", "c002")], [False, False, True])

    def test_ties_are_decided_in_one_way(self):
        for seed in SEEDS:
            cases, tables = bag_queries.order_cases(seed), bag_queries.make_tables(seed)
            plain, found = self.compare(bags_of(cases, tables, f"orders_{seed}"), seed + 1000, VARIANTS)
            for number, case in enumerate(cases):
                if case.flaw is not None:
                    with self.subTest(seed=seed, sql=case.sql):
                        self.assertIsNone(case.flaw(tables, tuples_of(plain, f"c{number:03}")), found[f"c{number:03}"])

    def test_queries_of_the_differential_tests(self):
        for seed in SEEDS:
            data = differential_tables.TableMaker(seed).make()
            maker = QueryMaker(data, seed)
            queries = {f"v{number:03}": printers.say(maker.make(), "weir") for number in range(250 if FULL_SCALE else 40)}
            self.compare(Differential(f"differential_{seed}", data, queries), seed + 2000, VARIANTS_OF_PROJECTS)


@dataclasses.dataclass
class Differential:
    """Tables and queries of tests/differential: nested types, dates, wide values, all formats."""

    name: str
    data: list
    queries: dict[str, str]

    def project(self, folder: pathlib.Path, variant: Variant) -> Project:
        project = Project(folder)
        project.write("weir.toml", variant.toml(self.name))
        draw = random.Random(str(variant))
        (folder / "views").mkdir(exist_ok=True)
        statements = []
        for table in self.data:
            rows = list(table.rows)
            if variant != Variant():
                draw.shuffle(rows)
            forms = [form for form in (("delta", "delta_files"), ("parquet", "parquet_groups")) if table.format in form]
            other = dataclasses.replace(table, format=draw.choice(forms[0]) if forms and variant != Variant() else table.format)
            statements.append(differential_tables.write(other.with_rows(rows), folder))
        project.write("sources/tables.sql", "\n".join(statements) + "\n")
        for name, query in self.queries.items():
            project.write(f"views/{name}.sql", query + "\n")
        if variant == Variant():
            self.take_out(project)
        return project

    def take_out(self, project: Project) -> None:
        """Takes out the queries that are errors before anything runs, whatever the rows."""
        diagnostics = project.weir("check", "--format", "json").json()["diagnostics"]
        names = {diagnostic.get("view_name") or pathlib.Path(diagnostic.get("file") or "").stem
                 for diagnostic in diagnostics if diagnostic["severity"] == "error"}
        for name in names:
            del self.queries[name]
            (project.folder / "views" / f"{name}.sql").unlink()


class ManyRows(BagCase):
    """Groups of many rows, and many groups: states that are merged, spilled and sent on."""

    ROWS = 1_000_000 if FULL_SCALE else 40_000
    GROUPS = 100_000 if FULL_SCALE else 8_000
    FUNCTIONS = ("sum", "avg", "var_samp", "stddev_pop")

    def setUp(self):
        super().setUp()
        draw = random.Random(8)
        pools = (bag_queries.FLAVOURS[0], bag_queries.FLAVOURS[1], bag_queries.FLAVOURS[8])
        self.x = [draw.choice(draw.choice(pools)) if draw.random() < 0.2 else draw.uniform(-1e6, 1e6) for _ in range(self.ROWS)]
        self.k = [draw.randrange(self.GROUPS) for _ in range(self.ROWS)]
        self.bags = Bags("many_rows", {"t": pyarrow.table({
            "k": pyarrow.array(self.k, pyarrow.int64()), "s": pyarrow.array([f"key {key % 50}" for key in self.k], pyarrow.string()),
            "x": pyarrow.array(self.x, pyarrow.float64())})}, {
                "all_rows.sql": f"SELECT {self.listed()}, corr(x, k) AS c FROM t\n",
                "groups.sql": f"SELECT k, {self.listed()} FROM t GROUP BY k\n",
                "texts.sql": f"SELECT s, {self.listed()} FROM t GROUP BY s\n",
                "running.sql": "SELECT s, max(a) AS a, min(a) AS b FROM (SELECT s, sum(x) OVER (PARTITION BY s ORDER BY k) AS a FROM t) q GROUP BY s\n"})

    def listed(self) -> str:
        return ", ".join(f"{function}(x) AS {function}_of_x" for function in self.FUNCTIONS)

    def test_many_rows(self):
        plain, _ = self.compare(self.bags, 8, 7 if FULL_SCALE else VARIANTS, batch_sizes=(1000, 8192, 64))
        groups, texts = {}, {}
        for key, value in zip(self.k, self.x):
            groups.setdefault(key, []).append(value)
            texts.setdefault(f"key {key % 50}", []).append(value)
        for view, wanted in {"groups": groups, "texts": texts}.items():
            found = {row[0]: told(row[1:]) for row in tuples_of(plain, view)}
            wrong = {key: (found.get(key), exact) for key, values in wanted.items() if found.get(key) != (exact := told(self.exact(values)))}
            self.assertEqual(len(found), len(wanted))
            self.assertEqual(len(wrong), 0, f"of {len(wanted)} groups of {view}: {list(wrong.items())[:2]}")
        pairs = [(value, float(key)) for value, key in zip(self.x, self.k)]
        self.assertEqual(told(tuples_of(plain, "all_rows")[0]), told((*self.exact(self.x), exact_model.of_two("corr", pairs))))

    def test_spilled_states(self):
        """Sums that went to disk half done and came back are the same: those of few digits and those of any."""
        bags = dataclasses.replace(self.bags, views={"groups.sql": self.bags.views["groups.sql"]})
        _, wanted = self.built(bags, Variant(), "plain")
        for partitions, limit in SPILLING:
            with self.subTest(partitions=partitions, memory_limit=limit):
                variant = Variant(9, partitions, batch_size=200, order="shuffled", files=5, memory_limit=limit)
                project, found = self.built(bags, variant, "other")
                self.assertEqual(found, wanted)
                metrics = json.loads(project.artifact("tasks")[0]["operator_metrics"])
                self.assertGreater(sum(operator["spilled_bytes"] or 0 for operator in metrics), 0, metrics)

    def exact(self, values) -> tuple:
        return tuple(exact_model.of_one(function, values) for function in self.FUNCTIONS)


if __name__ == "__main__":
    unittest.main()
