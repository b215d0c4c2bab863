# SPDX-License-Identifier: Apache-2.0
"""Apache Hamilton and Dagster build a project view by view, as examples/orchestrators has them: what they leave is what `weir run` leaves.

Both are large: these tests run with WEIR_TEST_SCALE=full only.
"""

import json
import os
import re
import subprocess
import unittest

import weir_project
from weir_project import Project, ProjectCase, program, rows_hash

EXAMPLES = weir_project.ROOT / "examples" / "orchestrators"
VIEWS = {
    "base": "SELECT id, s FROM t",
    "by s": 'SELECT s, count(*) AS n FROM "base" GROUP BY s',
    "by_s": 'SELECT s, max(id) AS most FROM "base" GROUP BY s',
    "top": 'SELECT a.s, a.n, b.most FROM "by s" a JOIN by_s b ON a.s = b.s',
}
DAGSTER = """
import json, sys, dagster, dagster_definitions
defs = dagster_definitions.definitions(sys.argv[1])
with dagster.DagsterInstance.ephemeral() as instance:
    result = dagster.materialize(list(defs.assets), instance=instance, raise_on_error=False)
    order = [event.step_key for event in result.all_events if event.event_type_value == "STEP_SUCCESS"]
    rows = {str(m.asset_key.path[-1]): m.metadata["dagster/row_count"].value for m in
            (event.step_materialization_data.materialization for event in result.get_asset_materialization_events())}
    print(json.dumps({"success": result.success, "order": order, "rows": rows}))
"""


@unittest.skipUnless(weir_project.FULL_SCALE, "WEIR_TEST_SCALE=full installs Hamilton and Dagster")
class OrchestratorsTest(ProjectCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        venv = subprocess.run([weir_project.ROOT / "scripts" / "venv.sh", "examples/orchestrators/requirements.txt"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()
        cls.python = f"{venv}/bin/python"

    def project(self, name: str, views: dict[str, str] = VIEWS) -> Project:
        project = Project(self.scratch / name)
        project.write("weir.toml", "")
        project.write("data/t.csv", "id,s\n" + "".join(f"{n},t{n % 3}\n" for n in range(30)) + ",\n")
        project.write("sources/t.sql", "CREATE EXTERNAL TABLE t (id INT, s VARCHAR) STORED AS CSV LOCATION 'data/t.csv';")
        for number, (view, query) in enumerate(views.items()):
            project.write(f"views/v{number}.sql", f'CREATE MATERIALIZED VIEW "{view}" AS\n{query};\n')
        return project

    def call(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.python, *words], capture_output=True, text=True, cwd=EXAMPLES,
                              env={**os.environ, "WEIR": program(), "HAMILTON_TELEMETRY_ENABLED": "false", "PYTHONDONTWRITEBYTECODE": "1",
                                   "DAGSTER_HOME": str(self.scratch)})

    def assert_built(self, project: Project):
        own = self.project("own")
        own.run()
        for view in VIEWS:
            self.assertEqual(rows_hash(project.read(view)), rows_hash(own.read(view)), view)
        # Each view was a run of its own, after those that it reads.
        tasks = sorted(project.artifact("tasks"), key=lambda row: row["run_id"])
        order = [row["view_name"] for row in tasks]
        self.assertEqual(sorted(order), sorted(VIEWS))
        self.assertEqual((order[0], order[-1]), ("base", "top"))

    def test_hamilton_builds_a_node_a_view(self):
        project = self.project("p")
        done = self.call("hamilton_build.py", str(project.folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(re.findall(r"(?m)^run +(.+)  \d+ rows$", done.stdout)), sorted(VIEWS))
        self.assert_built(project)

    def test_hamilton_builds_what_a_view_reads(self):
        project = self.project("p")
        self.assertEqual(self.call("hamilton_build.py", str(project.folder), "by s").returncode, 0)
        self.assertEqual(sorted(row["view_name"] for row in project.artifact("tasks")), ["base", "by s"])

    def test_hamilton_stops_at_a_failure(self):
        project = self.project("p", VIEWS | {"by s": 'SELECT CAST(s AS INT) AS n, s FROM "base"'})
        done = self.call("hamilton_build.py", str(project.folder), "top")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("W5001", done.stderr)
        self.assertFalse(project.table_path("top").exists())

    def test_dagster_materialises_an_asset_a_view(self):
        project = self.project("p")
        done = self.call("-c", DAGSTER, str(project.folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertTrue(result["success"], done.stderr)
        self.assertEqual((len(result["order"]), result["order"][0], result["order"][-1]), (4, "base", "top"))
        self.assertEqual(sorted(result["rows"].values()), sorted(project.read(view).num_rows for view in VIEWS))
        self.assert_built(project)

    def test_dagster_leaves_out_what_reads_a_failure(self):
        project = self.project("p", VIEWS | {"by s": 'SELECT CAST(s AS INT) AS n, s FROM "base"'})
        result = json.loads(self.call("-c", DAGSTER, str(project.folder)).stdout.splitlines()[-1])
        self.assertEqual((result["success"], sorted(result["order"])), (False, ["base", "view_by_s_2"]))  # the latter is the view `by_s`


if __name__ == "__main__":
    unittest.main()
