// SPDX-License-Identifier: Apache-2.0
//
// Turns decisions into tables. In: a compiled project, its sealed session, what was built before.
// Out: every view built, reused, failed or blocked, each with its metrics, in a run envelope.
//
// The life of a view in a run:
//
//   waiting ──all upstream views final──▶ decided ──run──▶ running ──commit──▶ run
//      │                                     │                └──error──────▶ failed
//      └──an upstream view failed──▶ blocked └──nothing changed─────────────▶ reused
//
// Nobody may plan here: views execute from their bundles' plan bytes,
// or from the bytes of their lane.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/bundle/compile.h"
#include "weir/decide/decision.h"
#include "weir/decide/history.h"
#include "weir/engine/engine.h"
#include "weir/graph/task_graph.h"
#include "weir/run/constraint_check.h"
#include "weir/run/deferral.h"
#include "weir/scan/scan_unit.h"
#include "weir/session/session_runtime.h"

namespace weir {

enum class ViewState { kRun, kReused, kFailed, kBlocked };

/// "run", "reused", "failed" or "blocked".
std::string_view ToString(ViewState state);

/// What became of one view.
struct ViewOutcome {
  std::string view_name;
  ViewState state = ViewState::kReused;
  Decision decision;
  Status status;  ///< why it failed, or which view blocked it
  std::vector<ScanUnit> scan_units;
  /// Of the commit that made the result, in this run or before. -1 if there is none.
  int64_t version = -1;
  /// The newest that holds the same rows in the same columns: what its readers read. More than
  /// `version` after maintenance.
  int64_t read_version = -1;
  std::string built_by;  ///< run id of that commit
  Fingerprint fingerprint;
  Fingerprint input_hash;
  ViewContent content;
  int64_t rows = 0;
  int64_t bytes_read = 0;  ///< that its scans fetched of files; 0 when reused
  int64_t bytes_written = 0;
  std::vector<DataFile> files;  ///< written
  /// What its constraints counted, if it ran or failed at them; in the order of the file.
  std::vector<ConstraintOutcome> constraints;
  bool failed_at_partition = false;  ///< at a value that Delta cannot partition by
  int64_t started_at_us = 0;
  int64_t finished_at_us = 0;
  std::string metrics_json;   ///< one object an operator; empty when nothing was executed
  std::string physical_plan;  ///< as executed, indent form; likewise
};

/// A run as a whole.
struct RunEnvelope {
  std::string run_id;
  std::string tag;    ///< as RunOptions has it
  std::string state;  ///< "succeeded", "failed" or "cancelled"
  int64_t started_at_us = 0;
  int64_t finished_at_us = 0;
  std::vector<ViewOutcome> views;  ///< in topological order
  DeferredViews deferred;          ///< views that were read from another warehouse
  /// The last builds of the project's other views; nullopt where there is none.
  std::map<std::string, std::optional<BuildRecord>> not_selected;

  int Count(ViewState state) const;
  int64_t bytes_read() const;
  int64_t bytes_written() const;
};

struct RunOptions {
  /// Views to consider. Others are neither decided nor built. `changed` means the views that would
  /// run if all were considered: never built, with another definition, or with other inputs.
  Selection selection;
  /// Runs the selected views even if nothing changed.
  bool force = false;
  /// Views execute from the bytes of their lane, Substrait where it carries the plan.
  bool by_lane = false;
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

/// What would happen if the project ran now.
struct PlannedView {
  std::string view_name;
  Decision decision;
  std::vector<ScanUnit> scan_units;
  DeferredViews deferred;  ///< that it reads
};

class LastBuilds;

/// One project at one moment, ready to be planned or run. Not safe for use from several threads.
class ProjectRun {
 public:
  /// All references must outlive the object.
  /// REQUIRES: everything compiled (compiled.failed is empty).
  ProjectRun(const CompiledProject& compiled, const SessionRuntime& session,
             const BuildHistory& history, const Clock& clock);

  /// In topological order; reads logs, runs nothing.
  Result<std::vector<PlannedView>> Plan(const RunOptions& options) const;
  /// The same for `views` alone, where it is known what becomes of the others.
  Result<std::vector<PlannedView>> PlanAgain(const std::set<std::string>& views,
                                             const std::map<std::string, Action>& others) const;
  /// Builds what must be built. A failed view fails the run but not the views that do not read it.
  Result<RunEnvelope> Run(const RunOptions& options, RunObserver& observer,
                          const engine::Cancellation& cancellation) const;

  const TaskGraph& graph() const { return graph_; }

 private:
  Result<std::set<std::string>> Select(const Selection& selection, const LastBuilds& builds) const;
  Status Defer(const RunOptions& options, const std::set<std::string>& selected,
               LastBuilds& builds) const;
  /// `actions`: of views that are not selected, where they are known.
  Result<std::vector<PlannedView>> PlanViews(const std::set<std::string>& selected, bool force,
                                             const LastBuilds& builds,
                                             std::map<std::string, Action> actions) const;

  const CompiledProject& compiled_;
  const SessionRuntime& session_;
  const BuildHistory& history_;
  const Clock& clock_;
  const TaskGraph graph_;
};

/// A new run id: time-ordered, unique, e.g. "20261121T054312Z-4f2a9c".
std::string NewRunId(const Clock& clock);

}  // namespace weir
