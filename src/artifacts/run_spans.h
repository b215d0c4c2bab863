// SPDX-License-Identifier: Apache-2.0
//
// A run as a tree of spans, as tracing knows them. In: the run envelope. Out: one span for the run,
// one a view, one a phase of a view that executed, one an operator of its plan; with ids that are
// the same for the same run.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/run/operator_metrics.h"
#include "weir/run/run_envelope.h"

namespace weir {

struct RunSpan {
  std::string span_id;    ///< 16 hex digits
  std::string parent_id;  ///< empty: the run's own
  std::string kind;       ///< "run", "view", "phase" or "operator"
  std::string name;       ///< the run's id, the view's, "decide", "write", "commit", the operator's
  std::string view_name;  ///< empty for the run
  int64_t begin_us = 0;   ///< microseconds since 1970
  int64_t end_us = 0;
  bool is_error = false;
  std::string message;                     ///< why
  const ViewOutcome* view = nullptr;       ///< null for the run; lives as long as the envelope
  std::optional<OperatorMetrics> figures;  ///< of an operator
};

/// 16 hex digits for a part of a run; those of parts that are told apart by either text differ.
std::string SpanIdOf(const std::string& run_id, const std::string& view, const std::string& name);

/// 32 hex digits: what W3C's Trace Context calls a trace id. It is the run id of OpenLineage's
/// events without dashes.
std::string TraceIdOf(const std::string& run_id);

/// Parents before their children, which lie within them in time. Views that were reused or blocked
/// have none; those that failed have no operators.
std::vector<RunSpan> SpansOf(const RunEnvelope& envelope);

}  // namespace weir
