# SPDX-License-Identifier: Apache-2.0
"""Constraints of views: what they count, drop and refuse, and that a refused update changes nothing.

The rows that each constraint lets through are recounted by an independent engine.
"""

import signal
import time
import unittest

import duckdb

from weir_project import Project, ProjectCase

SOURCE = """CREATE EXTERNAL TABLE readings (id BIGINT, site VARCHAR, value DOUBLE)
STORED AS CSV LOCATION 'data/readings.csv' OPTIONS ('has_header' 'true');
"""


def readings(rows: int) -> str:
    """Every 10th value is missing, every 7th negative."""
    lines = ["id,site,value"]
    for i in range(rows):
        value = "" if i % 10 == 3 else f"{-i if i % 7 == 0 else i}.5"
        lines.append(f"{i},{'abc'[i % 3]},{value}")
    return "\n".join(lines) + "\n"


def view(constraints: str, query: str = "SELECT id, site, value FROM readings") -> str:
    return f"CREATE MATERIALIZED VIEW checked (\n{constraints}\n) AS {query}\n"


class ConstraintsTest(ProjectCase):
    ROWS = 50_000

    def project(self, constraints: str, rows: int | None = None) -> Project:
        project = Project(self.scratch / "project")
        project.folder.mkdir()
        project.write("weir.toml", '[project]\nname = "checked"\n')
        project.write("sources/readings.sql", SOURCE)
        project.write("data/readings.csv", readings(rows or self.ROWS))
        project.write("views/checked.sql", view(constraints))
        return project

    def count(self, project: Project, predicate: str) -> int:
        """As another engine counts the rows of the source for which a predicate is true."""
        source = f"read_csv('{project.folder}/data/readings.csv', types = {{'value': 'DOUBLE'}})"
        return duckdb.sql(f"SELECT count(*) FROM {source} WHERE {predicate}").limit(1).fetchall()[0][0]

    def expectations(self, project: Project) -> dict[str, dict]:
        rows = project.sql("SELECT * FROM weir.expectations")
        last = max(row["run_id"] for row in rows)
        return {row["constraint_name"]: row for row in rows if row["run_id"] == last}

    def test_a_warning_keeps_every_row_and_counts(self):
        project = self.project("  CONSTRAINT positive EXPECT (value > 0)")
        outcome = project.succeed("run")
        self.assertIn("warning[W5002]", outcome.stderr)
        self.assertIn("views/checked.sql:2:3", outcome.stderr)
        self.assertEqual(project.read("checked").num_rows, self.ROWS)
        row = self.expectations(project)["positive"]
        positive = self.count(project, "value > 0")
        self.assertEqual((row["rows_passed"], row["rows_failed"], row["rows_dropped"]), (positive, self.ROWS - positive, 0))
        self.assertEqual((row["action"], row["expression"], row["view_name"]), ("warn", "value > 0", "checked"))
        self.assertRegex(row["example"], r"^id = \d+, site = [abc], value = (NULL|-[\d.]+)$")

    def test_a_row_for_which_the_expression_is_null_is_dropped_too(self):
        project = self.project(
            "  CONSTRAINT positive EXPECT (value > 0) ON VIOLATION DROP ROW,\n"
            "  CONSTRAINT not_c EXPECT (site <> 'c') ON VIOLATION DROP ROW,\n"
            "  CONSTRAINT small EXPECT (id < 100)"
        )
        outcome = project.succeed("run")
        self.assertIn("warning[W5003]", outcome.stderr)
        table = project.read("checked")
        self.assertEqual(table.num_rows, self.count(project, "value > 0 AND site <> 'c'"))
        self.assertEqual(table.column("value").null_count, 0)
        self.assertTrue(all(value > 0 for value in table.column("value").to_pylist()))
        rows = self.expectations(project)
        self.assertEqual(list(rows), ["positive", "not_c", "small"])
        for name, predicate in (("positive", "value > 0"), ("not_c", "site <> 'c'"), ("small", "id < 100")):
            passed = self.count(project, predicate)
            self.assertEqual((rows[name]["rows_passed"], rows[name]["rows_failed"]), (passed, self.ROWS - passed), name)
        self.assertEqual(rows["small"]["rows_dropped"], 0)
        self.assertEqual(rows["not_c"]["rows_dropped"], rows["not_c"]["rows_failed"])
        filters = project.sql("SELECT DISTINCT input_column FROM weir.lineage WHERE use = 'filter' AND output_column = 'id'")
        self.assertEqual({row["input_column"] for row in filters}, {"value", "site"}, "what drops rows is lineage")

    def test_the_content_hash_is_of_the_rows_that_stay(self):
        dropped = self.project("  CONSTRAINT positive EXPECT (value > 0) ON VIOLATION DROP ROW")
        dropped.run()
        filtered = Project(self.scratch / "filtered")
        filtered.folder.mkdir()
        for path in ("weir.toml", "sources/readings.sql", "data/readings.csv"):
            filtered.write(path, (dropped.folder / path).read_text())
        filtered.write("views/checked.sql", "SELECT id, site, value FROM readings WHERE value > 0")
        filtered.run()
        hashes = [p.sql("SELECT content_hash FROM weir.writes")[0]["content_hash"] for p in (dropped, filtered)]
        self.assertEqual(*hashes)

    def test_a_failed_update_leaves_the_table_and_its_folder_as_they_were(self):
        project = self.project("  CONSTRAINT known EXPECT (site IN ('a', 'b', 'c')) ON VIOLATION FAIL UPDATE")
        project.write("views/reader.sql", "SELECT count(*) AS n FROM checked")
        project.run()
        before, files = project.read("checked"), project.all_files()
        data = project.folder / "data" / "readings.csv"
        data.write_text(data.read_text() + "50001,x,1.5\n50002,y,2.5\n")
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("error[W5004]", outcome.stderr)
        self.assertIn("2 of 50002 rows violate the constraint `known`", outcome.stderr)
        self.assertIn("site IN ('a', 'b', 'c')", outcome.stderr)
        self.assertRegex(outcome.stderr, r"for instance: id = 5000[12], site = [xy]")
        self.assertIn("views/checked.sql:2:3", outcome.stderr)
        self.assertIn("1 failed, 1 blocked", outcome.stdout)
        self.assertTrue(project.read("checked").equals(before))
        kept = {path: state for path, state in project.all_files().items() if "_weir" not in path and "data/" not in path}
        self.assertEqual(kept, {p: s for p, s in files.items() if "_weir" not in p and "data/" not in p})
        row = self.expectations(project)["known"]
        self.assertEqual((row["rows_passed"], row["rows_failed"], row["rows_dropped"]), (self.ROWS, 2, 0))
        # It is tried again, and goes on once the data are mended.
        self.assertEqual(project.weir("run").code, 1)
        data.write_text(readings(self.ROWS + 2))
        self.assertEqual(project.run()["views"]["run"], 2)
        self.assertEqual(project.read("checked").num_rows, self.ROWS + 2)

    def test_a_kill_while_rows_are_held_against_constraints_leaves_nothing_half_written(self):
        project = self.project(
            "  CONSTRAINT known EXPECT (site IN ('a', 'b')) ON VIOLATION FAIL UPDATE,\n"
            "  CONSTRAINT positive EXPECT (value > 0) ON VIOLATION DROP ROW", rows=400_000
        )
        for seconds in (0.05, 0.15, 0.3):
            with project.start("run") as process:
                time.sleep(seconds)
                process.send_signal(signal.SIGKILL)
                process.communicate()
            self.assertEqual(project.log_files("checked"), [])
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertEqual(project.log_files("checked"), [])
        self.assertIn("W5004", outcome.stderr)

    def test_changes_of_warnings_rerun_nothing(self):
        project = self.project("  CONSTRAINT positive EXPECT (value > 0) ON VIOLATION DROP ROW", rows=100)
        project.run()
        project.write("views/checked.sql", view(
            "  CONSTRAINT w EXPECT (id < 5),\n  CONSTRAINT renamed EXPECT ( VALUE > 0 ) ON VIOLATION DROP ROW"))
        self.assertEqual(project.run()["views"]["run"], 0)
        project.write("views/checked.sql", view("  CONSTRAINT w EXPECT (id < 5)"))
        self.assertEqual(project.run()["views"]["run"], 1)
        self.assertEqual(project.read("checked").num_rows, 100)
        project.write("views/checked.sql", view("  CONSTRAINT w EXPECT (id < 5) ON VIOLATION FAIL UPDATE"))
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 1)
        self.assertIn("95 of 100 rows violate", outcome.stderr)

    def test_errors_in_expressions_are_found_by_check(self):
        project = self.project(
            "  CONSTRAINT a EXPECT (valeu > 0),\n  CONSTRAINT b EXPECT (id + 1) ON VIOLATION DROP ROW", rows=3)
        outcome = project.weir("check")
        self.assertEqual(outcome.code, 1)
        self.assertIn("views/checked.sql:2:24", outcome.stderr)
        self.assertRegex(outcome.stderr, r"hint: .*`value`")
        self.assertIn("a boolean expression is wanted, found one of the type Int64", outcome.stderr)
        self.assertIn("2 errors", outcome.stderr)

    def test_constraints_hold_whatever_partitions_and_threads_there_are(self):
        for threads in (1, 4):
            project = Project(self.scratch / f"threads-{threads}")
            project.folder.mkdir()
            project.write("weir.toml", f'[project]\nname = "checked"\n[profiles.default]\nthreads = {threads}\n')
            project.write("sources/readings.sql", SOURCE)
            project.write("data/readings.csv", readings(self.ROWS))
            project.write("views/checked.sql", (
                "CREATE MATERIALIZED VIEW checked (CONSTRAINT positive EXPECT (value > 0) ON VIOLATION DROP ROW)\n"
                "PARTITIONED BY (site) AS SELECT id, value, site FROM readings"))
            project.run()
            self.assertEqual(project.read("checked").num_rows, self.count(project, "value > 0"))


if __name__ == "__main__":
    unittest.main()
