# SPDX-License-Identifier: Apache-2.0
"""What fails whatever the data is an error of `weir check`, at its place (faults A10).

Each query stands in a view of its own over tables that are empty or not: check, plan and run refuse it alike, with W2012 or W2007 at
the line and column of the literal. Beside them stand queries that only look so, and must pass.
"""

import unittest

from weir_project import Project, ProjectCase

SOURCE = ("CREATE EXTERNAL TABLE t (id BIGINT, s VARCHAR, d DATE, ts TIMESTAMP, n INT)\nSTORED AS CSV LOCATION 'data/t.csv'\n"
          "OPTIONS ('has_header' 'true');\n")
ROWS = "id,s,d,ts,n\n1,a,2024-01-01,2024-01-01T00:00:00,1\n2,b,2024-01-02,2024-01-02T00:00:00,2\n"

# Query, line:column of the place.
REFUSED = {
    "a date that there is not": ("SELECT id\nFROM t\nWHERE d > DATE '2024-02-30'", "3:16"),
    "a date in a branch that is always taken": ("SELECT CASE WHEN 1 = 1 THEN DATE '2024-13-01' ELSE d END AS d\nFROM t", "1:34"),
    "a date in a condition": ("SELECT CASE WHEN d > DATE '2024-13-01' THEN 1 ELSE 2 END AS d\nFROM t", "1:27"),
    "a date beside a condition": ("SELECT id\nFROM t\nWHERE id = 1 AND d > DATE '2024-13-01'", "3:27"),
    "a cast in the first choice": ("SELECT coalesce(CAST('x' AS INT), n) AS n FROM t", "1:22"),
    "a timestamp that there is not": ("SELECT id FROM t WHERE ts > TIMESTAMP '2024-01-01T25:00:00'", "1:39"),
    "a text that is compared with a date": ("SELECT id FROM t WHERE d = '2024-02-30'", "1:28"),
    "a cast of a literal": ("SELECT id,\n  CAST('seven' AS INT) AS n\nFROM t", "2:8"),
    "a pattern": ("SELECT id FROM t WHERE s ~ '('", "1:28"),
    "a pattern that ignores case": ("SELECT id FROM t WHERE s !~* '[a'", "1:30"),
    "a pattern of a function": ("SELECT regexp_like(s, '*') AS b FROM t", "1:23"),
    "a pattern to replace": ("SELECT regexp_replace(s, '(', 'x') AS b FROM t", "1:26"),
    "a part of a date": ("SELECT date_trunc('foo', ts) AS x FROM t", "1:19"),
    "a part to extract": ("SELECT date_part('foo', ts) AS x FROM t", "1:18"),
    "a time zone": ("SELECT ts AT TIME ZONE 'Mars/Phobos' AS x FROM t", "1:24"),
    "a time zone of a cast": ("SELECT arrow_cast(ts, 'Timestamp(us, \"Mars/Phobos\")') AS x FROM t", "1:23"),
    "a frame that ends before it begins": ("SELECT sum(n) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING) AS x FROM t", "1:8"),
    "a LIKE whose escape the engine has not": ("SELECT id FROM t WHERE s LIKE 'a!%' ESCAPE '!'", "1:31"),
    "a bad literal within a subquery": ("SELECT id FROM t WHERE id IN (SELECT id FROM t WHERE d < DATE '2023-02-29')", "1:63"),
    "a bad literal within WITH": ("WITH x AS (SELECT id FROM t WHERE s ~ 'a{2,1}') SELECT * FROM x", "1:39"),
    "a bad literal in a join": ("SELECT a.id FROM t a JOIN t b ON a.id = b.id AND a.s ~ ')'", "1:56"),
    "a product": ("SELECT id,\n  CAST(100000 AS INT) * CAST(100000 AS INT) AS x FROM t", "2:8"),
    "a sum": ("SELECT id FROM t WHERE id > 9223372036854775807 + 1", "1:29"),
    "a sum within others": ("SELECT id + (CAST(9223372036854775807 AS BIGINT) + 3) * 2 AS x FROM t", "1:19"),
    "a negation": ("SELECT id, -CAST(-2147483648 AS INT) AS x FROM t", "1:19"),
    "a shift": ("SELECT id, 1 << 64 AS x FROM t", "1:17"),
    "a division by zero behind a cast": ("SELECT id / CAST(0 AS INT) AS x FROM t", "1:11"),
    "a function of a constant behind a cast": ("SELECT id, abs(CAST(-2147483648 AS INT)) AS x FROM t", "1:12"),
    "a product in an aggregate": ("SELECT sum(CAST(300 AS SMALLINT) * CAST(300 AS SMALLINT)) AS x FROM t", "1:17"),
    "a bad literal in an aggregate": ("SELECT max(date_trunc('era', ts)) AS n FROM t", "1:23"),
}
NO_COLUMNS = {
    "no column": "SELECT FROM t",
    "a struct without fields": "SELECT id, struct() AS x FROM t",
    "a struct that the function makes without fields": "SELECT id, named_struct() AS x FROM t",
}
ALLOWED = {
    "a cast of data": "SELECT TRY_CAST(s AS INT) AS n FROM t",
    "a failing branch that is not taken": "SELECT CASE WHEN n > 9 THEN 1 / (n - n) ELSE n END AS x FROM t",
    "a failing cast in a branch that is not taken": "SELECT CASE WHEN n > 9 THEN CAST('x' AS INT) ELSE n END AS x FROM t",
    "a date that there is not in a branch that is not taken": "SELECT CASE WHEN n > 9 THEN DATE '2024-13-01' ELSE d END AS x FROM t",
    "a failing cast in a branch that is never taken": "SELECT CASE WHEN 'x' ~ '^[0-9]+$' THEN CAST('x' AS INT) END AS x FROM t",
    "a failing cast that a constant guards": "SELECT id FROM t WHERE 'x' ~ '^[0-9]+$' AND CAST('x' AS INT) > 5",
    "a failing cast that a constant makes needless": "SELECT id FROM t WHERE 'x' !~ '^[0-9]+$' OR CAST('x' AS INT) > 5",
    "a failing cast behind a value": "SELECT coalesce(n, CAST('x' AS INT)) AS x FROM t",
    "a failing cast that a filter leaves out": "SELECT sum(CAST('x' AS INT)) FILTER (WHERE n > 9) AS x FROM t",
    "a cast of a constant that becomes NULL": "SELECT CAST(nullif('x', 'x') AS INT) AS x FROM t",
    "a product that fits": "SELECT id, CAST(100000 AS BIGINT) * CAST(100000 AS INT) AS x, -CAST(5 AS INT) AS y, 1 << 62 AS z FROM t",
    "a failing product that is not taken": "SELECT CASE WHEN n > 9 THEN CAST(100000 AS INT) * CAST(100000 AS INT) ELSE n END AS x FROM t",
    "a pattern": "SELECT id FROM t WHERE s ~ '^[a-z]+$' OR s LIKE 'a\\%'",
    "dates": "SELECT date_trunc('month', ts) AS m, date_part('year', d) AS y, to_char(d, '%Y-%m') AS z FROM t WHERE d > DATE '2020-02-29'",
    "zones": "SELECT ts AT TIME ZONE 'Europe/Berlin' AS x FROM t",
    "frames": "SELECT sum(n) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) AS x, lag(n, 2, 0) OVER (ORDER BY id) AS y, "
              "ntile(2) OVER (ORDER BY id) AS z FROM t",
    "functions of time": "SELECT id FROM t WHERE ts < now() AND d <= current_date",
    "a try of a literal": "SELECT TRY_CAST('seven' AS INT) AS n FROM t",
    "subqueries": "SELECT id, (SELECT max(s) FROM t) || 'x' AS m FROM t WHERE EXISTS (SELECT 1 FROM t u WHERE u.id = t.id AND u.s ~ 'a')",
}


class ConstantsTest(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "p")
        self.project.write("weir.toml", '[project]\nname = "p"\nwarehouse = "warehouse"\n')
        self.project.write("sources/t.sql", SOURCE)
        self.project.write("data/t.csv", ROWS)

    def diagnostics(self, *command: str) -> list[dict]:
        outcome = self.project.weir(*command)
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertNotIn("bug in Weir", outcome.text)
        return outcome.json()["diagnostics"] if "json" in command else outcome.stderr

    def test_what_fails_whatever_the_data_is_found_at_its_place(self):
        for what, (query, place) in REFUSED.items():
            with self.subTest(what):
                self.project.write("views/v.sql", query + "\n")
                [found] = self.diagnostics("check", "--format", "json")
                self.assertEqual(found["code"], "W2012", found)
                self.assertEqual(f"{found['file']}:{found['line']}:{found['column']}", f"views/v.sql:{place}", found)
                for command in ("plan", "run"):
                    self.assertIn(f"views/v.sql:{place}", self.diagnostics(command))
                self.assertFalse((self.project.warehouse / "v").exists())

    def test_results_without_columns_are_refused(self):
        for what, query in NO_COLUMNS.items():
            with self.subTest(what):
                self.project.write("views/v.sql", query + "\n")
                self.assertTrue(all(d["file"] == "views/v.sql" for d in self.diagnostics("check", "--format", "json")))
                self.diagnostics("run")

    def test_what_depends_on_data_or_is_right_passes(self):
        for number, query in enumerate(ALLOWED.values()):
            self.project.write(f"views/v{number}.sql", query + "\n")
        self.project.succeed("check")
        self.assertEqual(self.project.run()["views"]["run"], len(ALLOWED))

    def test_all_of_a_project_are_found_at_once(self):
        self.project.write("views/a.sql", "SELECT id FROM t WHERE s ~ '(' AND d > DATE '2024-02-30'\n")
        self.project.write("views/b.sql", "CREATE VIEW b AS SELECT date_trunc('foo', ts) AS x FROM t\n")
        self.project.write("views/c.sql", "SELECT x FROM b\n")
        self.project.write("views/strict.sql", "CREATE MATERIALIZED VIEW strict (CONSTRAINT k EXPECT (s ~ '[')) AS SELECT s FROM t\n")
        found = self.diagnostics("check", "--format", "json")
        self.assertEqual(sorted({d["file"] for d in found}), ["views/a.sql", "views/b.sql", "views/strict.sql"])


if __name__ == "__main__":
    unittest.main()
