# SPDX-License-Identifier: Apache-2.0
"""Bytes that are no UTF-8, wherever they can come from: no command ends in an abort, and binary values have a text form that loses
nothing, two hex digits a byte (faults A2)."""

import json
import os
import subprocess
import unittest

from weir_project import Project, ProjectCase, program

BAD = b"\xff\xfe\x80a\xc3"
HEX = "FFFE8061C3"
QUERY = f"SELECT X'{HEX}' AS b, 1 AS i"


class Bytes(ProjectCase):
    def project(self) -> Project:
        project = Project(self.scratch / "bytes")
        project.write("weir.toml", '[project]\nname = "bytes"\n')
        project.write("views/v.sql", QUERY + "\n")
        return project

    def bytes_of(self, project: Project, *arguments) -> subprocess.CompletedProcess:
        """A command whose output need not be UTF-8."""
        return subprocess.run([program(), arguments[0], "--project", str(project.folder), *arguments[1:]], capture_output=True, timeout=120,
                              check=False)

    def assert_ended(self, outcome, *codes):
        self.assertIn(outcome.returncode, codes or (0, 1, 2, 3), outcome.stderr)

    def test_a_view_of_them_is_built_recorded_and_built_again(self):
        project = self.project()
        project.write("views/reader.sql", f"SELECT b, encode(b, 'hex') AS h FROM v WHERE b >= X'{HEX}' AND b <> X'FF'\n")
        project.run()
        self.assertEqual(project.read("v").column("b").to_pylist(), [BAD])
        self.assertEqual(project.read("reader").to_pylist(), [{"b": BAD, "h": HEX.lower()}])
        self.assertEqual(project.run()["views"]["reused"], 2)
        bundles = {row["view_name"]: row for row in project.artifact("plan_bundles")}
        self.assertIn(f"X'{HEX}'", bundles["v"]["fingerprint_input"])
        self.assertIn(f"X'{HEX}'", bundles["v"]["lineage"])
        for row in project.artifact("scan_units"):
            json.dumps(row, default=str)

    def test_other_bytes_are_another_view(self):
        project = self.project()
        project.run()
        project.write("views/v.sql", QUERY.replace("FFFE", "FEFF") + "\n")
        self.assertEqual(project.run()["views"]["run"], 1)
        self.assertEqual(project.read("v").column("b").to_pylist(), [b"\xfe\xff\x80a\xc3"])

    def test_json_and_tables_have_hex_digits(self):
        project = self.project()
        project.run()
        query = ("SELECT b, [b, b, X''] AS l, named_struct('b', b) AS s, map([b], [i]) AS m, arrow_cast(b, 'BinaryView') AS w, "
                 "arrow_cast(b, 'LargeBinary') AS g, arrow_cast(b, 'FixedSizeBinary(5)') AS f, "
                 "arrow_cast(b, 'Dictionary(Int32, Binary)') AS d FROM v")
        rows = project.sql(query)
        self.assertEqual(rows, [{"b": HEX, "l": [HEX, HEX, ""], "s": {"b": HEX}, "m": [{"key": HEX, "value": 1}], "w": HEX, "g": HEX,
                                 "f": HEX, "d": HEX}])
        table = project.succeed("sql", "SELECT b, [b] AS l FROM v").stdout
        self.assertIn(HEX, table)
        self.assertIn(f'["{HEX}"]', table)

    def test_every_command_shows_them(self):
        project = self.project()
        project.write("views/r.sql", f"SELECT i FROM v WHERE b = X'{HEX}'\n")
        project.run()
        for arguments in (["check"], ["plan"], ["explain", "v"], ["explain", "v", "--fingerprint"], ["explain", "v", "--physical"],
                          ["lineage", "v"], ["lineage", "v.b"], ["lineage", "r", "--openlineage"], ["impact", "v.b"], ["history"],
                          ["history", "v"], ["diff"], ["test"], ["run"], ["explain", "r"], ["explain", "v", "--lane"],
                          ["explain", "v", "--ast"]):
            for form in ("table", "json"):
                with self.subTest(command=arguments, format=form):
                    outcome = self.bytes_of(project, *arguments, "--format", form)
                    self.assert_ended(outcome)
                    self.assertNotIn(b"terminate", outcome.stderr)
                    outcome.stdout.decode()
                    outcome.stderr.decode()

    def test_violated_constraints_show_them(self):
        project = self.project()
        project.write("views/v.sql", f"CREATE MATERIALIZED VIEW v (b, CONSTRAINT c EXPECT (b = X'00')) AS SELECT X'{HEX}' AS b\n")
        outcome = self.bytes_of(project, "run", "--format", "json")
        self.assert_ended(outcome, 0)
        self.assertIn(f"b = X'{HEX}'", outcome.stderr.decode())
        outcome = self.bytes_of(project, "run")
        self.assert_ended(outcome, 0)

    def test_unit_tests_compare_and_show_them(self):
        project = self.project()
        project.write("tests/right.sql", f"TEST OF VIEW v EXPECT (b) VALUES (X'{HEX}')\n")
        project.write("tests/wrong.sql", "TEST OF VIEW v EXPECT (b) VALUES (X'FF')\n")
        project.write("tests/rows.sql", "SELECT b FROM v\n")
        outcome = self.bytes_of(project, "test", "--format", "json")
        self.assert_ended(outcome, 1)
        states = {test["test"]: test["state"] for test in json.loads(outcome.stdout)["tests"]}
        self.assertEqual(states["right"], "passed")
        self.assertEqual(states["wrong"], "failed")
        self.assertIn(f"X'{HEX}'", outcome.stdout.decode() + outcome.stderr.decode())

    def test_files_that_are_no_utf8_are_errors_of_their_place(self):
        project = self.project()
        (project.folder / "views" / "bad.sql").write_bytes(b"SELECT '" + BAD + b"' AS t\n")
        outcome = self.bytes_of(project, "check", "--format", "json")
        self.assert_ended(outcome, 1)
        self.assertIn("W1003", outcome.stdout.decode())
        for name in ("weir.toml", "sources/s.sql", "functions/f.sql", "tests/t.sql"):
            with self.subTest(name):
                other = self.project()
                file = other.write(name, "")
                file.write_bytes(BAD)
                outcome = self.bytes_of(other, "check", "--format", "json")
                self.assert_ended(outcome, 1, 2, 3)
                outcome.stdout.decode()
                file.unlink()

    def test_names_of_files_may_hold_them(self):
        project = self.project()
        folder = os.fsencode(project.folder)
        for name in (b"views/\xff.sql", b"sources/\xff.sql", b"tests/\xff.sql", b"functions/\xff.sql"):
            with self.subTest(name):
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(b"SELECT 1 AS a\n")
                for command in ("check", "plan", "run"):
                    outcome = self.bytes_of(project, command, "--format", "json")
                    self.assert_ended(outcome)
                    outcome.stdout.decode()
                os.unlink(path)

    def test_data_of_csv_and_ndjson_may_hold_them(self):
        project = self.project()
        for name, form, contents in (("c", "CSV", b"id,t\n1,ok\n2," + BAD + b"\n"), ("n", "NDJSON", b'{"id":1,"t":"' + BAD + b'"}\n')):
            with self.subTest(form):
                data = project.write(f"data/{name}.{form.lower()}", "")
                data.write_bytes(contents)
                declared = "(id INT, t VARCHAR) " if form == "CSV" else ""
                project.write(f"sources/{name}.sql", f"CREATE EXTERNAL TABLE {name} {declared}STORED AS {form} LOCATION '{data}' "
                              + ("OPTIONS ('format.has_header' 'true')\n" if form == "CSV" else "\n"))
                project.write(f"views/of_{name}.sql", f"SELECT * FROM {name}\n")
                for command in ("check", "run"):
                    outcome = self.bytes_of(project, command, "--format", "json")
                    self.assert_ended(outcome)
                    outcome.stdout.decode()
                    outcome.stderr.decode()

    def test_folders_of_data_may_be_named_with_them(self):
        project = self.project()
        folder = os.path.join(os.fsencode(project.folder), b"data", b"k=\xff")
        os.makedirs(folder)
        with open(os.path.join(folder, b"a.csv"), "wb") as file:
            file.write(b"id\n1\n")
        project.write("sources/s.sql", "CREATE EXTERNAL TABLE s (id INT, k VARCHAR) STORED AS CSV PARTITIONED BY (k) LOCATION 'data/' "
                      "OPTIONS ('format.has_header' 'true')\n")
        project.write("views/r.sql", "SELECT * FROM s\n")
        for command in ("check", "plan", "run"):
            outcome = self.bytes_of(project, command, "--format", "json")
            self.assert_ended(outcome)
            outcome.stdout.decode()
            outcome.stderr.decode()

    def test_arguments_may_hold_them(self):
        project = self.project()
        project.run()
        for arguments in ([b"sql", b"SELECT '\xff'"], [b"sql", b"--format", b"json", b"SELECT 1 AS \"\xff\""], [b"explain", b"\xff"],
                          [b"lineage", b"\xff.\xff"], [b"run", b"--select", b"\xff"], [b"functions", b"\xff"], [b"history", b"\xff"],
                          [b"check", b"--profile", b"\xff"], [b"diff", b"\xff", b"\xfe"], [b"impact", b"v.\xff"],
                          [b"sql", b"--dialect", b"\xff", b"SELECT 1"]):
            with self.subTest(arguments):
                outcome = subprocess.run([program(), arguments[0], "--project", str(project.folder), *arguments[1:]], capture_output=True,
                                         timeout=120, check=False)
                self.assert_ended(outcome, 1, 2, 3)

    def test_columns_of_one_name_are_all_in_the_json(self):
        project = self.project()
        project.run()
        rows = project.sql("SELECT * FROM v AS a JOIN v AS c ON a.i = c.i")
        self.assertEqual(rows, [{"b": HEX, "i": 1, "b_2": HEX, "i_2": 1}])


if __name__ == "__main__":
    unittest.main()
