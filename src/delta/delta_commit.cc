// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/delta_commit.h"

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/base/ascii_text.h"
#include "weir/base/json_text.h"
#include "weir/base/log.h"
#include "weir/base/percent_text.h"
#include "weir/delta/delta_schema.h"
#include "weir/delta/log_actions.h"
#include "weir/delta/table_features.h"

namespace weir {

namespace {

using Json = LogJson;

constexpr int kMaxAttempts = 10;
/// Commits between checkpoints.
constexpr int64_t kCheckpointInterval = 10;

/// The table features that a commit's table needs.
std::vector<std::string> FeaturesFor(const DeltaWriteSpec& spec) {
  std::vector<std::string> features;
  if (HasTimestampNtz(*spec.schema)) features.emplace_back("timestampNtz");
  const auto feed = spec.properties.find("delta.enableChangeDataFeed");
  if (feed != spec.properties.end() && AsciiLowerCase(feed->second) == "true")
    features.emplace_back("changeDataFeed");
  return features;
}

/// The protocol action that a table needs which has `protocol` now; null if it has all.
std::optional<Json> ProtocolAction(const std::string& protocol, const DeltaWriteSpec& spec) {
  const std::string action = UpgradedProtocol(protocol, FeaturesFor(spec));
  return action.empty() ? std::optional<Json>() : Json::parse(action);
}

/// Fails where another writer gave the table a feature whose rules we would break: a view's table
/// has no rules but those that the view gives it, and the metadata that goes with a build says so.
Status CheckProtocol(const Json& protocol, const std::string& table_url) {
  const auto refused = [&](const std::string& feature) {
    return Status::Environment(StatusCode::kUnsupported,
                               "a table has {}, which Weir does not write: `{}`", feature,
                               table_url)
        .WithHint("another program changed this table; remove its folder to build it anew");
  };
  const int64_t version = IntegerOf(protocol, "minWriterVersion");
  if (version > 4 && version != 7) return refused(fmt::format("the writer version {}", version));
  static const std::set<std::string> kept = {"timestampNtz",   "appendOnly",
                                             "invariants",     "checkConstraints",
                                             "changeDataFeed", "generatedColumns"};
  for (const std::string& feature : FeaturesOf(protocol, "writerFeatures")) {
    if (!kept.contains(feature)) return refused(fmt::format("the table feature `{}`", feature));
  }
  return Status::OK();
}

/// Fails on properties that promise what our commits do not keep.
Status CheckProperties(const DeltaWriteSpec& spec) {
  for (const auto& [key, value] : spec.properties) {
    const bool off = value.empty() || value == "false" || value == "none" || value == "classic";
    const bool needs_feature =
        (key.starts_with("delta.enable") && key != "delta.enableChangeDataFeed") ||
        key.starts_with("delta.feature.") || key.starts_with("delta.constraints.") ||
        key.starts_with("delta.universalFormat.") || key == "delta.columnMapping.mode" ||
        key == "delta.checkpointPolicy" || key == "delta.minReaderVersion" ||
        key == "delta.minWriterVersion";
    if (needs_feature && !off) {
      return Status::User(StatusCode::kUnsupported,
                          "a table property wants a Delta feature that Weir does not write: `{}`",
                          key)
          .WithHint("remove it from the view's properties");
    }
    if (key == "delta.appendOnly" && !off && spec.mode == WriteMode::kOverwrite) {
      return Status::User(StatusCode::kInvalidArgument,
                          "a table that is replaced cannot be append-only: `{}`", key)
          .WithHint("remove it from the view's properties");
    }
  }
  return Status::OK();
}

Result<Json> MetadataJson(const DeltaWriteSpec& spec) {
  WEIR_RETURN_NOT_OK(CheckProperties(spec));
  WEIR_ASSIGN_OR_RETURN(const std::string schema, DeltaSchemaString(*spec.schema));
  Json configuration = Json::object();
  for (const auto& [key, value] : spec.properties) configuration[key] = value;
  Json metadata = {{"id", NewTableId()},
                   {"format", {{"provider", "parquet"}, {"options", Json::object()}}},
                   {"schemaString", schema},
                   {"partitionColumns", spec.partition_columns},
                   {"configuration", configuration},
                   {"createdTime", spec.timestamp_ms}};
  if (!spec.comment.empty()) metadata["description"] = spec.comment;
  return Json{{"metaData", metadata}};
}

/// `actions`: how many the commit has, this one included.
Json CommitInfoJson(const DeltaWriteSpec& spec, size_t actions) {
  if (spec.mode == WriteMode::kCompact) {
    return {{"commitInfo",
             {{"timestamp", spec.timestamp_ms},
              {"operation", "OPTIMIZE"},
              {"operationParameters", Json::object()},
              {"isBlindAppend", false},
              {"engineInfo", "weir"},
              {kActionCount, actions}}}};
  }
  Json parameters = {{"mode", spec.mode == WriteMode::kOverwrite ? "Overwrite" : "Append"},
                     {"partitionBy", JsonText(Json(spec.partition_columns))}};
  Json recorded = Json::object();
  for (const auto& [key, value] : spec.metadata) recorded[key] = value;
  return {{"commitInfo",
           {{"timestamp", spec.timestamp_ms},
            {"operation", "WRITE"},
            {"operationParameters", parameters},
            {"isBlindAppend", spec.mode == WriteMode::kAppend},
            {"engineInfo", "weir"},
            {kActionCount, actions},
            {"weir", recorded}}}};
}

/// The commit as text: `head` holds the protocol and metaData actions of a first version, or those
/// that changed.
std::string Actions(const DeltaWriteSpec& spec, const std::vector<Json>& head,
                    const std::vector<DataFile>& removed, const RowDifference* difference) {
  const size_t changed = difference == nullptr ? 0 : difference->files.size();
  const size_t actions = 1 + head.size() + (spec.app_id.empty() ? 0 : 1) + removed.size() +
                         spec.added.size() + changed;
  std::string text = JsonText(CommitInfoJson(spec, actions)) + "\n";
  for (const Json& action : head) text += JsonText(action) + "\n";
  if (!spec.app_id.empty()) {
    text += JsonText(LogJson{{"txn",
                              {{"appId", spec.app_id},
                               {"version", spec.epoch},
                               {"lastUpdated", spec.timestamp_ms}}}}) +
            "\n";
  }
  const bool keeps_rows = difference != nullptr && difference->files.empty();
  const bool changes_data = spec.mode != WriteMode::kCompact && !keeps_rows;
  for (const DataFile& file : removed)
    text += JsonText(RemoveAction(file, spec.timestamp_ms, changes_data)) + "\n";
  for (const DataFile& file : spec.added) text += JsonText(AddAction(file, changes_data)) + "\n";
  if (difference != nullptr) {
    for (const DataFile& file : difference->files) text += JsonText(ChangeAction(file)) + "\n";
  }
  return text;
}

/// Whether a table's metaData action says what ours does. The order of properties means nothing.
bool SameShape(const Json& found, const Json& ours) {
  const auto properties = [](const Json& action) {
    return action.is_object() ? nlohmann::json(action.value("configuration", Json::object()))
                              : nlohmann::json();
  };
  return found.is_object() && TextOf(found, "schemaString") == TextOf(ours, "schemaString") &&
         found.value("partitionColumns", Json::array()) == ours["partitionColumns"] &&
         properties(found) == properties(ours) &&
         TextOf(found, "description") == TextOf(ours, "description");
}

/// The protocol and metaData actions, as far as a commit on top of `table` needs them.
Result<std::vector<Json>> ChangedHead(const TableState& table, const DeltaWriteSpec& spec,
                                      const Json& metadata) {
  const Json protocol = Json::parse(table.protocol, nullptr, false),
             found = Json::parse(table.metadata, nullptr, false);
  WEIR_RETURN_NOT_OK(CheckProtocol(protocol, spec.table_url));
  std::vector<Json> head;
  // Other files with the same rows: the table stays what it is.
  if (spec.mode == WriteMode::kCompact) return head;
  if (auto action = ProtocolAction(table.protocol, spec)) head.push_back(*std::move(action));
  if (SameShape(found, metadata["metaData"])) return head;
  if (spec.mode == WriteMode::kAppend && found.is_object() &&
      found.value("partitionColumns", Json::array()) != metadata["metaData"]["partitionColumns"]) {
    return Status::User(
        StatusCode::kInvalidArgument,
        "rows cannot be appended with other partition columns than the table has: `{}`",
        spec.table_url);
  }
  // A table keeps its id.
  Json changed = metadata;
  if (!TextOf(found, "id").empty()) changed["metaData"]["id"] = found["id"];
  head.push_back(std::move(changed));
  return head;
}

/// Those that were compacted, if all of them are still there.
Result<std::vector<DataFile>> CompactedFiles(const TableState& table, const DeltaWriteSpec& spec) {
  std::set<std::string> active;
  for (const DataFile& file : table.files) active.insert(file.path);
  for (const DataFile& file : spec.compacted) {
    if (active.contains(file.path)) continue;
    return Status::Environment(StatusCode::kConflict,
                               "a file of `{}` was replaced while it was compacted: `{}`",
                               spec.table_url, file.path);
  }
  return spec.compacted;
}

/// The files that a commit removes. Views' own tables have no deletion vectors: who made one
/// changed the table.
Result<std::vector<DataFile>> FilesToRemove(TableState& table, const DeltaWriteSpec& spec) {
  if (spec.mode == WriteMode::kAppend) return std::vector<DataFile>();
  if (spec.mode == WriteMode::kCompact) return CompactedFiles(table, spec);
  for (const DataFile& file : table.files) {
    if (!file.has_deletion_vector) continue;
    return Status::Environment(
               StatusCode::kUnsupported,
               "a file of a table has a deletion vector, which Weir does not write: `{}`",
               spec.table_url)
        .WithHint("another program changed this table; remove its folder to build it anew");
  }
  return std::move(table.files);
}

}  // namespace

Result<CommitOutcome> CommitTo(const DeltaLog& log, const DeltaWriteSpec& spec,
                               const TableAt& table_at) {
  Json metadata;
  if (spec.mode != WriteMode::kCompact) {
    WEIR_ASSIGN_OR_RETURN(metadata, MetadataJson(spec));
  }
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    WEIR_ASSIGN_OR_RETURN(const LogListing listing, log.List());
    const int64_t latest = listing.latest();
    std::vector<Json> head;  // protocol and metaData, where they are new
    std::vector<DataFile> removed;
    if (latest < 0 && spec.mode == WriteMode::kCompact) {
      return Status::Environment(StatusCode::kConflict,
                                 "a table went while its files were put together: `{}`",
                                 spec.table_url);
    }
    if (latest < 0) {
      if (auto action = ProtocolAction({}, spec)) head.push_back(*std::move(action));
      head.push_back(metadata);
    } else {
      WEIR_ASSIGN_OR_RETURN(TableState table, table_at(latest));
      if (!spec.app_id.empty() && table.transaction_version >= spec.epoch)
        return CommitOutcome{latest, true};
      WEIR_ASSIGN_OR_RETURN(head, ChangedHead(table, spec, metadata));
      WEIR_ASSIGN_OR_RETURN(removed, FilesToRemove(table, spec));
    }
    const int64_t version = latest + 1;
    const bool is_compared = spec.difference && spec.difference->since == latest;
    const std::string actions =
        Actions(spec, head, removed, is_compared ? &*spec.difference : nullptr);
    WEIR_ASSIGN_OR_RETURN(const bool is_written, log.WriteCommit(version, actions));
    if (is_written) return CommitOutcome{version, false};
  }
  return Status::Environment(StatusCode::kConflict,
                             "other writers were first {} times in a row at `{}`", kMaxAttempts,
                             spec.table_url)
      .WithHint("a table of a warehouse should have one writer; run again");
}

namespace {

/// Whether the table may know one of the files that were written for a commit which was not made.
bool MayBeNamed(const engine::Session& session, const DeltaLog& log, const DeltaWriteSpec& spec) {
  const std::string path = EncodedLogPath(spec.added.front().path);
  const auto listing = log.List();
  if (!listing.ok()) return true;
  const size_t looked_at =
      std::min<size_t>(listing->commits.size(), static_cast<size_t>(kMaxAttempts));
  for (size_t i = 0; i < looked_at; ++i) {
    const auto text = log.ReadCommit(*(listing->commits.rbegin() + static_cast<ptrdiff_t>(i)));
    if (!text.ok() || text->find(path) != std::string::npos) return true;
  }
  if (listing->latest() < 0) return false;
  const auto snapshot = engine::DeltaSnapshot::Open(session, spec.table_url);
  if (!snapshot.ok()) return true;
  const auto files = snapshot->files();
  return !files.ok() || std::any_of(files->begin(), files->end(), [&](const DataFile& file) {
    return file.path == spec.added.front().path;
  });
}

void LogCommit(const DeltaWriteSpec& spec, const CommitOutcome& outcome) {
  // Of Weir's own tables each run writes a dozen.
  const bool is_own = spec.table_url.find("/_weir/") != std::string::npos;
  const LogLevel level = is_own ? LogLevel::kDebug : LogLevel::kInfo;
  if (!IsLogged(level)) return;
  int64_t bytes = 0;
  for (const DataFile& file : spec.added) bytes += file.size_bytes;
  Log(level, outcome.already_committed ? "a commit was made before" : "a commit was made",
      {{"table", spec.table_url},
       {"version", outcome.version},
       {"operation", spec.mode == WriteMode::kOverwrite ? "overwrite"
                     : spec.mode == WriteMode::kAppend  ? "append"
                                                        : "compact"},
       {"files", spec.added.size()},
       {"compacted_files", spec.compacted.size()},
       {"bytes", bytes}});
}

}  // namespace

void RemoveDataFiles(const engine::Session& session, const std::string& table_url,
                     const std::vector<DataFile>& files) {
  for (const DataFile& file : files)
    (void)session.DeleteObject(table_url + EncodedLogPath(file.path));
}

bool MayStillArrive(const Status& failed, const std::string& table_url) {
  return failed.code() == StatusCode::kIo && !table_url.starts_with("file://");
}

Result<CommitOutcome> CommitWrite(const engine::Session& session, const DeltaWriteSpec& spec) {
  const auto log = OpenDeltaLog(session, spec.table_url, spec.durability);
  const auto committed = CommitTo(*log, spec, [&](int64_t version) -> Result<TableState> {
    const auto opened = engine::DeltaSnapshot::Open(session, spec.table_url, version);
    if (!opened.ok()) {
      const Status failed = opened.status().WithContext(
          fmt::format("the log of `{}` cannot be read", spec.table_url));
      // A store that failed has lost nothing.
      if (failed.code() == StatusCode::kIo && !failed.hint().empty()) return failed;
      return failed.WithHint(
          "restore it from a backup, or remove the table's folder to build it anew");
    }
    const engine::DeltaSnapshot& snapshot = *opened;
    TableState table;
    WEIR_ASSIGN_OR_RETURN(table.metadata, snapshot.metadata());
    WEIR_ASSIGN_OR_RETURN(table.protocol, snapshot.protocol());
    if (spec.mode != WriteMode::kAppend) {
      WEIR_ASSIGN_OR_RETURN(table.files, snapshot.files());
    }
    if (!spec.app_id.empty()) {
      WEIR_ASSIGN_OR_RETURN(table.transaction_version, snapshot.transaction_version(spec.app_id));
    }
    return table;
  });
  const bool is_for_nothing = committed.ok() ? committed->already_committed
                                             : !MayStillArrive(committed.status(), spec.table_url);
  if (is_for_nothing && !spec.added.empty() && !MayBeNamed(session, *log, spec)) {
    RemoveDataFiles(session, spec.table_url, spec.added);
    if (spec.difference) RemoveDataFiles(session, spec.table_url, spec.difference->files);
  }
  WEIR_ASSIGN_OR_RETURN(const CommitOutcome outcome, committed);
  LogCommit(spec, outcome);
  if (!outcome.already_committed && outcome.version > 0 &&
      outcome.version % kCheckpointInterval == 0) {
    // A checkpoint only makes reading quicker: the commit stands without it, and the next interval
    // tries again.
    (void)session.CreateCheckpoint(spec.table_url);
  }
  return outcome;
}

namespace {

/// One commit's actions, as far as its table's last change of data is concerned.
struct ReadActions {
  bool changes_data = false;
  bool changes_shape = false;  ///< metadata or protocol
  Json recorded;               ///< by Weir
  std::string engine;
  std::vector<std::string> added, removed;  ///< paths as the log has them
};

/// nullopt where the text is no commit.
std::optional<ReadActions> ReadActionsOf(const std::string& text) {
  ReadActions actions;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const Json action = Json::parse(line, nullptr, false);
    if (action.is_discarded()) return std::nullopt;
    if (!action.is_object()) continue;
    if (action.contains("commitInfo") && action["commitInfo"].is_object()) {
      const Json& info = action["commitInfo"];
      if (info.contains("weir")) actions.recorded = info["weir"];
      actions.engine = TextOf(info, "engineInfo");
    }
    actions.changes_shape =
        actions.changes_shape || action.contains("metaData") || action.contains("protocol");
    for (const auto& [kind, paths] :
         {std::pair{"add", &actions.added}, std::pair{"remove", &actions.removed}}) {
      actions.changes_data = actions.changes_data || ChangesData(action, kind);
      if (action.contains(kind)) paths->push_back(TextOf(action[kind], "path"));
    }
  }
  return actions;
}

std::map<std::string, std::string> MetadataOf(const ReadActions& actions) {
  std::map<std::string, std::string> metadata;
  if (!actions.recorded.is_object()) return metadata;
  for (const auto& [key, value] : actions.recorded.items())
    metadata[key] = value.is_string() ? value.get<std::string>() : JsonText(value);
  return metadata;
}

}  // namespace

Result<std::optional<LastCommit>> ReadLastCommitFrom(const DeltaLog& log) {
  WEIR_ASSIGN_OR_RETURN(const LogListing listing, log.List());
  if (listing.latest() < 0) return std::optional<LastCommit>();
  LastCommit last;
  last.table_version = listing.latest();
  bool is_reshaped = false;       // by maintenance
  std::set<std::string> removed;  // by later commits
  for (auto version = listing.commits.rbegin(); version != listing.commits.rend(); ++version) {
    WEIR_ASSIGN_OR_RETURN(const std::string text, log.ReadCommit(*version));
    const auto actions = ReadActionsOf(text);
    if (!actions) {
      return Status::Environment(StatusCode::kCorrupt, "version {} of the table's log is damaged",
                                 *version)
          .WithHint(
              "`weir run` takes it back if a power cut left it so; else restore the file from a "
              "backup, or remove the table's folder to build it anew");
    }
    for (const std::string& path : actions->added) {
      if (!removed.contains(path)) last.files.push_back(PercentDecoded(path));
    }
    removed.insert(actions->removed.begin(), actions->removed.end());
    // A result without rows adds no file; what Weir recorded still tells that the commit is one of
    // data.
    if (!actions->changes_data && !actions->recorded.is_object()) {
      is_reshaped = is_reshaped || actions->changes_shape;
      continue;
    }
    last.version = *version;
    last.read_version = is_reshaped ? last.version : last.table_version;
    last.engine = actions->engine;
    last.metadata = MetadataOf(*actions);
    return std::optional<LastCommit>(std::move(last));
  }
  return std::optional<LastCommit>(std::move(last));
}

Result<std::optional<std::map<std::string, std::string>>> ReadCommitMetadata(
    const engine::Session& session, const std::string& table_url, int64_t version) {
  using Metadata = std::map<std::string, std::string>;
  const auto text = OpenDeltaLog(session, table_url)->ReadCommit(version);
  if (!text.ok()) {
    if (text.status().code() == StatusCode::kNotFound) return std::optional<Metadata>();
    return text.status();
  }
  const auto actions = ReadActionsOf(*text);
  return std::optional(actions ? MetadataOf(*actions) : Metadata());
}

Result<std::optional<LastCommit>> ReadLastCommit(const engine::Session& session,
                                                 const std::string& table_url) {
  auto last = ReadLastCommitFrom(*OpenDeltaLog(session, table_url));
  if (!last.ok()) return last.status().WithContext(fmt::format("table `{}`", table_url));
  return last;
}

}  // namespace weir
