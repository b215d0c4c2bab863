# SPDX-License-Identifier: Apache-2.0
"""The log: what it says of a run, in which form, where it goes, and what stays as it is without it.

The oracles: Python's reader of JSON, the tables as another reader finds them, a server that counts how often it refuses.
"""

import dataclasses
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

from http_proxy import Proxy, Request, Response
from store_project import StoreProject
from store_servers import serve_s3
from weir_project import Outcome, Project, ProjectCase, obey_permissions, program

LEVELS = ["trace", "debug", "info", "warn", "error"]
BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (TRACE|DEBUG|INFO|WARN|ERROR) \S")


def records(text: str) -> list[dict]:
    """Every line, each of which must be a record."""
    found = []
    for line in text.removesuffix("\n").split("\n") if text else []:
        record = json.loads(line)
        assert isinstance(record, dict), line
        assert list(record)[:3] == ["time", "level", "message"], line
        assert record["level"] in LEVELS, line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"]), line
        assert isinstance(record["message"], str), line
        found.append(record)
    return found


def only(found: list[dict], message: str) -> list[dict]:
    return [record for record in found if record["message"] == message]


class LogsCase(ProjectCase):
    def project(self, toml: str = "", **views: str) -> Project:
        project = Project(self.scratch / f"p{len(list(self.scratch.iterdir()))}")
        project.write("weir.toml", '[project]\nname = "p"\nwarehouse = "warehouse"\n' + toml)
        project.write("sources/t.sql", "CREATE EXTERNAL TABLE t (id INT, s VARCHAR) STORED AS CSV LOCATION 'data/t.csv';\n")
        project.write("data/t.csv", "id,s\n" + "".join(f"{n},text {n}\n" for n in range(50)))
        for name, query in (views or {"a": "SELECT id, s FROM t", "b": "SELECT count(*) AS n FROM a"}).items():
            project.write(f"views/{name}.sql", query + "\n")
        return project

    def logged(self, project: Project, *arguments: str, code: int = 0, options=("--log-format", "json"), **more) -> list[dict]:
        outcome = project.weir(*arguments, *options, **more)
        self.assertEqual(outcome.code, code, outcome.text)
        return records(outcome.stderr)


class RunTest(LogsCase):
    def test_a_run_is_told_with_its_views_and_commits(self):
        project = self.project()
        began = datetime.datetime.now(datetime.timezone.utc)
        found = self.logged(project, "run", "--tag", "nightly")
        ended = datetime.datetime.now(datetime.timezone.utc)
        run_id = project.last_run_id()
        times = [record["time"] for record in found]
        for time_text in times:
            self.assertLessEqual(began - datetime.timedelta(seconds=1), datetime.datetime.fromisoformat(time_text))
            self.assertLessEqual(datetime.datetime.fromisoformat(time_text), ended)
        of_run = [record for record in found if "target" not in record]
        self.assertEqual({record["run_id"] for record in of_run}, {run_id})
        self.assertEqual({record["level"] for record in of_run}, {"info"})
        [first], [last] = only(found, "a run began"), only(found, "a run ended")
        self.assertEqual((first["project"], first["profile"], first["tag"], first["views"]), ("p", "default", "nightly", 2))
        self.assertEqual((last["state"], last["run"], last["reused"], last["failed"], last["blocked"], last["published_run_id"]),
                         ("succeeded", 2, 0, 0, 0, run_id))
        self.assertEqual([record["view"] for record in only(found, "a view is being built")], ["a", "b"])
        built = {record["view"]: record for record in only(found, "a view was built")}
        commits = {record["table"]: record for record in only(found, "a commit was made")}
        self.assertEqual(set(built), {"a", "b"})
        for view, record in built.items():
            table = project.delta(view)
            sizes = [os.path.getsize(uri.removeprefix("file://")) for uri in table.file_uris()]
            self.assertEqual((record["rows"], record["version"], record["files"], record["bytes_written"], record["reason_code"]),
                             (table.to_pyarrow_table().num_rows, 0, len(sizes), sum(sizes), "never_built"))
            self.assertGreater(record["seconds"], 0)
            commit = commits[f"file://{project.warehouse}/{view}/"]
            self.assertEqual((commit["version"], commit["files"], commit["bytes"], commit["operation"]), (0, len(sizes), sum(sizes), "overwrite"))
        self.assertEqual(len(commits), 2)
        self.assertEqual((len(only(found, "the warehouse is taken")), len(only(found, "the warehouse is given back"))), (1, 1))
        self.assertFalse(only(found, "the warehouse is taken")[0]["waited"])
        order = [record["message"] for record in found]
        self.assertLess(order.index("the warehouse is taken"), order.index("a run began"))
        self.assertLess(order.index("the warehouse is given back"), order.index("a run ended"))

    def test_a_second_run_says_what_is_reused_and_why(self):
        project = self.project()
        project.run()
        found = self.logged(project, "run", options=("--log-format", "json", "--log-level", "debug"))
        self.assertEqual({record["view"] for record in only(found, "a view was reused")}, {"a", "b"})
        decided = only(found, "a view was decided")
        self.assertEqual([(record["level"], record["action"], record["reason_code"]) for record in decided], [("debug", "reuse", "unchanged")] * 2)
        self.assertEqual(only(found, "a view was built"), [])

    def test_failures_and_warnings_have_code_and_place(self):
        project = self.project(
            a="SELECT id, CAST(s AS INT) AS n FROM t", b="SELECT * FROM a",
            c="CREATE MATERIALIZED VIEW c (CONSTRAINT few EXPECT (id < 10)) AS SELECT id FROM t")
        found = self.logged(project, "run", code=1)
        [error] = [record for record in found if record["level"] == "error"]
        self.assertEqual((error["code"], error["view"], error["blame"]), ("W5001", "a", "user"))
        self.assertRegex(error["place"], r"^views/a\.sql:1:\d+$")
        self.assertIn("text 0", error["message"])
        self.assertIn("TRY_CAST", error["hint"])
        [warning] = [record for record in found if record["level"] == "warn"]
        self.assertEqual((warning["code"], warning["view"]), ("W5002", "c"))
        self.assertIn("40 of 50 rows", warning["message"])
        [failed] = only(found, "a view failed")
        self.assertEqual((failed["level"], failed["view"], failed["code"]), ("info", "a", "W5001"))
        self.assertEqual([record["view"] for record in only(found, "a view was blocked")], ["b"])
        self.assertEqual(only(found, "a run ended")[0]["state"], "failed")
        # The same as text has the same codes.
        self.assertEqual(re.findall(r"^(?:error|warning)\[(\w+)\]", project.weir("run", "--force").stderr, re.M), ["W5002", "W5001"])

    def test_a_view_that_takes_too_long_is_W5011(self):
        project = self.project(slow="SELECT a.id FROM t a CROSS JOIN t b CROSS JOIN t c CROSS JOIN t d CROSS JOIN t e WHERE a.id * b.id % 1009 <> c.id * d.id + e.id",
                               toml='[profiles.default]\nview_timeout = "200ms"\n')
        found = self.logged(project, "run", code=1)
        self.assertEqual(only(found, "a view failed")[0]["code"], "W5011")
        self.assertEqual([record["code"] for record in found if record["level"] == "error"], ["W5011"])

    def test_hooks_speak_in_records_and_are_recorded(self):
        forged = """printf '{"level": "\\033[1m\\377\\n'; exit 3"""
        project = self.project(toml='[hooks]\nafter_view = "echo seen; echo problem >&2; printf end"\n' + f"after_run = '''{forged}'''\n")
        found = self.logged(project, "run")
        said = [record["message"] for record in found if record.get("hook") == "after_view" and record["message"] != "a hook was called"]
        self.assertEqual(said, ["seen", "problem", "end"] * 2)
        self.assertEqual([record["succeeded"] for record in only(found, "a hook was called") if record["hook"] == "after_view"], [True] * 2)
        self.assertEqual([record["succeeded"] for record in only(found, "a hook was called") if record["hook"] == "after_run"], [False])
        self.assertEqual([record["code"] for record in found if record["level"] == "warn"], ["W5008"])
        # Where stderr is not the log's, they write to it.
        project.write("weir.toml", (project.folder / "weir.toml").read_text().split("after_run")[0])
        self.assertIn("seen\nproblem\n", project.weir("run", "--force", "--log-file", str(self.scratch / "log")).stderr)

    def test_what_was_killed_is_taken_over(self):
        project = self.project(a="SELECT id FROM t",
                               slow="SELECT a.id FROM a CROSS JOIN t b CROSS JOIN t c CROSS JOIN t d CROSS JOIN t e WHERE a.id * b.id % 1009 <> c.id * d.id + e.id")
        with project.start("run") as process:
            deadline = time.monotonic() + 60
            while not project.log_files("a"):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            process.kill()
            process.communicate()
        project.write("views/slow.sql", "SELECT 1 AS one\n")
        found = self.logged(project, "run")
        self.assertEqual(len(only(found, "a run that is gone holds the warehouse, its place is taken")), 1)
        self.assertEqual(len(only(found, "a run was cut off, looking for what it left half written")), 1)

    def test_an_interrupted_run_is_json_to_its_end(self):
        project = self.project(slow="SELECT a.id FROM t a CROSS JOIN t b CROSS JOIN t c CROSS JOIN t d CROSS JOIN t e WHERE a.id * b.id % 1009 <> c.id * d.id + e.id")
        with project.start("run", "--log-format", "json") as process:
            lines = []
            while not lines or "being built" not in lines[-1]:
                lines.append(process.stderr.readline())
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        found = records("".join(lines) + stderr)
        self.assertTrue(any(record["message"].startswith("interrupted: ") for record in found))
        self.assertEqual(only(found, "a run ended")[0]["state"], "cancelled")
        self.assertIn("cancelled: ", stdout)

    def test_gc_says_what_it_removes(self):
        project = self.project(toml="[retention]\nruns = 0\ndays = 0\nremoved_views_days = 0\n")
        project.run()
        project.run("--force")
        before = {path for path in project.all_files() if path.startswith("a/part") or path.startswith("b/part")}
        found = self.logged(project, "gc", "--format", "table")
        removed = {f"{record['table']}/{record['path']}" for record in only(found, "the warehouse was kept") if record["table"] in "ab" and record["path"].endswith(".parquet")}
        after = {path for path in project.all_files() if path.startswith("a/part") or path.startswith("b/part")}
        self.assertTrue(removed)
        self.assertEqual(removed, before - after)


class FormTest(LogsCase):
    def test_every_command_and_mistake_is_json(self):
        project = self.project(c="SELECT id FROM t")
        project.write("tests/wrong.sql", "SELECT * FROM c\n")
        project.write("tests/broken.sql", "SELECT nothing FROM c\n")
        commands = [
            (0, ["check"]), (0, ["plan"]), (0, ["run"]), (1, ["test"]), (0, ["sql", "SELECT * FROM c"]), (1, ["sql", "SELECT x FROM c"]),
            (1, ["sql", "SELECT\nid ;;; FROM"]), (0, ["replay", "last"]), (0, ["gc"]), (2, ["explain", "nothing"]), (2, ["history", "--limit", "x"]),
            (2, ["run", "--nope"]), (2, ["run", "--select", "missing"]), (2, ["run", "--select"]), (2, ["run", "--format", "yaml"]), (2, ["run", "more"]),
            (2, ["run", "--log-level", "loud"]), (2, ["run", "--log-level"]), (2, ["nope"]), (2, ["--select", "run"]), (2, ["run", "--profile", "night"]),
            (2, ["run", "--defer-to", "x"]), (2, ["run", "--retry-failed"]), (2, ["explain"]), (2, ["sql", "--output", "x.unknown", "SELECT 1"]),
        ]
        for code, arguments in commands:
            with self.subTest(arguments=arguments):
                found = self.logged(project, *arguments, code=code) if arguments[0].isalpha() else self.wrong(project, *arguments)
                errors = [record for record in found if record["level"] == "error"]
                if arguments != ["test"]:  # which prints what failed to stdout
                    self.assertEqual(len(errors) > 0, code != 0, found)
        project.write("views/x.sql", "SELECT nothing FROM t, a b c\n")
        project.write("views/y.sql", "SELECT nope FROM t\n")
        for command in ("check", "run", "plan"):
            found = self.logged(project, command, code=1)
            self.assertTrue(all(re.fullmatch(r"W\d{4}", record["code"]) for record in found if record["level"] == "error"), found)
            self.assertIn("views/y.sql:1:8", {record.get("place") for record in found})
        self.assertEqual(len(self.logged(Project(self.scratch / "nowhere"), "run", code=2)), 1)

    def wrong(self, project: Project, *arguments: str) -> list[dict]:
        ended = subprocess.run([program(), *arguments, "--log-format=json"], capture_output=True, text=True, cwd=project.folder, check=False)
        self.assertEqual(ended.returncode, 2)
        return records(ended.stderr)

    def test_names_and_rows_that_are_hostile(self):
        name = 'odd "+ {} name*, ü😀'
        project = self.project(plain="SELECT id FROM t")
        project.write("views/odd.sql", 'CREATE MATERIALIZED VIEW "' + name.replace('"', '""') + '" AS SELECT CAST(s AS INT) AS n FROM t\n')
        project.write("data/t.csv", 'id,s\n1,"a ""quoted""\n\x07\x1b[31m line"\n')
        found = self.logged(project, "run", code=1, options=("--log-format", "json", "--log-level", "trace"))
        [failed] = only(found, "a view failed")
        self.assertEqual(failed["view"], name)
        outcome = project.weir("run", "--force", "--log-level", "trace")
        for line in outcome.stderr.splitlines():
            self.assertRegex(line, TEXT_LINE)
            self.assertIsNone(re.search(r"[\x00-\x1f\x7f-\x9f]", line), line)

    def test_levels_filter(self):
        project = self.project(a="SELECT CAST(s AS INT) AS n FROM t", b="SELECT id FROM t")
        counts = []
        for number, level in enumerate(LEVELS):
            found = self.logged(project, "run", code=1, options=("--log-format", "json", "--log-level", level))
            self.assertLessEqual({record["level"] for record in found}, set(LEVELS[number:]))
            counts.append(len(found))
            # The engine speaks at the lower levels, and says who does.
            targets = {record["target"].split("::")[0].split("_")[0] for record in found if "target" in record}
            if level in ("trace", "debug"):
                self.assertIn("datafusion", targets)
                self.assertIn(level, {record["level"] for record in found})
            self.assertLessEqual(targets, {"datafusion", "deltalake", "delta", "buoyant", "object"})
        # Each run reads a longer log than the one before it.
        self.assertGreater(min(counts[:2]), counts[2])
        self.assertGreater(counts[2], counts[4])
        self.assertEqual(counts[4], 1)

    def test_text_lines(self):
        project = self.project()
        outcome = project.weir("run", "--log-level", "info")
        for line in outcome.stderr.splitlines():
            self.assertRegex(line, TEXT_LINE)
        built = re.search(r" INFO a view was built (.*view=b .*)$", outcome.stderr, re.M)[1]
        self.assertIn(" rows=1 ", built)
        self.assertIn(" reason_code=never_built ", built)
        self.assertIn("succeeded: 2 run", outcome.stdout)

    def test_a_terminal_gets_lines_alone(self):
        text = self.project().run_on_terminal("--log-level", "debug")
        self.assertNotIn("\x1b", text)
        for line in text.removesuffix("\r\n").split("\r\n"):
            self.assertRegex(line, TEXT_LINE)
            self.assertNotIn("\r", line)


class PlaceTest(LogsCase):
    def test_what_is_printed_stays_as_it_is(self):
        def same(outcome: Outcome) -> tuple:
            text = re.sub(re.escape(str(self.scratch)) + r"/p\d+|\d{8}T\d{6}\.\d{6}Z-\w+|\d+\.\d\d s|\d+(\.\d+)? [kM]?B", "…", outcome.text)
            return outcome.code, sorted(text.splitlines())

        log = self.scratch / "log"
        for views in ({"a": "SELECT id FROM t", "b": "SELECT count(*) AS n FROM a"}, {"a": "SELECT CAST(s AS INT) AS n FROM t"}, {"a": "SELECT nope FROM t"}):
            plain, other = self.project(**views), self.project(**views)
            for arguments in (["run"], ["check"], ["run", "--nope"]):
                expected = plain.weir(*arguments)
                for line in expected.stderr.splitlines():
                    self.assertNotRegex(line, TEXT_LINE)
                self.assertEqual(same(other.weir(*arguments, "--log-level", "trace", "--log-file", str(log))), same(expected))
                if arguments != ["run"]:
                    self.assertEqual(same(plain.weir(*arguments, "--log-level", "off", "--log-format", "json")), same(expected))
        self.assertGreater(log.stat().st_size, 0)

    def test_a_file_is_appended_to(self):
        project = self.project()
        log = self.scratch / "weir.log"
        for number in (1, 2, 3):
            outcome = project.weir("run", "--log-file", str(log), "--log-format", "json")
            self.assertEqual(outcome.code, 0)
            found = records(log.read_text())
            self.assertEqual(len({record["run_id"] for record in only(found, "a run ended")}), number)
        self.assertEqual(len(only(found, "a view was built")), 2)
        self.assertNotIn("a run ended", outcome.stderr)
        text = self.scratch / "text.log"
        self.assertEqual(project.weir("check", "--log-file", str(text), "--log-level", "debug").code, 0)
        for line in text.read_text().splitlines():
            self.assertRegex(line, TEXT_LINE)

    def test_a_file_that_cannot_be_written_is_said_before_anything_runs(self):
        locked = self.scratch / "locked"
        locked.mkdir(mode=0o500)
        for path in (self.scratch / "no" / "weir.log", self.scratch, locked / "weir.log"):
            project = self.project()
            outcome = project.weir("run", "--log-file", str(path), preexec_fn=obey_permissions)
            self.assertEqual(outcome.code, 3, outcome.text)
            self.assertRegex(outcome.stderr, rf"^error: the log `{re.escape(str(path))}` cannot be written: [^\n]+\n$")
            self.assertEqual(outcome.stdout, "")
            self.assertFalse(project.warehouse.exists())
            self.assertFalse((project.folder / ".weir").exists())

    def test_a_disk_that_is_full_keeps_no_run_from_its_end(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        outcome = self.project().weir("run", "--log-file", "/dev/full", "--log-level", "trace")
        self.assertEqual(outcome.code, 0, outcome.text)
        self.assertEqual(outcome.stderr.count("the log cannot be written any more"), 1, outcome.stderr)

    def test_the_environment_says_the_same(self):
        project = self.project()

        def with_variables(*arguments: str, **variables: str) -> Outcome:
            return project.weir(*arguments, env={**os.environ, **variables})

        log = self.scratch / "weir.log"
        self.assertTrue(only(records(with_variables("run", WEIR_LOG_FORMAT="json").stderr), "a run ended"))
        self.assertRegex(with_variables("run", WEIR_LOG_LEVEL="info").stderr, TEXT_LINE)
        outcome = with_variables("run", WEIR_LOG_FORMAT="json", WEIR_LOG_FILE=str(log), WEIR_LOG_LEVEL="debug")
        self.assertNotIn("a run ended", outcome.stderr)
        self.assertIn("debug", {record["level"] for record in records(log.read_text())})
        # Options come first; what is empty is not set.
        self.assertEqual(with_variables("check", "--log-level=off", WEIR_LOG_FORMAT="json").stderr, "")
        self.assertTrue(records(with_variables("run", "--log-format", "json", WEIR_LOG_FORMAT="text", WEIR_LOG_LEVEL="").stderr))
        for variable, value, hint in (("WEIR_LOG_LEVEL", "inf", "did you mean `info`?"), ("WEIR_LOG_FORMAT", "yaml", "")):
            outcome = with_variables("run", **{variable: value})
            self.assertEqual(outcome.code, 2, outcome.text)
            self.assertRegex(outcome.stderr, rf"^error: .* or \w+ is wanted for the variable `{variable}`, found `{value}`\n")
            self.assertIn(hint, outcome.stderr)
        outcome = project.weir("run", "--log-level", "inf")
        self.assertEqual((outcome.code, outcome.stderr.splitlines()),
                         (2, ["error: trace, debug, info, warn, error or off is wanted for `--log-level`, found `inf`", "  hint: did you mean `info`?"]))


class RefusesFirst(Proxy):
    """A store that is busy when it is asked first."""

    left = 0
    refused = 0

    async def answer(self, request: Request) -> Response:
        if self.left > 0:
            self.left -= 1
            self.refused += 1
            return Response(503, "Slow Down", [("content-type", "application/xml")], BUSY)
        return await self.forward(request)


class EngineTest(ProjectCase):
    def test_retries_of_a_store_are_seen(self):
        store = serve_s3(self)
        proxy = RefusesFirst(self, store.options["aws_endpoint"])
        project = StoreProject(self.scratch / "project", dataclasses.replace(store, options=store.options | {"aws_endpoint": proxy.url}))
        project.write_all()
        project.put_orders([(1, 1, 10), (2, 2, 20)])
        proxy.left = 3
        outcome = project.weir("run", "--log-format", "json")
        self.assertEqual((outcome.code, proxy.refused), (0, 3), outcome.text)
        retries = [record for record in records(outcome.stderr) if record.get("target", "").startswith("object_store::")]
        self.assertEqual(len([record for record in retries if "503" in record["message"] and "backing off" in record["message"]]), 3, outcome.stderr)
        self.assertEqual({record["level"] for record in retries}, {"info"})
        proxy.left = 3
        outcome = project.weir("run")
        self.assertEqual((outcome.code, proxy.refused), (0, 6), outcome.text)
        self.assertNotIn("backing off", outcome.stderr)
        # At the lowest level, too, no secret is shown: StoreProject looks.
        self.assertTrue(records(project.weir("run", "--force", "--log-format", "json", "--log-level", "trace").stderr))
        self.assertEqual(project.places_of_secrets(), [])


if __name__ == "__main__":
    unittest.main()
