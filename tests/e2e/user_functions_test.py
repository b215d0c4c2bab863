# SPDX-License-Identifier: Apache-2.0
"""User functions: what they compute, what is refused and where, what lineage and pruning see through them, and what is built again after
an edit of one."""

import re
import subprocess

import pyarrow
import deltalake

import weir_project

FUNCTIONS = """\
-- Money.
CREATE FUNCTION Net(gross DOUBLE, rate DOUBLE DEFAULT 0.25, digits INT DEFAULT 2) RETURNS DOUBLE
RETURN round(gross / (1 + rate), digits);

CREATE FUNCTION tidy(s VARCHAR, otherwise VARCHAR DEFAULT 'n/a') RETURNS VARCHAR
RETURN coalesce(utf8_normalize(s), otherwise);

/* Calls one that stands behind it, and a native one. */
CREATE FUNCTION label(kind VARCHAR, "Number" BIGINT) RETURNS VARCHAR
RETURN concat(tidy(kind), '-', padded("Number"));
CREATE FUNCTION padded(n BIGINT) RETURNS VARCHAR RETURN lpad(CAST(n AS VARCHAR), 4, '0');
CREATE FUNCTION small(n BIGINT) RETURNS TINYINT RETURN n;
CREATE FUNCTION answer() RETURNS INT RETURN 42;
CREATE FUNCTION cents(x DECIMAL(10, 4)) RETURNS DECIMAL(12, 2) RETURN x;
CREATE FUNCTION is_late(minutes BIGINT, least BIGINT DEFAULT 15) RETURNS BOOLEAN RETURN minutes >= least;
CREATE FUNCTION twice(x DOUBLE) RETURNS DOUBLE RETURN x + x;
"""

VALUES = {
    "net(125)": 100.0,
    "NET(125.0, 0.5)": 83.33,
    "Net(125, digits => 0, rate => 0.5)": 83.0,
    '"Net"(gross => 119, rate => 0.19)': 100.0,
    "net(NULL)": None,
    "net(125, NULL)": None,
    "tidy('  ＡＢ  c ')": "ab c",
    "tidy(NULL)": "n/a",
    "tidy('', otherwise => '-')": "-",
    "label('Kind ', 7)": "kind-0007",
    "label(\"Number\" => 12, kind => NULL)": "n/a-0012",
    "small(127)": 127,
    "answer() + 1": 43,
    "CAST(cents(1.2345) AS VARCHAR)": "1.23",
    "arrow_typeof(cents(1))": "Decimal128(12, 2)",
    "arrow_typeof(small(1))": "Int8",
    "is_late(20)": True,
    "is_late(20, least => 30)": False,
    "net(net(156.25))": 100.0,
}


class UserFunctionsTest(weir_project.ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "p")
        self.project.write("weir.toml", '[project]\nname = "p"\n[profiles.default.sql]\nallow = ["query", "ddl"]\n')
        self.project.write("functions/own.sql", FUNCTIONS)

    def check_fails(self, *wanted: str) -> str:
        outcome = self.project.weir("check")
        self.assertEqual(outcome.code, 1, outcome.text)
        for text in wanted:
            self.assertIn(text, outcome.text)
        self.assertEqual(self.project.weir("check").text, outcome.text)  # also the second time
        return outcome.text

    def test_values(self):
        columns = ", ".join(f"{call} AS c{i}" for i, call in enumerate(VALUES))
        row = self.project.sql(f"SELECT {columns}")[0]
        for i, (call, wanted) in enumerate(VALUES.items()):
            self.assertEqual(row.get(f"c{i}"), wanted, call)

    def test_the_same_in_a_stored_view_and_from_its_lane(self):
        calls = [call for call, wanted in VALUES.items() if wanted is not None]
        self.project.write("views/v.sql", "SELECT " + ", ".join(f"{call} AS c{i}" for i, call in enumerate(calls)))
        hashes = set()
        for options in ([], ["--by-lane"]):
            self.project.run("--force", *options)
            self.assertEqual(list(self.project.read("v").to_pylist()[0].values()), [VALUES[call] for call in calls])
            hashes.add(self.project.artifact("writes")[-1]["content_hash"])
        self.assertEqual(len(hashes), 1)

    def test_in_where_join_group_by_order_by_window_having_and_subqueries(self):
        rows = "(VALUES (1, 'A '), (2, 'a'), (3, 'B'), (4, NULL)) AS t(n, s)"
        sql = self.project.sql
        self.assertEqual(sql(f"SELECT n FROM {rows} WHERE tidy(s) = 'a' ORDER BY n"), [{"n": 1}, {"n": 2}])
        self.assertEqual(sql(f"SELECT tidy(s) AS k, count(*) AS c FROM {rows} GROUP BY tidy(s) HAVING tidy(s) <> 'b' ORDER BY tidy(s)"),
                         [{"k": "a", "c": 2}, {"k": "n/a", "c": 1}])
        self.assertEqual(sql(f"SELECT tidy(s, '?'), sum(twice(n)) FROM {rows} GROUP BY tidy(s, '?') ORDER BY 1 DESC LIMIT 1"),
                         [{"tidy(t.s,Utf8(\"?\"))": "b", "sum(twice(t.n))": 6.0}])
        self.assertEqual(sql(f"SELECT t.n, u.n AS m FROM {rows} JOIN {rows.replace('AS t', 'AS u')} ON tidy(t.s) = tidy(u.s) AND t.n < u.n"),
                         [{"n": 1, "m": 2}])
        self.assertEqual(sql(f"SELECT n, sum(twice(n)) OVER (PARTITION BY tidy(s) ORDER BY net(n)) AS w FROM {rows} ORDER BY n"),
                         [{"n": 1, "w": 2.0}, {"n": 2, "w": 6.0}, {"n": 3, "w": 6.0}, {"n": 4, "w": 8.0}])
        self.assertEqual(sql(f"SELECT n FROM {rows} WHERE twice(n) IN (SELECT twice(n) FROM {rows} WHERE is_late(n, 3)) ORDER BY n"),
                         [{"n": 3}, {"n": 4}])
        self.assertEqual(sql(f"SELECT CASE WHEN is_late(n, 3) THEN label(s, n) END AS l FROM {rows} ORDER BY n DESC LIMIT 2"),
                         [{"l": "n/a-0004"}, {"l": "b-0003"}])

    def test_through_plain_views_and_constraints(self):
        self.project.write("views/base.sql", "CREATE VIEW base AS SELECT tidy(column1) AS k, column2 AS n FROM (VALUES ('A', 20), ('b', 3))")
        self.project.write("views/kept.sql", "CREATE MATERIALIZED VIEW kept (k, n, CONSTRAINT late EXPECT (is_late(n)) ON VIOLATION DROP ROW) "
                           "AS SELECT k, n FROM base")
        self.project.run()
        self.assertEqual(self.project.read("kept").to_pylist(), [{"k": "a", "n": 20}])
        self.project.write("functions/own.sql", FUNCTIONS.replace("DEFAULT 15", "DEFAULT 2"))
        self.project.run()
        self.assertEqual(self.project.read("kept").num_rows, 2)

    def test_failures_at_run_time_and_volatile_arguments(self):
        outcome = self.project.weir("sql", "SELECT small(column1) FROM (VALUES (1), (300))")
        self.assertEqual(outcome.code, 1)
        self.assertIn("300", outcome.stderr)
        outcome = self.project.weir("sql", "SELECT twice(random())")
        self.assertEqual(outcome.code, 1)
        self.assertIn("twice(x) uses its argument x 2 times", outcome.stderr)
        self.project.succeed("sql", "SELECT is_late(CAST(random() AS BIGINT))")

    def test_wrong_calls_show_signature_and_place(self):
        for call, message, column in (
                ("net()", "wants `gross`", 8),
                ("1 + net('x', rat => 1)", "has no parameter `rat`", 21),
                ("is_late(DATE '2024-01-01')", "is_late(minutes[, least]) does not take (Date32, Int64)", 8),
                ("answer(1)", "answer()", 8),
                ("is_lat(1)", "did you mean `is_late`?", 8)):
            outcome = self.project.weir("sql", f"SELECT {call}")
            self.assertEqual(outcome.code, 1, call)
            self.assertIn(message, outcome.stderr, call)
            self.assertIn(f"line 1, column {column} ", outcome.stderr, call)
        self.project.write("views/v.sql", "SELECT 1 AS a,\n  is_late(mins => 3) AS b\n")
        self.check_fails("views/v.sql:2:11", "is_late(minutes[, least]) has no parameter `mins`")

    def test_what_is_wrong_with_a_definition_is_said_at_its_place(self):
        self.project.write("views/v.sql", "SELECT broken(1) AS a")
        for text, code, place, message in (
                ("CREATE FUNCTION stable_id(a INT) RETURNS INT RETURN a", "W2020", "1:17", "a native function has this name: `stable_id`"),
                ("CREATE FUNCTION Upper(a INT) RETURNS INT RETURN a", "W2020", "1:17", "a function of the engine has this name: `upper`"),
                ("CREATE FUNCTION broken(a INTT) RETURNS INT RETURN 1", "W2021", "1:24", "a type is wanted for the argument `a`, found `INTT`"),
                ("CREATE FUNCTION broken(a INT) RETURNS NUMBERS RETURN 1", "W2021", "1:39", "a type is wanted for the result"),
                ("CREATE FUNCTION broken(amount INT)\nRETURNS INT\nRETURN 1 + amout", "W2022", "3:12",
                 "the function broken(amount) has no argument named `amout`"),
                ("CREATE FUNCTION broken(a INT) RETURNS INT RETURN a + true", "W2023", "1:", ""),
                ("CREATE FUNCTION broken(a INT) RETURNS INT\n RETURN lowr(a)", "W2023", "2:", "there is no function named `lowr`"),
                ("CREATE FUNCTION broken(a INT) RETURNS INT RETURN span_len(a)", "W2023", "1:50", "span_len(span) takes spans"),
                ("CREATE FUNCTION broken(a INT) RETURNS INT RETURN a +", "W2023", "1:", "expected"),
                ("CREATE FUNCTION broken(a INT) RETURNS INT RETURN sum(a)", "W2024", "1:50", "found the aggregate function `sum`"),
                ("CREATE FUNCTION broken(a INT) RETURNS INT RETURN collect_set(a)", "W2024", "1:50", "the aggregate function `collect_set`"),
                ("CREATE FUNCTION broken(a INT) RETURNS INT RETURN row_number() OVER ()", "W2024", "1:50", "found a window function"),
                ("CREATE FUNCTION broken(a INT) RETURNS INT RETURN (SELECT max(x) FROM t)", "W2024", "1:", "found a subquery"),
                ("CREATE FUNCTION broken(a INT) RETURNS INT RETURN a IN (SELECT 1)", "W2024", "1:50", "found a subquery"),
                ("CREATE FUNCTION broken(a STRUCT<x INT>) RETURNS DATE RETURN a", "W2023", "1:", "Date32 is wanted"),
                ("CREATE FUNCTION broken(a INT DEFAULT b) RETURNS INT RETURN a", "W2022", "1:38", "has no argument named `b`"),
                ("CREATE FUNCTION broken(a INT) RETURNS INT RETURN other(a);\nCREATE FUNCTION other(a INT) RETURNS INT RETURN third(a);\n"
                 "CREATE FUNCTION third(a INT) RETURNS INT RETURN 1 + broken(a)", "W2025", "1:17",
                 "user functions call each other in a circle: `broken → other → third → broken`"),
                ("CREATE FUNCTION broken(a INT) RETURNS INT RETURN broken(a)", "W2025", "1:17", "`broken → broken`")):
            with self.subTest(text):
                self.project.write("functions/broken.sql", text)
                said = self.check_fails(f"functions/broken.sql:{place}", code, message)
                if "broken(" in text:
                    self.assertNotIn("views/v.sql", said)  # which would only repeat it
        self.project.write("functions/broken.sql", "CREATE FUNCTION broken(a INT) RETURNS INT RETURN a")
        self.project.succeed("check")
        self.project.write("functions/broken.sql", "CREATE FUNCTION TIDY(a INT) RETURNS INT RETURN a")
        self.check_fails("W1502", "functions/own.sql:5:17", "there are two functions of this name: `tidy`")

    def test_lineage_and_pruning_see_through_it(self):
        table = pyarrow.table({"id": [1, 2, 3, 4], "part": ["a", "a", "b", "b"], "late": [1, 40, 3, 50], "unused": [0, 0, 0, 0]})
        deltalake.write_deltalake(self.project.folder / "data", table, partition_by=["part"])
        self.project.write("functions/part.sql", "CREATE FUNCTION in_part(p VARCHAR, wanted VARCHAR DEFAULT 'b') RETURNS BOOLEAN RETURN p = wanted")
        self.project.write("sources/s.sql", "CREATE EXTERNAL TABLE s STORED AS DELTATABLE LOCATION 'data'")
        self.project.write("views/v.sql", "SELECT is_late(late) AS is_late, label(part, id) AS l FROM s WHERE in_part(part)")
        edges = self.project.succeed("lineage", "v", "--format", "json").text
        for column in ("late", "part", "id"):
            self.assertIn(f'"{column}"', edges)
        self.assertNotIn("unused", edges)
        scan = self.project.succeed("explain", "v", "--scans", "--format", "json").json()[0]
        self.assertEqual(sorted(scan["columns"]), ["id", "late", "part"])
        self.assertEqual(len(scan["pruned"]), 1)
        self.assertIn("part=a", scan["pruned"][0]["path"])
        self.project.run()
        self.assertEqual(sorted(self.project.read("v").to_pydict()["l"]), ["b-0003", "b-0004"])

    def test_an_edit_builds_exactly_the_views_that_use_it(self):
        rows = "(VALUES (1, 'A'), (40, 'b')) AS t(n, s)"
        self.project.write("views/late.sql", f"SELECT n, is_late(n) AS late FROM {rows}")
        self.project.write("views/labels.sql", f"SELECT label(s, n) AS l FROM {rows}")
        self.project.write("views/own.sql", f"SELECT n, s FROM {rows}")
        self.project.write("views/late_count.sql", "SELECT count(*) AS c FROM late WHERE late")

        def ran() -> set[str]:
            return set(re.findall(r"\] run +(\w+)", self.project.succeed("run").stderr))

        self.assertEqual(ran(), {"late", "labels", "own", "late_count"})
        self.assertEqual(ran(), set())
        self.project.write("functions/own.sql", FUNCTIONS.replace("RETURN minutes >= least", "\n  -- strictly\nRETURN (minutes   >= least) /* ! */"))
        self.project.succeed("check")
        self.assertEqual(ran(), set())
        self.project.write("functions/own.sql", FUNCTIONS.replace("minutes >= least", "minutes > least"))
        self.assertEqual(ran(), {"late"})  # and late_count reads the same rows as before
        self.project.write("functions/own.sql", FUNCTIONS.replace("minutes >= least", "minutes > 0 * least"))
        self.assertEqual(ran(), {"late", "late_count"})
        # One that only another function calls.
        self.project.write("functions/own.sql", FUNCTIONS.replace("4, '0'", "3, '0'").replace("minutes >= least", "minutes > 0 * least"))
        self.assertIn("labels", self.project.succeed("plan").text)
        diff = self.project.succeed("diff").text
        self.assertIn("labels", diff)
        self.assertNotIn("own", diff.replace("functions/own.sql", ""))
        self.assertEqual(ran(), {"labels"})
        # One that nobody calls, and a file that is moved.
        self.project.write("functions/other.sql", "CREATE FUNCTION unused_one(x INT) RETURNS INT RETURN x")
        (self.project.folder / "functions/own.sql").rename(self.project.folder / "functions/moved.sql")
        self.assertEqual(ran(), set())

    def test_listed_with_the_others_and_recorded(self):
        self.project.write("views/v.sql", "SELECT net(1) AS a")
        listed = {f["name"]: f for f in self.project.succeed("functions", "--format", "json").json()}
        self.assertEqual(listed["net"]["syntax"], "net(gross[, rate[, digits]])")
        self.assertEqual(listed["net"]["expression"], "round(gross / (1 + rate), digits)")
        self.assertEqual(listed["stable_id"]["expression"], "")
        self.assertIn("RETURN round(gross / (1 + rate), digits)", self.project.succeed("functions", "NET").stdout)
        rows = self.project.sql("SELECT routine_name AS n, syntax_example AS s FROM information_schema.routines WHERE routine_name = 'net'")
        self.assertEqual(rows[0], {"n": "net", "s": "net(gross[, rate[, digits]])"})
        self.project.run()
        recorded = [row for row in self.project.artifact("functions") if row["name"] == "net"]
        self.assertEqual([row["tags"] for row in recorded], [["user"]])
        statements = {row["name"]: row for row in self.project.artifact("statements") if row["kind"] == "function"}
        self.assertEqual(statements["answer"]["normalized_sql"], "CREATE FUNCTION answer() RETURNS INT RETURN 42")
        self.assertEqual(len(statements), 9)
        self.project.run("--force")
        self.assertEqual(len([row for row in self.project.artifact("statements") if row["kind"] == "function"]), 9)

    def test_in_a_session(self):
        def piped(text: str) -> weir_project.Outcome:
            done = subprocess.run([weir_project.program(), "sql", "--project", str(self.project.folder), "--format", "json"], input=text,
                                  capture_output=True, text=True, timeout=100)
            return weir_project.Outcome(done.returncode, done.stdout, done.stderr)

        done = piped("CREATE FUNCTION half(x DOUBLE) RETURNS DOUBLE RETURN x / 2;\nSELECT HALF(net(5)) AS a;\n"
                     "CREATE OR REPLACE FUNCTION half(x DOUBLE) RETURNS DOUBLE RETURN twice(x) / 8;\nSELECT half(8) AS a;\n"
                     "CREATE OR REPLACE FUNCTION answer() RETURNS INT RETURN 43;\nSELECT answer() AS a;\n"
                     "DROP FUNCTION half;\nCREATE FUNCTION half(x INT) RETURNS INT RETURN x;\nSELECT half(3) AS a;\n")
        self.assertEqual(done.code, 0, done.text)
        for value in ('"a":2.0', '"a":43', '"a":3'):
            self.assertIn(value, done.stdout)
        for text, message in (("CREATE FUNCTION answer() RETURNS INT RETURN 1", "there is a user function of this name: `answer`"),
                              ("CREATE FUNCTION a.b() RETURNS INT RETURN 1", "without a schema"),
                              ("CREATE FUNCTION f(a INT) RETURNS INT RETURN f(a)", "in a circle: `f → f`"),
                              ("CREATE OR REPLACE FUNCTION sum(a INT) RETURNS INT RETURN a", "a function of the engine has this name"),
                              ("CREATE FUNCTION f(a INT) RETURNS INT RETURN aa", "line 1, column 45")):
            outcome = self.project.weir("sql", text)
            self.assertEqual(outcome.code, 1, text)
            self.assertIn(message, outcome.stderr)
        self.project.write("weir.toml", '[project]\nname = "p"\n')
        outcome = self.project.weir("sql", "CREATE FUNCTION f() RETURNS INT RETURN 1")
        self.assertEqual(outcome.code, 1)
        self.assertIn("does not allow statements of the kind `ddl`", outcome.stderr)

    def test_in_another_dialect(self):
        self.project.write("functions/d.sql", "-- dialect: mysql\nCREATE FUNCTION quoted(`a b` INT) RETURNS VARCHAR # a comment\nRETURN concat(`a b`, 'it\\'s');")
        self.assertEqual(self.project.sql("SELECT quoted(1) AS q"), [{"q": "1it's"}])

    def test_the_example_builds_again_what_reads_an_edited_default(self):
        flights = self.flights(flight_rows=3000)
        flights.run()
        late = "SELECT sum(flights_late) AS late FROM carrier_performance"
        wanted = "SELECT count(*) AS late FROM stg_flights WHERE arr_delay > {}"
        self.assertEqual(flights.sql(late), flights.sql(wanted.format(15)))
        function = flights.folder / "functions" / "is_late.sql"
        function.write_text(function.read_text().replace("DEFAULT 15", "DEFAULT 45"))
        plan = flights.succeed("plan", "--format", "json").json()
        # late_inbound says how many minutes it means.
        self.assertEqual([view["view"] for view in plan["views"] if view["action"] == "run"], ["carrier_performance"])
        self.assertEqual(flights.run()["views"]["run"], 1)
        self.assertEqual(flights.sql(late), flights.sql(wanted.format(45)))


if __name__ == "__main__":
    import unittest

    unittest.main()
