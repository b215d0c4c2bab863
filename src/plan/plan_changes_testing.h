// SPDX-License-Identifier: Apache-2.0
//
// Changes of decoded plans, for tests only: such that change the result, and such that do not.

#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <arrow/api.h>

#include "weir/plan/logical_plan.h"

namespace weir::testing_plans {

using MutablePlan = std::shared_ptr<LogicalPlan>;

inline MutablePlan Clone(const LogicalPlan& plan);

inline void CloneSubqueries(Expression& e) {
  if (e.subquery) e.subquery = Clone(*e.subquery);
  for (Expression& input : e.inputs) CloneSubqueries(input);
  for (Expression& input : e.filter) CloneSubqueries(input);
  for (Expression& input : e.partition_by) CloneSubqueries(input);
  for (SortKey& key : e.order_by) CloneSubqueries(key.expression);
}

/// A copy that shares nothing that can be changed.
inline MutablePlan Clone(const LogicalPlan& plan) {
  auto copy = std::make_shared<LogicalPlan>(plan);
  for (auto& input : copy->inputs) input = Clone(*input);
  for (Expression& e : copy->expressions) CloneSubqueries(e);
  for (SortKey& key : copy->sort_keys) CloneSubqueries(key.expression);
  return copy;
}

struct Change {
  std::string name;
  std::function<void()> apply;
};
using Changes = std::vector<Change>;

/// Nodes of a clone are not really const.
inline LogicalPlan& Edit(const std::shared_ptr<const LogicalPlan>& plan) {
  return const_cast<LogicalPlan&>(*plan);
}

template <typename VisitNode, typename VisitExpr>
void EditAll(LogicalPlan& plan, const VisitNode& node, const VisitExpr& expression) {
  node(plan);
  const std::function<void(Expression&)> walk = [&](Expression& e) {
    expression(e, plan);
    if (e.subquery) EditAll(Edit(e.subquery), node, expression);
    for (Expression& input : e.inputs) walk(input);
    for (Expression& input : e.filter) walk(input);
    for (Expression& input : e.partition_by) walk(input);
    for (SortKey& key : e.order_by) walk(key.expression);
  };
  for (Expression& e : plan.expressions) walk(e);
  for (SortKey& key : plan.sort_keys) walk(key.expression);
  for (const auto& input : plan.inputs) EditAll(Edit(input), node, expression);
}

inline void AddSortKeyChanges(std::vector<SortKey>& keys, const std::string& of, Changes& changes) {
  for (SortKey& key : keys) {
    changes.push_back({of + ": direction", [&key] { key.ascending = !key.ascending; }});
    changes.push_back({of + ": place of nulls", [&key] { key.nulls_first = !key.nulls_first; }});
  }
  if (!keys.empty()) changes.push_back({of + ": dropped", [&keys] { keys.clear(); }});
}

inline void AddFunctionChanges(Expression& e, Changes& changes) {
  const bool is_window = e.kind == ExpressionKind::kWindowFunction;
  const std::string of = is_window ? "window function" : "aggregate";
  changes.push_back({of + ": null treatment", [&e] { e.ignore_nulls = !e.ignore_nulls; }});
  changes.push_back({of + ": distinct", [&e] { e.distinct = !e.distinct; }});
  changes.push_back({of + ": name", [&e] { e.name += "_other"; }});
  if (e.filter.empty()) {
    Expression filter{.kind = ExpressionKind::kLiteral, .text = "false"};
    filter.literal = std::make_shared<arrow::BooleanScalar>(false);
    changes.push_back({of + ": filter added", [&e, filter] { e.filter.push_back(filter); }});
  } else {
    changes.push_back({of + ": filter dropped", [&e] { e.filter.clear(); }});
    changes.push_back({of + ": filter is an argument", [&e] {
                         e.inputs.push_back(e.filter[0]);
                         e.filter.clear();
                       }});
  }
  AddSortKeyChanges(e.order_by, of + ": order", changes);
  if (!is_window) return;
  changes.push_back({of + ": frame", [&e] { e.text += " of another size"; }});
  changes.push_back({of + ": kind", [&e] { e.is_aggregate = !e.is_aggregate; }});
  if (!e.partition_by.empty())
    changes.push_back({of + ": partition", [&e] { e.partition_by.pop_back(); }});
}

inline void AddExpressionChanges(Expression& e, Changes& changes) {
  switch (e.kind) {
    case ExpressionKind::kAggregateFunction:
    case ExpressionKind::kWindowFunction:
      AddFunctionChanges(e, changes);
      break;
    case ExpressionKind::kLiteral:
      changes.push_back({"literal", [&e] { e.text += "1"; }});
      if (e.literal && e.literal->type->id() == arrow::Type::INT64 && e.literal->is_valid) {
        changes.push_back({"literal's type", [&e] {
                             e.literal = std::make_shared<arrow::Int32Scalar>(
                                 static_cast<const arrow::Int64Scalar&>(*e.literal).value);
                           }});
      }
      break;
    case ExpressionKind::kBinary:
      if (e.name == "AND" || e.name == "OR") {
        changes.push_back({"AND or OR", [&e] { e.name = e.name == "AND" ? "OR" : "AND"; }});
        changes.push_back({"operand dropped", [&e] { e.inputs.pop_back(); }});
      } else {
        changes.push_back({"operator", [&e] {
                             e.name = e.name == "="   ? "IS NOT DISTINCT FROM"
                                      : e.name == "<" ? "<="
                                      : e.name == ">" ? ">="
                                      : e.name == "-" ? "+"
                                                      : "-";
                           }});
        const std::string left = ToText(e.inputs[0]), right = ToText(e.inputs[1]);
        if (e.inputs.size() == 2 && left != right &&
            (e.name == "-" || e.name == "<" || e.name == ">"))
          changes.push_back({"sides", [&e] { std::swap(e.inputs[0], e.inputs[1]); }});
      }
      break;
    case ExpressionKind::kLike:
    case ExpressionKind::kILike:
      changes.push_back({"case sensitivity", [&e] {
                           e.kind = e.kind == ExpressionKind::kLike ? ExpressionKind::kILike
                                                                    : ExpressionKind::kLike;
                         }});
      changes.push_back({"escape", [&e] { e.text += "!"; }});
      [[fallthrough]];
    case ExpressionKind::kBetween:
    case ExpressionKind::kInList:
      changes.push_back({"negation", [&e] { e.negated = !e.negated; }});
      break;
    case ExpressionKind::kCast:
      changes.push_back({"failing cast", [&e] { e.kind = ExpressionKind::kTryCast; }});
      changes.push_back({"type of a cast", [&e] {
                           e.type =
                               e.type->id() == arrow::Type::INT8 ? arrow::int16() : arrow::int8();
                         }});
      break;
    case ExpressionKind::kScalarFunction:
      changes.push_back({"function", [&e] { e.name += "_other"; }});
      if (e.inputs.size() >= 2 && ToText(e.inputs[0]) != ToText(e.inputs[1]))
        changes.push_back({"order of arguments", [&e] { std::swap(e.inputs[0], e.inputs[1]); }});
      break;
    case ExpressionKind::kIsNull:
      changes.push_back({"IS NULL", [&e] { e.kind = ExpressionKind::kIsNotNull; }});
      break;
    case ExpressionKind::kCase:
      if (e.has_else && ToText(e.inputs.back()) != "NULL") {
        changes.push_back({"ELSE", [&e] {
                             e.has_else = false;
                             e.inputs.pop_back();
                           }});
      }
      break;
    default:
      break;
  }
}

inline void AddJoinChanges(LogicalPlan& plan, Changes& changes) {
  const bool has_keys = plan.expressions.size() > (plan.has_filter ? 1U : 0U);
  changes.push_back({"join: null-aware", [&plan] { plan.null_aware = !plan.null_aware; }});
  if (has_keys) {
    changes.push_back(
        {"join: null equality", [&plan] { plan.null_equals_null = !plan.null_equals_null; }});
    changes.push_back({"join: key dropped", [&plan] {
                         plan.expressions.erase(plan.expressions.begin(),
                                                plan.expressions.begin() + 2);
                       }});
  }
  if (plan.has_filter) {
    changes.push_back({"join: condition dropped", [&plan] {
                         plan.expressions.pop_back();
                         plan.has_filter = false;
                       }});
  }
  static const std::vector<std::vector<std::string>> kLikes = {
      {"Inner", "Left", "Right", "Full"}, {"LeftSemi", "LeftAnti"}, {"RightSemi", "RightAnti"}};
  for (const auto& likes : kLikes) {
    if (std::find(likes.begin(), likes.end(), plan.text) == likes.end()) continue;
    for (const std::string& other : likes)
      if (other != plan.text)
        changes.push_back({"join: " + other, [&plan, other] { plan.text = other; }});
  }
}

inline void AddNodeChanges(LogicalPlan& plan, Changes& changes) {
  switch (plan.kind) {
    case PlanKind::kScan:
      changes.push_back({"table", [&plan] { plan.scan->table += "_other"; }});
      break;
    case PlanKind::kJoin:
      AddJoinChanges(plan, changes);
      break;
    case PlanKind::kSort:
      AddSortKeyChanges(plan.sort_keys, "sort", changes);
      changes.push_back(
          {"sort: fetch", [&plan] { plan.fetch = plan.fetch < 0 ? 7 : plan.fetch + 1; }});
      break;
    case PlanKind::kLimit:
      changes.push_back({"limit: skip", [&plan] { plan.skip += 1; }});
      changes.push_back(
          {"limit: fetch", [&plan] { plan.fetch = plan.fetch < 0 ? 7 : plan.fetch + 1; }});
      break;
    case PlanKind::kUnion:
      changes.push_back({"union: input twice", [&plan] { plan.inputs.push_back(plan.inputs[0]); }});
      changes.push_back({"union: input dropped", [&plan] { plan.inputs.pop_back(); }});
      break;
    case PlanKind::kRecursiveQuery:
      changes.push_back({"recursion: distinct", [&plan] { plan.distinct = !plan.distinct; }});
      break;
    case PlanKind::kUnnest:
      changes.push_back({"unnest: nulls", [&plan] {
                           auto spec = std::make_shared<UnnestSpec>(*plan.unnest_spec);
                           spec->nulls = spec->nulls == UnnestNulls::kDrop ? UnnestNulls::kPreserve
                                                                           : UnnestNulls::kDrop;
                           plan.unnest_spec = std::move(spec);
                         }});
      break;
    case PlanKind::kDistinctOn:
      AddSortKeyChanges(plan.sort_keys, "distinct on", changes);
      break;
    case PlanKind::kEmptyRelation:
      changes.push_back(
          {"rows of nothing", [&plan] { plan.produce_one_row = !plan.produce_one_row; }});
      break;
    default:
      break;
  }
  for (auto& input : plan.inputs) {
    if (input->kind == PlanKind::kFilter || input->kind == PlanKind::kDistinct)
      changes.push_back({"node dropped", [&input] { input = input->inputs[0]; }});
  }
}

/// Every single change of the plan that changes what it means.
inline Changes MeaningChanges(LogicalPlan& root) {
  Changes changes;
  EditAll(
      root, [&](LogicalPlan& plan) { AddNodeChanges(plan, changes); },
      [&](Expression& e, LogicalPlan&) { AddExpressionChanges(e, changes); });
  changes.push_back({"name of a column", [&root] { root.outputs[0].name += "_other"; }});
  if (root.kind == PlanKind::kProjection && root.expressions.size() >= 2 &&
      ToText(WithoutAlias(root.expressions[0])) != ToText(WithoutAlias(root.expressions[1]))) {
    changes.push_back(
        {"order of columns", [&root] { std::swap(root.expressions[0], root.expressions[1]); }});
  }
  return changes;
}

inline Expression ColumnOf(const OutputColumn& output) {
  return {.kind = ExpressionKind::kColumn, .name = output.name, .relation = output.relation};
}

/// A projection of all columns, as they are.
inline std::shared_ptr<const LogicalPlan> Projected(std::shared_ptr<const LogicalPlan> plan,
                                                    bool reversed) {
  auto projection = std::make_shared<LogicalPlan>();
  projection->kind = PlanKind::kProjection;
  projection->outputs = plan->outputs;
  if (reversed) std::reverse(projection->outputs.begin(), projection->outputs.end());
  for (const OutputColumn& output : projection->outputs)
    projection->expressions.push_back(ColumnOf(output));
  projection->inputs.push_back(std::move(plan));
  return projection;
}

inline void AddTransparentNodeChanges(LogicalPlan& plan, Changes& changes) {
  const bool reads_by_name =
      plan.kind == PlanKind::kProjection || plan.kind == PlanKind::kAggregate;
  for (auto& input : plan.inputs) {
    if (plan.kind == PlanKind::kSort || plan.kind == PlanKind::kRecursiveQuery) continue;
    changes.push_back({"projection", [&input] { input = Projected(input, false); }});
    if (reads_by_name)
      changes.push_back({"columns reversed", [&input] { input = Projected(input, true); }});
  }
  if (plan.kind == PlanKind::kFilter && plan.expressions[0].name == "AND") {
    changes.push_back({"filter split", [&plan] {
                         auto below = std::make_shared<LogicalPlan>(plan);
                         below->expressions = {plan.expressions[0].inputs.back()};
                         plan.expressions[0].inputs.pop_back();
                         if (plan.expressions[0].inputs.size() == 1)
                           plan.expressions[0] = Expression(plan.expressions[0].inputs[0]);
                         plan.inputs[0] = std::move(below);
                       }});
  }
  if (plan.kind == PlanKind::kJoin && !plan.has_filter && plan.expressions.size() >= 2) {
    changes.push_back(
        {"join key is a condition", [&plan] {
           Expression equality{.kind = ExpressionKind::kBinary,
                               .name = plan.null_equals_null ? "IS NOT DISTINCT FROM" : "=",
                               .inputs = {plan.expressions[1], plan.expressions[0]}};
           plan.expressions.erase(plan.expressions.begin(), plan.expressions.begin() + 2);
           plan.expressions.push_back(std::move(equality));
           plan.has_filter = true;
         }});
  }
  if (plan.kind == PlanKind::kLimit && plan.skip > 0) {
    changes.push_back({"limit split", [&plan] {
                         auto below = std::make_shared<LogicalPlan>(plan);
                         below->fetch = -1;
                         plan.skip = 0;
                         plan.inputs[0] = std::move(below);
                       }});
  }
}

inline void AddTransparentExpressionChanges(Expression& e, Changes& changes) {
  if (!e.partition_by.empty()) {
    changes.push_back({"order of partition keys",
                       [&e] { std::reverse(e.partition_by.begin(), e.partition_by.end()); }});
  }
  if (e.kind == ExpressionKind::kInList)
    changes.push_back(
        {"order of IN", [&e] { std::reverse(e.inputs.begin() + 1, e.inputs.end()); }});
  if (e.kind == ExpressionKind::kBetween && !e.negated) {
    changes.push_back(
        {"BETWEEN as comparisons", [&e] {
           Expression low{
               .kind = ExpressionKind::kBinary, .name = "<=", .inputs = {e.inputs[1], e.inputs[0]}};
           Expression high{
               .kind = ExpressionKind::kBinary, .name = "<=", .inputs = {e.inputs[0], e.inputs[2]}};
           e = {.kind = ExpressionKind::kBinary, .name = "AND", .inputs = {low, high}};
         }});
  }
  if (e.kind != ExpressionKind::kBinary) return;
  if (e.name == "AND" || e.name == "OR") {
    changes.push_back(
        {"order of conjuncts", [&e] { std::reverse(e.inputs.begin(), e.inputs.end()); }});
    changes.push_back({"conjunct twice", [&e] { e.inputs.push_back(Expression(e.inputs[0])); }});
  }
  const bool is_unordered = e.name == "=" || e.name == "<>" || e.name == "*" || e.name == "+";
  if (e.inputs.size() == 2 && (is_unordered || e.name == "<" || e.name == ">")) {
    changes.push_back({"sides of " + e.name, [&e] {
                         std::swap(e.inputs[0], e.inputs[1]);
                         if (e.name == "<") {
                           e.name = ">";
                         } else if (e.name == ">") {
                           e.name = "<";
                         }
                       }});
  }
}

/// Other names for all tables and aliases.
inline void RenameRelations(LogicalPlan& root) {
  const auto rename = [](std::optional<std::string>& relation) {
    if (relation) *relation = "r_" + *relation;
  };
  EditAll(
      root,
      [&](LogicalPlan& plan) {
        for (OutputColumn& output : plan.outputs) rename(output.relation);
        if (plan.kind == PlanKind::kSubqueryAlias) plan.name = "r_" + plan.name;
      },
      [&](Expression& e, LogicalPlan&) { rename(e.relation); });
}

/// Single changes of the plan that leave what it means.
inline Changes TransparentChanges(LogicalPlan& root) {
  Changes changes;
  EditAll(
      root, [&](LogicalPlan& plan) { AddTransparentNodeChanges(plan, changes); },
      [&](Expression& e, LogicalPlan&) { AddTransparentExpressionChanges(e, changes); });
  changes.push_back({"names of tables", [&root] { RenameRelations(root); }});
  return changes;
}

}  // namespace weir::testing_plans
