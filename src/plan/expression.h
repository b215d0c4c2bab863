// SPDX-License-Identifier: Apache-2.0
//
// The expressions of a logical plan, as plain values. Every kind that the engine's protobuf form
// can carry has a kind here.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

namespace weir {

struct LogicalPlan;
struct Expression;

/// The comments say what `inputs` holds; `name` is given where it means something.
enum class ExpressionKind {
  kColumn,     ///< none; `name`, `relation`
  kLiteral,    ///< none; `literal`, `text`
  kAlias,      ///< the aliased; `name`, `relation`
  kBinary,     ///< two or more operands chained from the left; `name` is the operator as SQL writes
               ///< it: "=", "AND" …
  kNot,        ///< one
  kNegative,   ///< one
  kIsNull,     ///< one
  kIsNotNull,  ///< one
  kIsTrue,     ///< one; likewise the next five
  kIsFalse,
  kIsUnknown,
  kIsNotTrue,
  kIsNotFalse,
  kIsNotUnknown,
  kBetween,  ///< value, low, high; `negated`
  kInList,   ///< value, then the list; `negated`
  kCase,     ///< WHEN, THEN pairs, then what `has_base` and `has_else` announce: base first of all,
             ///< ELSE last
  kCast,     ///< one; `type`
  kTryCast,  ///< one; `type`
  kLike,     ///< value, pattern; `negated`, `text` the escape character
  kILike,
  kSimilarTo,
  kScalarFunction,       ///< arguments; `name`
  kHigherOrderFunction,  ///< arguments, lambdas among them; `name`
  kLambda,               ///< body; `text` the parameters
  kLambdaVariable,       ///< none; `name`
  kAggregateFunction,    ///< arguments; `name`, `distinct`, `filter`, `order_by`, `ignore_nulls`
  kWindowFunction,       ///< arguments; the same, `partition_by` and `text` the frame
  kScalarSubquery,       ///< none, but the expanded column in lineage; `subquery`
  kGroupingSets,         ///< the members of all sets in order; `set_sizes`
  kCube,                 ///< members
  kRollup,               ///< members
  kUnnest,               ///< one or more
  kPlaceholder,          ///< none; `name`
};

struct SortKey;

/// An expression and its parts. Immutable once decoded.
struct Expression {
  ExpressionKind kind = ExpressionKind::kLiteral;
  std::string name;
  std::optional<std::string> relation;  ///< qualifier of a column or an alias
  std::vector<Expression> inputs;

  /// The value of a literal; null where Arrow C++ has no scalar for it (then `text` still tells it
  /// apart).
  std::shared_ptr<arrow::Scalar> literal;
  std::string text;
  std::shared_ptr<arrow::DataType> type;  ///< target of a cast

  bool negated = false;
  bool has_base = false;
  bool has_else = false;
  bool distinct = false;
  bool ignore_nulls = false;
  std::vector<Expression> filter;  ///< empty or one
  std::vector<Expression> partition_by;
  std::vector<SortKey> order_by;
  std::vector<int> set_sizes;
  std::shared_ptr<const LogicalPlan> subquery;
};

struct SortKey {
  Expression expression;
  bool ascending = true;
  bool nulls_first = false;
};

/// SQL-like text, the same for equal expressions. Columns as `relation.name`.
std::string ToText(const Expression& expression);

/// The expression below any aliases.
const Expression& WithoutAlias(const Expression& expression);

/// Calls `visit` for the expression and everything in it, parents first; not for the insides of
/// subqueries.
template <typename Visit>
void VisitExpression(const Expression& expression, const Visit& visit) {
  visit(expression);
  for (const Expression& input : expression.inputs) VisitExpression(input, visit);
  for (const Expression& input : expression.filter) VisitExpression(input, visit);
  for (const Expression& input : expression.partition_by) VisitExpression(input, visit);
  for (const SortKey& key : expression.order_by) VisitExpression(key.expression, visit);
}

}  // namespace weir
