// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/source_record.h"

#include <map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/json_text.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<SchemaDrift, const char*> kDrifts[] = {
    {SchemaDrift::kWarn, "warn"}, {SchemaDrift::kError, "error"}, {SchemaDrift::kIgnore, "ignore"}};

SourceDefinition Read(const std::string& name, const Json& json) {
  SourceDefinition source;
  source.name = name;
  const std::string format = json.at("format").get<std::string>();
  for (const auto known :
       {SourceFormat::kDelta, SourceFormat::kParquet, SourceFormat::kCsv, SourceFormat::kNdjson}) {
    if (ToString(known) == format) source.format = known;
  }
  for (const Json& column : json.at("columns")) {
    source.columns.push_back({.name = column.at("name").get<std::string>(),
                              .sql_type = column.at("type").get<std::string>(),
                              .nullable = column.at("nullable").get<bool>()});
  }
  json.at("partition_columns").get_to(source.partition_columns);
  json.at("options").get_to(source.options);
  json.at("change_feed").get_to(source.change_feed);
  json.at("first_version").get_to(source.first_version);
  json.at("file_column").get_to(source.file_column);
  json.at("row_number_column").get_to(source.row_column);
  json.at("pushdown_filters").get_to(source.pushes_filters);
  // Earlier runs had no such option.
  source.retains = json.value("retain", false);
  for (const auto& [drift, text] : kDrifts) {
    if (json.at("schema_drift").get<std::string>() == text) source.schema_drift = drift;
  }
  return source;
}

}  // namespace

std::string SourceJson(const SourceDefinition& source) {
  Json columns = Json::array(), options = Json::object();
  for (const ColumnDefinition& column : source.columns) {
    columns.push_back(
        {{"name", column.name}, {"type", column.sql_type}, {"nullable", column.nullable}});
  }
  for (const auto& [key, value] : source.options) options[key] = Redacted(key, value);
  std::string drift;
  for (const auto& [known, text] : kDrifts) {
    if (known == source.schema_drift) drift = text;
  }
  return JsonText(Json{{"format", ToString(source.format)},
                       {"columns", columns},
                       {"partition_columns", source.partition_columns},
                       {"options", options},
                       {"change_feed", source.change_feed},
                       {"first_version", source.first_version},
                       {"file_column", source.file_column},
                       {"row_number_column", source.row_column},
                       {"pushdown_filters", source.pushes_filters},
                       {"retain", source.retains},
                       {"schema_drift", drift}});
}

Result<SourceDefinition> ReadSource(const std::string& name, std::string_view json) {
  const Json parsed = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  try {
    if (parsed.is_object()) return Read(name, parsed);
  } catch (const nlohmann::json::exception&) {
  }
  return Status::Environment(StatusCode::kCorrupt,
                             "the record of how the source `{}` is read is damaged", name);
}

}  // namespace weir
