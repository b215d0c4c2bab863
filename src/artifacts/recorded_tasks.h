// SPDX-License-Identifier: Apache-2.0
//
// What became of views in earlier runs, as these recorded it. In: the artifacts of a warehouse.
// Out: times, failures, metrics. For people: nothing is decided by them but what a user asks for.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "weir/base/result.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// A run, and what of it can be tried again.
struct RecordedOutcome {
  std::string run_id;
  std::string state;  ///< as in `weir.runs`
  std::set<std::string> failed_or_blocked;
};

/// What the operators of a view's plan did.
struct RecordedMetrics {
  std::string run_id;
  std::string metrics_json;   ///< as in `weir.tasks`
  std::string physical_plan;  ///< as in `weir.plan_bundles`; empty where the build failed
  int64_t rows = 0;
  int64_t started_at_us = 0, finished_at_us = 0;
};

class RecordedTasks {
 public:
  /// Nothing where no run has recorded any. `session` must outlive it, and gets the tables it reads
  /// as `weir.<table>`.
  static Result<std::optional<RecordedTasks>> Open(const SessionRuntime& session);

  /// Seconds that views took when they were last built, by view.
  Result<std::map<std::string, double>> LastSeconds() const;

  /// Of the newest run of `project`; nothing if there is none.
  Result<std::optional<RecordedOutcome>> LastOutcome(const std::string& project) const;

  /// Of the newest run that executed the view, or of `run_id`; nothing where it did not.
  Result<std::optional<RecordedMetrics>> MetricsOf(const std::string& view_name,
                                                   const std::string& run_id) const;

 private:
  explicit RecordedTasks(const SessionRuntime& session) : session_(&session) {}

  const SessionRuntime* session_;
  bool has_tasks_ = false;
};

}  // namespace weir
