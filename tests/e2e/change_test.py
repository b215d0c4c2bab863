# SPDX-License-Identifier: Apache-2.0
"""After a change in one source or view, what depends on it is built, nothing else is, and the tables are those of a fresh build."""

import csv
import unittest

from flights_reference import describe_difference
from weir_project import ProjectCase, own_copy, readers_of


def unknown_plane(project):
    """The tail number of an aircraft that flies and is not in planes.csv."""
    with open(project.folder / "data" / "planes.csv", encoding="utf-8") as file:
        known = {row["tailnum"] for row in csv.DictReader(file)}
    with open(project.folder / "data" / "flights.csv", encoding="utf-8") as file:
        return next(row["tailnum"] for row in csv.DictReader(file) if row["tailnum"] not in known | {"NA"})


def add_plane(project, tailnum):
    """Appends a line to the project's planes.csv, which becomes a file of its own."""
    file = own_copy(project.folder / "data" / "planes.csv")
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"{tailnum},2003,Fixed wing multi engine,BOEING,767-332,2,330,NA,Turbo-fan\n")


class Change(ProjectCase):
    def commits(self, project):
        return {view.name: project.log_files(view.name) for view in project.stored_views()}

    def check_equals_fresh_build(self, project, fresh):
        fresh.run()
        for view in fresh.stored_views():
            with self.subTest(view=view.name):
                self.assertIsNone(describe_difference(project.read(view.name), fresh.read(view.name)))

    def test_a_line_more_in_planes_runs_only_what_reads_planes(self):
        project = self.flights()
        project.run()
        before = self.commits(project)
        tailnum = unknown_plane(project)
        add_plane(project, tailnum)

        summary = project.run()

        after = self.commits(project)
        changed = {name for name in before if after[name] != before[name]}
        readers = readers_of("planes", project.views())
        # The aircraft flies, so that the change reaches the flights as well; a view whose input is still the same may stop there.
        self.assertLessEqual({"stg_planes", "flights_with_planes"}, changed)
        self.assertLessEqual(changed, readers)
        self.assertLessEqual(summary["views"]["run"], len(readers))
        self.assertGreaterEqual(summary["views"]["run"], len(changed))
        self.assertEqual(summary["views"]["run"] + summary["views"]["reused"], len(before))
        self.assertIn(tailnum, project.read("stg_planes")["tailnum"].to_pylist())
        reasons = [row["reason"] for row in project.artifact("decisions")
                   if row["run_id"] == summary["run_id"] and row["view_name"] == "stg_planes"]
        self.assertRegex(reasons[0], r"^planes\.csv modified in `planes` \(columns ")

        fresh = self.flights("fresh")
        add_plane(fresh, tailnum)
        self.check_equals_fresh_build(project, fresh)

    def test_other_options_of_a_source_run_what_reads_it(self):
        project = self.flights()
        project.run()
        source = next(file for file in (project.folder / "sources").glob("*.sql") if "airlines.csv" in file.read_text())
        rows = project.read("stg_airlines").num_rows
        text = source.read_text()
        self.assertIn("'has_header' 'true'", text)
        # The header is read as a row from now on; the files themselves stay as they are.
        source.write_text(text.replace("'has_header' 'true'", "'has_header' 'false'"))
        project.succeed("run", "--select", "stg_airlines", "--format", "json")
        self.assertEqual(project.read("stg_airlines").num_rows, rows + 1)

    def test_a_changed_view_runs_with_its_readers(self):
        project = self.flights(flight_rows=20000)
        project.run()
        before = self.commits(project)
        self.change_worst_days(project)

        summary = project.run()

        after = self.commits(project)
        self.assertEqual({name for name in before if after[name] != before[name]}, {"worst_days"})
        self.assertEqual(summary["views"]["run"], 1)
        self.assertEqual(max(project.read("worst_days")["place"].to_pylist()), 5)
        fresh = self.flights("fresh", flight_rows=20000)
        self.change_worst_days(fresh)
        self.check_equals_fresh_build(project, fresh)

    def change_worst_days(self, project):
        file = project.folder / "views" / "marts" / "worst_days.sql"
        text = file.read_text()
        self.assertIn("place <= 10", text)
        file.write_text(text.replace("place <= 10", "place <= 5"))


if __name__ == "__main__":
    unittest.main()
