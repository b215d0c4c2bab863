# SPDX-License-Identifier: Apache-2.0
"""Spans that runs send to a collector of OpenTelemetry: runs, views, phases, operators of the engine, calls of object stores.

The oracles are OpenTelemetry's own messages, which must take every request, rows as DuckDB and delta-rs count them, and what was seen by a
witness that stands before a bucket.
"""

import base64
import collections
import copy
import os
import re
import socket
import time
import unittest
import urllib.parse

import duckdb
from bucket_server import serve_buckets
from google.protobuf import json_format
from http_proxy import Proxy, Request, Response
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from outside_case import ROWS, VIEWS, Authority, Collector, OutsideCase
from store_project import StoreProject
from store_servers import SECRET, s3_store

MICROSECOND = 1000


def value_of(value):
    kind = value.WhichOneof("value")
    return getattr(value, kind)


class Span:
    """One span, as OpenTelemetry's own message has it."""

    def __init__(self, message: trace_pb2.Span):
        self.id, self.parent, self.trace = message.span_id.hex(), message.parent_span_id.hex(), message.trace_id.hex()
        self.name, self.kind = message.name, message.kind
        self.start, self.end = message.start_time_unix_nano, message.end_time_unix_nano
        self.failed = message.status.code == trace_pb2.Status.STATUS_CODE_ERROR
        self.attributes = {one.key: value_of(one.value) for one in message.attributes}

    def of(self, key: str):
        return self.attributes.get("weir." + key)


def spans_of(body: dict) -> tuple[dict, list[Span]]:
    """The resource and the spans of a request. OTLP's JSON has ids in hexadecimal digits where protobuf's has base64."""
    body = copy.deepcopy(body)
    for resource in body["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in span:
                        assert re.fullmatch("[0-9a-f]{%d}" % (32 if key == "traceId" else 16), span[key]), span
                        span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    message = json_format.ParseDict(body, trace_service_pb2.ExportTraceServiceRequest())
    (resource,) = message.resource_spans
    (scope,) = resource.scope_spans
    return {one.key: value_of(one.value) for one in resource.resource.attributes}, [Span(span) for span in scope.spans]


class Witness(Proxy):
    """Sees what a bucket is asked for, and when."""

    def __init__(self, case: unittest.TestCase, upstream: str):
        super().__init__(case, upstream)
        self.calls: list[dict] = []

    async def answer(self, request: Request) -> Response:
        arrived = time.time_ns()
        response = await self.forward(request)
        self.calls.append({"request": request, "response": response, "arrived": arrived, "answered": time.time_ns()})
        return response

    def calls_of(self, bucket: str) -> list[tuple[str, str, int, int, dict]]:
        """Operation, URL, bytes, status and the call itself."""
        found = []
        for call in self.calls:
            request, response = call["request"], call["response"]
            path = request.path.removeprefix(f"/{bucket}").strip("/")
            query = urllib.parse.parse_qs(request.target.partition("?")[2], keep_blank_values=True)
            size = 0
            if request.method == "GET" and "list-type" in query:
                operation, path = "list", query.get("prefix", [""])[0].rstrip("/")
            elif request.method == "POST" and "delete" in query:
                operation, path = "delete", re.search(b"<Key>(.*?)</Key>", request.body)[1].decode()
            elif request.method == "POST":
                operation = "create_multipart" if "uploads" in query else "complete_multipart"
            elif request.method == "PUT":
                operation, size = "put_part" if "partNumber" in query else "put", len(request.body)
            else:
                operation = request.method.lower()
                size = len(response.body) if operation == "get" and response.status < 300 else 0
            found.append((operation, path, size, response.status, call))
        return found


class TelemetryCase(OutsideCase):

    def received(self, collector: Collector) -> list[Span]:
        """All spans, which are checked to be one tree whose children lie within their parents."""
        spans = [span for _, _, body in collector.requests for span in spans_of(body)[1]]
        by_id = {span.id: span for span in spans}
        self.assertEqual(len(by_id), len(spans), "ids are unique")
        self.assertEqual(len({span.trace for span in spans}), 1)
        self.assertEqual([span.name for span in spans if not span.parent], ["weir run"])
        for span in spans:
            self.assertLessEqual(span.start, span.end)
            if span.parent:
                parent = by_id[span.parent]
                self.assertLessEqual(parent.start, span.start, (parent.name, span.name))
                self.assertLessEqual(span.end, parent.end, (parent.name, span.name))
        return spans

    def environment(self, collector: Collector, **variables: str) -> dict:
        return {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **variables}


class TelemetryTest(TelemetryCase):

    def test_spans_are_a_tree_in_time(self):
        collector = Collector(self)
        project = self.project(views=VIEWS | {"bad": "SELECT CAST(s AS INT) AS n FROM t"})
        outcome = project.weir("run", env=self.environment(collector, OTEL_SERVICE_NAME="nightly", OTEL_EXPORTER_OTLP_HEADERS="api-key=a%20b"))
        self.assertEqual(outcome.code, 1)
        self.assertNotIn("W5010", outcome.stderr)
        for path, headers, body in collector.requests:
            self.assertEqual((path, headers["api-key"], headers["content-type"]), ("/v1/traces", "a b", "application/json"))
            self.assertEqual(spans_of(body)[0], {"service.name": "nightly"})
        spans = self.received(collector)
        self.assertEqual({span.name: span.failed for span in spans if span.of("kind") == "view"},
                         {"view a b": False, "view sums": False, "view bad": True})
        told = {span.id: span for span in spans if span.of("kind") != "store_call"}
        recorded = {row["span_id"]: row for row in project.artifact("spans")}
        self.assertEqual(set(recorded), set(told))
        for span_id, row in recorded.items():
            span = told[span_id]
            self.assertEqual((row["parent_span_id"] or "", row["trace_id"], row["kind"]), (span.parent, span.trace, span.of("kind")))
            self.assertEqual(row["is_error"], span.failed)
            self.assertEqual([row[key] for key in ("rows", "compute_ns", "scanned_bytes", "memory_bytes", "spilled_bytes")],
                             [span.of(key) if row["kind"] == "operator" else None
                              for key in ("rows", "compute_ns", "scanned_bytes", "memory_bytes", "spilled_bytes")])
            begin, end = (round(row[key].timestamp() * 1e6) for key in ("started_at", "finished_at"))
            if row["kind"] == "run":  # it holds what was asked of stores before and after
                self.assertTrue(span.start // MICROSECOND <= begin <= end <= span.end // MICROSECOND)
            else:
                self.assertEqual((begin, end), (span.start // MICROSECOND, span.end // MICROSECOND))

    def test_commits_name_their_table_and_version(self):
        collector = Collector(self)
        project = self.project()
        project.run()
        project.weir("run", "--force", env=self.environment(collector))
        commits = {span.of("view"): span for span in self.received(collector) if span.name == "commit"}
        self.assertEqual(set(commits), set(VIEWS))
        for view, span in commits.items():
            self.assertEqual(span.of("version"), project.delta(view).version())
            self.assertEqual(urllib.parse.unquote(span.of("table_url")), f"file://{project.table_path(view)}/")

    def test_operators_are_spans_below_the_writing_of_their_view(self):
        collector = Collector(self)
        views = {"joined": "SELECT a.s, count(*) AS n, sum(b.x) AS x FROM t a JOIN t b ON a.id = b.id WHERE a.id >= 10 GROUP BY a.s"}
        project = self.project(views=views)
        self.assertEqual(project.weir("run", env=self.environment(collector)).code, 0)
        spans = self.received(collector)
        by_id = {span.id: span for span in spans}
        operators = [span for span in spans if span.of("kind") == "operator"]
        depths = []
        for span in operators:
            self.assertEqual((span.of("view"), span.kind), ("joined", trace_pb2.Span.SPAN_KIND_INTERNAL))
            above = by_id[span.parent]
            depth = 0
            while above.of("kind") == "operator":
                above, depth = by_id[above.parent], depth + 1
            self.assertEqual((above.name, above.of("view")), ("write", "joined"))
            depths.append((span.name, depth))
        analyzed = project.succeed("explain", "joined", "--analyze", "--format", "json").json()["operators"]
        self.assertEqual(depths, [(one["operator"].partition(":")[0], one["depth"]) for one in analyzed if one["started_at"]])
        self.assertGreaterEqual(len(depths), len(analyzed) - sum(one["started_at"] is None for one in analyzed))
        file = project.folder / "data" / "t.csv"
        counted = duckdb.sql(f"SELECT count(*), count(DISTINCT s) FROM read_csv('{file}') WHERE id >= 10").fetchall()[0]
        self.assertEqual(operators[0].of("rows"), project.read("joined").num_rows)
        named = collections.defaultdict(list)
        for span in operators:
            named[span.name].append(span)
        self.assertEqual({span.of("rows") for span in named["HashJoinExec"]}, {counted[0]})
        self.assertEqual(named["AggregateExec"][0].of("rows"), counted[1])
        self.assertEqual(sum(span.of("scanned_bytes") or 0 for span in operators), 2 * file.stat().st_size)
        # It holds the 16 bytes of x and s of each row at the least.
        self.assertGreater(named["HashJoinExec"][0].of("memory_bytes"), 16 * counted[0])
        self.assertEqual([one["memory_bytes"] for one in analyzed], [span.of("memory_bytes") for span in operators])
        self.assertEqual([one["compute_ns"] for one in analyzed], [span.of("compute_ns") for span in operators])
        self.assertRegex(project.succeed("explain", "joined", "--analyze").stdout, r"(?m)^operator +rows +ms +read +memory +spilled$")

    def test_a_collector_that_is_not_there_is_a_warning(self):
        project = self.project()
        for number, (variables, found) in enumerate((
                ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, "`http://127.0.0.1:9` did not take it: Connection refused\n"),
                ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:9"}, "`https://127.0.0.1:9` did not take it: Connection refused\n"),
                ({"OTEL_EXPORTER_OTLP_ENDPOINT": "127.0.0.1:9"}, "a URL such as `http://localhost:4318` is wanted"),
                ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://ada:s3cret@127.0.0.1:9"}, "is wanted, found `http://***@127.0.0.1:9"),
                ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%0Ab"}, "the header `api-key`"),
                ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "wants `grpc`"),
        )):
            with self.subTest(number):
                outcome = project.weir("run", env={**os.environ, **variables})
                self.assertEqual(outcome.code, 0)
                self.assertEqual(outcome.stderr.count("warning[W5010]: the spans of the run could not be sent"), 1)
                self.assertIn(found, outcome.stderr)
                self.assertNotIn("s3cret", outcome.text)
        outcome = project.weir("run", env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"})
        self.assertNotIn("W5010", outcome.stderr)

    def test_a_collector_that_does_not_answer_is_not_waited_for(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            begun = time.monotonic()
            outcome = self.project().weir("run", env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "300",
                                                      "OTEL_EXPORTER_OTLP_HEADERS": "api-key=s3cret"})
            self.assertLess(time.monotonic() - begun, 8)
        self.assertEqual(outcome.code, 0)
        self.assertIn(f"`{url}` did not take it: no answer in time", outcome.stderr)
        self.assertNotIn("s3cret", outcome.text)

    def test_nobody_else_is_told(self):
        other = Collector(self)
        collector = Collector(self, 307, headers={"Location": other.url})
        outcome = self.project().weir("run", env=self.environment(collector))
        self.assertIn("it answered `307 Temporary Redirect`", outcome.stderr)
        self.assertEqual(other.requests, [])

    def test_collectors_have_certificates(self):
        authority, stranger = Authority(self.scratch), Authority(self.scratch, "stranger")
        collector = Collector(self, authority=authority)
        project = self.project()
        for variables in ({"SSL_CERT_FILE": str(authority.file)}, {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.file)},
                          {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(stranger.file), "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": str(authority.file)}):
            with self.subTest(variables):
                collector.requests.clear()
                outcome = project.weir("run", "--force", env=self.environment(collector, **variables))
                self.assertEqual(outcome.code, 0)
                self.assertNotIn("W5010", outcome.stderr)
                self.assertIn("view sums", [span.name for span in self.received(collector)])
        collector.requests.clear()
        for variables, found in (({}, "invalid peer certificate"), ({"OTEL_EXPORTER_OTLP_CERTIFICATE": str(stranger.file)}, "invalid peer certificate"),
                                 ({"OTEL_EXPORTER_OTLP_CERTIFICATE": str(self.scratch / "none.pem")}, "a file of PEM certificates is wanted (No such file"),
                                 ({"OTEL_EXPORTER_OTLP_CERTIFICATE": str(project.folder / "weir.toml")}, "a file of PEM certificates is wanted")):
            with self.subTest(variables):
                outcome = project.weir("run", env=self.environment(collector, **variables))
                self.assertEqual(outcome.code, 0)
                self.assertIn("W5010", outcome.stderr)
                self.assertIn(found, outcome.stderr)
                if found.startswith("invalid"):
                    self.assertIn("SSL_CERT_FILE", outcome.stderr)
        self.assertEqual(collector.requests, [])


class StoreCallTest(TelemetryCase):

    ORDERS = [(number, 1 + number % 3, number % 7 - 1) for number in range(100)]

    def test_calls_are_those_that_a_bucket_saw(self):
        collector, witness = Collector(self), Witness(self, serve_buckets(self))
        store = s3_store(witness.url)
        project = StoreProject(self.scratch / "p", store)
        project.write_all()
        project.put_orders(self.ORDERS)
        witness.calls.clear()
        outcome = project.weir("run", environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
        self.assertEqual(outcome.code, 0, outcome.text)
        self.assertNotIn("W5010", outcome.stderr)
        seen = witness.calls_of("lake")
        spans = self.received(collector)
        calls = [span for span in spans if span.of("kind") == "store_call"]
        self.assertEqual({span.kind for span in calls}, {trace_pb2.Span.SPAN_KIND_CLIENT})
        self.assertNotIn(SECRET, str(collector.requests))

        def key_of(span: Span) -> str:
            return urllib.parse.unquote(span.attributes["url.full"]).removeprefix("s3://lake").strip("/")

        self.assertEqual(collections.Counter((span.of("operation"), key_of(span)) for span in calls),
                         collections.Counter((operation, key) for operation, key, *_ in seen))
        sizes: collections.Counter = collections.Counter()
        for operation, key, size, *_ in seen:
            sizes[operation, key] += size
        for span in calls:
            sizes[span.of("operation"), key_of(span)] -= span.of("bytes")
        self.assertEqual({key: size for key, size in sizes.items() if size != 0}, {})
        self.assertEqual(sum(span.failed for span in calls), sum(status >= 400 for *_, status, _ in seen))
        # What may not be there is looked for, and what may be there already is put on condition that it is not.
        self.assertLessEqual({span.attributes.get("error.type") for span in calls if span.failed}, {"not_found", "already_exists"})
        alone = {key: number for key, number in collections.Counter(one[:2] for one in seen).items() if number == 1}
        by_key = {(span.of("operation"), key_of(span)): span for span in calls}
        for operation, key, _, _, call in seen:
            if (operation, key) in alone:
                span = by_key[operation, key]
                self.assertLessEqual(span.start, call["arrived"])
                self.assertGreaterEqual(span.end + MICROSECOND, call["answered"])

        # For whom
        names = {span.id: span.name for span in spans}
        whose = collections.defaultdict(set)
        for span in calls:
            key = key_of(span)
            kind = re.sub(r"[^/]+\.parquet$", "*", re.sub("country=[^/]*/", "", key))
            whose[span.of("operation"), kind].add((span.of("view"), names[span.parent]))
        for view in ("paid", "by_country", "largest"):
            self.assertEqual(whose["put", f"lake/{view}/*"], {(view, "write")})
            self.assertEqual(whose["put", f"lake/{view}/_delta_log/{0:020}.json"], {(view, "commit")})
        self.assertIn(("paid", "write"), whose["get", "raw/orders.csv"])
        self.assertTrue({("by_country", "write"), ("largest", "write")} >= whose["get", "lake/paid/*"] > set(), whose["get", "lake/paid/*"])
        (of_runs,) = {(key, *them) for (operation, key), them in whose.items() if key.startswith("lake/_weir/runs/*")}
        self.assertEqual(of_runs[1], (None, "weir run"), "the run is recorded when its views are done")

    def test_nobody_notes_calls_that_are_not_sent(self):
        collector = Collector(self)
        project = self.project()
        project.weir("run", env=self.environment(collector, OTEL_SDK_DISABLED="true"))
        self.assertEqual(collector.requests, [])


if __name__ == "__main__":
    unittest.main()
