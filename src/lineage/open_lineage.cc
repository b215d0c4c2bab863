// SPDX-License-Identifier: Apache-2.0

#include "weir/lineage/open_lineage.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include "weir/base/fingerprint.h"
#include "weir/base/percent_text.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSpec = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/";

Json Facet(const LineageEventRequest& request, const std::string& schema) {
  return {{"_producer", request.producer},
          {"_schemaURL", "https://openlineage.io/spec/facets/" + schema}};
}

Json FieldJson(const arrow::Field& field) {
  Json json{{"name", field.name()}, {"type", field.type()->ToString()}};
  for (const auto& child : field.type()->fields()) json["fields"].push_back(FieldJson(*child));
  return json;
}

Json SchemaFacet(const LineageEventRequest& request, const arrow::Schema& schema) {
  Json facet = Facet(request, "1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet");
  facet["fields"] = Json::array();
  for (int i = 0; i < schema.num_fields(); ++i) {
    Json field = FieldJson(*schema.field(i));
    field["ordinal_position"] = i + 1;
    facet["fields"].push_back(std::move(field));
  }
  return facet;
}

/// The subtype words of the specification.
std::string_view Subtype(const ColumnInput& input) {
  switch (input.use) {
    case ColumnUse::kValue:
      switch (input.transformation) {
        case Transformation::kAggregation:
          return "AGGREGATION";
        case Transformation::kIdentity:
          return "IDENTITY";
        default:
          return "TRANSFORMATION";
      }
    case ColumnUse::kCondition:
      return "CONDITIONAL";
    case ColumnUse::kFilter:
      return "FILTER";
    case ColumnUse::kJoinKey:
      return "JOIN";
    case ColumnUse::kGroupKey:
      return "GROUP_BY";
    case ColumnUse::kOrder:
      return "SORT";
    case ColumnUse::kPartition:
      return "WINDOW";
    case ColumnUse::kUnnest:
      return "FILTER";
  }
  return "TRANSFORMATION";
}

std::string_view EventType(LineageRunState state) {
  static constexpr std::string_view kTypes[] = {"START", "COMPLETE", "FAIL", "ABORT"};
  return kTypes[static_cast<size_t>(state)];
}

class Event {
 public:
  explicit Event(const LineageEventRequest& request) : request_(request) {}

  Result<Json> Make() {
    Json event{{"eventTime", request_.event_time}, {"producer", request_.producer}};
    WEIR_ASSIGN_OR_RETURN(Json output, Output());
    if (request_.event == OpenLineageEvent::kDataset) {
      event["schemaURL"] = std::string(kSpec) + "DatasetEvent";
      event["dataset"] = std::move(output);
      return event;
    }
    const bool is_run = request_.event == OpenLineageEvent::kRun;
    event["schemaURL"] = std::string(kSpec) + (is_run ? "RunEvent" : "JobEvent");
    if (is_run) {
      event["eventType"] = EventType(request_.facts.state);
      event["run"] = {{"runId", UuidOf(request_.run_id, request_.view)}, {"facets", RunFacets()}};
    }
    event["job"] = Job();
    event["inputs"] = Json::array();
    for (const auto& [table, columns] : request_.lineage->required_columns) {
      WEIR_ASSIGN_OR_RETURN(Json input, Dataset(table));
      AddStatistics(request_.datasets.at(table), "inputFacets", "inputStatistics",
                    "1-0-0/InputStatisticsInputDatasetFacet.json#/$defs/"
                    "InputStatisticsInputDatasetFacet",
                    input);
      event["inputs"].push_back(std::move(input));
    }
    event["outputs"] = Json::array({std::move(output)});
    return event;
  }

  /// Of the project as a whole.
  Json MakeOfRun() {
    Json type = Facet(request_, "2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet");
    type["processingType"] = "BATCH";
    type["integration"] = "WEIR";
    type["jobType"] = "RUN";
    return {{"eventTime", request_.event_time},
            {"producer", request_.producer},
            {"schemaURL", std::string(kSpec) + "RunEvent"},
            {"eventType", EventType(request_.facts.state)},
            {"run", {{"runId", UuidOf(request_.run_id, "")}, {"facets", RunFacets()}}},
            {"job",
             {{"namespace", request_.project},
              {"name", request_.project},
              {"facets", {{"jobType", std::move(type)}}}}},
            {"inputs", Json::array()},
            {"outputs", Json::array()}};
  }

 private:
  Json RunFacets() const {
    const LineageRunFacts& facts = request_.facts;
    Json facets = Json::object();
    if (!facts.parent_id.empty()) {
      Json parent = Facet(request_, "1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet");
      parent["run"] = {{"runId", facts.parent_id}};
      parent["job"] = {{"namespace", request_.project}, {"name", request_.project}};
      facets["parent"] = std::move(parent);
    }
    if (!facts.error.empty()) {
      Json error = Facet(request_, "1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet");
      error["message"] = facts.error;
      error["programmingLanguage"] = "SQL";
      facets["errorMessage"] = std::move(error);
    }
    if (!facts.engine.empty()) {
      Json engine =
          Facet(request_, "1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet");
      engine["name"] = facts.engine;
      engine["version"] = facts.engine_version;
      engine["openlineageAdapterVersion"] = facts.weir_version;
      facets["processing_engine"] = std::move(engine);
    }
    return facets;
  }

  /// What of a table was read or written.
  void AddStatistics(const LineageDataset& dataset, const char* facets, const char* name,
                     const char* schema, Json& json) const {
    if (dataset.rows < 0 && dataset.bytes < 0 && dataset.files < 0) return;
    Json statistics = Facet(request_, schema);
    if (dataset.rows >= 0) statistics["rowCount"] = dataset.rows;
    if (dataset.bytes >= 0) statistics["size"] = dataset.bytes;
    if (dataset.files >= 0) statistics["fileCount"] = dataset.files;
    json[facets][name] = std::move(statistics);
  }

  Json Job() const {
    Json sql = Facet(request_, "1-1-0/SQLJobFacet.json#/$defs/SQLJobFacet");
    sql["query"] = request_.sql;
    sql["dialect"] = "datafusion";
    Json type = Facet(request_, "2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet");
    type["processingType"] = "BATCH";
    type["integration"] = "WEIR";
    type["jobType"] = "VIEW";
    return {{"namespace", request_.project},
            {"name", request_.view},
            {"facets", {{"sql", std::move(sql)}, {"jobType", std::move(type)}}}};
  }

  Result<Json> Dataset(const std::string& table) const {
    const auto found = request_.datasets.find(table);
    if (found == request_.datasets.end())
      return Status::Bug("it is not known where the table `{}` is", table);
    const DatasetName name = DatasetNameOf(found->second.url);
    Json json{{"namespace", name.space}, {"name", name.name}, {"facets", Json::object()}};
    if (found->second.schema) {
      json["facets"]["schema"] = SchemaFacet(request_, *found->second.schema);
    }
    if (found->second.version >= 0) {
      Json version = Facet(
          request_, "1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet");
      version["datasetVersion"] = fmt::format("{}", found->second.version);
      json["facets"]["version"] = std::move(version);
    }
    return json;
  }

  Result<Json> Output() const {
    WEIR_ASSIGN_OR_RETURN(Json output, Dataset(request_.view));
    Json facet =
        Facet(request_, "1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet");
    facet["fields"] = Json::object();
    for (const ColumnLineage& column : request_.lineage->columns) {
      WEIR_ASSIGN_OR_RETURN(Json inputs, InputFields(column.inputs, column.expression));
      facet["fields"][column.name] = {{"inputFields", std::move(inputs)}};
    }
    WEIR_ASSIGN_OR_RETURN(Json rows, InputFields(request_.lineage->row_influences, ""));
    facet["dataset"] = std::move(rows);
    output["facets"]["columnLineage"] = std::move(facet);
    AddStatistics(request_.datasets.at(request_.view), "outputFacets", "outputStatistics",
                  "1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/"
                  "OutputStatisticsOutputDatasetFacet",
                  output);
    return output;
  }

  /// One entry a field, with all that happens to it.
  Result<Json> InputFields(const ColumnInputs& inputs, const std::string& expression) const {
    Json fields = Json::array();
    std::map<std::pair<std::string, std::string>, size_t> places;
    for (const ColumnInput& input : inputs) {
      const auto [place, is_new] =
          places.try_emplace({input.table, FullColumn(input)}, fields.size());
      if (is_new) {
        const auto found = request_.datasets.find(input.table);
        if (found == request_.datasets.end())
          return Status::Bug("it is not known where the table `{}` is", input.table);
        const DatasetName name = DatasetNameOf(found->second.url);
        fields.push_back({{"namespace", name.space},
                          {"name", name.name},
                          {"field", FullColumn(input)},
                          {"transformations", Json::array()}});
      }
      const bool is_value = input.use == ColumnUse::kValue;
      fields[place->second]["transformations"].push_back(
          {{"type", is_value ? "DIRECT" : "INDIRECT"},
           {"subtype", Subtype(input)},
           {"description", is_value ? expression : std::string(ToString(input.use))},
           {"masking", false}});
    }
    return fields;
  }

  const LineageEventRequest& request_;
};

}  // namespace

DatasetName DatasetNameOf(const std::string& url) {
  const auto trimmed = [](std::string path) {
    while (path.size() > 1 && path.ends_with("/")) path.pop_back();
    return path;
  };
  const size_t colon = url.find("://");
  if (colon == std::string::npos) return {.space = "file", .name = trimmed(url)};
  const size_t host = colon + 3;
  const size_t slash = std::min(url.find('/', host), url.size());
  std::string scheme = url.substr(0, colon);
  std::string path = PercentDecoded(trimmed(url.substr(slash)));
  if (scheme == "file") {
    const std::string authority = url.substr(host, slash - host);
    return {.space = authority.empty() ? "file" : "file://" + authority, .name = std::move(path)};
  }
  // Hadoop's names of the same stores.
  if (scheme == "s3a" || scheme == "s3n") scheme = "s3";
  if (scheme == "gcs") scheme = "gs";
  // An object store's names are keys within the bucket; file systems have paths.
  const bool has_keys = scheme == "s3" || scheme == "gs" || scheme == "wasbs";
  if (has_keys && path.size() > 1 && path.starts_with("/")) path.erase(0, 1);
  return {.space = scheme + "://" + url.substr(host, slash - host),
          .name = path.empty() ? "/" : std::move(path)};
}

Result<nlohmann::ordered_json> ToOpenLineage(const LineageEventRequest& request) {
  return Event(request).Make();
}

nlohmann::ordered_json ToOpenLineageOfRun(const LineageEventRequest& request) {
  return Event(request).MakeOfRun();
}

std::string UuidOf(const std::string& run_id, const std::string& view) {
  FingerprintBuilder builder;
  builder.Add("run", run_id);
  builder.Add("view", view);
  std::string hex = builder.Finish().ToString();
  hex.resize(32, '0');
  hex[12] = '8';
  hex[16] = "89ab"[static_cast<size_t>(hex[16] % 4)];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

}  // namespace weir
