// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/telemetry.h"

#include <map>

#include <gtest/gtest.h>

namespace weir {
namespace {

using Variables = std::map<std::string, std::string>;

std::optional<TelemetrySettings> Read(const Variables& variables) {
  return ReadTelemetrySettings([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });
}

TEST(TelemetrySettings, NothingIsSentWithoutAnEndpoint) {
  EXPECT_FALSE(Read({}));
  EXPECT_FALSE(Read({{"OTEL_SERVICE_NAME", "x"}}));
}

TEST(TelemetrySettings, TheSignalsOwnEndpointIsTakenAsItStands) {
  EXPECT_EQ(Read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318/"}})->url,
            "http://a:4318/v1/traces");
  EXPECT_EQ(Read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318"},
                  {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/x"}})
                ->url,
            "http://b/x");
}

TEST(TelemetrySettings, CanBeTurnedOff) {
  const std::string endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
  EXPECT_FALSE(Read({{endpoint, "http://a"}, {"OTEL_SDK_DISABLED", "True"}}));
  EXPECT_FALSE(Read({{endpoint, "http://a"}, {"OTEL_TRACES_EXPORTER", "none"}}));
  EXPECT_TRUE(Read({{endpoint, "http://a"}, {"OTEL_TRACES_EXPORTER", "otlp"}}));
}

TEST(TelemetrySettings, HeadersAndAttributesAreListsOfPairs) {
  const auto settings = Read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"},
                              {"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%2Cb, x = 1,broken,=2"},
                              {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x=3"},
                              {"OTEL_RESOURCE_ATTRIBUTES", "team=data,service.name=no"},
                              {"OTEL_SERVICE_NAME", "nightly"},
                              {"OTEL_EXPORTER_OTLP_TIMEOUT", "250"}});
  EXPECT_EQ(settings->headers, (Variables{{"api-key", "a,b"}, {"x", "3"}}));
  EXPECT_EQ(settings->resource, (Variables{{"service.name", "nightly"}, {"team", "data"}}));
  EXPECT_EQ(settings->timeout_ms, 250);
}

TEST(TelemetrySettings, CertificatesAreThoseOfTheSignalFirst) {
  const std::string endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
  EXPECT_EQ(Read({{endpoint, "https://a"}})->certificate_file, "");
  EXPECT_EQ(Read({{endpoint, "https://a"},
                  {"OTEL_EXPORTER_OTLP_CERTIFICATE", "all.pem"},
                  {"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "traces.pem"}})
                ->certificate_file,
            "traces.pem");
}

TEST(TelemetrySettings, AnotherProtocolIsNamed) {
  const auto settings =
      Read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}});
  EXPECT_NE(settings->trouble.find("wants `grpc`"), std::string::npos) << settings->trouble;
  EXPECT_EQ(settings->noted_store_calls(), 0);
}

/// A run of two views, one after the other, in a warehouse at s3://b/w/.
RunEnvelope TwoViews() {
  RunEnvelope run;
  run.run_id = "20260101T000000Z-000000";
  run.state = "succeeded";
  run.started_at_us = 1000;
  run.finished_at_us = 3000;
  for (const auto& [name, from] : {std::pair("a b", 1000), std::pair("c", 2000)}) {
    ViewOutcome view;
    view.view_name = name;
    view.state = ViewState::kRun;
    view.version = 7;
    view.started_at_us = from;
    view.write_began_at_us = from + 100;
    view.commit_began_at_us = from + 800;
    view.finished_at_us = from + 900;
    run.views.push_back(std::move(view));
  }
  return run;
}

std::map<std::string, nlohmann::ordered_json> SpansById(const StoreCalls& calls) {
  const RunSubject subject{
      .run_id = "20260101T000000Z-000000", .project = "p", .profile = "d", .tag = {}};
  const RunEnvelope run = TwoViews();
  std::map<std::string, nlohmann::ordered_json> spans;
  EachOtlpSpan(subject, run, calls, "s3://b/w/", [&](nlohmann::ordered_json span) {
    const std::string id = span["spanId"];
    spans[id] = std::move(span);
  });
  return spans;
}

/// What the span of a call lies below: "view/phase", "view", or "".
std::string ParentOf(const StoreCall& call) {
  auto spans = SpansById({.calls = {call}, .left_out = 0});
  std::string path;
  for (const auto& [id, span] : spans) {
    if (span["kind"] != 3) continue;
    for (auto at = spans[span["parentSpanId"]]; at.contains("parentSpanId");
         at = spans[at["parentSpanId"]])
      path = at["name"].get<std::string>() + (path.empty() ? "" : "/") + path;
  }
  return path;
}

StoreCall CallOf(const std::string& url, int64_t from, int64_t to, const std::string& view = {}) {
  return {.operation = "get",
          .url = url,
          .view_name = view,
          .started_at_us = from,
          .finished_at_us = to,
          .error = {}};
}

TEST(StoreCallSpans, LieBelowThePhaseOfTheirView) {
  EXPECT_EQ(ParentOf(CallOf("s3://b/raw/x", 1150, 1200, "a b")), "view a b/write");
  EXPECT_EQ(ParentOf(CallOf("s3://b/raw/x", 1050, 1200, "a b")), "view a b");
  EXPECT_EQ(ParentOf(CallOf("s3://b/raw/x", 1150, 1200)), "");
  EXPECT_EQ(ParentOf(CallOf("s3://b/raw/x", 1150, 1200, "other")), "");
}

TEST(StoreCallSpans, GoByTheTableThatIsBuiltMeanwhile) {
  const std::string commit = "s3://b/w/a%20b/_delta_log/00000000000000000007.json";
  EXPECT_EQ(ParentOf(CallOf(commit, 1850, 1860)), "view a b/commit");
  EXPECT_EQ(ParentOf(CallOf("s3://b/w/a%20b", 1850, 1860)), "view a b/commit");
  // A reader of the view has asked.
  EXPECT_EQ(ParentOf(CallOf(commit, 2050, 2060)), "");
  EXPECT_EQ(ParentOf(CallOf(commit, 2150, 2160, "c")), "view c/write");
  EXPECT_EQ(ParentOf(CallOf("s3://b/w/a%20b2/x", 1850, 1860)), "");
}

TEST(StoreCallSpans, TheRunHoldsThem) {
  const auto spans = SpansById(
      {.calls = {CallOf("s3://b/x", 500, 600), CallOf("s3://b/x", 3100, 3200)}, .left_out = 4});
  for (const auto& [id, span] : spans) {
    if (span.contains("parentSpanId")) continue;
    EXPECT_EQ(span["startTimeUnixNano"], "500000");
    EXPECT_EQ(span["endTimeUnixNano"], "3200000");
    EXPECT_NE(span["attributes"].dump().find(
                  R"({"key":"weir.store_calls_left_out","value":{"intValue":"4"}})"),
              std::string::npos);
  }
}

TEST(StoreCallSpans, CommitsNameTheTableAndItsVersion) {
  for (const auto& [id, span] : SpansById({})) {
    if (span["name"] != "commit") continue;
    const std::string text = span["attributes"].dump();
    EXPECT_NE(text.find(R"({"key":"weir.version","value":{"intValue":"7"}})"), std::string::npos);
    EXPECT_NE(text.find(R"("stringValue":"s3://b/w/)"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace weir
