// SPDX-License-Identifier: Apache-2.0
//
// The columns that a step can name, and expressions resolved over them. Private to the room.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/expr/expression_builder.h"
#include "weir/plan/logical_plan.h"

namespace weir::expr {

/// Columns in the order of a plan's output. Immutable.
class ColumnScope {
 public:
  struct Column {
    OutputColumn output;
    /// The right side of USING: known by its table's name only, and not among `all()`.
    bool is_repeated = false;
  };

  ColumnScope() = default;
  explicit ColumnScope(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Both sides of a join.
  ColumnScope(const ColumnScope& left, const ColumnScope& right);

  const std::vector<Column>& columns() const { return columns_; }

  /// The column that `e`, a kColumn, means. Fails with kNotFound and the nearest names, or with
  /// kInvalidArgument where several tables have it.
  Result<size_t> Find(const Expression& e) const;
  /// A reference to a column, as the engine takes it.
  Expression Reference(size_t index) const;
  /// The index of a column that Reference made.
  std::optional<size_t> IndexOf(const Expression& reference) const;

  /// All columns in `e` found and qualified.
  Result<Expression> Resolve(const Expr& e) const;
  Result<Expression> Resolve(Expression e) const;
  Result<std::vector<Expression>> Resolve(const std::vector<Expr>& expressions) const;
  Result<std::vector<SortKey>> Resolve(const std::vector<SortExpr>& keys) const;
  /// The same for a list in which `all()` may stand.
  Result<std::vector<Expression>> ResolveList(const std::vector<Expr>& expressions) const;

 private:
  std::vector<std::string> Names(const Expression& e) const;

  std::vector<Column> columns_;
};

/// Calls that DataFusion computes in nodes of their own.
bool IsAggregate(const Expression& e);
bool IsWindow(const Expression& e);
/// The outermost calls of that kind in `expressions`, each once, in order.
std::vector<Expression> CollectCalls(const std::vector<Expression>& expressions,
                                     bool (*is_call)(const Expression&));

/// The call as the engine computes it: count() of no argument counts all rows.
Expression AsComputed(Expression call);
/// What stands for a call in later expressions: the column that computes it, as SQL names it.
Expression NamedAsCalled(const Expression& call, Expression reference);

/// Puts `references[i]` in the place of every `wanted[i]` in `e`, outermost first.
Expression Replace(Expression e, const std::vector<Expression>& wanted,
                   const std::vector<Expression>& references);

/// Calls `visit` for the parts of an expression that are evaluated over its input's rows, one level
/// down; `visit` returns a Status.
Status ForEachPart(Expression& e, const std::function<Status(Expression&)>& visit);

}  // namespace weir::expr
