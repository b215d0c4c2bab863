// SPDX-License-Identifier: Apache-2.0
//
// Plans or runs a compiled project. In: its bundles, its sealed session, what was built before.
// Out: what would be done with each view (view_planning.h), or what was (run_envelope.h).

#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/bundle/compile.h"
#include "weir/decide/history.h"
#include "weir/engine/engine.h"
#include "weir/graph/task_graph.h"
#include "weir/run/last_builds.h"
#include "weir/run/run_envelope.h"
#include "weir/run/run_options.h"
#include "weir/run/view_planning.h"
#include "weir/session/session_runtime.h"

namespace weir {

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
  Status Defer(const RunOptions& options, const std::set<std::string>& selected,
               LastBuilds& builds) const;

  const CompiledProject& compiled_;
  const SessionRuntime& session_;
  const BuildHistory& history_;
  const Clock& clock_;
  const TaskGraph graph_;
  const ViewPlanning planning_;
};

}  // namespace weir
