// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/column_types.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/base/letter_case.h"

namespace weir {

namespace {

using TypePointer = std::shared_ptr<arrow::DataType>;

constexpr int kMostDecimalDigits = 38;

bool IsText(const arrow::DataType& type) {
  return arrow::is_string(type.id()) || type.id() == arrow::Type::STRING_VIEW;
}

bool IsBytes(const arrow::DataType& type) {
  return type.id() == arrow::Type::BINARY || type.id() == arrow::Type::LARGE_BINARY ||
         type.id() == arrow::Type::BINARY_VIEW || type.id() == arrow::Type::FIXED_SIZE_BINARY;
}

bool IsDate(const arrow::DataType& type) {
  return type.id() == arrow::Type::DATE32 || type.id() == arrow::Type::DATE64;
}

bool IsList(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
      return true;
    default:
      return false;
  }
}

const arrow::DataType& ValuesOf(const arrow::DataType& type) {
  return type.id() == arrow::Type::DICTIONARY
             ? *static_cast<const arrow::DictionaryType&>(type).value_type()
             : type;
}

TypePointer ValuesOf(const TypePointer& type) {
  return type->id() == arrow::Type::DICTIONARY
             ? static_cast<const arrow::DictionaryType&>(*type).value_type()
             : type;
}

/// Names of one zone.
std::string ZoneOf(const arrow::DataType& type) {
  const std::string& zone = static_cast<const arrow::TimestampType&>(type).timezone();
  static const std::set<std::string> kUtc = {"UTC",    "utc", "Z",     "Etc/UTC",
                                             "+00:00", "+00", "-00:00"};
  return kUtc.contains(zone) ? "UTC" : zone;
}

arrow::TimeUnit::type UnitOf(const arrow::DataType& type) {
  return static_cast<const arrow::TimestampType&>(type).unit();
}

/// The digits that hold every value of a whole number's type.
std::optional<int> DigitsOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
      return 3;
    case arrow::Type::INT16:
    case arrow::Type::UINT16:
      return 5;
    case arrow::Type::INT32:
    case arrow::Type::UINT32:
      return 10;
    case arrow::Type::INT64:
      return 19;
    case arrow::Type::UINT64:
      return 20;
    default:
      return std::nullopt;
  }
}

int BitsOf(const arrow::DataType& type) {
  return static_cast<const arrow::FixedWidthType&>(type).bit_width();
}

TypePointer WiderInteger(const TypePointer& a, const TypePointer& b) {
  const bool a_signed = arrow::is_signed_integer(a->id());
  if (a_signed == arrow::is_signed_integer(b->id())) return BitsOf(*a) >= BitsOf(*b) ? a : b;
  const TypePointer& with_sign = a_signed ? a : b;
  const int bits = BitsOf(a_signed ? *b : *a);
  if (BitsOf(*with_sign) > bits) return with_sign;
  if (bits == 8) return arrow::int16();
  if (bits == 16) return arrow::int32();
  return bits == 32 ? arrow::int64() : nullptr;
}

/// Whole digits and digits after the point.
std::optional<std::pair<int, int>> DecimalDigits(const arrow::DataType& type) {
  if (const auto digits = DigitsOf(type)) return std::pair(*digits, 0);
  if (!arrow::is_decimal(type.id())) return std::nullopt;
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  return std::pair(decimal.precision() - decimal.scale(), decimal.scale());
}

TypePointer WiderDecimal(const arrow::DataType& a, const arrow::DataType& b) {
  const auto left = DecimalDigits(a), right = DecimalDigits(b);
  if (!left || !right) return nullptr;
  const int whole = std::max(left->first, right->first);
  const int scale = std::max(left->second, right->second);
  return whole + scale > kMostDecimalDigits ? nullptr : arrow::decimal128(whole + scale, scale);
}

/// 64 bits hold whole numbers of 32 and every shorter float.
TypePointer WiderFloat(const TypePointer& a, const TypePointer& b) {
  const auto is_short = [](const arrow::DataType& type) {
    return arrow::is_integer(type.id()) && BitsOf(type) <= 32;
  };
  if (arrow::is_floating(a->id()) && arrow::is_floating(b->id()))
    return BitsOf(*a) >= BitsOf(*b) ? a : b;
  return is_short(arrow::is_floating(a->id()) ? *b : *a) ? arrow::float64() : nullptr;
}

TypePointer WiderTime(const TypePointer& a, const TypePointer& b) {
  // Days are midnights, in microseconds as all times are that do not say otherwise.
  if (IsDate(*a) || IsDate(*b)) {
    const TypePointer& time = IsDate(*a) ? b : a;
    if (!ZoneOf(*time).empty()) return nullptr;
    return UnitOf(*time) == arrow::TimeUnit::NANO ? time : arrow::timestamp(arrow::TimeUnit::MICRO);
  }
  const std::string zone = ZoneOf(*a), other = ZoneOf(*b);
  if (zone.empty() != other.empty()) return nullptr;
  const auto unit = std::max(UnitOf(*a), UnitOf(*b));
  return arrow::timestamp(unit, zone == other ? zone : "UTC");
}

std::map<std::string, std::shared_ptr<arrow::Field>> ByFoldedName(const arrow::DataType& type) {
  std::map<std::string, std::shared_ptr<arrow::Field>> fields;
  for (const auto& field : type.fields()) fields.emplace(LowerCase(field->name()), field);
  return fields;
}

bool HasAmbiguousFields(const arrow::DataType& type) {
  return ByFoldedName(type).size() != static_cast<size_t>(type.num_fields());
}

std::string NamesOf(const arrow::DataType& type) {
  std::string names;
  for (const auto& field : type.fields()) names += field->name() + "\n";
  return names;
}

/// The fields of the larger one come first. Names that differ in case alone would be two fields to
/// whoever reads the files.
TypePointer WiderStruct(const arrow::DataType& a, const arrow::DataType& b) {
  if (HasAmbiguousFields(a) || HasAmbiguousFields(b)) return nullptr;
  const bool a_first =
      a.num_fields() != b.num_fields() ? a.num_fields() > b.num_fields() : NamesOf(a) <= NamesOf(b);
  const arrow::DataType& first = a_first ? a : b;
  const arrow::DataType& second = a_first ? b : a;
  auto others = ByFoldedName(second);
  arrow::FieldVector fields;
  for (const auto& field : first.fields()) {
    const auto other = others.find(LowerCase(field->name()));
    if (other == others.end()) {
      fields.push_back(field->WithNullable(true));
      continue;
    }
    if (other->second->name() != field->name()) return nullptr;
    const TypePointer type = WiderType(field->type(), other->second->type());
    if (!type) return nullptr;
    fields.push_back(
        field->WithType(type)->WithNullable(field->nullable() || other->second->nullable()));
    others.erase(other);
  }
  for (const auto& field : second.fields()) {
    if (others.contains(LowerCase(field->name()))) fields.push_back(field->WithNullable(true));
  }
  return arrow::struct_(fields);
}

TypePointer WiderList(const TypePointer& a, const TypePointer& b) {
  const TypePointer item = WiderType(a->field(0)->type(), b->field(0)->type());
  if (!item) return nullptr;
  const auto field = a->field(0)->WithType(item)->WithNullable(true);
  const bool is_large = a->id() == arrow::Type::LARGE_LIST || b->id() == arrow::Type::LARGE_LIST;
  return is_large ? arrow::large_list(field) : arrow::list(field);
}

/// Nothing casts what has parts inside of maps.
TypePointer WiderMap(const TypePointer& a, const TypePointer& b) {
  const auto& left = static_cast<const arrow::MapType&>(*a);
  const auto& right = static_cast<const arrow::MapType&>(*b);
  const TypePointer key = WiderType(left.key_type(), right.key_type());
  const TypePointer item = WiderType(left.item_type(), right.item_type());
  if (!key || !item) return nullptr;
  if (IsSameType(*a, *b)) return a;
  if (arrow::is_nested(key->id()) || arrow::is_nested(item->id())) return nullptr;
  return std::make_shared<arrow::MapType>(left.key_field()->WithType(key),
                                          left.item_field()->WithType(item)->WithNullable(true));
}

std::string TimestampName(const arrow::DataType& type) {
  const int digits = 3 * static_cast<int>(UnitOf(type));
  return fmt::format("TIMESTAMP{}{}", digits == 6 ? "" : fmt::format("({})", digits),
                     ZoneOf(type).empty() ? "" : " WITH TIME ZONE");
}

std::string FieldNames(const arrow::DataType& type) {
  std::string names;
  for (const auto& field : type.fields()) {
    names += fmt::format("{}{} {}", names.empty() ? "" : ", ", field->name(),
                         SqlTypeName(*field->type()));
  }
  return names;
}

}  // namespace

std::string SqlTypeName(const arrow::DataType& encoded) {
  const arrow::DataType& type = ValuesOf(encoded);
  if (IsText(type)) return "VARCHAR";
  if (IsBytes(type)) return "BYTEA";
  if (IsDate(type)) return "DATE";
  if (IsList(type)) return SqlTypeName(*type.field(0)->type()) + "[]";
  if (arrow::is_decimal(type.id())) {
    const auto& decimal = static_cast<const arrow::DecimalType&>(type);
    return fmt::format("DECIMAL({},{})", decimal.precision(), decimal.scale());
  }
  switch (type.id()) {
    case arrow::Type::BOOL:
      return "BOOLEAN";
    case arrow::Type::INT8:
      return "TINYINT";
    case arrow::Type::INT16:
      return "SMALLINT";
    case arrow::Type::INT32:
      return "INT";
    case arrow::Type::INT64:
      return "BIGINT";
    case arrow::Type::UINT8:
      return "TINYINT UNSIGNED";
    case arrow::Type::UINT16:
      return "SMALLINT UNSIGNED";
    case arrow::Type::UINT32:
      return "INT UNSIGNED";
    case arrow::Type::UINT64:
      return "BIGINT UNSIGNED";
    case arrow::Type::FLOAT:
      return "REAL";
    case arrow::Type::DOUBLE:
      return "DOUBLE";
    case arrow::Type::TIMESTAMP:
      return TimestampName(type);
    case arrow::Type::STRUCT:
      return fmt::format("STRUCT<{}>", FieldNames(type));
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      return fmt::format("MAP<{}, {}>", SqlTypeName(*map.key_type()),
                         SqlTypeName(*map.item_type()));
    }
    case arrow::Type::NA:
      return "NULL";
    default:
      return type.ToString();
  }
}

bool IsSameType(const arrow::DataType& encoded, const arrow::DataType& other) {
  const arrow::DataType& a = ValuesOf(encoded);
  const arrow::DataType& b = ValuesOf(other);
  if ((IsText(a) && IsText(b)) || (IsBytes(a) && IsBytes(b)) || (IsDate(a) && IsDate(b)))
    return true;
  if (arrow::is_decimal(a.id()) && arrow::is_decimal(b.id()))
    return DecimalDigits(a) == DecimalDigits(b);
  if (IsList(a) && IsList(b)) return IsSameType(*a.field(0)->type(), *b.field(0)->type());
  if (a.id() != b.id()) return false;
  switch (a.id()) {
    case arrow::Type::TIMESTAMP:
      return UnitOf(a) == UnitOf(b) && ZoneOf(a) == ZoneOf(b);
    case arrow::Type::STRUCT:
      return std::ranges::equal(a.fields(), b.fields(), [](const auto& x, const auto& y) {
        return x->name() == y->name() && IsSameType(*x->type(), *y->type());
      });
    case arrow::Type::MAP: {
      const auto& left = static_cast<const arrow::MapType&>(a);
      const auto& right = static_cast<const arrow::MapType&>(b);
      return IsSameType(*left.key_type(), *right.key_type()) &&
             IsSameType(*left.item_type(), *right.item_type());
    }
    default:
      return a.Equals(b);
  }
}

TypePointer WiderType(const TypePointer& encoded, const TypePointer& other) {
  if (encoded->Equals(*other)) return encoded;
  const TypePointer a = ValuesOf(encoded), b = ValuesOf(other);
  if (a->id() == arrow::Type::NA) return b;
  if (b->id() == arrow::Type::NA) return a;
  const auto both = [&](auto is_kind) { return is_kind(*a) && is_kind(*b); };
  if (both(IsText)) return a->id() == arrow::Type::STRING_VIEW ? a : b;
  if (both(IsBytes)) {
    if (a->id() != arrow::Type::FIXED_SIZE_BINARY) return a;
    return b->id() == arrow::Type::FIXED_SIZE_BINARY ? arrow::binary() : b;
  }
  if (both(IsDate)) return arrow::date32();
  if (both(IsList)) return WiderList(a, b);
  if (a->id() == arrow::Type::STRUCT && b->id() == arrow::Type::STRUCT) return WiderStruct(*a, *b);
  if (a->id() == arrow::Type::MAP && b->id() == arrow::Type::MAP) return WiderMap(a, b);
  if (arrow::is_integer(a->id()) && arrow::is_integer(b->id())) return WiderInteger(a, b);
  const auto is_number = [](const arrow::DataType& type) {
    return arrow::is_integer(type.id()) || arrow::is_floating(type.id());
  };
  if (both(is_number)) return WiderFloat(a, b);
  const auto is_time = [](const arrow::DataType& type) {
    return IsDate(type) || type.id() == arrow::Type::TIMESTAMP;
  };
  if (both(is_time)) return WiderTime(a, b);
  return WiderDecimal(*a, *b);
}

bool Widens(const TypePointer& from, const TypePointer& to) {
  const TypePointer wider = WiderType(from, to);
  return wider && IsSameType(*wider, *to);
}

}  // namespace weir
