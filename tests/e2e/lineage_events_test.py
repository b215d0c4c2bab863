# SPDX-License-Identifier: Apache-2.0
"""What runs tell other programs: OpenLineage's events to a file and an endpoint, `explain --analyze`, `history`.

The oracles are the classes of OpenLineage's Python client, the tables as another reader finds them, and DuckDB for rows of operators.
"""

import json
import os
import re
import unittest
import urllib.parse

import attr
import duckdb
from openlineage.client import event_v2
from openlineage.client.generated import (column_lineage_dataset, dataset_version_dataset, error_message_run, input_statistics_input_dataset,
                                          job_type_job, output_statistics_output_dataset, parent_run, processing_engine_run, schema_dataset,
                                          sql_job)
from outside_case import ROWS, VIEWS, Authority, Collector, OutsideCase
from weir_project import Project

FACETS = {
    "schema": schema_dataset.SchemaDatasetFacet, "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet,
    "version": dataset_version_dataset.DatasetVersionDatasetFacet, "sql": sql_job.SQLJobFacet, "jobType": job_type_job.JobTypeJobFacet,
    "parent": parent_run.ParentRunFacet, "errorMessage": error_message_run.ErrorMessageRunFacet,
    "processing_engine": processing_engine_run.ProcessingEngineRunFacet,
    "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}
PARTS = {"parent": {"run": parent_run.Run, "job": parent_run.Job}}


def check_facet(name: str, facet: dict) -> None:
    cls = FACETS[name]
    values = {key: value for key, value in facet.items() if not key.startswith("_")}
    for key, part in PARTS.get(name, {}).items():
        values[key] = part(**values[key])
    unknown = set(values) - {field.name for field in attr.fields(cls)}
    assert not unknown, (name, unknown)
    assert facet["_schemaURL"] == cls(**values)._get_schema(), (facet["_schemaURL"], cls(**values)._get_schema())
    assert facet["_producer"].startswith("urn:weir:")


def check_event(event: dict) -> None:
    """Makes the client's classes of an event and of all its facets."""
    assert event["schemaURL"] == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
    for facets in [event["run"]["facets"], event["job"]["facets"]] + [
            dataset.get(kind, {}) for dataset in event["inputs"] + event["outputs"] for kind in ("facets", "inputFacets", "outputFacets")]:
        for name, facet in facets.items():
            check_facet(name, facet)
    event_v2.RunEvent(
        eventTime=event["eventTime"], producer=event["producer"], eventType=event_v2.RunState[event["eventType"]],
        run=event_v2.Run(runId=event["run"]["runId"], facets={}), job=event_v2.Job(event["job"]["namespace"], event["job"]["name"]),
        inputs=[event_v2.InputDataset(d["namespace"], d["name"]) for d in event["inputs"]],
        outputs=[event_v2.OutputDataset(d["namespace"], d["name"]) for d in event["outputs"]])


class OpenLineageTest(OutsideCase):

    def events(self, project: Project) -> list[dict]:
        events = [json.loads(line) for line in (project.folder / "events.jsonl").read_text().splitlines()]
        for event in events:
            check_event(event)
        return events

    def test_a_run_and_each_view_start_and_complete(self):
        project = self.project('[openlineage]\nfile = "events.jsonl"\n')
        run_id = project.run()["run_id"]
        events = self.events(project)
        self.assertEqual([(event["job"]["name"], event["eventType"]) for event in events],
                         [("shop", "START"), ("a b", "START"), ("a b", "COMPLETE"), ("sums", "START"), ("sums", "COMPLETE"), ("shop", "COMPLETE")])
        self.assertEqual({event["job"]["namespace"] for event in events}, {"shop"})
        by_job: dict[str, set] = {}
        for event in events:
            by_job.setdefault(event["job"]["name"], set()).add(event["run"]["runId"])
        self.assertEqual({len(ids) for ids in by_job.values()}, {1})
        (run_uuid,) = by_job["shop"]
        for event in events[1:-1]:
            self.assertEqual(event["run"]["facets"]["parent"]["run"]["runId"], run_uuid)
        spans = [row for row in project.artifact("spans") if row["run_id"] == run_id]
        self.assertEqual({row["trace_id"] for row in spans}, {run_uuid.replace("-", "")})
        # As the command says of the same build, but for what only the run knows.
        told = {event["job"]["name"]: event for event in map(json.loads, project.succeed(
            "lineage", "--format", "openlineage", "--event", "run").stdout.splitlines())}
        for event in events:
            if event["eventType"] != "COMPLETE" or event["job"]["name"] == "shop":
                continue
            name = event["job"]["name"]
            self.assertEqual(event["run"]["runId"], told[name]["run"]["runId"])
            self.assertEqual(event["job"], told[name]["job"])
            (output,) = event["outputs"]
            table = project.delta(name)
            self.assertEqual(output["name"], str(project.table_path(name)))
            self.assertEqual(output["facets"]["version"]["datasetVersion"], str(table.version()))
            self.assertEqual(output["facets"]["columnLineage"]["fields"], told[name]["outputs"][0]["facets"]["columnLineage"]["fields"])
            statistics = output["outputFacets"]["outputStatistics"]
            self.assertEqual(statistics["rowCount"], table.to_pyarrow_table().num_rows)
            self.assertEqual(statistics["fileCount"], len(table.file_uris()))
            self.assertEqual(statistics["size"], sum(os.path.getsize(path.removeprefix("file://")) for path in map(urllib.parse.unquote, table.file_uris())))
        (read,) = next(event for event in events if event["job"]["name"] == "sums" and event["eventType"] == "COMPLETE")["inputs"]
        self.assertEqual(read["facets"]["version"]["datasetVersion"], "0")
        self.assertEqual(read["inputFacets"]["inputStatistics"]["rowCount"], project.read("a b").num_rows)
        project.run()
        self.assertEqual([event["job"]["name"] for event in self.events(project)[len(events):]], ["shop", "shop"], "what is reused does not run")

    def test_failures_say_why(self):
        project = self.project('[openlineage]\nfile = "events.jsonl"\n', VIEWS | {"sums": 'SELECT CAST(s AS INT) AS n FROM "a b"', "more": "SELECT n FROM sums"})
        self.assertEqual(project.weir("run").code, 1)
        events = {(event["job"]["name"], event["eventType"]): event for event in self.events(project)}
        self.assertEqual(set(events), {("shop", "START"), ("a b", "START"), ("a b", "COMPLETE"), ("sums", "START"), ("sums", "FAIL"), ("shop", "FAIL")})
        self.assertIn("t2", events["sums", "FAIL"]["run"]["facets"]["errorMessage"]["message"])
        self.assertIn("view `sums` failed", events["shop", "FAIL"]["run"]["facets"]["errorMessage"]["message"])
        self.assertNotIn("outputFacets", events["sums", "FAIL"]["outputs"][0])

    def test_an_endpoint_gets_them_with_headers_from_the_environment(self):
        collector = Collector(self, 201)
        project = self.project(f'[openlineage]\nurl = "{collector.url}/api/v1/lineage?x=1"\nfile = "events.jsonl"\n'
                               '[openlineage.headers]\nAuthorization = "Bearer ${TOKEN}"\n')
        outcome = project.weir("run", env={**os.environ, "TOKEN": "s3cret"})
        self.assertEqual(outcome.code, 0, outcome.text)
        self.assertEqual([body for _, _, body in collector.requests], self.events(project))
        for path, headers, _ in collector.requests:
            self.assertEqual((path, headers["authorization"], headers["content-type"]), ("/api/v1/lineage?x=1", "Bearer s3cret", "application/json"))
        self.assertNotIn("W5009", outcome.stderr)
        for table in ("runs", "settings", "statements", "diagnostics"):
            if project.table_path(f"_weir/{table}").exists():
                self.assertNotIn("s3cret", str(project.artifact(table)))
        self.assertEqual(project.weir("check").code, 1, "the variable is not set")

    def test_endpoints_have_certificates(self):
        authority = Authority(self.scratch)
        collector = Collector(self, 201, authority)
        project = self.project(f'[openlineage]\nurl = "{collector.url}/api/v1/lineage"\nfile = "events.jsonl"\n')
        outcome = project.weir("run", env={**os.environ, "SSL_CERT_FILE": str(authority.file)})
        self.assertEqual(outcome.code, 0)
        self.assertNotIn("W5009", outcome.stderr)
        self.assertEqual([body for _, _, body in collector.requests], self.events(project))
        told = len(collector.requests)
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 0)
        self.assertRegex(outcome.stderr, r"warning\[W5009\]: .*`https://127.0.0.1:\d+` did not take it: invalid peer certificate")
        self.assertIn("SSL_CERT_FILE", outcome.stderr)
        self.assertEqual(len(collector.requests), told)

    def test_an_endpoint_that_fails_is_a_warning(self):
        refusing = Collector(self, 503)
        views = {f"v{n}": f"SELECT {n} AS x" for n in range(6)}
        outcome = self.project(f'[openlineage]\nurl = "{refusing.url}/"\n', views).weir("run")
        self.assertEqual(outcome.code, 0)
        self.assertRegex(outcome.stderr, r"warning\[W5009\]: an OpenLineage event could not be delivered: `http://127.0.0.1:\d+` did not take it: it "
                                         r"answered `503 Service Unavailable`; nor could 13 more\n  --> weir.toml:3")
        self.assertEqual(len(refusing.requests), 3, "a server that is gone is not waited for again and again")
        refusing.server.server_close()
        outcome = self.project(f'[openlineage]\nurl = "{refusing.url}/"\n', views, "q").weir("run")
        self.assertEqual(outcome.code, 0)
        self.assertEqual(outcome.stderr.count("W5009"), 1)

    def test_a_file_that_cannot_be_written_is_a_warning(self):
        outcome = self.project('[openlineage]\nfile = "no/such/events.jsonl"\n').weir("run")
        self.assertEqual(outcome.code, 0)
        self.assertRegex(outcome.stderr, r"warning\[W5009\]: .*no/such/events.jsonl` cannot be written: No such file or directory")

    def test_what_is_wrong_in_weir_toml(self):
        for number, (toml, found) in enumerate((
                ("url = 'https://ada:s3cret@host/x'", "found one with a name before its host"),
                ("url = 'host:5000'", "error[W1033]: a URL such as `http://localhost:5000/api/v1/lineage` is wanted for `url`, found `host:5000`"),
                ("url = 'http:///x'", "W1033"),
                ("url = 'http://ada:s3cret@host/x'", "found one with a name before its host"),
                ("file = ''", "W1013"),
                ("file = 's3://bucket/x'", "`url` takes an endpoint"),
                ("fiel = 'x'", "W1011"),
                ("headers = 3", "W1012"),
                ("headers = { \"a b\" = 'x' }", "error[W1033]: a header of a request on one line is wanted, found `a b`"),
                ("headers = { a = \"x\\ny\" }", "W1033"),
                ("timeout_seconds = 0", "W1013"),
        )):
            with self.subTest(toml):
                outcome = self.project(f"[openlineage]\n{toml}\n", name=f"p{number}").weir("check")
                self.assertEqual(outcome.code, 1)
                self.assertIn(found, outcome.stderr)
                self.assertNotIn("s3cret", outcome.text)


class AnalyzeTest(OutsideCase):

    def test_operators_have_the_rows_that_another_engine_counts(self):
        project = self.project()
        run_id = project.run()["run_id"]
        analyzed = project.succeed("explain", "a b", "--analyze", "--format", "json").json()
        self.assertEqual((analyzed["view"], analyzed["run_id"], analyzed["rows"]), ("a b", run_id, project.read("a b").num_rows))
        counted = duckdb.sql(f"SELECT count(*) FROM read_csv('{project.folder}/data/t.csv') WHERE id >= 10").fetchall()[0][0]
        operators = analyzed["operators"]
        self.assertEqual(operators[0]["rows"], counted)
        self.assertEqual([one["depth"] for one in operators][:1], [0])
        self.assertEqual(operators[-1]["scanned_bytes"], os.path.getsize(project.folder / "data/t.csv"))
        self.assertTrue(any(one["operator"].startswith("FilterExec: id") for one in operators), operators)
        text = project.succeed("explain", "sums", "--analyze").stdout
        self.assertIn(f"built by run {run_id}", text)
        self.assertRegex(text, r"(?m)^ +AggregateExec: mode=")

    def test_a_run_can_be_named(self):
        project = self.project()
        first = project.run()["run_id"]
        project.write("data/t.csv", ROWS + "300,x,1\n")
        second = project.run()["run_id"]
        rows = {run: project.succeed("explain", "a b", "--run", run, "--format", "json").json()["rows"] for run in (first, second)}
        self.assertEqual(rows[second], rows[first] + 1)
        self.assertEqual(project.succeed("explain", "a b", "--analyze", "--format", "json").json()["run_id"], second)

    def test_what_was_not_built_has_nothing_to_show(self):
        project = self.project()
        outcome = project.weir("explain", "sums", "--analyze")
        self.assertEqual(outcome.code, 2)
        self.assertIn("no run has built the view `sums`", outcome.stderr)
        project.run()
        outcome = project.weir("explain", "sums", "--analyze", "--run", "nope")
        self.assertEqual(outcome.code, 2)
        self.assertIn("the run `nope` has not built the view `sums`", outcome.stderr)
        outcome = project.weir("explain", "sum", "--analyze")
        self.assertEqual(outcome.code, 2)
        self.assertIn("did you mean `sums`?", outcome.stderr)


class HistoryTest(OutsideCase):

    def test_durations_and_bars(self):
        project = self.project()
        project.run()
        project.run()
        project.run("--force")
        rows = project.succeed("history", "--format", "json").json()
        recorded = {row["run_id"]: row for row in project.artifact("runs")}
        self.assertEqual([row["run_id"] for row in rows], sorted(recorded, reverse=True))
        for row in rows:
            one = recorded[row["run_id"]]
            self.assertAlmostEqual(row["seconds"], (one["finished_at"] - one["started_at"]).total_seconds(), places=3)
            self.assertNotIn("trend", row)
        bars = re.findall("█+", project.succeed("history").stdout)
        self.assertEqual(max(len(bar) for bar in bars), 12)
        tasks = {row["run_id"]: row for row in project.artifact("tasks") if row["view_name"] == "sums"}
        builds = project.succeed("history", "sums", "--format", "json").json()
        self.assertEqual([row["state"] for row in builds], ["run", "reused", "run"])
        self.assertIsNone(builds[1]["seconds"])
        for row in (builds[0], builds[2]):
            one = tasks[row["run_id"]]
            self.assertAlmostEqual(row["seconds"], (one["finished_at"] - one["started_at"]).total_seconds(), places=3)
        self.assertEqual(len(project.succeed("history", "--limit", "1", "--format", "json").json()), 1)


if __name__ == "__main__":
    unittest.main()
