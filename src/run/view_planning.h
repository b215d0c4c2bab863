// SPDX-License-Identifier: Apache-2.0
//
// What would happen to views if the project ran now. In: what is compiled, what was built before.
// Out: a decision a view, with the scans that it would make. Reads logs, runs nothing.

#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "weir/bundle/compile.h"
#include "weir/decide/decision.h"
#include "weir/decide/history.h"
#include "weir/graph/task_graph.h"
#include "weir/run/deferral.h"
#include "weir/run/last_builds.h"
#include "weir/scan/scan_unit.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// What would happen if the project ran now.
struct PlannedView {
  std::string view_name;
  Decision decision;
  std::vector<ScanUnit> scan_units;
  DeferredViews deferred;  ///< that it reads
};

/// One project at one moment. The arguments must outlive it.
class ViewPlanning {
 public:
  ViewPlanning(const CompiledProject& compiled, const SessionRuntime& session,
               const TaskGraph& graph, const BuildHistory& history)
      : compiled_(compiled), session_(session), graph_(graph), history_(history) {}

  /// The views that a selection means.
  Result<std::set<std::string>> Select(const Selection& selection, const LastBuilds& builds) const;

  /// In topological order. `actions`: of views that are not selected, where they are known.
  Result<std::vector<PlannedView>> Plan(const std::set<std::string>& selected, bool force,
                                        const LastBuilds& builds,
                                        std::map<std::string, Action> actions) const;

 private:
  const CompiledProject& compiled_;
  const SessionRuntime& session_;
  const TaskGraph& graph_;
  const BuildHistory& history_;
};

}  // namespace weir
