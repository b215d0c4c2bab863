# SPDX-License-Identifier: Apache-2.0
"""A run in which nothing has changed builds nothing and leaves every view's table alone."""

import unittest

from weir_project import ProjectCase


class SecondRun(ProjectCase):
    def test_reuses_every_view_and_commits_nothing(self):
        project = self.flights()
        first = project.run()
        logs = {view.name: project.log_files(view.name) for view in project.stored_views()}
        files = project.all_files()
        self.assertTrue(all(logs.values()), "the first run left a view without a log")

        second = project.run()

        self.assertNotEqual(second["run_id"], first["run_id"])
        self.assertEqual(second["state"], "succeeded")
        self.assertEqual(second["views"]["run"], 0)
        self.assertEqual(second["views"]["reused"], len(logs))
        self.assertEqual({name: project.log_files(name) for name in logs}, logs)
        self.assertEqual(project.all_files(), files)

    def test_formatting_and_comments_are_no_change(self):
        project = self.flights(flight_rows=5000)
        project.run()
        for view in project.views():
            view.file.write_text("-- another remark\n" + view.file.read_text().replace(",\n", "  ,\n\n"))

        self.assertEqual(project.run()["views"]["run"], 0)


if __name__ == "__main__":
    unittest.main()
