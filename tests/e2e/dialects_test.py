# SPDX-License-Identifier: Apache-2.0
"""SQL ingress: the texts of TPC-H read in many dialects plan alike; their plans, written in many, give the same rows elsewhere."""

import json
import pathlib
import tempfile
import unittest

import tpc_dialects
import weir_project


class TpchDialects(unittest.TestCase):
    """All 22 queries over a tiny TPC-H."""

    @classmethod
    def setUpClass(cls):
        cls.project = tpc_dialects.projects()["tpch"]
        cls.names = list(tpc_dialects.queries(cls.project))
        cls.expected = tpc_dialects.answers(cls.project, cls.names)

    def test_texts_of_five_dialects_plan_to_equal_plans(self):
        dialects = ["bigquery", "duckdb", "mysql", "postgresql", "snowflake"]
        outcome = tpc_dialects.read_in(dialects, self.project)
        for dialect in dialects:
            self.assertEqual(outcome[dialect], dict.fromkeys(self.names, ""), dialect)

    def check_written(self, dialect: str, connection) -> None:
        written, refused = tpc_dialects.write(self.project, self.names, dialect)
        self.assertEqual(refused, {})
        outcome = tpc_dialects.run_elsewhere(written, connection, self.expected)
        self.assertEqual(outcome, dict.fromkeys(self.names, ""))

    def test_plans_written_for_duckdb_give_the_same_rows_there(self):
        self.check_written("duckdb", tpc_dialects.duckdb_tables(self.project))

    def test_plans_written_for_sqlite_give_the_same_rows_there(self):
        self.check_written("sqlite", tpc_dialects.sqlite_tables(self.project))

    def test_plans_written_in_other_dialects_read_back_give_the_same_rows(self):
        for dialect in ("generic", "mysql", "postgresql"):
            with self.subTest(dialect):
                written, refused = tpc_dialects.write(self.project, self.names, dialect)
                self.assertEqual(refused, {})
                again = tpc_dialects.answers(self.project, self.names, dialect, written)
                for name in self.names:
                    self.assertNotIsInstance(again[name], str, f"{name}: {again[name]}")
                    self.assertTrue(tpc_dialects.same_rows(again[name], self.expected[name]), name)


class Statements(unittest.TestCase):
    """What `weir sql` runs, and what artifacts keep of statements."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "views").mkdir()
        self.settings('dialect = "mysql"', "")
        self.view("a", 'CREATE MATERIALIZED VIEW `a` (`the_name`) COMMENT "it\'s" AS # a comment\nSELECT "x"')

    def settings(self, project: str, rest: str) -> None:
        (self.folder / "weir.toml").write_text(f'[project]\nname = "p"\n{project}\n{rest}')

    def view(self, name: str, text: str) -> None:
        (self.folder / "views" / f"{name}.sql").write_text(text)

    def weir(self, *arguments, text=None):
        return tpc_dialects.weir(self.folder, *arguments, text=text)

    def rows(self, sql: str):
        run = self.weir("sql", sql, "--dialect", "generic", "--format", "json")
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def test_a_view_is_read_in_the_dialect_of_its_project_or_file(self):
        self.view("b", '-- dialect: postgres\nSELECT "the_name" FROM a')
        self.assertEqual(self.weir("run").returncode, 0)
        self.assertEqual(self.rows("SELECT * FROM b"), [{"the_name": "x"}])
        self.view("b", "-- dialect: postgrse\nSELECT 1 AS a")
        run = self.weir("check")
        self.assertEqual(run.returncode, 1)
        self.assertIn("error[W1103]: a dialect of SQL is wanted, found `postgrse`\n  --> views/b.sql:1:13\n  hint: did you mean "
                      "`postgresql`?", run.stderr)

    def test_a_dialect_alone_rebuilds_nothing(self):
        self.view("b", "SELECT 1 AS a")
        self.weir("run")
        self.view("b", "-- dialect: duckdb\nSELECT 1 AS a")
        plan = self.weir("plan", "--format", "json")
        self.assertEqual(json.loads(plan.stdout)["run"], 0, plan.stdout)

    def test_artifacts_hold_every_statement_once_until_it_changes(self):
        self.view("b", "-- dialect: duckdb\nselect  1 As a -- one")
        self.weir("run")
        self.weir("run")
        found = self.rows("SELECT name, dialect_read, normalized_sql, dialect_written, tree, tree_fingerprint FROM weir.statements "
                          "ORDER BY name")
        self.assertEqual([row["name"] for row in found], ["a", "b"])
        self.assertEqual(found[0]["normalized_sql"],
                         'CREATE MATERIALIZED VIEW a (the_name) COMMENT \'it\'\'s\' AS SELECT "x"')
        self.assertEqual((found[1]["dialect_read"], found[1]["dialect_written"]), ("duckdb", "duckdb"))
        self.assertEqual(found[1]["normalized_sql"], "SELECT 1 AS a")
        self.assertIn("Query", json.loads(found[1]["tree"]))
        self.view("b", "SELECT 1 AS A")
        self.weir("run")
        again = self.rows("SELECT tree_fingerprint FROM weir.statements WHERE name = 'b' ORDER BY run_id")
        self.assertEqual(len(again), 2)
        self.assertEqual(again[0], again[1])

    def test_only_queries_are_run_unless_the_profile_allows_more(self):
        run = self.weir("sql", "SET datafusion.execution.batch_size = 1")
        self.assertEqual(run.returncode, 1)
        self.assertIn("the profile `default` does not allow statements of the kind `set`, found `Set`", run.stderr)
        self.assertIn('[profiles.default.sql] allow = ["query", "set"]', run.stderr)
        self.settings("", '[profiles.default.sql]\nallow = ["query", "set", "ddl", "dml"]\n')
        run = self.weir("sql", "--format", "json", text="""CREATE TABLE t AS SELECT 1 AS a;
INSERT INTO t VALUES (2), (3);
PREPARE p AS SELECT sum(a) AS total FROM t WHERE a > $1;
EXECUTE p(1);
""")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(tpc_dialects.json_values(run.stdout), [[], [{"count": 2}], [], [{"total": 5}]])

    def test_nothing_is_run_while_the_settings_have_errors(self):
        self.settings('dialect = "mysqll"', "")
        run = self.weir("sql", "SELECT 1")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("error[W1023]", run.stderr)

    def test_plans_are_written_or_the_construct_is_named(self):
        written = self.weir("sql", "--to", "mysql", 'SELECT "x" AS `A b`')
        self.assertEqual(written.stdout.split(), ["SELECT", "'x'", "AS", "`A", "b`;"])
        run = self.weir("sql", "--to", "duckdb", "--dialect", "generic",
                        "WITH RECURSIVE n AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM n WHERE a < 9) SELECT * FROM n")
        self.assertEqual(run.returncode, 1)
        self.assertIn("the plan cannot be written as SQL of `duckdb`: a recursive query", run.stderr)
        run = self.weir("sql", "--to", "duckdv", "SELECT 1")
        self.assertEqual(run.returncode, 2)
        self.assertIn("did you mean `duckdb`?", run.stderr)

    def test_what_the_engine_would_leave_out_is_refused(self):
        self.weir("run")
        run = self.weir("sql", "SELECT * FROM a TABLESAMPLE (10 ROWS)", "--dialect", "bigquery")
        self.assertEqual(run.returncode, 1)
        self.assertIn("the engine does not support TABLESAMPLE", run.stderr)
        # `weir sql` knows what time travel means, the engine would leave it out of a view.
        run = self.weir("sql", "SELECT * FROM a FOR SYSTEM_TIME AS OF '2020-01-01'", "--dialect", "bigquery")
        self.assertEqual(run.returncode, 1)
        self.assertIn("the time of the first commit in the table's log (version 0), found `2020-01-01T00:00:00Z`", run.stderr)


if __name__ == "__main__":
    unittest.main()
