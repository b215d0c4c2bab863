# SPDX-License-Identifier: Apache-2.0
"""Unit tests of views: given rows in, expected rows out, before anything is built; and tests of data beside them."""

import unittest

import deltalake
import pyarrow

from weir_project import Project, ProjectCase

SOURCES = """CREATE EXTERNAL TABLE flights (
  flight VARCHAR NOT NULL, carrier VARCHAR, delay INT, fare DECIMAL(8, 2), day DATE
)
STORED AS CSV LOCATION 'data/flights.csv' OPTIONS ('has_header' 'true');
"""
VIEWS = {
    "stg": "SELECT flight, carrier, delay, fare FROM flights WHERE flight IS NOT NULL\n",
    "late": """CREATE MATERIALIZED VIEW late (
  CONSTRAINT sane EXPECT (delay < 1000) ON VIOLATION DROP ROW,
  CONSTRAINT named EXPECT (flight <> '') ON VIOLATION FAIL UPDATE
) AS SELECT flight, delay, delay / 60.0 AS hours FROM stg WHERE delay >= 15
""",
    "worst": "SELECT flight, delay FROM stg ORDER BY delay DESC LIMIT 2\n",
    "shorthand": "CREATE VIEW shorthand AS SELECT carrier, count(*) AS n FROM stg GROUP BY carrier\n",
    "total": "SELECT s.carrier, s.n FROM shorthand s WHERE n > 1\n",
}


class UnitTestsTest(ProjectCase):
    def project(self, tests: dict[str, str]) -> Project:
        project = Project(self.scratch / "project")
        project.folder.mkdir(exist_ok=True)
        project.write("weir.toml", '[project]\nname = "late"\n')
        project.write("sources/flights.sql", SOURCES)
        # What the source holds is not read by unit tests: it would break them.
        project.write("data/flights.csv", "flight,carrier,delay,fare,day\nx,y,no number,1,2\n")
        for name, sql in VIEWS.items():
            project.write(f"views/{name}.sql", sql)
        for name, sql in tests.items():
            project.write(f"tests/{name}.sql", sql)
        return project

    def one(self, sql: str) -> tuple[int, dict, str]:
        """Runs one test; its result and what was said on stderr."""
        project = self.project({"t": sql})
        outcome = project.weir("test", "--format", "json")
        tests = outcome.json()["tests"]
        self.assertEqual(len(tests), 1, outcome.text)
        return outcome.code, tests[0], outcome.stderr

    def assert_error(self, sql: str, *wanted: str) -> None:
        code, _, said = self.one(sql)
        self.assertEqual(code, 1, said)
        for text in wanted:
            self.assertIn(text, said)

    def test_a_stored_view_over_a_stored_view_without_anything_built(self):
        project = self.project({
            "late": """-- From 15 minutes on a flight is late.
TEST OF VIEW late
GIVEN stg (flight, delay) VALUES ('a', 14), ('b', 15), ('c', NULL), ('d', 5000)
EXPECT VALUES ('b', 15, 0.25)
""",
            "more": """TEST csv_and_types OF VIEW stg
GIVEN flights CSV '
  flight, carrier, delay, fare,   day
  a,      "A, B",  10,    12.50,  2024-01-31
  b,      ,        ,      ,
'
EXPECT (fare, flight, carrier) AS VALUES (12.5, 'a', 'A, B'), (NULL, 'b', NULL);
TEST nothing_in_nothing_out OF VIEW stg GIVEN flights NO ROWS EXPECT NO ROWS;
""",
        })
        outcome = project.succeed("test")
        self.assertEqual(outcome.stdout, "passed  csv_and_types\npassed  late\npassed  nothing_in_nothing_out\n3 passed, 0 failed\n")
        self.assertFalse((project.warehouse / "late").exists())
        self.assertFalse((project.warehouse / "stg").exists())

    def test_a_plain_view_and_what_reads_it(self):
        self.assertEqual(self.one("TEST OF VIEW shorthand GIVEN stg (carrier) VALUES ('A'), ('A'), (NULL)\n"
                                  "EXPECT (n, carrier) VALUES (1, NULL), (2, 'A')")[0], 0)
        self.assertEqual(self.one("TEST OF VIEW total GIVEN stg (carrier) VALUES ('A'), ('A'), ('B') "
                                  "EXPECT VALUES ('A', 2)")[0], 0)

    def test_rows_are_compared_as_a_bag(self):
        given = "TEST OF VIEW stg GIVEN flights (flight, delay) VALUES ('a', 1), ('a', 1), ('b', 2) "
        self.assertEqual(self.one(given + "EXPECT (flight, delay) VALUES ('b', 2), ('a', 1), ('a', 1)")[0], 0)
        code, test, _ = self.one(given + "EXPECT (flight, delay) VALUES ('b', 2), ('a', 1), ('c', 1)")
        self.assertEqual(code, 1)
        self.assertEqual((test["missing"], test["unexpected"]), ([["c", "1"]], [["a", "1"]]))

    def test_a_failure_shows_the_difference(self):
        project = self.project({"late": "TEST OF VIEW late\nGIVEN stg (flight, delay) VALUES ('a', 60), ('b', 90)\n"
                                        "EXPECT (flight, hours) VALUES ('a', 1), ('b', 2), ('c', NULL)"})
        outcome = project.weir("test")
        self.assertEqual(outcome.code, 1)
        lines = [line.rstrip() for line in outcome.stdout.splitlines()]
        self.assertEqual(lines[0], "failed  late  (tests/late.sql:1)")
        self.assertIn("  2 rows expected, but not there", lines)
        self.assertIn("  1 row there, but not expected", lines)
        self.assertRegex(outcome.stdout, r"c +\S? *NULL")
        self.assertRegex(outcome.stdout, r"b +\S? *1.5")
        self.assertEqual(lines[-1], "0 passed, 1 failed")

    def test_an_order_that_the_view_asks_for_counts(self):
        given = "TEST OF VIEW worst GIVEN stg (flight, delay) VALUES ('a', 1), ('b', 3), ('c', 2) "
        self.assertEqual(self.one(given + "EXPECT VALUES ('b', 3), ('c', 2)")[0], 0)
        code, test, _ = self.one(given + "EXPECT VALUES ('c', 2), ('b', 3)")
        self.assertEqual(code, 1)
        self.assertIn("row 1 is wanted to be (c, 2), found (b, 3)", test["message"])

    def test_constraints_take_part(self):
        code, test, _ = self.one("TEST OF VIEW late GIVEN stg (flight, delay) VALUES ('', 20) EXPECT NO ROWS")
        self.assertEqual((code, test["state"]), (1, "failed"))
        self.assertIn("violate the constraint `named`", test["message"])

    def test_floats_are_compared_as_they_are_written(self):
        self.assertEqual(self.one("TEST OF VIEW late GIVEN stg (flight, delay) VALUES ('a', 20)\n"
                                  "EXPECT (hours) VALUES (0.333333333333333)")[0], 0)

    def test_an_unknown_view_and_an_unknown_column_have_near_names(self):
        self.assert_error("TEST OF VIEW lat EXPECT NO ROWS", "error[W1411]", "tests/t.sql:1:14", "`late`")
        self.assert_error("TEST OF VIEW late\nGIVEN stg (flihgt) VALUES ('a')\nEXPECT (hour) VALUES (1)",
                          "error[W1413]", "tests/t.sql:2:12", "`flight`", "tests/t.sql:3:9", "`hours`")

    def test_a_value_of_the_wrong_type_is_pointed_at(self):
        self.assert_error("TEST OF VIEW late GIVEN stg (flight, delay) VALUES ('a', 1),\n  ('b', 'soon'),\n  (3, 1.5)\n"
                          "EXPECT NO ROWS",
                          "error[W1414]", "tests/t.sql:2:9", "`'soon'`", "tests/t.sql:3:4", "tests/t.sql:3:7",
                          "does not fit the type int32 without a change")
        self.assert_error("TEST OF VIEW stg GIVEN flights CSV 'flight,day\n a,2024-13-01' EXPECT NO ROWS",
                          "error[W1414]", "tests/t.sql:2:4", "2024-13-01")
        self.assert_error("TEST OF VIEW stg GIVEN flights (delay) VALUES (nosuch(1)) EXPECT NO ROWS",
                          "error[W1414]", "tests/t.sql:1:48", "nosuch")

    def test_null_is_not_given_to_a_column_that_cannot_hold_it(self):
        schema = pyarrow.schema([pyarrow.field("id", pyarrow.int64(), nullable=False), pyarrow.field("t", pyarrow.string())])
        deltalake.write_deltalake(str(self.scratch / "lake"), pyarrow.table({"id": [1], "t": ["a"]}, schema=schema))

        def test(sql: str):
            project = self.project({"t": sql})
            project.write("sources/lake.sql", f"CREATE EXTERNAL TABLE lake STORED AS DELTATABLE LOCATION '{self.scratch}/lake'")
            project.write("views/ids.sql", "SELECT count(id) AS n, count(t) AS texts FROM lake")
            return project.weir("test")

        outcome = test("TEST OF VIEW ids GIVEN lake (id) VALUES (NULL) EXPECT NO ROWS")
        self.assertEqual(outcome.code, 1)
        for text in ("error[W1414]", "the column is NOT NULL", "tests/t.sql:1:42"):
            self.assertIn(text, outcome.stderr)
        # Left out, it is NULL as any other.
        outcome = test("TEST OF VIEW ids GIVEN lake (t) VALUES ('a'), (NULL) EXPECT VALUES (0, 1)")
        self.assertEqual(outcome.code, 0, outcome.text)

    def test_every_input_is_given_and_nothing_else(self):
        self.assert_error("TEST OF VIEW late EXPECT NO ROWS", "error[W1415]", "`stg`", "GIVEN stg NO ROWS")
        self.assert_error("TEST OF VIEW late GIVEN stg NO ROWS GIVEN flights NO ROWS EXPECT NO ROWS",
                          "error[W1412]", "reads no table named `flights`", "tests/t.sql:1:43")
        self.assert_error("TEST OF VIEW total GIVEN shorthand NO ROWS GIVEN stg NO ROWS EXPECT NO ROWS",
                          "error[W1412]", "plain VIEW `shorthand`")

    def test_arity_and_a_missing_expect(self):
        self.assert_error("TEST OF VIEW late GIVEN stg (flight, delay) VALUES ('a')\nEXPECT NO ROWS",
                          "error[W1405]", "2 values a row are wanted, found 1", "tests/t.sql:1:52")
        self.assert_error("TEST OF VIEW late GIVEN stg NO ROWS EXPECT VALUES (1)",
                          "error[W1413]", "each of the 3 columns", "tests/t.sql:1:51")
        self.assert_error("TEST OF VIEW late GIVEN stg NO ROWS", "error[W1403]", "tests/t.sql:1:1")

    def test_a_view_that_does_not_compile_is_an_error(self):
        project = self.project({"t": "TEST OF VIEW late GIVEN stg NO ROWS EXPECT NO ROWS"})
        project.write("views/stg.sql", "SELECT nosuch FROM flights")
        outcome = project.weir("test")
        self.assertEqual(outcome.code, 1)
        self.assertIn("error[W1418]", outcome.stderr)
        self.assertIn("error[W2002]", outcome.stderr)

    def test_check_reports_files_that_are_not_understood(self):
        project = self.project({"t": "TEST OF VIEW late GIVEN stg NO ROWS"})
        outcome = project.weir("check")
        self.assertEqual(outcome.code, 1)
        self.assertIn("error[W1403]", outcome.stderr)


class DataAndViewsTest(ProjectCase):
    """Both kinds in one command: counts, selection, artifacts."""

    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "project")
        self.project.folder.mkdir(exist_ok=True)
        self.project.write("weir.toml", '[project]\nname = "both"\n')
        self.project.write("sources/n.sql", "CREATE EXTERNAL TABLE n (i INT, t VARCHAR) STORED AS CSV LOCATION 'n.csv' "
                                            "OPTIONS ('has_header' 'true');")
        self.project.write("n.csv", "i,t\n" + "".join(f"{i},t{i % 3}\n" for i in range(20)))
        self.project.write("views/big.sql", "SELECT i, t FROM n WHERE i > 4")
        self.project.write("views/other.sql", "SELECT t FROM n")
        self.project.write("tests/big_is_big.sql", "SELECT * FROM big WHERE i <= 4")
        self.project.write("tests/deep/no_t1.sql", "-- fails\nSELECT i, t FROM big WHERE t = 't1'")
        self.project.write("tests/units.sql", "TEST five_is_big OF VIEW big GIVEN n (i) VALUES (4), (5) EXPECT (i) VALUES (5);\n"
                                              "TEST four_is_big OF VIEW big GIVEN n (i) VALUES (4) EXPECT (i) VALUES (4);")
        self.project.run()

    def names(self, *arguments: str) -> dict[str, str]:
        outcome = self.project.weir("test", "--format", "json", *arguments)
        return {test["test"]: test["state"] for test in outcome.json()["tests"]}

    def test_the_whole(self):
        outcome = self.project.weir("test")
        self.assertEqual(outcome.code, 1)
        self.assertTrue(outcome.stdout.endswith("2 passed, 2 failed\n"), outcome.stdout)
        self.assertIn("failed  no_t1  (tests/deep/no_t1.sql:2)\n  5 rows where none is allowed, for instance\n", outcome.stdout)
        rows = {row["test_name"]: row for row in self.project.sql("SELECT * FROM weir.tests")}
        self.assertEqual({name: (row["kind"], row["state"], row["rows"], row["view_name"]) for name, row in rows.items()}, {
            "big_is_big": ("data", "passed", 0, None),
            "no_t1": ("data", "failed", 5, None),
            "five_is_big": ("unit", "passed", 0, "big"),
            "four_is_big": ("unit", "failed", 1, "big"),
        })
        self.assertEqual((rows["no_t1"]["file"], rows["no_t1"]["line"]), ("tests/deep/no_t1.sql", 2))
        self.assertEqual(rows["four_is_big"]["message"], "1 missing, 0 unexpected")
        self.assertEqual(len({row["run_id"] for row in rows.values()}), 1)

    def test_selection(self):
        self.assertEqual(self.names("big_is_big"), {"big_is_big": "passed"})
        self.assertEqual(set(self.names("--select", "*_is_big")), {"big_is_big", "five_is_big", "four_is_big"})
        self.assertEqual(set(self.names("--select", "big")), {"big_is_big", "no_t1", "five_is_big", "four_is_big"})
        self.assertEqual(self.names("--select", "path:tests/deep"), {"no_t1": "failed"})
        self.assertEqual(set(self.names("--select", "no_t1,five_is_big")), {"no_t1", "five_is_big"})
        outcome = self.project.weir("test", "--select", "five_is_bg")
        self.assertEqual(outcome.code, 2)
        self.assertIn("`five_is_big`", outcome.stderr)
        self.assertEqual(self.project.weir("test", "five_is_big").code, 0)

    def test_a_query_that_fails_is_an_error_at_its_place(self):
        self.project.write("tests/broken.sql", "SELECT *\nFROM big WHERE ii = 1")
        outcome = self.project.weir("test", "broken")
        self.assertEqual(outcome.code, 1)
        self.assertIn("tests/broken.sql:2:16", outcome.stderr)
        self.project.write("tests/broken.sql", "CREATE TABLE x")
        outcome = self.project.weir("test")
        self.assertEqual(outcome.code, 1)
        self.assertIn("error[W1401]", outcome.stderr)
        self.assertIn("2 passed, 3 failed", outcome.stdout)


if __name__ == "__main__":
    unittest.main()
