// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/source_record.h"

#include <map>
#include <vector>

#include <nlohmann/json.hpp>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/json_text.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

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
  return JsonText(Json{{"format", ToString(source.format)},
                       {"columns", columns},
                       {"partition_columns", source.partition_columns},
                       {"options", options},
                       {"change_feed", source.change_feed},
                       {"first_version", source.first_version}});
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
