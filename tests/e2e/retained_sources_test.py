# SPDX-License-Identifier: Apache-2.0
"""Sources of files with OPTIONS ('retain' 'true'): runs land them as Delta tables, and pin these.

The oracles: pyarrow and DuckDB over the files as they were at each run, of which the test keeps copies; a project that is the same but for
the option, whose views must hold the same rows; delta-rs for what was landed.
"""

import datetime
import decimal
import json
import math
import os
import random
import shutil
import time
import unittest

import deltalake
import duckdb
import pyarrow
import pyarrow.parquet
from replay_test import replay
from weir_project import Project, ProjectCase

SEED = int(os.environ.get("WEIR_RETAIN_SEED", "1"))


def cell(value):
    """A value that equals itself, and tells zeros apart."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    if isinstance(value, list):
        return [cell(each) for each in value]
    if isinstance(value, dict):
        return {key: cell(each) for key, each in value.items()}
    return repr(value)


def bag(table: pyarrow.Table) -> list[str]:
    return sorted(repr([(name, cell(row[name])) for name in sorted(table.column_names)]) for row in table.to_pylist())


class RetainedCase(ProjectCase):
    def project(self, source: str, views: dict[str, str], name: str = "project", toml: str = "") -> Project:
        project = Project(self.scratch / name)
        project.folder.mkdir(exist_ok=True)
        project.write("weir.toml", f'[project]\nname = "{name}"\n\n[profiles.default]\nthreads = 2\n{toml}\n')
        project.write("sources/s.sql", source)
        for view, sql in views.items():
            project.write(f"views/{view}.sql", sql)
        return project

    def landed(self, project: Project, source: str = "s", version: int | None = None) -> pyarrow.Table:
        return deltalake.DeltaTable(str(project.warehouse / "_weir/sources" / source), version=version).to_pyarrow_table()

    def versions(self, project: Project, source: str = "s") -> int:
        return len(project.log_files(f"_weir/sources/{source}"))

    def pins(self, project: Project, run: str) -> set[tuple]:
        """What the scans of a run read of sources."""
        return {(row["table_name"], row["kind"], row["version"]) for row in project.artifact("scan_units")
                if row["run_id"] == run and row["kind"] != "view"}

    def assert_identical(self, run: str, project: Project, *arguments: str) -> None:
        outcome = replay(run, "--warehouse", str(project.warehouse), "--format", "json", *arguments, folder=self.scratch)
        self.assertEqual(outcome.code, 0, outcome.text)
        states = {view["view"]: view["result"] for view in outcome.json()["views"]}
        self.assertTrue(states)
        self.assertEqual(set(states.values()), {"identical"}, states)


class HistoryTest(RetainedCase):
    """A CSV file that is appended to, overwritten and deleted between runs."""

    SOURCE = ("CREATE EXTERNAL TABLE s (id BIGINT, kind VARCHAR, amount DOUBLE, price DECIMAL(12, 3), day DATE, at TIMESTAMP, ok BOOLEAN)\n"
              "STORED AS CSV LOCATION 'data/s.csv' OPTIONS ('has_header' 'true', 'retain' 'true');")
    VIEWS = {
        "copied": ("SELECT * FROM s", "SELECT * FROM s"),
        "by_kind": ("SELECT kind, count(*) AS n, sum(price) AS p FROM s GROUP BY kind",
                    "SELECT kind, count(*) AS n, sum(price) AS p FROM s GROUP BY kind"),
        "above": ("SELECT max(n) AS most FROM by_kind", "SELECT max(n) AS most FROM (SELECT count(*) AS n FROM s GROUP BY kind)"),
        "of_a": ("SELECT id, amount FROM s WHERE kind = 'a' AND amount > 0", "SELECT id, amount FROM s WHERE kind = 'a' AND amount > 0"),
    }

    def rows(self, rng: random.Random, count: int) -> list[str]:
        def maybe(text):
            return "" if rng.random() < 0.2 else text
        return [",".join([str(rng.randrange(10**12)), maybe(rng.choice(["a", "b", "ü", '"c,d"'])),
                          maybe(rng.choice(["1.5", "-0.0", "NaN", "1e300", "-7"])), maybe(f"{rng.randrange(10**6)}.{rng.randrange(1000):03}"),
                          maybe(f"20{rng.randrange(10, 30)}-0{rng.randrange(1, 10)}-11"), maybe(f"1999-12-31 23:59:{rng.randrange(10, 60)}.000123"),
                          maybe(rng.choice(["true", "false"]))]) for _ in range(count)]

    def oracle(self, file) -> dict[str, list[str]]:
        connection = duckdb.connect()
        connection.execute(f"CREATE TABLE s AS SELECT * FROM read_csv('{file}', header = true, delim = ',', quote = '\"', nullstr = '', columns = "
                           "{'id': 'BIGINT', 'kind': 'VARCHAR', 'amount': 'DOUBLE', 'price': 'DECIMAL(12, 3)', 'day': 'DATE', "
                           "'at': 'TIMESTAMP', 'ok': 'BOOLEAN'})")
        results = {}
        for name, (_, sql) in self.VIEWS.items():
            if name == "of_a":
                sql += " AND NOT isnan(amount) OR kind = 'a' AND isnan(amount)"
            results[name] = bag(connection.sql(sql).to_arrow_table())
        return results

    def test_every_run_is_replayed_after_its_files_are_gone(self):
        rng = random.Random(SEED)
        project = self.project(self.SOURCE, {name: sql for name, (sql, _) in self.VIEWS.items()})
        header = "id,kind,amount,price,day,at,ok"
        lines = self.rows(rng, 300)
        runs, expected = [], []
        for step in range(5):
            if step == 1:
                lines += self.rows(rng, 50)
            elif step == 3:
                lines = self.rows(rng, 20)
            elif step == 4:
                rng.shuffle(lines)
                lines[0] = lines[1]
            file = project.write("data/s.csv", "\n".join([header, *lines]) + "\n") if step != 2 else project.folder / "data/s.csv"
            before = self.versions(project) if step else 0
            project.run()
            run = project.last_run_id()
            if step == 2:  # nothing changed: nothing is landed, nothing runs
                self.assertEqual(self.versions(project), before)
                states = {row["state"] for row in project.artifact("tasks") if row["run_id"] == run}
                self.assertEqual(states, {"reused"})
                continue
            self.assertEqual(self.versions(project), before + 1)
            self.assertEqual(self.pins(project, run), {("s", "delta", before)})
            oracle = self.oracle(file)
            for name in self.VIEWS:
                self.assertEqual(bag(project.read(name)), oracle[name], (step, name))
            self.assertEqual(bag(self.landed(project)), oracle["copied"])
            runs.append(run)
            expected.append(oracle)
        (project.folder / "data/s.csv").unlink()
        shutil.rmtree(project.folder / "views")
        for run, oracle in zip(runs, expected, strict=True):
            into = self.scratch / f"into-{run}"
            self.assert_identical(run, project, "--into", str(into))
            for name in self.VIEWS:
                if (into / name).exists():
                    self.assertEqual(bag(deltalake.DeltaTable(str(into / name)).to_pyarrow_table()), oracle[name])
        # And from a copy elsewhere, after the warehouse itself is gone.
        moved = Project(self.scratch / "moved")
        moved.folder.mkdir()
        shutil.move(project.warehouse, moved.warehouse)
        for run in runs:
            self.assert_identical(run, moved)

    def test_changed_files_run_exactly_the_views_that_they_reach(self):
        project = self.project(self.SOURCE, {"reads": "SELECT count(*) AS n FROM s", "other": "SELECT 1 AS one",
                                             "above": "SELECT n FROM reads"})
        file = project.write("data/s.csv", "id,kind,amount,price,day,at,ok\n" + "\n".join(self.rows(random.Random(SEED), 3)) + "\n")
        project.run()
        file.write_text(file.read_text() + "1,a,1,1,,,\n")
        plan = {view["view"]: view["action"] for view in project.succeed("plan", "--format", "json").json()["views"]}
        self.assertEqual(plan, {"reads": "run", "above": "pending", "other": "reuse"})
        self.assertIn("s.csv modified in `s`", project.succeed("plan").stdout)
        self.assertEqual(self.versions(project), 1)
        project.run()
        self.assertEqual(self.versions(project), 2)
        self.assertEqual(project.read("above").to_pylist(), [{"n": 4}])
        # Another location is another source; what looks is not what lands.
        for command in (["check"], ["plan"], ["explain", "reads", "--scans"], ["sql", "SELECT count(*) FROM s"], ["plan"]):
            file.write_text(file.read_text() + "2,a,1,1,,,\n")
            project.succeed(*command)
            self.assertEqual(self.versions(project), 2)
        self.assertEqual(project.sql("SELECT count(*) AS n FROM s"), [{"n": 9}])
        # The option alone is no change.
        project.run()
        project.write("sources/s.sql", self.SOURCE.replace(", 'retain' 'true'", ", 'retain' 'false'"))
        project.run()
        self.assertEqual({row["state"] for row in project.artifact("tasks") if row["run_id"] == project.last_run_id()}, {"reused"})

    def test_a_value_that_cannot_be_read_lands_nothing(self):
        project = self.project(self.SOURCE, {"reads": "SELECT count(*) AS n, max(id) AS m FROM s", "more": "SELECT id FROM s"})
        file = project.write("data/s.csv", "id,kind,amount,price,day,at,ok\n1,a,1,1,,,\n")
        project.run()
        file.write_text(file.read_text() + "2,a,x,1,,,\n")
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("the source `s` could not be landed", outcome.stderr)
        self.assertIn("s.csv", outcome.stderr)
        self.assertEqual(self.versions(project), 1)
        self.assertEqual(project.read("reads").to_pylist(), [{"n": 1, "m": 1}])
        landed = sorted(path.name for path in (project.warehouse / "_weir/sources/s").glob("*.parquet"))
        self.assertEqual(len(landed), 1)
        file.write_text(file.read_text().replace(",x,", ",2,"))
        project.run()
        self.assertEqual(project.read("reads").to_pylist(), [{"n": 2, "m": 2}])


    def test_a_run_that_was_killed_is_replayed_too(self):
        project = self.project(self.SOURCE, {"reads": "SELECT count(*) AS n, max(id) AS m FROM s",
                                             "slow": "SELECT count(*) AS n FROM s a, s b, s c, s d WHERE (a.id * b.id + c.id * d.id) % 7 = 3"})
        file = project.write("data/s.csv", "id,kind,amount,price,day,at,ok\n" + "\n".join(self.rows(random.Random(SEED), 3000)) + "\n")
        with project.start("run") as process:
            until = time.monotonic() + 60
            while not project.log_files("reads") and time.monotonic() < until:
                time.sleep(0.01)
            process.kill()
        before = project.read("reads").to_pylist()
        project.write("views/slow.sql", "SELECT 1 AS n")
        project.run()
        killed = [row["run_id"] for row in project.artifact("runs") if row["state"] == "killed"]
        self.assertEqual(len(killed), 1)
        self.assertEqual(self.pins(project, killed[0]), {("s", "delta", 0)})
        file.unlink()
        self.assert_identical(killed[0], project)
        self.assertEqual(before, project.read("reads").to_pylist())


class SameRowsTest(RetainedCase):
    """A project with the option and one without it."""

    def both(self, source: str, views: dict[str, str], data) -> Project:
        """`data` writes the files into a folder. `%s` in the source is the option. Returns the project with it."""
        projects = []
        for name, option in (("direct", ""), ("retained", ", 'retain' 'true'")):
            project = self.project(source.replace("%s", option), views, name)
            (project.folder / "data").mkdir(exist_ok=True)
            data(project.folder / "data")
            project.run()
            projects.append(project)
        direct, retained = projects
        for view in views:
            ours, theirs = retained.read(view), direct.read(view)
            self.assertEqual(ours.schema, theirs.schema, view)
            self.assertEqual(bag(ours), bag(theirs), view)
        run = retained.last_run_id()
        self.assertEqual({kind for _, kind, _ in self.pins(retained, run)}, {"delta"})
        self.assertEqual(self.versions(retained), 1)
        shutil.rmtree(retained.folder / "data")
        self.assert_identical(run, retained)
        return retained

    def test_types_of_parquet(self):
        utc = datetime.timezone.utc
        columns = {
            "i8": pyarrow.array([-128, None, 127], pyarrow.int8()), "i16": pyarrow.array([-2**15, None, 2**15 - 1], pyarrow.int16()),
            "i32": pyarrow.array([-2**31, None, 2**31 - 1], pyarrow.int32()), "i64": pyarrow.array([-2**63, None, 2**63 - 1], pyarrow.int64()),
            "u8": pyarrow.array([0, None, 255], pyarrow.uint8()), "u16": pyarrow.array([0, None, 2**16 - 1], pyarrow.uint16()),
            "u32": pyarrow.array([0, None, 2**32 - 1], pyarrow.uint32()), "u64": pyarrow.array([0, None, 2**63 - 1], pyarrow.uint64()),
            "f32": pyarrow.array([math.nan, None, -0.0], pyarrow.float32()), "f64": pyarrow.array([math.nan, None, math.inf], pyarrow.float64()),
            "d": pyarrow.array([decimal.Decimal("1.25"), None, decimal.Decimal("-9.99")], pyarrow.decimal128(38, 2)),
            "b": pyarrow.array([True, None, False]), "t": pyarrow.array(["", None, "ü☕"]), "lt": pyarrow.array(["x", None, ""], pyarrow.large_string()),
            "y": pyarrow.array([b"", None, b"\x00\xff"]),
            "day": pyarrow.array([datetime.date(1, 1, 1), None, datetime.date(9999, 12, 31)]),
            "ms": pyarrow.array([datetime.datetime(1970, 1, 1, 0, 0, 0, 1000), None, datetime.datetime(2262, 12, 1)], pyarrow.timestamp("ms")),
            "us": pyarrow.array([datetime.datetime(1, 1, 1, 0, 0, 0, 1), None, datetime.datetime(9999, 1, 1)], pyarrow.timestamp("us")),
            "tz": pyarrow.array([datetime.datetime(2020, 1, 1, tzinfo=utc), None, datetime.datetime(2021, 6, 1, tzinfo=utc)],
                                pyarrow.timestamp("us", "Europe/Berlin")),
            "li": pyarrow.array([[1, None], None, []], pyarrow.list_(pyarrow.uint16())),
            "st": pyarrow.array([{"a": 1, "b": None}, None, {"a": None, "b": "x"}]),
            "pairs": pyarrow.array([[("k", 1)], None, []], pyarrow.map_(pyarrow.string(), pyarrow.int32())),
        }
        table = pyarrow.table(columns)

        def data(folder):
            pyarrow.parquet.write_table(table, folder / "a.parquet")
            pyarrow.parquet.write_table(table.slice(0, 0), folder / "none.parquet")
            pyarrow.parquet.write_table(table.slice(1), folder / "b.parquet")

        texts = ", ".join(f"arrow_typeof({name}) || ' ' || coalesce(CAST({name} AS VARCHAR), 'NULL') AS {name}" for name in columns
                          if name not in ("li", "st", "pairs", "y"))
        retained = self.both("CREATE EXTERNAL TABLE s STORED AS PARQUET LOCATION 'data/' OPTIONS ('schema_drift' 'warn'%s);", {
            "all_of_it": "SELECT * FROM s",
            "texts": f"SELECT {texts} FROM s",
            "filtered": "SELECT i8, t, tz FROM s WHERE u8 >= 255 AND t <> 'a' AND f32 = -0.0 AND tz > TIMESTAMP '2000-01-01'",
            "nested": "SELECT li[1] + 1 AS l, st['b'] AS b, pairs['k'] AS k, u32 - 1 AS u FROM s WHERE u32 > 0 OR u32 IS NULL",
            "joined": "SELECT count(*) AS n FROM s a JOIN s b ON a.lt = b.lt AND a.u64 = b.u64 AND a.ms = b.ms",
        }, data)
        self.assertEqual(retained.read("all_of_it").num_rows, 5)
        # Against another reader, for columns that Delta has as they are.
        same = ["i8", "i16", "i32", "i64", "f64", "d", "b", "t", "day", "us", "st"]
        wanted = pyarrow.concat_tables([table, table.slice(1)]).select(same)
        self.assertEqual(bag(retained.read("all_of_it").select(same)), bag(wanted))

    def test_folders_places_and_odd_texts(self):
        def data(folder):
            for year, kind, rows in ((2020, "a b", 3), (2021, "50%25", 0), (2021, "__HIVE_DEFAULT_PARTITION__", 2)):
                part = folder / f"year={year}" / f"kind={kind}"
                part.mkdir(parents=True)
                (part / "x.csv").write_text('"Größe";_n\n' + "".join(f'"{i};""q""\n";{i}.5\n' for i in range(rows)))
                (part / "empty.csv").write_text("")
        retained = self.both(
            'CREATE EXTERNAL TABLE s ("Größe" VARCHAR, _n DOUBLE) STORED AS CSV PARTITIONED BY (year INT, kind VARCHAR) LOCATION \'data/\'\n'
            "OPTIONS ('delimiter' ';', 'file_column' 'file', 'row_number_column' 'place'%s);", {
                "all_of_it": "SELECT * FROM s",
                "of_year": "SELECT kind, place, file FROM s WHERE year = 2021",
                "of_kind": "SELECT _n FROM s WHERE kind = 'a b' AND place > 0",
                "no_kind": "SELECT count(*) AS n FROM s WHERE kind IS NULL",
                "of_file": "SELECT \"Größe\" FROM s WHERE file LIKE 'year=2020/%' AND _n < 2",
            }, data)
        self.assertEqual(retained.read("all_of_it").num_rows, 5)
        self.assertEqual(retained.read("no_kind").to_pylist(), [{"n": 2}])
        self.assertEqual(sorted(retained.read("of_year").column("place").to_pylist()), [0, 1])

    def test_texts_in_json_and_files_without_a_row(self):
        def data(folder):
            (folder / "a.json").write_text('{"a": 1, "b": {"c": [1.5, null]}, "t": ""}\n{"t": "x"}\n')
            (folder / "b.json").write_text("")
        self.both("CREATE EXTERNAL TABLE s STORED AS JSON LOCATION 'data/' OPTIONS ('schema_drift' 'warn'%s);",
                  {"all_of_it": "SELECT * FROM s", "part": "SELECT b['c'] AS c FROM s WHERE a = 1"}, data)

        def nothing(folder):
            (folder / "a.json").write_text("")
        shutil.rmtree(self.scratch / "direct")
        shutil.rmtree(self.scratch / "retained")
        retained = self.both("CREATE EXTERNAL TABLE s (a INT, t TIMESTAMPTZ) STORED AS JSON LOCATION 'data/' OPTIONS ('schema_drift' 'warn'%s);",
                             {"all_of_it": "SELECT * FROM s", "counted": "SELECT count(*) AS n FROM s"}, nothing)
        self.assertEqual(retained.read("counted").to_pylist(), [{"n": 0}])

    def test_two_views_at_a_time_land_once(self):
        def data(folder):
            (folder / "s.csv").write_text("id\n" + "\n".join(str(i) for i in range(20000)) + "\n")
        self.both("CREATE EXTERNAL TABLE s (id BIGINT) STORED AS CSV LOCATION 'data/s.csv' OPTIONS ('has_header' 'true'%s);",
                  {f"v{i}": f"SELECT count(*) AS n, max(id) AS m FROM s WHERE id % 7 <> {i}" for i in range(8)}, data)


class RefusalTest(RetainedCase):
    def test_columns_that_a_delta_table_does_not_give_back(self):
        project = self.project("CREATE EXTERNAL TABLE s STORED AS PARQUET LOCATION 'data/s.parquet' OPTIONS ('retain' 'true');",
                               {"v": "SELECT 1 AS one FROM s"})
        (project.folder / "data").mkdir()
        now = datetime.datetime(2020, 1, 1)
        pyarrow.parquet.write_table(pyarrow.table({
            "fine": [1], "with blank": [1], "A": [1], "a": [1], "nanos": pyarrow.array([now], pyarrow.timestamp("ns")),
            "half": pyarrow.array([0.5], pyarrow.float32()).cast(pyarrow.float16()), "codes": pyarrow.array(["p"]).dictionary_encode(),
            "clock": pyarrow.array([now.time()], pyarrow.time64("us"))}), project.folder / "data/s.parquet", version="2.6")
        for command in ("check", "run"):
            outcome = project.weir(command)
            self.assertEqual(outcome.code, 1, outcome.text)
            self.assertEqual(outcome.stderr.count("error[W3009]: source `s`"), 6, outcome.text)
            for said in ("`with blank`", "`nanos`", "`half`", "`codes`", "`clock`", "have the name `a`", "sources/s.sql:1:1", "leave `retain` out"):
                self.assertIn(said, outcome.stderr)
        self.assertFalse((project.warehouse / "_weir/sources").exists())
        project.succeed("sql", "SELECT fine FROM s")

    def test_unsigned_numbers_beyond_bigint_fail_by_value(self):
        project = self.project("CREATE EXTERNAL TABLE s STORED AS PARQUET LOCATION 'data/s.parquet' OPTIONS ('retain' 'true');",
                               {"v": "SELECT u FROM s WHERE u < 5"})
        (project.folder / "data").mkdir()
        pyarrow.parquet.write_table(pyarrow.table({"u": pyarrow.array([1, 2**64 - 1], pyarrow.uint64())}), project.folder / "data/s.parquet")
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("the source `s` could not be landed", outcome.stderr)
        self.assertIn(str(2**64 - 1), outcome.stderr)

    def test_values_of_the_option(self):
        csv = "CREATE EXTERNAL TABLE s (a INT) STORED AS CSV LOCATION 'data/s.csv' OPTIONS ('{}' '{}');"
        project = self.project(csv.format("retain", "yes"), {"v": "SELECT a FROM s"})
        project.write("data/s.csv", "a\n1\n")
        outcome = project.weir("check")
        self.assertIn("error[W1305]: `true` or `false` is wanted for `retain`, found `yes`", outcome.stderr)
        project.write("sources/s.sql", csv.format("retian", "true"))
        self.assertIn("did you mean `retain`?", project.weir("check").stderr)
        project.write("sources/s.sql", "CREATE EXTERNAL TABLE s STORED AS DELTATABLE LOCATION 'data/d' OPTIONS ('retain' 'true');")
        deltalake.write_deltalake(str(project.folder / "data/d"), pyarrow.table({"a": [1]}))
        outcome = project.weir("check")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("error[W1304]", outcome.stderr)
        self.assertIn("pin a Delta table by its version", outcome.stderr)


class UpkeepTest(RetainedCase):
    SOURCE = "CREATE EXTERNAL TABLE s (a INT) STORED AS CSV LOCATION 'data/s.csv' OPTIONS ('has_header' 'true', 'retain' 'true');"
    RETENTION = "\n[retention]\nruns = {}\ndays = 0\nremoved_views_days = 0"

    def history(self, runs: int, kept: int) -> tuple[Project, list[str]]:
        project = self.project(self.SOURCE, {"v": "SELECT sum(a) AS s FROM s", "w": "SELECT s FROM v"}, toml=self.RETENTION.format(kept))
        ids = []
        for run in range(runs):
            project.write("data/s.csv", "a\n" + "\n".join(str(i) for i in range(run + 2)) + "\n")
            project.run(*(["--tag", "first"] if run == 0 and kept > 0 else []))
            ids.append(project.last_run_id())
        return project, ids

    def test_gc_keeps_what_replayable_runs_need(self):
        project, runs = self.history(5, 2)
        self.assertEqual(self.versions(project), 5)
        project.succeed("gc")
        (project.folder / "data/s.csv").unlink()
        for run in (runs[0], runs[3], runs[4]):
            self.assert_identical(run, project)
        for run in (runs[1], runs[2]):
            outcome = replay(run, "--warehouse", str(project.warehouse), folder=self.scratch)
            self.assertEqual(outcome.code, 3, outcome.text)
            self.assertIn("W7001", outcome.text)
        files = {path.name for path in (project.warehouse / "_weir/sources/s").glob("*.parquet")}
        self.assertEqual(len(files), 3)
        self.assertEqual(json.loads(project.succeed("gc", "--dry-run", "--format", "json").stdout)["actions"], [])

    def test_gc_keeps_the_last_landing_and_drops_that_of_a_removed_source(self):
        project, _ = self.history(2, 0)
        project.succeed("gc")
        before = self.versions(project)
        project.run()
        self.assertEqual(self.versions(project), before)
        self.assertEqual(self.landed(project).num_rows, 3)
        # A source that is read, but no longer retained, has no landing any more; nor has one that is gone.
        project.write("sources/s.sql", self.SOURCE.replace("'retain' 'true'", "'retain' 'false'"))
        folder = project.warehouse / "_weir/sources/s"
        first = project.succeed("gc").text
        self.assertIn("_weir/sources/s", first)
        self.assertIn("no source of the project has it", first)
        self.assertTrue(folder.exists())
        project.write("data/s.csv", "a\n7\n")
        project.run()  # the last published set needs no landing from now on
        project.succeed("gc")
        self.assertFalse(folder.exists())
        self.assertEqual(project.read("w").to_pylist(), [{"s": 7}])
        # Retained again, it is landed again.
        project.write("sources/s.sql", self.SOURCE)
        project.write("data/s.csv", "a\n8\n")
        project.run()
        self.assertEqual(self.landed(project).to_pylist(), [{"a": 8}])


if __name__ == "__main__":
    unittest.main()
