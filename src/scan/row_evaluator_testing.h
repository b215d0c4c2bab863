// SPDX-License-Identifier: Apache-2.0
//
// A naive evaluator of predicates on rows of one test table, for tests only: the oracle of what may
// be pruned.

#pragma once

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <arrow/api.h>

#include "weir/plan/expression.h"

namespace weir::testing_rows {

/// NULL, whole numbers (booleans and days too), floats, texts; nanoseconds for timestamps.
struct Nanoseconds {
  __int128 value;
};
using Cell = std::variant<std::monostate, int64_t, double, std::string, Nanoseconds>;
using Row = std::vector<Cell>;

enum ColumnIndex {
  kInt,
  kLong,
  kDouble,
  kFloat,
  kText,
  kFlag,
  kDay,
  kAt,
  kMoney,  ///< in cents
  kFloor,  ///< a field of the struct `place`
  kPartition,
  kColumns
};

inline const std::shared_ptr<arrow::Schema>& TestSchema() {
  static const auto schema =
      arrow::schema({arrow::field("i", arrow::int32()), arrow::field("l", arrow::int64()),
                     arrow::field("d", arrow::float64()), arrow::field("f", arrow::float32()),
                     arrow::field("s", arrow::utf8()), arrow::field("b", arrow::boolean()),
                     arrow::field("day", arrow::date32()),
                     arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO)),
                     arrow::field("money", arrow::decimal128(9, 2)),
                     arrow::field("place", arrow::struct_({arrow::field("floor", arrow::int32())})),
                     arrow::field("p", arrow::int32())});
  return schema;
}

inline bool Less(const Cell& a, const Cell& b) {
  if (const auto* time = std::get_if<Nanoseconds>(&a))
    return time->value < std::get<Nanoseconds>(b).value;
  if (const auto* number = std::get_if<double>(&a)) return *number < std::get<double>(b);
  if (const auto* text = std::get_if<std::string>(&a)) return *text < std::get<std::string>(b);
  return std::get<int64_t>(a) < std::get<int64_t>(b);
}

using Truth = std::optional<bool>;

/// Evaluates a predicate on one row, as the engine does.
class RowEvaluator {
 public:
  explicit RowEvaluator(const Row& row) : row_(row) {}

  Truth Evaluate(const Expression& e) const {
    switch (e.kind) {
      case ExpressionKind::kNot:
        return Inverse(Evaluate(e.inputs[0]));
      case ExpressionKind::kScalarFunction: {
        if (e.name != "starts_with") return Truth();
        const Cell text = Value(e.inputs[0]);
        if (IsNull(text)) return Truth();
        return std::get<std::string>(text).starts_with(std::get<std::string>(Value(e.inputs[1])));
      }
      case ExpressionKind::kBinary:
        if (e.name == "IS DISTINCT FROM") return !Same(Value(e.inputs[0]), Value(e.inputs[1]));
        if (e.name == "IS NOT DISTINCT FROM") return Same(Value(e.inputs[0]), Value(e.inputs[1]));
        return e.name == "AND" || e.name == "OR"
                   ? Chain(e)
                   : Compare(e.name, Value(e.inputs[0]), Value(e.inputs[1]));
      case ExpressionKind::kBetween: {
        const Cell value = Value(e.inputs[0]);
        const Truth both = Both(Compare(">=", value, Value(e.inputs[1])),
                                Compare("<=", value, Value(e.inputs[2])));
        return e.negated ? Inverse(both) : both;
      }
      case ExpressionKind::kInList: {
        Truth found = false;
        for (size_t i = 1; i < e.inputs.size(); ++i)
          found = Either(found, Compare("=", Value(e.inputs[0]), Value(e.inputs[i])));
        return e.negated ? Inverse(found) : found;
      }
      case ExpressionKind::kLike:
        return Like(e);
      case ExpressionKind::kIsNull:
        return IsNull(Value(e.inputs[0]));
      case ExpressionKind::kIsNotNull:
        return !IsNull(Value(e.inputs[0]));
      case ExpressionKind::kIsTrue:
        return Evaluate(e.inputs[0]) == Truth(true);
      case ExpressionKind::kIsFalse:
        return Evaluate(e.inputs[0]) == Truth(false);
      case ExpressionKind::kIsUnknown:
        return !Evaluate(e.inputs[0]).has_value();
      case ExpressionKind::kIsNotTrue:
        return Evaluate(e.inputs[0]) != Truth(true);
      case ExpressionKind::kIsNotFalse:
        return Evaluate(e.inputs[0]) != Truth(false);
      case ExpressionKind::kIsNotUnknown:
        return Evaluate(e.inputs[0]).has_value();
      default: {
        const Cell value = Value(e);
        return IsNull(value) ? Truth() : Truth(std::get<int64_t>(value) != 0);
      }
    }
  }

 private:
  static bool IsNull(const Cell& cell) { return std::holds_alternative<std::monostate>(cell); }
  static Truth Inverse(Truth truth) { return truth ? Truth(!*truth) : Truth(); }
  static Truth Both(Truth a, Truth b) {
    if (a == Truth(false) || b == Truth(false)) return false;
    return a && b ? Truth(true) : Truth();
  }
  static Truth Either(Truth a, Truth b) { return Inverse(Both(Inverse(a), Inverse(b))); }

  /// NULL is the same as NULL.
  static bool Same(const Cell& a, const Cell& b) {
    return IsNull(a) || IsNull(b) ? IsNull(a) && IsNull(b) : Compare("=", a, b) == Truth(true);
  }

  Truth Chain(const Expression& e) const {
    Truth result = Evaluate(e.inputs[0]);
    for (size_t i = 1; i < e.inputs.size(); ++i) {
      const Truth next = Evaluate(e.inputs[i]);
      result = e.name == "AND" ? Both(result, next) : Either(result, next);
    }
    return result;
  }

  Cell Value(const Expression& e) const {
    switch (e.kind) {
      case ExpressionKind::kColumn:
        return row_[static_cast<size_t>(TestSchema()->GetFieldIndex(e.name))];
      case ExpressionKind::kLiteral:
        return LiteralValue(*e.literal);
      case ExpressionKind::kScalarFunction:
        return row_[kFloor];
      default:
        return CastValue(Value(e.inputs[0]), *e.type);
    }
  }

  static Cell CastValue(const Cell& cell, const arrow::DataType& type) {
    if (IsNull(cell)) return cell;
    const int64_t value = std::get<int64_t>(cell);
    if (type.id() == arrow::Type::DOUBLE) return static_cast<double>(value);
    if (type.id() == arrow::Type::TIMESTAMP)
      return Nanoseconds{static_cast<__int128>(value) * 86'400'000'000'000};
    return value;
  }

  static Cell LiteralValue(const arrow::Scalar& scalar) {
    if (!scalar.is_valid) return {};
    switch (scalar.type->id()) {
      case arrow::Type::BOOL:
        return int64_t{static_cast<const arrow::BooleanScalar&>(scalar).value};
      case arrow::Type::INT32:
        return int64_t{static_cast<const arrow::Int32Scalar&>(scalar).value};
      case arrow::Type::INT64:
        return static_cast<const arrow::Int64Scalar&>(scalar).value;
      case arrow::Type::FLOAT:
        return double{static_cast<const arrow::FloatScalar&>(scalar).value};
      case arrow::Type::DOUBLE:
        return static_cast<const arrow::DoubleScalar&>(scalar).value;
      case arrow::Type::DATE32:
        return int64_t{static_cast<const arrow::Date32Scalar&>(scalar).value};
      case arrow::Type::DECIMAL128:
        return static_cast<int64_t>(
            static_cast<const arrow::Decimal128Scalar&>(scalar).value.low_bits());
      case arrow::Type::TIMESTAMP: {
        __int128 value = static_cast<const arrow::TimestampScalar&>(scalar).value;
        switch (static_cast<const arrow::TimestampType&>(*scalar.type).unit()) {
          case arrow::TimeUnit::SECOND:
            return Nanoseconds{value * 1'000'000'000};
          case arrow::TimeUnit::MILLI:
            return Nanoseconds{value * 1'000'000};
          case arrow::TimeUnit::MICRO:
            return Nanoseconds{value * 1'000};
          default:
            return Nanoseconds{value};
        }
      }
      default:
        return scalar.ToString();
    }
  }

  /// Zeros are equal; NaN stands, by its sign, above or below every number, and equals itself.
  static int OrderFloats(double a, double b) {
    const auto rank = [](double x) { return std::isnan(x) ? (std::signbit(x) ? -1 : 1) : 0; };
    if (rank(a) != rank(b)) return rank(a) < rank(b) ? -1 : 1;
    if (rank(a) != 0) return 0;
    return a < b ? -1 : (b < a ? 1 : 0);
  }

  static Truth Compare(const std::string& op, const Cell& a, const Cell& b) {
    if (IsNull(a) || IsNull(b)) return {};
    int order = 0;
    if (const auto* number = std::get_if<double>(&a)) {
      order = OrderFloats(*number, std::get<double>(b));
    } else {
      order = Less(a, b) ? -1 : (Less(b, a) ? 1 : 0);
    }
    if (op == "=") return order == 0;
    if (op == "<>") return order != 0;
    if (op == "<") return order < 0;
    if (op == "<=") return order <= 0;
    if (op == ">") return order > 0;
    return order >= 0;
  }

  static size_t CharacterLength(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  }

  static bool Matches(std::string_view text, std::string_view pattern) {
    if (pattern.empty()) return text.empty();
    const size_t first = text.empty() ? 0 : CharacterLength(static_cast<unsigned char>(text[0]));
    if (pattern[0] == '%')
      return Matches(text, pattern.substr(1)) ||
             (first > 0 && Matches(text.substr(first), pattern));
    if (text.empty()) return false;
    if (pattern[0] == '_') return Matches(text.substr(first), pattern.substr(1));
    if (pattern[0] == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
    return text[0] == pattern[0] && Matches(text.substr(1), pattern.substr(1));
  }

  Truth Like(const Expression& e) const {
    const Cell text = Value(e.inputs[0]), pattern = Value(e.inputs[1]);
    if (IsNull(text) || IsNull(pattern)) return {};
    return Matches(std::get<std::string>(text), std::get<std::string>(pattern)) != e.negated;
  }

  const Row& row_;
};

}  // namespace weir::testing_rows
