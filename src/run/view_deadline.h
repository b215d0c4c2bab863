// SPDX-License-Identifier: Apache-2.0
//
// Ends a view that runs longer than it may. In: a limit, and the handle that cancels the whole run.
// Out: a handle for the one view, cancelled when either says so, and a failure that names the
// limit. Nobody may commit what was executed under a handle that was cancelled.

#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "weir/bundle/plan_bundle.h"
#include "weir/engine/engine.h"
#include "weir/project/time_limit.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// The limit of a view in a run: its own, else that of the profile. Unset: there is none.
TimeLimit TimeLimitOf(const PlanBundle& bundle, const SessionRuntime& session);
/// The limit of a view that is built again: that of the profile of now, or the view's own where
/// that is longer. What was recorded cannot be changed any more, hence sets none by itself.
TimeLimit TimeLimitOfRepetition(const PlanBundle& bundle, const SessionRuntime& session);

/// Counts the time of one execution, from its construction on. With a limit it has a thread.
class ViewDeadline {
 public:
  /// `outer` ends the execution, too.
  ViewDeadline(TimeLimit limit, const engine::Cancellation& outer);
  ~ViewDeadline();
  ViewDeadline(const ViewDeadline&) = delete;
  ViewDeadline& operator=(const ViewDeadline&) = delete;

  /// What the execution is to be given.
  const engine::Cancellation& cancellation() const { return limit_.is_set() ? own_ : outer_; }
  /// Stops the clock: what happens from now on is not ended. Returns kTimedOut where `ended`, what
  /// became of the execution, comes of the limit; else `ended`.
  Status Stop(Status ended);

 private:
  void Watch();

  const TimeLimit limit_;
  const engine::Cancellation outer_;
  const engine::Cancellation own_;
  const std::chrono::steady_clock::time_point began_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_stopped_ = false;    // guarded by mutex_
  bool is_timed_out_ = false;  // likewise
  std::thread watcher_;
};

}  // namespace weir
