// SPDX-License-Identifier: Apache-2.0

#include "weir/run/view_planning.h"

#include <utility>

#include "weir/run/current_tables.h"
#include "weir/run/source_comparison.h"

namespace weir {

Result<std::set<std::string>> ViewPlanning::Select(const Selection& selection,
                                                   const LastBuilds& builds) const {
  return graph_.Select(selection, [&]() -> Result<std::set<std::string>> {
    WEIR_ASSIGN_OR_RETURN(const std::set<std::string> all, graph_.Select({}));
    WEIR_ASSIGN_OR_RETURN(const auto planned, Plan(all, false, builds, {}));
    std::set<std::string> changed;
    for (const PlannedView& view : planned) {
      if (view.decision.action == Action::kRun) changed.insert(view.view_name);
    }
    return changed;
  });
}

Result<std::vector<PlannedView>> ViewPlanning::Plan(const std::set<std::string>& selected,
                                                    bool force, const LastBuilds& builds,
                                                    std::map<std::string, Action> actions) const {
  CurrentTables tables(session_, graph_);
  const auto source = [&](const std::string& name) { return tables.Source(name); };
  for (const std::string& view : selected) AnnounceScans(*compiled_.Find(view), source);
  std::vector<PlannedView> planned;
  for (const ViewTask& task : graph_.tasks()) {
    if (!selected.contains(task.view_name)) continue;
    const PlanBundle& bundle = *compiled_.Find(task.view_name);
    PlannedView view{.view_name = task.view_name, .decision = {}, .scan_units = {}};
    WEIR_ASSIGN_OR_RETURN(view.scan_units, DeriveScanUnits(bundle, [&](const std::string& name) {
                            return tables.Source(name);
                          }));
    const auto upstream = [&](const std::string& name) -> UpstreamState {
      const auto action = actions.find(name);
      if (action != actions.end() && action->second != Action::kReuse)
        return {.will_run = true, .content = {}};
      const BuildRecord* last = builds.ToRead(name).build;
      return {.will_run = false, .content = last ? std::optional(last->content) : std::nullopt};
    };
    view.decision =
        Decide({.view_name = task.view_name,
                .fingerprint = task.fingerprint,
                .units = &view.scan_units,
                .last_build = &builds.Of(task.view_name),
                .why_unbuilt = [&] { return history_.WhyUnbuilt(task.view_name); },
                .upstream = upstream,
                .force = force,
                .places = builds.PlacesOf(task.upstream_views),
                .definition = bundle.fingerprint_input,
                .source_change =
                    [&](const std::string& table) {
                      return CompareSource(
                          table, bundle, *builds.Of(task.view_name), view.scan_units,
                          [&](const std::string& name) { return tables.Source(name); }, session_);
                    }});
    actions[task.view_name] = view.decision.action;
    for (const std::string& name : task.upstream_views) {
      const auto deferred = builds.deferred().find(name);
      if (deferred != builds.deferred().end()) view.deferred.insert(*deferred);
    }
    if (view.decision.action != Action::kReuse) {
      // What it would read of views that stay as they are is known too.
      WEIR_ASSIGN_OR_RETURN(
          view.scan_units, DeriveScanUnits(bundle, [&](const std::string& name) -> TablePtr {
            if (graph_.Find(name) == nullptr) return tables.Source(name);
            const ReadableBuild last = builds.ToRead(name);
            if (upstream(name).will_run || last.build == nullptr) return nullptr;
            auto table = tables.View(name, last.build->read_version, last.table_url);
            return table.ok() ? *table : nullptr;
          }));
    }
    planned.push_back(std::move(view));
  }
  return planned;
}

}  // namespace weir
