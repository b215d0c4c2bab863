// SPDX-License-Identifier: Apache-2.0
//
// What a run is asked to do, and who is told how far it is.

#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/graph/task_graph.h"
#include "weir/run/deferral.h"
#include "weir/run/run_circumstances.h"
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
  RunCircumstances circumstances = {};
  /// Where views are read that are neither selected nor built here.
  std::optional<DeferTarget> defer_to = std::nullopt;
};

/// Told of progress, from several threads. A view's calls come from the thread that works on it.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  /// Before anything else: the views that the run is about, each after those it reads.
  virtual void OnSelected(const std::vector<std::string>& /*views*/) {}
  /// Several calls at a time. A view that is reused or blocked does not start.
  virtual void OnStarted(const std::string& view_name) = 0;
  /// Where rows are counted while they are written; null: nobody asks. Must outlive the run.
  virtual std::atomic<int64_t>* rows_written() { return nullptr; }
  /// One call at a time.
  virtual void OnFinished(const ViewOutcome& outcome, int finished, int total) = 0;
};

}  // namespace weir
