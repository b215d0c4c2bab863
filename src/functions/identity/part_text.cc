// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/identity/part_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>

#include "weir/functions/text_column.h"

namespace weir {
namespace {

using arrow::Type;
using arrow::internal::checked_cast;

template <typename Integer>
void AppendInteger(Integer value, std::string* out) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out->append(digits, static_cast<size_t>(end - digits));
}

void AppendPadded(uint64_t value, size_t width, std::string* out) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out->append(width - digits.size(), '0');
  *out += digits;
}

template <typename Float>
void AppendFloat(Float value, std::string* out) {
  if (std::isnan(value)) {
    *out += "nan";
    return;
  }
  if (std::isinf(value)) {
    *out += value < 0 ? "-inf" : "inf";
    return;
  }
  char text[400];
  char* end = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific).ptr;
  const std::string_view scientific(text, static_cast<size_t>(end - text));
  const size_t exponent_at = scientific.find('e');
  int exponent = 0;
  const char* sign_at = text + exponent_at + 1;
  std::from_chars(sign_at + (*sign_at == '+' ? 1 : 0), end, exponent);
  if (exponent < -4 || exponent >= 16) {
    out->append(scientific);
    return;
  }
  // The digits of the scientific form are the shortest; only the point moves.
  std::string digits;
  for (char c : scientific.substr(0, exponent_at)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  if (std::signbit(value)) *out += '-';
  if (exponent < 0) {
    *out += "0.";
    out->append(static_cast<size_t>(-exponent - 1), '0');
    *out += digits;
    return;
  }
  const size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() < whole + 1) digits.append(whole + 1 - digits.size(), '0');
  *out += digits.substr(0, whole) + "." + digits.substr(whole);
}

/// Proleptic Gregorian date of a day counted from 1970-01-01.
/// Source of the formula: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
void AppendDate(int64_t days, std::string* out) {
  const int64_t shifted = days + 719468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const int64_t day_of_era = shifted - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  if (year < 0 || year > 9999) *out += year < 0 ? '-' : '+';
  AppendPadded(static_cast<uint64_t>(year < 0 ? -year : year), 4, out);
  *out += '-';
  AppendPadded(static_cast<uint64_t>(month), 2, out);
  *out += '-';
  AppendPadded(static_cast<uint64_t>(day), 2, out);
}

int64_t UnitsPerSecond(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 1;
    case arrow::TimeUnit::MILLI:
      return 1000;
    case arrow::TimeUnit::MICRO:
      return 1000000;
    case arrow::TimeUnit::NANO:
      return 1000000000;
  }
  return 1;
}

/// `value` units since midnight. REQUIRES: 0 <= value
void AppendTime(int64_t value, int64_t units_per_second, std::string* out) {
  const int64_t seconds = value / units_per_second;
  AppendPadded(static_cast<uint64_t>(seconds / 3600), 2, out);
  *out += ':';
  AppendPadded(static_cast<uint64_t>(seconds / 60 % 60), 2, out);
  *out += ':';
  AppendPadded(static_cast<uint64_t>(seconds % 60), 2, out);
  const int64_t fraction = value % units_per_second;
  if (fraction == 0) return;
  *out += '.';
  AppendPadded(static_cast<uint64_t>(fraction), std::to_string(units_per_second).size() - 1, out);
  while (out->back() == '0') out->pop_back();
}

void AppendTimestamp(int64_t value, int64_t units_per_second, std::string* out) {
  const int64_t units_per_day = units_per_second * 86400;
  int64_t days = value / units_per_day;
  int64_t in_day = value % units_per_day;
  if (in_day < 0) {
    in_day += units_per_day;
    --days;
  }
  AppendDate(days, out);
  *out += 'T';
  AppendTime(in_day, units_per_second, out);
  *out += 'Z';
}

void AppendHex(std::string_view bytes, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned char byte : bytes) {
    *out += kDigits[byte >> 4];
    *out += kDigits[byte & 15];
  }
}

/// Places the point into the digits of an integer, then drops trailing zeros behind it.
void AppendDecimal(std::string digits, int32_t scale, std::string* out) {
  if (digits.front() == '-') {
    *out += '-';
    digits.erase(0, 1);
  }
  if (digits == "0" || scale <= 0) {
    *out += digits;
    if (digits != "0") out->append(static_cast<size_t>(-scale), '0');
    return;
  }
  const size_t places = static_cast<size_t>(scale);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  std::string fraction = digits.substr(digits.size() - places);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  *out += digits.substr(0, digits.size() - places);
  if (!fraction.empty()) *out += "." + fraction;
}

/// A leaf: `Append(typed array, row, out)` writes one value.
template <typename Array, typename Append>
class LeafText final : public PartText {
 public:
  LeafText(std::shared_ptr<arrow::Array> array, bool is_json, Append append)
      : array_(std::move(array)), is_json_(is_json), append_(std::move(append)) {}
  bool IsNull(int64_t row) const override { return array_->IsNull(row); }
  void AppendText(int64_t row, std::string* out) const override {
    append_(checked_cast<const Array&>(*array_), row, out);
  }
  bool IsJson(int64_t) const override { return is_json_; }

 private:
  std::shared_ptr<arrow::Array> array_;
  bool is_json_;
  Append append_;
};

template <typename Array, typename Append>
std::unique_ptr<PartText> Leaf(std::shared_ptr<arrow::Array> array, bool is_json, Append append) {
  return std::make_unique<LeafText<Array, Append>>(std::move(array), is_json, std::move(append));
}

template <typename Array>
std::unique_ptr<PartText> IntegerLeaf(std::shared_ptr<arrow::Array> array) {
  return Leaf<Array>(std::move(array), true,
                     [](const Array& values, int64_t row, std::string* out) {
                       AppendInteger(values.Value(row), out);
                     });
}

template <typename Array>
std::unique_ptr<PartText> HexLeaf(std::shared_ptr<arrow::Array> array) {
  return Leaf<Array>(std::move(array), false,
                     [](const Array& values, int64_t row, std::string* out) {
                       AppendHex(values.GetView(row), out);
                     });
}

template <typename Array, typename Decimal>
std::unique_ptr<PartText> DecimalLeaf(std::shared_ptr<arrow::Array> array) {
  const int32_t scale = checked_cast<const arrow::DecimalType&>(*array->type()).scale();
  return Leaf<Array>(std::move(array), true,
                     [scale](const Array& values, int64_t row, std::string* out) {
                       AppendDecimal(Decimal(values.GetValue(row)).ToIntegerString(), scale, out);
                     });
}

template <typename Array>
std::unique_ptr<PartText> TimeLeaf(std::shared_ptr<arrow::Array> array,
                                   arrow::TimeUnit::type unit) {
  const int64_t per_second = UnitsPerSecond(unit);
  return Leaf<Array>(std::move(array), false,
                     [per_second](const Array& values, int64_t row, std::string* out) {
                       AppendTime(values.Value(row), per_second, out);
                     });
}

/// Floats are JSON numbers unless they are no numbers.
template <typename Array>
class FloatText final : public PartText {
 public:
  explicit FloatText(std::shared_ptr<arrow::Array> array) : array_(std::move(array)) {}
  bool IsNull(int64_t row) const override { return array_->IsNull(row); }
  void AppendText(int64_t row, std::string* out) const override { AppendFloat(Value(row), out); }
  bool IsJson(int64_t row) const override { return std::isfinite(Value(row)); }

 private:
  auto Value(int64_t row) const {
    if constexpr (std::is_same_v<Array, arrow::HalfFloatArray>) {
      return arrow::util::Float16::FromBits(checked_cast<const Array&>(*array_).Value(row))
          .ToFloat();
    } else {
      return checked_cast<const Array&>(*array_).Value(row);
    }
  }
  std::shared_ptr<arrow::Array> array_;
};

class StringText final : public PartText {
 public:
  explicit StringText(TextColumn column) : column_(std::move(column)) {}
  bool IsNull(int64_t row) const override { return column_.IsNull(row); }
  void AppendText(int64_t row, std::string* out) const override { out->append(column_[row]); }
  bool IsJson(int64_t) const override { return false; }

 private:
  TextColumn column_;
};

class DictionaryText final : public PartText {
 public:
  DictionaryText(std::shared_ptr<arrow::Array> array, std::unique_ptr<PartText> values)
      : array_(std::move(array)), values_(std::move(values)) {}
  bool IsNull(int64_t row) const override {
    return array_->IsNull(row) || values_->IsNull(Index(row));
  }
  void AppendText(int64_t row, std::string* out) const override {
    values_->AppendText(Index(row), out);
  }
  bool IsJson(int64_t row) const override { return values_->IsJson(Index(row)); }

 private:
  int64_t Index(int64_t row) const {
    return checked_cast<const arrow::DictionaryArray&>(*array_).GetValueIndex(row);
  }
  std::shared_ptr<arrow::Array> array_;
  std::unique_ptr<PartText> values_;
};

/// Every list-like array: `Array` gives value_offset(row) and value_length(row) into its values.
template <typename Array>
class ListText final : public PartText {
 public:
  ListText(std::shared_ptr<arrow::Array> array, std::unique_ptr<PartText> values)
      : array_(std::move(array)), values_(std::move(values)) {}
  bool IsNull(int64_t row) const override { return array_->IsNull(row); }
  void AppendText(int64_t row, std::string* out) const override {
    const auto& lists = checked_cast<const Array&>(*array_);
    *out += '[';
    const int64_t first = lists.value_offset(row);
    for (int64_t i = 0; i < lists.value_length(row); ++i) {
      if (i > 0) *out += ',';
      values_->AppendJson(first + i, out);
    }
    *out += ']';
  }
  bool IsJson(int64_t) const override { return true; }

 private:
  std::shared_ptr<arrow::Array> array_;
  std::unique_ptr<PartText> values_;
};

using Member = std::pair<std::string, std::string>;

void AppendObject(std::vector<Member> members, std::string* out) {
  std::stable_sort(members.begin(), members.end(), [](const Member& left, const Member& right) {
    return left.first < right.first;
  });
  *out += '{';
  for (size_t i = 0; i < members.size(); ++i) {
    if (i > 0) *out += ',';
    AppendJsonString(members[i].first, out);
    *out += ':';
    *out += members[i].second;
  }
  *out += '}';
}

class StructText final : public PartText {
 public:
  StructText(std::shared_ptr<arrow::Array> array, std::vector<std::unique_ptr<PartText>> fields)
      : array_(std::move(array)), fields_(std::move(fields)) {}
  bool IsNull(int64_t row) const override { return array_->IsNull(row); }
  void AppendText(int64_t row, std::string* out) const override {
    std::vector<Member> members;
    for (size_t i = 0; i < fields_.size(); ++i) {
      Member& member = members.emplace_back(array_->type()->field(static_cast<int>(i))->name(), "");
      fields_[i]->AppendJson(row, &member.second);
    }
    AppendObject(std::move(members), out);
  }
  bool IsJson(int64_t) const override { return true; }

 private:
  std::shared_ptr<arrow::Array> array_;
  std::vector<std::unique_ptr<PartText>> fields_;
};

class MapText final : public PartText {
 public:
  MapText(std::shared_ptr<arrow::Array> array, std::unique_ptr<PartText> keys,
          std::unique_ptr<PartText> items)
      : array_(std::move(array)), keys_(std::move(keys)), items_(std::move(items)) {}
  bool IsNull(int64_t row) const override { return array_->IsNull(row); }
  void AppendText(int64_t row, std::string* out) const override {
    const auto& maps = checked_cast<const arrow::MapArray&>(*array_);
    std::vector<Member> members;
    for (int64_t i = maps.value_offset(row); i < maps.value_offset(row) + maps.value_length(row);
         ++i) {
      Member& member = members.emplace_back();
      keys_->AppendText(i, &member.first);
      items_->AppendJson(i, &member.second);
    }
    AppendObject(std::move(members), out);
  }
  bool IsJson(int64_t) const override { return true; }

 private:
  std::shared_ptr<arrow::Array> array_;
  std::unique_ptr<PartText> keys_;
  std::unique_ptr<PartText> items_;
};

template <typename Array>
Result<std::unique_ptr<PartText>> MakeList(std::shared_ptr<arrow::Array> array) {
  WEIR_ASSIGN_OR_RETURN(auto values, PartText::Make(checked_cast<const Array&>(*array).values()));
  return std::make_unique<ListText<Array>>(std::move(array), std::move(values));
}

Result<std::unique_ptr<PartText>> MakeNested(std::shared_ptr<arrow::Array> array) {
  switch (array->type_id()) {
    case Type::LIST:
      return MakeList<arrow::ListArray>(std::move(array));
    case Type::LARGE_LIST:
      return MakeList<arrow::LargeListArray>(std::move(array));
    case Type::FIXED_SIZE_LIST:
      return MakeList<arrow::FixedSizeListArray>(std::move(array));
    case Type::LIST_VIEW:
      return MakeList<arrow::ListViewArray>(std::move(array));
    case Type::LARGE_LIST_VIEW:
      return MakeList<arrow::LargeListViewArray>(std::move(array));
    case Type::STRUCT: {
      std::vector<std::unique_ptr<PartText>> fields;
      for (int i = 0; i < array->num_fields(); ++i) {
        const auto& structs = checked_cast<const arrow::StructArray&>(*array);
        WEIR_ASSIGN_OR_RETURN(auto field, PartText::Make(structs.field(i)));
        fields.push_back(std::move(field));
      }
      return std::make_unique<StructText>(std::move(array), std::move(fields));
    }
    case Type::MAP: {
      // Not keys() and items(), which leave out the offset of the entries.
      const auto& maps = checked_cast<const arrow::MapArray&>(*array);
      const auto& entries = checked_cast<const arrow::StructArray&>(*maps.values());
      WEIR_ASSIGN_OR_RETURN(auto keys, PartText::Make(entries.field(0)));
      WEIR_ASSIGN_OR_RETURN(auto items, PartText::Make(entries.field(1)));
      return std::make_unique<MapText>(std::move(array), std::move(keys), std::move(items));
    }
    case Type::DICTIONARY: {
      const auto& dictionary = checked_cast<const arrow::DictionaryArray&>(*array).dictionary();
      WEIR_ASSIGN_OR_RETURN(auto values, PartText::Make(dictionary));
      return std::make_unique<DictionaryText>(std::move(array), std::move(values));
    }
    default:
      return Status::User(StatusCode::kInvalidArgument, "values of type `{}` have no text form",
                          array->type()->ToString());
  }
}

std::unique_ptr<PartText> MakeTemporal(std::shared_ptr<arrow::Array> array) {
  const arrow::DataType& type = *array->type();
  switch (type.id()) {
    case Type::DATE32:
      return Leaf<arrow::Date32Array>(std::move(array), false,
                                      [](const auto& values, int64_t row, std::string* out) {
                                        AppendDate(values.Value(row), out);
                                      });
    case Type::DATE64:
      return Leaf<arrow::Date64Array>(
          std::move(array), false, [](const auto& values, int64_t row, std::string* out) {
            const int64_t ms = values.Value(row);
            AppendDate(ms / 86400000 - (ms % 86400000 < 0 ? 1 : 0), out);
          });
    case Type::TIME32: {
      const auto unit = checked_cast<const arrow::Time32Type&>(type).unit();
      return TimeLeaf<arrow::Time32Array>(std::move(array), unit);
    }
    case Type::TIME64: {
      const auto unit = checked_cast<const arrow::Time64Type&>(type).unit();
      return TimeLeaf<arrow::Time64Array>(std::move(array), unit);
    }
    default: {
      const int64_t per_second =
          UnitsPerSecond(checked_cast<const arrow::TimestampType&>(type).unit());
      return Leaf<arrow::TimestampArray>(
          std::move(array), false, [per_second](const auto& values, int64_t row, std::string* out) {
            AppendTimestamp(values.Value(row), per_second, out);
          });
    }
  }
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  *out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        *out += "\\\"";
        break;
      case '\\':
        *out += "\\\\";
        break;
      case '\b':
        *out += "\\b";
        break;
      case '\f':
        *out += "\\f";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          *out += "\\u00";
          AppendHex({&c, 1}, out);
        } else {
          *out += c;
        }
    }
  }
  *out += '"';
}

void PartText::AppendJson(int64_t row, std::string* out) const {
  if (IsNull(row)) {
    *out += "null";
  } else if (IsJson(row)) {
    AppendText(row, out);
  } else {
    std::string text;
    AppendText(row, &text);
    AppendJsonString(text, out);
  }
}

bool PartText::Accepts(const arrow::DataType& type) {
  if (type.id() == Type::DICTIONARY) {
    return Accepts(*checked_cast<const arrow::DictionaryType&>(type).value_type());
  }
  switch (type.id()) {
    case Type::DURATION:
    case Type::INTERVAL_MONTHS:
    case Type::INTERVAL_DAY_TIME:
    case Type::INTERVAL_MONTH_DAY_NANO:
    case Type::EXTENSION:
    case Type::SPARSE_UNION:
    case Type::DENSE_UNION:
    case Type::RUN_END_ENCODED:
      return false;
    default:
      return std::all_of(type.fields().begin(), type.fields().end(),
                         [](const auto& field) { return Accepts(*field->type()); });
  }
}

Result<std::unique_ptr<PartText>> PartText::Make(std::shared_ptr<arrow::Array> array) {
  if (TextColumn::Accepts(*array->type())) {
    WEIR_ASSIGN_OR_RETURN(auto column, TextColumn::Make({array, false}));
    return std::make_unique<StringText>(std::move(column));
  }
  switch (array->type_id()) {
    case Type::BOOL:
      return Leaf<arrow::BooleanArray>(std::move(array), true,
                                       [](const auto& values, int64_t row, std::string* out) {
                                         *out += values.Value(row) ? "true" : "false";
                                       });
    case Type::INT8:
      return IntegerLeaf<arrow::Int8Array>(std::move(array));
    case Type::INT16:
      return IntegerLeaf<arrow::Int16Array>(std::move(array));
    case Type::INT32:
      return IntegerLeaf<arrow::Int32Array>(std::move(array));
    case Type::INT64:
      return IntegerLeaf<arrow::Int64Array>(std::move(array));
    case Type::UINT8:
      return IntegerLeaf<arrow::UInt8Array>(std::move(array));
    case Type::UINT16:
      return IntegerLeaf<arrow::UInt16Array>(std::move(array));
    case Type::UINT32:
      return IntegerLeaf<arrow::UInt32Array>(std::move(array));
    case Type::UINT64:
      return IntegerLeaf<arrow::UInt64Array>(std::move(array));
    case Type::HALF_FLOAT:
      return std::make_unique<FloatText<arrow::HalfFloatArray>>(std::move(array));
    case Type::FLOAT:
      return std::make_unique<FloatText<arrow::FloatArray>>(std::move(array));
    case Type::DOUBLE:
      return std::make_unique<FloatText<arrow::DoubleArray>>(std::move(array));
    case Type::DECIMAL32:
      return DecimalLeaf<arrow::Decimal32Array, arrow::Decimal32>(std::move(array));
    case Type::DECIMAL64:
      return DecimalLeaf<arrow::Decimal64Array, arrow::Decimal64>(std::move(array));
    case Type::DECIMAL128:
      return DecimalLeaf<arrow::Decimal128Array, arrow::Decimal128>(std::move(array));
    case Type::DECIMAL256:
      return DecimalLeaf<arrow::Decimal256Array, arrow::Decimal256>(std::move(array));
    case Type::BINARY:
      return HexLeaf<arrow::BinaryArray>(std::move(array));
    case Type::LARGE_BINARY:
      return HexLeaf<arrow::LargeBinaryArray>(std::move(array));
    case Type::BINARY_VIEW:
      return HexLeaf<arrow::BinaryViewArray>(std::move(array));
    case Type::FIXED_SIZE_BINARY:
      return HexLeaf<arrow::FixedSizeBinaryArray>(std::move(array));
    case Type::DATE32:
    case Type::DATE64:
    case Type::TIME32:
    case Type::TIME64:
    case Type::TIMESTAMP:
      return MakeTemporal(std::move(array));
    default:
      return MakeNested(std::move(array));
  }
}

}  // namespace weir
