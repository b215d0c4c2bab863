// SPDX-License-Identifier: Apache-2.0
//
// Sends the spans of a run to a collector of OpenTelemetry, as JSON over HTTP (OTLP 1.x). In: the
// standard variables of the environment, a run that has ended. Out: one request, or a warning.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "weir/base/diagnostic.h"
#include "weir/watch/run_event.h"

namespace weir {

/// What the variables say.
struct TelemetrySettings {
  std::string url;
  std::map<std::string, std::string> headers;   ///< may be secrets
  std::map<std::string, std::string> resource;  ///< attributes, `service.name` among them
  int64_t timeout_ms = 10'000;
  std::string certificate_file;  ///< as engine::HttpPost has it
  std::string trouble;           ///< why nothing can be sent there; empty: it can
};

/// Reads OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT, …_HEADERS, …_TIMEOUT, …_PROTOCOL, …_CERTIFICATE,
/// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_EXPORTER and OTEL_SDK_DISABLED. Nothing
/// where no endpoint is set, or where they say that nothing is to be sent. `variable`: a variable's
/// value; empty where it is not set.
std::optional<TelemetrySettings> ReadTelemetrySettings(
    const std::function<std::string(const char*)>& variable);

/// An ExportTraceServiceRequest.
nlohmann::ordered_json ToOtlp(const RunSubject& subject, const RunEnvelope& envelope,
                              const std::map<std::string, std::string>& resource,
                              const std::string& weir_version);

class Telemetry : public RunEventConsumer {
 public:
  Telemetry(std::optional<TelemetrySettings> settings, std::string weir_version)
      : settings_(std::move(settings)), weir_version_(std::move(weir_version)) {}

  /// Sends at the end of the run, and waits.
  void Take(const RunEvent& event) override;

  /// W5010, at most one. REQUIRES: the run has finished
  std::vector<Diagnostic> TakeWarnings();

 private:
  const std::optional<TelemetrySettings> settings_;
  const std::string weir_version_;
  std::vector<Diagnostic> warnings_;
};

}  // namespace weir
