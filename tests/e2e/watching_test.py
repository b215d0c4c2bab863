# SPDX-License-Identifier: Apache-2.0
"""What others see of a run while it happens and after it: events, the status line, hooks, traces, its record, retries, the graph.

The oracles are plain Python: the project's own edges, which are written down here, the rows that another reader finds in the tables, what
`git`, the environment and a brute force over all chains say.
"""

import getpass
import json
import os
import pathlib
import queue
import re
import shutil
import socket
import subprocess
import threading
import time
import unittest

import deltalake
import pyarrow
from weir_project import Project, ProjectCase, program

ODD = 'odd "+ name*, ü'
# By view, the views that it reads; `{}` in a query takes none of them.
EDGES = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], ODD: ["a"], "empty": []}
SOURCE = "CREATE EXTERNAL TABLE t (id INT, s VARCHAR, x DOUBLE) STORED AS CSV LOCATION 'data/t.csv';"
ROWS = "id,s,x\n" + "".join(f"{n},{'NaN text' if n % 3 else ''},{'NaN' if n % 5 == 0 else n / 2}\n" for n in range(50)) + ",,\n,,\n"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class WatchingCase(ProjectCase):

    def project(self, name: str = "p", views: dict[str, str] | None = None, toml: str = "") -> Project:
        project = Project(self.scratch / name)
        project.write("weir.toml", f'[project]\nname = "{name}"\n' + toml)
        project.write("data/t.csv", ROWS)
        project.write("sources/t.sql", SOURCE)
        for number, (view, query) in enumerate((views or self.views()).items()):
            project.write(f"views/v{number}.sql", f"CREATE MATERIALIZED VIEW {quoted(view)} AS\n{query};\n")
        return project

    @staticmethod
    def views() -> dict[str, str]:
        return {
            "a": "SELECT id, s, x FROM t",
            "b": "SELECT id, x FROM a WHERE x > 3",
            "c": "SELECT s, count(*) AS n FROM a GROUP BY s",
            "d": "SELECT b.id, c.n FROM b CROSS JOIN c",
            ODD: "SELECT x, count(*) AS n FROM a GROUP BY x",
            "empty": "SELECT id FROM t WHERE id < 0",
        }

    def events(self, project: Project, *arguments: str) -> tuple[list[dict], int]:
        outcome = project.weir("run", "--events", *arguments)
        lines = outcome.stdout.splitlines()
        return [json.loads(line) for line in lines], outcome.code


def by_view(events: list[dict], kind: str) -> dict[str, dict]:
    return {event["view"]: event for event in events if event["event"] == kind}


class EventsTest(WatchingCase):

    def test_each_line_is_an_event_and_views_come_after_those_they_read(self):
        project = self.project()
        events, code = self.events(project)
        self.assertEqual(code, 0)
        self.assertEqual({event["schema_version"] for event in events}, {1})
        self.assertEqual(len({event["run_id"] for event in events}), 1)
        for event in events:
            self.assertRegex(event["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual([event["at"] for event in events], sorted(event["at"] for event in events))
        first, last = events[0], events[-1]
        self.assertEqual((first["event"], last["event"]), ("run_started", "run_finished"))
        self.assertEqual((first["project"], first["profile"], first["tag"], first["total"]), ("p", "default", None, len(EDGES)))
        self.assertEqual(set(first["views"]), set(EDGES))
        finished: list[str] = []
        started: set[str] = set()
        for event in events[1:-1]:
            self.assertEqual(event["task"], "view:" + event["view"])
            if event["event"] == "view_started":
                self.assertLessEqual(set(EDGES[event["view"]]), set(finished), event["view"])
                started.add(event["view"])
            else:
                self.assertEqual(event["event"], "view_finished")
                self.assertIn(event["view"], started)
                finished.append(event["view"])
                self.assertEqual((event["finished"], event["total"]), (len(finished), len(EDGES)))
        self.assertEqual(sorted(finished), sorted(EDGES))
        self.assertEqual(last["state"], "succeeded")
        self.assertEqual(last["published_run_id"], last["run_id"])
        self.assertEqual(last["views"], {"run": len(EDGES), "reused": 0, "failed": 0, "blocked": 0})
        for view, event in by_view(events, "view_finished").items():
            table = project.delta(view)
            self.assertEqual((event["state"], event["rows"], event["version"]), ("run", table.to_pyarrow_table().num_rows, table.version()))
            self.assertEqual(event["reason_code"], "never_built")
        tasks = {row["view_name"]: row for row in project.artifact("tasks")}
        for view, event in by_view(events, "view_finished").items():
            self.assertEqual((event["bytes_read"], event["bytes_written"]), (tasks[view]["bytes_read"], tasks[view]["bytes_written"]))

    def test_what_is_reused_only_finishes(self):
        project = self.project()
        project.run()
        events, code = self.events(project)
        self.assertEqual(code, 0)
        self.assertEqual(by_view(events, "view_started"), {})
        finished = by_view(events, "view_finished")
        self.assertEqual({event["state"] for event in finished.values()}, {"reused"})
        self.assertEqual(set(finished), set(EDGES))

    def test_failures_have_their_code_and_message(self):
        views = self.views()
        views["b"] = "SELECT CAST(s AS INT) AS id, x FROM a"
        events, code = self.events(self.project(views=views))
        self.assertEqual(code, 1)
        finished = by_view(events, "view_finished")
        self.assertEqual((finished["b"]["state"], finished["b"]["code"]), ("failed", "W5001"))
        self.assertIn("NaN text", finished["b"]["message"])
        self.assertEqual((finished["d"]["state"], finished["d"]["version"]), ("blocked", None))
        self.assertNotIn("d", by_view(events, "view_started"))
        self.assertEqual(events[-1]["state"], "failed")
        self.assertEqual({(f["view"], f["state"]) for f in events[-1]["failures"]}, {("b", "failed"), ("d", "blocked")})

    def test_events_come_while_the_run_goes_on(self):
        project = self.project(toml='[hooks]\nafter_run = "sleep 3"\n')
        with project.start("run", "--events") as process:
            lines = [process.stdout.readline() for _ in range(1 + 2 * len(EDGES))]
            self.assertIsNone(process.poll(), "the run had ended before its events were read")
            rest = process.stdout.read()
        self.assertEqual(json.loads(lines[-1])["event"], "view_finished")
        self.assertEqual(json.loads(rest)["event"], "run_finished")

    def test_a_selection_of_nothing_is_still_a_stream(self):
        project = self.project()
        project.run()
        events, code = self.events(project, "--select", "changed")
        self.assertEqual(code, 0)
        self.assertEqual([event["event"] for event in events], ["run_started", "run_finished"])
        self.assertEqual((events[0]["views"], events[0]["total"]), ([], 0))


class StatusLineTest(WatchingCase):
    def test_a_terminal_gets_one_line_that_is_drawn_anew(self):
        project = self.project()
        project.run_on_terminal()
        text = project.run_on_terminal("--force")
        drawn = re.findall(r"\r(\[\d+/6\] \d+ running[^\x1b\r\n]*)\x1b\[K", text)
        self.assertTrue(drawn, text)
        for line in drawn:
            self.assertLess(len(line), 60)
        self.assertTrue(any(re.search(r"RSS \d", line) for line in drawn), drawn)
        self.assertTrue(any(re.search(r"~\d\d:\d\d left", line) for line in drawn), drawn)
        # What stays when each line is drawn over the one before.
        screen = ""
        for part in re.split(r"\r\n", text):
            screen += part.split("\r")[-1].replace("\x1b[K", "") + "\n"
        self.assertEqual(len(re.findall(r"^\[\d/6\] run     ", screen, re.M)), 6, screen)
        self.assertNotIn("running", screen)

    def test_narrow_terminals_are_not_overrun(self):
        text = self.project().run_on_terminal(columns=12)
        for line in re.findall(r"\r(\[\d+/6\] \d+ run[^\x1b\r\n]*)\x1b\[K", text):
            self.assertLess(len(line), 12)

    def test_no_control_characters_elsewhere(self):
        self.assertNotIn("\x1b", self.project().run_on_terminal(term="dumb"))
        outcome = self.project("q").weir("run")
        self.assertNotRegex(outcome.stderr, r"[\x1b\r]")
        self.assertEqual(len(re.findall(r"^\[\d/6\] run     ", outcome.stderr, re.M)), 6)


class RetryTest(WatchingCase):

    def failed(self) -> Project:
        views = self.views()
        views["b"] = "SELECT CAST(s AS INT) AS id, x FROM a"
        project = self.project(views=views)
        self.assertEqual(project.weir("run").code, 1)
        return project

    def test_only_what_failed_and_what_it_blocked_runs(self):
        project = self.failed()
        project.write("views/v1.sql", f"CREATE MATERIALIZED VIEW b AS\n{self.views()['b']};\n")
        project.write("views/v5.sql", "CREATE MATERIALIZED VIEW empty AS SELECT id FROM t WHERE id < -1;\n")
        events, code = self.events(project, "--retry-failed")
        self.assertEqual(code, 0)
        self.assertEqual(events[0]["views"], ["b", "d"])
        self.assertEqual(events[-1]["views"], {"run": 2, "reused": 0, "failed": 0, "blocked": 0})
        self.assertEqual(project.delta("empty").version(), 0)
        outcome = project.weir("run", "--retry-failed")
        self.assertEqual(outcome.code, 2)
        self.assertIn(f"nothing failed in the last run: {project.last_run_id()} succeeded", outcome.stderr)

    def test_what_fails_again_is_retried_again(self):
        project = self.failed()
        for _ in range(2):
            events, code = self.events(project, "--retry-failed")
            self.assertEqual((code, events[0]["views"]), (1, ["b", "d"]))

    def test_views_that_are_gone_are_left_out(self):
        project = self.failed()
        (project.folder / "views/v3.sql").unlink()
        events, _ = self.events(project, "--retry-failed")
        self.assertEqual(events[0]["views"], ["b"])
        (project.folder / "views/v1.sql").unlink()
        outcome = project.weir("run", "--retry-failed")
        self.assertEqual(outcome.code, 2)
        self.assertIn("the project has none of the views any more that failed in the last run", outcome.stderr)

    def test_without_a_run_and_beside_a_selection_it_is_wrong_use(self):
        project = self.project()
        outcome = project.weir("run", "--retry-failed")
        self.assertEqual(outcome.code, 2)
        self.assertIn("there is no run to retry", outcome.stderr)
        self.assertFalse(project.warehouse.joinpath("a").exists())
        self.assertEqual(project.weir("run", "--retry-failed", "--select", "a").code, 2)

    def test_a_first_run_in_which_everything_failed(self):
        project = self.project(views={"b": "SELECT CAST(s AS INT) AS id FROM t", "d": "SELECT id FROM b"})
        self.assertEqual(project.weir("run").code, 1)
        events, code = self.events(project, "--retry-failed")
        self.assertEqual((code, events[0]["views"]), (1, ["b", "d"]))

    def test_after_a_run_of_nothing_nothing_failed(self):
        project = self.project()
        project.run("--select", "a")
        project.run("--select", "a", "--exclude", "a")
        outcome = project.weir("run", "--retry-failed")
        self.assertEqual(outcome.code, 2)
        self.assertIn("nothing failed in the last run", outcome.stderr)

    def test_runs_of_another_project_in_the_warehouse_do_not_count(self):
        project = self.failed()
        other = self.project("other", {"elsewhere": "SELECT 1 AS x"})
        other.write("weir.toml", f'[project]\nname = "other"\nwarehouse = "{project.warehouse}"\n')
        other.run()
        events, _ = self.events(project, "--retry-failed")
        self.assertEqual(events[0]["views"], ["b", "d"])


class TaskTest(WatchingCase):

    def test_one_view_by_its_key(self):
        project = self.project()
        project.run()
        events, code = self.events(project, "--force", "--task", f"view:{ODD}")
        self.assertEqual((code, events[0]["views"]), (0, [ODD]))

    def test_an_unknown_key_is_wrong_use_with_the_nearest(self):
        outcome = self.project().weir("run", "--task", "view:emty")
        self.assertEqual(outcome.code, 2)
        self.assertIn("no task has the key `view:emty`", outcome.stderr)
        self.assertIn("did you mean `view:empty`?", outcome.stderr)
        self.assertEqual(self.project("q").weir("run", "--task", "view:a", "--select", "b").code, 2)


class GraphTest(WatchingCase):

    def longest(self, view: str, seconds: dict[str, float]) -> float:
        readers = [reader for reader, upstream in EDGES.items() if view in upstream]
        return seconds[view] + max((self.longest(reader, seconds) for reader in readers), default=0)

    def test_edges_priorities_and_the_critical_path(self):
        project = self.project()
        project.run()
        graph = project.succeed("graph", "--format", "json").json()
        nodes = {node["view"]: node for node in graph["nodes"]}
        self.assertEqual({view: [key.removeprefix("view:") for key in node["upstream"]] for view, node in nodes.items()}, EDGES)
        for view, node in nodes.items():
            self.assertEqual(node["key"], f"view:{view}")
            for reader in node["downstream"]:
                self.assertIn(view, EDGES[reader.removeprefix("view:")])
        seconds = {row["view_name"]: (row["finished_at"] - row["started_at"]).total_seconds() for row in project.artifact("tasks")}
        self.assertEqual(graph["priority_unit"], "seconds")
        for view, node in nodes.items():
            self.assertAlmostEqual(node["last_seconds"], seconds[view], places=6)
            self.assertAlmostEqual(node["priority"], self.longest(view, seconds), places=6)
        path = [key.removeprefix("view:") for key in graph["critical_path"]]
        self.assertAlmostEqual(sum(seconds[view] for view in path), max(self.longest(view, seconds) for view in EDGES), places=6)
        self.assertEqual({view for view, node in nodes.items() if node["critical"]}, set(path))
        self.assertEqual([s["table"] for s in nodes["a"]["sources"]], ["t"])
        # A reuse is no build: times stay those of the last one.
        project.run()
        again = project.succeed("graph", "--format", "json").json()
        self.assertEqual(again, graph)

    def test_before_the_first_run_views_count(self):
        project = self.project()
        graph = project.succeed("graph", "--format", "json").json()
        self.assertEqual(graph["priority_unit"], "views")
        self.assertEqual(graph["critical_path"], ["view:a", "view:b", "view:d"])
        self.assertEqual({node["last_seconds"] for node in graph["nodes"]}, {None})
        text = project.succeed("graph").stdout
        self.assertIn("critical path: a -> b -> d (3 views; none has been built yet)", text)
        self.assertTrue(project.succeed("graph", "--format", "dot").stdout.startswith("digraph"))

    def test_a_project_that_does_not_compile_has_no_graph(self):
        project = self.project(views={"a": "SELECT nope FROM t"})
        outcome = project.weir("graph")
        self.assertEqual((outcome.code, outcome.stdout), (1, ""))
        self.assertIn("nope", outcome.stderr)


class RecordTest(WatchingCase):

    NEW = ["user_name", "host", "pid", "weir_version", "git_commit", "git_branch", "git_dirty", "os", "cpus", "memory_bytes", "arguments"]

    def git(self, project: Project, *words: str) -> str:
        return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(project.folder), *words], check=True,
                              capture_output=True, text=True).stdout.strip()

    def runs(self, project: Project) -> list[dict]:
        return sorted(project.artifact("runs"), key=lambda row: row["run_id"])

    def test_who_ran_what_where(self):
        project = self.project(toml='[parameters]\nday = { type = "DATE", default = "2024-01-01" }\n')
        with project.start("run", "--set", "day=2024-02-03", "--tag", "t") as process:
            process.communicate()
        run = self.runs(project)[0]
        self.assertEqual(run["user_name"], getpass.getuser())
        self.assertEqual(run["host"], socket.gethostname())
        self.assertEqual(run["pid"], process.pid)
        self.assertEqual(run["cpus"], len(os.sched_getaffinity(0)))
        self.assertEqual(run["memory_bytes"], os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        self.assertIn(os.uname().release, run["os"])
        self.assertEqual(run["weir_version"], subprocess.run([program(), "--version"], capture_output=True, text=True).stdout.split()[-1])
        self.assertEqual(run["arguments"], ["run", "--project", str(project.folder), "--set", "day=…", "--tag", "t"])
        self.assertEqual((run["git_commit"], run["git_branch"], run["git_dirty"]), (None, None, None))

    def test_the_state_of_git(self):
        project = self.project()
        project.write(".gitignore", "warehouse\n.weir\n")
        self.git(project, "init", "-q", "-b", "work/ü")
        self.git(project, "add", "-A")
        self.git(project, "commit", "-qm", "x")
        project.run()
        project.write("views/new.sql", "SELECT 1 AS x")
        project.run()
        clean, dirty = self.runs(project)
        for run in (clean, dirty):
            self.assertEqual((run["git_commit"], run["git_branch"]), (self.git(project, "rev-parse", "HEAD"), "work/ü"))
        self.assertEqual((clean["git_dirty"], dirty["git_dirty"]), (False, True))

    def test_without_git_there_is_no_state(self):
        project = self.project()
        self.git(project, "init", "-q")
        self.assertEqual(project.weir("run", env={**os.environ, "PATH": str(self.scratch)}).code, 0)
        self.assertIsNone(self.runs(project)[0]["git_dirty"])

    def test_an_old_warehouse_gets_the_columns(self):
        project = self.project()
        project.run()
        path = str(project.table_path("_weir/runs"))
        old = deltalake.DeltaTable(path).to_pyarrow_table().drop_columns(self.NEW)
        shutil.rmtree(path)
        deltalake.write_deltalake(path, old)
        project.write("data/t.csv", "id,s,x\n1,a,2\n")
        self.assertEqual(project.run()["state"], "succeeded")
        first, second = self.runs(project)
        self.assertEqual({first[name] for name in self.NEW if name != "arguments"}, {None})
        self.assertIsNone(first["arguments"])
        self.assertEqual(second["user_name"], getpass.getuser())
        for command in (["history"], ["gc", "--dry-run"], ["graph"], ["sql", "SELECT user_name, arguments FROM weir.runs"]):
            project.succeed(*command)


class HooksTest(WatchingCase):

    def noted(self, project: Project, name: str) -> list[dict]:
        path = project.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def test_each_hook_gets_its_event(self):
        project = self.project(toml='''[hooks]
before_run = "cat >> before; echo printed by a hook"
after_view = ["/bin/sh", "-c", "cat >> $0", "views seen"]
after_run = "cat >> after; pwd -P >> where"
on_failure = "cat >> failure"
''')
        events, code = self.events(project)
        self.assertEqual(code, 0)
        (requested,) = self.noted(project, "before")
        self.assertEqual((requested["event"], requested["run_id"], requested["project"]), ("run_requested", events[0]["run_id"], "p"))
        self.assertEqual(self.noted(project, "views seen"), [event for event in events if event["event"] == "view_finished"])
        self.assertEqual(self.noted(project, "after"), [events[-1]])
        self.assertEqual((project.folder / "where").read_text(), f"{project.folder.resolve()}\n")
        self.assertEqual(self.noted(project, "failure"), [])
        # Nothing was built: only the run itself is told.
        project.run()
        self.assertEqual(len(self.noted(project, "views seen")), len(EDGES))
        self.assertEqual(len(self.noted(project, "after")), 2)

    def test_a_failure_is_told(self):
        views = self.views()
        views["b"] = "SELECT CAST(s AS INT) AS id, x FROM a"
        project = self.project(views=views, toml='[hooks]\nafter_view = "cat >> views-seen"\non_failure = "cat >> failure"\n')
        events, code = self.events(project)
        self.assertEqual(code, 1)
        self.assertEqual(self.noted(project, "failure"), [events[-1]])
        seen = {event["view"]: event["state"] for event in self.noted(project, "views-seen")}
        self.assertEqual(seen, {"a": "run", "b": "failed", "c": "run", ODD: "run", "empty": "run"})

    def test_before_run_can_keep_a_run_from_beginning(self):
        project = self.project(toml='[hooks]\nbefore_run = "echo no data >&2; exit 7"\nafter_run = "cat >> after"\n')
        outcome = project.weir("run", "--format", "json")
        self.assertEqual((outcome.code, outcome.stdout), (1, ""))
        self.assertIn("no data\n", outcome.stderr)
        self.assertIn("error[W5007]: hook `before_run` ended with exit code 7: `echo no data >&2; exit 7`\n  --> weir.toml:4:14\n", outcome.stderr)
        self.assertIn("nothing was run", outcome.stderr)
        self.assertFalse(project.warehouse.exists())
        self.assertFalse((project.folder / "after").exists())
        project.write("weir.toml", '[project]\nname = "p"\n')
        self.assertEqual(project.run()["state"], "succeeded")

    def test_what_before_run_brings_is_read(self):
        project = self.project(toml='[hooks]\nbefore_run = "cp new.csv data/t.csv"\n')
        project.write("new.csv", "id,s,x\n1,a,2\n")
        project.run()
        self.assertEqual(project.read("a").to_pylist(), [{"id": 1, "s": "a", "x": 2.0}])

    def test_other_hooks_that_fail_are_warnings(self):
        project = self.project(toml='[hooks]\nafter_view = "exit 3"\nafter_run = ["no-such-program"]\non_failure = "exit 4"\n')
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 0)
        self.assertIn("warning[W5008]: hook `after_view` ended with exit code 3: `exit 3`; so did 5 more calls of it\n  --> weir.toml:4:14", outcome.stderr)
        self.assertIn("warning[W5008]: hook `after_run`: the program `no-such-program` cannot be started: No such file or directory", outcome.stderr)
        self.assertNotIn("on_failure", outcome.stderr)

    def test_a_hook_that_hangs_is_ended(self):
        project = self.project(toml='[hooks]\nafter_run = "sleep 60"\ntimeout_seconds = 1\n')
        begin = time.monotonic()
        outcome = project.weir("run")
        self.assertLess(time.monotonic() - begin, 30)
        self.assertEqual(outcome.code, 0)
        self.assertIn("hook `after_run` took longer than 1 s and was ended", outcome.stderr)
        self.assertIn("`timeout_seconds` in [hooks]", outcome.stderr)

    def test_after_run_may_use_the_warehouse(self):
        project = self.project(toml=f'[hooks]\nafter_run = "{program()} gc --format json > gc.json"\ntimeout_seconds = 60\n')
        outcome = project.weir("run")
        self.assertNotIn("W5008", outcome.stderr)
        self.assertEqual(json.loads((project.folder / "gc.json").read_text())["schema_version"], 1)

    def test_a_cancelled_before_run_ends_the_command(self):
        project = self.project(toml='[hooks]\nbefore_run = "echo begun >&2; sleep 60"\n')
        with project.start("run") as process:
            self.assertEqual(process.stderr.readline(), "begun\n")
            process.terminate()
            process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)

    def test_what_is_wrong_in_weir_toml(self):
        for toml, found in (
                ("[hooks]\nbefore_rum = 'x'", "W1011"),
                ("[hooks]\nafter_run = 3", "error[W1012]: a string (a command of a shell) or an array (a program and its arguments) is wanted"),
                ("[hooks]\nafter_run = ['a', 3]", "W1012"),
                ("[hooks]\nafter_run = []", "error[W1032]: a command is wanted for `after_run`, found ``"),
                ("[hooks]\nafter_run = ' '", "W1032"),
                ("[hooks]\nafter_run = ['', 'x']", "W1032"),
                ("[hooks]\ntimeout_seconds = 0", "error[W1013]: a number from 1 to 86400 is wanted for `timeout_seconds`, found `0`"),
                ("[hooks]\ntimeout_seconds = '5'", "W1012"),
        ):
            with self.subTest(toml):
                outcome = self.project(f"p{abs(hash(toml))}", toml=toml).weir("check")
                self.assertEqual(outcome.code, 1)
                self.assertIn(found, outcome.stderr)
                self.assertIn("--> weir.toml:4", outcome.stderr)


class TraceTest(WatchingCase):

    def test_phases_lie_in_views_and_views_in_the_run(self):
        project = self.project()
        file = self.scratch / "trace.json"
        project.run("--profile-trace", str(file))
        slices = [event for event in json.loads(file.read_text())["traceEvents"] if event["ph"] == "X"]
        (run,) = [event for event in slices if event["cat"] == "run"]
        views = [event for event in slices if event["cat"] == "view"]
        self.assertEqual(sorted(event["name"] for event in views), sorted(EDGES))

        def holds(outer: dict, inner: dict) -> bool:
            return outer["ts"] <= inner["ts"] and inner["ts"] + inner["dur"] <= outer["ts"] + outer["dur"]

        for view in views:
            self.assertTrue(holds(run, view))
            self.assertNotEqual(view["tid"], run["tid"])
            for other in views:
                if other is not view and other["tid"] == view["tid"]:
                    self.assertTrue(view["ts"] + view["dur"] <= other["ts"] or other["ts"] + other["dur"] <= view["ts"])
            phases = [event for event in slices if event["cat"] == "phase" and event["tid"] == view["tid"] and holds(view, event)]
            self.assertEqual([event["name"] for event in phases], ["decide", "write", "commit"])
            self.assertEqual(sum(event["dur"] for event in phases), view["dur"])
            self.assertEqual(view["args"]["rows"], project.read(view["name"]).num_rows)
        names = {event["tid"]: event["args"]["name"] for event in json.loads(file.read_text())["traceEvents"] if event["ph"] == "M"}
        self.assertEqual(set(names), {event["tid"] for event in slices})

    def test_reused_and_failed_views_are_there(self):
        project = self.project()
        project.run()
        project.write("views/v1.sql", "CREATE MATERIALIZED VIEW b AS SELECT CAST(s AS INT) AS id, x FROM a;\n")
        file = self.scratch / "trace.json"
        self.assertEqual(project.weir("run", "--profile-trace", str(file)).code, 1)
        states = {event["name"]: event["args"]["state"] for event in json.loads(file.read_text())["traceEvents"] if event.get("cat") == "view"}
        self.assertEqual(states, {"a": "reused", "b": "failed", "c": "reused", "d": "blocked", ODD: "reused", "empty": "reused"})

    def test_a_file_that_cannot_be_written_ends_it_before_the_run(self):
        project = self.project()
        outcome = project.weir("run", "--profile-trace", str(self.scratch / "no" / "trace.json"))
        self.assertEqual(outcome.code, 3)
        self.assertIn("the trace cannot be written to", outcome.stderr)
        self.assertFalse(project.warehouse.exists())


class WatchTest(WatchingCase):
    """`weir watch`, whose runs are told apart by their events."""

    def start_watching(self, project: Project, *arguments: str) -> subprocess.Popen:
        process = project.start("watch", "--events", *arguments)
        self.lines = {"stdout": queue.Queue(), "stderr": queue.Queue()}
        for name, lines in self.lines.items():
            stream = getattr(process, name)
            reader = threading.Thread(target=lambda stream, lines: [lines.put(line) for line in stream], args=(stream, lines))
            reader.start()
            self.addCleanup(stream.close)
            self.addCleanup(reader.join)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def next_run(self) -> dict:
        """The views that the next run built; rows by view."""
        built = {}
        while True:
            event = json.loads(self.lines["stdout"].get(timeout=60))
            if event["event"] == "view_finished" and event["state"] == "run":
                built[event["view"]] = event["rows"]
            if event["event"] == "run_finished":
                return built

    def test_what_changes_is_built_again(self):
        project = self.project()
        delta = project.folder / "data/d"
        deltalake.write_deltalake(str(delta), pyarrow.table({"id": [1, 2]}))
        project.write("sources/appended.sql", "CREATE EXTERNAL TABLE appended STORED AS DELTATABLE LOCATION 'data/d';")
        project.write("views/of_delta.sql", "SELECT id FROM appended")
        process = self.start_watching(project)
        self.assertEqual(set(self.next_run()), set(EDGES) | {"of_delta"})
        deltalake.write_deltalake(str(delta), pyarrow.table({"id": [3]}), mode="append")
        self.assertEqual(self.next_run(), {"of_delta": 3})
        project.write("views/v5.sql", "CREATE MATERIALIZED VIEW empty AS SELECT id FROM t WHERE id < 2;\n")
        self.assertEqual(self.next_run(), {"empty": 2})
        project.write("views/new.sql", "SELECT 1 AS x")
        self.assertEqual(self.next_run(), {"new": 1})
        project.write("data/t.csv", ROWS + "1000,z,1\n")
        self.assertIn("a", self.next_run())
        process.terminate()
        self.assertEqual(process.wait(30), 130)

    def test_an_error_is_reported_and_the_next_change_tried(self):
        project = self.project()
        self.start_watching(project, "--select", "empty")
        self.assertEqual(set(self.next_run()), {"empty"})
        good = (project.folder / "views/v5.sql").read_text()
        project.write("views/v5.sql", "SELECT nope FROM t;\n")
        while "nope" not in self.lines["stderr"].get(timeout=60):
            pass
        project.write("views/v5.sql", good.replace("id < 0", "id = 7"))
        self.assertEqual(self.next_run(), {"empty": 1})

    def test_nothing_runs_where_nothing_changes(self):
        project = self.project()
        self.start_watching(project)
        self.next_run()
        project.write("notes.txt", "x")
        (project.folder / "views/.hidden.sql").write_text("SELECT")
        time.sleep(2)
        self.assertTrue(self.lines["stdout"].empty())
        self.assertEqual(len(project.log_files("_weir/runs")), 1)

    def test_wrong_use_ends_it(self):
        self.assertEqual(self.project().weir("watch", "--select", "nope").code, 2)


if __name__ == "__main__":
    unittest.main()
