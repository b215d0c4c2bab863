// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/change_feed.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include <arrow/type.h>
#include <arrow/util/value_parsing.h>
#include <nlohmann/json.hpp>

#include "weir/base/ascii_text.h"
#include "weir/base/percent_text.h"
#include "weir/catalog/delta_names.h"

namespace weir {

namespace {

using Json = nlohmann::json;

std::string TextIn(const Json& json, const char* key) {
  return json.is_object() && json.contains(key) && json[key].is_string()
             ? json[key].get<std::string>()
             : "";
}

int64_t NumberIn(const Json& json, const char* key, int64_t otherwise) {
  return json.is_object() && json.contains(key) && json[key].is_number_integer()
             ? json[key].get<int64_t>()
             : otherwise;
}

DeletionVector VectorIn(const Json& file) {
  if (!file.contains("deletionVector") || !file["deletionVector"].is_object()) return {};
  const Json& json = file["deletionVector"];
  return {.storage_type = TextIn(json, "storageType"),
          .path_or_inline = TextIn(json, "pathOrInlineDv"),
          .offset = static_cast<int32_t>(NumberIn(json, "offset", -1)),
          .size_bytes = static_cast<int32_t>(NumberIn(json, "sizeInBytes", 0)),
          .cardinality = NumberIn(json, "cardinality", 0)};
}

/// An "add", "remove" or "cdc" action.
struct LoggedFile {
  DataFile file;
  bool has_partition = false;
};

LoggedFile FileIn(const Json& action) {
  LoggedFile logged;
  logged.file.path = PercentDecoded(TextIn(action, "path"));
  logged.file.size_bytes = NumberIn(action, "size", -1);
  logged.file.modified_ms = NumberIn(action, "modificationTime", 0);
  logged.file.deletion_vector = VectorIn(action);
  logged.has_partition =
      action.contains("partitionValues") && action["partitionValues"].is_object();
  if (logged.has_partition) {
    for (const auto& [column, value] : action["partitionValues"].items()) {
      std::optional<std::string> text;
      if (value.is_string()) text = value.get<std::string>();
      logged.file.partition_values.emplace_back(column, std::move(text));
    }
  }
  return logged;
}

bool ChangesData(const Json& action) {
  return !action.contains("dataChange") || action["dataChange"] != Json(false);
}

/// Whether a metaData action's table records its changes; nullopt if it is none.
std::optional<bool> RecordsChanges(const Json& metadata) {
  if (!metadata.is_object()) return std::nullopt;
  return metadata.contains("configuration") &&
         AsciiLowerCase(TextIn(metadata["configuration"], "delta.enableChangeDataFeed")) == "true";
}

/// What one commit says of changes.
struct Commit {
  int64_t version = -1;
  int64_t timestamp_ms = 0;
  std::optional<bool> records_changes;               ///< from this commit on; nullopt: as before
  std::map<std::string, LoggedFile> added, removed;  ///< by path; those that change data
  std::vector<LoggedFile> recorded;                  ///< change data files
};

class Reader {
 public:
  Reader(const engine::Session& session, const std::string& url,
         const engine::DeltaSnapshot& snapshot)
      : session_(session), url_(url), snapshot_(snapshot) {}

  Result<ChangeFeed> Read(const ChangeBound& from, const ChangeBound& to) {
    ChangeFeed feed{.first = std::max<int64_t>(from.version, 0), .last = snapshot_.version()};
    if (to.version >= 0) feed.last = std::min(feed.last, to.version);
    WEIR_ASSIGN_OR_RETURN(const auto begin, TimeOf(from.timestamp));
    WEIR_ASSIGN_OR_RETURN(const auto end, TimeOf(to.timestamp));
    if (begin && from.version < 0) {
      WEIR_ASSIGN_OR_RETURN(feed.first, FirstSince(*begin, feed.last));
    }
    if (end && to.version < 0) {
      WEIR_ASSIGN_OR_RETURN(feed.last, LastUntil(*end, feed.first, feed.last));
    }
    if (feed.last < feed.first) return feed;
    std::optional<bool>
        records_changes;  // looked up where it matters: it costs a replay of the log
    for (int64_t version = feed.first; version <= feed.last; ++version) {
      WEIR_ASSIGN_OR_RETURN(const Commit commit, ReadCommit(version));
      if (commit.records_changes) records_changes = commit.records_changes;
      if (!records_changes && commit.recorded.empty() && !commit.added.empty() &&
          !commit.removed.empty()) {
        WEIR_ASSIGN_OR_RETURN(records_changes, RecordsChangesAt(feed.first));
      }
      WEIR_RETURN_NOT_OK(AddChanges(commit, records_changes.value_or(false), feed.files));
    }
    return feed;
  }

 private:
  static Result<std::optional<int64_t>> TimeOf(const std::string& text) {
    if (text.empty()) return std::optional<int64_t>();
    int64_t micros = 0;
    bool has_zone = false;
    const auto parser = arrow::TimestampParser::MakeISO8601();
    if (!(*parser)(text.data(), text.size(), arrow::TimeUnit::MICRO, &micros, &has_zone)) {
      return Status::User(
          StatusCode::kInvalidArgument,
          "a timestamp in RFC 3339 is wanted, such as 2024-05-31T12:00:00Z, found `{}`", text);
    }
    return std::optional(micros / 1000);
  }

  std::string LogFile(int64_t version) const { return url_ + "_delta_log/" + CommitName(version); }

  Result<Commit> ReadCommit(int64_t version) {
    auto text = session_.GetObject(LogFile(version));
    if (!text.ok() && text.status().code() == StatusCode::kNotFound) {
      return Status::Environment(
                 StatusCode::kNotFound,
                 "the commit of version {} is wanted for the changes of a table, and "
                 "is not there any more: `{}`",
                 version, url_)
          .WithHint("begin at a later version: the log keeps commits for a time only");
    }
    if (!text.ok()) return text.status();
    Commit commit{.version = version};
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) continue;
      const Json action = Json::parse(line, nullptr, false);
      if (action.is_discarded()) {
        return Status::Environment(StatusCode::kCorrupt,
                                   "version {} of a table's log is damaged: `{}`", version, url_);
      }
      if (action.is_object()) Note(action, commit);
    }
    return commit;
  }

  static void Note(const Json& action, Commit& commit) {
    if (action.contains("commitInfo")) {
      const Json& info = action["commitInfo"];
      commit.timestamp_ms =
          NumberIn(info, "inCommitTimestamp", NumberIn(info, "timestamp", commit.timestamp_ms));
    }
    if (action.contains("metaData")) commit.records_changes = RecordsChanges(action["metaData"]);
    for (const auto& [kind, files] :
         {std::pair{"add", &commit.added}, std::pair{"remove", &commit.removed}}) {
      if (!action.contains(kind) || !ChangesData(action[kind])) continue;
      LoggedFile logged = FileIn(action[kind]);
      const std::string path = logged.file.path;
      files->insert_or_assign(path, std::move(logged));
    }
    if (action.contains("cdc")) commit.recorded.push_back(FileIn(action["cdc"]));
  }

  /// Whether the table recorded changes when commit `version` began.
  Result<bool> RecordsChangesAt(int64_t version) const {
    const auto before =
        engine::DeltaSnapshot::Open(session_, url_, std::max<int64_t>(version - 1, 0));
    const auto metadata = before.ok() ? before->metadata() : snapshot_.metadata();
    if (!metadata.ok()) return metadata.status();
    return RecordsChanges(Json::parse(*metadata, nullptr, false)).value_or(false);
  }

  Result<int64_t> FirstSince(int64_t time_ms, int64_t latest) {
    int64_t first = latest + 1;
    while (first > 0) {
      auto text = session_.GetObject(LogFile(first - 1));
      if (!text.ok() && text.status().code() == StatusCode::kNotFound) break;
      WEIR_ASSIGN_OR_RETURN(const Commit commit, ReadCommit(first - 1));
      if (commit.timestamp_ms < time_ms) break;
      --first;
    }
    return first;
  }

  Result<int64_t> LastUntil(int64_t time_ms, int64_t first, int64_t latest) {
    int64_t last = latest;
    for (; last >= first; --last) {
      WEIR_ASSIGN_OR_RETURN(const Commit commit, ReadCommit(last));
      if (commit.timestamp_ms <= time_ms) break;
    }
    return last;
  }

  Status AddChanges(const Commit& commit, bool records_changes, std::vector<ChangeFile>& files) {
    if (!commit.recorded.empty()) {
      for (const LoggedFile& recorded : commit.recorded)
        WEIR_RETURN_NOT_OK(Add(commit, recorded, "", {}, {}, files));
      return Status::OK();
    }
    if (!records_changes && !commit.added.empty() && !commit.removed.empty()) {
      return Status::User(StatusCode::kUnsupported,
                          "a table that records its changes is wanted, found one that did not in "
                          "version {}: `{}`",
                          commit.version, url_)
          .WithHint(
              "set its property `delta.enableChangeDataFeed` to `true`; what is committed "
              "from then on can be read");
    }
    for (const auto& [path, added] : commit.added) {
      const auto removed = commit.removed.find(path);
      if (removed == commit.removed.end()) {
        WEIR_RETURN_NOT_OK(Add(commit, added, "insert", added.file.deletion_vector, {}, files));
        continue;
      }
      // The same file with other rows deleted.
      const DeletionVector &before = removed->second.file.deletion_vector,
                           &after = added.file.deletion_vector;
      if (!after.storage_type.empty())
        WEIR_RETURN_NOT_OK(Add(commit, added, "delete", before, after, files));
      if (!before.storage_type.empty())
        WEIR_RETURN_NOT_OK(Add(commit, added, "insert", after, before, files));
    }
    for (const auto& [path, removed] : commit.removed) {
      if (commit.added.contains(path)) continue;
      WEIR_RETURN_NOT_OK(Add(commit, removed, "delete", removed.file.deletion_vector, {}, files));
    }
    return Status::OK();
  }

  Status Add(const Commit& commit, const LoggedFile& logged, const std::string& kind,
             const DeletionVector& without, const DeletionVector& within,
             std::vector<ChangeFile>& files) const {
    ChangeFile change{.file = logged.file,
                      .kind = kind,
                      .version = commit.version,
                      .timestamp_ms = commit.timestamp_ms,
                      .without = without,
                      .within = within};
    change.file.deletion_vector = {};
    if (!logged.has_partition && !snapshot_.partition_columns().empty()) {
      return Status::Environment(
          StatusCode::kUnsupported,
          "version {} of a table's log does not say to which partition a file "
          "belonged that it removed, hence its changes are not known: `{}`",
          commit.version, url_ + logged.file.path);
    }
    if (change.file.size_bytes < 0) {
      WEIR_ASSIGN_OR_RETURN(const auto found, session_.ListObjects(url_ + logged.file.path));
      if (found.size() == 1) change.file.size_bytes = found[0].size_bytes;
    }
    files.push_back(std::move(change));
    return Status::OK();
  }

  const engine::Session& session_;
  const std::string& url_;
  const engine::DeltaSnapshot& snapshot_;
};

}  // namespace

Result<ChangeFeed> ReadChangeFeed(const engine::Session& session, const std::string& url,
                                  const engine::DeltaSnapshot& snapshot, const ChangeBound& from,
                                  const ChangeBound& to) {
  return Reader(session, url, snapshot).Read(from, to);
}

}  // namespace weir
