# SPDX-License-Identifier: Apache-2.0
"""The types that columns are stored with: those that a query has once its types are settled (faults A1).

Until then a UNION, a CASE or a COALESCE has the type of its first branch, and 2.5 would be stored as 2. The right rows stand beside
each query; where DuckDB agrees on them it is asked as well.
"""

import datetime
import decimal
import unittest

import duckdb

from weir_project import Project, ProjectCase

TOML = '[project]\nname = "types"\n'

D = decimal.Decimal

# name: (query, type of its column x, rows of x in any order)
QUERIES = {
    "union_all": ("SELECT 1 AS x UNION ALL SELECT 2.5", "double", [1.0, 2.5]),
    "union_distinct": ("SELECT 1 AS x UNION SELECT 2.5 UNION SELECT 1.0", "double", [1.0, 2.5]),
    "union_of_three": ("SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 0.25", "double", [0.25, 1.0, 2.0]),
    "union_in_parentheses": ("(SELECT 1 AS x UNION ALL SELECT 2) UNION ALL (SELECT 3 UNION ALL SELECT 0.5)", "double",
                             [0.5, 1.0, 2.0, 3.0]),
    "null_first": ("SELECT NULL AS x UNION ALL SELECT 0.5", "double", [0.5, None]),
    "null_in_the_middle": ("SELECT 'a' AS x UNION ALL SELECT NULL UNION ALL SELECT 'b'", "string", ["a", "b", None]),
    "values_clause": ("SELECT column1 AS x FROM (VALUES (1), (2.5), (NULL))", "double", [1.0, 2.5, None]),
    "subquery": ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT 2.5) WHERE x > 1", "double", [2.5]),
    "subquery_computes": ("SELECT x * 2 AS x FROM (SELECT 1 AS x UNION ALL SELECT 2.25)", "double", [2.0, 4.5]),
    "with_clause": ("WITH u AS (SELECT 1 AS x UNION ALL SELECT 2.5), v AS (SELECT x + 1 AS x FROM u) SELECT x FROM v", "double",
                    [2.0, 3.5]),
    "ordered": ("SELECT 1 AS x UNION ALL SELECT 2.5 ORDER BY x DESC LIMIT 1", "double", [2.5]),
    "distinct": ("SELECT DISTINCT x FROM (SELECT 1 AS x UNION ALL SELECT 2.5 UNION ALL SELECT 2.5)", "double", [1.0, 2.5]),
    "distinct_on": ("SELECT DISTINCT ON (k) x FROM (SELECT 1 AS k, 1 AS x UNION ALL SELECT 1, 0.5) ORDER BY k, x", "double", [0.5]),
    "minimum": ("SELECT min(x) AS x FROM (SELECT 3 AS x UNION ALL SELECT 2.5)", "double", [2.5]),
    "maximum_of_a_group": ("SELECT max(x) AS x FROM (SELECT 1 AS k, 1 AS x UNION ALL SELECT 1, 2.5) GROUP BY k", "double", [2.5]),
    "sum": ("SELECT sum(x) AS x FROM (SELECT 1 AS x UNION ALL SELECT 2.5)", "double", [3.5]),
    "group_key": ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT 2.5) GROUP BY x", "double", [1.0, 2.5]),
    "window_lag": ("SELECT lag(x) OVER (ORDER BY x) AS x FROM (SELECT 1.5 AS x UNION ALL SELECT 2)", "double", [1.5, None]),
    "window_first": ("SELECT first_value(x) OVER (ORDER BY x DESC) AS x FROM (SELECT 1 AS x UNION ALL SELECT 2.5)", "double",
                     [2.5, 2.5]),
    "array_agg": ("SELECT array_agg(x ORDER BY x) AS x FROM (SELECT 1 AS x UNION ALL SELECT 2.5)", "list<element: double>", [[1.0, 2.5]]),
    "array_agg_unnested": ("SELECT unnest(a) AS x FROM (SELECT array_agg(x ORDER BY x) AS a FROM (SELECT 1 AS x UNION ALL SELECT 2.5))",
                           "double", [1.0, 2.5]),
    "list_of_both": ("SELECT [1, 2.5] AS x", "list<element: double>", [[1.0, 2.5]]),
    "union_of_lists": ("SELECT [1] AS x UNION ALL SELECT [2.5]", "list<element: double>", [[1.0], [2.5]]),
    "union_of_structs": ("SELECT named_struct('a', 1) AS x UNION ALL SELECT named_struct('a', 2.5)", "struct<a: double>",
                         [{"a": 1.0}, {"a": 2.5}]),
    "struct_over_a_union": ("SELECT named_struct('a', x) AS x FROM (SELECT 1 AS x UNION ALL SELECT 2.5)", "struct<a: double>",
                            [{"a": 1.0}, {"a": 2.5}]),
    "join_over_unions": ("SELECT l.x FROM (SELECT 1 AS x UNION ALL SELECT 2.5) l JOIN (SELECT 2.5 AS x UNION ALL SELECT 3) r ON l.x = r.x",
                         "double", [2.5]),
    "left_join": ("SELECT r.x FROM (SELECT 1 AS k UNION ALL SELECT 2) l LEFT JOIN (SELECT 1 AS k, 1 AS x UNION ALL SELECT 3, 2.5) r "
                  "ON l.k = r.k", "double", [1.0, None]),
    "cross_join": ("SELECT l.x + r.y AS x FROM (SELECT 1 AS x UNION ALL SELECT 2.5) l CROSS JOIN (SELECT 1 AS y) r", "double", [2.0, 3.5]),
    "case_expression": ("SELECT CASE WHEN k = 1 THEN 1 ELSE 2.5 END AS x FROM (VALUES (1), (2)) AS t(k)", "double", [1.0, 2.5]),
    "case_without_else": ("SELECT CASE WHEN k = 1 THEN NULL WHEN k = 2 THEN 1 ELSE 0.5 END AS x FROM (VALUES (1), (2), (3)) AS t(k)",
                          "double", [0.5, 1.0, None]),
    "coalesced": ("SELECT coalesce(i, 2.5) AS x FROM (VALUES (1), (NULL)) AS t(i)", "double", [1.0, 2.5]),
    "nvl_of": ("SELECT nvl(i, 0.5) AS x FROM (VALUES (1), (NULL)) AS t(i)", "double", [0.5, 1.0]),
    "greatest_of": ("SELECT greatest(1, 2.5) AS x", "double", [2.5]),
    "intersected": ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT 2.5) INTERSECT SELECT 2.5", "double", [2.5]),
    "excepted": ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT 2.5) EXCEPT SELECT 1", "double", [2.5]),
    "union_of_an_intersection": ("SELECT 1 AS x UNION ALL (SELECT 2.5 INTERSECT SELECT 2.5)", "double", [1.0, 2.5]),
    "recursive_over_a_union": ("WITH RECURSIVE n AS (SELECT x FROM (SELECT 0.5 AS x UNION ALL SELECT 1) UNION ALL "
                               "SELECT x + 1 FROM n WHERE x < 2) SELECT x FROM n", "double", [0.5, 1.0, 1.5, 2.0, 2.5]),
    "scalar_subquery": ("SELECT (SELECT max(x) FROM (SELECT 1 AS x UNION ALL SELECT 2.5)) AS x", "double", [2.5]),
    "correlated_count": ("SELECT (SELECT count(*) FROM (SELECT CAST(1 AS BIGINT) AS y UNION ALL SELECT 2) t WHERE t.y = u.x) AS x "
                         "FROM (SELECT CAST(1 AS INT) AS x UNION ALL SELECT 2.5) u", "int64", [0, 1]),
    "correlated_equality": ("SELECT u.x FROM (SELECT 1 AS x UNION ALL SELECT 2.5) u "
                            "WHERE EXISTS (SELECT 1 FROM (VALUES (1), (2)) AS t(y) WHERE t.y = u.x)", "double", [1.0]),
    "correlated_with_wider": ("SELECT u.x FROM (SELECT CAST(1 AS INT) AS x UNION ALL SELECT 2.5) u WHERE EXISTS "
                              "(SELECT 1 FROM (SELECT CAST(1 AS BIGINT) AS y UNION ALL SELECT 2) t WHERE t.y = u.x)", "double", [1.0]),
    "correlated_anti": ("SELECT u.x FROM (SELECT CAST(1 AS INT) AS x UNION ALL SELECT 2.5) u WHERE NOT EXISTS "
                        "(SELECT 1 FROM (SELECT CAST(1 AS BIGINT) AS y UNION ALL SELECT 2) t WHERE t.y = u.x)", "double", [2.5]),
    "lateral_item": ("SELECT u.x FROM (SELECT CAST(1 AS INT) AS x UNION ALL SELECT 2.5) u CROSS JOIN LATERAL "
                     "(SELECT t.y FROM (SELECT CAST(1 AS BIGINT) AS y UNION ALL SELECT 2) t WHERE t.y = u.x) l", "double", [1.0]),
    "in_a_union": ("SELECT y AS x FROM (VALUES (1), (2)) AS t(y) WHERE y IN (SELECT 1 AS x UNION ALL SELECT 2.5)", "int64", [1]),
    "exists_over_a_case": ("SELECT x FROM (SELECT CASE WHEN k = 1 THEN CAST(1 AS INT) ELSE 2.5 END AS x FROM (VALUES (1), (2)) AS t(k)) u "
                           "WHERE EXISTS (SELECT 1 FROM (SELECT CAST(1 AS BIGINT) AS y UNION ALL SELECT 2) v WHERE v.y = u.x)", "double",
                           [1.0]),
    "narrow_and_wide": ("SELECT CAST(1 AS SMALLINT) AS x UNION ALL SELECT CAST(5000000000 AS BIGINT)", "int64", [1, 5000000000]),
    "float_and_double": ("SELECT CAST(0.1 AS REAL) AS x UNION ALL SELECT CAST(0.25 AS DOUBLE)", "double", [0.10000000149011612, 0.25]),
    "decimals": ("SELECT CAST(1.5 AS DECIMAL(5, 1)) AS x UNION ALL SELECT CAST(2.125 AS DECIMAL(6, 3))", "decimal128(7, 3)",
                 [D("1.500"), D("2.125")]),
    "integer_and_decimal": ("SELECT 1 AS x UNION ALL SELECT CAST(2.25 AS DECIMAL(10, 2))", "decimal128(22, 2)",
                            [D("1.00"), D("2.25")]),
    "date_and_time": ("SELECT DATE '2024-02-29' AS x UNION ALL SELECT TIMESTAMP '2024-02-29 12:30:00'", "timestamp[us]",
                      [datetime.datetime(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 30)]),
    "text_and_number": ("SELECT 'a' AS x UNION ALL SELECT CAST(2.5 AS VARCHAR)", "string", ["2.5", "a"]),
    "boolean_and_null": ("SELECT NULL AS x UNION ALL SELECT true", "bool", [True, None]),
}

# What DuckDB sees otherwise: the types of literals, or the form of a query.
NOT_ASKED = {"list_of_both", "union_of_lists", "union_of_structs", "struct_over_a_union", "array_agg", "float_and_double", "distinct_on",
             "text_and_number"}


def ordered(values):
    """NULL first; numbers by value, others by their text."""
    by_text = any(isinstance(value, (str, dict, list)) for value in values)
    return sorted(values, key=lambda v: (v is not None, repr(v) if by_text else v or 0))


class StoredTypes(ProjectCase):
    def project(self, views: dict[str, str], profile: str = "") -> Project:
        project = Project(self.scratch / "types")
        project.write("weir.toml", TOML + profile)
        for name, query in views.items():
            project.write(f"views/{name}.sql", query + "\n")
        return project

    def check_all(self, project: Project, prefix: str = ""):
        for name, (_, type_text, rows) in QUERIES.items():
            with self.subTest(prefix + name):
                table = project.read(prefix + name)
                self.assertEqual(str(table.schema.field("x").type), type_text)
                self.assertEqual(ordered(table.column("x").to_pylist()), ordered(rows))

    def test_the_queries_themselves_are_right(self):
        for name, (query, _, rows) in QUERIES.items():
            if name in NOT_ASKED:
                continue
            with self.subTest(name):
                asked = query.replace("nvl(", "ifnull(").replace("column1", "col0")
                self.assertEqual(ordered([row[0] for row in duckdb.sql(asked).fetchall()]), ordered(rows))

    def test_what_is_stored_is_what_the_query_means(self):
        project = self.project({name: query for name, (query, _, _) in QUERIES.items()})
        project.succeed("check")
        project.run()
        self.check_all(project)
        for name, (query, _, rows) in QUERIES.items():
            with self.subTest(f"sql {name}"):
                direct = project.sql(query)
                stored = project.sql(f"SELECT x FROM {name}")
                self.assertEqual(ordered([repr(row["x"]).replace(".000000000", ".000000") for row in direct]),
                                 ordered([repr(row["x"]) for row in stored]))
        self.assertEqual(project.run()["views"]["reused"], len(QUERIES))

    def test_the_same_without_determinism(self):
        project = self.project({name: query for name, (query, _, _) in QUERIES.items()}, "[profiles.default]\ndeterministic = false\n")
        project.run()
        self.check_all(project)

    def test_the_same_from_each_lane(self):
        project = self.project({name: query for name, (query, _, _) in QUERIES.items()})
        project.run("--by-lane")
        self.check_all(project)

    def test_readers_see_the_stored_type_through_stored_and_plain_views(self):
        views = {}
        for name, (query, _, _) in QUERIES.items():
            views[f"plain_{name}"] = f"CREATE VIEW plain_{name} AS {query}"
            views[f"of_plain_{name}"] = f"SELECT x FROM plain_{name}"
            views[f"stored_{name}"] = query
            views[f"of_stored_{name}"] = f"SELECT x FROM stored_{name}"
            views[f"union_{name}"] = f"SELECT x FROM plain_{name} UNION ALL SELECT x FROM of_stored_{name} WHERE false"
        project = self.project(views)
        project.succeed("check")
        project.run()
        for prefix in ("of_plain_", "of_stored_", "union_"):
            self.check_all(project, prefix)

    def test_columns_named_in_the_view_have_their_types_and_names(self):
        project = self.project({"named": "CREATE MATERIALIZED VIEW named (a, b) AS SELECT 1, 'x' UNION ALL SELECT 2.5, NULL"})
        project.run()
        table = project.read("named")
        self.assertEqual([(f.name, str(f.type), f.nullable) for f in table.schema], [("a", "double", True), ("b", "string", True)])
        self.assertEqual(sorted(table.column("a").to_pylist()), [1.0, 2.5])

    def test_constraints_see_the_stored_type(self):
        project = self.project({
            "kept": "CREATE MATERIALIZED VIEW kept (x, CONSTRAINT above EXPECT (x > 2) ON VIOLATION DROP ROW, "
                    "CONSTRAINT whole EXPECT (x = floor(x)))\nAS SELECT 1 AS x UNION ALL SELECT 2.5 UNION ALL SELECT 3"})
        outcome = project.succeed("run")
        self.assertEqual(sorted(project.read("kept").column("x").to_pylist()), [2.5, 3.0])
        self.assertIn("W5002", outcome.stderr)
        self.assertIn("x = 2.5", outcome.stderr)

    def test_unit_tests_see_the_stored_type(self):
        project = self.project({"u": "SELECT 1 AS x UNION ALL SELECT 2.5", "v": "CREATE VIEW v AS SELECT 1 AS x UNION ALL SELECT 2.5"})
        for name in ("u", "v"):
            project.write(f"tests/{name}_right.sql", f"TEST OF VIEW {name} EXPECT (x) VALUES (1.0), (2.5)\n")
            project.write(f"tests/{name}_wrong.sql", f"TEST OF VIEW {name} EXPECT (x) VALUES (1), (2)\n")
        outcome = project.weir("test", "--format", "json")
        states = {test["test"]: test["state"] for test in outcome.json()["tests"]}
        self.assertEqual(states, {"u_right": "passed", "v_right": "passed", "u_wrong": "failed", "v_wrong": "failed"})

    def test_a_type_that_delta_lacks_is_named(self):
        for expression, found in {
            "INTERVAL '1 day'": "interval", "TIME '12:00:00'": "time64", "arrow_cast(1, 'Duration(Second)')": "duration",
            "NULL": "null", "[NULL]": "null", "named_struct('t', TIME '12:00:00')": "time64",
            "arrow_cast('1.5', 'Decimal256(50, 2)')": "decimal256",
        }.items():
            with self.subTest(expression):
                project = self.project({"v": f"SELECT {expression} AS x"})
                outcome = project.weir("check")
                self.assertEqual(outcome.code, 1, outcome.text)
                self.assertIn("W2007", outcome.text)
                self.assertIn(found, outcome.text)

    def test_types_that_delta_lacks_are_widened_without_a_change(self):
        project = self.project({
            "v": "SELECT arrow_cast(255, 'UInt8') AS a, arrow_cast(65535, 'UInt16') AS b, arrow_cast(4294967295, 'UInt32') AS c, "
                 "arrow_cast(9223372036854775807, 'UInt64') AS d, arrow_cast(1.5, 'Float16') AS e, arrow_cast('x', 'LargeUtf8') AS f, "
                 "arrow_cast('x', 'Dictionary(Int32, Utf8)') AS g, arrow_cast('x', 'Utf8View') AS h, "
                 "arrow_cast(X'00FF', 'FixedSizeBinary(2)') AS i, arrow_cast(TIMESTAMP '2024-01-01', 'Timestamp(Second, None)') AS j",
            "too_large": "SELECT arrow_cast('9223372036854775808', 'UInt64') AS d"})
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 1)
        self.assertIn("does not fit", outcome.text)
        row = project.read("v").to_pylist()[0]
        self.assertEqual(row, {"a": 255, "b": 65535, "c": 4294967295, "d": 9223372036854775807, "e": 1.5, "f": "x", "g": "x", "h": "x",
                               "i": b"\x00\xff", "j": datetime.datetime(2024, 1, 1)})
        self.assertEqual(project.log_files("too_large"), [])

    def test_a_result_without_rows_has_its_types(self):
        project = self.project({"v": "SELECT x FROM (SELECT 1 AS x, 1 AS k UNION ALL SELECT 2.5, 2) WHERE k > 5"})
        project.run()
        self.assertEqual(str(project.read("v").schema.field("x").type), "double")
        self.assertEqual(project.read("v").num_rows, 0)


if __name__ == "__main__":
    unittest.main()
