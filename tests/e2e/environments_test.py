# SPDX-License-Identifier: Apache-2.0
"""Profiles with warehouses of their own, variables of the environment, parameters, and --defer-to, as users meet them."""

import json
import os
import shutil
import unittest

import deltalake
import pyarrow as pa

from weir_project import Project, ProjectCase

TOML = """
[project]
name = "shop"
warehouse = "${LAKE:-lakes}/prod"

[parameters]
day = { type = "DATE", default = "2024-01-01", description = "the day that is built" }
least = 2
who = "it's"
needed = { type = "INT" }

[profiles.dev]
warehouse = "${LAKE:-lakes}/dev"
[profiles.dev.parameters]
day = 2024-02-01

[profiles.secret]
warehouse = "${WEIR_TEST_NOT_SET}"

[object_stores."s3://nowhere"]
aws_region = "eu-central-1"
aws_access_key_id = "somebody"
aws_secret_access_key = "${WEIR_TEST_SECRET:-none}"
"""
VIEWS = {
    "of_day": "SELECT id, amount FROM orders WHERE day = $day",
    "large": "SELECT id FROM orders WHERE amount >= $LEAST",
    "recent": "CREATE VIEW recent AS SELECT * FROM orders WHERE day > $day",
    "counted": "SELECT count(*) AS recent_orders FROM recent",
    "fixed": "SELECT count(*) AS n, '$day' AS recent FROM of_day",
    "topmost": "SELECT topped(id) AS id FROM of_day",
}
ORDERS = "id,day,amount\n1,2024-01-01,1\n2,2024-02-01,2\n3,2024-02-01,3\n4,2024-03-01,4\n"


class EnvironmentsCase(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "shop")
        self.project.write("weir.toml", TOML)
        self.project.write("data/orders.csv", ORDERS)
        self.project.write("sources/orders.sql", "CREATE EXTERNAL TABLE orders (id INT, day DATE, amount INT)\n"
                                                 "STORED AS CSV LOCATION '${DATA:-data}/orders.csv';\n")
        self.project.write("functions/topped.sql", "CREATE FUNCTION topped(x INT) RETURNS BIGINT RETURN x + $least;\n")
        for name, sql in VIEWS.items():
            self.project.write(f"views/{name}.sql", sql + "\n")

    def rows(self, warehouse, view):
        return deltalake.DeltaTable(str(self.project.folder / "lakes" / warehouse / view)).to_pyarrow_table().to_pylist()

    def actions(self, *arguments):
        plan = self.project.succeed("plan", "--format", "json", *arguments).json()
        return {view["view"]: view["action"] for view in plan["views"]}

    def reasons(self, *arguments):
        plan = self.project.succeed("plan", "--format", "json", *arguments).json()
        return {view["view"]: view["reason"] for view in plan["views"] if view["action"] != "reuse"}

    def expect_error(self, code, wanted, *arguments, **options):
        outcome = self.project.weir(*arguments, **options)
        self.assertEqual(outcome.code, code, outcome.text)
        for text in wanted:
            self.assertIn(text, outcome.stderr)


class Profiles(EnvironmentsCase):
    def test_have_warehouses_and_histories_of_their_own(self):
        self.assertEqual(self.project.run()["views"]["run"], 5)
        self.assertEqual(self.project.run("--profile", "dev")["views"]["run"], 5)
        self.assertEqual(self.rows("prod", "of_day"), [{"id": 1, "amount": 1}])
        self.assertEqual(sorted(row["id"] for row in self.rows("dev", "of_day")), [2, 3])
        for _ in range(2):
            self.assertEqual(self.project.run()["views"]["run"], 0)
            self.assertEqual(self.project.run("--profile", "dev")["views"]["run"], 0)
        runs = self.project.succeed("sql", "--profile", "dev", "--format", "json",
                                    "SELECT DISTINCT profile, warehouse, parameters FROM weir.runs").json()
        self.assertEqual(len(runs), 1)
        self.assertTrue(runs[0]["warehouse"].endswith("/lakes/dev/"), runs)
        self.assertEqual(json.loads(runs[0]["parameters"]), {"day": "2024-02-01", "least": "2", "who": "it's"})

    def test_of_the_environment_move_warehouse_and_sources(self):
        self.project.run()
        self.project.write("elsewhere/orders.csv", ORDERS.replace("1,2024-01-01,1", "9,2024-01-01,9"))
        moved = os.environ | {"DATA": "elsewhere"}
        self.assertIn("of_day", json.dumps(self.project.weir("plan", env=moved).text))
        self.assertEqual(self.project.weir("run", env=moved).code, 0)
        self.assertEqual(self.rows("prod", "of_day"), [{"id": 9, "amount": 9}])
        self.assertEqual(self.project.run()["views"]["run"], 5 - 1, "what reads no orders that changed is reused")
        self.assertEqual(self.rows("prod", "of_day"), [{"id": 1, "amount": 1}])
        other = os.environ | {"LAKE": "other"}
        self.assertEqual(self.project.weir("run", "--format", "json", env=other).json()["views"]["run"], 5)
        self.assertTrue((self.project.folder / "other" / "prod" / "of_day").is_dir())

    def test_that_are_not_chosen_need_no_variables(self):
        self.project.succeed("check")
        self.expect_error(1, ["error[W1016]: the environment variable is not set: `WEIR_TEST_NOT_SET`", "--> weir.toml:18:13",
                              "set WEIR_TEST_NOT_SET, or write `${WEIR_TEST_NOT_SET:-default}`"], "check", "--profile", "secret")

    def test_secrets_are_nowhere(self):
        secret = "hunter2-of-the-environment"
        outcome = self.project.weir("run", env=os.environ | {"WEIR_TEST_SECRET": secret})
        self.assertNotIn(secret, outcome.text)
        for path in self.project.folder.rglob("*"):
            if path.is_file():
                self.assertNotIn(secret.encode(), path.read_bytes(), path)


class Parameters(EnvironmentsCase):
    def test_change_those_views_alone_that_use_them(self):
        self.project.run()
        self.assertEqual(self.reasons("--set", "day=2024-1-1"), {}, "the same day, written in another way")
        reasons = self.reasons("--set", "day=2024-02-01")
        self.assertEqual(set(reasons), {"of_day", "counted", "fixed", "topmost"})
        for view in ("of_day", "counted"):
            self.assertIn("parameter day 2024-01-01 -> 2024-02-01", reasons[view])
        self.assertIn("`of_day` will run", reasons["fixed"])
        self.assertEqual(set(self.reasons("--set", "least=3")), {"large", "topmost"})
        self.assertEqual(self.reasons("--set", "who=x"), {})
        self.project.run("--set", "day=2024-02-01", "--set", "LEAST=3")
        self.assertEqual(sorted(row["id"] for row in self.rows("prod", "of_day")), [2, 3])
        self.assertEqual(sorted(row["id"] for row in self.rows("prod", "large")), [3, 4])
        self.assertEqual(sorted(row["id"] for row in self.rows("prod", "topmost")), [5, 6])
        self.assertEqual(self.rows("prod", "counted"), [{"recent_orders": 1}])
        self.assertEqual(set(self.reasons()), {"of_day", "large", "counted", "fixed", "topmost"})

    def test_are_constants_in_the_plan(self):
        self.assertIn('a.day = Date32("2024-05-01")'.replace("a.", "orders."),
                      self.project.succeed("explain", "of_day", "--set", "day=2024-05-01").stdout)
        self.assertIn("parameter.day 10 2024-01-01", self.project.succeed("explain", "counted", "--fingerprint").stdout)
        self.assertNotIn("parameter", self.project.succeed("explain", "fixed", "--fingerprint").stdout)
        self.project.run()
        diff = self.project.succeed("diff", "of_day", "--set", "day=2024-05-01", "--format", "json").json()
        self.assertIn(("parameter", "day", "2024-01-01", "2024-05-01"),
                      [(s["section"], s.get("name"), s.get("before"), s.get("after")) for s in diff["sections"]])
        bundle = self.project.sql("SELECT parameters FROM weir.plan_bundles WHERE view_name = 'counted'")
        self.assertEqual(json.loads(bundle[0]["parameters"]), {"day": "2024-01-01"})

    def test_take_values_of_all_kinds(self):
        kinds = [("BIGINT", "-9223372036854775808"), ("TINYINT", "-128"), ("DOUBLE", "NaN"), ("DOUBLE", "-0.1"), ("DOUBLE", "1e308"),
                 ("REAL", "0.1"), ("DECIMAL(38,10)", "-9999999999999999999999999999.0000000001"), ("BOOLEAN", "false"),
                 ("VARCHAR", ""), ("VARCHAR", "it's ünï \"x\" \\ $day ${HOME} --\n;"), ("DATE", "0001-01-01"), ("DATE", "9999-12-31"),
                 ("TIMESTAMP", "9999-12-31T23:59:59.999999"), ("TIMESTAMP", "0001-01-01 00:00:00")]
        for number, (kind, value) in enumerate(kinds):
            with self.subTest(kind=kind, value=value):
                self.project.write("weir.toml", f'[project]\nname = "shop"\n[parameters]\nSelect = {{ type = "{kind}" }}\n'
                                                'day = 2024-01-01\nleast = 1\n')
                text = value.replace("'", "''")
                found, = self.project.succeed("sql", "--format", "json", "--set", f"SELECT={value}",
                                              f"SELECT $select = CAST('{text}' AS {kind}) AS same, $SELECT::varchar AS said, "
                                              f"arrow_typeof($select) = arrow_typeof(CAST(NULL AS {kind})) OR '{kind}' = 'VARCHAR' AS typed"
                                              ).json()
                self.assertTrue(found["same"] and found["typed"], found)
        self.assertEqual(number + 1, len(kinds))

    def test_stand_wherever_an_expression_may(self):
        self.project.write("views/places.sql", """
            SELECT $day, $day::date AS d, -$least AS m, $who || $who AS w, CASE WHEN $least > 1 THEN $who END AS c,
                   sum(amount) FILTER (WHERE amount >= $least) OVER (PARTITION BY $day ORDER BY id) AS s, $$ $day $$ AS t
            FROM orders JOIN (VALUES ($least)) v(x) ON orders.id >= v.x AND amount BETWEEN $least AND $least + 9
            ORDER BY id LIMIT $least OFFSET $least - 1""")
        self.project.run("--select", "places")
        rows = self.rows("prod", "places")
        self.assertEqual([str(row["day"]) for row in rows], ["2024-01-01"] * 2)
        self.assertEqual([row["m"] for row in rows], [-2, -2])
        self.assertEqual([row["t"].strip() for row in rows], ["$day"] * 2)
        self.assertEqual([row["w"] for row in rows], ["it'sit's"] * 2)
        self.assertEqual([row["s"] for row in rows], [5, 9])

    def test_are_read_in_every_dialect(self):
        for dialect in ("duckdb", "postgresql", "mysql", "snowflake", "bigquery", "sqlite", "hive", "mssql", "spark"):
            with self.subTest(dialect=dialect):
                self.project.write("views/said.sql", f"-- dialect: {dialect}\nSELECT id, $who AS w FROM orders WHERE day = $day")
                self.project.run("--select", "said", "--set", f"who={dialect}")
                self.assertEqual(self.rows("prod", "said"), [{"id": 1, "w": dialect}])

    def test_are_in_force_in_tests(self):
        self.project.write("tests/data.sql", "SELECT * FROM of_day WHERE id <> $least")
        self.project.write("tests/unit.sql", "TEST larger OF VIEW large GIVEN orders (id, amount) AS VALUES (1, 1), (2, 2), (3, $least)\n"
                                             "EXPECT (id) AS VALUES (2), (3);")
        self.project.run()
        self.project.succeed("test", "--set", "least=1", "data")
        self.assertEqual(self.project.weir("test", "data").code, 1)
        self.project.succeed("test", "larger")
        self.assertEqual(self.project.weir("test", "--set", "least=3", "larger").code, 1)

    def test_say_what_is_wrong_with_them(self):
        self.expect_error(2, ["there is no parameter named `dya`", "did you mean `day`?"], "run", "--set", "dya=1")
        self.expect_error(2, ["a date such as 2024-05-31", "`day` of the type DATE", "weir.toml:7:1", "found `tomorrow`"],
                          "plan", "--set", "day=tomorrow")
        self.expect_error(2, ["NAME=VALUE is wanted for `--set`, found `day`"], "check", "--set", "day")
        self.expect_error(1, ["there is no parameter named `leats`", "did you mean `least`?"], "sql", "SELECT $leats")
        self.project.write("views/wrong.sql", "SELECT id,\n       $dya AS d\nFROM orders WHERE id = $1 AND $needed > 0")
        self.expect_error(1, ["error[W1104]: there is no parameter named `dya`", "views/wrong.sql:2:8", "did you mean `day`?",
                              "error[W1106]", "views/wrong.sql:3:24", "error[W1105]: the parameter `needed` has no value",
                              "views/wrong.sql:3:31", "--set needed=…"], "check", "--set", "day=2024-01-01")

    def test_decide_what_check_finds(self):
        self.project.write("views/divided.sql", "SELECT 1 / $least AS x FROM orders")
        for _ in range(2):
            self.project.succeed("check")
            self.expect_error(1, ["views/divided.sql"], "check", "--set", "least=0")
        self.project.write("views/divided.sql", "SELECT $needed AS x FROM orders")
        for _ in range(2):
            self.expect_error(1, ["W1105"], "check")
            self.project.succeed("check", "--set", "needed=1")


class Deferral(EnvironmentsCase):
    def setUp(self):
        super().setUp()
        self.project.run()

    def test_reads_there_what_is_not_built_here(self):
        before = {path: path.stat().st_mtime_ns for path in (self.project.folder / "lakes/prod").rglob("*")}
        dev = ["--profile", "dev", "--select", "fixed", "--defer-to", "default"]
        plan = self.project.succeed("plan", "--format", "json", *dev).json()
        deferred, = plan["views"][0]["deferred"]
        self.assertEqual((deferred["table"], deferred["profile"], deferred["version"], deferred["same_definition"]),
                         ("of_day", "default", 0, False), "the day is another one here")
        self.assertIn("which was built there by another definition", self.project.succeed("plan", *dev).stdout)
        self.project.run(*dev)
        self.assertEqual(self.rows("dev", "fixed"), [{"n": 1, "recent": "$day"}])
        self.assertEqual({path: path.stat().st_mtime_ns for path in (self.project.folder / "lakes/prod").rglob("*")}, before)
        self.assertEqual(self.project.run(*dev)["views"]["run"], 0)
        units = self.project.succeed("sql", "--profile", "dev", "--format", "json",
                                     "SELECT url, version FROM weir.scan_units WHERE table_name = 'of_day'").json()
        self.assertEqual([(unit["url"].endswith("/lakes/prod/of_day/"), unit["version"]) for unit in units], [(True, 0)])
        self.assertEqual(self.project.succeed("sql", "--profile", "dev", "--format", "json",
                                              "SELECT DISTINCT deferred_to FROM weir.runs").json(), [{"deferred_to": "default"}])

    def test_ends_where_a_view_is_built_here(self):
        self.project.run("--profile", "dev", "--select", "fixed", "--defer-to", "default")
        self.project.run("--profile", "dev", "--select", "of_day")
        for defer_to in ([], ["--defer-to", "default"]):
            reason = self.reasons("--profile", "dev", "--select", "fixed", *defer_to)["fixed"]
            self.assertIn("it reads `of_day` of this warehouse, no longer of", reason)
            self.assertIn("/lakes/prod/of_day/", reason)
        self.project.run("--profile", "dev", "--select", "fixed")
        self.assertEqual(self.rows("dev", "fixed"), [{"n": 2, "recent": "$day"}])

    def test_follows_what_is_built_there(self):
        dev = ["--profile", "dev", "--select", "fixed", "--defer-to", "default"]
        self.project.run(*dev)
        self.project.run("--set", "day=2024-03-01", "--select", "of_day")
        self.assertEqual(self.project.run(*dev)["views"]["run"], 0, "other rows, as many")
        self.project.run("--set", "day=2024-02-01", "--select", "of_day")
        self.assertIn("the result of `of_day` changed", self.reasons(*dev)["fixed"])
        self.project.run(*dev)
        self.assertEqual(self.rows("dev", "fixed"), [{"n": 2, "recent": "$day"}])

    def test_the_same_rows_here_and_there_are_no_change(self):
        dev = ["--profile", "dev", "--set", "day=2024-01-01", "--select"]
        self.project.run(*dev, "fixed", "--defer-to", "default")
        self.project.run(*dev, "of_day")
        self.assertEqual(self.reasons(*dev, "fixed"), {})
        self.assertEqual(self.project.run(*dev, "fixed")["views"]["run"], 0)

    def test_selected_views_are_read_here(self):
        self.project.run("--profile", "dev", "--select", "of_day,fixed", "--defer-to", "default")
        self.assertEqual(self.rows("dev", "fixed"), [{"n": 2, "recent": "$day"}])

    def test_wants_the_columns_that_are_read(self):
        self.project.write("views/of_day.sql", "SELECT id, amount, CAST(id AS BIGINT) AS twin FROM orders WHERE day = $day")
        self.project.succeed("plan", "--profile", "dev", "--select", "topmost", "--defer-to", "default")
        self.project.write("views/topmost.sql", "SELECT id, twin FROM of_day")
        for command in ("plan", "run"):
            self.expect_error(1, ["the view `topmost` reads columns of `of_day`", "`twin` is not there", "views/topmost.sql:1:1",
                                  "--select of_day,topmost"],
                              command, "--profile", "dev", "--select", "topmost", "--defer-to", "default")
        self.project.write("views/of_day.sql", "SELECT CAST(id AS BIGINT) AS id, id AS twin FROM orders WHERE day = $day")
        self.project.write("views/topmost.sql", "SELECT count(*) AS n FROM of_day WHERE id > 0")
        self.expect_error(1, ["`id` is int32 instead of int64"],
                          "run", "--profile", "dev", "--select", "topmost", "--defer-to", "default")

    def test_columns_in_another_order_are_not_mistaken_for_each_other(self):
        self.project.write("views/pair.sql", "SELECT 2 AS b, 1 AS a")
        self.project.write("views/picked.sql", "SELECT a FROM pair")
        self.project.run("--select", "pair,picked")
        self.project.write("views/pair.sql", "SELECT 1 AS a, 2 AS b")
        wrong = "`a` is column 2 instead of 1"
        self.expect_error(1, [wrong], "run", "--profile", "dev", "--select", "picked", "--defer-to", "default")
        self.expect_error(1, [wrong, "--select pair,picked"], "run", "--force", "--select", "picked")
        self.assertEqual(self.rows("prod", "picked"), [{"a": 1}])
        self.project.run("--select", "pair,picked")
        self.assertEqual(self.rows("prod", "picked"), [{"a": 1}])

    def test_partitioned_tables_are_read_alone(self):
        self.project.write("views/parts.sql", "CREATE MATERIALIZED VIEW parts PARTITIONED BY (day, id) AS SELECT day, amount, id FROM orders")
        self.project.write("views/of_parts.sql", "SELECT id, day, amount FROM parts WHERE id = 3")
        self.project.run("--select", "parts")
        self.project.run("--select", "of_parts")
        self.project.run("--profile", "dev", "--select", "of_parts", "--defer-to", "default")
        for warehouse in ("prod", "dev"):
            self.assertEqual([(row["id"], row["amount"], str(row["day"])) for row in self.rows(warehouse, "of_parts")], [(3, 3, "2024-02-01")])

    def test_says_what_is_wrong(self):
        shutil.rmtree(self.project.folder / "lakes/prod/of_day")
        dev = ["--profile", "dev", "--select", "fixed"]
        self.expect_error(1, ["`fixed` reads `of_day`", "neither here", "lakes/dev", "lakes/prod"], "run", *dev, "--defer-to", "default")
        self.expect_error(1, ["which is not built in this warehouse", "--defer-to PROFILE"], "run", *dev)
        self.expect_error(2, ["both have", "lakes/dev"], "run", *dev, "--defer-to", "dev")
        self.expect_error(2, ["there is no profile of this name: `prod`"], "run", *dev, "--defer-to", "prod")
        self.expect_error(1, ["WEIR_TEST_NOT_SET", "weir.toml:18:13"], "run", *dev, "--defer-to", "secret")

    def test_is_for_queries_and_tests_too(self):
        self.project.write("tests/none.sql", "SELECT * FROM of_day WHERE amount > 1")
        query = ["sql", "--profile", "dev", "--format", "json", "SELECT * FROM of_day"]
        self.assertEqual(self.project.weir(*query).code, 1)
        self.assertEqual(self.project.succeed(*query, "--defer-to", "default").json(), [{"id": 1, "amount": 1}])
        self.assertEqual(self.project.weir("test", "--profile", "dev").code, 1)
        self.project.succeed("test", "--profile", "dev", "--defer-to", "default")
        self.assertIn("version 0", self.project.succeed("explain", "fixed", "--scans", "--profile", "dev", "--defer-to", "default").stdout)


class Artifacts(EnvironmentsCase):
    def test_of_older_programs_get_the_new_columns(self):
        self.project.run()
        runs = self.project.folder / "lakes/prod/_weir/runs"
        table = deltalake.DeltaTable(str(runs)).to_pyarrow_table()
        old = table.drop_columns(["warehouse", "parameters", "deferred_to"])
        shutil.rmtree(runs)
        deltalake.write_deltalake(str(runs), old)
        self.project.run("--set", "day=2024-02-01")
        found = self.project.sql("SELECT run_id, parameters FROM weir.runs ORDER BY started_at")
        self.assertEqual([json.loads(row["parameters"])["day"] if row["parameters"] else None for row in found], [None, "2024-02-01"])
        self.assertEqual(pa.types.is_string(deltalake.DeltaTable(str(runs)).to_pyarrow_table().schema.field("warehouse").type), True)


if __name__ == "__main__":
    unittest.main()
