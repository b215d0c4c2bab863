// SPDX-License-Identifier: Apache-2.0

#include "weir/lineage/scope.h"

#include <algorithm>

namespace weir::deriving {

namespace {

/// Names beyond which an index pays.
constexpr size_t kWide = 24;

/// "t" and "public.t" are the same table.
bool SameTable(const std::string& a, const std::string& b) {
  const auto ends_with = [](const std::string& whole, const std::string& end) {
    return whole.size() > end.size() && whole[whole.size() - end.size() - 1] == '.' &&
           whole.ends_with(end);
  };
  return ends_with(a, b) || ends_with(b, a);
}

}  // namespace

void Scope::Add(const Side& side) {
  for (const OutputColumn& name : *side.names) names_.push_back(&name);
  columns_.insert(columns_.end(), side.columns.begin(), side.columns.end());
}

bool Scope::Matches(const Expression& column, size_t i, size_t& fallback) const {
  const OutputColumn& output = *names_[i];
  if (ignores_relations_ || output.relation == column.relation) return true;
  const bool may_stand_for =
      !column.relation || (output.relation && SameTable(*column.relation, *output.relation));
  if (may_stand_for && fallback == names_.size()) fallback = i;
  return false;
}

Result<size_t> Scope::Find(const Expression& column) const {
  size_t fallback = names_.size();
  if (names_.size() <= kWide) {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (names_[i]->name == column.name && Matches(column, i, fallback)) return i;
    }
  } else {
    if (index_.empty()) {
      index_.reserve(names_.size());
      for (size_t i = 0; i < names_.size(); ++i) index_.emplace_back(names_[i]->name, i);
      std::sort(index_.begin(), index_.end());
    }
    const std::pair<std::string_view, size_t> first{column.name, 0};
    for (auto at = std::lower_bound(index_.begin(), index_.end(), first);
         at != index_.end() && at->first == column.name; ++at) {
      if (Matches(column, at->second, fallback)) return at->second;
    }
  }
  if (fallback < names_.size()) return fallback;
  return Status::Bug("no input of the node {} provides the column `{}`", node_, ToText(column));
}

Result<const Derived*> Scope::Resolve(const Expression& column) const {
  WEIR_ASSIGN_OR_RETURN(const size_t i, Find(column));
  if (i >= columns_.size()) {
    return Status::Bug("an input of the node {} names {} columns, but puts out {}", node_,
                       names_.size(), columns_.size());
  }
  return columns_[i];
}

namespace {

/// Which outputs of the input the given outputs of a projection are; those that it computes are
/// left out.
std::vector<size_t> ThroughProjection(const LogicalPlan& plan, const std::vector<size_t>& outputs) {
  Scope scope("Projection");
  scope.Add({.names = &plan.inputs[0]->outputs, .columns = {}});
  std::vector<size_t> below;
  for (const size_t output : outputs) {
    if (output >= plan.expressions.size()) continue;
    const Expression& expression = WithoutAlias(plan.expressions[output]);
    if (expression.kind != ExpressionKind::kColumn) continue;
    const auto found = scope.Find(expression);
    if (found.ok()) below.push_back(*found);
  }
  std::sort(below.begin(), below.end());
  return below;
}

/// Whether the first `count` outputs are all among `outputs`.
bool HasFirst(size_t count, const std::vector<size_t>& outputs) {
  for (size_t i = 0; i < count; ++i) {
    if (!std::binary_search(outputs.begin(), outputs.end(), i)) return false;
  }
  return true;
}

}  // namespace

bool IsUniqueBy(const LogicalPlan& plan, const std::vector<size_t>& outputs) {
  switch (plan.kind) {
    case PlanKind::kProjection:
      return IsUniqueBy(*plan.inputs[0], ThroughProjection(plan, outputs));
    case PlanKind::kSubqueryAlias:
    case PlanKind::kFilter:
    case PlanKind::kSort:
    case PlanKind::kLimit:
    case PlanKind::kRepartition:
      return IsUniqueBy(*plan.inputs[0], outputs);
    case PlanKind::kDistinct:
      return HasFirst(plan.outputs.size(), outputs);
    case PlanKind::kAggregate: {
      const bool has_sets =
          plan.group_count == 1 && (plan.expressions[0].kind == ExpressionKind::kGroupingSets ||
                                    plan.expressions[0].kind == ExpressionKind::kCube ||
                                    plan.expressions[0].kind == ExpressionKind::kRollup);
      return !has_sets && HasFirst(plan.group_count, outputs);
    }
    default:
      return false;
  }
}

}  // namespace weir::deriving
