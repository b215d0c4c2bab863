// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/write_target.h"

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/base/ascii_text.h"
#include "weir/base/json_text.h"
#include "weir/catalog/catalog.h"
#include "weir/delta/table_features.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kConstraintPrefix = "delta.constraints.";

std::string TextIn(const Json& json, const char* key) {
  return json.is_object() && json.contains(key) && json[key].is_string()
             ? json[key].get<std::string>()
             : "";
}

/// The expression of a field's `delta.invariants`: {"expression": {"expression": "x > 3"}}.
std::string InvariantOf(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  return json.is_object() && json.contains("expression") ? TextIn(json["expression"], "expression")
                                                         : "";
}

Status ReadColumns(WriteTarget& target) {
  const Json schema = Json::parse(target.schema_json, nullptr, false);
  if (!schema.is_object() || !schema.contains("fields"))
    return Status::Environment(StatusCode::kCorrupt, "the schema of a table is damaged: `{}`",
                               target.url);
  for (const Json& field : schema["fields"]) {
    WriteColumn column{.name = TextIn(field, "name"), .generation = {}};
    column.nullable = !field.contains("nullable") || field["nullable"] != Json(false);
    const Json metadata = field.value("metadata", Json::object());
    column.generation = TextIn(metadata, "delta.generationExpression");
    if (const std::string invariant = InvariantOf(TextIn(metadata, "delta.invariants"));
        !invariant.empty()) {
      target.conditions.push_back({.name = column.name, .expression = invariant});
    }
    target.columns.push_back(std::move(column));
  }
  return Status::OK();
}

}  // namespace

int WriteTarget::IndexOf(const std::string& column) const {
  int alike = -1;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == column) return static_cast<int>(i);
    if (AsciiLowerCase(columns[i].name) == AsciiLowerCase(column)) alike = static_cast<int>(i);
  }
  return alike;
}

bool WriteTarget::HasProperty(const std::string& key) const {
  const auto found = properties.find(key);
  return found != properties.end() && AsciiLowerCase(found->second) == "true";
}

Result<std::string> SchemaWithColumns(const WriteTarget& target, const std::string& added) {
  Json schema = Json::parse(target.schema_json, nullptr, false);
  const Json columns = Json::parse(added, nullptr, false);
  for (const Json& field : columns["fields"]) {
    const std::string name = TextIn(field, "name");
    if (target.IndexOf(name) >= 0) {
      return Status::User(StatusCode::kAlreadyExists,
                          "a column that the table `{}` does not have is wanted, found `{}`",
                          target.name, name);
    }
    schema["fields"].push_back(field);
  }
  return JsonText(schema);
}

Result<WriteTarget> OpenWriteTarget(const std::string& name, const std::string& url,
                                    const engine::Session& session) {
  WriteTarget target;
  target.name = name;
  target.url = url;
  WEIR_ASSIGN_OR_RETURN(target.snapshot, OpenDelta(url, -1, {}, session));
  WEIR_ASSIGN_OR_RETURN(target.metadata_json, target.snapshot.metadata());
  WEIR_ASSIGN_OR_RETURN(target.protocol_json, target.snapshot.protocol());
  WEIR_RETURN_NOT_OK(CheckWritable(target.protocol_json, target.metadata_json, name));
  const Json metadata = Json::parse(target.metadata_json, nullptr, false);
  target.schema_json = TextIn(metadata, "schemaString");
  const Json configuration = metadata.value("configuration", Json::object());
  for (const auto& [key, value] : configuration.items()) {
    if (value.is_string()) target.properties[key] = value.get<std::string>();
  }
  WEIR_RETURN_NOT_OK(ReadColumns(target));
  for (const auto& [key, value] : target.properties) {
    if (key.starts_with(kConstraintPrefix)) {
      target.conditions.push_back(
          {.name = key.substr(kConstraintPrefix.size()), .expression = value});
    }
  }
  target.partition_columns = target.snapshot.partition_columns();
  WEIR_ASSIGN_OR_RETURN(target.table, target.snapshot.AsTable(session, url));
  WEIR_ASSIGN_OR_RETURN(const auto declared, target.table.schema());
  arrow::FieldVector fields;
  for (const auto& field : declared->fields())
    fields.push_back(arrow::field(field->name(), field->type(), /*nullable=*/true));
  target.schema = arrow::schema(fields);
  if (fields.size() != target.columns.size())
    return Status::Bug("a table has {} columns, and its log `{}`", fields.size(),
                       target.columns.size());
  return target;
}

}  // namespace weir
