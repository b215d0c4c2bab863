// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/telemetry.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <unordered_map>

#include "weir/artifacts/run_spans.h"
#include "weir/base/ascii_text.h"
#include "weir/base/json_text.h"
#include "weir/base/log.h"
#include "weir/base/percent_text.h"
#include "weir/base/secret_names.h"
#include "weir/engine/http_post.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;
using Variables = std::function<std::string(const char*)>;

constexpr int kInternalSpan = 1, kClientSpan = 3;
constexpr int kStatusOk = 1, kStatusError = 2;
/// Servers take requests of some megabytes; a span has about 600 bytes.
constexpr size_t kSpansARequest = 1000;

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

Json AttributesOf(const RunSpan& span, const RunSubject& subject, const StoreCalls& calls,
                  const std::string& warehouse_url) {
  Json attributes =
      Json::array({Text("weir.run_id", subject.run_id), Text("weir.kind", span.kind)});
  if (span.kind == "run") {
    attributes.push_back(Text("weir.project", subject.project));
    attributes.push_back(Text("weir.profile", subject.profile));
    if (calls.left_out > 0)
      attributes.push_back(Number("weir.store_calls_left_out", calls.left_out));
    return attributes;
  }
  attributes.push_back(Text("weir.view", span.view_name));
  if (span.kind == "view") AddOutcome(*span.view, attributes);
  if (span.figures) AddFigures(*span.figures, attributes);
  if (span.kind == "phase" && span.name == "commit") {
    attributes.push_back(Text("weir.table_url", TableUrl(warehouse_url, span.view_name)));
    if (span.view->version >= 0) attributes.push_back(Number("weir.version", span.view->version));
  }
  return attributes;
}

Json AttributesOf(const StoreCall& call, const std::string& view, const RunSubject& subject) {
  Json attributes =
      Json::array({Text("weir.run_id", subject.run_id), Text("weir.kind", "store_call"),
                   Text("weir.operation", call.operation), Text("url.full", call.url),
                   Number("weir.bytes", call.bytes)});
  if (!view.empty()) attributes.push_back(Text("weir.view", view));
  if (!call.error.empty()) attributes.push_back(Text("error.type", call.error));
  return attributes;
}

std::string SpanName(const RunSpan& span) {
  return span.kind == "run" ? "weir run" : span.kind == "view" ? "view " + span.name : span.name;
}

Json SpanJson(const RunSpan& span, const std::string& trace_id, int kind, Json attributes) {
  Json json{{"traceId", trace_id}, {"spanId", span.span_id}};
  if (!span.parent_id.empty()) json["parentSpanId"] = span.parent_id;
  json["name"] = SpanName(span);
  json["kind"] = kind;
  json["startTimeUnixNano"] = fmt::format("{}000", span.begin_us);
  json["endTimeUnixNano"] = fmt::format("{}000", span.end_us);
  json["attributes"] = std::move(attributes);
  json["status"] = {{"code", span.is_error ? kStatusError : kStatusOk}};
  if (span.is_error) json["status"]["message"] = span.message;
  return json;
}

/// Below which span a call of an object store lies.
class CallParents {
 public:
  /// `spans` must outlive the object.
  CallParents(const std::vector<RunSpan>& spans, const std::string& warehouse_url)
      : run_(spans.front()) {
    for (const RunSpan& span : spans) {
      if (span.kind != "view" && span.kind != "phase") continue;
      of_views_[span.view_name].push_back(&span);
      if (span.kind == "view")
        tables_[PercentDecoded(TableUrl(warehouse_url, span.view_name))] = span.view_name;
    }
  }

  const RunSpan& Of(const StoreCall& call) const {
    const RunSpan* parent = call.view_name.empty() ? nullptr : Find(call.view_name, call);
    // While a view is settled nobody else asks for what is in its table's folder: its readers wait.
    const std::string url = PercentDecoded(call.url) + "/";
    for (size_t end = url.rfind('/'); parent == nullptr && end != std::string::npos && end > 0;
         end = url.rfind('/', end - 1)) {
      const auto table = tables_.find(url.substr(0, end + 1));
      if (table != tables_.end()) parent = Find(table->second, call);
    }
    return parent == nullptr ? run_ : *parent;
  }

 private:
  /// The last span of the view, hence its phase before itself, that holds the call.
  const RunSpan* Find(const std::string& view, const StoreCall& call) const {
    const auto spans = of_views_.find(view);
    if (spans == of_views_.end()) return nullptr;
    const auto holds = [&](const RunSpan* span) {
      return span->begin_us <= call.started_at_us && call.finished_at_us <= span->end_us;
    };
    const auto found = std::find_if(spans->second.rbegin(), spans->second.rend(), holds);
    return found == spans->second.rend() ? nullptr : *found;
  }

  const RunSpan& run_;
  std::unordered_map<std::string, std::vector<const RunSpan*>> of_views_;  ///< by name
  std::unordered_map<std::string, std::string> tables_;  ///< views by the URLs of their tables
};

/// Sends spans as they come, some at a time.
class Sender {
 public:
  Sender(const TelemetrySettings& settings, const std::string& weir_version)
      : settings_(settings),
        weir_version_(weir_version),
        deadline_(Clock::now() + std::chrono::milliseconds(settings.timeout_ms)) {
    for (const auto& [key, value] : settings.resource) resource_.push_back(Text(key, value));
  }

  void Add(Json span) {
    if (!sent_.ok()) return;
    spans_.push_back(std::move(span));
    if (spans_.size() == kSpansARequest) Send();
  }

  Status Finish() {
    if (!spans_.empty() && sent_.ok()) Send();
    return sent_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// An ExportTraceServiceRequest.
  void Send() {
    Json scope{{"scope", {{"name", "weir"}, {"version", weir_version_}}},
               {"spans", std::move(spans_)}};
    const Json request{
        {"resourceSpans", Json::array({{{"resource", {{"attributes", resource_}}},
                                        {"scopeSpans", Json::array({std::move(scope)})}}})}};
    spans_ = Json::array();
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    sent_ = engine::SendHttpPost({.url = settings_.url,
                                  .content_type = "application/json",
                                  .headers = settings_.headers,
                                  .body = JsonText(request),
                                  .timeout_ms = std::max<int64_t>(left.count(), 1),
                                  .certificate_file = settings_.certificate_file});
  }

  const TelemetrySettings& settings_;
  const std::string& weir_version_;
  const Clock::time_point deadline_;
  Json resource_ = Json::array();
  Json spans_ = Json::array();
  Status sent_;
};

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

void EachOtlpSpan(const RunSubject& subject, const RunEnvelope& envelope, const StoreCalls& calls,
                  const std::string& warehouse_url, const std::function<void(Json)>& take) {
  const std::string trace_id = TraceIdOf(envelope.run_id);
  std::vector<RunSpan> spans = SpansOf(envelope);
  RunSpan& run = spans.front();
  for (const StoreCall& call : calls.calls) {
    run.begin_us = std::min(run.begin_us, call.started_at_us);
    run.end_us = std::max(run.end_us, call.finished_at_us);
  }
  for (const RunSpan& span : spans)
    take(
        SpanJson(span, trace_id, kInternalSpan, AttributesOf(span, subject, calls, warehouse_url)));
  const CallParents parents(spans, warehouse_url);
  for (size_t i = 0; i < calls.calls.size(); ++i) {
    const StoreCall& call = calls.calls[i];
    const RunSpan& parent = parents.Of(call);
    const RunSpan span{.span_id = SpanIdOf(envelope.run_id, "", fmt::format("store call {}", i)),
                       .parent_id = parent.span_id,
                       .kind = "store_call",
                       .name = "store " + call.operation,
                       .view_name = call.view_name.empty() ? parent.view_name : call.view_name,
                       .begin_us = call.started_at_us,
                       .end_us = std::max(call.started_at_us, call.finished_at_us),
                       .is_error = !call.error.empty(),
                       .message = call.error};
    take(SpanJson(span, trace_id, kClientSpan, AttributesOf(call, span.view_name, subject)));
  }
}

Status Telemetry::Send(const RunSubject& subject, const RunEnvelope& envelope) const {
  if (!settings_->trouble.empty())
    return Status::User(StatusCode::kUnsupported, "{}", settings_->trouble);
  Sender sender(*settings_, weir_version_);
  EachOtlpSpan(subject, envelope, session_.engine().TakeStoreCalls(), session_.warehouse_url(),
               [&](Json span) { sender.Add(std::move(span)); });
  return sender.Finish();
}

void Telemetry::Take(const RunEvent& event) {
  if (!settings_ || event.kind != RunEventKind::kRunFinished) return;
  Status sent = Send(*event.subject, *event.envelope);
  Log(LogLevel::kDebug, "the spans of the run were sent",
      {{"url", WithoutUrlSecrets(settings_->url)}, {"succeeded", sent.ok()}});
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
