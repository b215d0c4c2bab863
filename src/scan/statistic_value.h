// SPDX-License-Identifier: Apache-2.0
//
// Values as statistics, partition values and literals are compared: one small set of kinds for all
// types. In: the texts of a Delta log, literals of a plan. Out: comparable values.

#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <arrow/type_fwd.h>
#include <arrow/util/decimal.h>

namespace weir {

/// A decimal of up to 38 digits, held at a scale of 38: every decimal type compares exactly.
struct ExactDecimal {
  arrow::Decimal256 unscaled;

  bool operator==(const ExactDecimal& other) const { return unscaled == other.unscaled; }
  bool operator<(const ExactDecimal& other) const { return unscaled < other.unscaled; }
};

/// Whole numbers (booleans, days and microseconds too), floats, texts, decimals.
using Value = std::variant<int64_t, double, std::string, ExactDecimal>;

/// What the values of a column are compared as.
enum class ValueClass {
  kBoolean,
  kInteger,
  kFloat,
  kWholeFloat,  ///< a float cast from an integer: never NaN
  kText,
  kDate,       ///< days
  kTimestamp,  ///< microseconds
  kDecimal,
  kUnknown,
};

ValueClass ClassOf(const arrow::DataType& type);

/// A partition value in the log's text form. nullopt for what the type cannot hold: the reader
/// takes that for NULL, hence the strict parser.
std::optional<Value> ParsePartitionValue(const std::string& text,
                                         const std::shared_ptr<arrow::DataType>& type);

/// A statistic as JSON text. nullopt for what is no value of the type.
std::optional<Value> ParseStatistic(std::string_view json, const arrow::DataType& type);

/// True if the JSON is of another kind than the statistics of such a type are: a text for a number,
/// for instance.
bool IsOfWrongKind(std::string_view json, const arrow::DataType& type);

/// nullopt where the value has no place among the values of `value_class`.
std::optional<Value> ParseLiteral(const arrow::Scalar& scalar, ValueClass value_class);

/// As SQL would write it.
std::string ValueText(const Value& value, ValueClass value_class);

/// `units` of `per_unit` microseconds each; nullopt where they do not fit.
std::optional<int64_t> ToMicroseconds(int64_t units, int64_t per_unit);

}  // namespace weir
