// SPDX-License-Identifier: Apache-2.0
//
// Sends the spans of a run to a collector of OpenTelemetry, as JSON over HTTP (OTLP 1.x). In: the
// standard variables of the environment, a run that has ended, what it asked of object stores. Out:
// requests of some hundred spans each, or a warning.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "weir/base/diagnostic.h"
#include "weir/engine/store_calls.h"
#include "weir/session/session_runtime.h"
#include "weir/watch/run_event.h"

namespace weir {

/// What the variables say.
struct TelemetrySettings {
  std::string url;
  std::map<std::string, std::string> headers;   ///< may be secrets
  std::map<std::string, std::string> resource;  ///< attributes, `service.name` among them
  int64_t timeout_ms = 10'000;                  ///< for all requests together
  std::string certificate_file;                 ///< as engine::HttpPost has it
  std::string trouble;                          ///< why nothing can be sent there; empty: it can

  /// How many calls of object stores a session is to note for the spans.
  int64_t noted_store_calls() const { return trouble.empty() ? 10'000 : 0; }
};

/// Reads OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT, …_HEADERS, …_TIMEOUT, …_PROTOCOL, …_CERTIFICATE,
/// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_EXPORTER and OTEL_SDK_DISABLED. Nothing
/// where no endpoint is set, or where they say that nothing is to be sent. `variable`: a variable's
/// value; empty where it is not set.
std::optional<TelemetrySettings> ReadTelemetrySettings(
    const std::function<std::string(const char*)>& variable);

/// Gives `take` each span of a run as OTLP has it in JSON: those of SpansOf, and one for each call
/// of an object store. A call lies below the phase of the view that it was made for, or below the
/// view, as its times tell; else below the run's span, which is widened to hold what was asked of
/// stores before views began (the project is opened) and after they ended (the run is recorded).
void EachOtlpSpan(const RunSubject& subject, const RunEnvelope& envelope, const StoreCalls& calls,
                  const std::string& warehouse_url,
                  const std::function<void(nlohmann::ordered_json)>& take);

class Telemetry : public RunEventConsumer {
 public:
  /// `session`, which must outlive the object, notes what is asked of object stores as `settings`
  /// wants it.
  Telemetry(std::optional<TelemetrySettings> settings, const SessionRuntime& session,
            std::string weir_version)
      : settings_(std::move(settings)), session_(session), weir_version_(std::move(weir_version)) {}

  /// Sends at the end of the run, and waits.
  void Take(const RunEvent& event) override;

  /// W5010, at most one. REQUIRES: the run has finished
  std::vector<Diagnostic> TakeWarnings();

 private:
  Status Send(const RunSubject& subject, const RunEnvelope& envelope) const;

  const std::optional<TelemetrySettings> settings_;
  const SessionRuntime& session_;
  const std::string weir_version_;
  std::vector<Diagnostic> warnings_;
};

}  // namespace weir
