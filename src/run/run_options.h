// SPDX-License-Identifier: Apache-2.0
//
// What a run is asked to do, and who is told how far it is.

#pragma once

#include <optional>
#include <string>

#include "weir/graph/task_graph.h"
#include "weir/run/deferral.h"
#include "weir/run/run_envelope.h"

namespace weir {

struct RunOptions {
  /// Views to consider. Others are neither decided nor built. `changed` means the views that would
  /// run if all were considered: never built, with another definition, or with other inputs.
  Selection selection;
  /// Runs the selected views even if nothing changed.
  bool force = false;
  /// Views execute from the bytes of their lane, Substrait where it carries the plan.
  bool by_lane = false;
  /// What `now()` and the like give, in microseconds since the epoch; 0: when the run starts.
  int64_t now_us = 0;
  /// Of the run; a new one if empty.
  std::string run_id;
  /// A name under which the run's versions are kept; empty: none.
  std::string tag = {};
  /// Where views are read that are neither selected nor built here.
  std::optional<DeferTarget> defer_to = std::nullopt;
};

/// Told of progress, from several threads, one call at a time.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void OnStarted(const std::string& view_name) = 0;
  virtual void OnFinished(const ViewOutcome& outcome, int finished, int total) = 0;
};

}  // namespace weir
