// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/telemetry.h"

#include <charconv>

#include "weir/artifacts/run_spans.h"
#include "weir/base/ascii_text.h"
#include "weir/base/json_text.h"
#include "weir/base/percent_text.h"
#include "weir/engine/http_post.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;
using Variables = std::function<std::string(const char*)>;

constexpr int kInternalSpan = 1;
constexpr int kStatusOk = 1, kStatusError = 2;

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") + 1 - first));
}

/// "a=b,c=d" with values as in URLs.
void ReadPairs(const std::string& text, std::map<std::string, std::string>& pairs) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string pair = text.substr(at, end - at);
    const size_t sign = pair.find('=');
    if (sign != std::string::npos && !Trimmed(pair.substr(0, sign)).empty())
      pairs[Trimmed(pair.substr(0, sign))] = PercentDecoded(Trimmed(pair.substr(sign + 1)));
    at = end + 1;
  }
}

/// The variable for traces alone, else the one for all signals.
std::string Either(const Variables& variable, const std::string& name) {
  const std::string own = variable(("OTEL_EXPORTER_OTLP_TRACES_" + name).c_str());
  return own.empty() ? variable(("OTEL_EXPORTER_OTLP_" + name).c_str()) : own;
}

std::string EndpointOf(const Variables& variable) {
  std::string own = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  if (!own.empty()) return own;
  std::string base = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (base.empty()) return base;
  while (base.ends_with('/')) base.pop_back();
  return base + "/v1/traces";
}

Json Text(const std::string& key, const std::string& value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}

/// Whole numbers of 64 bits are texts in JSON of protobuf.
Json Number(const std::string& key, int64_t value) {
  return {{"key", key}, {"value", {{"intValue", fmt::format("{}", value)}}}};
}

void AddFigure(const char* key, const std::optional<int64_t>& figure, Json& attributes) {
  if (figure) attributes.push_back(Number(key, *figure));
}

void AddFigures(const OperatorMetrics& figures, Json& attributes) {
  AddFigure("weir.rows", figures.rows, attributes);
  AddFigure("weir.compute_ns", figures.compute_ns, attributes);
  AddFigure("weir.scanned_bytes", figures.scanned_bytes, attributes);
  AddFigure("weir.memory_bytes", figures.memory_bytes, attributes);
  AddFigure("weir.spilled_bytes", figures.spilled_bytes, attributes);
}

void AddOutcome(const ViewOutcome& view, Json& attributes) {
  attributes.push_back(Text("weir.state", std::string(ToString(view.state))));
  if (!view.decision.reason.empty())
    attributes.push_back(Text("weir.reason", view.decision.reason));
  attributes.push_back(Number("weir.rows", view.rows));
  attributes.push_back(Number("weir.bytes_read", view.bytes_read));
  attributes.push_back(Number("weir.bytes_written", view.bytes_written));
}

Json AttributesOf(const RunSpan& span, const RunSubject& subject) {
  Json attributes =
      Json::array({Text("weir.run_id", subject.run_id), Text("weir.kind", span.kind)});
  if (span.kind == "run") {
    attributes.push_back(Text("weir.project", subject.project));
    attributes.push_back(Text("weir.profile", subject.profile));
    return attributes;
  }
  attributes.push_back(Text("weir.view", span.view_name));
  if (span.kind == "view") AddOutcome(*span.view, attributes);
  if (span.figures) AddFigures(*span.figures, attributes);
  return attributes;
}

std::string SpanName(const RunSpan& span) {
  return span.kind == "run" ? "weir run" : span.kind == "view" ? "view " + span.name : span.name;
}

}  // namespace

std::optional<TelemetrySettings> ReadTelemetrySettings(const Variables& variable) {
  TelemetrySettings settings{.url = EndpointOf(variable)};
  const std::string exporter = AsciiLowerCase(Trimmed(variable("OTEL_TRACES_EXPORTER")));
  if (settings.url.empty() || AsciiLowerCase(variable("OTEL_SDK_DISABLED")) == "true" ||
      (!exporter.empty() && exporter != "otlp"))
    return std::nullopt;
  for (const char* name : {"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"})
    ReadPairs(variable(name), settings.headers);
  settings.resource["service.name"] = "weir";
  ReadPairs(variable("OTEL_RESOURCE_ATTRIBUTES"), settings.resource);
  const std::string service = variable("OTEL_SERVICE_NAME");
  if (!service.empty()) settings.resource["service.name"] = service;
  const std::string timeout = Either(variable, "TIMEOUT");
  int64_t milliseconds = 0;
  (void)std::from_chars(timeout.data(), timeout.data() + timeout.size(), milliseconds);
  if (milliseconds > 0) settings.timeout_ms = milliseconds;
  settings.certificate_file = Either(variable, "CERTIFICATE");
  const std::string protocol = Either(variable, "PROTOCOL");
  if (!protocol.empty() && protocol != "http/json") {
    settings.trouble = fmt::format(
        "`http/json` is the one protocol that is spoken, OTEL_EXPORTER_OTLP_PROTOCOL wants `{}`",
        protocol);
  }
  return settings;
}

Json ToOtlp(const RunSubject& subject, const RunEnvelope& envelope,
            const std::map<std::string, std::string>& resource, const std::string& weir_version) {
  Json attributes = Json::array();
  for (const auto& [key, value] : resource) attributes.push_back(Text(key, value));
  Json spans = Json::array();
  const std::string trace_id = TraceIdOf(envelope.run_id);
  for (const RunSpan& span : SpansOf(envelope)) {
    Json json{{"traceId", trace_id}, {"spanId", span.span_id}};
    if (!span.parent_id.empty()) json["parentSpanId"] = span.parent_id;
    json["name"] = SpanName(span);
    json["kind"] = kInternalSpan;
    json["startTimeUnixNano"] = fmt::format("{}000", span.begin_us);
    json["endTimeUnixNano"] = fmt::format("{}000", span.end_us);
    json["attributes"] = AttributesOf(span, subject);
    json["status"] = {{"code", span.is_error ? kStatusError : kStatusOk}};
    if (span.is_error) json["status"]["message"] = span.message;
    spans.push_back(std::move(json));
  }
  const Json scope{{"scope", {{"name", "weir"}, {"version", weir_version}}},
                   {"spans", std::move(spans)}};
  return {{"resourceSpans", Json::array({{{"resource", {{"attributes", std::move(attributes)}}},
                                          {"scopeSpans", Json::array({scope})}}})}};
}

void Telemetry::Take(const RunEvent& event) {
  if (!settings_ || event.kind != RunEventKind::kRunFinished) return;
  Status sent =
      settings_->trouble.empty()
          ? engine::SendHttpPost({.url = settings_->url,
                                  .content_type = "application/json",
                                  .headers = settings_->headers,
                                  .body = JsonText(ToOtlp(*event.subject, *event.envelope,
                                                          settings_->resource, weir_version_)),
                                  .timeout_ms = settings_->timeout_ms,
                                  .certificate_file = settings_->certificate_file})
          : Status::User(StatusCode::kUnsupported, "{}", settings_->trouble);
  if (sent.ok()) return;
  if (sent.hint().empty()) {
    sent = sent.WithHint(
        "OTEL_EXPORTER_OTLP_ENDPOINT names a collector that takes JSON over HTTP; "
        "OTEL_SDK_DISABLED=true sends nothing");
  }
  warnings_.push_back(
      ToDiagnostic("W5010", sent.WithContext("the spans of the run could not be sent")));
  warnings_.back().severity = Severity::kWarning;
}

std::vector<Diagnostic> Telemetry::TakeWarnings() { return std::move(warnings_); }

}  // namespace weir
