// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/delta_schema.h"

#include <algorithm>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

Result<Json> TypeJson(const arrow::DataType& type);

/// Whether a key of a field's metadata describes how its source stores it: ids of Parquet fields,
/// mapped names and rules of another Delta table. Repeated in our log they would claim features
/// that the table does not have, and readers would refuse it.
bool IsOfSource(std::string_view key) {
  return key.starts_with("delta.") || key.starts_with("PARQUET:") || key.starts_with("ARROW:");
}

Result<Json> StructJson(const arrow::FieldVector& fields) {
  Json json_fields = Json::array();
  for (const auto& field : fields) {
    auto type = TypeJson(*field->type());
    if (!type.ok()) return type.status().WithContext(fmt::format("column `{}`", field->name()));
    Json metadata = Json::object();
    if (field->metadata()) {
      for (int64_t i = 0; i < field->metadata()->size(); ++i) {
        if (!IsOfSource(field->metadata()->key(i)))
          metadata[field->metadata()->key(i)] = field->metadata()->value(i);
      }
    }
    json_fields.push_back(
        {{"name", field->name()}, {"type", *type}, {"nullable", true}, {"metadata", metadata}});
  }
  return Json{{"type", "struct"}, {"fields", json_fields}};
}

Result<Json> TypeJson(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return Json("boolean");
    case arrow::Type::INT8:
      return Json("byte");
    case arrow::Type::INT16:
      return Json("short");
    case arrow::Type::INT32:
      return Json("integer");
    case arrow::Type::INT64:
      return Json("long");
    case arrow::Type::FLOAT:
      return Json("float");
    case arrow::Type::DOUBLE:
      return Json("double");
    case arrow::Type::STRING:
      return Json("string");
    case arrow::Type::BINARY:
      return Json("binary");
    case arrow::Type::DATE32:
      return Json("date");
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      if (decimal.scale() < 0 || decimal.scale() > decimal.precision()) break;
      return Json(fmt::format("decimal({},{})", decimal.precision(), decimal.scale()));
    }
    case arrow::Type::TIMESTAMP:
      return Json(static_cast<const arrow::TimestampType&>(type).timezone().empty()
                      ? "timestamp_ntz"
                      : "timestamp");
    case arrow::Type::LIST: {
      WEIR_ASSIGN_OR_RETURN(const Json element,
                            TypeJson(*static_cast<const arrow::ListType&>(type).value_type()));
      return Json{{"type", "array"}, {"elementType", element}, {"containsNull", true}};
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      WEIR_ASSIGN_OR_RETURN(const Json key, TypeJson(*map.key_type()));
      WEIR_ASSIGN_OR_RETURN(const Json value, TypeJson(*map.item_type()));
      return Json{
          {"type", "map"}, {"keyType", key}, {"valueType", value}, {"valueContainsNull", true}};
    }
    case arrow::Type::STRUCT:
      return StructJson(type.fields());
    default:
      break;
  }
  return Status::User(StatusCode::kUnsupported, "Delta has no type for `{}`", type.ToString())
      .WithHint("cast it");
}

bool IsNtz(const arrow::DataType& type) {
  if (type.id() == arrow::Type::TIMESTAMP)
    return static_cast<const arrow::TimestampType&>(type).timezone().empty();
  return std::any_of(type.fields().begin(), type.fields().end(),
                     [](const auto& field) { return IsNtz(*field->type()); });
}

}  // namespace

Result<std::string> DeltaSchemaString(const arrow::Schema& schema) {
  WEIR_ASSIGN_OR_RETURN(const Json json, StructJson(schema.fields()));
  return JsonText(json);
}

bool HasTimestampNtz(const arrow::Schema& schema) {
  return std::any_of(schema.fields().begin(), schema.fields().end(),
                     [](const auto& field) { return IsNtz(*field->type()); });
}

}  // namespace weir
