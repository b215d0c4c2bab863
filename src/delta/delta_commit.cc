// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/delta_commit.h"

#include <arrow/api.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "weir/delta/delta_schema.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxAttempts = 10;
/// Commits between checkpoints.
constexpr int64_t kCheckpointInterval = 10;

std::string NewUuid() {
  std::random_device random;
  std::string hex;
  for (int i = 0; i < 4; ++i) hex += fmt::format("{:08x}", random());
  hex[12] = '4';
  hex[16] = "89ab"[random() % 4];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4), hex.substr(20));
}

/// Paths in the log are URL-encoded (PROTOCOL.md, "Add File and Remove File").
std::string EncodePath(const std::string& path) {
  std::string encoded;
  for (unsigned char c : path) {
    if (std::isalnum(c) != 0 || std::string_view("-._~/=!$&'()*+,;:@").find(static_cast<char>(c)) != std::string_view::npos) {
      encoded += static_cast<char>(c);
    } else {
      encoded += fmt::format("%{:02X}", c);
    }
  }
  return encoded;
}

Json PartitionValuesJson(const DataFile& file) {
  Json values = Json::object();
  for (const auto& [column, value] : file.partition_values) values[column] = value ? Json(*value) : Json(nullptr);
  return values;
}

Json AddJson(const DataFile& file) {
  Json add = {{"path", EncodePath(file.path)},
              {"partitionValues", PartitionValuesJson(file)},
              {"size", file.size_bytes},
              {"modificationTime", file.modified_ms},
              {"dataChange", true}};
  if (!file.statistics.empty()) add["stats"] = file.statistics;
  return {{"add", add}};
}

Json RemoveJson(const DataFile& file, int64_t timestamp_ms) {
  return {{"remove",
           {{"path", EncodePath(file.path)},
            {"deletionTimestamp", timestamp_ms},
            {"dataChange", true},
            {"extendedFileMetadata", true},
            {"partitionValues", PartitionValuesJson(file)},
            {"size", file.size_bytes}}}};
}

Json ProtocolJson(const arrow::Schema& schema) {
  if (!HasTimestampNtz(schema)) return {{"protocol", {{"minReaderVersion", 1}, {"minWriterVersion", 2}}}};
  return {{"protocol",
           {{"minReaderVersion", 3},
            {"minWriterVersion", 7},
            {"readerFeatures", {"timestampNtz"}},
            {"writerFeatures", {"timestampNtz", "appendOnly", "invariants"}}}}};
}

Result<Json> MetadataJson(const DeltaWriteSpec& spec) {
  WEIR_ASSIGN_OR_RETURN(const std::string schema, DeltaSchemaString(*spec.schema));
  Json configuration = Json::object();
  for (const auto& [key, value] : spec.properties) configuration[key] = value;
  Json metadata = {{"id", NewUuid()},
                   {"format", {{"provider", "parquet"}, {"options", Json::object()}}},
                   {"schemaString", schema},
                   {"partitionColumns", spec.partition_columns},
                   {"configuration", configuration},
                   {"createdTime", spec.timestamp_ms}};
  if (!spec.comment.empty()) metadata["description"] = spec.comment;
  return Json{{"metaData", metadata}};
}

Json CommitInfoJson(const DeltaWriteSpec& spec) {
  Json parameters = {{"mode", spec.mode == WriteMode::kOverwrite ? "Overwrite" : "Append"},
                     {"partitionBy", Json(spec.partition_columns).dump()}};
  Json recorded = Json::object();
  for (const auto& [key, value] : spec.metadata) recorded[key] = value;
  return {{"commitInfo",
           {{"timestamp", spec.timestamp_ms},
            {"operation", "WRITE"},
            {"operationParameters", parameters},
            {"isBlindAppend", spec.mode == WriteMode::kAppend},
            {"engineInfo", "weir"},
            {"weir", recorded}}}};
}

/// Actions of the attempt to make `version`. `metadata` is written with the first version and whenever it changed.
std::string Actions(const DeltaWriteSpec& spec, const std::vector<Json>& head, const std::vector<DataFile>& removed) {
  std::string text = CommitInfoJson(spec).dump() + "\n";
  for (const Json& action : head) text += action.dump() + "\n";
  if (!spec.app_id.empty()) {
    text += Json{{"txn", {{"appId", spec.app_id}, {"version", spec.epoch}, {"lastUpdated", spec.timestamp_ms}}}}.dump() + "\n";
  }
  for (const DataFile& file : removed) text += RemoveJson(file, spec.timestamp_ms).dump() + "\n";
  for (const DataFile& file : spec.added) text += AddJson(file).dump() + "\n";
  return text;
}

/// Whether a table's metaData action says what ours does.
bool SameShape(const std::string& metadata_text, const Json& wanted) {
  const auto found = Json::parse(metadata_text, nullptr, false);
  if (!found.is_object()) return false;
  const Json& ours = wanted["metaData"];
  return found.value("schemaString", "") == ours["schemaString"].get<std::string>() &&
         found.value("partitionColumns", Json::array()) == ours["partitionColumns"] &&
         found.value("configuration", Json::object()) == ours["configuration"] &&
         (found.contains("description") && found["description"].is_string() ? found["description"].get<std::string>() : "") ==
             ours.value("description", "");
}

}  // namespace

Result<CommitOutcome> CommitTo(const DeltaLog& log, const DeltaWriteSpec& spec, const TableAt& table_at) {
  WEIR_ASSIGN_OR_RETURN(const Json metadata, MetadataJson(spec));
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    WEIR_ASSIGN_OR_RETURN(const LogListing listing, log.List());
    const int64_t latest = listing.latest();
    std::vector<Json> head;
    std::vector<DataFile> removed;
    if (latest < 0) {
      head = {ProtocolJson(*spec.schema), metadata};
    } else {
      WEIR_ASSIGN_OR_RETURN(TableState table, table_at(latest));
      if (!spec.app_id.empty() && table.transaction_version >= spec.epoch) return CommitOutcome{latest, true};
      if (!SameShape(table.metadata, metadata)) {
        // A table keeps its id; the protocol is raised where the new schema needs it.
        Json changed = metadata;
        const auto found = Json::parse(table.metadata, nullptr, false);
        if (found.is_object() && found.contains("id")) changed["metaData"]["id"] = found["id"];
        if (HasTimestampNtz(*spec.schema)) head.push_back(ProtocolJson(*spec.schema));
        head.push_back(std::move(changed));
      }
      if (spec.mode == WriteMode::kOverwrite) removed = std::move(table.files);
    }
    const int64_t version = latest + 1;
    WEIR_ASSIGN_OR_RETURN(const bool written, log.WriteCommit(version, Actions(spec, head, removed)));
    if (written) return CommitOutcome{version, false};
  }
  return Status::Environment(StatusCode::kConflict, "other writers were first {} times in a row at `{}`", kMaxAttempts, spec.table_url)
      .WithHint("a table of a warehouse should have one writer; run again");
}

Result<CommitOutcome> CommitWrite(const engine::Session& session, const DeltaWriteSpec& spec) {
  const auto log = OpenDeltaLog(session, spec.table_url);
  WEIR_ASSIGN_OR_RETURN(const CommitOutcome outcome, CommitTo(*log, spec, [&](int64_t version) -> Result<TableState> {
                          WEIR_ASSIGN_OR_RETURN(const auto snapshot, engine::DeltaSnapshot::Open(session, spec.table_url, version));
                          TableState table;
                          WEIR_ASSIGN_OR_RETURN(table.metadata, snapshot.metadata());
                          if (spec.mode == WriteMode::kOverwrite) {
                            WEIR_ASSIGN_OR_RETURN(table.files, snapshot.files());
                          }
                          if (!spec.app_id.empty()) {
                            WEIR_ASSIGN_OR_RETURN(table.transaction_version, snapshot.transaction_version(spec.app_id));
                          }
                          return table;
                        }));
  if (!outcome.already_committed && outcome.version > 0 && outcome.version % kCheckpointInterval == 0) {
    // A checkpoint only makes reading quicker: the commit stands without it, and the next interval tries again.
    (void)session.CreateCheckpoint(spec.table_url);
  }
  return outcome;
}

Result<std::optional<LastCommit>> ReadLastCommitFrom(const DeltaLog& log) {
  WEIR_ASSIGN_OR_RETURN(const LogListing listing, log.List());
  if (listing.latest() < 0) return std::optional<LastCommit>();
  LastCommit last;
  last.table_version = listing.latest();
  for (auto version = listing.commits.rbegin(); version != listing.commits.rend(); ++version) {
    WEIR_ASSIGN_OR_RETURN(const std::string text, log.ReadCommit(*version));
    bool changes_data = false;
    Json recorded;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) continue;
      const Json action = Json::parse(line, nullptr, false);
      if (action.is_discarded()) {
        return Status::Environment(StatusCode::kCorrupt, "version {} of a table's log is damaged", *version);
      }
      if (action.contains("commitInfo") && action["commitInfo"].contains("weir")) recorded = action["commitInfo"]["weir"];
      if (action.contains("add")) changes_data = changes_data || action["add"].value("dataChange", true);
      if (action.contains("remove")) changes_data = changes_data || action["remove"].value("dataChange", true);
      if (changes_data) break;
    }
    // A result without rows adds no file; what Weir recorded still tells that the commit is one of data.
    if (!changes_data && !recorded.is_object()) continue;
    last.version = *version;
    if (recorded.is_object()) {
      for (const auto& [key, value] : recorded.items()) last.metadata[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    return std::optional<LastCommit>(std::move(last));
  }
  return std::optional<LastCommit>(std::move(last));
}

Result<std::optional<LastCommit>> ReadLastCommit(const engine::Session& session, const std::string& table_url) {
  return ReadLastCommitFrom(*OpenDeltaLog(session, table_url));
}

}  // namespace weir
