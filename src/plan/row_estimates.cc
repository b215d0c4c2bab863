// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/row_estimates.h"

#include <algorithm>
#include <cmath>

#include <arrow/api.h>

#include "weir/plan/unique_key.h"

namespace weir {

namespace {

// Shares of rows where nothing better is known, as other planners have them.
constexpr double kUnknownShare = 1.0 / 3, kEqualShare = 0.05, kLikeShare = 0.1, kNullShare = 0.05,
                 kGroupShare = 0.3, kMatchShare = 0.5;
constexpr double kRowsOfList = 3;

std::optional<double> NumberOf(const Expression& e) {
  if (e.kind != ExpressionKind::kLiteral || !e.literal || !e.literal->is_valid) return {};
  const arrow::Scalar& value = *e.literal;
  switch (value.type->id()) {
    case arrow::Type::DECIMAL128: {
      const auto& type = static_cast<const arrow::DecimalType&>(*value.type);
      return static_cast<const arrow::Decimal128Scalar&>(value).value.ToDouble(type.scale());
    }
    case arrow::Type::TIMESTAMP: {
      static constexpr double kMicroseconds[] = {1e6, 1e3, 1, 1e-3};
      const auto& type = static_cast<const arrow::TimestampType&>(*value.type);
      return static_cast<double>(static_cast<const arrow::TimestampScalar&>(value).value) *
             kMicroseconds[static_cast<size_t>(type.unit())];
    }
    case arrow::Type::DATE32:
      return static_cast<const arrow::Date32Scalar&>(value).value;
    default: {
      if (!arrow::is_primitive(value.type->id())) return {};
      const auto cast = value.CastTo(arrow::float64());
      if (!cast.ok()) return {};
      const double number = static_cast<const arrow::DoubleScalar&>(**cast).value;
      return std::isfinite(number) ? std::optional(number) : std::nullopt;
    }
  }
}

bool IsWhole(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || type.id() == arrow::Type::DATE32;
}

/// `literal < column` as `column > literal`.
std::string Turned(const std::string& comparison) {
  if (comparison == "<") return ">";
  if (comparison == "<=") return ">=";
  if (comparison == ">") return "<";
  if (comparison == ">=") return "<=";
  return comparison;
}

/// `column comparison number`.
struct NumberComparison {
  const Expression* column = nullptr;
  std::string comparison;
  double number = 0;
};

std::optional<NumberComparison> ReadNumberComparison(const Expression& e) {
  if (e.kind != ExpressionKind::kBinary || e.inputs.size() != 2) return {};
  const Expression &left = e.inputs[0], &right = e.inputs[1];
  if (left.kind == ExpressionKind::kColumn) {
    if (const auto number = NumberOf(right)) return NumberComparison{&left, e.name, *number};
  } else if (right.kind == ExpressionKind::kColumn) {
    if (const auto number = NumberOf(left))
      return NumberComparison{&right, Turned(e.name), *number};
  }
  return {};
}

bool IsRange(const std::string& comparison) {
  return comparison == "<" || comparison == "<=" || comparison == ">" || comparison == ">=";
}

/// What is left of the bounds of a column.
struct Interval {
  double low;
  double high;

  void Cut(const NumberComparison& by) {
    if (by.comparison[0] == '<') {
      high = std::min(high, by.number);
    } else {
      low = std::max(low, by.number);
    }
  }
  double ShareOf(const ColumnBounds& bounds) const {
    const double whole = bounds.max - bounds.min;
    if (whole <= 0) return low <= high ? 1 : 0;
    return std::clamp((high - low) / whole, 0.0, 1.0);
  }
};

}  // namespace

std::vector<const Expression*> Conjuncts(const Expression& condition) {
  if (condition.kind != ExpressionKind::kBinary || condition.name != "AND") return {&condition};
  std::vector<const Expression*> conjuncts;
  for (const Expression& input : condition.inputs) {
    const auto parts = Conjuncts(input);
    conjuncts.insert(conjuncts.end(), parts.begin(), parts.end());
  }
  return conjuncts;
}

double ShareOfEqualPairs(const std::vector<const ColumnEstimate*>& left,
                         const std::vector<const ColumnEstimate*>& right) {
  const auto values_of = [](const std::vector<const ColumnEstimate*>& columns) {
    double values = 1, rows = 1;
    for (const ColumnEstimate* column : columns) {
      values *= std::max(1.0, column->distinct);
      rows = std::max(rows, column->rows);
    }
    return std::pair(std::min(values, rows), values >= rows);
  };
  const auto [of_left, is_left_key] = values_of(left);
  const auto [of_right, is_right_key] = values_of(right);
  const bool both = left.size() > 1 && is_left_key && is_right_key;
  return 1 / (both ? std::min(of_left, of_right) : std::max(of_left, of_right));
}

const RowEstimate* RowEstimator::Of(const LogicalPlan& node) {
  auto found = known_.find(&node);
  if (found == known_.end()) found = known_.emplace(&node, Estimate(node)).first;
  return found->second ? &*found->second : nullptr;
}

const ColumnEstimate* RowEstimator::ColumnOf(const Expression& expression,
                                             const LogicalPlan& node) {
  const auto index = IndexOfColumn(expression, node);
  const RowEstimate* estimate = index ? Of(node) : nullptr;
  return estimate != nullptr && *index < estimate->columns.size() ? &estimate->columns[*index]
                                                                  : nullptr;
}

std::optional<RowEstimate> RowEstimator::OfScan(const LogicalPlan& node) {
  const auto table = tables_(*node.scan);
  if (!table) return {};
  RowEstimate estimate{.rows = table->rows, .columns = {}, .filters = {}};
  for (const OutputColumn& output : node.outputs) {
    ColumnEstimate column{.distinct = table->rows, .rows = table->rows, .bounds = {}};
    const auto bounds = table->columns.find(output.name);
    const auto field = node.scan->schema->GetFieldByName(output.name);
    if (bounds != table->columns.end()) {
      column.bounds = bounds->second;
      if (field && IsWhole(*field->type()))
        column.distinct = std::min(table->rows, bounds->second.max - bounds->second.min + 1);
    }
    estimate.columns.push_back(column);
  }
  return estimate;
}

/// Of conditions that stand in a scan and above it each counts once.
void RowEstimator::Filter(const std::vector<Expression>& conditions, const LogicalPlan& input,
                          RowEstimate& estimate) {
  std::vector<const Expression*> fresh;
  for (const Expression& condition : conditions) {
    for (const Expression* part : Conjuncts(condition))
      if (estimate.filters.insert(ToText(*part)).second) fresh.push_back(part);
  }
  estimate.rows *= ShareOfAll(fresh, input);
}

std::optional<RowEstimate> RowEstimator::OfProjection(const LogicalPlan& node) {
  const RowEstimate* input = Of(*node.inputs[0]);
  if (input == nullptr) return {};
  RowEstimate estimate{.rows = input->rows, .columns = {}, .filters = input->filters};
  for (const Expression& expression : node.expressions) {
    const ColumnEstimate* column = ColumnOf(expression, *node.inputs[0]);
    estimate.columns.push_back(
        column != nullptr
            ? *column
            : ColumnEstimate{.distinct = input->rows, .rows = input->rows, .bounds = {}});
  }
  return estimate;
}

std::optional<RowEstimate> RowEstimator::OfGroups(const LogicalPlan& node, size_t group_count) {
  const RowEstimate* input = Of(*node.inputs[0]);
  if (input == nullptr) return {};
  double groups = 1;
  std::vector<ColumnEstimate> columns;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const ColumnEstimate* column = nullptr;
    if (node.kind == PlanKind::kDistinct) {
      column = i < input->columns.size() ? &input->columns[i] : nullptr;
    } else if (i < group_count && i < node.expressions.size()) {
      column = ColumnOf(node.expressions[i], *node.inputs[0]);
    }
    columns.push_back(column != nullptr ? *column
                                        : ColumnEstimate{.distinct = input->rows * kGroupShare,
                                                         .rows = input->rows * kGroupShare,
                                                         .bounds = {}});
    if (i < group_count) groups *= std::max(1.0, columns.back().distinct);
  }
  groups = std::min(groups, group_count == 0 ? 1 : input->rows);
  // Those that stand for several rows of their table have each value once.
  for (size_t i = 0; i < columns.size(); ++i) columns[i].rows = std::min(columns[i].rows, groups);
  return RowEstimate{.rows = groups, .columns = std::move(columns), .filters = {}};
}

std::optional<RowEstimate> RowEstimator::OfJoin(const LogicalPlan& node) {
  const LogicalPlan &left_node = *node.inputs[0], &right_node = *node.inputs[1];
  const RowEstimate *left = Of(left_node), *right = Of(right_node);
  if (left == nullptr || right == nullptr) return {};
  std::vector<const ColumnEstimate*> left_keys, right_keys;
  const ColumnEstimate unknown_left{.distinct = left->rows, .rows = left->rows, .bounds = {}};
  const ColumnEstimate unknown_right{.distinct = right->rows, .rows = right->rows, .bounds = {}};
  const size_t key_expressions = node.expressions.size() - (node.has_filter ? 1 : 0);
  for (size_t i = 0; i + 1 < key_expressions; i += 2) {
    const ColumnEstimate* left_key = ColumnOf(node.expressions[i], left_node);
    const ColumnEstimate* right_key = ColumnOf(node.expressions[i + 1], right_node);
    left_keys.push_back(left_key != nullptr ? left_key : &unknown_left);
    right_keys.push_back(right_key != nullptr ? right_key : &unknown_right);
  }
  double pairs = left->rows * right->rows;
  if (!left_keys.empty()) pairs *= ShareOfEqualPairs(left_keys, right_keys);
  if (node.has_filter) pairs *= kUnknownShare;

  RowEstimate estimate;
  const std::string& type = node.text;
  if (type == "Inner" || type == "Cross") {
    estimate.rows = pairs;
  } else if (type == "Left") {
    estimate.rows = std::max(pairs, left->rows);
  } else if (type == "Right") {
    estimate.rows = std::max(pairs, right->rows);
  } else if (type == "Full") {
    estimate.rows = std::max(pairs, left->rows + right->rows);
  } else if (type.ends_with("Mark")) {
    estimate.rows = type.starts_with("Left") ? left->rows : right->rows;
  } else {
    const double kept = type.starts_with("Left") ? left->rows : right->rows;
    estimate.rows = type.ends_with("Semi") ? std::min(kept, pairs) : kept * kMatchShare;
  }
  if (!type.starts_with("Right") || type == "Right") estimate.columns = left->columns;
  if (!type.starts_with("Left") || type == "Left")
    estimate.columns.insert(estimate.columns.end(), right->columns.begin(), right->columns.end());
  // A mark.
  estimate.columns.resize(node.outputs.size(),
                          ColumnEstimate{.distinct = 2, .rows = estimate.rows, .bounds = {}});
  return estimate;
}

std::optional<RowEstimate> RowEstimator::Estimate(const LogicalPlan& node) {
  std::vector<const RowEstimate*> inputs;
  for (const auto& input : node.inputs) {
    inputs.push_back(Of(*input));
    if (inputs.back() == nullptr) return {};
  }
  const auto like_input = [&](double rows) {
    RowEstimate estimate = *inputs[0];
    estimate.rows = rows;
    estimate.columns.resize(node.outputs.size(),
                            ColumnEstimate{.distinct = rows, .rows = rows, .bounds = {}});
    return estimate;
  };
  switch (node.kind) {
    case PlanKind::kScan: {
      auto estimate = OfScan(node);
      if (!estimate) return {};
      known_[&node] = estimate;  // the filters are about its columns
      Filter(node.expressions, node, *estimate);
      return estimate;
    }
    case PlanKind::kFilter: {
      RowEstimate estimate = *inputs[0];
      Filter(node.expressions, *node.inputs[0], estimate);
      return estimate;
    }
    case PlanKind::kProjection:
      return OfProjection(node);
    case PlanKind::kJoin:
      return OfJoin(node);
    case PlanKind::kAggregate:
      return OfGroups(node, node.group_count);
    case PlanKind::kDistinct:
      return OfGroups(node, node.outputs.size());
    case PlanKind::kDistinctOn:
      return like_input(inputs[0]->rows * kGroupShare);
    case PlanKind::kWindow:
    case PlanKind::kSubqueryAlias:
    case PlanKind::kRepartition:
      return like_input(inputs[0]->rows);
    case PlanKind::kSort:
    case PlanKind::kLimit:
      return like_input(node.fetch < 0 ? inputs[0]->rows
                                       : std::min(inputs[0]->rows, double(node.fetch)));
    case PlanKind::kUnion: {
      RowEstimate estimate = like_input(0);
      for (const RowEstimate* input : inputs) estimate.rows += input->rows;
      for (ColumnEstimate& column : estimate.columns)
        column = {.distinct = estimate.rows, .rows = estimate.rows, .bounds = {}};
      estimate.filters.clear();
      return estimate;
    }
    case PlanKind::kUnnest: {
      RowEstimate estimate = like_input(inputs[0]->rows * kRowsOfList);
      for (ColumnEstimate& column : estimate.columns)
        column = {.distinct = estimate.rows, .rows = estimate.rows, .bounds = {}};
      return estimate;
    }
    case PlanKind::kValues:
    case PlanKind::kEmptyRelation: {
      const double rows =
          node.column_count == 0 ? 1 : double(node.expressions.size()) / double(node.column_count);
      return RowEstimate{
          .rows = rows,
          .columns = std::vector<ColumnEstimate>(
              node.outputs.size(), ColumnEstimate{.distinct = rows, .rows = rows, .bounds = {}}),
          .filters = {}};
    }
    case PlanKind::kRecursiveQuery:
    case PlanKind::kWorkTable:
      return {};
  }
  return {};
}

double RowEstimator::OfComparison(const Expression& e, const LogicalPlan& node) {
  const bool is_equality = e.name == "=" || e.name == "!=";
  if (!is_equality && !IsRange(e.name)) return kUnknownShare;
  double share = is_equality ? kEqualShare : kUnknownShare;
  if (const auto number = ReadNumberComparison(e)) {
    const ColumnEstimate* column = ColumnOf(*number->column, node);
    if (column != nullptr && column->bounds && IsRange(number->comparison)) {
      Interval left{column->bounds->min, column->bounds->max};
      left.Cut(*number);
      return left.ShareOf(*column->bounds);
    }
    if (column != nullptr && column->bounds) share = 1 / std::max(1.0, column->distinct);
  } else if (is_equality && e.inputs.size() == 2) {
    const ColumnEstimate* left = ColumnOf(e.inputs[0], node);
    const ColumnEstimate* right = ColumnOf(e.inputs[1], node);
    if (left != nullptr && right != nullptr)
      share = 1 / std::max({1.0, left->distinct, right->distinct});
  }
  return e.name == "!=" ? 1 - share : share;
}

/// Conditions on one column are taken together: the rows of a year are those after its beginning
/// and before its end.
double RowEstimator::ShareOfAll(const std::vector<const Expression*>& conditions,
                                const LogicalPlan& node) {
  std::map<const ColumnEstimate*, Interval> intervals;
  double share = 1;
  for (const Expression* part : conditions) {
    const auto number = ReadNumberComparison(*part);
    const ColumnEstimate* column =
        number && IsRange(number->comparison) ? ColumnOf(*number->column, node) : nullptr;
    if (column == nullptr || !column->bounds) {
      share *= Selectivity(*part, node);
      continue;
    }
    intervals.try_emplace(column, Interval{column->bounds->min, column->bounds->max})
        .first->second.Cut(*number);
  }
  for (const auto& [column, interval] : intervals) share *= interval.ShareOf(*column->bounds);
  return share;
}

double RowEstimator::Selectivity(const Expression& e, const LogicalPlan& node) {
  switch (e.kind) {
    case ExpressionKind::kAlias:
      return Selectivity(WithoutAlias(e), node);
    case ExpressionKind::kBinary: {
      if (e.name == "AND") return ShareOfAll(Conjuncts(e), node);
      if (e.name != "OR") return OfComparison(e, node);
      double none = 1;
      for (const Expression& input : e.inputs) none *= 1 - Selectivity(input, node);
      return 1 - none;
    }
    case ExpressionKind::kNot:
      return 1 - Selectivity(e.inputs[0], node);
    case ExpressionKind::kIsNull:
      return kNullShare;
    case ExpressionKind::kIsNotNull:
      return 1 - kNullShare;
    case ExpressionKind::kInList: {
      const ColumnEstimate* column = ColumnOf(e.inputs[0], node);
      const double one =
          column != nullptr && column->bounds ? 1 / std::max(1.0, column->distinct) : kEqualShare;
      const double share = std::min(1.0, one * double(e.inputs.size() - 1));
      return e.negated ? 1 - share : share;
    }
    case ExpressionKind::kLike:
    case ExpressionKind::kILike:
      return e.negated ? 1 - kLikeShare : kLikeShare;
    case ExpressionKind::kColumn: {
      // A condition that the engine computes once, below.
      const auto index = IndexOfColumn(e, node);
      const bool is_computed =
          index && node.kind == PlanKind::kProjection &&
          WithoutAlias(node.expressions[*index]).kind != ExpressionKind::kColumn;
      return is_computed ? Selectivity(node.expressions[*index], *node.inputs[0]) : kUnknownShare;
    }
    default:
      return kUnknownShare;
  }
}

}  // namespace weir
