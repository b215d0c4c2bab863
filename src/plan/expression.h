// SPDX-License-Identifier: Apache-2.0
//
// The expressions of a logical plan, as plain values. Every kind that the engine's protobuf form
// can carry has a kind here.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"

namespace weir {

struct LogicalPlan;
struct Expression;

/// The comments say what `inputs` holds; `name` is given where it means something.
enum class ExpressionKind {
  kColumn,     ///< none; `name`, `relation`
  kLiteral,    ///< none; `literal`, `type`, `text`
  kAlias,      ///< the aliased; `name`, `relation`, `relation_parts`, `metadata`
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
  kCast,     ///< one; `type`, `nullable`, `metadata`
  kTryCast,  ///< the same
  kLike,     ///< value, pattern; `negated`, `text` the escape character
  kILike,
  kSimilarTo,
  kScalarFunction,       ///< arguments; `name`
  kHigherOrderFunction,  ///< arguments, lambdas among them; `name`
  kLambda,               ///< body; `parameters`, `text` the same joined
  kLambdaVariable,  ///< none; `name`; of its field `text` the name, `type`, `nullable`, `metadata`
  kAggregateFunction,  ///< arguments; `name`, `distinct`, `filter`, `order_by`, `ignore_nulls`,
                       ///< `respect_nulls`
  kWindowFunction,     ///< arguments; the same, `is_aggregate`, `partition_by`, `frame` and `text`
                       ///< the frame as SQL
  kScalarSubquery,     ///< none, but the expanded column in lineage; `subquery`,
                       ///< `outer_references`
  kGroupingSets,       ///< the members of all sets in order; `set_sizes`
  kCube,               ///< members
  kRollup,             ///< members
  kUnnest,             ///< one or more; `is_outer`
  kPlaceholder,        ///< none; `name`, `type` (null: unknown), `nullable`, `metadata`
};

struct SortKey;
struct WindowFrame;

/// An expression and its parts. Immutable once decoded.
struct Expression {
  ExpressionKind kind = ExpressionKind::kLiteral;
  std::string name;
  std::optional<std::string> relation;  ///< qualifier of a column or an alias
  /// Of an alias: table; schema, table; or catalog, schema, table. Empty: `relation` alone is it.
  std::vector<std::string> relation_parts;
  std::vector<Expression> inputs;

  /// The value of a literal. Texts are StringScalar, whatever their type; a value of a dictionary
  /// is one of its value type.
  std::shared_ptr<arrow::Scalar> literal;
  std::string text;
  /// Of a literal as the engine has it (null: that of `literal`), or the target of a cast.
  std::shared_ptr<arrow::DataType> type;
  std::optional<bool> nullable;
  std::map<std::string, std::string> metadata;

  bool negated = false;
  bool has_base = false;
  bool has_else = false;
  bool distinct = false;
  bool ignore_nulls = false;
  bool respect_nulls = false;      ///< said, not only meant
  bool is_aggregate = false;       ///< an aggregate function over a window
  bool is_outer = false;           ///< a row for no elements too
  std::vector<Expression> filter;  ///< empty or one
  std::vector<Expression> partition_by;
  std::vector<SortKey> order_by;
  std::vector<int> set_sizes;
  std::vector<std::string> parameters;
  std::shared_ptr<const WindowFrame> frame;  ///< null: none given
  std::shared_ptr<const LogicalPlan> subquery;
  std::vector<Expression> outer_references;
};

struct SortKey {
  Expression expression;
  bool ascending = true;
  bool nulls_first = false;
};

enum class FrameUnits { kRows, kRange, kGroups };
enum class FrameBoundKind { kCurrentRow, kPreceding, kFollowing };

struct FrameBound {
  FrameBoundKind kind = FrameBoundKind::kCurrentRow;
  std::optional<Expression> distance;  ///< a literal; nothing or NULL: unbounded
};

struct WindowFrame {
  FrameUnits units = FrameUnits::kRows;
  FrameBound start;
  std::optional<FrameBound> end;  ///< nothing: the current row
};

/// Whether both are the same in everything that the engine's bytes carry; subqueries included, a
/// NaN equal to itself.
bool operator==(const Expression& left, const Expression& right);
bool operator==(const SortKey& left, const SortKey& right);
bool operator==(const FrameBound& left, const FrameBound& right);
bool operator==(const WindowFrame& left, const WindowFrame& right);

/// A literal as a decoded plan has it. `value` is not null; a null one has its type.
Expression MakeLiteral(std::shared_ptr<arrow::Scalar> value);

/// Encodes an expression as plans carry it (a LogicalExprNode): the same bytes for the same
/// expression. Fails as EncodePlan does.
Result<std::string> EncodeExpression(const Expression& expression);

/// SQL-like text, the same for equal expressions. Columns as `relation.name`.
std::string ToText(const Expression& expression);
/// "ROWS BETWEEN … AND …".
std::string ToText(const WindowFrame& frame);

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
