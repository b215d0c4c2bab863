// SPDX-License-Identifier: Apache-2.0

#include "weir/run/project_run.h"

#include <utility>

#include "weir/run/run_execution.h"

namespace weir {

ProjectRun::ProjectRun(const CompiledProject& compiled, const SessionRuntime& session,
                       const BuildHistory& history, const Clock& clock)
    : compiled_(compiled),
      session_(session),
      history_(history),
      clock_(clock),
      graph_(TaskGraph::Derive(compiled.bundles())),
      planning_(compiled, session, graph_, history) {}

Status ProjectRun::Defer(const RunOptions& options, const std::set<std::string>& selected,
                         LastBuilds& builds) const {
  if (!options.defer_to) return Status::OK();
  WEIR_ASSIGN_OR_RETURN(
      DeferredViews deferred,
      DeferViews(
          *options.defer_to, compiled_, graph_, selected,
          [&](const std::string& view) { return builds.Of(view).has_value(); }, session_));
  builds.Defer(std::move(deferred));
  return Status::OK();
}

Result<std::vector<PlannedView>> ProjectRun::Plan(const RunOptions& options) const {
  WEIR_ASSIGN_OR_RETURN(LastBuilds builds, LastBuilds::Read(graph_, history_, session_.threads()));
  WEIR_ASSIGN_OR_RETURN(const std::set<std::string> selected,
                        planning_.Select(options.selection, builds));
  WEIR_RETURN_NOT_OK(Defer(options, selected, builds));
  return planning_.Plan(selected, options.force, builds, {});
}

Result<std::vector<PlannedView>> ProjectRun::PlanAgain(
    const std::set<std::string>& views, const std::map<std::string, Action>& others) const {
  std::set<std::string> asked = views;
  for (const std::string& view : views) {
    const auto& upstream = graph_.Find(view)->upstream_views;
    asked.insert(upstream.begin(), upstream.end());
  }
  WEIR_ASSIGN_OR_RETURN(const LastBuilds builds, LastBuilds::Read({asked.begin(), asked.end()},
                                                                  history_, session_.threads()));
  return planning_.Plan(views, false, builds, others);
}

Result<RunEnvelope> ProjectRun::Run(const RunOptions& options, RunObserver& observer,
                                    const engine::Cancellation& cancellation) const {
  WEIR_ASSIGN_OR_RETURN(LastBuilds builds, LastBuilds::Read(graph_, history_, session_.threads()));
  WEIR_ASSIGN_OR_RETURN(std::set<std::string> selected,
                        planning_.Select(options.selection, builds));
  WEIR_RETURN_NOT_OK(Defer(options, selected, builds));
  return ExecuteRun({.compiled = compiled_,
                     .session = session_,
                     .graph = graph_,
                     .history = history_,
                     .builds = builds,
                     .clock = clock_},
                    options, std::move(selected), observer, cancellation);
}

}  // namespace weir
