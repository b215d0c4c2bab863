# SPDX-License-Identifier: Apache-2.0
"""Table functions, held against what another reader of the same Delta tables says; their errors; and that views may not call them."""

import datetime
import json
import subprocess

import deltalake
import pyarrow

import weir_project


def millis(value: str) -> int:
    """Of a time as `weir sql` prints it."""
    return round(datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() * 1000)


class TableFunctionsTest(weir_project.ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "p")
        self.project.write("weir.toml", '[project]\nname = "p"\n')
        self.place = self.project.folder / "data" / "trips"
        self.make_trips()
        self.project.write("sources/trips.sql", f"CREATE EXTERNAL TABLE trips STORED AS DELTATABLE LOCATION '{self.place}'")
        self.project.write("data/plain.csv", "a\n1\n")
        self.project.write("sources/plain.sql", "CREATE EXTERNAL TABLE plain STORED AS CSV LOCATION 'data/plain.csv' "
                                                "OPTIONS ('has_header' 'true')")
        self.project.write("views/long_trips.sql", "SELECT id, km FROM trips WHERE km > 10")
        self.project.write("views/inlined.sql", "CREATE VIEW inlined AS SELECT id FROM trips")

    def make_trips(self):
        """Five versions with inserts, an update and a delete, of a table that records its changes from version 0."""
        def rows(ids, kms, cities):
            return pyarrow.table({"id": pyarrow.array(ids, pyarrow.int64()), "km": pyarrow.array(kms, pyarrow.float64()),
                                  "city": pyarrow.array(cities, pyarrow.string())})
        where = str(self.place)
        deltalake.write_deltalake(where, rows([1, 2, 3], [5.0, None, 30.5], ["ulm", "ulm", "bonn"]), partition_by=["city"],
                                  configuration={"delta.enableChangeDataFeed": "true"})
        deltalake.write_deltalake(where, rows([4], [12.0], [None]), mode="append")
        table = deltalake.DeltaTable(where)
        table.update(updates={"km": "km + 1"}, predicate="id = 3")
        table.delete("id = 1")
        deltalake.write_deltalake(where, rows([5], [50.0], ["bonn"]), mode="append")
        self.trips = deltalake.DeltaTable(where)
        self.assertEqual(self.trips.version(), 4)

    def test_files_are_those_that_another_reader_finds(self):
        found = self.project.sql("SELECT path, size_bytes, rows, deleted_rows, arrow_cast(partition_values['city'], 'Utf8') AS city, "
                                 "min_values['id'] AS low, max_values['km'] AS high, null_counts['km'] AS nulls, modified_at "
                                 "FROM delta_files(trips)")
        added = pyarrow.table(self.trips.get_add_actions(flatten=True)).to_pylist()
        self.assertEqual([row["path"] for row in found], sorted(row["path"] for row in added))
        wanted = {row["path"]: row for row in added}
        for row in found:
            other = wanted[row["path"]]
            self.assertEqual(row["size_bytes"], other["size_bytes"])
            self.assertEqual(row["rows"], other["num_records"])
            self.assertIsNone(row["deleted_rows"])
            self.assertEqual(row["city"], other["partition.city"])
            self.assertEqual(int(row["low"]), other["min.id"])
            self.assertEqual(row["high"] and float(row["high"]), other["max.km"])
            self.assertEqual(row["nulls"], other["null_count.km"])
        self.assertEqual(self.project.sql("SELECT sum(rows) AS n FROM delta_files('TRIPS')"), [{"n": self.trips.to_pyarrow_table().num_rows}])

    def test_files_of_a_view_and_of_a_url(self):
        self.project.run()
        view = self.project.sql("SELECT path, rows FROM delta_files('long_trips')")
        self.assertEqual(sum(row["rows"] for row in view), self.project.read("long_trips").num_rows)
        by_url = self.project.sql(f"SELECT path, rows FROM delta_files('{self.project.table_path('long_trips').as_uri()}')")
        self.assertEqual(by_url, view)
        by_path = self.project.sql(f"SELECT path, rows FROM delta_files(table => '{self.project.table_path('long_trips')}')")
        self.assertEqual(by_path, view)

    def test_history_is_that_of_another_reader(self):
        found = self.project.sql("SELECT * FROM delta_history(trips)")
        history = sorted(self.trips.history(), key=lambda commit: commit["version"])
        self.assertEqual([row["version"] for row in found], [commit["version"] for commit in history])
        self.assertEqual([row["operation"] for row in found], [commit["operation"] for commit in history])
        for row, commit in zip(found, history):
            self.assertEqual(millis(row["timestamp"]), commit["timestamp"])
            log = (self.place / "_delta_log" / f"{commit['version']:020}.json").read_text()
            actions = [json.loads(line) for line in log.splitlines() if line]
            self.assertEqual(row["files_added"], sum("add" in action for action in actions))
            self.assertEqual(row["files_removed"], sum("remove" in action for action in actions))
            self.assertEqual(row["bytes_added"], sum(action["add"]["size"] for action in actions if "add" in action))
        self.project.run()
        self.project.run("--force")
        runs = self.project.sql("SELECT run_id FROM weir.writes WHERE view_name = 'long_trips' ORDER BY run_id")
        commits = self.project.sql("SELECT run_id FROM delta_history('long_trips') WHERE run_id IS NOT NULL ORDER BY version")
        self.assertEqual(commits, runs)

    def test_the_history_of_a_pinned_source_ends_at_its_pin(self):
        self.project.write("sources/trips.sql", f"CREATE EXTERNAL TABLE trips STORED AS DELTATABLE LOCATION '{self.place}' "
                                                "OPTIONS ('version' '2')")
        self.assertEqual(self.project.sql("SELECT max(version) AS last, count(*) AS n FROM delta_history(trips)"), [{"last": 2, "n": 3}])
        self.assertEqual(self.project.sql("SELECT sum(rows) AS n FROM delta_files(trips)"), [{"n": 4}])

    def changes(self, call: str) -> list[tuple]:
        rows = self.project.sql(f"SELECT id, km, city, _change_type AS change, _commit_version AS version FROM {call}")
        return sorted((r["version"], r["change"], r["id"], r["km"] if r["km"] is not None else -1, r["city"] or "") for r in rows)

    def wanted_changes(self, start: int, end: int) -> list[tuple]:
        rows = pyarrow.table(self.trips.load_cdf(starting_version=start, ending_version=end)).to_pylist()
        return sorted((r["_commit_version"], r["_change_type"], r["id"], r["km"] if r["km"] is not None else -1, r["city"] or "")
                      for r in rows)

    def test_changes_are_those_of_another_reader(self):
        for start in range(5):
            for end in range(start, 5):
                self.assertEqual(self.changes(f"delta_cdf(trips, {start}, {end})"), self.wanted_changes(start, end), (start, end))
        everything = self.wanted_changes(0, 4)
        self.assertEqual({change for _, change, *_ in everything}, {"insert", "update_preimage", "update_postimage", "delete"})
        self.assertEqual(self.changes("delta_cdf('trips')"), everything)
        self.assertEqual(self.changes("delta_cdf(trips, end => 4)"), everything)
        self.assertEqual(self.changes("DELTA_CDF(end => 3, table => trips, start => 2)"), self.wanted_changes(2, 3))
        self.assertEqual(self.changes("delta_cdf(trips, 3, NULL)"), self.wanted_changes(3, 4))
        self.assertEqual(self.changes("delta_cdf(trips, NULL, 1)"), self.wanted_changes(0, 1))
        upserts = self.project.sql("SELECT count(*) AS n FROM delta_cdf(trips, 1) WHERE cdf_is_upsert(_change_type)")
        self.assertEqual(upserts, [{"n": 3}])

    def test_changes_by_time(self):
        times = [row["timestamp"] for row in self.project.sql("SELECT CAST(timestamp AS VARCHAR) AS timestamp FROM delta_history(trips)")]
        self.assertEqual(self.changes(f"delta_cdf(trips, '{times[3]}')"), self.wanted_changes(3, 4))
        self.assertEqual(self.changes(f"delta_cdf(trips, 0, '{times[2]}')"), self.wanted_changes(0, 2))

    def test_errors_say_what_is_wrong_and_where(self):
        silent = str(self.project.folder / "data" / "silent")
        deltalake.write_deltalake(silent, pyarrow.table({"a": [1, 2]}))
        deltalake.DeltaTable(silent).delete("a = 1")
        self.project.write("sources/silent.sql", "CREATE EXTERNAL TABLE silent STORED AS DELTATABLE LOCATION "
                                                 f"'{self.project.folder}/data/silent'")
        for call, message in {
            "delta_files()": "delta_files(table): wants `table`, which is missing",
            "delta_files(trips, 1)": "delta_files(table): takes 1 argument, found `2`",
            "delta_files(name => trips)": "there is no parameter `name`",
            "delta_files(tripz)": "did you mean `trips`?",
            "delta_files(5)": "wants the name of a source or view, or a path",
            "delta_files(plain)": "the source `plain` is files of the format `csv`",
            "delta_files(inlined)": "the view `inlined` is not stored",
            "delta_files(long_trips)": "delta_files(table): ",
            "delta_history('/nowhere/at/all')": "delta_history(table): ",
            "delta_cdf(trips, 0, 9)": "end wants a version from 0 to 4, the table's latest, found `9`",
            "delta_cdf(trips, -1)": "start wants a version from 0 to 4, the table's latest, found `-1`",
            "delta_cdf(trips, 3, 1)": "start is after end: `3` and `1`",
            "delta_cdf(trips, 'yesterday')": "a timestamp in RFC 3339 is wanted",
            "delta_cdf(trips, 1.5)": "start wants int64 or text, found `1.5`",
            "delta_cdf(silent, 0)": "found one that did not in version 1",
            "udf_docs('x')": "udf_docs(): takes 0 arguments, found `1`",
        }.items():
            outcome = self.project.weir("sql", f"SELECT * FROM {call}")
            self.assertNotEqual(outcome.code, 0, call)
            self.assertIn(message, outcome.stderr, call)
            self.assertIn("line 1, column 15 ", outcome.stderr, call)

    def test_changes_before_a_table_records_them(self):
        place = str(self.project.folder / "data" / "late")
        deltalake.write_deltalake(place, pyarrow.table({"a": [1, 3]}))
        deltalake.DeltaTable(place).delete("a = 3")
        deltalake.DeltaTable(place).alter.set_table_properties({"delta.enableChangeDataFeed": "true"})
        deltalake.write_deltalake(place, pyarrow.table({"a": [2]}), mode="append")
        self.project.write("sources/late.sql", f"CREATE EXTERNAL TABLE late STORED AS DELTATABLE LOCATION '{place}'")
        outcome = self.project.weir("sql", "SELECT * FROM delta_cdf(late, 0)")
        self.assertEqual(outcome.code, 1)
        self.assertIn("a table that records its changes is wanted, found one that did not in version 1", outcome.stderr)
        self.assertEqual(self.project.sql("SELECT a, _change_type AS c FROM delta_cdf(late, 2)"), [{"a": 2, "c": "insert"}])
        # What only adds rows needs no record of it.
        self.assertEqual(self.project.sql("SELECT a FROM delta_cdf(late, 0, 0) ORDER BY a"), [{"a": 1}, {"a": 3}])

    def test_caches_show_what_the_process_has_read(self):
        self.assertEqual(self.project.sql("SELECT count(*) AS n FROM metadata_cache()"), [{"n": 0}])
        script = "SELECT sum(km) AS s FROM trips;\nSELECT path, size_bytes FROM metadata_cache();\n"
        done = subprocess.run([weir_project.program(), "sql", "--project", str(self.project.folder), "--format", "json"],
                              input=script, text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        cached = weir_project.last_json(done.stdout)
        files = {path.name: path.stat().st_size for path in self.place.glob("**/*.parquet")}
        live = {row["path"].rsplit("/", 1)[-1] for row in pyarrow.table(self.trips.get_add_actions(flatten=True)).to_pylist()}
        self.assertEqual({row["path"].rsplit("/", 1)[-1] for row in cached}, live)
        for row in cached:
            self.assertEqual(row["size_bytes"], files[row["path"].rsplit("/", 1)[-1]])

    def test_views_may_not_call_them(self):
        for name, text in {
            "a_view": "SELECT path\n  FROM delta_files(trips)",
            "b_view": "SELECT 1 AS x FROM trips WHERE id IN (SELECT id FROM DELTA_CDF('long_trips', 0, 1))",
            "c_view": "CREATE VIEW c_view AS SELECT name FROM udf_registry()",
            "d_view": "SELECT path FROM metadata_cache() AS m",
        }.items():
            self.project.write(f"views/{name}.sql", text)
        outcome = self.project.weir("check", "--format", "json")
        self.assertEqual(outcome.code, 1)
        found = {d["file"]: d for d in outcome.json()["diagnostics"]}
        for name, (place, function) in {"a_view": ((2, 8), "delta_files(table)"), "b_view": ((1, 54), "delta_cdf(table[, start[, end]])"),
                                        "c_view": ((1, 40), "udf_registry()"), "d_view": ((1, 18), "metadata_cache()")}.items():
            diagnostic = found[f"views/{name}.sql"]
            self.assertEqual(diagnostic["code"], "W2010", diagnostic)
            refusal = "a view may read the changes of a Delta source" if "cdf" in function else "a view may not read the table function"
            self.assertIn(refusal, diagnostic["message"])
            self.assertIn(function, diagnostic["message"])
            self.assertEqual((diagnostic["line"], diagnostic["column"]), place, name)
        # Names that only look like calls are nobody's business.
        for name in "abcd":
            (self.project.folder / f"views/{name}_view.sql").unlink()
        self.project.write("views/fine.sql", "-- as delta_files(trips) says\nSELECT 'udf_docs()' AS metadata_cache, id FROM trips AS delta_files")
        self.project.succeed("check")

    def test_tests_may_call_them(self):
        self.project.run()
        self.project.write("tests/few_files.sql", "SELECT count(*) AS n FROM delta_files('long_trips') HAVING count(*) > 100")
        self.project.succeed("test")
        self.project.write("tests/no_files.sql", "SELECT path FROM delta_files('long_trips')")
        self.assertEqual(self.project.weir("test").code, 1)
