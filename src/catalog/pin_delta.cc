// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/pin_delta.h"

#include <algorithm>
#include <optional>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/catalog/change_feed.h"
#include "weir/catalog/path_files.h"
#include "weir/catalog/source_columns.h"

namespace weir {

namespace {

/// `what` a table needs that cannot be read.
Status MissingFeature(const std::string& what) {
  return Status::Environment(StatusCode::kUnsupported,
                             "the Delta table needs what Weir's reader has not: {}", what)
      .WithHint(
          "drop the feature from the table with the engine that set it, or pin a version before "
          "it: OPTIONS ('version' '…')");
}

/// The number behind `mark`, which `at` is moved behind; empty if there is none.
std::string NumberAfter(const std::string& text, std::string_view mark, size_t& at) {
  at = text.find(mark, at);
  if (at == std::string::npos) return {};
  at += mark.size();
  return text.substr(at, text.find_first_not_of("0123456789", at) - at);
}

/// The versions at the sides of a hole in a log that the engine tells of.
std::optional<std::pair<std::string, std::string>> SidesOfHole(const std::string& message) {
  static constexpr std::string_view kVersion = ", version: ";
  size_t at = message.find("found gap: ");
  if (at != std::string::npos) {
    std::string before = NumberAfter(message, kVersion, at), after;
    if (!before.empty()) after = NumberAfter(message, kVersion, at);
    if (!after.empty()) return std::pair(std::move(before), std::move(after));
  }
  at = 0;
  std::string before = NumberAfter(message, "Gap between checkpoint version ", at), after;
  if (!before.empty()) after = NumberAfter(message, "next commit ", at);
  if (after.empty()) return std::nullopt;
  return std::pair(std::move(before), std::move(after));
}

/// Says of a Delta log what the engine says at length.
Status ExplainDelta(const Status& status, const std::string& url, int64_t version) {
  const std::string& message = status.message();
  if (const auto sides = SidesOfHole(message)) {
    return Status::Environment(StatusCode::kCorrupt,
                               "the Delta log has a hole: version {} is followed by version {}",
                               sides->first, sides->second)
        .WithCause(message)
        .WithHint("restore the log entries between them, from a backup for instance");
  }
  if (status.code() == StatusCode::kUnsupported) {
    const size_t feature = message.find("Unsupported: ");
    const std::string what = feature == std::string::npos ? message : message.substr(feature + 13);
    return MissingFeature(what).WithCause(message);
  }
  static constexpr std::string_view kEnd = "LogSegment end version ";
  if (const size_t end = message.find(kEnd); version >= 0 && end != std::string::npos) {
    const size_t begin = end + kEnd.size();
    const std::string latest =
        message.substr(begin, message.find_first_not_of("0123456789", begin) - begin);
    return Status::User(StatusCode::kNotFound,
                        "the Delta table has no version `{}`: its latest is {}", version, latest)
        .WithCause(message)
        .WithHint("leave the option 'version' out to read the latest");
  }
  if (IsOfUnknownStore(status)) return status;
  if (message.starts_with("a timestamp from ")) {
    return status.WithHint(
        "pin a later time or a version, or leave the option 'timestamp' out to read the latest");
  }
  if (message.find("Path does not exist") != std::string::npos ||
      message.find("No files in log segment") != std::string::npos ||
      status.code() == StatusCode::kNotFound) {
    const std::string place = url.starts_with("file://") ? url.substr(7) : url;
    if (version >= 0) {
      return Status::User(StatusCode::kNotFound,
                          "a Delta table with version {} is wanted, found none at `{}`", version,
                          place)
          .WithCause(message)
          .WithHint(
              "the log may no longer hold this version; leave the option 'version' out to read the "
              "latest");
    }
    return Status::User(StatusCode::kNotFound, "a Delta table is wanted, found none at `{}`", place)
        .WithCause(message);
  }
  return status;
}

bool HasFeature(const nlohmann::json& protocol, const char* list, std::string_view feature) {
  const auto features = protocol.find(list);
  if (features == protocol.end() || !features->is_array()) return false;
  return std::any_of(features->begin(), features->end(),
                     [&](const auto& each) { return each == feature; });
}

/// The value of a table's property, or an empty text.
std::string PropertyOf(const nlohmann::json& metadata, const char* key) {
  const auto configuration = metadata.find("configuration");
  if (configuration == metadata.end() || !configuration->is_object()) return {};
  const auto value = configuration->find(key);
  return value == configuration->end() || !value->is_string() ? "" : value->get<std::string>();
}

/// Whether files alone do not say which rows a table has.
bool HasRowMasks(const nlohmann::json& protocol) {
  return HasFeature(protocol, "readerFeatures", "deletionVectors");
}

/// What the engine would read, but not rightly: tables whose latest commits may lie elsewhere, and
/// those whose protocol and metadata contradict each other.
Status CheckReadable(const nlohmann::json& protocol, const nlohmann::json& metadata) {
  const char* coordinated = "coordinatedCommits-preview";
  if (HasFeature(protocol, "writerFeatures", coordinated) &&
      !PropertyOf(metadata, "delta.coordinatedCommits.commitCoordinator-preview").empty()) {
    return MissingFeature(
        fmt::format("the table feature `{}` (its latest commits may lie elsewhere than in its log)",
                    coordinated));
  }
  const std::string mapping = PropertyOf(metadata, "delta.columnMapping.mode");
  const int64_t reader = protocol.value("minReaderVersion", int64_t{0});
  const bool may_map = reader == 2 || HasFeature(protocol, "readerFeatures", "columnMapping");
  if (!mapping.empty() && mapping != "none" && !may_map) {
    return Status::Environment(
               StatusCode::kCorrupt,
               "the Delta table maps its columns (`delta.columnMapping.mode` is `{}`), and its "
               "protocol, of reader version {}, has no column mapping",
               mapping, reader)
        .WithHint("have the engine that wrote it mend the table's protocol");
  }
  return Status::OK();
}

/// The columns of a log that are read, as they are read.
std::shared_ptr<arrow::Schema> ReadColumns(const arrow::Schema& logged,
                                           const arrow::Schema& columns) {
  arrow::FieldVector fields;
  for (const auto& column : columns.fields()) {
    const auto field = logged.GetFieldByName(column->name());
    // Nested columns are as the log has them, with the physical names of their fields.
    if (field && arrow::is_nested(field->type()->id())) fields.push_back(field);
    if (field && !arrow::is_nested(field->type()->id()))
      fields.push_back(field->WithType(column->type()));
  }
  return arrow::schema(fields, logged.metadata());
}

/// A Delta table at the version of a snapshot, of which nothing is known yet.
PinnedTable TableAt(const std::string& name, const std::string& url,
                    const engine::DeltaSnapshot& snapshot) {
  PinnedTable table;
  table.name = name;
  table.kind = TableKind::kDelta;
  table.url = url;
  table.format = "delta";
  table.version = snapshot.version();
  return table;
}

/// Pins a Delta table by a snapshot of it.
Result<PinnedTable> PinSnapshot(const std::string& name, const std::string& url,
                                const engine::DeltaSnapshot& snapshot,
                                const engine::DeltaReading& reading,
                                const engine::Session& session) {
  PinnedTable table = TableAt(name, url, snapshot);
  table.partition_columns = snapshot.partition_columns();
  auto log_schema = snapshot.schema();
  if (!log_schema.ok()) return ExplainDelta(log_schema.status(), url, table.version);
  table.log_schema =
      reading.columns ? ReadColumns(**log_schema, *reading.columns) : *std::move(log_schema);
  table.reading = reading;
  if (!reading.file_column.empty()) {
    arrow::FieldVector fields = table.log_schema->fields();
    fields.push_back(arrow::field(reading.file_column, arrow::utf8()));
    table.log_schema = arrow::schema(fields, table.log_schema->metadata());
  }
  WEIR_ASSIGN_OR_RETURN(const std::string protocol, snapshot.protocol());
  table.has_row_masks = HasRowMasks(nlohmann::json::parse(protocol, nullptr, false));
  table.files = std::make_shared<const TableFiles>(snapshot, reading.file_column);
  WEIR_ASSIGN_OR_RETURN(table.table, snapshot.AsTable(session, url, reading));
  WEIR_ASSIGN_OR_RETURN(table.schema, table.table->schema());
  return CheckPlaces(table);
}

/// What tells a file with changes apart from others of a feed: the same file may be in it several
/// times, each time with other rows.
std::string ChangeName(const ChangeFile& change) {
  std::string name = fmt::format("{}#version={}&change={}", change.file.path, change.version,
                                 change.kind.empty() ? "recorded" : change.kind);
  for (const auto& [key, rows] :
       {std::pair{"without", &change.without}, std::pair{"within", &change.within}}) {
    if (!rows->storage_type.empty())
      name +=
          fmt::format("&{}={}{}@{}", key, rows->storage_type, rows->path_or_inline, rows->offset);
  }
  return name;
}

}  // namespace

Result<engine::DeltaSnapshot> OpenDelta(const std::string& url, int64_t version,
                                        const std::string& timestamp,
                                        const engine::Session& session) {
  auto opened = engine::DeltaSnapshot::Open(session, url, version, timestamp);
  if (!opened.ok()) return ExplainDelta(opened.status(), url, version);
  WEIR_ASSIGN_OR_RETURN(const std::string protocol, opened->protocol());
  WEIR_ASSIGN_OR_RETURN(const std::string metadata, opened->metadata());
  WEIR_RETURN_NOT_OK(CheckReadable(nlohmann::json::parse(protocol, nullptr, false),
                                   nlohmann::json::parse(metadata, nullptr, false)));
  return opened;
}

Result<PinnedTable> PinChanges(const std::string& name, const std::string& url, int64_t first,
                               int64_t version, const std::string& timestamp,
                               const engine::Session& session) {
  WEIR_ASSIGN_OR_RETURN(const engine::DeltaSnapshot snapshot,
                        OpenDelta(url, version, timestamp, session));
  WEIR_ASSIGN_OR_RETURN(const ChangeFeed feed,
                        ReadChangeFeed(session, url, snapshot, {.version = first}, {}));
  PinnedTable table = TableAt(name, url, snapshot);
  table.changes_since = first;
  std::vector<DataFile> files;
  for (const ChangeFile& change : feed.files) {
    DataFile file = change.file;
    file.path = ChangeName(change);
    file.partition_values.clear();
    file.statistics.clear();
    file.rows = -1;
    files.push_back(std::move(file));
  }
  table.files = std::make_shared<const TableFiles>(std::move(files));
  WEIR_ASSIGN_OR_RETURN(table.table, snapshot.AsChangeTable(session, url, feed.files));
  WEIR_ASSIGN_OR_RETURN(table.schema, table.table->schema());
  return table;
}

Result<PinnedTable> PinDelta(const std::string& name, const std::string& url, int64_t version,
                             const std::string& timestamp, const engine::Session& session) {
  WEIR_ASSIGN_OR_RETURN(const engine::DeltaSnapshot snapshot,
                        OpenDelta(url, version, timestamp, session));
  return PinSnapshot(name, url, snapshot, {}, session);
}

Result<PinnedTable> PinAtVersion(const PinnedTable& source, int64_t version,
                                 const engine::Session& session) {
  if (source.changes_since)
    return PinChanges(source.name, source.url, *source.changes_since, version, {}, session);
  WEIR_ASSIGN_OR_RETURN(const engine::DeltaSnapshot snapshot,
                        OpenDelta(source.url, version, {}, session));
  return PinSnapshot(source.name, source.url, snapshot, source.reading, session);
}

Result<PinnedTable> PinDeltaSource(const SourceDefinition& source, const std::string& url,
                                   const std::shared_ptr<arrow::Schema>& declared,
                                   const engine::Session& session) {
  WEIR_ASSIGN_OR_RETURN(
      const engine::DeltaSnapshot snapshot,
      OpenDelta(url, source.version.value_or(-1), source.timestamp.value_or(""), session));
  engine::DeltaReading reading = ReadingOf(source);
  std::optional<Diagnostic> drift;
  if (declared) {
    WEIR_ASSIGN_OR_RETURN(const engine::Table whole, snapshot.AsTable(session, url));
    WEIR_ASSIGN_OR_RETURN(const auto found, whole.schema());
    WEIR_ASSIGN_OR_RETURN(SourceColumns columns, SettleDeltaColumns(source, *declared, *found));
    reading.columns = std::move(columns.schema);
    drift = std::move(columns.drift);
  }
  WEIR_ASSIGN_OR_RETURN(PinnedTable table,
                        PinSnapshot(source.name, url, snapshot, reading, session));
  table.drift = std::move(drift);
  return table;
}

}  // namespace weir
