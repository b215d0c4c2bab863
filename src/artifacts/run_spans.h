// SPDX-License-Identifier: Apache-2.0
//
// A run as a tree of spans, as tracing knows them. In: the run envelope. Out: one span for the run,
// one a view, one a phase of a view that executed; with ids that are the same for the same run.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/run/run_envelope.h"

namespace weir {

struct RunSpan {
  std::string span_id;    ///< 16 hex digits
  std::string parent_id;  ///< empty: the run's own
  std::string kind;       ///< "run", "view" or "phase"
  std::string name;       ///< the run's id, the view's name, or "decide", "write", "commit"
  std::string view_name;  ///< empty for the run
  int64_t begin_us = 0;   ///< microseconds since 1970
  int64_t end_us = 0;
  bool is_error = false;
  std::string message;                ///< why
  const ViewOutcome* view = nullptr;  ///< of kind "view"; lives as long as the envelope
};

/// 32 hex digits: what W3C's Trace Context calls a trace id. It is the run id of OpenLineage's
/// events without dashes.
std::string TraceIdOf(const std::string& run_id);

/// Parents before their children. Views that were reused or blocked have none.
std::vector<RunSpan> SpansOf(const RunEnvelope& envelope);

}  // namespace weir
