# SPDX-License-Identifier: Apache-2.0
"""`weir replay`: a past run again, from artifacts alone.

A history of runs over Delta sources that are appended to, updated, deleted from, merged into and compacted in between, by delta-rs and by
`weir sql`, over listed files and over views that are edited. Then each run is replayed from a copy of the warehouse in another folder,
with another number of threads, and without the project. The oracle for the replayed rows is DuckDB, over the sources at the versions that
the test itself noted.

Environment: WEIR_REPLAY_RUNS (default 8 of the mixed project and 3 of the others; 30 of each with WEIR_TEST_SCALE=full) runs of a history,
WEIR_REPLAY_SEED (default 1).
"""

import datetime
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import time
import unittest

import deltalake
import duckdb
import pyarrow
import pyarrow.parquet
import bag_projects
import weir_project
from weir_project import Outcome, Project, ProjectCase

RUNS = int(os.environ.get("WEIR_REPLAY_RUNS", "30" if weir_project.FULL_SCALE else "8"))
RUNS_OF_KNOWN_PROJECTS = RUNS if weir_project.FULL_SCALE or "WEIR_REPLAY_RUNS" in os.environ else 3
SEED = int(os.environ.get("WEIR_REPLAY_SEED", "1"))
TEXTS = ["a", "", None, "O'Brien", "naïve ☕", 'say "x"', "A", "50%", " "]
NUMBERS = [0.0, -0.0, 1.5, None, math.nan, 1e300, -2.25, 0.1, 0.2, 0.3]


def replay(run: str, *arguments: str, folder: pathlib.Path) -> Outcome:
    """Replays a run from a folder in which there is no project."""
    done = subprocess.run([weir_project.program(), "replay", run, *arguments], cwd=folder, capture_output=True, text=True, check=False,
                          timeout=weir_project.SECONDS_AT_MOST, stdin=subprocess.DEVNULL)
    return Outcome(done.returncode, done.stdout, done.stderr)


def cell(value):
    """A value as both engines and Arrow agree on it."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat()
    return value


def bag(table: pyarrow.Table) -> list[str]:
    names = table.column_names
    return sorted(repr([(name, cell(row[name])) for name in names]) for row in table.to_pylist())


def rewrite(project_or_warehouse: pathlib.Path, artifact: str, change) -> None:
    """Puts other rows into an artifact table, as `change` makes them of each."""
    folder = project_or_warehouse / "_weir" / artifact
    table = deltalake.DeltaTable(str(folder)).to_pyarrow_table()
    rows = [change(dict(row)) for row in table.to_pylist()]
    deltalake.write_deltalake(str(folder), pyarrow.Table.from_pylist(rows, schema=table.schema), mode="overwrite")


class HistoryTest(ProjectCase):
    """A random history of a project of views of many kinds."""

    SOURCES = {
        "orders": ("id BIGINT, kind VARCHAR, amount DOUBLE, day DATE", ["day"]),
        "items": ('id BIGINT, "order" BIGINT, "Größe in cm" DOUBLE, note VARCHAR', []),
    }
    # Each view, and what DuckDB is asked for the same rows.
    VIEWS = {
        "big orders": ('SELECT id, kind, amount, day FROM orders WHERE amount > 0 OR amount IS NULL',
                       'SELECT id, kind, amount, day FROM orders WHERE amount > 0 OR amount IS NULL'),
        "by_day": ('CREATE MATERIALIZED VIEW by_day PARTITIONED BY (day) COMMENT \'per day\' AS\n'
                   'SELECT day, kind, count(*) AS n, count(amount) AS m, max(id) AS most FROM orders GROUP BY day, kind',
                   'SELECT day, kind, count(*) AS n, count(amount) AS m, max(id) AS most FROM orders GROUP BY day, kind'),
        "sums": ('SELECT kind, sum(CAST(id AS DECIMAL(20, 2)) / 4) AS s, count(*) AS n FROM "big orders" GROUP BY kind',
                 'SELECT kind, CAST(sum(CAST(id AS DECIMAL(20, 4)) / 4) AS DOUBLE) AS s, count(*) AS n FROM orders '
                 'WHERE amount > 0 OR amount IS NULL GROUP BY kind'),
        "joined": ('CREATE MATERIALIZED VIEW joined (CONSTRAINT known EXPECT (id IS NOT NULL) ON VIOLATION DROP ROW, '
                   'CONSTRAINT late EXPECT (day < now())) CLUSTER BY (id) AS\n'
                   'SELECT i.id, i.note, o.kind, o.day, i."Größe in cm" AS size FROM items i LEFT JOIN orders o ON o.id = i."order"',
                   'SELECT i.id, i.note, o.kind, o.day, i."Größe in cm" AS size FROM items i LEFT JOIN orders o ON o.id = i."order" '
                   'WHERE i.id IS NOT NULL'),
        "ranked": ('SELECT id, row_number() OVER (PARTITION BY kind ORDER BY id, note, size) AS place FROM joined',
                   None),
        "float_sums": ('SELECT day, sum(amount) AS s, avg(amount) AS a FROM orders WHERE NOT isnan(amount) GROUP BY day', None),
        "timed": ('SELECT count(*) AS n, now() AS at, current_date AS day FROM items WHERE id < 1000000', None),
        "labels": ('SELECT p.label, p.code, count(o.id) AS n FROM planes p LEFT JOIN orders o ON o.kind = p.code GROUP BY 1, 2',
                   'SELECT p.label, p.code, count(o.id) AS n FROM planes p LEFT JOIN orders o ON o.kind = p.code GROUP BY 1, 2'),
        "keyed": ("SELECT stable_id('k', CAST(id AS VARCHAR)) AS key, twice(id) AS two FROM items", None),
        "changed": ("SELECT id, _change_type AS what FROM order_changes", None),
    }

    def setUp(self):
        super().setUp()
        self.rng = random.Random(SEED)
        self.sources = self.scratch / "kept sources"
        self.project = Project(self.scratch / "project")
        self.project.write("weir.toml", '[project]\nname = "history"\n\n[profiles.default.sql]\nallow = ["query", "dml"]\n')
        statements = []
        for name, (columns, partitions) in self.SOURCES.items():
            self.write_source(name, partitions)
            statements.append(f"CREATE EXTERNAL TABLE {name} STORED AS DELTATABLE LOCATION '{self.sources / name}';")
        statements.append(f"CREATE EXTERNAL TABLE order_changes STORED AS DELTATABLE LOCATION '{self.sources / 'orders'}' "
                          "OPTIONS ('change_feed' 'true', 'first_version' '0');")
        statements.append(f"CREATE EXTERNAL TABLE planes (code VARCHAR, label VARCHAR, y INT) STORED AS CSV PARTITIONED BY (y) "
                          f"LOCATION '{self.sources / 'planes'}/' OPTIONS ('has_header' 'true', 'delimiter' ';');")
        self.project.write("sources/all.sql", "\n".join(statements))
        self.project.write("functions/twice.sql", "CREATE FUNCTION twice(x BIGINT) RETURNS BIGINT RETURN x * 2")
        self.add_planes()
        self.oracles = {}
        for name, (sql, oracle) in self.VIEWS.items():
            self.project.write(f"views/{name}.sql", sql)
            self.oracles[name] = oracle
        self.runs = []  # (id, versions of sources, texts of planes, oracles of views)

    # The sources

    def rows(self, name: str, count: int) -> pyarrow.Table:
        draw = self.rng
        if name == "orders":
            return pyarrow.table({
                "id": pyarrow.array([draw.randrange(200) for _ in range(count)], pyarrow.int64()),
                "kind": pyarrow.array([draw.choice(TEXTS) for _ in range(count)], pyarrow.string()),
                "amount": pyarrow.array([draw.choice(NUMBERS) for _ in range(count)], pyarrow.float64()),
                "day": pyarrow.array([datetime.date(2024, 1, 1 + draw.randrange(4)) for _ in range(count)], pyarrow.date32())})
        return pyarrow.table({
            "id": pyarrow.array([draw.choice([None, *range(60)]) for _ in range(count)], pyarrow.int64()),
            "order": pyarrow.array([draw.randrange(200) for _ in range(count)], pyarrow.int64()),
            "Größe in cm": pyarrow.array([draw.choice(NUMBERS) for _ in range(count)], pyarrow.float64()),
            "note": pyarrow.array([draw.choice(TEXTS) for _ in range(count)], pyarrow.string())})

    def write_source(self, name: str, partitions: list[str]) -> None:
        deltalake.write_deltalake(str(self.sources / name), self.rows(name, 40), mode="append", partition_by=partitions or None,
                                  configuration={"delta.enableChangeDataFeed": "true"})

    def add_planes(self) -> None:
        folder = self.sources / "planes" / f"y={2000 + self.rng.randrange(3)}"
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{self.rng.choice(['a', 'A', '50%'])};{self.rng.choice(['x', 'ü', 'Z z'])}" for _ in range(3)]
        (folder / f"{len(list(folder.iterdir()))}.csv").write_text("code;label\n" + "\n".join(lines) + "\n")

    def table(self, name: str) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(str(self.sources / name))

    def change_something(self) -> None:
        name = self.rng.choice(list(self.SOURCES))
        table = self.table(name)
        rows = self.rows(name, self.rng.randrange(1, 12))
        key = self.rng.randrange(60)
        change = self.rng.choice(["append", "overwrite_day", "delete", "update", "merge", "compact", "insert_sql", "update_sql", "delete_sql",
                                  "merge_sql", "planes", "edit"])
        if change == "append":
            deltalake.write_deltalake(str(self.sources / name), rows, mode="append")
        elif change == "overwrite_day":
            deltalake.write_deltalake(str(self.sources / "orders"), self.rows("orders", 5).set_column(
                3, "day", pyarrow.array([datetime.date(2024, 1, 2)] * 5, pyarrow.date32())), mode="overwrite", predicate="day = '2024-01-02'")
        elif change == "delete":
            table.delete(f"id = {key}")
        elif change == "update":
            table.update(updates={"id": f"{key + 1}"}, predicate=f"id = {key}")
        elif change == "merge":
            once = pyarrow.Table.from_pylist(list({row["id"]: row for row in rows.to_pylist()}.values()), schema=rows.schema)
            table.merge(once, predicate="t.id = s.id", source_alias="s", target_alias="t").when_matched_update_all() \
                 .when_not_matched_insert_all().execute()
        elif change == "compact":
            table.optimize.compact()
        elif change == "insert_sql":
            self.project.succeed("sql", "INSERT INTO orders (id, kind, amount, day) VALUES (7, 'sql', 2.5, DATE '2024-01-03')")
        elif change == "update_sql":
            self.project.succeed("sql", f"UPDATE items SET note = 'by sql' WHERE id = {key}")
        elif change == "delete_sql":
            self.project.succeed("sql", f"DELETE FROM orders WHERE id = {key}")
        elif change == "merge_sql":
            self.project.succeed("sql", f"MERGE INTO items t USING (SELECT {key} AS id) s ON t.id = s.id "
                                        "WHEN MATCHED THEN UPDATE SET note = 'merged' "
                                        "WHEN NOT MATCHED THEN INSERT (id, note) VALUES (s.id, 'new')")
        elif change == "planes":
            self.add_planes()
        elif change == "edit":
            least = self.rng.randrange(5)
            query = f"SELECT id, kind, amount, day FROM orders WHERE amount > {least} OR amount IS NULL"
            self.project.write("views/big orders.sql", query)
            self.oracles["big orders"] = query
            self.oracles["sums"] = ("SELECT kind, CAST(sum(CAST(id AS DECIMAL(20, 4)) / 4) AS DOUBLE) AS s, count(*) AS n FROM orders "
                                    f"WHERE amount > {least} OR amount IS NULL GROUP BY kind")

    # The oracle

    def planes_now(self) -> pyarrow.Table:
        rows = []
        for file in sorted((self.sources / "planes").glob("*/*.csv")):
            for line in file.read_text().splitlines()[1:]:
                code, label = line.split(";")
                rows.append({"code": code, "label": label})
        return pyarrow.Table.from_pylist(rows)

    def expected(self, query: str, versions: dict[str, int], planes: pyarrow.Table) -> pyarrow.Table:
        other = duckdb.connect()
        for name, version in versions.items():
            other.register(name, deltalake.DeltaTable(str(self.sources / name), version=version).to_pyarrow_table())
        other.register("planes", planes)
        return other.sql(query).to_arrow_table()

    def run_once(self) -> None:
        versions = {name: self.table(name).version() for name in self.SOURCES}
        summary = self.project.run()
        self.runs.append((summary["run_id"], versions, self.planes_now(), dict(self.oracles)))

    def test_every_run_replays_identically_elsewhere(self):
        self.run_once()
        while len(self.runs) < RUNS:
            for _ in range(self.rng.randrange(1, 4)):
                self.change_something()
            self.run_once()
        tasks = self.project.artifact("tasks")
        hashes = {(row["run_id"], row["view_name"]): row["content_hash"] for row in self.project.artifact("writes")}
        moved = self.scratch / "else where" / "lake"
        shutil.copytree(self.project.warehouse, moved)
        shutil.rmtree(self.project.folder)
        compared = replayed = 0
        for number, (run, versions, planes, oracles) in enumerate(self.runs):
            into = self.scratch / f"into-{number}"
            outcome = replay(run, "--warehouse", str(moved), "--into", str(into), "--threads", str(1 + number % 3), "--format", "json",
                             folder=self.scratch)
            self.assertEqual(0, outcome.code, outcome.text)
            found = outcome.json()
            built = {task["view_name"] for task in tasks if task["run_id"] == run and task["state"] == "run"}
            self.assertEqual(built, {view["view"] for view in found["views"]})
            self.assertTrue(found["identical"])
            for view in found["views"]:
                name = view["view"]
                replayed += 1
                self.assertEqual("identical", view["result"])
                self.assertEqual(hashes[run, name], view["content_hash_now"])
                rows = deltalake.DeltaTable(str(into / name)).to_pyarrow_table()
                self.assertEqual(view["rows_now"], rows.num_rows)
                if oracles[name] is None:
                    continue
                expected = self.expected(oracles[name], versions, planes).select(rows.column_names)
                if name == "sums":
                    rows = rows.set_column(1, "s", rows["s"].cast(pyarrow.float64()))
                self.assertEqual(bag(expected.cast(rows.schema)), bag(rows), f"{name} of run {number}")
                compared += 1
        self.assertGreater(compared, len(self.VIEWS))
        self.assertGreater(replayed, compared)
        # What only the last run reused, and each view by itself, over the versions that are recorded.
        last = self.runs[-1][0]
        for option in ("--all", "--verify"):
            outcome = replay(last, option, "--warehouse", str(moved), "--format", "json", folder=self.scratch)
            self.assertEqual(0, outcome.code, outcome.text)
            if option == "--all":
                self.assertEqual(set(self.VIEWS), {view["view"] for view in outcome.json()["views"]})


def rounded(row: tuple) -> tuple[str, ...]:
    """A row as text that does not depend on how an engine types decimals."""
    def text(value) -> str:
        try:
            return f"{float(value):.2f}"
        except (TypeError, ValueError):
            return str(value)
    return tuple(text(value) for value in row)


class KnownProjectsTest(ProjectCase):
    """TPC-H and the demo, whose tables are Delta tables here and change between runs."""

    def setUp(self):
        super().setUp()
        self.rng = random.Random(SEED)

    def change(self, table: pathlib.Path) -> str:
        rows = deltalake.DeltaTable(str(table), version=0).to_pyarrow_table()
        some = rows.take(sorted(self.rng.sample(range(rows.num_rows), max(1, rows.num_rows // 50))))
        key, value = rows.column_names[0], some[rows.column_names[0]][0].as_py()
        condition = f'"{key}" = ' + (f"'{value}'" if isinstance(value, str) else str(value))
        what = self.rng.choice(["append", "delete", "update", "merge", "compact"])
        delta = deltalake.DeltaTable(str(table))
        if what == "append":
            deltalake.write_deltalake(str(table), some, mode="append")
        elif what == "delete":
            delta.delete(condition)
        elif what == "update":
            last = rows.column_names[-1]
            new = str(some[last][-1].as_py()).replace("'", "''")
            delta.update(updates={last: f"'{new}'" if pyarrow.types.is_string(rows.schema.field(last).type) else f'"{last}"'},
                         predicate=condition)
        elif what == "merge":
            once = some.slice(0, 1)
            delta.merge(once, predicate=f't."{key}" = s."{key}"', source_alias="s", target_alias="t").when_matched_update_all() \
                 .when_not_matched_insert_all().execute()
        else:
            delta.optimize.compact()
        return what

    def history(self, project: Project, tables: list[pathlib.Path], check) -> None:
        """Runs and changes in turn, then replays all runs; `check` compares the tables of a run with another engine's rows."""
        runs = []
        while len(runs) < RUNS_OF_KNOWN_PROJECTS:
            versions = {table.name: deltalake.DeltaTable(str(table)).version() for table in tables}
            runs.append((project.run()["run_id"], versions))
            for table in self.rng.sample(tables, min(2, len(tables))):
                self.change(table)
        moved = self.scratch / "moved"
        shutil.move(project.warehouse, moved)
        shutil.rmtree(project.folder / "views")
        (project.folder / "weir.toml").unlink()
        tasks = deltalake.DeltaTable(str(moved / "_weir/tasks")).to_pyarrow_table().to_pylist()
        for number, (run, versions) in enumerate(runs):
            into = self.scratch / f"into-{number}"
            outcome = replay(run, "--warehouse", str(moved), "--into", str(into), "--threads", str(1 + number % 3), "--format", "json",
                             folder=self.scratch)
            self.assertEqual(0, outcome.code, outcome.text)
            views = [view["view"] for view in outcome.json()["views"]]
            self.assertEqual({task["view_name"] for task in tasks if task["run_id"] == run and task["state"] == "run"}, set(views))
            self.assertEqual(["identical"] * len(views), [view["result"] for view in outcome.json()["views"]])
            check(views, versions, into)
            shutil.rmtree(into, ignore_errors=True)

    def test_tpch(self):
        source = bag_projects.fetch_tpc.projects()["tpch"]
        project = Project(self.scratch / "tpch")
        for part in ("data", "sources"):
            shutil.copytree(source / part, project.folder / part)
        shutil.copy(source / "weir.toml", project.folder)
        for file, text in bag_projects.stored(source, {}).views.items():
            project.write(f"views/{file}", text)
        queries = {file.stem: file.read_text().split(" AS\n", 1)[1] for file in sorted(source.glob("views/*.sql"))}
        tables = sorted((project.folder / "data").iterdir())

        def check(views: list[str], versions: dict[str, int], into: pathlib.Path) -> None:
            other = duckdb.connect()
            for table in tables:
                other.register(table.name, deltalake.DeltaTable(str(table), version=versions[table.name]).to_pyarrow_table())
            for view in views:
                expected = sorted(rounded(row) for row in other.execute(queries[view]).fetchall())
                rows = deltalake.DeltaTable(str(into / view)).to_pyarrow_table().to_pylist()
                self.assertEqual(expected, sorted(rounded(tuple(row.values())) for row in rows), view)

        self.history(project, tables, check)

    def test_the_demo(self):
        csv_project = self.flights("csv", 3000)
        project = Project(self.scratch / "demo")
        for part in ("views", "functions", "tests"):
            shutil.copytree(csv_project.folder / part, project.folder / part)
        shutil.copy(csv_project.folder / "weir.toml", project.folder)
        statements, tables = [], []
        for source in csv_project.sources():
            rows = self.scratch / f"{source.name}.parquet"
            csv_project.succeed("sql", f'SELECT * FROM "{source.name}"', "--output", str(rows))
            tables.append(project.folder / "data" / source.name)
            found = pyarrow.parquet.read_table(rows)
            found = found.cast(pyarrow.schema([field.with_type(pyarrow.string()) if pyarrow.types.is_string_view(field.type) else field
                                               for field in found.schema]))
            deltalake.write_deltalake(str(tables[-1]), found)
            statements.append(f"CREATE EXTERNAL TABLE {source.name} STORED AS DELTATABLE LOCATION 'data/{source.name}';")
        project.write("sources/all.sql", "\n".join(statements))

        def check(views: list[str], versions: dict[str, int], into: pathlib.Path) -> None:
            flights = deltalake.DeltaTable(str(project.folder / "data" / "flights"), version=versions["flights"]).to_pyarrow_table()
            if "stg_flights" in views:
                self.assertEqual(flights.num_rows, deltalake.DeltaTable(str(into / "stg_flights")).to_pyarrow_table().num_rows)

        self.history(project, tables, check)


class SmallCase(ProjectCase):
    """One Delta source, one view over it, one over that."""

    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "project")
        self.source = self.scratch / "source"
        self.project.write("weir.toml", '[project]\nname = "small"\n')
        self.project.write("sources/t.sql", f"CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION '{self.source}'")
        self.project.write("views/v.sql", "SELECT id, stable_id('t', CAST(id AS VARCHAR)) AS key FROM t")
        self.project.write("views/w.sql", "SELECT count(*) AS n, max(id) AS most FROM v")

    def append(self, *ids: int) -> None:
        deltalake.write_deltalake(str(self.source), pyarrow.table({"id": pyarrow.array(ids, pyarrow.int64())}), mode="append")

    def replay(self, run: str, *arguments: str) -> Outcome:
        return self.project.weir("replay", run, *arguments)


class RefusalTest(SmallCase):
    """What stands in the way is said before anything is built, all at once."""

    def setUp(self):
        super().setUp()
        self.append(1, 2)
        self.run_id = self.project.run()["run_id"]

    def refused(self, code: str, *arguments: str) -> str:
        outcome = self.replay(self.run_id, *arguments)
        self.assertEqual(3, outcome.code, outcome.text)
        self.assertIn(f"error[{code}]", outcome.stderr)
        self.assertEqual("", outcome.stdout)
        self.assertNotIn("identical", outcome.stderr)
        return outcome.stderr

    def test_a_function_of_another_semantic_version_is_named(self):
        def older(row):
            row["required_udfs"] = [udf.replace("stable_id@native:1", "stable_id@native:0") for udf in row["required_udfs"]]
            return row

        rewrite(self.project.warehouse, "plan_bundles", older)
        self.assertIn("`stable_id` was `native:0`, now `native:1`", self.refused("W7003"))
        # No option makes another function the same.
        self.refused("W7003", "--allow-drift")

    def test_another_engine_is_refused_until_it_is_allowed(self):
        def older(row):
            row["engine_versions"] = json.dumps({**json.loads(row["engine_versions"]), "datafusion": "54.0.0"})
            return row

        rewrite(self.project.warehouse, "runs", older)
        # Once, not for each view.
        self.assertEqual(1, self.refused("W7004").count("datafusion was `54.0.0`, now `"))
        allowed = self.replay(self.run_id, "--allow-drift")
        self.assertEqual(0, allowed.code, allowed.text)
        self.assertIn("another program: datafusion was `54.0.0`", allowed.stdout)

    def test_settings_of_the_project_now_do_not_matter(self):
        self.project.write("weir.toml", '[project]\nname = "small"\n[profiles.default]\ndeterministic = false\n'
                                        '[profiles.default.settings]\n"datafusion.execution.time_zone" = "+05:00"\n')
        outcome = self.replay(self.run_id)
        self.assertEqual(0, outcome.code, outcome.text)

    def test_a_vacuumed_version_of_a_source(self):
        table = deltalake.DeltaTable(str(self.source))
        table.delete()
        self.append(3)
        deltalake.DeltaTable(str(self.source)).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        text = self.refused("W7001")
        self.assertIn("version 0 of `t` is wanted, 1 of the 1 files that were read are gone", text)

    def test_a_log_that_begins_later(self):
        self.append(3)
        table = deltalake.DeltaTable(str(self.source))
        table.create_checkpoint()
        (self.source / "_delta_log" / f"{0:020}.json").unlink()
        self.assertIn("version 0 of `t` is wanted, and its log does not tell of it any more", self.refused("W7001"))

    def test_a_source_that_was_written_anew_has_other_files(self):
        shutil.rmtree(self.source)
        self.append(1, 2)
        outcome = self.replay(self.run_id)
        self.assertNotEqual(0, outcome.code)
        self.assertNotIn("[1/", outcome.stderr.replace("[1/2] failed", ""))
        self.assertIn("are gone", outcome.text)

    def test_versions_of_views_that_are_gone(self):
        self.project.write("views/w.sql", "SELECT count(*) AS n FROM v")
        second = self.project.run()["run_id"]
        for file in (self.project.warehouse / "v").glob("*.parquet"):
            file.unlink()
        outcome = self.replay(second)
        self.assertEqual(3, outcome.code, outcome.text)
        self.assertIn("error[W7001]: view `w`: version 0 of `v` is wanted", outcome.stderr)
        # Together with the view that it reads, it needs the sources alone.
        self.assertEqual(0, self.replay(second, "--all").code)

    def test_names_that_there_are_not(self):
        for arguments, text in ((("20200101T000000.000000Z-000000",), "there is no run"), ((self.run_id, "--view", "x"), "was not about a view `x`"),
                                ((self.run_id, "--into", str(self.project.warehouse)), "a place outside the warehouse"),
                                ((self.run_id, "--into", f"file://{self.project.warehouse}/"), "a place outside the warehouse"),
                                ((self.run_id, "--into", f"{self.project.warehouse}/_weir/../new"), "a place outside the warehouse"),
                                ((self.run_id, "--into", f"file://{self.source}"), "a new or empty folder is wanted"),
                                ((self.run_id, "--into", str(self.source)), "a new or empty folder is wanted")):
            outcome = self.replay(*arguments)
            self.assertEqual((2, True), (outcome.code, text in outcome.stderr), outcome.text)
        outcome = replay("last", folder=self.scratch)
        self.assertEqual((2, True), (outcome.code, "--warehouse" in outcome.stderr), outcome.text)
        outcome = replay("last", "--warehouse", str(self.scratch / "nowhere"), folder=self.scratch)
        self.assertEqual((2, True), (outcome.code, "no run has recorded a bundle" in outcome.stderr), outcome.text)

    def test_a_record_of_an_earlier_weir(self):
        rewrite(self.project.warehouse, "plan_bundles", lambda row: {**row, "plan_details": '{"nodes":2,"partition_columns":[]}'})
        outcome = self.replay(self.run_id)
        self.assertEqual((1, True), (outcome.code, "is of an earlier Weir" in outcome.stderr), outcome.text)

    def test_of_a_run_that_failed_what_it_built_is_replayed(self):
        self.append(-1)
        self.project.write("views/w.sql", "SELECT sqrt(CAST(n AS DOUBLE)) AS root, CAST(key AS INT) AS bad FROM (SELECT count(*) AS n, max(key) AS key FROM v)")
        self.assertEqual(1, self.project.weir("run").code)
        outcome = self.replay("last")
        self.assertEqual(0, outcome.code, outcome.text)
        self.assertIn("(failed): 1 of 1 replayed views identical; it did not build 1", outcome.stdout)

    def test_nothing_is_left_behind(self):
        before = {path: path.stat().st_mtime_ns for path in self.scratch.rglob("*")}
        scratch = self.scratch / "tmp"
        scratch.mkdir()
        outcome = self.project.weir("replay", "last", env={**os.environ, "TMPDIR": str(scratch)})
        self.assertEqual(0, outcome.code, outcome.text)
        self.assertEqual([], list(scratch.iterdir()))
        scratch.rmdir()
        after = {path: path.stat().st_mtime_ns for path in self.scratch.rglob("*")}
        self.assertEqual({path: at for path, at in before.items() if path != self.scratch},
                         {path: at for path, at in after.items() if path != self.scratch})


class ListingTest(ProjectCase):
    """Files that are listed are replayed as long as they are the same ones."""

    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "project")
        self.project.write("weir.toml", '[project]\nname = "files"\n')
        self.folder = self.scratch / "files"
        self.folder.mkdir()
        (self.folder / "a.csv").write_text("id,s\n1,x\n2,y\n2,y\n")
        (self.folder / "empty.csv").write_text("")
        self.project.write("sources/t.sql", f"CREATE EXTERNAL TABLE t (id INT, s VARCHAR) STORED AS CSV LOCATION '{self.folder}/' "
                                            "OPTIONS ('has_header' 'true')")
        self.project.write("views/v.sql", "SELECT id, s FROM t")
        self.run_id = self.project.run()["run_id"]

    def test_files_that_came_later_are_not_read(self):
        (self.folder / "b.csv").write_text("id,s\n9,z\n")
        outcome = self.project.weir("replay", self.run_id)
        self.assertEqual(0, outcome.code, outcome.text)

    def test_a_file_that_is_another_now(self):
        (self.folder / "a.csv").write_text("id,s\n1,x\n2,y\n3,y\n")
        outcome = self.project.weir("replay", self.run_id)
        self.assertEqual(3, outcome.code, outcome.text)
        self.assertIn("error[W7002]", outcome.stderr)
        self.assertIn("a.csv had the etag", outcome.stderr)
        (self.folder / "a.csv").unlink()
        self.assertIn("a.csv is gone", self.project.weir("replay", self.run_id).stderr)

    def test_rows_that_differ_are_shown_with_their_number(self):
        # The same bytes for the store: name, inode, size and time.
        file = self.folder / "a.csv"
        was = file.stat()
        with file.open("r+") as text:
            text.write("id,s\n1,x\n2,y\n7,q\n")
        os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
        outcome = self.project.weir("replay", self.run_id, "--format", "json")
        self.assertEqual(1, outcome.code, outcome.text)
        view = outcome.json()["views"][0]
        self.assertEqual("differs", view["result"])
        self.assertEqual({"only_then": 1, "only_now": 1, "rows_then": ["id = 2, s = y"], "rows_now": ["id = 7, s = q"]}, view["difference"])
        self.assertEqual([], view["causes"])
        table = self.project.weir("replay", self.run_id)
        self.assertIn("  - id = 2, s = y\n  + id = 7, s = q\n", table.stdout)


class SourceOptionsTest(SmallCase):
    """How a source is read is part of the record."""

    def test_declared_columns_and_places_of_rows(self):
        self.append(1, 2)
        files = self.scratch / "parquet"
        files.mkdir()
        pyarrow.parquet.write_table(pyarrow.table({"a": pyarrow.array([1, 2], pyarrow.int32())}), files / "1.parquet")
        pyarrow.parquet.write_table(pyarrow.table({"a": pyarrow.array([5], pyarrow.int64()), "b": ["x"]}), files / "2.parquet")
        self.project.write("sources/t.sql", f"CREATE EXTERNAL TABLE t (id DECIMAL(20, 0)) STORED AS DELTATABLE LOCATION '{self.source}' "
                                            "OPTIONS ('file_column' 'f', 'row_number_column' 'n');\n"
                                            f"CREATE EXTERNAL TABLE p STORED AS PARQUET LOCATION '{files}/' OPTIONS ('file_column' 'f', "
                                            "'row_number_column' 'n', 'schema_drift' 'ignore');")
        self.project.write("views/v.sql", "SELECT id / 4 AS quarter, f, n FROM t")
        self.project.write("views/w.sql", "SELECT a, b, f, n FROM p")
        run = self.project.run()["run_id"]
        rows = {name: bag(self.project.read(name)) for name in "vw"}
        self.append(3)
        pyarrow.parquet.write_table(pyarrow.table({"a": [7.5], "c": [1]}), files / "3.parquet")
        shutil.move(self.project.warehouse, self.scratch / "moved")
        into = self.scratch / "into"
        outcome = replay(run, "--warehouse", str(self.scratch / "moved"), "--into", str(into), folder=self.scratch)
        self.assertEqual(0, outcome.code, outcome.text)
        for name in "vw":
            self.assertEqual(rows[name], bag(deltalake.DeltaTable(str(into / name)).to_pyarrow_table()))


class VaryingTest(SmallCase):
    """Views that are no function of their rows."""

    def setUp(self):
        super().setUp()
        self.append(1, 2)

    def test_random_is_named_as_the_cause_and_what_reads_it(self):
        self.project.write("views/v.sql", "SELECT id, random() AS r FROM t")
        self.project.write("views/w.sql", "SELECT count(*) AS n FROM v")
        self.project.write("views/x.sql", "SELECT max(r) AS r FROM v")
        run = self.project.run()["run_id"]
        outcome = self.replay(run, "--format", "json")
        self.assertEqual(1, outcome.code, outcome.text)
        views = {view["view"]: view for view in outcome.json()["views"]}
        self.assertEqual({"v": "differs", "w": "identical", "x": "differs"}, {name: view["result"] for name, view in views.items()})
        self.assertEqual(["`random` gives other values in every run"], views["v"]["causes"])
        self.assertEqual(["it reads `v`, which differs"], views["x"]["causes"])
        self.assertEqual((2, 2), (views["v"]["difference"]["only_then"], views["v"]["difference"]["only_now"]))
        # By itself, over the rows of the run, what reads it is the same.
        alone = self.replay(run, "--verify", "--view", "x")
        self.assertEqual(0, alone.code, alone.text)

    def test_a_run_has_one_time_which_its_replay_has_too(self):
        self.project.write("views/v.sql", "CREATE MATERIALIZED VIEW v (CONSTRAINT past EXPECT (at <= now()) ON VIOLATION FAIL UPDATE) AS\n"
                                          "SELECT id, now() AS at, current_date AS day, CAST(current_time AS VARCHAR) AS clock FROM t")
        self.project.write("views/w.sql", "SELECT max(at) AS at, now() AS own FROM v")
        before = datetime.datetime.now(datetime.timezone.utc)
        run = self.project.run()["run_id"]
        after = datetime.datetime.now(datetime.timezone.utc)
        row = self.project.read("w").to_pylist()[0]
        self.assertEqual(row["at"], row["own"])
        self.assertTrue(before <= row["at"] <= after, row)
        self.assertEqual({row["at"].date()}, set(self.project.read("v")["day"].to_pylist()))
        time.sleep(1.1)
        into = self.scratch / "into"
        outcome = self.replay(run, "--into", str(into))
        self.assertEqual(0, outcome.code, outcome.text)
        self.assertEqual(row, deltalake.DeltaTable(str(into / "w")).to_pyarrow_table().to_pylist()[0])
        fingerprints = {view: self.project.succeed("explain", view, "--fingerprint").stdout for view in "vw"}
        # The time is in no definition: without what is remembered nothing runs.
        shutil.rmtree(self.project.folder / ".weir")
        self.assertEqual(0, self.project.run()["views"]["run"])
        self.assertEqual(fingerprints, {view: self.project.succeed("explain", view, "--fingerprint").stdout for view in "vw"})
        # A bundle that is remembered has no time either.
        self.append(3)
        self.project.run()
        self.assertGreater(self.project.read("w").to_pylist()[0]["own"], row["own"])

    def test_a_run_that_was_killed_had_that_time_too(self):
        """What a later run records of it is what its lock tells."""
        self.project.write("views/v.sql", "SELECT id, now() AS at FROM t")
        toml = (self.project.folder / "weir.toml").read_text()
        self.project.write("weir.toml", toml + '[hooks]\nafter_view = "kill -9 $PPID"\n')
        self.assertNotEqual(0, self.project.weir("run").code)
        self.project.write("weir.toml", toml)
        self.assertLessEqual(self.project.run()["views"]["run"], 1, "`v` stands, and so may `w`")
        [killed] = [row["run_id"] for row in self.project.artifact("runs") if row["state"] == "killed"]
        outcome = self.replay(killed, "--view", "v")
        self.assertEqual(0, outcome.code, outcome.text)
        self.assertIn("identical", outcome.stdout)

    def test_a_reader_that_asks_the_clock_is_not_taken_for_unchanged(self):
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)

        def put(at: datetime.datetime) -> None:
            rows = pyarrow.table({"at": pyarrow.array([at], pyarrow.timestamp("us", "UTC"))})
            deltalake.write_deltalake(str(self.source), rows, mode="overwrite", schema_mode="overwrite")

        put(soon)
        self.project.write("views/v.sql", "SELECT at FROM t")
        self.project.write("views/w.sql", "SELECT count(*) AS n FROM v WHERE at < now()")
        self.project.run()
        self.assertEqual([{"n": 0}], self.project.read("w").to_pylist())
        while datetime.datetime.now(datetime.timezone.utc) <= soon:
            time.sleep(0.2)
        self.project.run("--select", "w", "--force")
        self.assertEqual([{"n": 1}], self.project.read("w").to_pylist())
        put(soon + datetime.timedelta(days=1))
        self.project.run()
        self.assertEqual([{"n": 0}], self.project.read("w").to_pylist())


if __name__ == "__main__":
    unittest.main()
