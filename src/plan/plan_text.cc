// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <set>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/plan/logical_plan.h"

namespace weir {

namespace {

template <typename Items, typename Text>
std::string Join(const Items& items, const std::string& separator, const Text& text) {
  std::string joined;
  bool first = true;
  for (const auto& item : items) {
    if (!first) joined += separator;
    joined += text(item);
    first = false;
  }
  return joined;
}

std::string JoinTexts(const std::vector<Expression>& expressions,
                      const std::string& separator = ", ") {
  return Join(expressions, separator, [](const Expression& e) { return ToText(e); });
}

std::string SortText(const std::vector<SortKey>& keys) {
  return Join(keys, ", ", [](const SortKey& key) {
    return fmt::format("{} {} NULLS {}", ToText(key.expression), key.ascending ? "ASC" : "DESC",
                       key.nulls_first ? "FIRST" : "LAST");
  });
}

std::string CallText(const Expression& e) {
  std::string text =
      fmt::format("{}({}{}", e.name, e.distinct ? "DISTINCT " : "", JoinTexts(e.inputs));
  if (e.kind == ExpressionKind::kAggregateFunction && !e.order_by.empty())
    text += " ORDER BY " + SortText(e.order_by);
  text += ")";
  if (e.ignore_nulls) text += " IGNORE NULLS";
  if (!e.filter.empty()) text += fmt::format(" FILTER (WHERE {})", ToText(e.filter[0]));
  if (e.kind != ExpressionKind::kWindowFunction) return text;
  std::string over;
  if (!e.partition_by.empty()) over += "PARTITION BY " + JoinTexts(e.partition_by) + " ";
  if (!e.order_by.empty()) over += "ORDER BY " + SortText(e.order_by) + " ";
  return fmt::format("{} OVER ({}{})", text, over, e.text);
}

std::string CaseText(const Expression& e) {
  size_t next = 0;
  std::string text = "CASE";
  if (e.has_base) text += " " + ToText(e.inputs[next++]);
  const size_t end = e.inputs.size() - (e.has_else ? 1 : 0);
  for (; next + 1 < end; next += 2) {
    text += fmt::format(" WHEN {} THEN {}", ToText(e.inputs[next]), ToText(e.inputs[next + 1]));
  }
  if (e.has_else) text += " ELSE " + ToText(e.inputs.back());
  return text + " END";
}

/// An operand in parentheses where it is not a single word.
std::string OperandText(const Expression& e) {
  switch (e.kind) {
    case ExpressionKind::kBinary:
    case ExpressionKind::kBetween:
    case ExpressionKind::kInList:
    case ExpressionKind::kLike:
    case ExpressionKind::kILike:
    case ExpressionKind::kSimilarTo:
      return "(" + ToText(e) + ")";
    default:
      return ToText(e);
  }
}

std::string_view PostfixText(ExpressionKind kind) {
  switch (kind) {
    case ExpressionKind::kIsNull:
      return " IS NULL";
    case ExpressionKind::kIsNotNull:
      return " IS NOT NULL";
    case ExpressionKind::kIsTrue:
      return " IS TRUE";
    case ExpressionKind::kIsFalse:
      return " IS FALSE";
    case ExpressionKind::kIsUnknown:
      return " IS UNKNOWN";
    case ExpressionKind::kIsNotTrue:
      return " IS NOT TRUE";
    case ExpressionKind::kIsNotFalse:
      return " IS NOT FALSE";
    case ExpressionKind::kIsNotUnknown:
      return " IS NOT UNKNOWN";
    default:
      return "";
  }
}

void AppendText(const LogicalPlan& plan, int depth, std::string& text) {
  text += std::string(static_cast<size_t>(depth) * 2, ' ');
  text += ToString(plan.kind);
  if (plan.scan) {
    text += fmt::format(": {} [{}]", plan.scan->table,
                        Join(plan.scan->columns, ", ", [](const std::string& c) { return c; }));
    if (!plan.expressions.empty()) text += " filters: " + JoinTexts(plan.expressions);
  } else {
    if (!plan.text.empty()) text += " " + plan.text;
    if (!plan.name.empty()) text += ": " + plan.name;
    if (!plan.expressions.empty()) text += ": " + JoinTexts(plan.expressions);
    if (!plan.sort_keys.empty()) text += ": " + SortText(plan.sort_keys);
    if (plan.skip > 0) text += fmt::format(" skip={}", plan.skip);
    if (plan.fetch >= 0) text += fmt::format(" fetch={}", plan.fetch);
  }
  text += "\n";
  const auto subqueries = [&](const Expression& part) {
    if (part.subquery) AppendText(*part.subquery, depth + 2, text);
  };
  for (const Expression& expression : plan.expressions) VisitExpression(expression, subqueries);
  for (const auto& input : plan.inputs) AppendText(*input, depth + 1, text);
}

std::string BoundText(const FrameBound& bound) {
  if (bound.kind == FrameBoundKind::kCurrentRow) return "CURRENT ROW";
  const bool unbounded = !bound.distance || bound.distance->text == "NULL";
  return (unbounded ? "UNBOUNDED" : bound.distance->text) +
         (bound.kind == FrameBoundKind::kPreceding ? " PRECEDING" : " FOLLOWING");
}

}  // namespace

std::string ToText(const WindowFrame& frame) {
  static constexpr const char* kUnits[] = {"ROWS", "RANGE", "GROUPS"};
  return fmt::format("{} BETWEEN {} AND {}", kUnits[static_cast<size_t>(frame.units)],
                     BoundText(frame.start), frame.end ? BoundText(*frame.end) : "CURRENT ROW");
}

std::string_view ToString(PlanKind kind) {
  static constexpr std::string_view kNames[] = {
      "Scan",           "Projection", "Filter", "Join",          "Aggregate",     "Window",
      "Sort",           "Limit",      "Union",  "Distinct",      "DistinctOn",    "Unnest",
      "RecursiveQuery", "WorkTable",  "Values", "EmptyRelation", "SubqueryAlias", "Repartition"};
  return kNames[static_cast<size_t>(kind)];
}

const Expression& WithoutAlias(const Expression& expression) {
  return expression.kind == ExpressionKind::kAlias ? WithoutAlias(expression.inputs[0])
                                                   : expression;
}

std::string ToText(const Expression& e) {
  switch (e.kind) {
    case ExpressionKind::kColumn:
      return e.relation ? *e.relation + "." + e.name : e.name;
    case ExpressionKind::kLiteral:
      return e.text;
    case ExpressionKind::kAlias:
      return ToText(e.inputs[0]) + " AS " + e.name;
    case ExpressionKind::kBinary:
      return Join(e.inputs, " " + e.name + " ",
                  [](const Expression& input) { return OperandText(input); });
    case ExpressionKind::kNot:
      return "NOT " + OperandText(e.inputs[0]);
    case ExpressionKind::kNegative:
      return "-" + OperandText(e.inputs[0]);
    case ExpressionKind::kBetween:
      return fmt::format("{}{} BETWEEN {} AND {}", OperandText(e.inputs[0]),
                         e.negated ? " NOT" : "", OperandText(e.inputs[1]),
                         OperandText(e.inputs[2]));
    case ExpressionKind::kInList:
      return fmt::format("{}{} IN ({})", OperandText(e.inputs[0]), e.negated ? " NOT" : "",
                         JoinTexts({e.inputs.begin() + 1, e.inputs.end()}));
    case ExpressionKind::kCase:
      return CaseText(e);
    case ExpressionKind::kCast:
      return fmt::format("CAST({} AS {})", ToText(e.inputs[0]), e.type->ToString());
    case ExpressionKind::kTryCast:
      return fmt::format("TRY_CAST({} AS {})", ToText(e.inputs[0]), e.type->ToString());
    case ExpressionKind::kLike:
    case ExpressionKind::kILike:
    case ExpressionKind::kSimilarTo: {
      const char* word = e.kind == ExpressionKind::kLike    ? "LIKE"
                         : e.kind == ExpressionKind::kILike ? "ILIKE"
                                                            : "SIMILAR TO";
      return fmt::format("{}{} {} {}", OperandText(e.inputs[0]), e.negated ? " NOT" : "", word,
                         OperandText(e.inputs[1]));
    }
    case ExpressionKind::kScalarFunction:
    case ExpressionKind::kHigherOrderFunction:
    case ExpressionKind::kAggregateFunction:
    case ExpressionKind::kWindowFunction:
      return CallText(e);
    case ExpressionKind::kLambda:
      return fmt::format("({}) -> {}", e.text, ToText(e.inputs[0]));
    case ExpressionKind::kLambdaVariable:
    case ExpressionKind::kPlaceholder:
      return e.name;
    case ExpressionKind::kScalarSubquery:
      return e.inputs.empty() ? "(subquery)" : "(SELECT " + ToText(e.inputs[0]) + ")";
    case ExpressionKind::kGroupingSets:
      return "GROUPING SETS (" + JoinTexts(e.inputs) + ")";
    case ExpressionKind::kCube:
      return "CUBE (" + JoinTexts(e.inputs) + ")";
    case ExpressionKind::kRollup:
      return "ROLLUP (" + JoinTexts(e.inputs) + ")";
    case ExpressionKind::kUnnest:
      return "UNNEST(" + JoinTexts(e.inputs) + ")";
    default:
      return OperandText(e.inputs[0]) + std::string(PostfixText(e.kind));
  }
}

std::string ToText(const LogicalPlan& plan) {
  std::string text;
  AppendText(plan, 0, text);
  return text;
}

std::vector<const LogicalPlan*> CollectScanNodes(const LogicalPlan& plan) {
  std::vector<const LogicalPlan*> nodes;
  VisitPlan(plan, [&](const LogicalPlan& node) {
    if (node.scan) nodes.push_back(&node);
  });
  std::stable_sort(nodes.begin(), nodes.end(), [](const LogicalPlan* a, const LogicalPlan* b) {
    return a->scan->scan_id < b->scan->scan_id;
  });
  return nodes;
}

std::string WithoutDefaultSchema(const std::string& table) {
  return table.starts_with("public.") ? table.substr(7) : table;
}

std::vector<const Scan*> CollectScans(const LogicalPlan& plan) {
  std::vector<const Scan*> scans;
  for (const LogicalPlan* node : CollectScanNodes(plan)) scans.push_back(&*node->scan);
  return scans;
}

std::vector<UsedFunction> CollectFunctions(const LogicalPlan& plan) {
  std::set<UsedFunction> functions;
  const auto collect = [&](const Expression& e) {
    switch (e.kind) {
      case ExpressionKind::kScalarFunction:
      case ExpressionKind::kHigherOrderFunction:
        functions.insert({"scalar", e.name});
        break;
      case ExpressionKind::kAggregateFunction:
        functions.insert({"aggregate", e.name});
        break;
      case ExpressionKind::kWindowFunction:
        functions.insert({"window", e.name});
        break;
      default:
        break;
    }
  };
  VisitPlan(plan, [&](const LogicalPlan& node) {
    for (const Expression& expression : node.expressions) VisitExpression(expression, collect);
    for (const SortKey& key : node.sort_keys) VisitExpression(key.expression, collect);
  });
  return {functions.begin(), functions.end()};
}

}  // namespace weir
