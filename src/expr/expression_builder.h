// SPDX-License-Identifier: Apache-2.0
//
// Expressions written in C++: columns, literals, operators, calls. In: C++ values. Out: the typed
// tree of room `plan`, never SQL text. Nothing here knows a table: names and types are settled when
// a view is built (`view_builder.h`) or a filter compiled (`filter.h`).
//
//     col("arr_delay") > 15 && col("carrier").In({"UA", "AA"})
//     sum(col("distance") * 1.609).As("kilometres")
//     rank().Over({.partition_by = {col("origin")}, .order_by = {col("distance").Desc()}})
//
// A C++ number or text beside an Expr is a literal; `col` makes a column. Words that SQL has are
// written as SQL writes them, in lower case.

#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/plan/expression.h"

namespace weir::expr {

class SortExpr;
struct Window;

template <typename T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

/// An integer of C++ that is a number, neither a truth value nor a character.
template <typename T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool> && !Character<T>;

/// An expression. An immutable value, cheap to copy. What cannot be right (a decimal that is no
/// number, FILTER on what is no aggregate) is kept as `status()` and reported where the expression
/// is used, so that expressions can be put together without looking.
class Expr {
 public:
  /// Literals. Whole numbers are BIGINT as in SQL, beyond its range (and uint64_t) UInt64; `double`
  /// is DOUBLE, `float` REAL; texts are UTF-8.
  template <std::same_as<bool> T>
  Expr(T value) : Expr(OfBool(value)) {}
  template <WholeNumber T>
  Expr(T value) : Expr(OfNumber(value)) {}
  Expr(double value);
  Expr(float value);
  Expr(const char* text);
  Expr(std::string text);
  Expr(std::string_view text);
  Expr(std::chrono::year_month_day date);
  /// An expression of a plan as it is.
  explicit Expr(Expression tree);
  /// An expression that cannot be: using it reports `failure`. REQUIRES: !failure.ok()
  explicit Expr(Status failure);

  /// REQUIRES: status().ok()
  const Expression& tree() const { return *tree_; }
  const Status& status() const { return status_; }
  /// As a plan shows it; the failure's text if there is one.
  std::string ToString() const;

  /// Names the result.
  Expr As(std::string name) const;
  /// Fails on a value that cannot be converted; TryCast gives NULL for it.
  Expr Cast(std::shared_ptr<arrow::DataType> type) const;
  Expr TryCast(std::shared_ptr<arrow::DataType> type) const;

  /// Both ends belong to it.
  Expr Between(Expr low, Expr high) const;
  Expr NotBetween(Expr low, Expr high) const;
  Expr In(std::vector<Expr> values) const;
  Expr NotIn(std::vector<Expr> values) const;
  /// `%` is any text, `_` any character; `escape` one character, or empty for none.
  Expr Like(Expr pattern, std::string escape = {}) const;
  Expr NotLike(Expr pattern, std::string escape = {}) const;
  /// The same without regard to case.
  Expr ILike(Expr pattern, std::string escape = {}) const;
  Expr NotILike(Expr pattern, std::string escape = {}) const;
  Expr SimilarTo(Expr pattern) const;
  /// Regular expression: the operators ~ and !~.
  Expr Matches(Expr pattern) const;
  Expr NotMatches(Expr pattern) const;

  Expr IsNull() const;
  Expr IsNotNull() const;
  Expr IsTrue() const;
  Expr IsNotTrue() const;
  Expr IsFalse() const;
  Expr IsNotFalse() const;
  Expr IsUnknown() const;
  Expr IsNotUnknown() const;
  /// Equal where NULL is a value like others.
  Expr IsDistinctFrom(Expr other) const;
  Expr IsNotDistinctFrom(Expr other) const;

  /// The operator ||.
  Expr Concat(Expr other) const;
  /// Any other operator of two operands as SQL writes it: "&", "<<", "@>" …
  Expr Operator(const std::string& symbol, Expr other) const;

  /// A field of a struct, or the value of a key of a map.
  Expr Field(std::string name) const;
  /// An element of a list, counted from 1, from the end if negative.
  Expr Element(Expr index) const;

  /// NULLs come last in ascending order and first in descending order unless it is said.
  SortExpr Asc() const;
  SortExpr Desc() const;

  /// What may be said of a call of an aggregate.
  Expr Distinct() const;
  Expr Filter(Expr predicate) const;
  Expr OrderBy(std::vector<SortExpr> keys) const;
  Expr IgnoreNulls() const;
  Expr RespectNulls() const;
  /// The aggregate or window function over a window.
  Expr Over(Window window) const;
  Expr Over() const;

 private:
  static Expr OfBool(bool value);
  static Expr OfNumber(int64_t value);
  static Expr OfNumber(uint64_t value);
  template <WholeNumber T>
  static Expr OfNumber(T value) {
    if constexpr (std::signed_integral<T>)
      return OfNumber(static_cast<int64_t>(value));
    else if constexpr (sizeof(T) < sizeof(int64_t))
      return OfNumber(static_cast<int64_t>(value));
    else
      return OfNumber(static_cast<uint64_t>(value));
  }
  template <typename Change>
  Expr ChangedCall(std::string_view what, Change change) const;

  std::shared_ptr<const Expression> tree_;
  Status status_;
};

/// An expression to order by, and how.
class SortExpr {
 public:
  /// Ascending.
  SortExpr(Expr expression) : expression_(std::move(expression)) {}
  SortExpr(Expr expression, bool ascending, bool nulls_first)
      : expression_(std::move(expression)), ascending_(ascending), nulls_first_(nulls_first) {}

  SortExpr NullsFirst() const { return {expression_, ascending_, true}; }
  SortExpr NullsLast() const { return {expression_, ascending_, false}; }

  const Expr& expression() const { return expression_; }
  bool ascending() const { return ascending_; }
  bool nulls_first() const { return nulls_first_; }

 private:
  Expr expression_;
  bool ascending_ = true;
  bool nulls_first_ = false;
};

/// An end of a window's frame.
struct FrameEdge {
  FrameBoundKind kind = FrameBoundKind::kCurrentRow;
  std::string distance;  ///< a number or an interval; empty: unbounded
};
FrameEdge current_row();
FrameEdge unbounded_preceding();
FrameEdge unbounded_following();
FrameEdge preceding(uint64_t distance);
FrameEdge following(uint64_t distance);
/// For `range` over dates and times: "1 day".
FrameEdge preceding(std::string interval);
FrameEdge following(std::string interval);

struct Frame {
  FrameUnits units = FrameUnits::kRows;
  FrameEdge start;
  FrameEdge end;
};
Frame rows(FrameEdge start, FrameEdge end = current_row());
Frame range(FrameEdge start, FrameEdge end = current_row());
Frame groups(FrameEdge start, FrameEdge end = current_row());

/// What stands in OVER (…). Without a frame: with an order all rows up to the current one and its
/// peers, without one the whole partition.
struct Window {
  std::vector<Expr> partition_by = {};
  std::vector<SortExpr> order_by = {};
  std::optional<Frame> frame = std::nullopt;
};

/// A column by its name, which may hold any character. Names are matched exactly.
Expr col(std::string name);
/// A column of one table of a join, by the table's name or alias.
Expr col(std::string table, std::string name);
/// All columns, or those of one table; in Select only.
Expr all();
Expr all(std::string table);

/// A literal, where a C++ value alone would not be taken for one: lit(1) + 2.
Expr lit(Expr value);
/// A literal of any type that plans carry.
Expr lit(std::shared_ptr<arrow::Scalar> value);
/// TIMESTAMP with the precision of the C++ value, seconds to nanoseconds; with a time zone
/// ("UTC", "Europe/Berlin") a moment, without one a local time.
Expr lit(std::chrono::sys_time<std::chrono::seconds> time, const std::string& time_zone = {});
Expr lit(std::chrono::sys_time<std::chrono::milliseconds> time, const std::string& time_zone = {});
Expr lit(std::chrono::sys_time<std::chrono::microseconds> time, const std::string& time_zone = {});
Expr lit(std::chrono::sys_time<std::chrono::nanoseconds> time, const std::string& time_zone = {});
/// "2013-01-31".
Expr date(std::string_view text);
/// "2013-01-31 12:00:00.5", in nanoseconds as SQL's TIMESTAMP.
Expr timestamp(std::string_view text);
Expr binary(std::string bytes);
/// A number as it is written: decimal("0.06") has two digits behind the point. `precision` 0: as
/// many digits as it has.
Expr decimal(std::string_view text, int precision = 0);
/// A span of time, as INTERVAL.
Expr interval(int32_t months, int32_t days, int64_t nanoseconds = 0);
/// NULL of a type; without one it takes the type that its place wants.
Expr null(const std::shared_ptr<arrow::DataType>& type = nullptr);
/// Stands for an argument that is left out: its declared default.
Expr omitted();

Expr operator==(Expr left, Expr right);
Expr operator!=(Expr left, Expr right);
Expr operator<(Expr left, Expr right);
Expr operator<=(Expr left, Expr right);
Expr operator>(Expr left, Expr right);
Expr operator>=(Expr left, Expr right);
/// Both sides are always expressions: nothing is left out as with C++ truth values.
Expr operator&&(Expr left, Expr right);
Expr operator||(Expr left, Expr right);
Expr operator!(Expr operand);
Expr operator+(Expr left, Expr right);
Expr operator-(Expr left, Expr right);
Expr operator*(Expr left, Expr right);
Expr operator/(Expr left, Expr right);
Expr operator%(Expr left, Expr right);
Expr operator-(Expr operand);
/// All of them joined by AND or OR; one at least.
Expr and_all(const std::vector<Expr>& operands);
Expr or_any(const std::vector<Expr>& operands);

/// CASE: `Case().When(col("a") > 0, "plus").Else("not plus")`; with a base the conditions are
/// values that it is compared with. Ends with Else, or with End for NULL otherwise.
class Case {
 public:
  Case() = default;
  explicit Case(Expr base) : base_(std::move(base)) {}
  Case When(Expr condition, Expr result) const;
  Expr Else(Expr result) const;
  Expr End() const;

 private:
  Expr Make(std::optional<Expr> otherwise) const;

  std::optional<Expr> base_;
  std::vector<Expr> pairs_;
};

/// Calls a scalar function by any of its names, the engine's own, native ones and those of
/// CREATE FUNCTION. Whether it is there, and takes the arguments, is seen when a view is built.
Expr call(std::string function, const std::vector<Expr>& arguments);
template <typename... Arguments>
requires(std::convertible_to<Arguments, Expr>&&...) Expr
    call(std::string function, Arguments&&... arguments) {
  return call(std::move(function), std::vector<Expr>{Expr(std::forward<Arguments>(arguments))...});
}
/// Calls an aggregate.
Expr aggregate(std::string function, const std::vector<Expr>& arguments);
/// Calls a window function that is no aggregate; it must be given a window with Over.
Expr window_function(std::string function, const std::vector<Expr>& arguments = {});

Expr sum(Expr value);
Expr avg(Expr value);
Expr min(Expr value);
Expr max(Expr value);
/// Rows where the value is not NULL.
Expr count(Expr value);
/// All rows.
Expr count_all();
Expr first_value(Expr value);
Expr last_value(Expr value);
Expr array_agg(Expr value);
Expr row_number();
Expr rank();
Expr dense_rank();
Expr lag(Expr value, int64_t rows = 1);
Expr lead(Expr value, int64_t rows = 1);
Expr coalesce(const std::vector<Expr>& values);
/// An element of a date or a time: "year", "month", "hour" …
Expr date_part(std::string part, Expr value);

/// Sets of keys to group by, as keys of ViewBuilder::Aggregate.
Expr rollup(const std::vector<Expr>& keys);
Expr cube(const std::vector<Expr>& keys);
Expr grouping_sets(const std::vector<std::vector<Expr>>& sets);

}  // namespace weir::expr
