# SPDX-License-Identifier: Apache-2.0
"""A view written in C++ (examples/cpp_view) beside its twin in SQL: same rows, same fingerprint, decided and rebuilt as a file's is."""

import os
import pathlib
import subprocess
import unittest

from weir_project import ProjectCase, Project, program

TWIN = """
SELECT stable_id('carrier', carrier) AS id, carrier, flights, late, worst, rank() OVER (ORDER BY late DESC) AS place
FROM (
  SELECT carrier, count(*) AS flights, count_if(arr_delay > 15) AS late, arg_max(flight, arr_delay) AS worst
  FROM flights WHERE arr_delay IS NOT NULL GROUP BY carrier)
"""
SOURCE = """CREATE EXTERNAL TABLE flights (carrier VARCHAR, flight BIGINT, arr_delay BIGINT)
STORED AS CSV LOCATION 'data/flights.csv' OPTIONS ('has_header' 'true');
"""
ROWS = "carrier,flight,arr_delay\nUA,1,20\nUA,2,3\nAA,3,\nAA,4,40\nAA,5,16\nB6,6,-4\n"
READER = "SELECT carrier FROM late_by_carrier WHERE place = 1"


def example(project: Project) -> subprocess.CompletedProcess:
    """Runs the example beside the program under test."""
    path = pathlib.Path(os.environ.get("CPP_VIEW", pathlib.Path(program()).parent / "cpp_view"))
    return subprocess.run([path, project.folder], capture_output=True, text=True, timeout=300)


class CppView(ProjectCase):
    def project(self) -> Project:
        project = Project(self.scratch / "shop")
        project.write("weir.toml", '[project]\nname = "shop"\n')
        project.write("sources/flights.sql", SOURCE)
        project.write("data/flights.csv", ROWS)
        project.write("views/twin.sql", TWIN)
        return project

    def test_is_built_decided_and_rebuilt_as_its_twin(self):
        project = self.project()
        first = example(project)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("late_by_carrier run", first.stdout)
        self.assertIn("reads flights: arr_delay carrier flight\n", first.stdout)

        rows = project.read("late_by_carrier").sort_by("carrier").to_pylist()
        self.assertEqual(rows, project.read("twin").sort_by("carrier").to_pylist())
        self.assertEqual(
            [(r["carrier"], r["flights"], r["late"], r["worst"], r["place"]) for r in rows],
            [("AA", 2, 2, 4, 1), ("B6", 1, 0, 6, 3), ("UA", 2, 1, 1, 2)])

        again = example(project)
        self.assertIn("late_by_carrier reused", again.stdout)
        project.write("data/flights.csv", ROWS + "B6,7,99\n")
        changed = example(project)
        self.assertIn("late_by_carrier run", changed.stdout)
        self.assertEqual(project.read("late_by_carrier").num_rows, 3)
        self.assertEqual(project.delta("late_by_carrier").version(), 1)

    def test_is_recorded_and_has_the_fingerprint_of_its_twin(self):
        project = self.project()
        outcome = example(project)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        bundles = {row["view_name"]: row for row in project.artifact("plan_bundles")}
        written, twin = bundles["late_by_carrier"], bundles["twin"]
        self.assertIn(f"fingerprint {written['plan_fingerprint']}\n", outcome.stdout)
        self.assertEqual(written["plan_fingerprint"], twin["plan_fingerprint"])
        self.assertEqual(written["plan_proto"], twin["plan_proto"])
        self.assertEqual(written["lane"], twin["lane"])
        self.assertIn(".Aggregate({carrier}, {count() AS flights", written["definition_sql"])
        statements = {row["name"]: row for row in project.artifact("statements")}
        self.assertIn("Steps", statements["late_by_carrier"]["tree"])
        lineage = [row for row in project.artifact("lineage") if row["view_name"] == "late_by_carrier"]
        self.assertTrue(lineage)

    def test_views_of_files_read_it(self):
        project = self.project()
        project.write("views/worst.sql", READER)
        outcome = example(project)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertEqual(project.read("worst").to_pylist(), [{"carrier": "AA"}])

    def test_failures_name_the_step_and_its_place(self):
        project = self.project()
        project.write("sources/flights.sql", SOURCE.replace("arr_delay", "arrival_delay"))
        project.write("views/twin.sql", "SELECT 1 AS one")
        outcome = example(project)
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("error[W2002]: step 2, Filter: there is no column named `arr_delay`", outcome.stderr)
        self.assertRegex(outcome.stderr, r"cpp_view\.cc:\d+\n")


if __name__ == "__main__":
    unittest.main()
