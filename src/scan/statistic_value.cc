// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/statistic_value.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <arrow/api.h>
#include <arrow/util/value_parsing.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weir {

namespace {

constexpr int32_t kDecimalScale = 38;

template <typename ArrowType>
std::optional<int64_t> ParseTime(const std::string& text,
                                 const std::shared_ptr<arrow::DataType>& type) {
  typename ArrowType::c_type value;
  if (!arrow::internal::ParseValue(static_cast<const ArrowType&>(*type), text.data(), text.size(),
                                   &value))
    return std::nullopt;
  return static_cast<int64_t>(value);
}

/// Microseconds since the epoch; the log writes UTC with or without a "Z".
std::optional<int64_t> ParseTimestamp(std::string text) {
  if (text.ends_with("Z")) text.pop_back();
  if (text.ends_with("+00:00")) text.resize(text.size() - 6);
  return ParseTime<arrow::TimestampType>(text, arrow::timestamp(arrow::TimeUnit::MICRO));
}

template <typename Decimal>
std::optional<Value> AtCommonScale(const Decimal& value, int32_t scale) {
  const auto rescaled = arrow::Decimal256(value).Rescale(scale, kDecimalScale);
  if (!rescaled.ok()) return std::nullopt;
  return Value(ExactDecimal{*rescaled});
}

std::optional<Value> ParseDecimal(std::string_view text) {
  arrow::Decimal256 value;
  int32_t precision = 0, scale = 0;
  if (!arrow::Decimal256::FromString(text, &value, &precision, &scale).ok()) return std::nullopt;
  return AtCommonScale(value, scale);
}

std::optional<Value> ParseInteger(std::string_view text) {
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return Value(value);
}

std::optional<Value> ParseFloat(std::string_view text, const arrow::DataType& type) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  if (type.id() == arrow::Type::FLOAT) {
    // The shortest text of a float is another number as a double.
    if (std::abs(value) > std::numeric_limits<float>::max()) return std::nullopt;
    value = static_cast<float>(value);
  }
  return Value(value);
}

/// The text form of a partition value or of a statistic.
std::optional<Value> ParseText(const std::string& text, ValueClass value_class) {
  switch (value_class) {
    case ValueClass::kInteger:
      return ParseInteger(text);
    case ValueClass::kText:
      return Value(text);
    case ValueClass::kDecimal:
      return ParseDecimal(text);
    case ValueClass::kDate:
      if (const auto days = ParseTime<arrow::Date32Type>(text, arrow::date32()))
        return Value(*days);
      return std::nullopt;
    case ValueClass::kTimestamp:
      if (const auto micros = ParseTimestamp(text)) return Value(*micros);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

/// The text in a JSON string.
std::optional<std::string> Unquoted(std::string_view json) {
  if (json.find('\\') == std::string_view::npos)
    return std::string(json.substr(1, json.size() - 2));
  const auto parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_string()) return std::nullopt;
  return parsed.get<std::string>();
}

std::optional<Value> ParseTimestampLiteral(const arrow::Scalar& scalar) {
  const int64_t value = static_cast<const arrow::TimestampScalar&>(scalar).value;
  const auto scaled = [&](int64_t per_unit) -> std::optional<Value> {
    const auto micros = ToMicroseconds(value, per_unit);
    return micros ? std::optional<Value>(*micros) : std::nullopt;
  };
  switch (static_cast<const arrow::TimestampType&>(*scalar.type).unit()) {
    case arrow::TimeUnit::SECOND:
      return scaled(1'000'000);
    case arrow::TimeUnit::MILLI:
      return scaled(1'000);
    case arrow::TimeUnit::MICRO:
      return Value(value);
    default:
      // A fraction of a microsecond lies between two stored values; it is left to the reader.
      if (value % 1'000 != 0) return std::nullopt;
      return Value(value / 1'000);
  }
}

}  // namespace

ValueClass ClassOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return ValueClass::kBoolean;
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
      return ValueClass::kInteger;
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      return ValueClass::kFloat;
    case arrow::Type::STRING:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::LARGE_STRING:
      return ValueClass::kText;
    case arrow::Type::DATE32:
      return ValueClass::kDate;
    case arrow::Type::TIMESTAMP:
      return ValueClass::kTimestamp;
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
      return ValueClass::kDecimal;
    default:
      return ValueClass::kUnknown;
  }
}

std::optional<int64_t> ToMicroseconds(int64_t units, int64_t per_unit) {
  int64_t micros = 0;
  if (__builtin_mul_overflow(units, per_unit, &micros)) return std::nullopt;
  return micros;
}

std::optional<Value> ParsePartitionValue(const std::string& text,
                                         const std::shared_ptr<arrow::DataType>& type) {
  const ValueClass value_class = ClassOf(*type);
  if (value_class == ValueClass::kInteger || value_class == ValueClass::kBoolean) {
    const auto scalar = arrow::Scalar::Parse(type, text);
    return scalar.ok() ? ParseLiteral(**scalar, value_class) : std::nullopt;
  }
  return ParseText(text, value_class);
}

std::optional<Value> ParseStatistic(std::string_view json, const arrow::DataType& type) {
  const ValueClass value_class = ClassOf(type);
  if (json.starts_with('"')) {
    const auto text = Unquoted(json);
    return text ? ParseText(*text, value_class) : std::nullopt;
  }
  switch (value_class) {
    case ValueClass::kBoolean:
      if (json == "true" || json == "false") return Value(int64_t{json == "true"});
      return std::nullopt;
    case ValueClass::kInteger:
      return ParseInteger(json);
    case ValueClass::kFloat:
      return ParseFloat(json, type);
    case ValueClass::kDecimal:
      return ParseDecimal(json);
    default:
      return std::nullopt;
  }
}

bool IsOfWrongKind(std::string_view json, const arrow::DataType& type) {
  const bool is_text = json.starts_with('"'), is_flag = json == "true" || json == "false";
  const bool is_nested = json.starts_with('{') || json.starts_with('[');
  switch (ClassOf(type)) {
    case ValueClass::kBoolean:
      // Some writers put text here.
      return !is_flag && json != "\"true\"" && json != "\"false\"";
    case ValueClass::kInteger:
    case ValueClass::kDecimal:
      return is_flag || is_nested || (is_text && !ParseStatistic(json, type));
    case ValueClass::kFloat:
      return is_flag || is_nested ||
             (is_text && json.find("NaN") == std::string_view::npos &&
              json.find("Inf") == std::string_view::npos);
    case ValueClass::kText:
    case ValueClass::kDate:
    case ValueClass::kTimestamp:
      return !is_text;
    default:
      return false;
  }
}

std::optional<Value> ParseLiteral(const arrow::Scalar& scalar, ValueClass value_class) {
  const ValueClass wanted =
      value_class == ValueClass::kWholeFloat ? ValueClass::kFloat : value_class;
  if (!scalar.is_valid || ClassOf(*scalar.type) != wanted) return std::nullopt;
  switch (scalar.type->id()) {
    case arrow::Type::BOOL:
      return Value(int64_t{static_cast<const arrow::BooleanScalar&>(scalar).value});
    case arrow::Type::INT8:
      return Value(int64_t{static_cast<const arrow::Int8Scalar&>(scalar).value});
    case arrow::Type::INT16:
      return Value(int64_t{static_cast<const arrow::Int16Scalar&>(scalar).value});
    case arrow::Type::INT32:
      return Value(int64_t{static_cast<const arrow::Int32Scalar&>(scalar).value});
    case arrow::Type::INT64:
      return Value(int64_t{static_cast<const arrow::Int64Scalar&>(scalar).value});
    case arrow::Type::UINT8:
      return Value(int64_t{static_cast<const arrow::UInt8Scalar&>(scalar).value});
    case arrow::Type::UINT16:
      return Value(int64_t{static_cast<const arrow::UInt16Scalar&>(scalar).value});
    case arrow::Type::UINT32:
      return Value(int64_t{static_cast<const arrow::UInt32Scalar&>(scalar).value});
    case arrow::Type::FLOAT:
      return Value(double{static_cast<const arrow::FloatScalar&>(scalar).value});
    case arrow::Type::DOUBLE:
      return Value(static_cast<const arrow::DoubleScalar&>(scalar).value);
    case arrow::Type::STRING:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::LARGE_STRING:
      return Value(scalar.ToString());
    case arrow::Type::DATE32:
      return Value(int64_t{static_cast<const arrow::Date32Scalar&>(scalar).value});
    case arrow::Type::TIMESTAMP:
      return ParseTimestampLiteral(scalar);
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
      return ParseDecimal(scalar.ToString());
    default:
      return std::nullopt;
  }
}

std::string ValueText(const Value& value, ValueClass value_class) {
  if (value_class == ValueClass::kDate) {
    return arrow::Date32Scalar(static_cast<int32_t>(std::get<int64_t>(value))).ToString();
  }
  if (value_class == ValueClass::kTimestamp) {
    return arrow::TimestampScalar(std::get<int64_t>(value),
                                  arrow::timestamp(arrow::TimeUnit::MICRO))
        .ToString();
  }
  if (value_class == ValueClass::kBoolean) return std::get<int64_t>(value) != 0 ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) {
    // What is appended to a maximum that is cut.
    return text->ends_with('\xFF') ? "'" + text->substr(0, text->size() - 1) + "…'"
                                   : "'" + *text + "'";
  }
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* decimal = std::get_if<ExactDecimal>(&value)) {
    std::string text = decimal->unscaled.ToString(kDecimalScale);
    text.resize(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
  }
  return fmt::format("{}", std::get<int64_t>(value));
}

}  // namespace weir
