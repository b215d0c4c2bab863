// SPDX-License-Identifier: Apache-2.0
//
// How many rows a node of a plan may give, and how many values its columns may have.
// In: an optimised LogicalPlan, and what is known of the tables that it scans. Out: numbers to
// compare plans of the same result by. They may be wrong by any factor: nothing but time may hang
// on them.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "weir/plan/logical_plan.h"

namespace weir {

/// Bounds of a column's values as numbers: days, microseconds, whole numbers, decimals, floats.
struct ColumnBounds {
  double min = 0;
  double max = 0;
};

/// A table as it is read: the rows of the files that are kept, and the bounds of columns as far as
/// they are known.
struct TableEstimate {
  double rows = 0;
  std::map<std::string, ColumnBounds> columns;
};

/// Nothing for a table of which nothing is known.
using TableEstimates = std::function<std::optional<TableEstimate>(const Scan&)>;

/// An output column of a node.
struct ColumnEstimate {
  double distinct = 1;  ///< values, in the table that it comes from, before any filter
  double rows = 1;      ///< of that table
  std::optional<ColumnBounds> bounds;
};

/// A node.
struct RowEstimate {
  double rows = 0;
  std::vector<ColumnEstimate> columns;  ///< one an output column
  std::set<std::string> filters;        ///< that were counted, as text
};

/// Estimates nodes, each once. Not safe for several threads.
class RowEstimator {
 public:
  explicit RowEstimator(const TableEstimates& tables) : tables_(tables) {}

  /// Null where a table is not known, or an operator's rows cannot be told. Lives as long as the
  /// estimator. REQUIRES: so does `node`
  const RowEstimate* Of(const LogicalPlan& node);

  /// The share of a node's rows for which a condition on its columns holds, from 0 to 1.
  double Selectivity(const Expression& condition, const LogicalPlan& node);

 private:
  std::optional<RowEstimate> Estimate(const LogicalPlan& node);
  std::optional<RowEstimate> OfScan(const LogicalPlan& node);
  std::optional<RowEstimate> OfJoin(const LogicalPlan& node);
  std::optional<RowEstimate> OfGroups(const LogicalPlan& node, size_t group_count);
  std::optional<RowEstimate> OfProjection(const LogicalPlan& node);

  void Filter(const std::vector<Expression>& conditions, const LogicalPlan& input,
              RowEstimate& estimate);
  double ShareOfAll(const std::vector<const Expression*>& conditions, const LogicalPlan& node);
  double OfComparison(const Expression& condition, const LogicalPlan& node);
  const ColumnEstimate* ColumnOf(const Expression& expression, const LogicalPlan& node);

  const TableEstimates& tables_;
  std::map<const LogicalPlan*, std::optional<RowEstimate>> known_;
};

/// The conditions that AND joins, in order; the condition itself if it is no AND.
std::vector<const Expression*> Conjuncts(const Expression& condition);

/// The part of all pairs of rows that agree in several pairs of columns, of two nodes. Where the
/// columns together have as many values as their table has rows, the smaller table counts: rows of
/// the larger are taken to refer to it.
double ShareOfEqualPairs(const std::vector<const ColumnEstimate*>& left,
                         const std::vector<const ColumnEstimate*>& right);

}  // namespace weir
