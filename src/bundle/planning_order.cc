// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/planning_order.h"

#include <algorithm>
#include <unordered_map>

#include "weir/base/parallel.h"
#include "weir/bundle/plan_failure.h"

namespace weir {

PlanningOrder::PlanningOrder(const ProjectDefinition& project, const SessionRuntime& session,
                             Diagnostics& diagnostics)
    : views_(project.views),
      references_(views_.size()),
      tables_(views_.size()),
      level_(views_.size(), kUnknown) {
  std::unordered_map<std::string, size_t> indexes;
  for (size_t i = 0; i < views_.size(); ++i) indexes[views_[i].name] = i;
  ForEachInParallel(views_.size(), session.threads(), [&](size_t i) {
    auto names = session.engine().TableReferences(views_[i].query_sql, views_[i].dialect);
    if (!names.ok()) return;  // planning reports the same failure with its place
    for (const std::string& name : *names) {
      tables_[i].push_back(StripDefaultSchema(name));
      const auto found = indexes.find(tables_[i].back());
      if (found != indexes.end()) references_[i].push_back(found->second);
    }
  });
  for (size_t i = 0; i < views_.size(); ++i) Visit(i, diagnostics);
}

std::vector<std::vector<size_t>> PlanningOrder::Levels() const {
  std::vector<std::vector<size_t>> levels;
  for (size_t i = 0; i < views_.size(); ++i) {
    if (level_[i] < 0) continue;
    const auto level = static_cast<size_t>(level_[i]);
    if (levels.size() <= level) levels.resize(level + 1);
    levels[level].push_back(i);
  }
  return levels;
}

/// Depth first; a view met while it is being visited closes a cycle.
void PlanningOrder::Visit(size_t view, Diagnostics& diagnostics) {
  if (level_[view] != kUnknown) return;
  level_[view] = kVisiting;
  path_.push_back(view);
  int level = 0;
  bool on_cycle = false;
  for (size_t reference : references_[view]) {
    if (level_[reference] == kVisiting) {
      ReportCycle(reference, diagnostics);
      on_cycle = true;
      continue;
    }
    Visit(reference, diagnostics);
    if (level_[reference] == kCycle) on_cycle = true;
    level = std::max(level, level_[reference] + 1);
  }
  path_.pop_back();
  level_[view] = on_cycle ? kCycle : level;
}

void PlanningOrder::ReportCycle(size_t start, Diagnostics& diagnostics) {
  const auto begin = std::find(path_.begin(), path_.end(), start);
  std::string cycle;
  for (auto it = begin; it != path_.end(); ++it) cycle += views_[*it].name + " → ";
  cycle += views_[start].name;
  const Status status =
      Status::User(StatusCode::kInvalidArgument, "views read each other in a circle: `{}`", cycle)
          .WithHint("break the circle by reading a source in one of them");
  diagnostics.Add(DiagnosticOf("W2009", status, views_[start]));
}

}  // namespace weir
