# SPDX-License-Identifier: Apache-2.0
"""A change that only a reader can see reaches it: zeros by their sign, NULL and empty values, at any depth (faults A8)."""

import unittest

from weir_project import Project, ProjectCase

# before, after, what a reader makes of x
CHANGES = {
    "zero": ("CAST('0.0' AS DOUBLE)", "CAST('-0.0' AS DOUBLE)", "CAST(x AS VARCHAR)"),
    "zero_of_a_float": ("CAST('0.0' AS REAL)", "CAST('-0.0' AS REAL)", "CAST(x AS VARCHAR)"),
    "zero_in_a_list": ("[CAST('0.0' AS DOUBLE)]", "[CAST('-0.0' AS DOUBLE)]", "CAST(x[1] AS VARCHAR)"),
    "zero_in_a_struct": ("named_struct('a', CAST('0.0' AS DOUBLE))", "named_struct('a', CAST('-0.0' AS DOUBLE))",
                         "CAST(x['a'] AS VARCHAR)"),
    "zero_in_a_map": ("map(['k'], [CAST('0.0' AS DOUBLE)])", "map(['k'], [CAST('-0.0' AS DOUBLE)])",
                      "CAST(map_values(x)[1] AS VARCHAR)"),
    "empty_list": ("arrow_cast([], 'List(Int64)')", "arrow_cast(NULL, 'List(Int64)')", "CAST(x IS NULL AS VARCHAR)"),
    "empty_text": ("''", "CAST(NULL AS VARCHAR)", "CAST(x IS NULL AS VARCHAR)"),
    "struct_of_null": ("named_struct('a', CAST(NULL AS INT))", "CASE WHEN false THEN named_struct('a', CAST(1 AS INT)) END",
                       "CAST(x IS NULL AS VARCHAR)"),
    "unit_of_a_second": ("TIMESTAMP '2024-01-01 00:00:00'", "TIMESTAMP '2024-01-01 00:00:00.000001'", "CAST(x AS VARCHAR)"),
    "scale": ("CAST(1.5 AS DECIMAL(5, 1))", "CAST(1.5 AS DECIMAL(5, 2))", "CAST(x AS VARCHAR)"),
}


class SignedZeros(ProjectCase):
    def project(self, which: int) -> Project:
        project = Project(self.scratch / "zeros")
        project.write("weir.toml", '[project]\nname = "zeros"\n')
        for name, (*values, reading) in CHANGES.items():
            # By another view, so that the plan of the reader is the same.
            project.write(f"views/{name}.sql", f"SELECT {values[which]} AS x, 1 AS other\n")
            project.write(f"views/of_{name}.sql", f"SELECT {reading} AS t FROM {name}\n")
            project.write(f"views/unmoved_{name}.sql", f"SELECT other FROM {name}\n")
        return project

    def test_the_change_reaches_a_reader_and_no_other(self):
        project = self.project(0)
        project.run()
        before = {name: project.read(f"of_{name}").to_pylist() for name in CHANGES}
        project = self.project(1)
        project.run()
        decided = {row["view_name"]: row["action"] for row in project.sql(
            f"SELECT view_name, action FROM weir.decisions WHERE run_id = '{project.last_run_id()}'")}
        for name in CHANGES:
            with self.subTest(name):
                self.assertNotEqual(project.read(f"of_{name}").to_pylist(), before[name])
                self.assertEqual(decided[f"of_{name}"], "run")
                if name != "scale":
                    self.assertEqual(decided[f"unmoved_{name}"], "reuse")

    def test_all_nans_are_one(self):
        project = Project(self.scratch / "nans")
        project.write("weir.toml", '[project]\nname = "nans"\n')
        project.write("views/v.sql", "SELECT CAST('NaN' AS DOUBLE) AS x\n")
        project.write("views/r.sql", "SELECT CAST(x AS VARCHAR) AS t FROM v\n")
        project.run()
        project.write("views/v.sql", "SELECT x / x AS x FROM (VALUES (0.0)) z(x)\n")
        self.assertEqual(project.run()["views"], {"run": 1, "reused": 1, "failed": 0, "blocked": 0})


if __name__ == "__main__":
    unittest.main()
