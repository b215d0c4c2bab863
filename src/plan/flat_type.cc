// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/flat_type.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <arrow/api.h>

#include "weir/plan/unique_key.h"

namespace weir {

namespace {

using Names = std::set<std::string_view>;

/// Of the type of their first argument.
const Names kOfArgument = {"min",       "max",       "first_value", "last_value",
                           "nth_value", "any_value", "lag",         "lead"};
/// Numbers and texts.
const Names kFlat = {"count",      "sum",          "avg",       "row_number", "rank",
                     "dense_rank", "percent_rank", "cume_dist", "ntile",      "string_agg",
                     "median",     "stddev",       "var",       "bool_and",   "bool_or"};

class FlatTypes {
 public:
  bool OfExpression(const Expression& e, const LogicalPlan& node) {
    if (--budget_ < 0) return false;
    const auto is_flat = [&](const Expression& part) { return OfExpression(part, node); };
    switch (e.kind) {
      case ExpressionKind::kColumn: {
        const auto index = IndexOfColumn(e, node);
        return index && OfOutput(node, *index);
      }
      case ExpressionKind::kLiteral:
        return e.literal != nullptr && IsFlat(e.type != nullptr ? *e.type : *e.literal->type);
      case ExpressionKind::kCast:
      case ExpressionKind::kTryCast:
        return e.type != nullptr && IsFlat(*e.type);
      case ExpressionKind::kAlias:
      case ExpressionKind::kNegative:
      case ExpressionKind::kBinary:
        return std::all_of(e.inputs.begin(), e.inputs.end(), is_flat);
      case ExpressionKind::kCase: {
        const size_t end = e.inputs.size() - (e.has_else ? 1 : 0);
        for (size_t then = e.has_base ? 2 : 1; then < end; then += 2) {
          if (!is_flat(e.inputs[then])) return false;
        }
        return !e.has_else || is_flat(e.inputs.back());
      }
      case ExpressionKind::kAggregateFunction:
      case ExpressionKind::kWindowFunction:
        return kFlat.contains(e.name) ||
               (kOfArgument.contains(e.name) && !e.inputs.empty() && is_flat(e.inputs[0]));
      case ExpressionKind::kNot:
      case ExpressionKind::kIsNull:
      case ExpressionKind::kIsNotNull:
      case ExpressionKind::kIsTrue:
      case ExpressionKind::kIsFalse:
      case ExpressionKind::kIsUnknown:
      case ExpressionKind::kIsNotTrue:
      case ExpressionKind::kIsNotFalse:
      case ExpressionKind::kIsNotUnknown:
      case ExpressionKind::kBetween:
      case ExpressionKind::kInList:
      case ExpressionKind::kLike:
      case ExpressionKind::kILike:
      case ExpressionKind::kSimilarTo:
        return true;
      default:
        return false;
    }
  }

 private:
  bool OfExpressionAt(const LogicalPlan& node, size_t i) {
    return i < node.expressions.size() && OfExpression(node.expressions[i], *node.inputs[0]);
  }

  bool OfOutput(const LogicalPlan& node, size_t i) {
    if (--budget_ < 0) return false;
    switch (node.kind) {
      case PlanKind::kScan: {
        const auto field = i < node.scan->columns.size()
                               ? node.scan->schema->GetFieldByName(node.scan->columns[i])
                               : nullptr;
        return field != nullptr && IsFlat(*field->type());
      }
      case PlanKind::kProjection:
        return OfExpressionAt(node, i);
      case PlanKind::kAggregate:
        // Grouping sets put out other columns than they list.
        return node.outputs.size() == node.expressions.size() && OfExpressionAt(node, i);
      case PlanKind::kWindow: {
        const size_t before = node.inputs[0]->outputs.size();
        return i < before ? OfOutput(*node.inputs[0], i) : OfExpressionAt(node, i - before);
      }
      case PlanKind::kJoin: {
        if (node.text.starts_with("Right") && node.text != "Right")
          return i >= node.inputs[1]->outputs.size() || OfOutput(*node.inputs[1], i);
        const size_t left = node.inputs[0]->outputs.size();
        if (i < left) return OfOutput(*node.inputs[0], i);
        if (node.text == "LeftMark") return true;
        return i - left < node.inputs[1]->outputs.size() && OfOutput(*node.inputs[1], i - left);
      }
      case PlanKind::kFilter:
      case PlanKind::kSort:
      case PlanKind::kLimit:
      case PlanKind::kDistinct:
      case PlanKind::kSubqueryAlias:
      case PlanKind::kRepartition:
      case PlanKind::kUnion:  // The branches of a union have one type.
        return i < node.inputs[0]->outputs.size() && OfOutput(*node.inputs[0], i);
      default:
        return false;
    }
  }

  int budget_ = 10'000;
};

}  // namespace

bool IsFlat(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY)
    return IsFlat(*static_cast<const arrow::DictionaryType&>(type).value_type());
  // Null: a type that Arrow C++ does not have.
  return !arrow::is_nested(type.id()) && type.id() != arrow::Type::NA &&
         type.id() != arrow::Type::EXTENSION;
}

bool IsKnownFlat(const Expression& expression, const LogicalPlan& node) {
  return FlatTypes().OfExpression(expression, node);
}

}  // namespace weir
