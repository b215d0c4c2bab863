// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/unique_key.h"

namespace weir {

namespace {

using Key = std::optional<std::set<size_t>>;

/// Rows may come twice out of grouping sets that stand twice.
Key KeyOfAggregate(const LogicalPlan& node) {
  std::set<size_t> key;
  for (size_t i = 0; i < node.group_count; ++i) {
    switch (node.expressions[i].kind) {
      case ExpressionKind::kGroupingSets:
      case ExpressionKind::kCube:
      case ExpressionKind::kRollup:
        return std::nullopt;
      default:
        key.insert(i);
    }
  }
  return key;
}

Key KeyOfProjection(const LogicalPlan& node) {
  const Key below = UniqueKeyOf(*node.inputs[0]);
  if (!below) return std::nullopt;
  std::set<size_t> key, found;
  for (size_t i = 0; i < node.expressions.size(); ++i) {
    const auto index = IndexOfColumn(node.expressions[i], *node.inputs[0]);
    if (index && below->contains(*index) && found.insert(*index).second) key.insert(i);
  }
  if (found.size() != below->size()) return std::nullopt;
  return key;
}

Key KeyOfJoin(const LogicalPlan& node) {
  if (node.text.starts_with("Left") && node.text != "Left") return UniqueKeyOf(*node.inputs[0]);
  if (node.text.starts_with("Right") && node.text != "Right") return UniqueKeyOf(*node.inputs[1]);
  // Rows that each side has alone can agree in a key of NULLs.
  if (node.text == "Full") return std::nullopt;
  Key left = UniqueKeyOf(*node.inputs[0]);
  const Key right = UniqueKeyOf(*node.inputs[1]);
  if (!left || !right) return std::nullopt;
  for (const size_t index : *right) left->insert(node.inputs[0]->outputs.size() + index);
  return left;
}

}  // namespace

std::optional<size_t> IndexOfColumn(const Expression& expression, const LogicalPlan& node) {
  const Expression& column = WithoutAlias(expression);
  if (column.kind != ExpressionKind::kColumn) return std::nullopt;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const OutputColumn& output = node.outputs[i];
    if (output.name == column.name && (!column.relation || output.relation == column.relation))
      return i;
  }
  return std::nullopt;
}

std::optional<std::set<size_t>> UniqueKeyOf(const LogicalPlan& node) {
  switch (node.kind) {
    case PlanKind::kEmptyRelation:
      return std::set<size_t>{};
    case PlanKind::kValues:
      if (node.expressions.size() > node.column_count) return std::nullopt;
      return std::set<size_t>{};
    case PlanKind::kAggregate:
      return KeyOfAggregate(node);
    case PlanKind::kDistinct: {
      std::set<size_t> key;
      for (size_t i = 0; i < node.outputs.size(); ++i) key.insert(i);
      return key;
    }
    case PlanKind::kProjection:
      return KeyOfProjection(node);
    case PlanKind::kJoin:
      return KeyOfJoin(node);
    case PlanKind::kSort:
    case PlanKind::kLimit:
      if (node.fetch >= 0 && node.fetch <= 1) return std::set<size_t>{};
      [[fallthrough]];
    case PlanKind::kFilter:
    case PlanKind::kWindow:  // The columns of the input come first.
    case PlanKind::kSubqueryAlias:
    case PlanKind::kRepartition:
      return UniqueKeyOf(*node.inputs[0]);
    default:
      return std::nullopt;
  }
}

}  // namespace weir
