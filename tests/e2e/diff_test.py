# SPDX-License-Identifier: Apache-2.0
"""`weir diff`: which sections of the fingerprints' input differ, between views as recorded and as they are now, and between runs."""

import os
import shutil
import unittest

from weir_project import Project, ProjectCase

TOML = '[project]\nname = "shop"\nwarehouse = "warehouse"\n'
VIEWS = {
    "paid": "CREATE VIEW paid AS SELECT id, name, price FROM items WHERE price > 1",
    "totals": "SELECT name, sum(price) AS total, count(*) AS n\nFROM paid\nGROUP BY name",
    "keys": "SELECT id, stable_hash64(name) AS key FROM items",
}


class DiffCase(ProjectCase):
    """A small shop that was built once."""

    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "shop")
        self.project.write("weir.toml", TOML)
        self.source("BIGINT")
        self.project.write("data/items.csv", "id,name,price\n1,nail,2\n2,saw,19\n")
        for name, sql in VIEWS.items():
            self.view(name, sql)
        self.first = self.project.run()["run_id"]

    def source(self, price: str):
        self.project.write("sources/items.sql",
                           f"CREATE EXTERNAL TABLE items (id BIGINT, name VARCHAR, price {price}) STORED AS CSV "
                           "LOCATION 'data/items.csv' OPTIONS ('has_header' 'true');\n")

    def view(self, name: str, sql: str):
        self.project.write(f"views/{name}.sql", sql + "\n")

    def diff(self, *names: str) -> dict:
        return self.project.succeed("diff", "--format", "json", *names).json()

    def sections(self, *names: str) -> dict:
        """Sections by name, of two views."""
        return {" ".join(filter(None, (s["section"], s.get("name")))): s for s in self.diff(*names)["sections"]}

    def changes(self, *names: str) -> dict:
        return {v["view"]: (v["change"], v["sections"]) for v in self.diff(*names)["views"]}


class Diff(DiffCase):
    def test_nothing_changed_is_no_difference(self):
        self.view("totals", "select NAME, /* all */ sum(price) TOTAL, count(*) n from PAID group by name -- x")
        self.assertTrue(self.diff()["same"])
        self.assertEqual(self.sections("totals"), {})
        self.assertEqual(self.project.weir("diff", "--exit-code").code, 0)
        text = self.project.succeed("diff", "totals").stdout
        self.assertIn(f"--- totals@{self.first}", text)
        self.assertIn("no difference", text)

    def test_the_plan_is_shown_line_by_line_where_it_differs(self):
        self.view("paid", "CREATE VIEW paid AS SELECT id, name, price FROM items WHERE price > 2")
        plan = self.sections("totals")["plan"]
        lines = [(line["side"], line["text"].strip()) for line in plan["lines"]]
        self.assertIn(("before", "Filter: items.price > 1"), lines)
        self.assertIn(("after", "Filter: items.price > 2"), lines)
        text = self.project.succeed("diff", "totals").stdout
        self.assertRegex(text, r"(?m)^  - +Filter: items.price > 1$")
        self.assertRegex(text, r"(?m)^  \+ +Filter: items.price > 2$")
        self.assertEqual(self.changes(), {"totals": ("changed", ["plan"])})

    def test_settings_columns_and_read_types_are_named(self):
        self.source("DOUBLE")
        self.project.write("weir.toml", TOML + "[profiles.default]\ndeterministic = false\n")
        sections = self.sections("totals")
        self.assertEqual((sections["plan items.price"]["before"], sections["plan items.price"]["after"]), ("int64", "double"))
        self.assertEqual((sections["column total"]["before"], sections["column total"]["after"]), ("int64", "double"))
        self.assertEqual(sections["setting weir.deterministic"]["after"], "false")
        self.assertEqual(set(self.sections("keys")), {"setting weir.deterministic"}, "keys reads no price")

    def test_a_setting_by_which_files_are_read_counts(self):
        """The engine's own default for CSV files without the option changes rows, not the plan."""
        self.project.write("sources/items.sql", "CREATE EXTERNAL TABLE items (id VARCHAR, name VARCHAR, price VARCHAR) "
                           "STORED AS CSV LOCATION 'data/items.csv';\n")
        for name in ("paid", "totals"):
            os.remove(self.project.folder / f"views/{name}.sql")
        self.project.run()
        self.assertEqual(len(self.project.read("keys")), 2)
        setting = '[profiles.default.settings]\n"datafusion.catalog.has_header" = '
        self.project.write("weir.toml", TOML + setting + "true\n")
        self.assertTrue(self.diff()["same"], "it is the default")
        self.project.write("weir.toml", TOML + setting + "false\n")
        self.assertEqual(self.changes(), {"keys": ("changed", ["setting datafusion.catalog.has_header"])})
        self.assertEqual(self.project.run()["views"]["run"], 1)
        self.assertEqual(len(self.project.read("keys")), 3)

    def test_constraints_are_named(self):
        create = "CREATE MATERIALIZED VIEW keys (CONSTRAINT c EXPECT (id > {}) ON VIOLATION DROP ROW) AS "
        self.view("keys", create.format(0) + VIEWS["keys"])
        self.assertEqual(self.sections("keys")["constraint drop row"]["change"], "added")
        self.project.run()
        self.view("keys", create.format(1) + VIEWS["keys"])
        self.assertEqual(self.sections("keys")["constraint drop row"]["change"], "changed")
        self.assertIn("constraint drop row differs", self.project.succeed("diff", "keys").stdout)
        self.assertIn("constraint drop row changed", self.project.succeed("plan").stdout)

    def test_two_views_and_two_recorded_builds_can_be_compared(self):
        self.view("totals", VIEWS["totals"] + " HAVING count(*) > 1")
        second = self.project.run()["run_id"]
        recorded = self.diff(f"totals@{self.first}", f"totals@{second}")
        self.assertEqual((recorded["before"]["run"], recorded["after"]["run"]), (self.first, second))
        self.assertEqual([s["section"] for s in recorded["sections"]], ["plan"])
        self.assertEqual(self.diff("totals@last", "totals@now")["same"], True)
        self.assertIn("column key", self.sections("totals", "keys"))
        # The second run only reused this one: it is as the first one built it.
        self.assertEqual(self.diff(f"keys@{second}", "keys")["before"]["run"], self.first)
        self.assertEqual(self.changes(self.first, second), {"totals": ("changed", ["plan"])})
        self.assertEqual(self.changes(self.first), self.changes(self.first, "now"))

    def test_a_view_may_be_gone_new_or_broken(self):
        os.remove(self.project.folder / "views/keys.sql")
        self.view("fresh", "SELECT 1 AS one")
        self.view("totals", "SELECT nam FROM items")
        self.assertEqual(self.changes(), {"keys": ("only before", []), "fresh": ("only after", []),
                                          "totals": ("not compiled", [])})
        self.assertTrue(self.diff(f"keys@{self.first}", "keys@last")["same"])
        self.assertEqual(self.project.weir("diff", "totals").code, 1)

    def test_a_partial_run_is_compared_by_what_it_was_about(self):
        self.view("totals", VIEWS["totals"] + " HAVING count(*) > 1")
        partial = self.project.run("--select", "totals")["run_id"]
        self.assertEqual(self.changes(self.first, partial),
                         {"totals": ("changed", ["plan"]), "keys": ("only before", [])})
        self.assertEqual(self.changes(partial), {}, "against now, what earlier runs built counts")

    def test_the_exit_code_tells_only_if_asked(self):
        self.view("totals", VIEWS["totals"] + " HAVING count(*) > 1")
        self.assertEqual(self.project.weir("diff").code, 0)
        self.assertEqual(self.project.weir("diff", "--exit-code").code, 1)
        self.assertEqual(self.project.weir("diff", "totals", "--exit-code").code, 1)
        self.assertEqual(self.project.weir("diff", "keys", "--exit-code").code, 0)

    def test_what_is_not_there_is_wrong_use_with_a_hint(self):
        for names, hint in ((("total",), "`totals`"), (("keys@20200101T000000.000000Z-000000",), "weir history"),
                            (("keys", self.first), "VIEW@RUN"), (("kees@last",), "`keys`"), (("a", "b", "c"), "")):
            outcome = self.project.weir("diff", *names)
            self.assertEqual((names, outcome.code), (names, 2), outcome.text)
            self.assertIn(hint, outcome.stderr)
            self.assertEqual(outcome.stdout, "")
        shutil.rmtree(self.project.warehouse)
        outcome = self.project.weir("diff")
        self.assertEqual(outcome.code, 2)
        self.assertIn("weir run", outcome.stderr)


if __name__ == "__main__":
    unittest.main()
