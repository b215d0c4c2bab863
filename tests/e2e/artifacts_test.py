# SPDX-License-Identifier: Apache-2.0
"""What a run decided is in Delta tables under <warehouse>/_weir/: they open, one commit a table and run, with documented columns."""

import json
import unittest

import weir_project
from weir_project import ProjectCase

# Those that users' queries may rely on; docs/artifacts.md describes all.
COLUMNS = {
    "runs": {"run_id", "state", "started_at", "finished_at", "views_run", "views_reused", "views_failed", "views_blocked",
             "bytes_read", "bytes_written"},
    "tasks": {"run_id", "view_name", "state"},
    "plan_bundles": {"run_id", "view_name", "plan_fingerprint", "udf_snapshot_hash", "function_registry_hash", "required_udfs",
                     "required_rewrite_tags", "domain_planner_names", "delta_inputs", "df_settings", "optimized_plan_pgjson",
                     "optimized_plan_graphviz", "lineage", "scan_units", "plan_details", "udf_compatibility_ok"},
    "lineage": {"run_id", "view_name", "output_column", "input_table", "input_column", "use"},
    "scan_units": {"run_id", "view_name"},
    "scan_files": {"run_id", "view_name"},
    "decisions": {"run_id", "view_name", "action", "reason"},
    "writes": {"run_id", "view_name", "content_hash"},
    "settings": {"settings_hash", "name", "value"},
    "functions": {"function_registry_hash", "name", "semantic_version"},
    "diagnostics": {"run_id"},
}
# Rows that each run adds. The others have rows only where there is something new to say: of views that ran, of other settings.
FILLED_BY_EVERY_RUN = {"runs", "tasks", "decisions", "spans"}
FILLED_BY_FIRST_RUN = FILLED_BY_EVERY_RUN | {"plan_bundles", "lineage", "scan_units", "scan_files", "writes", "settings", "functions",
                                             "diagnostics"}  # a constraint of stg_planes warns


class ArtifactsTest(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = self.flights("flights", 2000)

    def of_run(self, table: str, run_id: str) -> list[dict]:
        return [row for row in self.project.artifact(table) if row["run_id"] == run_id]

    def test_tables_open_and_have_the_documented_columns(self):
        self.project.write("views/broken.sql", "SELECT flight / (flight - flight) AS ratio FROM stg_flights\n")
        self.assertEqual(self.project.weir("run").code, 1)  # so that there are diagnostics, too
        documented = (weir_project.ROOT / "docs" / "artifacts.md").read_text()
        for table, wanted in COLUMNS.items():
            with self.subTest(table):
                columns = set(self.project.read(f"_weir/{table}").column_names)
                self.assertEqual(wanted - columns, set(), "columns are missing")
                self.assertIn(f"\n## {table}\n", documented)
                undocumented = {column for column in columns if f"`{column}`" not in documented}
                self.assertEqual(undocumented, set(), "docs/artifacts.md does not say what these columns are")

    def test_one_commit_a_table_and_run(self):
        self.project.run()
        first = {table: self.project.log_files(f"_weir/{table}") for table in COLUMNS}
        self.project.run()
        for table, before in first.items():
            with self.subTest(table):
                self.assertEqual(len(before), 1 if table in FILLED_BY_FIRST_RUN else 0)
                added = len(self.project.log_files(f"_weir/{table}")) - len(before)
                self.assertEqual(added, 1 if table in FILLED_BY_EVERY_RUN else 0, "the second run reuses every view")

    def test_every_run_is_recorded_with_its_counts(self):
        summaries = [self.project.run(), self.project.run()]
        rows = sorted(self.project.artifact("runs"), key=lambda row: row["started_at"])
        self.assertEqual([row["run_id"] for row in rows], [summary["run_id"] for summary in summaries])
        for row, summary in zip(rows, summaries):
            self.assertEqual(row["state"], summary["state"])
            for count in ("run", "reused", "failed", "blocked"):
                self.assertEqual(row[f"views_{count}"], summary["views"][count], count)
            self.assertEqual(row["bytes_read"], summary["bytes_read"])
            self.assertEqual(row["bytes_written"], summary["bytes_written"])
            self.assertLessEqual(row["started_at"], row["finished_at"])
        self.assertGreater(summaries[0]["bytes_written"], 0)
        self.assertEqual(summaries[1]["bytes_written"], 0)

    def test_decisions_and_writes_cover_every_stored_view(self):
        run_id = self.project.run()["run_id"]
        stored = sorted(view.name for view in self.project.stored_views())
        decisions = self.of_run("decisions", run_id)
        self.assertEqual(sorted(row["view_name"] for row in decisions), stored)
        self.assertEqual({row["action"] for row in decisions}, {"run"})
        self.assertTrue(all(row["reason"] for row in decisions))
        writes = self.of_run("writes", run_id)
        self.assertEqual(sorted(row["view_name"] for row in writes), stored)
        self.assertTrue(all(row["content_hash"] for row in writes))
        again = self.project.run()["run_id"]
        self.assertEqual({row["action"] for row in self.of_run("decisions", again)}, {"reuse"})
        self.assertEqual(self.of_run("writes", again), [])

    def test_bundles_hold_the_plan_and_what_determined_it(self):
        run_id = self.project.run()["run_id"]
        bundles = {row["view_name"]: row for row in self.of_run("plan_bundles", run_id)}
        self.assertLessEqual({view.name for view in self.project.stored_views()}, set(bundles))
        fingerprints = [row["plan_fingerprint"] for row in bundles.values()]
        self.assertEqual(len(set(fingerprints)), len(fingerprints), "two views have one fingerprint")
        for name, bundle in bundles.items():
            with self.subTest(name):
                json.loads(bundle["optimized_plan_pgjson"])
                self.assertIn("digraph", bundle["optimized_plan_graphviz"])
                self.assertTrue(bundle["udf_compatibility_ok"])
        self.assertIn("stable_id_parts", str(bundles["flight_keys"]["required_udfs"]))
        self.assertIn("hash", str(bundles["flight_keys"]["required_rewrite_tags"]))
        self.assertNotIn("stable_id_parts", str(bundles["daily_delays"]["required_udfs"]))

    def test_fingerprints_do_not_change_with_layout_and_comments(self):
        first = self.project.run()["run_id"]
        for view in self.project.stored_views():
            view.file.write_text("-- a remark\n\n" + view.file.read_text().replace("\n", "\n\n"))
        summary = self.project.run()
        self.assertEqual(summary["views"]["run"], 0)

        def fingerprints(run_id):
            found = {row["view_name"]: row["plan_fingerprint"] for row in self.of_run("decisions", run_id)}
            self.assertEqual(set(found), {view.name for view in self.project.stored_views()})
            return found

        self.assertEqual(fingerprints(first), fingerprints(summary["run_id"]))

    def test_lineage_leads_from_columns_to_columns(self):
        run_id = self.project.run()["run_id"]
        lineage = {(row["output_column"], row["input_table"], row["input_column"], row["use"])
                   for row in self.of_run("lineage", run_id) if row["view_name"] == "daily_delays"}
        inputs = {(output, table, column) for output, table, column, _ in lineage}
        self.assertIn(("average_dep_delay", "stg_flights", "dep_delay"), inputs)
        self.assertIn(("flight_date", "stg_flights", "flight_date"), inputs)
        self.assertNotIn("tailnum", {column for _, _, column in inputs})

    def test_scan_units_name_files_kept(self):
        run_id = self.project.run()["run_id"]
        files = [row for row in self.of_run("scan_files", run_id) if row["view_name"] == "stg_planes"]
        self.assertEqual(len(files), 1)
        self.assertIn("planes.csv", str(files[0]))
        units = [row for row in self.of_run("scan_units", run_id) if row["view_name"] == "stg_airports"]
        self.assertEqual(len(units), 1)
        self.assertIn("airports", str(units[0]))
        self.assertNotIn("'dst'", str(units[0]), "a column that the view does not read is projected")

    def test_settings_and_functions_are_recorded(self):
        """Once for each different set; the run says which was its."""
        run = self.of_run("runs", self.project.run()["run_id"])[0]
        settings = {row["name"] for row in self.project.artifact("settings") if row["settings_hash"] == run["settings_hash"]}
        self.assertIn("datafusion.execution.batch_size", settings)
        functions = {row["name"] for row in self.project.artifact("functions")
                     if row["function_registry_hash"] == run["function_registry_hash"]}
        self.assertLessEqual({"stable_id_parts", "count_if"}, functions)

    def test_failures_are_recorded(self):
        self.project.write("views/broken.sql", "SELECT flight / (flight - flight) AS ratio FROM stg_flights\n")
        self.project.write("views/after_broken.sql", "SELECT ratio FROM broken\n")
        outcome = self.project.weir("run", "--format", "json")
        self.assertEqual(outcome.code, 1, outcome.text)
        run_id = outcome.json()["run_id"]
        states = {row["view_name"]: row["state"] for row in self.of_run("tasks", run_id) if row["view_name"]}
        self.assertEqual(states["broken"], "failed")
        self.assertEqual(states["after_broken"], "blocked")
        self.assertIn("broken", str(self.of_run("diagnostics", run_id)))
        self.assertEqual(self.of_run("runs", run_id)[0]["state"], "failed")

    def test_secrets_never_enter(self):
        secret = "open-sesame-4711"
        toml = (self.project.folder / "weir.toml").read_text()
        self.project.write("weir.toml", toml + '\n[object_stores."s3://nowhere"]\naws_access_key_id = "who"\n'
                                               f'aws_secret_access_key = "{secret}"\naws_region = "eu-west-1"\n')
        outcome = self.project.succeed("run", "--format", "json")
        self.assertNotIn(secret, outcome.text)
        for table in COLUMNS:
            if self.project.log_files(f"_weir/{table}"):
                self.assertNotIn(secret, str(self.project.artifact(table)), table)
        self.assertNotIn(secret, self.project.succeed("sql", "--format", "json", "SELECT * FROM weir.settings").text)

    def test_queries_join_artifacts_with_views(self):
        run_id = self.project.run()["run_id"]
        rows = self.project.sql("SELECT w.view_name, (SELECT count(*) FROM daily_delays) AS days FROM weir.writes w "
                                f"WHERE w.run_id = '{run_id}' AND w.view_name = 'daily_delays'")
        self.assertEqual(rows, [{"view_name": "daily_delays", "days": self.project.read("daily_delays").num_rows}])


if __name__ == "__main__":
    unittest.main()
