// SPDX-License-Identifier: Apache-2.0
//
// Executes a run: views in parallel as their upstream views become final, bounded by memory, one
// commit a view, a failure blocking only what reads it.
// In: what is compiled, selected and was built before. Out: the run envelope.
// Nobody may plan here: views execute from their bundles' plan bytes, or from the bytes of their
// lane.
//
// The life of a view in a run:
//
//   waiting ──all upstream views final──▶ decided ──run──▶ running ──commit──▶ run
//      │                                     │                └──error──────▶ failed
//      └──an upstream view failed──▶ blocked └──nothing changed─────────────▶ reused

#pragma once

#include <set>
#include <string>

#include "weir/base/clock.h"
#include "weir/bundle/compile.h"
#include "weir/decide/history.h"
#include "weir/graph/task_graph.h"
#include "weir/run/last_builds.h"
#include "weir/run/run_envelope.h"
#include "weir/run/run_options.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// What a run is executed with. All references must outlive the execution.
struct RunScene {
  const CompiledProject& compiled;
  const SessionRuntime& session;
  const TaskGraph& graph;
  const BuildHistory& history;
  const LastBuilds& builds;  ///< before the run
  const Clock& clock;
};

/// Brings the views of `selected` to their final states, on session.threads() threads. A view that
/// fails is in the envelope with its reason.
RunEnvelope ExecuteRun(const RunScene& scene, const RunOptions& options,
                       std::set<std::string> selected, RunObserver& observer,
                       const engine::Cancellation& cancellation);

}  // namespace weir
