# SPDX-License-Identifier: Apache-2.0
"""Lanes: views that go by Substrait have the rows from its bytes that they have from the engine's own."""

import shutil
import sys

import weir_project

sys.path.insert(0, str(weir_project.ROOT / "scripts"))
import fetch_tpc  # noqa: E402


class LanesTest(weir_project.ProjectCase):
    def expect_same_results(self, project: weir_project.Project, at_least: int) -> None:
        """Builds everything from both kinds of bytes and compares the results' hashes."""
        carried = {view["view"] for view in project.succeed("explain", "*", "--lane", "--format", "json").json()
                   if view["lane"] == "substrait"}
        self.assertGreaterEqual(len(carried), at_least)
        hashes = []
        for options in ([], ["--by-lane"]):
            run = project.succeed("run", "--force", "--format", "json", *options).json()
            rows = project.sql(f"SELECT view_name, content_hash FROM weir.writes WHERE run_id = '{run['run_id']}'")
            hashes.append({row["view_name"]: row["content_hash"] for row in rows})
        self.assertLessEqual(carried, set(hashes[0]))
        self.assertEqual(hashes[0], hashes[1])

    def test_views_of_the_example_have_the_same_rows_by_their_lanes(self):
        self.expect_same_results(self.flights(), at_least=18)

    def test_queries_of_tpch_have_the_same_rows_by_their_lanes(self):
        folder = self.scratch / "tpch"
        shutil.copytree(fetch_tpc.projects()["tpch"], folder)
        for file in folder.glob("views/*.sql"):
            if file.stem == "q18":  # has a column that no table can have
                file.unlink()
            else:
                file.write_text(file.read_text().replace("CREATE VIEW", "CREATE MATERIALIZED VIEW", 1))
        self.expect_same_results(weir_project.Project(folder), at_least=21)
