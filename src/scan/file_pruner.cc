// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/file_pruner.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <variant>

#include <arrow/api.h>
#include <arrow/util/value_parsing.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weir {

namespace {

using Json = nlohmann::json;

/// A value that statistics and literals are compared as: integers (booleans, days and microseconds
/// too), floats, texts.
using Value = std::variant<int64_t, double, std::string>;

/// The outcomes that a predicate can have over the rows of a file.
enum Outcome : unsigned { kTrue = 1, kFalse = 2, kNull = 4, kAny = 7 };

/// Texts of at least this length may be cut in the log.
constexpr size_t kStatisticsTextLength = 32;

constexpr int64_t kMicrosecondsPerDay = 86'400'000'000;
constexpr int64_t kMaxDaysInNanoseconds = INT64_MAX / (1000 * kMicrosecondsPerDay);

enum class ValueClass {
  kBoolean,
  kInteger,
  kFloat,
  kWholeFloat,  ///< a float cast from an integer: never NaN
  kText,
  kDate,
  kTimestamp,
  kUnknown,
};

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
    default:
      return ValueClass::kUnknown;
  }
}

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

/// The text form of a partition value or of a statistic.
std::optional<Value> ParseText(const std::string& text, ValueClass value_class) {
  switch (value_class) {
    case ValueClass::kInteger: {
      int64_t value = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
      if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
      return Value(value);
    }
    case ValueClass::kText:
      return Value(text);
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

std::optional<Value> ParseStatistic(const Json& json, ValueClass value_class) {
  if (json.is_string()) return ParseText(json.get<std::string>(), value_class);
  if (value_class == ValueClass::kBoolean && json.is_boolean())
    return Value(int64_t{json.get<bool>()});
  if (value_class == ValueClass::kInteger && json.is_number_unsigned()) {
    const uint64_t value = json.get<uint64_t>();
    return value > INT64_MAX ? std::nullopt : std::optional(Value(static_cast<int64_t>(value)));
  }
  if (value_class == ValueClass::kInteger && json.is_number_integer())
    return Value(json.get<int64_t>());
  if (value_class == ValueClass::kFloat && json.is_number()) return Value(json.get<double>());
  return std::nullopt;
}

/// Microseconds of a scalar in some unit; nullopt where they do not fit.
std::optional<int64_t> ToMicroseconds(int64_t value, int64_t per_unit) {
  int64_t micros = 0;
  if (__builtin_mul_overflow(value, per_unit, &micros)) return std::nullopt;
  return micros;
}

/// nullopt where the value has no place among the values of `value_class`.
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
      return Value(scalar.ToString());
    case arrow::Type::DATE32:
      return Value(int64_t{static_cast<const arrow::Date32Scalar&>(scalar).value});
    case arrow::Type::TIMESTAMP: {
      const int64_t value = static_cast<const arrow::TimestampScalar&>(scalar).value;
      switch (static_cast<const arrow::TimestampType&>(*scalar.type).unit()) {
        case arrow::TimeUnit::SECOND:
          return ToMicroseconds(value, 1'000'000);
        case arrow::TimeUnit::MILLI:
          return ToMicroseconds(value, 1'000);
        case arrow::TimeUnit::MICRO:
          return Value(value);
        default:
          // A fraction of a microsecond lies between two stored values; it is left to the reader.
          if (value % 1'000 != 0) return std::nullopt;
          return Value(value / 1'000);
      }
    }
    default:
      return std::nullopt;
  }
}

/// A partition value in the log's text form. The reader takes for NULL what its type cannot hold,
/// hence the strict parser.
std::optional<Value> ParsePartitionValue(const std::string& text,
                                         const std::shared_ptr<arrow::DataType>& type) {
  const ValueClass value_class = ClassOf(*type);
  if (value_class != ValueClass::kInteger && value_class != ValueClass::kBoolean)
    return ParseText(text, value_class);
  const auto scalar = arrow::Scalar::Parse(type, text);
  return scalar.ok() ? ParseLiteral(**scalar, value_class) : std::nullopt;
}

/// What a file's log entry tells about one column. A bound that is absent is unknown.
struct ColumnFacts {
  ValueClass value_class = ValueClass::kUnknown;
  std::optional<Value> min;
  std::optional<Value> max;
  bool may_be_null = true;
  bool all_null = false;
};

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
  if (const auto* text = std::get_if<std::string>(&value)) return "'" + *text + "'";
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  return fmt::format("{}", std::get<int64_t>(value));
}

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

/// The facts of one file, read from its log entry when a predicate asks.
class FileFacts {
 public:
  FileFacts(const arrow::Schema& schema, const DataFile& file) : schema_(schema), file_(file) {}

  const ColumnFacts& Of(const std::string& column) {
    const auto found = known_.find(column);
    if (found != known_.end()) return found->second;
    return known_.emplace(column, Read(column)).first->second;
  }

  /// Of `CAST(column AS target)`, where the cast keeps the order of values and gives each one a
  /// value; else unknown.
  ColumnFacts OfCast(const std::string& column, const arrow::DataType& target) {
    ColumnFacts facts = Of(column);
    const auto field = schema_.GetFieldByName(column);
    if (!field) return {};
    const arrow::DataType& source = *field->type();
    if (IsWidening(source, target)) return facts;
    const auto* time = target.id() == arrow::Type::TIMESTAMP
                           ? static_cast<const arrow::TimestampType*>(&target)
                           : nullptr;
    if (source.id() == arrow::Type::DATE32 && time != nullptr && time->timezone().empty()) {
      facts.value_class = ValueClass::kTimestamp;
      if (facts.all_null) return facts;
      for (auto* bound : {&facts.min, &facts.max}) {
        // Days outside of what nanoseconds can tell fail, wrap or become NULL.
        if (!*bound || std::abs(std::get<int64_t>(**bound)) > kMaxDaysInNanoseconds) return {};
        *bound = ToMicroseconds(std::get<int64_t>(**bound), kMicrosecondsPerDay);
      }
      return facts;
    }
    if (arrow::is_integer(source.id()) && target.id() == arrow::Type::DOUBLE) {
      facts.value_class = ValueClass::kWholeFloat;
      for (auto* bound : {&facts.min, &facts.max}) {
        if (*bound) *bound = static_cast<double>(std::get<int64_t>(**bound));
      }
      return facts;
    }
    return {};
  }

 private:
  /// Whether every value of an integer type is one of the other.
  static bool IsWidening(const arrow::DataType& source, const arrow::DataType& target) {
    if (!arrow::is_integer(source.id()) || !arrow::is_integer(target.id())) return false;
    if (ClassOf(source) != ValueClass::kInteger || ClassOf(target) != ValueClass::kInteger)
      return false;
    const bool source_signed = arrow::is_signed_integer(source.id()),
               target_signed = arrow::is_signed_integer(target.id());
    if (source_signed == target_signed) return source.bit_width() <= target.bit_width();
    return target_signed && source.bit_width() < target.bit_width();
  }

  ColumnFacts Read(const std::string& column) {
    ColumnFacts facts;
    const auto field = schema_.GetFieldByName(column);
    if (!field) return facts;
    facts.value_class = ClassOf(*field->type());
    for (const auto& [name, value] : file_.partition_values) {
      if (name != column) continue;
      ReadPartitionValue(value, field->type(), facts);
      return facts;
    }
    // Predicates on partition columns need no statistics.
    if (statistics_.is_null())
      statistics_ = Json::parse(file_.statistics, nullptr, /*allow_exceptions=*/false);
    // Counts of nested columns may be those of their elements.
    if (!statistics_.is_object() || arrow::is_nested(field->type()->id())) return facts;
    const bool counts_agree = ReadNullCount(column, facts);
    facts.min = Statistic("minValues", column, *field->type());
    facts.max = Statistic("maxValues", column, *field->type());
    const bool bounds_agree = !facts.min || !facts.max || !(*facts.max < *facts.min);
    const bool nulls_agree = !facts.all_null || (!facts.min && !facts.max);
    // A log that contradicts itself tells nothing.
    if (!counts_agree || !bounds_agree || !nulls_agree)
      return ColumnFacts{.value_class = facts.value_class};
    WidenMax(facts);
    return facts;
  }

  static void ReadPartitionValue(const std::optional<std::string>& text,
                                 const std::shared_ptr<arrow::DataType>& type, ColumnFacts& facts) {
    facts.all_null = !text.has_value();
    // The protocol takes an empty text for NULL, some writers mean the text.
    if (!text || text->empty()) return;
    facts.min = facts.max = ParsePartitionValue(*text, type);
    const bool has_parser =
        facts.value_class != ValueClass::kFloat && facts.value_class != ValueClass::kUnknown;
    facts.may_be_null = !facts.min && has_parser;
  }

  /// False if the counts contradict each other.
  bool ReadNullCount(const std::string& column, ColumnFacts& facts) const {
    const auto rows = statistics_.find("numRecords");
    const auto counts = statistics_.find("nullCount");
    if (rows == statistics_.end() || counts == statistics_.end() || !counts->is_object() ||
        !rows->is_number_integer())
      return true;
    const auto count = counts->find(column);
    if (count == counts->end() || !count->is_number_integer()) return true;
    const int64_t nulls = count->get<int64_t>(), all = rows->get<int64_t>();
    if (nulls < 0 || nulls > all) return false;
    facts.may_be_null = nulls > 0;
    facts.all_null = nulls == all && all > 0;
    return true;
  }

  std::optional<Value> Statistic(const char* kind, const std::string& column,
                                 const arrow::DataType& type) const {
    const auto values = statistics_.find(kind);
    if (values == statistics_.end() || !values->is_object()) return std::nullopt;
    const auto value = values->find(column);
    if (value == values->end()) return std::nullopt;
    auto statistic = ParseStatistic(*value, ClassOf(type));
    // The shortest text of a float is another number as a double.
    if (statistic && type.id() == arrow::Type::FLOAT) {
      const double number = std::get<double>(*statistic);
      if (std::abs(number) > std::numeric_limits<float>::max()) return std::nullopt;
      statistic = Value(double{static_cast<float>(number)});
    }
    return statistic;
  }

  /// Maxima may be less than the largest value: texts are cut, times cut to milliseconds.
  static void WidenMax(ColumnFacts& facts) {
    if (!facts.max) return;
    if (facts.value_class == ValueClass::kText &&
        std::get<std::string>(*facts.max).size() >= kStatisticsTextLength) {
      facts.max = std::nullopt;
    } else if (facts.value_class == ValueClass::kTimestamp) {
      facts.max = Value(std::get<int64_t>(*facts.max) + 999);
    }
  }

  const arrow::Schema& schema_;
  const DataFile& file_;
  Json statistics_;
  std::map<std::string, ColumnFacts> known_;
};

/// Evaluates predicates to the outcomes that they can have.
class Evaluator {
 public:
  explicit Evaluator(FileFacts& facts) : facts_(facts) {}

  unsigned Outcomes(const Expression& e) {
    switch (e.kind) {
      case ExpressionKind::kAlias:
        return Outcomes(e.inputs[0]);
      case ExpressionKind::kLiteral:
        return LiteralOutcome(e);
      case ExpressionKind::kColumn:
        return Flag(e);
      case ExpressionKind::kNot:
        return Negated(Outcomes(e.inputs[0]));
      case ExpressionKind::kBinary:
        return Binary(e);
      case ExpressionKind::kBetween: {
        const unsigned both = And(Comparison(">=", e.inputs[0], e.inputs[1]),
                                  Comparison("<=", e.inputs[0], e.inputs[2]));
        return e.negated ? Negated(both) : both;
      }
      case ExpressionKind::kInList: {
        unsigned any = kFalse;
        for (size_t i = 1; i < e.inputs.size(); ++i)
          any = Or(any, Comparison("=", e.inputs[0], e.inputs[i]));
        return e.negated ? Negated(any) : any;
      }
      case ExpressionKind::kLike:
        return e.negated ? kAny : Like(e);
      case ExpressionKind::kIsNull:
        return IsNull(e.inputs[0]);
      case ExpressionKind::kIsNotNull:
        return Negated(IsNull(e.inputs[0]));
      case ExpressionKind::kIsTrue:
        return Is(Outcomes(e.inputs[0]), kTrue);
      case ExpressionKind::kIsFalse:
        return Is(Outcomes(e.inputs[0]), kFalse);
      case ExpressionKind::kIsUnknown:
        return Is(Outcomes(e.inputs[0]), kNull);
      case ExpressionKind::kIsNotTrue:
        return Negated(Is(Outcomes(e.inputs[0]), kTrue));
      case ExpressionKind::kIsNotFalse:
        return Negated(Is(Outcomes(e.inputs[0]), kFalse));
      case ExpressionKind::kIsNotUnknown:
        return Negated(Is(Outcomes(e.inputs[0]), kNull));
      default:
        return kAny;
    }
  }

 private:
  static unsigned Negated(unsigned o) {
    return (o & kNull) | ((o & kTrue) ? kFalse : 0u) | ((o & kFalse) ? kTrue : 0u);
  }

  static unsigned And(unsigned a, unsigned b) {
    unsigned result = (a & b & kTrue) | ((a | b) & kFalse);
    // NULL stays unless the other side is always false.
    if (((a & kNull) && (b & (kTrue | kNull))) || ((b & kNull) && (a & (kTrue | kNull))))
      result |= kNull;
    return result;
  }

  static unsigned Or(unsigned a, unsigned b) { return Negated(And(Negated(a), Negated(b))); }

  static unsigned Is(unsigned outcomes, unsigned wanted) {
    return ((outcomes & wanted) ? kTrue : 0u) | ((outcomes & ~wanted & kAny) ? kFalse : 0u);
  }

  static unsigned LiteralOutcome(const Expression& e) {
    if (!e.literal) return kAny;
    if (!e.literal->is_valid) return kNull;
    if (e.literal->type->id() != arrow::Type::BOOL) return kAny;
    return static_cast<const arrow::BooleanScalar&>(*e.literal).value ? kTrue : kFalse;
  }

  /// A boolean column: the engine's form of `column = true`.
  unsigned Flag(const Expression& e) {
    const ColumnFacts& facts = facts_.Of(e.name);
    if (facts.all_null) return kNull;
    const unsigned null = facts.may_be_null ? kNull : 0u;
    return facts.value_class == ValueClass::kBoolean ? Compare("=", facts, Value(int64_t{1})) | null
                                                     : kTrue | kFalse | null;
  }

  /// What is known of a column or of a cast of one; nullopt for everything else.
  std::optional<ColumnFacts> OperandFacts(const Expression& operand) {
    if (operand.kind == ExpressionKind::kColumn) return facts_.Of(operand.name);
    if (operand.kind != ExpressionKind::kCast && operand.kind != ExpressionKind::kTryCast)
      return std::nullopt;
    const Expression& column = WithoutAlias(operand.inputs[0]);
    if (column.kind != ExpressionKind::kColumn || !operand.type) return std::nullopt;
    return facts_.OfCast(column.name, *operand.type);
  }

  unsigned Binary(const Expression& e) {
    if (e.name == "AND" || e.name == "OR") {
      unsigned result = Outcomes(e.inputs[0]);
      for (size_t i = 1; i < e.inputs.size(); ++i) {
        const unsigned next = Outcomes(e.inputs[i]);
        result = e.name == "AND" ? And(result, next) : Or(result, next);
      }
      return result;
    }
    if (e.inputs.size() != 2) return kAny;
    return Comparison(e.name, e.inputs[0], e.inputs[1]);
  }

  static std::string Mirrored(const std::string& op) {
    if (op == "<") return ">";
    if (op == "<=") return ">=";
    if (op == ">") return "<";
    if (op == ">=") return "<=";
    return op;
  }

  unsigned Comparison(const std::string& op, const Expression& left, const Expression& right) {
    const Expression& a = WithoutAlias(left);
    const Expression& b = WithoutAlias(right);
    if (a.kind == ExpressionKind::kLiteral && b.kind != ExpressionKind::kLiteral)
      return Comparison(Mirrored(op), b, a);
    if (b.kind != ExpressionKind::kLiteral || !b.literal) return kAny;
    const std::optional<ColumnFacts> operand = OperandFacts(a);
    if (!operand) return kAny;
    static const std::set<std::string> kOperators = {"=", "<>", "<", "<=", ">", ">="};
    if (!kOperators.contains(op)) return kAny;
    if (!b.literal->is_valid) return kNull;
    const ColumnFacts& facts = *operand;
    if (facts.all_null) return kNull;
    const auto value = ParseLiteral(*b.literal, facts.value_class);
    const unsigned null = facts.may_be_null ? kNull : 0u;
    const double* number = value ? std::get_if<double>(&*value) : nullptr;
    if (!value || (number != nullptr && std::isnan(*number))) return kTrue | kFalse | null;
    return Compare(op, facts, *value) | null;
  }

  /// Over the non-NULL values of the column.
  static unsigned Compare(const std::string& op, const ColumnFacts& facts, const Value& value) {
    if (op == "<>") return Negated(Compare("=", facts, value));
    if (op == ">") return Negated(Compare("<=", facts, value));
    if (op == ">=") return Negated(Compare("<", facts, value));
    if (facts.value_class == ValueClass::kFloat) return CompareFloat(op, facts, value);
    // Bounds of another class than the literal's cannot be compared.
    const auto comparable = [&](const std::optional<Value>& bound) {
      return bound && bound->index() == value.index();
    };
    const bool has_min = comparable(facts.min), has_max = comparable(facts.max);
    unsigned outcomes = 0;
    if (op == "=") {
      const bool outside = (has_min && value < *facts.min) || (has_max && *facts.max < value);
      if (!outside) outcomes |= kTrue;
      const bool constant = has_min && has_max && *facts.min == *facts.max && *facts.min == value &&
                            facts.value_class != ValueClass::kTimestamp;
      if (!constant) outcomes |= kFalse;
      return outcomes;
    }
    const bool strict = op == "<";
    if (!has_min || *facts.min < value || (!strict && *facts.min == value)) outcomes |= kTrue;
    if (!has_max || value < *facts.max || (strict && *facts.max == value)) outcomes |= kFalse;
    return outcomes;
  }

  /// Statistics leave NaN out, which the engine sorts by its sign above or below every number:
  /// bounds tell only what no number of the column equals.
  static unsigned CompareFloat(const std::string& op, const ColumnFacts& facts,
                               const Value& value) {
    const auto* wanted = std::get_if<double>(&value);
    if (op != "=" || wanted == nullptr) return kTrue | kFalse;
    const bool below = facts.min && *wanted < std::get<double>(*facts.min);
    const bool above = facts.max && std::get<double>(*facts.max) < *wanted;
    return below || above ? kFalse : kTrue | kFalse;
  }

  unsigned IsNull(const Expression& operand) {
    const Expression& e = WithoutAlias(operand);
    if (e.kind != ExpressionKind::kColumn) return kTrue | kFalse;
    const ColumnFacts& facts = facts_.Of(e.name);
    if (facts.all_null) return kTrue;
    return facts.may_be_null ? kTrue | kFalse : kFalse;
  }

  /// `column LIKE 'prefix%'`: the texts that begin so form a range.
  unsigned Like(const Expression& e) {
    const Expression& column = WithoutAlias(e.inputs[0]);
    const Expression& pattern = WithoutAlias(e.inputs[1]);
    if (column.kind != ExpressionKind::kColumn || !e.text.empty() || !pattern.literal ||
        !pattern.literal->is_valid)
      return kAny;
    const ColumnFacts& facts = facts_.Of(column.name);
    if (facts.all_null) return kNull;
    const std::string text = pattern.literal->ToString();
    const std::string prefix = text.substr(0, text.find_first_of("%_\\"));
    if (prefix.empty() || facts.value_class != ValueClass::kText) return kAny;
    if (facts.max && std::get<std::string>(*facts.max) < prefix)
      return kFalse | (facts.may_be_null ? kNull : 0u);
    if (facts.min && std::get<std::string>(*facts.min).substr(0, prefix.size()) > prefix) {
      return kFalse | (facts.may_be_null ? kNull : 0u);
    }
    return kAny;
  }

  FileFacts& facts_;
};

/// The facts of the columns in a predicate, for the reason.
std::string PredicateFacts(const Expression& predicate, FileFacts& facts) {
  std::set<std::string> columns;
  VisitExpression(predicate, [&](const Expression& e) {
    if (e.kind == ExpressionKind::kColumn) columns.insert(e.name);
  });
  std::string text;
  for (const std::string& column : columns)
    text += (text.empty() ? "" : ", ") + FactsText(column, facts.Of(column));
  return text.empty() ? "never true" : text;
}

}  // namespace

FilePruner::FilePruner(std::shared_ptr<arrow::Schema> schema,
                       const std::vector<Expression>& filters)
    : schema_(std::move(schema)), filters_(filters) {}

std::optional<std::string> FilePruner::ReasonToPrune(const DataFile& file) const {
  if (filters_.empty()) return std::nullopt;
  FileFacts facts(*schema_, file);
  Evaluator evaluator(facts);
  for (const Expression& filter : filters_) {
    if ((evaluator.Outcomes(filter) & kTrue) == 0) {
      return fmt::format("`{}`: {}", ToText(filter), PredicateFacts(filter, facts));
    }
  }
  return std::nullopt;
}

}  // namespace weir
