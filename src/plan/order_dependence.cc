// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/order_dependence.h"

#include <algorithm>

#include <arrow/api.h>
#include <fmt/format.h>

namespace weir {

namespace {

using Names = std::set<std::string_view>;

/// Give the same for any order of their rows.
const Names kIndependentAggregates = {
    "count",  "min",        "max",          "bool_and",        "bool_or",  "bit_and",
    "bit_or", "bit_xor",    "median",       "approx_distinct", "grouping", "percentile_cont",
    "rank",   "dense_rank", "percent_rank", "cume_dist"};
/// Add up: the same for any order if the numbers are whole or decimal.
const Names kSums = {"sum", "avg"};
/// Keep the order of their rows, or take one of them by its place.
const Names kOrdered = {"first_value", "last_value", "nth_value", "array_agg", "string_agg"};
const Names kNumbering = {"row_number",  "ntile",      "lag",      "lead",
                          "first_value", "last_value", "nth_value"};
const Names kVolatile = {"random", "uuid"};

/// Tells numbers that add up exactly from those that do not or are not known.
class Exactness {
 public:
  bool IsExact(const Expression& e, const LogicalPlan& input) {
    if (--budget_ < 0) return false;
    switch (e.kind) {
      case ExpressionKind::kColumn:
        return IsExactColumn(e, input);
      case ExpressionKind::kLiteral:
        return e.literal != nullptr && IsExactType(*e.literal->type);
      case ExpressionKind::kAlias:
      case ExpressionKind::kNegative:
        return IsExact(e.inputs[0], input);
      case ExpressionKind::kCast:
      case ExpressionKind::kTryCast:
        return e.type != nullptr && IsExactType(*e.type);
      case ExpressionKind::kBinary:
        return std::all_of(e.inputs.begin(), e.inputs.end(),
                           [&](const Expression& part) { return IsExact(part, input); });
      case ExpressionKind::kCase:
        return IsExactCase(e, input);
      case ExpressionKind::kAggregateFunction:
      case ExpressionKind::kWindowFunction:
        if (e.name == "count" || e.name == "row_number" || e.name == "rank" ||
            e.name == "dense_rank")
          return true;
        return (e.name == "sum" || e.name == "min" || e.name == "max") && !e.inputs.empty() &&
               IsExact(e.inputs[0], input);
      default:
        return false;
    }
  }

 private:
  static bool IsExactType(const arrow::DataType& type) {
    return arrow::is_integer(type.id()) || arrow::is_decimal(type.id()) ||
           type.id() == arrow::Type::BOOL || type.id() == arrow::Type::DURATION ||
           type.id() == arrow::Type::NA;
  }

  bool IsExactCase(const Expression& e, const LogicalPlan& input) {
    const size_t end = e.inputs.size() - (e.has_else ? 1 : 0);
    for (size_t then = e.has_base ? 2 : 1; then < end; then += 2) {
      if (!IsExact(e.inputs[then], input)) return false;
    }
    return !e.has_else || IsExact(e.inputs.back(), input);
  }

  bool IsExactColumn(const Expression& column, const LogicalPlan& node) {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const OutputColumn& output = node.outputs[i];
      if (output.name == column.name && (!column.relation || output.relation == column.relation))
        return IsExactOutput(node, i);
    }
    return false;
  }

  /// Where the i-th output of a node comes from.
  bool IsExactOutput(const LogicalPlan& node, size_t i) {
    if (--budget_ < 0) return false;
    switch (node.kind) {
      case PlanKind::kScan: {
        const auto field = i < node.scan->columns.size()
                               ? node.scan->schema->GetFieldByName(node.scan->columns[i])
                               : nullptr;
        return field != nullptr && IsExactType(*field->type());
      }
      case PlanKind::kProjection:
        return i < node.expressions.size() && IsExact(node.expressions[i], *node.inputs[0]);
      case PlanKind::kAggregate:
        // Grouping sets put out other columns than they list.
        return node.outputs.size() == node.expressions.size() &&
               IsExact(node.expressions[i], *node.inputs[0]);
      case PlanKind::kWindow: {
        const size_t before = node.inputs[0]->outputs.size();
        if (i < before) return IsExactOutput(*node.inputs[0], i);
        return i - before < node.expressions.size() &&
               IsExact(node.expressions[i - before], *node.inputs[0]);
      }
      case PlanKind::kJoin: {
        if (node.text.starts_with("Right") && node.text != "Right")
          return IsExactOutput(*node.inputs[1], i);
        const size_t left = node.inputs[0]->outputs.size();
        if (i < left) return IsExactOutput(*node.inputs[0], i);
        return i - left < node.inputs[1]->outputs.size() &&
               IsExactOutput(*node.inputs[1], i - left);
      }
      case PlanKind::kFilter:
      case PlanKind::kSort:
      case PlanKind::kLimit:
      case PlanKind::kDistinct:
      case PlanKind::kSubqueryAlias:
      case PlanKind::kRepartition:
      case PlanKind::kUnion:  // The branches of a union have one type.
        return i < node.inputs[0]->outputs.size() && IsExactOutput(*node.inputs[0], i);
      default:
        return false;
    }
  }

  int budget_ = 10'000;
};

bool IsAmong(const Expression& value, const std::vector<SortKey>& keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const SortKey& key) {
    return ToText(key.expression) == ToText(WithoutAlias(value));
  });
}

/// Rows that tie in the order keys have the same values: it does not matter which comes first.
bool LeavesNoTies(const std::vector<Expression>& values, const std::vector<SortKey>& keys) {
  return !keys.empty() && std::all_of(values.begin(), values.end(), [&](const Expression& value) {
    return value.kind == ExpressionKind::kLiteral || IsAmong(value, keys);
  });
}

bool SortsByEveryColumn(const LogicalPlan& sort) {
  return std::all_of(sort.outputs.begin(), sort.outputs.end(), [&](const OutputColumn& output) {
    Expression column{
        .kind = ExpressionKind::kColumn, .name = output.name, .relation = output.relation};
    return IsAmong(column, sort.sort_keys);
  });
}

/// The node whose order a LIMIT cuts; null if there is none.
const LogicalPlan* SortBelow(const LogicalPlan& limit) {
  const LogicalPlan* node = limit.inputs[0].get();
  while (node->kind == PlanKind::kProjection || node->kind == PlanKind::kSubqueryAlias ||
         node->kind == PlanKind::kLimit) {
    node = node->inputs[0].get();
  }
  return node->kind == PlanKind::kSort ? node : nullptr;
}

bool IsWholePartition(const std::string& frame) {
  return frame.ends_with("BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING");
}

/// Finds the places in a plan where the order of rows matters.
class Search {
 public:
  explicit Search(const std::set<std::string>& independent_aggregates)
      : independent_(independent_aggregates) {}

  void Run(const LogicalPlan& plan) {
    VisitPlan(plan, [&](const LogicalPlan& node) {
      VisitNode(node);
      const auto visit = [&](const Expression& e) { VisitPart(e, node); };
      for (const Expression& expression : node.expressions) VisitExpression(expression, visit);
      for (const SortKey& key : node.sort_keys) VisitExpression(key.expression, visit);
    });
  }

  bool depends() const { return depends_; }
  const std::set<std::string>& sentences() const { return sentences_; }

 private:
  void VisitNode(const LogicalPlan& node) {
    if (node.kind == PlanKind::kSort && node.fetch >= 0 && !SortsByEveryColumn(node))
      depends_ = true;
    if (node.kind == PlanKind::kDistinctOn) depends_ = true;
    if (node.kind != PlanKind::kLimit) return;
    const LogicalPlan* sort = SortBelow(node);
    if (sort == nullptr) {
      const std::string limit = node.fetch >= 0 ? fmt::format("LIMIT {}", node.fetch)
                                                : fmt::format("OFFSET {}", node.skip);
      Tell(limit + " without ORDER BY takes whichever rows come first: add ORDER BY");
    } else if (!SortsByEveryColumn(*sort)) {
      depends_ = true;
    }
  }

  void VisitPart(const Expression& e, const LogicalPlan& node) {
    if (e.kind == ExpressionKind::kScalarFunction && kVolatile.contains(e.name)) {
      Tell(ToText(e) +
           " gives other values in every run: derive them from columns, for instance with "
           "stable_hash64");
    } else if (e.kind == ExpressionKind::kAggregateFunction) {
      VisitAggregate(e, node);
    } else if (e.kind == ExpressionKind::kWindowFunction) {
      VisitWindow(e, node);
    }
  }

  void VisitAggregate(const Expression& e, const LogicalPlan& node) {
    if (e.name == "any_value") {
      Tell(ToText(e) + " returns any of the values: use any_value_det");
    } else if (kOrdered.contains(e.name)) {
      if (e.order_by.empty()) {
        Tell(ToText(e) +
             " takes values in whatever order they come: add ORDER BY inside its parentheses");
      } else if (!LeavesNoTies(e.inputs, e.order_by)) {
        depends_ = true;
      }
    } else if (!IsIndependent(e, node)) {
      depends_ = true;
    }
  }

  void VisitWindow(const Expression& e, const LogicalPlan& node) {
    if (kNumbering.contains(e.name)) {
      if (e.order_by.empty()) {
        Tell(ToText(e) + " takes rows in whatever order they come: add ORDER BY to its window");
      }
      depends_ = true;
    } else if (e.text.starts_with("ROWS") && !IsWholePartition(e.text)) {
      if (e.order_by.empty())
        Tell(ToText(e) + " takes rows in whatever order they come: add ORDER BY to its window");
      depends_ = true;
    } else if (!IsIndependent(e, node)) {
      depends_ = true;
    }
  }

  bool IsIndependent(const Expression& e, const LogicalPlan& node) {
    if (kIndependentAggregates.contains(e.name) || independent_.contains(e.name)) return true;
    if (!kSums.contains(e.name) || e.inputs.empty() || node.inputs.empty()) return false;
    return Exactness().IsExact(e.inputs[0], *node.inputs[0]);
  }

  void Tell(std::string sentence) {
    depends_ = true;
    sentences_.insert(std::move(sentence));
  }

  const std::set<std::string>& independent_;
  bool depends_ = false;
  std::set<std::string> sentences_;
};

}  // namespace

bool DependsOnRowOrder(const LogicalPlan& plan,
                       const std::set<std::string>& independent_aggregates) {
  Search search(independent_aggregates);
  search.Run(plan);
  return search.depends();
}

std::vector<std::string> OrderDiagnostics(const LogicalPlan& plan) {
  const std::set<std::string> none;
  Search search(none);
  search.Run(plan);
  return {search.sentences().begin(), search.sentences().end()};
}

}  // namespace weir
