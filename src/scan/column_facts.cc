// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/column_facts.h"

#include <charconv>
#include <cmath>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/catalog/delta_names.h"

namespace weir {

namespace {

/// Texts of at least this length may be cut in the log.
constexpr size_t kStatisticsTextLength = 32;
/// Sorts after every byte of UTF-8.
constexpr char kAfterAllText = '\xFF';

constexpr int64_t kMicrosecondsPerDay = 86'400'000'000;
constexpr int64_t kMaxDaysInNanoseconds = INT64_MAX / (1000 * kMicrosecondsPerDay);
constexpr int64_t kMaxMicrosInNanoseconds = INT64_MAX / 1000;
/// Digits that a double keeps of any decimal.
constexpr int32_t kExactDoubleDigits = 15;

/// Column, then fields; empty for what is neither.
std::vector<std::string> PathOf(const Expression& expression) {
  const Expression& e = WithoutAlias(expression);
  if (e.kind == ExpressionKind::kColumn) return {e.name};
  if (e.kind != ExpressionKind::kScalarFunction || e.name != "get_field" || e.inputs.size() < 2)
    return {};
  std::vector<std::string> path = PathOf(e.inputs[0]);
  if (path.empty()) return {};
  for (size_t i = 1; i < e.inputs.size(); ++i) {
    const auto& literal = e.inputs[i].literal;
    if (!literal || !literal->is_valid || ClassOf(*literal->type) != ValueClass::kText) return {};
    path.push_back(literal->ToString());
  }
  return path;
}

std::shared_ptr<arrow::Field> Below(const std::shared_ptr<arrow::Field>& field,
                                    const std::string& name) {
  if (field->type()->id() != arrow::Type::STRUCT) return nullptr;
  return static_cast<const arrow::StructType&>(*field->type()).GetFieldByName(name);
}

/// Whether every value of an integer type is one of the other.
bool IsWidening(const arrow::DataType& source, const arrow::DataType& target) {
  const bool source_signed = arrow::is_signed_integer(source.id()),
             target_signed = arrow::is_signed_integer(target.id());
  if (source_signed == target_signed) return source.bit_width() <= target.bit_width();
  return target_signed && source.bit_width() < target.bit_width();
}

/// Of an integer type that is not wider: the values are kept if the bounds are.
bool HoldsBounds(const ColumnFacts& facts, const arrow::DataType& target) {
  if (facts.all_null) return true;
  if (!facts.min || !facts.max) return false;
  const int bits = target.bit_width();
  const bool is_signed = arrow::is_signed_integer(target.id());
  const int64_t low = is_signed ? -(int64_t{1} << (bits - 1)) : 0;
  const int64_t high = (int64_t{1} << (is_signed ? bits - 1 : bits)) - 1;
  return std::get<int64_t>(*facts.min) >= low && std::get<int64_t>(*facts.max) <= high;
}

ColumnFacts OfIntegerCast(ColumnFacts facts, const arrow::DataType& source,
                          const arrow::DataType& target) {
  const ValueClass wanted = ClassOf(target);
  if (wanted == ValueClass::kInteger) {
    const bool kept =
        IsWidening(source, target) || (target.bit_width() < 64 && HoldsBounds(facts, target));
    return kept ? facts : ColumnFacts();
  }
  if (target.id() == arrow::Type::DOUBLE) {
    facts.value_class = ValueClass::kWholeFloat;
    for (auto* bound : {&facts.min, &facts.max}) {
      if (*bound) *bound = static_cast<double>(std::get<int64_t>(**bound));
    }
    return facts;
  }
  if (wanted == ValueClass::kDecimal) {
    const auto& decimal = static_cast<const arrow::DecimalType&>(target);
    const int digits = source.bit_width() <= 32 ? 10 : 19;
    if (decimal.precision() - decimal.scale() < digits) return {};
    facts.value_class = ValueClass::kDecimal;
    for (auto* bound : {&facts.min, &facts.max}) {
      if (*bound) {
        const auto scaled = arrow::Decimal256(std::get<int64_t>(**bound)).Rescale(0, 38);
        *bound = scaled.ok() ? std::optional<Value>(ExactDecimal{*scaled}) : std::nullopt;
      }
    }
    return facts;
  }
  return {};
}

ColumnFacts OfDateCast(ColumnFacts facts, const arrow::DataType& target) {
  if (target.id() == arrow::Type::DATE32) return facts;
  if (target.id() != arrow::Type::TIMESTAMP ||
      !static_cast<const arrow::TimestampType&>(target).timezone().empty())
    return {};
  facts.value_class = ValueClass::kTimestamp;
  if (facts.all_null) return facts;
  for (auto* bound : {&facts.min, &facts.max}) {
    // Days outside of what nanoseconds can tell fail, wrap or become NULL.
    if (!*bound || std::abs(std::get<int64_t>(**bound)) > kMaxDaysInNanoseconds) return {};
    const auto micros = ToMicroseconds(std::get<int64_t>(**bound), kMicrosecondsPerDay);
    *bound = micros ? std::optional<Value>(*micros) : std::nullopt;
  }
  return facts;
}

int64_t FloorDay(int64_t micros) {
  return micros / kMicrosecondsPerDay - (micros % kMicrosecondsPerDay < 0 ? 1 : 0);
}

ColumnFacts OfTimestampCast(ColumnFacts facts, const arrow::TimestampType& source,
                            const arrow::DataType& target) {
  if (target.id() == arrow::Type::TIMESTAMP) {
    const auto& wanted = static_cast<const arrow::TimestampType&>(target);
    // A zone that appears or goes away moves the values.
    if (wanted.timezone().empty() != source.timezone().empty()) return {};
    if (wanted.unit() == source.unit() || facts.all_null) return facts;
    if (wanted.unit() != arrow::TimeUnit::NANO || !facts.min || !facts.max) return {};
    for (const auto* bound : {&facts.min, &facts.max}) {
      if (std::abs(std::get<int64_t>(**bound)) > kMaxMicrosInNanoseconds) return {};
    }
    return facts;
  }
  if (target.id() != arrow::Type::DATE32 || !source.timezone().empty()) return {};
  facts.value_class = ValueClass::kDate;
  for (auto* bound : {&facts.min, &facts.max}) {
    if (*bound) *bound = FloorDay(std::get<int64_t>(**bound));
  }
  return facts;
}

ColumnFacts OfDecimalCast(const ColumnFacts& facts, const arrow::DecimalType& source,
                          const arrow::DataType& target) {
  if (ClassOf(target) != ValueClass::kDecimal) return {};
  const auto& wanted = static_cast<const arrow::DecimalType&>(target);
  const bool keeps = wanted.scale() >= source.scale() &&
                     wanted.precision() - wanted.scale() >= source.precision() - source.scale();
  return keeps ? facts : ColumnFacts();
}

/// Decimals of many digits may have been written as the nearest double.
void WidenDecimal(std::optional<Value>& bound, bool upwards) {
  if (!bound) return;
  arrow::Decimal256& value = std::get<ExactDecimal>(*bound).unscaled;
  const arrow::Decimal256 error =
      arrow::Decimal256(value).Abs() / arrow::Decimal256(int64_t{1} << 50) + arrow::Decimal256(1);
  upwards ? value += error : value -= error;
}

/// Bounds may lie within the values: texts are cut, times cut to milliseconds, long decimals
/// rounded.
void Widen(ColumnFacts& facts, const arrow::DataType& type) {
  switch (facts.value_class) {
    case ValueClass::kText:
      if (facts.max && std::get<std::string>(*facts.max).size() >= kStatisticsTextLength)
        std::get<std::string>(*facts.max) += kAfterAllText;
      return;
    case ValueClass::kTimestamp:
      if (facts.max) facts.max = Value(std::get<int64_t>(*facts.max) + 999);
      // Before the epoch some writers cut towards it.
      if (facts.min && std::get<int64_t>(*facts.min) <= 0)
        facts.min = Value(std::get<int64_t>(*facts.min) - 999);
      return;
    case ValueClass::kDecimal:
      if (static_cast<const arrow::DecimalType&>(type).precision() <= kExactDoubleDigits) return;
      WidenDecimal(facts.min, /*upwards=*/false);
      WidenDecimal(facts.max, /*upwards=*/true);
      return;
    default:
      return;
  }
}

void ReadPartitionValue(const std::optional<std::string_view>& text,
                        const std::shared_ptr<arrow::DataType>& type, ColumnFacts& facts) {
  facts.all_null = !text.has_value();
  // The protocol takes an empty text for NULL, some writers mean the text.
  if (!text || text->empty()) return;
  facts.min = facts.max = ParsePartitionValue(std::string(*text), type);
  const bool has_parser =
      facts.value_class != ValueClass::kFloat && facts.value_class != ValueClass::kUnknown;
  facts.may_be_null = !facts.min && has_parser;
}

}  // namespace

std::string FactsText(const std::string& column, const ColumnFacts& facts) {
  if (facts.all_null) return fmt::format("{} is NULL in every row", column);
  if (facts.min && facts.max && *facts.min == *facts.max && !facts.may_be_null) {
    return fmt::format("{} is {}", column, ValueText(*facts.min, facts.value_class));
  }
  if (facts.min && facts.max) {
    return fmt::format("{} is {} to {}", column, ValueText(*facts.min, facts.value_class),
                       ValueText(*facts.max, facts.value_class));
  }
  if (facts.min)
    return fmt::format("{} is at least {}", column, ValueText(*facts.min, facts.value_class));
  if (facts.max)
    return fmt::format("{} is at most {}", column, ValueText(*facts.max, facts.value_class));
  return fmt::format("{} is {}NULL", column, facts.may_be_null ? "" : "never ");
}

ColumnFacts OfCast(const ColumnFacts& facts, const arrow::DataType& source,
                   const arrow::DataType& target) {
  switch (ClassOf(source)) {
    case ValueClass::kInteger:
      return OfIntegerCast(facts, source, target);
    case ValueClass::kDate:
      return OfDateCast(facts, target);
    case ValueClass::kTimestamp:
      return OfTimestampCast(facts, static_cast<const arrow::TimestampType&>(source), target);
    case ValueClass::kDecimal:
      return OfDecimalCast(facts, static_cast<const arrow::DecimalType&>(source), target);
    case ValueClass::kText:
      return ClassOf(target) == ValueClass::kText ? facts : ColumnFacts();
    case ValueClass::kFloat:
      return target.id() == arrow::Type::DOUBLE || target.id() == source.id() ? facts
                                                                              : ColumnFacts();
    default:
      return source.Equals(target) ? facts : ColumnFacts();
  }
}

ColumnReferences::ColumnReferences(std::shared_ptr<arrow::Schema> schema,
                                   const std::shared_ptr<arrow::Schema>& log_schema,
                                   const std::vector<Expression>& filters) {
  const auto add = [&](const Expression& e) {
    const std::vector<std::string> path = PathOf(e);
    if (path.empty() || columns_.contains(path)) return;
    auto field = schema->GetFieldByName(path[0]);
    auto logged = log_schema ? log_schema->GetFieldByName(path[0]) : nullptr;
    if (!field || (log_schema && !logged)) return;
    ColumnReference column{.name = path[0], .type = nullptr, .in_log = {}};
    column.in_log.push_back(logged ? PhysicalName(*logged) : field->name());
    for (size_t i = 1; i < path.size(); ++i) {
      field = Below(field, path[i]);
      if (logged) logged = Below(logged, path[i]);
      if (!field || (log_schema && !logged)) return;
      column.name += "." + path[i];
      column.in_log.push_back(logged ? PhysicalName(*logged) : field->name());
    }
    column.type = field->type();
    columns_.emplace(path, std::move(column));
  };
  for (const Expression& filter : filters) VisitExpression(filter, add);
}

const ColumnReference* ColumnReferences::Find(const Expression& expression) const {
  const auto found = columns_.find(PathOf(expression));
  return found == columns_.end() ? nullptr : &found->second;
}

std::set<StatisticsPath> ColumnReferences::StatisticsPaths() const {
  std::set<StatisticsPath> paths;
  for (const auto& [path, column] : columns_) {
    if (!arrow::is_nested(column.type->id())) paths.insert(column.in_log);
  }
  return paths;
}

const ColumnFacts& FileFacts::Of(const ColumnReference& column) {
  const auto found = known_.find(&column);
  if (found != known_.end()) return found->second;
  return known_.emplace(&column, Read(column)).first->second;
}

bool FileFacts::Contradicts(std::string what) {
  if (contradiction_.empty()) contradiction_ = std::move(what);
  return false;
}

ColumnFacts FileFacts::Read(const ColumnReference& column) {
  ColumnFacts facts{.value_class = ClassOf(*column.type)};
  const ColumnFacts unknown = facts;
  if (column.in_log.size() == 1) {
    if (const auto value = files_.partition_value(file_, column.in_log[0])) {
      ReadPartitionValue(*value, column.type, facts);
      return facts;
    }
  }
  // Predicates on partition columns need no statistics. Counts of nested columns may be those of
  // their elements.
  if (arrow::is_nested(column.type->id())) return unknown;
  if (!ReadStatistics(column, facts)) return unknown;
  Widen(facts, *column.type);
  return facts;
}

bool FileFacts::ReadNullCount(const std::string& column, std::string_view text,
                              ColumnFacts& facts) {
  const int64_t rows = files_.stored_rows(file_);
  if (text.empty()) return true;
  int64_t nulls = -1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), nulls);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || nulls < 0)
    return Contradicts(fmt::format("its count of NULLs of `{}` is {}", column, text));
  if (rows < 0) return true;
  if (nulls > rows) {
    return Contradicts(
        fmt::format("`{}` is NULL in {} rows, and there are {}", column, nulls, rows));
  }
  facts.may_be_null = nulls > 0;
  facts.all_null = nulls == rows && rows > 0;
  return true;
}

bool FileFacts::ReadStatistics(const ColumnReference& column, ColumnFacts& facts) {
  if (!files_.statistics_readable(file_)) return Contradicts("its statistics are no JSON object");
  const int index = files_.StatisticsIndex(column.in_log);
  if (index < 0) return true;
  const FileList::Statistics texts = files_.statistics(file_, index);
  for (const std::string_view text : {texts.min, texts.max}) {
    if (!text.empty() && IsOfWrongKind(text, *column.type)) {
      return Contradicts(fmt::format("a bound of `{}` is {}, and its type is {}", column.name, text,
                                     column.type->ToString()));
    }
  }
  if (!ReadNullCount(column.name, texts.null_count, facts)) return false;
  if (!texts.min.empty()) facts.min = ParseStatistic(texts.min, *column.type);
  if (!texts.max.empty()) facts.max = ParseStatistic(texts.max, *column.type);
  if (facts.min && facts.max && *facts.max < *facts.min) {
    return Contradicts(fmt::format("the minimum of `{}` is {}, its maximum {}", column.name,
                                   texts.min, texts.max));
  }
  if (facts.all_null && (facts.min || facts.max)) {
    return Contradicts(
        fmt::format("`{}` is NULL in every row, and has a minimum or maximum", column.name));
  }
  return true;
}

}  // namespace weir
