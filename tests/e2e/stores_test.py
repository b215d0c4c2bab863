# SPDX-License-Identifier: Apache-2.0
"""Lakes in Azure's, Google's and Amazon's stores, side by side, and in one that cannot keep them; sources on web servers.

Oracles: rows computed in Python, and delta-rs' own reader. Every server is a real one (store_servers.py).
"""

import unittest

from store_project import StoreProject, expected
from store_servers import serve_azure, serve_google, serve_s3
from weir_project import ProjectCase

ORDERS = [(1, 1, 10), (2, 2, 5), (3, 1, 7), (4, 3, -1)]
ALL = {"run": 3, "reused": 0, "failed": 0, "blocked": 0}
NONE = {"run": 0, "reused": 3, "failed": 0, "blocked": 0}


class StoresTest(ProjectCase):
    def live(self, project: StoreProject) -> None:
        """Builds, reuses, changes, queries, tests and cleans a lake; all of it must be right, and secret."""
        project.write_all()
        project.put_orders(ORDERS)
        self.assertEqual(project.run()["views"], ALL)
        self.assert_tables(project, ORDERS)
        self.assertEqual(project.run()["views"], NONE)

        # The new order reaches the table of one country, and is not the largest.
        orders = [*ORDERS, (5, 2, 3)]
        project.put_orders(orders)
        plan = {row["view"]: row["action"] for row in project.succeed("plan", "--format", "json").json()["views"]}
        self.assertEqual(plan["paid"], "run", plan)
        self.assertEqual(project.run()["views"]["run"], 3)
        self.assert_tables(project, orders)
        self.assertEqual(project.sql("SELECT country, orders FROM by_country ORDER BY amount DESC"),
                         [{"country": country, "orders": count} for country, count, _ in sorted(expected(orders)["by_country"], key=lambda row: -row[2])])

        # A view that fails leaves its table, and the error names the place, not the access.
        project.write("views/largest.sql", "SELECT max(10 / (amount - amount)) AS amount FROM paid\n")
        self.assertEqual(project.weir("run").code, 1)
        self.assertEqual(project.rows("largest"), expected(orders)["largest"])
        project.write("views/largest.sql", "SELECT max(amount) AS amount FROM paid\n")
        project.run()
        project.succeed("test")
        project.succeed("gc", "--delete")
        self.assert_tables(project, orders)
        states = [row["state"] for row in project.sql("SELECT state FROM weir.runs ORDER BY started_at")]
        self.assertEqual(states, ["succeeded", "succeeded", "succeeded", "failed", "succeeded"])
        self.assertEqual(project.places_of_secrets(), [])

    def assert_tables(self, project: StoreProject, orders: list[tuple[int, int, int]]) -> None:
        for view, rows in expected(orders).items():
            self.assertEqual(project.rows(view), rows, view)

    def test_a_lake_lives_in_amazons_store(self):
        self.live(StoreProject(self.scratch / "project", serve_s3(self)))

    def test_a_lake_lives_in_azures_store(self):
        self.live(StoreProject(self.scratch / "project", serve_azure(self)))

    def test_a_lake_lives_in_googles_store(self):
        self.live(StoreProject(self.scratch / "project", serve_google(self)))


if __name__ == "__main__":
    unittest.main()
