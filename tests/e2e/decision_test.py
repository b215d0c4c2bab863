# SPDX-License-Identifier: Apache-2.0
"""What runs after which change, down to columns and files, and what `weir plan` says about it."""

import random
import shutil
import unittest

import deltalake
import pyarrow as pa

from weir_project import Project, ProjectCase, rows_hash

SOURCES = """
CREATE EXTERNAL TABLE orders STORED AS DELTATABLE LOCATION 'data/orders';
CREATE EXTERNAL TABLE customers STORED AS DELTATABLE LOCATION 'data/customers';
"""
VIEWS = {
    "staging/stg_orders": """CREATE MATERIALIZED VIEW stg_orders TBLPROPERTIES ('tags' = 'staging, hot')
AS SELECT id, customer, amount, region FROM orders WHERE id < 1000""",
    "staging/stg_customers": "CREATE MATERIALIZED VIEW stg_customers TBLPROPERTIES ('tags' = 'staging')\n"
                             "AS SELECT id, name FROM customers",
    "marts/large_orders": "SELECT id, amount FROM stg_orders WHERE amount >= 100",
    "marts/regions": "SELECT region, count(*) AS orders FROM stg_orders GROUP BY region",
    "marts/named": "SELECT c.name, o.amount FROM stg_orders o JOIN stg_customers c ON o.customer = c.id",
    "marts/report": "SELECT count(*) AS large, sum(amount) AS total FROM large_orders",
}


def orders(ids, note="", amount=lambda i: 10 * i):
    return pa.table({
        "id": pa.array(list(ids), pa.int64()),
        "customer": pa.array([i % 3 for i in ids], pa.int64()),
        "amount": pa.array([amount(i) for i in ids], pa.int64()),
        "region": pa.array(["north" if i % 2 else "south" for i in ids]),
        "note": pa.array([f"{note}{i}" for i in ids]),
    })


class ShopCase(ProjectCase):
    """A shop that was built once."""

    def setUp(self):
        super().setUp()
        self.project = self.make("shop")
        self.project.run()

    def make(self, name) -> Project:
        project = Project(self.scratch / name)
        project.write("weir.toml", f'[project]\nname = "{name}"\nwarehouse = "warehouse"\n')
        project.write("sources/sources.sql", SOURCES)
        for path, sql in VIEWS.items():
            project.write(f"views/{path}.sql", sql + "\n")
        deltalake.write_deltalake(str(project.folder / "data/orders"), orders(range(20)))
        deltalake.write_deltalake(str(project.folder / "data/customers"), pa.table({
            "id": pa.array([0, 1, 2], pa.int64()), "name": ["Ada", "Bo", "Cy"], "city": ["X", "Y", "Z"]}))
        return project

    def source(self, name) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(str(self.project.folder / "data" / name))

    def plan(self, *arguments):
        return self.project.succeed("plan", "--format", "json", *arguments).json()

    def actions(self, *arguments):
        return {view["view"]: view["action"] for view in self.plan(*arguments)["views"]}

    def reasons(self):
        return {view["view"]: view["reason"] for view in self.plan()["views"]}

    def expect_nothing_to_run(self):
        plan = self.plan()
        self.assertEqual((plan["run"], plan["pending"]), (0, 0), plan["views"])
        self.assertEqual(self.project.run()["views"]["run"], 0)

    def edit(self, path, old, new):
        file = self.project.folder / "views" / f"{path}.sql"
        text = file.read_text()
        self.assertIn(old, text)
        file.write_text(text.replace(old, new))

    def ran(self):
        """The views that a run builds."""
        before = {name.split("/")[-1]: self.project.log_files(name.split("/")[-1]) for name in VIEWS}
        self.project.run()
        return {view for view in before if self.project.log_files(view) != before[view]}


class Decisions(ShopCase):
    # Nothing to run

    def test_other_values_in_an_unread_column_run_nothing(self):
        self.source("orders").update(updates={"note": "'changed'"})
        self.source("customers").update(updates={"city": "'moved'"})
        self.assertIn("yet what it reads holds the same", self.reasons()["stg_orders"])
        self.expect_nothing_to_run()

    def test_a_new_unread_column_runs_nothing(self):
        table = self.source("orders")
        table.alter.add_columns([deltalake.Field("extra", deltalake.schema.PrimitiveType("string"))])
        self.expect_nothing_to_run()

    def test_a_commit_of_metadata_runs_nothing(self):
        table = self.source("orders")
        table.alter.set_table_description("all orders")
        table.alter.set_table_properties({"delta.logRetentionDuration": "interval 60 days"})
        self.expect_nothing_to_run()

    def test_a_pruned_file_runs_nothing(self):
        deltalake.write_deltalake(str(self.project.folder / "data/orders"), orders(range(5000, 5010)), mode="append")
        self.expect_nothing_to_run()

    def test_compacted_files_run_nothing(self):
        for start in (20, 40):
            deltalake.write_deltalake(str(self.project.folder / "data/orders"), orders(range(start, start + 20)), mode="append")
        self.project.run()
        self.source("orders").optimize.compact()
        self.expect_nothing_to_run()

    def test_comments_format_and_properties_run_nothing(self):
        self.edit("staging/stg_orders", "SELECT id", "SELECT -- the key\n   id")
        self.edit("staging/stg_orders", "stg_orders TBL", "stg_orders\nCOMMENT 'orders as they come'\nTBL")
        self.edit("staging/stg_orders", "staging, hot", "staging, cold")
        self.edit("marts/report", "count(*) AS large", "COUNT( * ) /* of them */ AS large")
        self.expect_nothing_to_run()

    # Cut off early

    def test_what_a_reader_does_not_read_of_a_view_does_not_reach_it(self):
        # Amounts below 100 stay below: neither the large orders nor the regions see it.
        self.source("orders").update(updates={"amount": "amount + 1"}, predicate="amount < 50")
        actions = self.actions()
        self.assertEqual(actions["stg_orders"], "run")
        self.assertEqual(actions["large_orders"], "pending")
        self.assertEqual(self.ran(), {"stg_orders", "named"})
        decisions = {row["view_name"]: row["reason"] for row in self.project.artifact("decisions")
                     if row["run_id"] == self.project.last_run_id()}
        self.assertIn("`stg_orders` changed, but not in what it reads", decisions["large_orders"])
        self.expect_nothing_to_run()

    def test_a_new_column_of_a_view_does_not_reach_its_readers(self):
        self.edit("staging/stg_orders", "region FROM", "region, note FROM")
        self.assertEqual(self.ran(), {"stg_orders"})

    def test_rows_that_a_filter_reads_reach_the_reader(self):
        self.source("orders").update(updates={"amount": "amount + 1"}, predicate="amount >= 100")
        self.assertEqual(self.ran(), {"stg_orders", "large_orders", "named", "report"})

    def test_a_reader_that_came_later_is_precise_after_the_next_build(self):
        self.project.write("views/marts/late.sql", "SELECT max(id) AS top FROM stg_orders\n")
        self.project.run()
        for step in (1, 2):
            self.source("orders").update(updates={"amount": f"amount + {step}"}, predicate="amount < 50")
            self.project.run()
        self.source("orders").update(updates={"amount": "amount + 1"}, predicate="amount < 50")
        before = self.project.log_files("late")
        self.project.run()
        self.assertEqual(self.project.log_files("late"), before)

    # Reasons

    def test_reasons_name_files_columns_settings_functions_and_plans(self):
        deltalake.write_deltalake(str(self.project.folder / "data/orders"), orders(range(50, 52)), mode="append")
        self.assertEqual(self.reasons()["stg_orders"], "1 file added in `orders` (columns amount, customer, id, region)")
        self.project.run()
        self.edit("marts/large_orders", ">= 100", ">= 110")
        self.assertRegex(self.reasons()["large_orders"], r"^its definition changed: plan changed at `.*110.*`$")
        self.project.run()
        self.edit("marts/report", "AS total", "AS amount")
        self.assertIn("column amount added; column total removed", self.reasons()["report"])
        self.project.run()
        with (self.project.folder / "weir.toml").open("a", encoding="utf-8") as toml:
            toml.write('[profiles.default.settings]\n"datafusion.execution.time_zone" = "+02:00"\n')
        self.assertIn("setting datafusion.execution.time_zone", self.reasons()["report"])

    # Selection

    def test_selectors(self):
        cases = {
            ("--select", "stg_*"): {"stg_orders", "stg_customers"},
            ("--select", "+large_orders+"): {"stg_orders", "large_orders", "report"},
            ("--select", "path:views/staging"): {"stg_orders", "stg_customers"},
            ("--select", "path:views/marts/r*.sql"): {"regions", "report"},
            ("--select", "tag:hot"): {"stg_orders"},
            ("--select", "tag:staging", "--exclude", "tag:hot"): {"stg_customers"},
            ("--select", "tag:hot+,stg_customers", "--exclude", "report,named"):
                {"stg_orders", "large_orders", "regions", "stg_customers"},
            ("--exclude", "path:views/marts"): {"stg_orders", "stg_customers"},
            ("--select", "changed"): set(),
        }
        for arguments, views in cases.items():
            with self.subTest(arguments=arguments):
                self.assertEqual(set(self.actions(*arguments)), views)

    def test_changed_means_what_would_run_by_itself(self):
        self.edit("marts/large_orders", ">= 100", ">= 110")
        self.assertEqual(set(self.actions("--select", "changed")), {"large_orders"})
        self.assertEqual(set(self.actions("--select", "changed+")), {"large_orders", "report"})
        self.assertEqual(self.project.run("--select", "changed")["views"]["run"], 1)
        self.assertEqual(self.actions()["report"], "run")

    def test_a_selector_that_means_nothing_is_wrong_use_with_a_hint(self):
        for selector, hint in (("stg_order", "stg_orders"), ("tag:stagin", "staging"), ("path:views/mart", "views/marts")):
            with self.subTest(selector=selector):
                outcome = self.project.weir("plan", "--select", selector)
                self.assertEqual(outcome.code, 2)
                self.assertIn(f"`{selector}`", outcome.stderr)
                self.assertRegex(outcome.stderr, f"did you mean `{hint}`[?,]")

    def test_force_runs_the_selected_only(self):
        self.assertEqual(self.project.run("--force", "--select", "regions")["views"]["run"], 1)


class Property(ShopCase):
    """Random edits: what was reused is what a build from nothing gives."""

    ROUNDS = 12

    def edit_at_random(self, choice: random.Random):
        table = self.source("orders")
        kind = choice.randrange(8)
        low = choice.randrange(0, 40)
        if kind == 0:
            table.update(updates={"note": f"'n{choice.random()}'"})
        elif kind == 1:
            table.update(updates={"amount": f"amount + {choice.randrange(3)}"}, predicate=f"id = {low}")
        elif kind == 2:
            table.delete(f"id = {low}")
        elif kind == 3:
            start = choice.choice([100, 5000]) + choice.randrange(100)
            deltalake.write_deltalake(str(self.project.folder / "data/orders"), orders(range(start, start + 2)), mode="append")
        elif kind == 4:
            table.optimize.compact()
        elif kind == 5:
            table.update(updates={"region": choice.choice(["'north'", "'south'"])}, predicate=f"id = {low}")
        elif kind == 6:
            limit = choice.choice([100, 110, 150])
            self.project.write("views/marts/large_orders.sql",
                               f"-- {choice.random()}\nSELECT id, amount FROM stg_orders WHERE amount >= {limit}\n")
        else:
            more = choice.choice(["", ", note"])
            self.project.write("views/staging/stg_orders.sql", f"""CREATE MATERIALIZED VIEW stg_orders COMMENT '{choice.random()}'
AS SELECT id, customer, amount, region{more} FROM orders WHERE id < 1000""")

    def hashes(self, project):
        return {name.split("/")[-1]: rows_hash(project.read(name.split("/")[-1])) for name in VIEWS}

    def test_reuse_is_a_build_from_nothing(self):
        choice = random.Random(20)
        reused = 0
        for round_number in range(self.ROUNDS):
            for _ in range(1 + choice.randrange(2)):
                self.edit_at_random(choice)
            reused += self.project.run()["views"]["reused"]
            fresh = self.scratch / f"fresh{round_number}"
            fresh.mkdir()
            for part in ("weir.toml", "sources", "views", "data"):
                source = self.project.folder / part
                (shutil.copytree if source.is_dir() else shutil.copy)(source, fresh / part)
            rebuilt = Project(fresh)
            rebuilt.run()
            self.assertEqual(self.hashes(self.project), self.hashes(rebuilt), f"round {round_number}")
        self.assertGreater(reused, self.ROUNDS)


if __name__ == "__main__":
    unittest.main()
