# SPDX-License-Identifier: Apache-2.0
"""Limits on how long a view may run: `view_timeout` of a profile, `weir.timeout` of a view.

The oracle is the clock of this process, the Delta logs as another reader sees them, and the files on disk: a view that is ended commits
nothing and leaves nothing, whatever it was at.
"""

import signal
import time

import pyarrow
import pyarrow.parquet
from weir_project import Project, ProjectCase

ROWS = 3_000_000
NUMBERS = "CREATE EXTERNAL TABLE numbers STORED AS PARQUET LOCATION 'data/numbers.parquet';"
SLOW = "SELECT count(*) AS n FROM numbers a CROSS JOIN numbers b WHERE (a.value * b.value) % 7 = 3"
# A hash table and a sort of more rows than memory holds: what is ended sits in a build that spills.
HASHING = ("SELECT a.value AS v, count(DISTINCT a.value * b.value) AS n FROM numbers a "
           "JOIN (SELECT value FROM numbers WHERE value < 60000) b ON a.value % 1000 = b.value % 1000 GROUP BY a.value")
SORTING = ("CREATE MATERIALIZED VIEW sorting CLUSTER BY (v) AS\nSELECT (a.value * 7919 + b.value * 104729) % 1000003 AS v, "
           "CAST(a.value AS VARCHAR) || '/' || CAST(b.value AS VARCHAR) AS s FROM numbers a CROSS JOIN numbers b WHERE a.value < 30000")
SECONDS_TO_END = 20


class TimeoutsTest(ProjectCase):
    def project(self, profile: str = "", **views: str) -> Project:
        project = Project(self.scratch / "project")
        project.folder.mkdir(exist_ok=True)
        project.write("weir.toml", f'[project]\nname = "timed"\n\n[profiles.default]\nthreads = 2\n{profile}\n')
        if not (project.folder / "data").exists():
            (project.folder / "data").mkdir()
            pyarrow.parquet.write_table(pyarrow.table({"value": range(ROWS)}), project.folder / "data/numbers.parquet")
            project.write("sources/numbers.sql", NUMBERS)
        for name, sql in views.items():
            project.write(f"views/{name}.sql", sql)
        return project

    def states(self, project: Project) -> dict[str, str]:
        run = project.last_run_id()
        return {row["view_name"]: row["state"] for row in project.artifact("tasks") if row["run_id"] == run}

    def test_a_view_over_its_limit_fails_and_blocks_its_readers_alone(self):
        project = self.project('view_timeout = "2s"', slow=SLOW, reader="SELECT n + 1 AS n FROM slow",
                               quick="SELECT 1 AS one", after="SELECT one + 1 AS two FROM quick")
        began = time.monotonic()
        outcome = project.weir("run", "--format", "json")
        took = time.monotonic() - began
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertGreater(took, 2)
        self.assertLess(took, SECONDS_TO_END)
        self.assertEqual(self.states(project), {"slow": "failed", "reader": "blocked", "quick": "run", "after": "run"})
        self.assertRegex(outcome.stderr, r"error\[W5011\]: view `slow` failed: an end within `2s` is wanted \(`view_timeout` in "
                                         r"weir\.toml:6:16\), it had run for `\d+\.\d s` when it was ended\n  --> views/slow\.sql")
        self.assertIn("weir.timeout", outcome.stderr)
        self.assertEqual(project.read("after").to_pylist(), [{"two": 2}])
        self.assertEqual(project.log_files("slow"), [])
        self.assertEqual([path for path in project.all_files() if path.startswith("slow/")], [])
        self.assertEqual([row["code"] for row in project.artifact("diagnostics")], ["W5011"])
        failed = [view for view in outcome.json()["failures"] if view["view"] == "slow"]
        self.assertIn("an end within `2s`", failed[0]["message"])

        # The next run goes on: what was built stays, what failed is tried again.
        project.write("views/slow.sql", "SELECT 41 AS n")
        self.assertEqual({view: state for view, state in self.states_of_run(project).items()},
                         {"slow": "run", "reader": "run", "quick": "reused", "after": "reused"})
        self.assertEqual(project.read("reader").to_pylist(), [{"n": 42}])

    def states_of_run(self, project: Project, *arguments: str) -> dict[str, str]:
        project.succeed("run", *arguments)
        return self.states(project)

    def test_what_a_view_says_itself_counts_for_it(self):
        project = self.project('view_timeout = "1h"', slow=f"CREATE MATERIALIZED VIEW slow TBLPROPERTIES ('weir.timeout' = '1500ms') AS\n{SLOW}")
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("an end within `1500ms` is wanted (`weir.timeout` of the view)", outcome.stderr)
        # A longer one, and none, than that of the profile.
        quick = "SELECT count(*) AS n FROM numbers a CROSS JOIN numbers b WHERE a.value < 1000 AND b.value < 1000"
        for own in ("1h", "none"):
            project = self.project('view_timeout = "1ms"', slow=f"CREATE MATERIALIZED VIEW slow TBLPROPERTIES ('weir.timeout' = '{own}') AS\n{quick}")
            project.succeed("run", "--force")
            self.assertEqual(project.read("slow").to_pylist(), [{"n": 1000000}])

    def test_a_hash_table_and_a_sort_that_spill_are_ended(self):
        for name, sql in (("hashing", HASHING), ("sorting", SORTING)):
            project = self.project('view_timeout = "4s"\nmemory_limit = "150MB"', **{name: sql})
            began = time.monotonic()
            outcome = project.weir("run")
            took = time.monotonic() - began
            self.assertEqual(outcome.code, 1, outcome.text)
            self.assertIn(f"error[W5011]: view `{name}` failed", outcome.stderr)
            self.assertLess(took, SECONDS_TO_END + 4)
            self.assertEqual([path for path in project.all_files() if path.startswith(name)], [])
            (project.folder / f"views/{name}.sql").unlink()

    def test_a_limit_is_no_part_of_what_a_view_is(self):
        view = "CREATE MATERIALIZED VIEW v TBLPROPERTIES ('weir.timeout' = '{}') AS SELECT 1 AS one"
        project = self.project('view_timeout = "10m"', v=view.format("5m"))
        self.assertEqual(self.states_of_run(project), {"v": "run"})
        project = self.project('view_timeout = "20m"', v=view.format("7m"))
        self.assertEqual(self.states_of_run(project), {"v": "reused"})
        project = self.project("", v="SELECT 1 AS one")
        self.assertEqual(self.states_of_run(project), {"v": "reused"})

    def test_wrong_values_are_found_by_check_also_where_the_plan_is_kept(self):
        view = "CREATE MATERIALIZED VIEW v TBLPROPERTIES ('{}' = '{}') AS SELECT 1 AS one"
        project = self.project("", v=view.format("weir.timeout", "5m"))
        project.succeed("run")
        for key, value, said in (
            ("weir.timeout", "soon", "a time such as \"10m\" is wanted for the property `weir.timeout`, found `soon`"),
            ("weir.timeout", "30", "a time has a unit: `30s` are seconds, `30m` minutes"),
            ("weir.timeuot", "5m", "did you mean `weir.timeout`?"),
        ):
            project.write("views/v.sql", view.format(key, value))
            for command in ("check", "run"):
                outcome = project.weir(command)
                self.assertEqual(outcome.code, 1, outcome.text)
                self.assertIn(said, outcome.text)
        for written, said in (
            ('view_timeout = "10 minutes"', "weir.toml:6:16"), ("view_timeout = 30", "a time has a unit: `30s`"),
            ("view_timeout = true", "a time such as"), ('view_timout = "5m"', "did you mean `view_timeout`?"),
            ('view_timeout = "0s"', "found `0s`"),
        ):
            project = self.project(written, v="SELECT 1 AS one")
            outcome = project.weir("check")
            self.assertEqual(outcome.code, 1, outcome.text)
            self.assertIn(said, outcome.stderr)

    def test_tests_and_replays_keep_limits_too(self):
        project = self.project("", slow=SLOW + " AND a.value < 100",
                               quick="SELECT 1 AS one")
        project.write("tests/none.sql", f"SELECT * FROM ({SLOW}) WHERE n = 0")
        given = ", ".join(f"({i})" for i in range(60))
        project.write("tests/of_slow.sql", f"TEST t OF VIEW crossed GIVEN quick AS VALUES {given} EXPECT (n) AS VALUES (1)")
        project.write("views/crossed.sql", "SELECT count(*) AS n FROM quick a, quick b, quick c, quick d, quick e, quick f "
                                           "WHERE (a.one * b.one + c.one * d.one + e.one * f.one) % 7 = 3")
        project.succeed("run", "--select", "slow,quick")
        project = self.project('view_timeout = "1s"')
        outcome = project.weir("test")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertEqual(outcome.text.count("an end within `1s` is wanted"), 2, outcome.text)
        self.assertIn("0 passed, 2 failed", outcome.stdout)
        project = self.project('view_timeout = "100ms"')
        outcome = project.weir("replay", "last")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("an end within `100ms` is wanted", outcome.text)
        self.assertIn("quick  identical", outcome.text.replace("   ", "  "))

    def test_an_interrupt_is_no_timeout(self):
        project = self.project('view_timeout = "1h"', slow=SLOW)
        with project.start("run") as process:
            time.sleep(3)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=SECONDS_TO_END)
        self.assertEqual(process.returncode, 130, stderr)
        self.assertNotIn("W5011", stderr)
