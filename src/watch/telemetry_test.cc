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
}

}  // namespace
}  // namespace weir
