# SPDX-License-Identifier: Apache-2.0
"""What messages say: whose fault it is, what was wanted, what was found, where, and what to do (faults A9, A13)."""

import os
import unittest

import deltalake
import pyarrow
import pyarrow.parquet

from weir_project import Outcome, Project, ProjectCase


class MessagesCase(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "p")
        self.project.write("weir.toml", '[project]\nname = "p"\nwarehouse = "warehouse"\n')
        self.project.write("sources/items.sql", "CREATE EXTERNAL TABLE items (id BIGINT, s VARCHAR)\nSTORED AS CSV LOCATION 'data/items.csv'\n"
                           "OPTIONS ('has_header' 'true');\n")
        self.project.write("data/items.csv", "id,s\n1,1\n2,x\n")
        self.project.write("views/v.sql", "SELECT id, s FROM items\n")

    def assert_says(self, outcome: Outcome, code: int, *wanted: str) -> None:
        self.assertEqual(outcome.code, code, outcome.text)
        for text in wanted:
            self.assertIn(text, outcome.stderr)
        for text in ("bug in Weir", "DataFusionError", "ArrowError", "stack backtrace", "  0: ", "panicked"):
            self.assertNotIn(text, outcome.stderr)


class BlameTest(MessagesCase):
    """A filter that the engine evaluates while it reads a file fails for the user's values, not for the file (A9)."""

    def parquet(self, **options) -> None:
        table = pyarrow.table({"id": list(range(1000)), "s": ["x" if n == 500 else str(n) for n in range(1000)]})
        pyarrow.parquet.write_table(table, self.project.folder / "data" / "t.parquet", **options)
        self.project.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION 'data/t.parquet';\n")

    def delta(self) -> None:
        table = pyarrow.table({"id": list(range(1000)), "s": ["x" if n == 500 else str(n) for n in range(1000)]})
        deltalake.write_deltalake(str(self.project.folder / "data" / "t"), table, mode="overwrite")
        self.project.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION 'data/t';\n")

    def test_failing_filters_are_the_users(self):
        settings = {"": "", "pushed down": '[profiles.default.settings]\n"datafusion.execution.parquet.pushdown_filters" = true\n'}
        for name, setting in settings.items():
            self.project.write("weir.toml", f'[project]\nname = "p"\nwarehouse = "warehouse"\n{setting}')
            for source in (self.parquet, self.delta):
                source()
                for query, place in (("SELECT id\nFROM t\nWHERE CAST(s AS INT) > 0\n", "views/w.sql:3:7"),
                                     ("SELECT id FROM t\nWHERE s::INT > 0\n", "views/w.sql:2:8"),
                                     ("SELECT id, 10 / (id - 500) AS x FROM t\nWHERE id > 1\n", "views/w.sql:1:15")):
                    with self.subTest(f"{name} {source.__name__} {query}"):
                        self.project.write("views/w.sql", query)
                        self.assert_says(self.project.weir("run"), 1, "W5001", place)
                        self.assertFalse(list((self.project.warehouse / "w").rglob("*.parquet")))
                outcome = self.project.weir("sql", "SELECT count(*) FROM t WHERE CAST(s AS INT) > 0")
                self.assert_says(outcome, 1, "'x'", "Int32")

    def test_failing_native_functions_in_filters_are_the_users(self):
        self.parquet()
        self.project.write("views/w.sql", "SELECT id FROM t WHERE CAST(s AS DATE) > DATE '2024-01-01'\n")
        self.assert_says(self.project.weir("run"), 1, "views/w.sql:1:24", "t.parquet")


class CommandLineTest(MessagesCase):
    def test_unknown_command_gets_the_nearest_name(self):
        self.assert_says(self.project.weir("chekc"), 2, "there is no command named `chekc`", "did you mean `check`?")
        self.assert_says(self.project.weir("frobnicate"), 2, "`frobnicate`", "`weir --help`")

    def test_unknown_option_gets_the_nearest_name(self):
        self.assert_says(self.project.weir("run", "--selct", "v"), 2, "`weir run` has no option `--selct`", "`--select`")
        self.assert_says(self.project.weir("check", "more"), 2, "takes no further argument", "`more`")
        self.assert_says(self.project.weir("run", "--format", "xml"), 2, "table or json is wanted", "`xml`")
        self.assert_says(self.project.weir("explain"), 2, "view", "`weir explain --help`")


class PlanningMessagesTest(MessagesCase):
    def check(self, query: str, *wanted: str) -> None:
        self.project.write("views/w.sql", query)
        self.assert_says(self.project.weir("check"), 1, *wanted)

    def test_two_columns_of_one_name_are_named_as_the_result_has_them(self):
        self.check("SELECT t.id AS x, t.s AS x FROM items t\n", "W2007", "have the name `x`")
        self.check("SELECT a.id, b.id FROM items a JOIN items b ON a.id = b.id\n", "W2007", "have the name `id`")
        self.check("SELECT id + 1 AS y, s AS z, id AS y FROM items\n", "W2007", "have the name `y`")

    def test_json_of_a_query_that_fails_is_no_json(self):
        for query in ("SELECT CAST(s AS INT) AS n FROM items", "SELECT nothing FROM items", "SELECT 1 / (id - id) FROM items"):
            outcome = self.project.weir("sql", "--format", "json", query)
            self.assertEqual((outcome.code, outcome.stdout), (1, ""), query)
        self.assertEqual(self.project.sql("SELECT id FROM items WHERE id > 5"), [])
        self.assertEqual(self.project.sql("SELECT id FROM items ORDER BY id"), [{"id": 1}, {"id": 2}])


class BacktraceTest(MessagesCase):
    def test_messages_hold_no_frames_of_the_stack(self):
        environment = {**os.environ, "RUST_BACKTRACE": "1", "RUST_LIB_BACKTRACE": "1"}
        table = self.project.folder / "data" / "t"
        deltalake.write_deltalake(str(table), pyarrow.table({"id": [1]}))
        self.project.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION 'data/t';\n")
        self.project.write("views/w.sql", "SELECT id FROM t\n")
        log = table / "_delta_log" / "00000000000000000000.json"
        text = log.read_text()
        for broken in ("not JSON\n", text.replace('"minReaderVersion":1', '"minReaderVersion":4'), text.replace('\\"long\\"', '\\"lung\\"'), ""):
            log.write_text(broken)
            for command in (("check",), ("run",), ("sql", "SELECT * FROM t")):
                outcome = self.project.weir(*command, env=environment)
                self.assertIn(outcome.code, (1, 3), outcome.text)
                for frame in ("   0: ", "std::", ".rs:", "backtrace"):
                    self.assertNotIn(frame, outcome.text)


if __name__ == "__main__":
    unittest.main()
