# SPDX-License-Identifier: Apache-2.0
"""Runs over a store that fails: connections that end, answers that are lost or cut, 503, 500 for what was done, requests that arrive late.

Each run ends in a right state, or in an error that says what failed and a second run that succeeds; a table is never anything but
what it was or what it should be. Oracles: rows computed in Python, delta-rs' own reader past the proxy, a build in a folder.
"""

import dataclasses
import re
import time
import unittest

from fault_proxy import FAULTS, SECONDS_OF_STALL, FaultProxy
from store_project import StoreProject, expected, orders_csv
from store_servers import serve_s3
from weir_project import FULL_SCALE, Outcome, Project, ProjectCase

RUNS = 200 if FULL_SCALE else 15
RATES = (0.02, 0.04, 0.08)
VIEWS = ("paid", "by_country", "largest")
# What the client of stores, its transport and Rust write for those who debug them.
RAW = re.compile(r"Generic \w+ error|HTTP error|Error performing|non-2xx|max_retries|reqwest|hyper|panicked|os error|\w+ \{ \w+: |Some\(|<Error>|internal error")
DONE_ALL_THE_SAME = ("lost answer", "cut answer", "failed after all") if FULL_SCALE else ("lost answer", "failed after all")
# From which request on the store is gone, and how.
OUTAGES = ((25, "lost answer"),) + (((3, "refused"), (12, "cut answer"), (35, "busy"), (45, "cut answer"), (16, "refused"), (60, "failed after all")) if FULL_SCALE else ())
# Objects of each kind that a run puts: the lock, a view's commit, an artifact's, data files.
TARGETS = (".begun", "lake/paid/_delta_log/", "_weir/runs/_delta_log/") + (("lake/paid/part", ".ended", "_weir/tasks/", "lake/by_country/") if FULL_SCALE else ())


class FaultsTest(ProjectCase):
    def setUp(self):
        super().setUp()
        self.store = serve_s3(self)
        self.proxy = FaultProxy(self, self.store.options["aws_endpoint"])
        # Faults meet a short patience; what must succeed has the client's own.
        through = dataclasses.replace(self.store, options=self.store.options | {"aws_endpoint": self.proxy.url, "timeout": "${WEIR_TEST_TIMEOUT:-30s}"})
        self.project = StoreProject(self.scratch / "project", through)
        self.project.write_all()
        self.orders = [(1, 1, 10)]
        self.project.put_orders(self.orders)
        self.project.run()

    def add_order(self, number: int) -> None:
        self.orders.append((number, 1 + number % 3, number % 17 - 2))
        self.store.write("raw/orders.csv", orders_csv(self.orders))

    def run_with_faults(self) -> Outcome:
        return self.project.weir("run", environment={"WEIR_TEST_TIMEOUT": "1s"}, seconds_at_most=240)

    def rows(self) -> dict[str, list[tuple]]:
        return {view: self.project.rows(view) for view in VIEWS}

    def check_end(self, outcome: Outcome, before: dict, context: str) -> None:
        """A right state, or a clear error and tables that are what they were or what they should be."""
        after = expected(self.orders)
        rows = self.rows()
        if outcome.code == 0:
            self.assertEqual(rows, after, context)
            return
        self.assertIn(outcome.code, (1, 3), f"{context}\n{outcome.text}")
        self.assertIn("error", outcome.stderr, context)
        self.assertIsNone(RAW.search(outcome.stderr), f"{context}\n{outcome.stderr}")
        for view in VIEWS:
            self.assertIn(rows[view], (before[view], after[view]), f"{context}: {view}\n{outcome.stderr}")

    def retry(self, context: str) -> None:
        self.proxy.disarm()
        outcome = self.project.weir("run", seconds_at_most=240)
        self.assertEqual(outcome.code, 0, f"{context}\n{outcome.text}")
        self.assertEqual(self.rows(), expected(self.orders), context)

    def assert_nothing_doubled(self) -> None:
        for table, key in (("runs", "run_id"), ("tasks", "run_id, view_name"), ("decisions", "run_id, view_name"), ("writes", "run_id, view_name")):
            doubled = self.project.sql(f"SELECT {key}, count(*) AS n FROM weir.{table} GROUP BY {key} HAVING count(*) > 1")
            self.assertEqual(doubled, [], table)
        local = Project(self.scratch / "local")
        StoreProject(local.folder, self.store).write_views_and_sources()
        local.write("weir.toml", '[project]\nname = "local"\n')
        local.write("data/orders.csv", orders_csv(self.orders).decode())
        customers = self.project.sql("SELECT customer, country FROM customers")
        local.write("data/customers.csv", "customer,country\n" + "".join(f'{row["customer"]},"{row["country"]}"\n' for row in customers))
        local.write("sources/all.sql", "CREATE EXTERNAL TABLE orders (id BIGINT, customer BIGINT, amount BIGINT) STORED AS CSV LOCATION 'data/orders.csv';\n"
                    "CREATE EXTERNAL TABLE customers (customer BIGINT, country VARCHAR) STORED AS CSV LOCATION 'data/customers.csv';\n")
        local.run()
        for view in VIEWS:
            self.assertEqual(sorted(tuple(row.values()) for row in local.sql(f"SELECT * FROM {view}")),
                             sorted(tuple(row.values()) for row in self.project.sql(f"SELECT * FROM {view}")), view)

    def test_runs_survive_faults_anywhere(self):
        failed = 0
        for seed in range(RUNS):
            before = self.rows()
            self.add_order(seed + 2)
            self.proxy.arm(seed, RATES[seed % len(RATES)])
            outcome = self.run_with_faults()
            shown = f"seed {seed}: {dict(self.proxy.shown)}"
            self.check_end(outcome, before, shown)
            failed += outcome.code != 0
            self.retry(shown)
        self.assert_nothing_doubled()
        self.assertEqual(self.project.places_of_secrets(), [])
        # The test would prove nothing of faults that it never met.
        self.assertEqual(set(self.proxy.shown), set(FAULTS))
        if FULL_SCALE:
            print(f"{RUNS} runs, {self.proxy.requests} requests, {sum(self.proxy.shown.values())} faults: {failed} runs failed, each next one succeeded")

    def test_a_store_that_is_gone_in_the_middle_of_a_run_is_said_to_be(self):
        for number, (requests, fault) in enumerate(OUTAGES):
            with self.subTest(requests=requests, fault=fault):
                before = self.rows()
                self.add_order(5000 + number * 17)
                self.proxy.fail_after(requests, fault)
                outcome = self.run_with_faults()
                self.assertEqual(outcome.code, 3, outcome.text)
                self.check_end(outcome, before, f"{fault} from request {requests} on")
                self.assertIn("run again; what was built stands", outcome.stderr)
                for view in re.findall(r"failed +(\w+)", outcome.stderr):
                    self.assertRegex(outcome.stderr, f"error.*`{view}`", "each failed view has its reason")
                self.retry(f"{fault} from request {requests} on")
        self.assert_nothing_doubled()

    def test_answers_that_are_lost_double_nothing(self):
        number = 1
        for target in TARGETS:
            for fault in FAULTS if FULL_SCALE else DONE_ALL_THE_SAME:
                with self.subTest(target=target, fault=fault):
                    number += 1
                    before = self.rows()
                    version = self.project.version("paid")
                    self.add_order(1000 + number * 17)  # an amount that `paid` holds
                    self.proxy.shown.clear()
                    self.proxy.aim(fault, target)
                    outcome = self.run_with_faults()
                    self.assertEqual(self.proxy.shown[fault], 1)
                    self.check_end(outcome, before, f"{fault} at {target}")
                    if fault in DONE_ALL_THE_SAME:
                        self.assertEqual(outcome.code, 0, outcome.stderr)
                    self.retry(f"{fault} at {target}")
                    if fault != "stall":
                        self.assertEqual(self.project.version("paid"), version + 1, "one change is one commit")
        self.assert_nothing_doubled()

    def test_a_commit_that_arrives_late_has_its_files(self):
        before = self.rows()
        self.add_order(2000 + 5)
        self.proxy.aim("stall", "lake/paid/_delta_log/")
        outcome = self.run_with_faults()
        self.assertEqual(outcome.code, 3, outcome.text)
        self.assertIn("timed out after 1.", outcome.stderr)
        self.assertEqual(self.project.rows("paid"), before["paid"])
        time.sleep(SECONDS_OF_STALL)
        self.assertEqual(self.project.rows("paid"), expected(self.orders)["paid"], "the commit arrived, with all that it names")
        self.retry("late commit")
        self.assertEqual(self.project.version("paid"), 1)
        self.assert_nothing_doubled()

    def test_a_store_that_stands_still_is_waited_for_as_long_as_the_settings_say(self):
        self.proxy.arm(1, 1.0)
        self.proxy.fault_of = lambda request: "stall"
        began = time.monotonic()
        outcome = self.project.weir("check", environment={"WEIR_TEST_TIMEOUT": "100ms"}, seconds_at_most=240)
        self.assertEqual(outcome.code, 3, outcome.text)
        self.assertRegex(outcome.stderr, r"timed out, after 10 retries in \d+\.\d s: `(HEAD|GET) http://")
        self.assertLess(time.monotonic() - began, 60)


if __name__ == "__main__":
    unittest.main()
