// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/mapped_parts.h"

namespace weir::internal {

namespace {

using PlanPtr = std::shared_ptr<const LogicalPlan>;
using PlanMap = std::function<PlanPtr(const PlanPtr&)>;

bool HasSubquery(const Expression& e) {
  bool has_subquery = false;
  VisitExpression(e, [&](const Expression& part) { has_subquery |= part.subquery != nullptr; });
  return has_subquery;
}

/// Returns whether any changed.
bool MapSubqueries(Expression& e, const PlanMap& map) {
  bool changed = false;
  if (e.subquery) {
    PlanPtr subquery = map(e.subquery);
    changed = subquery != e.subquery;
    e.subquery = std::move(subquery);
  }
  for (Expression& input : e.inputs) changed |= MapSubqueries(input, map);
  for (Expression& input : e.filter) changed |= MapSubqueries(input, map);
  for (Expression& input : e.partition_by) changed |= MapSubqueries(input, map);
  for (SortKey& key : e.order_by) changed |= MapSubqueries(key.expression, map);
  return changed;
}

}  // namespace

PlanPtr WithMappedParts(const PlanPtr& plan, const PlanMap& map) {
  std::shared_ptr<LogicalPlan> copy;
  const auto changed = [&]() -> LogicalPlan& {
    if (!copy) copy = std::make_shared<LogicalPlan>(*plan);
    return *copy;
  };
  for (size_t i = 0; i < plan->inputs.size(); ++i) {
    PlanPtr input = map(plan->inputs[i]);
    if (input != plan->inputs[i]) changed().inputs[i] = std::move(input);
  }
  for (size_t i = 0; i < plan->expressions.size(); ++i) {
    if (!HasSubquery(plan->expressions[i])) continue;
    Expression e = plan->expressions[i];
    if (MapSubqueries(e, map)) changed().expressions[i] = std::move(e);
  }
  for (size_t i = 0; i < plan->sort_keys.size(); ++i) {
    if (!HasSubquery(plan->sort_keys[i].expression)) continue;
    SortKey key = plan->sort_keys[i];
    if (MapSubqueries(key.expression, map)) changed().sort_keys[i] = std::move(key);
  }
  return copy ? copy : plan;
}

}  // namespace weir::internal
