# SPDX-License-Identifier: Apache-2.0
"""Columns that tables are partitioned by: what can be one (faults A3), and that every reader finds the values that the view has, in
Weir, in another reader of Delta and in the text of the log (faults A4)."""

import datetime
import decimal
import json
import math
import unittest

from weir_project import Project, ProjectCase

D = decimal.Decimal
UTC = datetime.timezone.utc

# type: (SQL of a value, the value, its text in the log)
VALUES = {
    "VARCHAR": [
        ("'plain'", "plain", "plain"), ("NULL", None, None), ("' '", " ", " "), ("'a b'", "a b", "a b"), ("'a/b'", "a/b", "a/b"),
        ("'a%2Fb'", "a%2Fb", "a%2Fb"), ("'100%'", "100%", "100%"), ("'k=v'", "k=v", "k=v"), ("'it''s'", "it's", "it's"),
        ("'say \"hi\"'", 'say "hi"', 'say "hi"'), ("'a:b?c#d&e+f'", "a:b?c#d&e+f", "a:b?c#d&e+f"), ("'ä€😀'", "ä€😀", "ä€😀"),
        ("'a\nb'", "a\nb", "a\nb"), ("'a\tb'", "a\tb", "a\tb"), ("'a\\b'", "a\\b", "a\\b"), ("'.'", ".", "."), ("'..'", "..", ".."),
        ("'null'", "null", "null"),
        ("'NULL'", "NULL", "NULL"), ("'[x]{y}'", "[x]{y}", "[x]{y}"), ("repeat('x', 253)", "x" * 253, "x" * 253), ("repeat('é', 42)", "é" * 42, "é" * 42), ("repeat('x', 252) || 'y'", "x" * 252 + "y", "x" * 252 + "y"),
    ],
    "BOOLEAN": [("true", True, "true"), ("false", False, "false"), ("NULL", None, None)],
    "TINYINT": [("-128", -128, "-128"), ("127", 127, "127")],
    "SMALLINT": [("-32768", -32768, "-32768")],
    "INT": [("-2147483648", -2147483648, "-2147483648"), ("0", 0, "0"), ("NULL", None, None)],
    "BIGINT": [("9223372036854775807", 9223372036854775807, "9223372036854775807")],
    "REAL": [("0.1", 0.10000000149011612, "0.1"), ("'NaN'", math.nan, "NaN")],
    "DOUBLE": [("0.1", 0.1, "0.1"), ("1e300", 1e300, "1e300"), ("-1e-300", -1e-300, "-1e-300"), ("0.0", 0.0, "0.0"),
               ("'-0.0'", -0.0, "-0.0"), ("'NaN'", math.nan, "NaN"), ("'Infinity'", math.inf, "Infinity"),
               ("'-Infinity'", -math.inf, "-Infinity"), ("NULL", None, None)],
    "DECIMAL(10, 2)": [("1.5", D("1.50"), "1.50"), ("-2", D("-2.00"), "-2.00"), ("0", D("0.00"), "0.00")],  # deltalake cannot read -1.25
    "DECIMAL(38, 0)": [("'99999999999999999999999999999999999999'", D("9" * 38), "9" * 38)],
    "DATE": [("'2024-02-29'", datetime.date(2024, 2, 29), "2024-02-29"), ("'0001-01-01'", datetime.date(1, 1, 1), "0001-01-01"),
             ("'9999-12-31'", datetime.date(9999, 12, 31), "9999-12-31"), ("NULL", None, None)],
    "TIMESTAMP": [("'2024-02-29 12:30:00'", datetime.datetime(2024, 2, 29, 12, 30), "2024-02-29 12:30:00.000000"),
                  ("'1969-12-31 23:59:59.999999'", datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), "1969-12-31 23:59:59.999999")],
    "TIMESTAMP WITH TIME ZONE": [
        ("'2024-07-01 12:30:00+02:00'", datetime.datetime(2024, 7, 1, 10, 30, tzinfo=UTC), "2024-07-01T10:30:00.000000Z"),
        ("'2024-07-01 10:30:00.000001Z'", datetime.datetime(2024, 7, 1, 10, 30, 0, 1, tzinfo=UTC), "2024-07-01T10:30:00.000001Z")],
}


def comparable(value):
    """NaN equals itself, and zeros differ by their sign."""
    return repr(value) if isinstance(value, float) else value


class PartitionValues(ProjectCase):
    def project(self, views: dict[str, str]) -> Project:
        project = Project(self.scratch / "partitions")
        project.write("weir.toml", '[project]\nname = "partitions"\n')
        for name, query in views.items():
            project.write(f"views/{name}.sql", query + "\n")
        return project

    def partition_texts(self, project: Project, name: str) -> dict[str, int]:
        """Rows by the text of their partition in the log."""
        rows = {}
        for file in sorted((project.table_path(name) / "_delta_log").glob("*.json")):
            for line in file.read_text().splitlines():
                add = json.loads(line).get("add")
                if add:
                    text = add["partitionValues"]["k"]
                    rows[text] = rows.get(text, 0) + json.loads(add["stats"])["numRecords"]
        return rows

    def test_every_reader_finds_the_values_of_the_view(self):
        views = {}
        for number, (sql_type, values) in enumerate(VALUES.items()):
            rows = ", ".join(f"({i}, CAST({sql} AS {sql_type}))" for i, (sql, _, _) in enumerate(values))
            views[f"p{number}"] = f"CREATE MATERIALIZED VIEW p{number} PARTITIONED BY (k) AS SELECT * FROM (VALUES {rows}) AS t(id, k)"
            views[f"copy{number}"] = f"SELECT id, k, CAST(k AS VARCHAR) AS t FROM p{number}"
        project = self.project(views)
        project.succeed("check")
        project.run()
        for number, (sql_type, values) in enumerate(VALUES.items()):
            with self.subTest(sql_type):
                expected = {i: comparable(value) for i, (_, value, _) in enumerate(values)}
                for name in (f"p{number}", f"copy{number}"):
                    found = {row["id"]: comparable(row["k"]) for row in project.read(name).to_pylist()}
                    self.assertEqual(found, expected, name)
                texts = {}
                for _, _, text in values:
                    texts[text] = texts.get(text, 0) + 1
                self.assertEqual(self.partition_texts(project, f"p{number}"), texts)
                queried = project.sql(f"SELECT a.id FROM p{number} a JOIN copy{number} b ON a.id = b.id AND a.k IS NOT DISTINCT FROM b.k")
                self.assertEqual(len(queried), len(values))
                for i, (sql, _, text) in enumerate(values):
                    if text is None or text == "NaN":
                        continue
                    kept = project.sql(f"SELECT id FROM p{number} WHERE k = CAST({sql} AS {sql_type})")
                    self.assertIn({"id": i}, kept, sql)
        self.assertEqual(project.run()["views"]["reused"], 2 * len(VALUES))

    def test_pruning_agrees_with_the_values(self):
        project = self.project({
            "p": "CREATE MATERIALIZED VIEW p PARTITIONED BY (k) AS SELECT * FROM (VALUES (1, TIMESTAMP '2024-01-01 00:00:00'), "
                 "(2, TIMESTAMP '2024-06-01 00:00:00'), (3, NULL)) AS t(id, k)",
            "z": "CREATE MATERIALIZED VIEW z PARTITIONED BY (k) AS SELECT id, arrow_cast(k, 'Timestamp(Microsecond, Some(\"UTC\"))') AS k "
                 "FROM p",
            "later": "SELECT id FROM p WHERE k > TIMESTAMP '2024-03-01 00:00:00'",
            "later_z": "SELECT id FROM z WHERE k > arrow_cast(TIMESTAMP '2024-03-01 00:00:00', 'Timestamp(Microsecond, Some(\"UTC\"))')"})
        project.run()
        self.assertEqual(project.read("later").to_pylist(), [{"id": 2}])
        self.assertEqual(project.read("later_z").to_pylist(), [{"id": 2}])
        pruned = {row["view_name"]: row["files_pruned"] for row in project.artifact("scan_units") if row["view_name"].startswith("later")}
        self.assertEqual(pruned, {"later": 2, "later_z": 2})

    def test_an_empty_text_is_refused_since_delta_takes_it_for_null(self):
        project = self.project({
            "p": "CREATE MATERIALIZED VIEW p\nPARTITIONED BY (id, k) AS\nSELECT * FROM (VALUES (1, '', 0), (2, 'a', 0)) AS t(id, k, n)",
            "reader": "SELECT * FROM p"})
        outcome = project.weir("run", "--format", "json")
        self.assertEqual(outcome.code, 1)
        self.assertIn("W5005", outcome.stderr)
        self.assertIn("views/p.sql:2:21", outcome.stderr)
        self.assertIn("nullif", outcome.stderr)
        self.assertEqual(project.log_files("p"), [])
        self.assertEqual(list(project.table_path("p").glob("**/*.parquet")), [])
        project.write("views/p.sql", "CREATE MATERIALIZED VIEW p\nPARTITIONED BY (k) AS\n"
                      "SELECT id, nullif(k, '') AS k FROM (VALUES (1, ''), (2, 'a')) AS t(id, k)\n")
        project.run()
        self.assertEqual(sorted(project.read("p").to_pylist(), key=str), [{"id": 1, "k": None}, {"id": 2, "k": "a"}])

    def test_texts_of_which_readers_would_make_others_are_refused(self):
        for text, said in (("'__HIVE_DEFAULT_PARTITION__'", "nullif"), ("repeat('x', 254)", "253 bytes"), ("repeat('é', 43)", "left(")):
            with self.subTest(text):
                project = self.project({"p": f"CREATE MATERIALIZED VIEW p PARTITIONED BY (k) AS SELECT 1 AS id, {text} AS k"})
                outcome = project.weir("run")
                self.assertEqual(outcome.code, 1)
                self.assertIn("W5005", outcome.stderr)
                self.assertIn("views/p.sql:1:44", outcome.stderr)
                self.assertIn(said, outcome.stderr)
                self.assertEqual(list(project.table_path("p").glob("**/*.parquet")), [])

    def test_rows_that_are_dropped_may_have_an_empty_text(self):
        project = self.project({
            "p": "CREATE MATERIALIZED VIEW p (id, k, CONSTRAINT c EXPECT (k <> '') ON VIOLATION DROP ROW) PARTITIONED BY (k) AS "
                 "SELECT * FROM (VALUES (1, ''), (2, 'a')) AS t(id, k)"})
        project.run()
        self.assertEqual(project.read("p").to_pylist(), [{"id": 2, "k": "a"}])

    def test_what_cannot_be_a_partition_column_is_an_error_of_check_at_the_clause(self):
        for clause, query, code, column, found in (
            ("k", "SELECT 1 AS id, named_struct('a', 1) AS k", "W2011", 17, "struct"),
            ("id, k", "SELECT 1 AS id, [1] AS k, 2 AS n", "W2011", 21, "list"),
            ("k", "SELECT 1 AS id, map(['a'], [1]) AS k", "W2011", 17, "map"),
            ("k", "SELECT 1 AS id, X'FF' AS k", "W2011", 17, "binary"),
            ("id", "SELECT 1 AS id", "W2011", 17, "id"),
            ("k, id", "SELECT 1 AS id, 2 AS k", "W2011", 20, "id"),
            ("missing", "SELECT 1 AS id", "W2008", 17, "missing"),
            ("id, k, id", "SELECT 1 AS id, 2 AS k, 3 AS n", "W1211", 24, "id"),
            ("\"ID\"", "SELECT 1 AS id, 2 AS n", "W2008", 17, "ID"),
        ):
            with self.subTest(clause=clause, query=query):
                project = self.project({"p": f"CREATE MATERIALIZED VIEW p\nPARTITIONED BY (  {clause}) AS {query}".replace("BY (  ", "BY (")})
                for command in ("check", "plan", "run"):
                    outcome = project.weir(command)
                    self.assertEqual(outcome.code, 1, outcome.text)
                    self.assertIn(code, outcome.text)
                    self.assertIn(f"views/p.sql:2:{column}", outcome.text)
                    self.assertIn(found, outcome.text)
                self.assertFalse(project.table_path("p").exists())

    def test_folders_of_a_source_have_no_values_of_nested_types_and_bytes(self):
        for sql_type, found in (("INT[]", "list"), ("STRUCT<a INT>", "struct"), ("BYTEA", "binary")):
            with self.subTest(sql_type):
                project = self.project({"r": "SELECT * FROM s"})
                project.write("data/k=1/a.csv", "id\n1\n")
                project.write("sources/s.sql", f"CREATE EXTERNAL TABLE s (id INT, k {sql_type}) STORED AS CSV PARTITIONED BY (k) "
                              "LOCATION 'data/' OPTIONS ('format.has_header' 'true')\n")
                outcome = project.weir("check")
                self.assertEqual(outcome.code, 1, outcome.text)
                self.assertIn("W3005", outcome.text)
                self.assertIn("sources/s.sql:1:1", outcome.text)
                self.assertIn(found, outcome.text)

    def test_names_of_partition_columns_may_be_odd(self):
        names = ["ä", "a.b", "a/b", "a%20b", "a'b", 'a"b', "a\\b", "a:b", "a?b", "SELECT", "A"]
        views = {}
        for number, name in enumerate(names):
            quoted = '"' + name.replace('"', '""') + '"'
            views[f"p{number}"] = (f"CREATE MATERIALIZED VIEW p{number} PARTITIONED BY ({quoted}) AS "
                                   f"SELECT 1 AS id, 'x/y' AS {quoted} UNION ALL SELECT 2, NULL")
            views[f"r{number}"] = f"SELECT id, {quoted} AS k FROM p{number} WHERE {quoted} = 'x/y'"
        project = self.project(views)
        project.run()
        for number, name in enumerate(names):
            with self.subTest(name):
                rows = {row["id"]: row[name] for row in project.read(f"p{number}").to_pylist()}
                self.assertEqual(rows, {1: "x/y", 2: None})
                self.assertEqual(project.read(f"r{number}").to_pylist(), [{"id": 1, "k": "x/y"}])

    def test_a_date_that_no_reader_knows_is_refused(self):
        for value in ("DATE '9999-12-31' + INTERVAL '1 day'", "DATE '0001-01-01' - INTERVAL '1 day'",
                      "arrow_cast(arrow_cast(5000000, 'Int32'), 'Date32')", "arrow_cast(arrow_cast(2147483647, 'Int32'), 'Date32')",
                      "TIMESTAMP '9999-12-31' + INTERVAL '24 hours'", "arrow_cast(9223372036854775807, 'Timestamp(Microsecond, Some(\"UTC\"))')"):
            with self.subTest(value):
                project = self.project({"p": f"CREATE MATERIALIZED VIEW p PARTITIONED BY (k) AS SELECT 1 AS id, {value} AS k"})
                outcome = project.weir("run")
                self.assertEqual(outcome.code, 1, outcome.text)
                self.assertIn("W5005", outcome.stderr)
                self.assertIn("the years 1 to 9999", outcome.text)
                self.assertIn("views/p.sql:1:44", outcome.stderr)
                self.assertNotIn("panicked", outcome.text)
                self.assertEqual(project.log_files("p"), [])
                self.assertEqual(list(project.table_path("p").glob("**/*.parquet")), [])
        project = self.project({"p": "CREATE MATERIALIZED VIEW p PARTITIONED BY (k) AS SELECT * FROM (VALUES (DATE '0001-01-01', 1), (DATE '9999-12-31', 2)) AS t(k, id)"})
        project.run()
        self.assertEqual(len(project.read("p")), 2)


if __name__ == "__main__":
    unittest.main()
