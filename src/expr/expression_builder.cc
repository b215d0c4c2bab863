// SPDX-License-Identifier: Apache-2.0

#include "weir/expr/expression_builder.h"

#include <algorithm>
#include <set>

#include <arrow/api.h>
#include <arrow/util/decimal.h>
#include <arrow/util/value_parsing.h>

namespace weir::expr {

namespace {

/// Aggregates that over a window are functions of their own, as in SQL.
const std::set<std::string, std::less<>> kWindowFunctionsToo = {"first_value", "last_value",
                                                                "nth_value"};

/// The placeholder that stands for an omitted argument; no SQL text makes one of this name.
constexpr std::string_view kOmitted = "$omitted";

Status FirstFailure(const std::vector<Expr>& parts) {
  for (const Expr& part : parts) WEIR_RETURN_NOT_OK(part.status());
  return Status::OK();
}

std::vector<Expression> Trees(const std::vector<Expr>& parts) {
  std::vector<Expression> trees;
  trees.reserve(parts.size());
  for (const Expr& part : parts) trees.push_back(part.tree());
  return trees;
}

template <typename Change>
Expr Make(ExpressionKind kind, const std::vector<Expr>& inputs, const Change& change) {
  const Status failure = FirstFailure(inputs);
  if (!failure.ok()) return Expr(failure);
  Expression e;
  e.kind = kind;
  e.inputs = Trees(inputs);
  change(e);
  return Expr(std::move(e));
}

Expr Make(ExpressionKind kind, const std::vector<Expr>& inputs) {
  return Make(kind, inputs, [](Expression&) {});
}

Expr Binary(std::string_view symbol, const std::vector<Expr>& operands) {
  return Make(ExpressionKind::kBinary, operands, [&](Expression& e) { e.name = symbol; });
}

template <typename Scalar, typename... Arguments>
Expr ScalarOf(Arguments&&... arguments) {
  return Expr(MakeLiteral(std::make_shared<Scalar>(std::forward<Arguments>(arguments)...)));
}

Expr InList(ExpressionKind kind, const Expr& value, std::vector<Expr> others, bool negated) {
  others.insert(others.begin(), value);
  return Make(kind, others, [&](Expression& e) { e.negated = negated; });
}

Expr Pattern(ExpressionKind kind, const Expr& value, Expr pattern, std::string escape,
             bool negated) {
  return Make(kind, {value, std::move(pattern)}, [&](Expression& e) {
    e.negated = negated;
    e.text = std::move(escape);
  });
}

Expr CastTo(ExpressionKind kind, const Expr& value, std::shared_ptr<arrow::DataType> type) {
  if (type == nullptr)
    return Expr(Status::User(StatusCode::kInvalidArgument, "a cast needs a type, found none"));
  return Make(kind, {value}, [&](Expression& e) { e.type = std::move(type); });
}

Result<std::vector<SortKey>> SortKeys(const std::vector<SortExpr>& keys) {
  std::vector<SortKey> trees;
  for (const SortExpr& key : keys) {
    WEIR_RETURN_NOT_OK(key.expression().status());
    trees.push_back({.expression = key.expression().tree(),
                     .ascending = key.ascending(),
                     .nulls_first = key.nulls_first()});
  }
  return trees;
}

/// Distances are typed as the engine has them after SQL: whole numbers in ROWS and GROUPS, text in
/// RANGE, which takes the type of the order.
Result<FrameBound> BoundOf(const FrameEdge& edge, FrameUnits units) {
  FrameBound bound{.kind = edge.kind, .distance = std::nullopt};
  if (edge.kind == FrameBoundKind::kCurrentRow) return bound;
  if (units == FrameUnits::kRange) {
    bound.distance =
        MakeLiteral(edge.distance.empty() ? arrow::MakeNullScalar(arrow::utf8())
                                          : std::make_shared<arrow::StringScalar>(edge.distance));
    return bound;
  }
  if (edge.distance.empty()) {
    bound.distance = MakeLiteral(arrow::MakeNullScalar(arrow::uint64()));
    return bound;
  }
  uint64_t rows = 0;
  if (!arrow::internal::ParseValue<arrow::UInt64Type>(edge.distance.data(), edge.distance.size(),
                                                      &rows)) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a frame of rows or groups counts them, found `{}`", edge.distance);
  }
  bound.distance = MakeLiteral(std::make_shared<arrow::UInt64Scalar>(rows));
  return bound;
}

Frame DefaultFrame(bool has_order) {
  return has_order ? range(unbounded_preceding())
                   : rows(unbounded_preceding(), unbounded_following());
}

template <arrow::TimeUnit::type kUnit, typename Duration>
Expr TimeLiteral(std::chrono::sys_time<Duration> time, const std::string& time_zone) {
  return ScalarOf<arrow::TimestampScalar>(time.time_since_epoch().count(),
                                          arrow::timestamp(kUnit, time_zone));
}

Expr NotA(std::string_view what, std::string_view text) {
  return Expr(Status::User(StatusCode::kInvalidArgument, "{} is wanted, found `{}`", what, text));
}

}  // namespace

// --- literals

Expr::Expr(Expression tree) : tree_(std::make_shared<const Expression>(std::move(tree))) {}
Expr::Expr(Status failure)
    : tree_(std::make_shared<const Expression>()), status_(std::move(failure)) {
  WEIR_CHECK(!status_.ok());
}
Expr::Expr(double value) : Expr(ScalarOf<arrow::DoubleScalar>(value)) {}
Expr::Expr(float value) : Expr(ScalarOf<arrow::FloatScalar>(value)) {}
Expr::Expr(std::string text) : Expr(ScalarOf<arrow::StringScalar>(std::move(text))) {}
Expr::Expr(std::string_view text) : Expr(std::string(text)) {}
Expr::Expr(const char* text) : Expr(std::string(text)) {}
Expr::Expr(std::chrono::year_month_day date)
    : Expr(date.ok() ? ScalarOf<arrow::Date32Scalar>(static_cast<int32_t>(
                           std::chrono::sys_days(date).time_since_epoch().count()))
                     : NotA("a date", fmt::format("{}-{}-{}", static_cast<int>(date.year()),
                                                  static_cast<unsigned>(date.month()),
                                                  static_cast<unsigned>(date.day())))) {}
Expr Expr::OfBool(bool value) { return ScalarOf<arrow::BooleanScalar>(value); }
Expr Expr::OfNumber(int64_t value) { return ScalarOf<arrow::Int64Scalar>(value); }
Expr Expr::OfNumber(uint64_t value) { return ScalarOf<arrow::UInt64Scalar>(value); }

Expr lit(Expr value) { return value; }
Expr lit(std::shared_ptr<arrow::Scalar> value) {
  if (value == nullptr)
    return Expr(Status::User(StatusCode::kInvalidArgument, "a literal needs a value, found none"));
  return Expr(MakeLiteral(std::move(value)));
}
Expr lit(std::chrono::sys_time<std::chrono::seconds> time, const std::string& time_zone) {
  return TimeLiteral<arrow::TimeUnit::SECOND>(time, time_zone);
}
Expr lit(std::chrono::sys_time<std::chrono::milliseconds> time, const std::string& time_zone) {
  return TimeLiteral<arrow::TimeUnit::MILLI>(time, time_zone);
}
Expr lit(std::chrono::sys_time<std::chrono::microseconds> time, const std::string& time_zone) {
  return TimeLiteral<arrow::TimeUnit::MICRO>(time, time_zone);
}
Expr lit(std::chrono::sys_time<std::chrono::nanoseconds> time, const std::string& time_zone) {
  return TimeLiteral<arrow::TimeUnit::NANO>(time, time_zone);
}

Expr date(std::string_view text) {
  int32_t days = 0;
  if (!arrow::internal::ParseValue<arrow::Date32Type>(text.data(), text.size(), &days))
    return NotA("a date as `2013-01-31`", text);
  return ScalarOf<arrow::Date32Scalar>(days);
}

Expr timestamp(std::string_view text) {
  const auto type =
      std::static_pointer_cast<arrow::TimestampType>(arrow::timestamp(arrow::TimeUnit::MICRO));
  int64_t value = 0;
  if (!arrow::internal::ParseValue<arrow::TimestampType>(*type, text.data(), text.size(), &value))
    return NotA("a time as `2013-01-31 12:00:00`", text);
  return ScalarOf<arrow::TimestampScalar>(value, type);
}

Expr binary(std::string bytes) {
  return ScalarOf<arrow::BinaryScalar>(arrow::Buffer::FromString(std::move(bytes)));
}

Expr decimal(std::string_view text, int precision) {
  arrow::Decimal128 value;
  int32_t digits = 0, scale = 0;
  if (!arrow::Decimal128::FromString(text, &value, &digits, &scale).ok() || scale < 0)
    return NotA("a decimal number of at most 38 digits", text);
  digits = std::max(digits, scale);
  if (precision > 38 || (precision > 0 && precision < digits))
    return NotA(fmt::format("a decimal number of {} digits, at most 38", precision), text);
  return ScalarOf<arrow::Decimal128Scalar>(
      value, arrow::decimal128(precision > 0 ? precision : std::max(digits, 1), scale));
}

Expr interval(int32_t months, int32_t days, int64_t nanoseconds) {
  return ScalarOf<arrow::MonthDayNanoIntervalScalar>(
      arrow::MonthDayNanoIntervalType::MonthDayNanos{months, days, nanoseconds});
}

Expr null(const std::shared_ptr<arrow::DataType>& type) {
  return Expr(MakeLiteral(arrow::MakeNullScalar(type == nullptr ? arrow::null() : type)));
}

Expr omitted() {
  return Make(ExpressionKind::kPlaceholder, {}, [](Expression& e) { e.name = kOmitted; });
}

// --- columns

Expr col(std::string name) {
  return Make(ExpressionKind::kColumn, {}, [&](Expression& e) { e.name = std::move(name); });
}
Expr col(std::string table, std::string name) {
  return Make(ExpressionKind::kColumn, {}, [&](Expression& e) {
    e.relation = std::move(table);
    e.name = std::move(name);
  });
}
// A wildcard is a column without a name, which no table has.
Expr all() { return col(""); }
Expr all(std::string table) { return col(std::move(table), ""); }

// --- operators

std::string Expr::ToString() const {
  return status_.ok() ? weir::ToText(*tree_) : status_.ToString();
}

Expr Expr::As(std::string name) const {
  return Make(ExpressionKind::kAlias, {*this}, [&](Expression& e) { e.name = std::move(name); });
}
Expr Expr::Cast(std::shared_ptr<arrow::DataType> type) const {
  return CastTo(ExpressionKind::kCast, *this, std::move(type));
}
Expr Expr::TryCast(std::shared_ptr<arrow::DataType> type) const {
  return CastTo(ExpressionKind::kTryCast, *this, std::move(type));
}

Expr Expr::Between(Expr low, Expr high) const {
  return InList(ExpressionKind::kBetween, *this, {std::move(low), std::move(high)}, false);
}
Expr Expr::NotBetween(Expr low, Expr high) const {
  return InList(ExpressionKind::kBetween, *this, {std::move(low), std::move(high)}, true);
}
Expr Expr::In(std::vector<Expr> values) const {
  return InList(ExpressionKind::kInList, *this, std::move(values), false);
}
Expr Expr::NotIn(std::vector<Expr> values) const {
  return InList(ExpressionKind::kInList, *this, std::move(values), true);
}
Expr Expr::Like(Expr pattern, std::string escape) const {
  return Pattern(ExpressionKind::kLike, *this, std::move(pattern), std::move(escape), false);
}
Expr Expr::NotLike(Expr pattern, std::string escape) const {
  return Pattern(ExpressionKind::kLike, *this, std::move(pattern), std::move(escape), true);
}
Expr Expr::ILike(Expr pattern, std::string escape) const {
  return Pattern(ExpressionKind::kILike, *this, std::move(pattern), std::move(escape), false);
}
Expr Expr::NotILike(Expr pattern, std::string escape) const {
  return Pattern(ExpressionKind::kILike, *this, std::move(pattern), std::move(escape), true);
}
Expr Expr::SimilarTo(Expr pattern) const {
  return Pattern(ExpressionKind::kSimilarTo, *this, std::move(pattern), {}, false);
}
Expr Expr::Matches(Expr pattern) const { return Operator("~", std::move(pattern)); }
Expr Expr::NotMatches(Expr pattern) const { return Operator("!~", std::move(pattern)); }

Expr Expr::IsNull() const { return Make(ExpressionKind::kIsNull, {*this}); }
Expr Expr::IsNotNull() const { return Make(ExpressionKind::kIsNotNull, {*this}); }
Expr Expr::IsTrue() const { return Make(ExpressionKind::kIsTrue, {*this}); }
Expr Expr::IsNotTrue() const { return Make(ExpressionKind::kIsNotTrue, {*this}); }
Expr Expr::IsFalse() const { return Make(ExpressionKind::kIsFalse, {*this}); }
Expr Expr::IsNotFalse() const { return Make(ExpressionKind::kIsNotFalse, {*this}); }
Expr Expr::IsUnknown() const { return Make(ExpressionKind::kIsUnknown, {*this}); }
Expr Expr::IsNotUnknown() const { return Make(ExpressionKind::kIsNotUnknown, {*this}); }
Expr Expr::IsDistinctFrom(Expr other) const {
  return Operator("IS DISTINCT FROM", std::move(other));
}
Expr Expr::IsNotDistinctFrom(Expr other) const {
  return Operator("IS NOT DISTINCT FROM", std::move(other));
}
Expr Expr::Concat(Expr other) const { return Operator("||", std::move(other)); }
Expr Expr::Operator(const std::string& symbol, Expr other) const {
  return Binary(symbol, {*this, std::move(other)});
}
Expr Expr::Field(std::string name) const { return call("get_field", *this, std::move(name)); }
Expr Expr::Element(Expr index) const { return call("array_element", *this, std::move(index)); }

SortExpr Expr::Asc() const { return {*this, true, false}; }
SortExpr Expr::Desc() const { return {*this, false, true}; }

Expr operator==(Expr left, Expr right) { return Binary("=", {std::move(left), std::move(right)}); }
Expr operator!=(Expr left, Expr right) { return Binary("<>", {std::move(left), std::move(right)}); }
Expr operator<(Expr left, Expr right) { return Binary("<", {std::move(left), std::move(right)}); }
Expr operator<=(Expr left, Expr right) { return Binary("<=", {std::move(left), std::move(right)}); }
Expr operator>(Expr left, Expr right) { return Binary(">", {std::move(left), std::move(right)}); }
Expr operator>=(Expr left, Expr right) { return Binary(">=", {std::move(left), std::move(right)}); }
Expr operator&&(Expr left, Expr right) {
  return Binary("AND", {std::move(left), std::move(right)});
}
Expr operator||(Expr left, Expr right) { return Binary("OR", {std::move(left), std::move(right)}); }
Expr operator!(Expr operand) { return Make(ExpressionKind::kNot, {std::move(operand)}); }
Expr operator+(Expr left, Expr right) { return Binary("+", {std::move(left), std::move(right)}); }
Expr operator-(Expr left, Expr right) { return Binary("-", {std::move(left), std::move(right)}); }
Expr operator*(Expr left, Expr right) { return Binary("*", {std::move(left), std::move(right)}); }
Expr operator/(Expr left, Expr right) { return Binary("/", {std::move(left), std::move(right)}); }
Expr operator%(Expr left, Expr right) { return Binary("%", {std::move(left), std::move(right)}); }
Expr operator-(Expr operand) { return Make(ExpressionKind::kNegative, {std::move(operand)}); }

namespace {

Expr Chained(std::string_view symbol, const std::vector<Expr>& operands) {
  if (operands.empty()) {
    return Expr(
        Status::User(StatusCode::kInvalidArgument, "{} needs one operand at least", symbol));
  }
  return operands.size() == 1 ? operands[0] : Binary(symbol, operands);
}

}  // namespace

Expr and_all(const std::vector<Expr>& operands) { return Chained("AND", operands); }
Expr or_any(const std::vector<Expr>& operands) { return Chained("OR", operands); }

Case Case::When(Expr condition, Expr result) const {
  Case longer = *this;
  longer.pairs_.push_back(std::move(condition));
  longer.pairs_.push_back(std::move(result));
  return longer;
}
Expr Case::Else(Expr result) const { return Make(std::move(result)); }
Expr Case::End() const { return Make(std::nullopt); }

Expr Case::Make(std::optional<Expr> otherwise) const {
  if (pairs_.empty())
    return Expr(Status::User(StatusCode::kInvalidArgument, "a CASE needs one WHEN at least"));
  std::vector<Expr> parts = pairs_;
  if (base_) parts.insert(parts.begin(), *base_);
  if (otherwise) parts.push_back(*otherwise);
  return expr::Make(ExpressionKind::kCase, parts, [&](Expression& e) {
    e.has_base = base_.has_value();
    e.has_else = otherwise.has_value();
  });
}

// --- calls

Expr call(std::string function, const std::vector<Expr>& arguments) {
  return Make(ExpressionKind::kScalarFunction, arguments,
              [&](Expression& e) { e.name = std::move(function); });
}
Expr aggregate(std::string function, const std::vector<Expr>& arguments) {
  return Make(ExpressionKind::kAggregateFunction, arguments,
              [&](Expression& e) { e.name = std::move(function); });
}
Expr window_function(std::string function, const std::vector<Expr>& arguments) {
  return Make(ExpressionKind::kWindowFunction, arguments,
              [&](Expression& e) { e.name = std::move(function); });
}

/// Changes a copy of the call; fails where there is none.
template <typename Change>
Expr Expr::ChangedCall(std::string_view what, Change change) const {
  if (!status_.ok()) return *this;
  if (tree_->kind != ExpressionKind::kAggregateFunction &&
      tree_->kind != ExpressionKind::kWindowFunction) {
    return Expr(Status::User(
        StatusCode::kInvalidArgument,
        "{} belongs to a call of an aggregate or a window function, found `{}`", what, ToString()));
  }
  Expression changed = *tree_;
  const Status status = change(changed);
  return status.ok() ? Expr(std::move(changed)) : Expr(status);
}

Expr Expr::Distinct() const {
  return ChangedCall("Distinct", [](Expression& e) {
    e.distinct = true;
    return Status::OK();
  });
}
Expr Expr::Filter(Expr predicate) const {
  return ChangedCall("Filter", [&](Expression& e) {
    WEIR_RETURN_NOT_OK(predicate.status());
    e.filter = {predicate.tree()};
    return Status::OK();
  });
}
Expr Expr::OrderBy(std::vector<SortExpr> keys) const {
  return ChangedCall("OrderBy", [&](Expression& e) {
    if (e.kind == ExpressionKind::kWindowFunction)
      return Status::User(StatusCode::kInvalidArgument, "the order of a window is given in Over()");
    WEIR_ASSIGN_OR_RETURN(e.order_by, SortKeys(keys));
    return Status::OK();
  });
}
Expr Expr::IgnoreNulls() const {
  return ChangedCall("IgnoreNulls", [](Expression& e) {
    e.ignore_nulls = true;
    return Status::OK();
  });
}
Expr Expr::RespectNulls() const {
  return ChangedCall("RespectNulls", [](Expression& e) {
    e.respect_nulls = true;
    return Status::OK();
  });
}

Expr Expr::Over() const { return Over(Window{}); }
Expr Expr::Over(Window window) const {
  return ChangedCall("Over", [&](Expression& e) {
    if (e.frame != nullptr)
      return Status::User(StatusCode::kInvalidArgument, "a call has one window, found two");
    if (!e.order_by.empty()) {
      return Status::User(StatusCode::kUnsupported,
                          "an aggregate over a window takes no order of its own, found one in `{}`",
                          ToText(e));
    }
    WEIR_RETURN_NOT_OK(FirstFailure(window.partition_by));
    e.is_aggregate =
        e.kind == ExpressionKind::kAggregateFunction && !kWindowFunctionsToo.contains(e.name);
    e.kind = ExpressionKind::kWindowFunction;
    e.partition_by = Trees(window.partition_by);
    WEIR_ASSIGN_OR_RETURN(e.order_by, SortKeys(window.order_by));
    const Frame wanted = window.frame.value_or(DefaultFrame(!e.order_by.empty()));
    WindowFrame frame{.units = wanted.units, .start = {}, .end = std::nullopt};
    WEIR_ASSIGN_OR_RETURN(frame.start, BoundOf(wanted.start, wanted.units));
    WEIR_ASSIGN_OR_RETURN(frame.end, BoundOf(wanted.end, wanted.units));
    e.text = ToText(frame);
    e.frame = std::make_shared<const WindowFrame>(std::move(frame));
    return Status::OK();
  });
}

FrameEdge current_row() { return {}; }
FrameEdge unbounded_preceding() { return {.kind = FrameBoundKind::kPreceding, .distance = {}}; }
FrameEdge unbounded_following() { return {.kind = FrameBoundKind::kFollowing, .distance = {}}; }
FrameEdge preceding(uint64_t distance) { return preceding(std::to_string(distance)); }
FrameEdge following(uint64_t distance) { return following(std::to_string(distance)); }
FrameEdge preceding(std::string interval) {
  return {.kind = FrameBoundKind::kPreceding, .distance = std::move(interval)};
}
FrameEdge following(std::string interval) {
  return {.kind = FrameBoundKind::kFollowing, .distance = std::move(interval)};
}
Frame rows(FrameEdge start, FrameEdge end) {
  return {FrameUnits::kRows, std::move(start), std::move(end)};
}
Frame range(FrameEdge start, FrameEdge end) {
  return {FrameUnits::kRange, std::move(start), std::move(end)};
}
Frame groups(FrameEdge start, FrameEdge end) {
  return {FrameUnits::kGroups, std::move(start), std::move(end)};
}

Expr sum(Expr value) { return aggregate("sum", {std::move(value)}); }
Expr avg(Expr value) { return aggregate("avg", {std::move(value)}); }
Expr min(Expr value) { return aggregate("min", {std::move(value)}); }
Expr max(Expr value) { return aggregate("max", {std::move(value)}); }
Expr count(Expr value) { return aggregate("count", {std::move(value)}); }
Expr count_all() { return aggregate("count", {}); }
Expr first_value(Expr value) { return aggregate("first_value", {std::move(value)}); }
Expr last_value(Expr value) { return aggregate("last_value", {std::move(value)}); }
Expr array_agg(Expr value) { return aggregate("array_agg", {std::move(value)}); }
Expr row_number() { return window_function("row_number"); }
Expr rank() { return window_function("rank"); }
Expr dense_rank() { return window_function("dense_rank"); }
Expr lag(Expr value, int64_t rows) { return window_function("lag", {std::move(value), rows}); }
Expr lead(Expr value, int64_t rows) { return window_function("lead", {std::move(value), rows}); }
Expr coalesce(const std::vector<Expr>& values) { return call("coalesce", values); }
Expr date_part(std::string part, Expr value) {
  return call("date_part", std::move(part), std::move(value));
}

Expr rollup(const std::vector<Expr>& keys) { return Make(ExpressionKind::kRollup, keys); }
Expr cube(const std::vector<Expr>& keys) { return Make(ExpressionKind::kCube, keys); }
Expr grouping_sets(const std::vector<std::vector<Expr>>& sets) {
  std::vector<Expr> members;
  std::vector<int> sizes;
  for (const std::vector<Expr>& set : sets) {
    members.insert(members.end(), set.begin(), set.end());
    sizes.push_back(static_cast<int>(set.size()));
  }
  return Make(ExpressionKind::kGroupingSets, members,
              [&](Expression& e) { e.set_sizes = std::move(sizes); });
}

}  // namespace weir::expr
