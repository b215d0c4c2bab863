// SPDX-License-Identifier: Apache-2.0

#include "weir/upkeep/table_upkeep.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "weir/artifacts/compaction.h"
#include "weir/base/percent_text.h"
#include "weir/catalog/delta_names.h"

namespace weir {

namespace {

UpkeepAction ActionOf(const ReadTable& table, UpkeepKind kind) {
  return {.kind = kind, .table = table.name, .url = table.url};
}

UpkeepAction Removal(const ReadTable& table, const StoredFile& file, std::string reason) {
  UpkeepAction action = ActionOf(table, UpkeepKind::kRemoveFile);
  action.path = file.path;
  action.bytes = file.size_bytes;
  action.reason = std::move(reason);
  return action;
}

std::string Count(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

/// "version 3", "versions 2 to 4".
std::string VersionsText(const std::vector<std::pair<int64_t, int64_t>>& ranges) {
  const int64_t first = ranges.front().first, last = ranges.back().second - 1;
  if (first == last) return fmt::format("version {}", first);
  return fmt::format("versions {} to {}", first, last);
}

/// Why a file of data may go; nothing where a kept version holds it.
std::optional<std::string> WhyUnneeded(const std::vector<const NamedFile*>& named,
                                       const std::set<int64_t>& kept) {
  for (const NamedFile* file : named) {
    // A file of changes belongs to its one version, all others to the ranges that hold them.
    if (file->changes_of >= 0 && (kept.empty() || file->changes_of >= *kept.begin()))
      return std::nullopt;
    for (const auto& [from, to] : file->ranges) {
      const auto needed = kept.lower_bound(from);
      if (needed != kept.end() && *needed < to) return std::nullopt;
    }
  }
  const NamedFile& file = *named.front();
  if (file.changes_of >= 0)
    return fmt::format("changes of version {}, which is before all that are kept", file.changes_of);
  if (file.ranges.empty()) return "only versions that the log no longer tells hold it";
  return fmt::format("no version that is kept holds it, only {}", VersionsText(file.ranges));
}

bool IsOfData(const std::string& path) {
  return !path.starts_with(kLogFolder) && path.ends_with(".parquet");
}

/// Whether an object of a log goes with the commits before a checkpoint.
bool GoesWithCommits(const LogObjectName& name) {
  if (name.is_commit() || name.rest == ".crc") return true;
  return name.rest.starts_with(".checkpoint.") && name.rest.ends_with(".parquet");
}

/// The first version that is too young to be left out of the log.
int64_t FirstYoung(const TableHistory& history, int64_t now_us) {
  const auto duration = history.DurationOf("delta.logRetentionDuration");
  if (!duration) return std::numeric_limits<int64_t>::max();
  const int64_t now_ms = now_us / 1000;
  for (const TableVersion& commit : history.versions()) {
    if (*duration > now_ms || commit.time_ms > now_ms - *duration) return commit.version;
  }
  return std::numeric_limits<int64_t>::max();
}

}  // namespace

std::string_view ToString(UpkeepKind kind) {
  switch (kind) {
    case UpkeepKind::kRemoveFile:
      return "remove_file";
    case UpkeepKind::kRemoveLog:
      return "remove_log";
    case UpkeepKind::kDropTable:
      return "drop_table";
    case UpkeepKind::kSeeRemovedView:
      return "see_removed_view";
    case UpkeepKind::kAwaitRemovedView:
      return "await_removed_view";
    case UpkeepKind::kCompact:
      return "compact";
    case UpkeepKind::kWriteCheckpoint:
      return "write_checkpoint";
  }
  return "";
}

bool IsRemoval(UpkeepKind kind) {
  return kind == UpkeepKind::kRemoveFile || kind == UpkeepKind::kRemoveLog ||
         kind == UpkeepKind::kDropTable;
}

std::vector<UpkeepAction> PlanFiles(const ReadTable& table, const std::set<int64_t>* kept) {
  std::vector<UpkeepAction> actions;
  for (const StoredFile& file : table.files) {
    if (IsUnfinished(file.path)) {
      actions.push_back(Removal(table, file, "a writer was killed over it"));
      continue;
    }
    // Of a log everything else is somebody's; Delta keeps deletion vectors beside the data.
    if (!IsOfData(file.path)) continue;
    const auto named = table.history.Named(file.path);
    if (named.empty()) {
      actions.push_back(Removal(table, file, "no version names it"));
    } else if (kept != nullptr) {
      if (auto reason = WhyUnneeded(named, *kept))
        actions.push_back(Removal(table, file, *std::move(reason)));
    }
  }
  return actions;
}

Result<std::vector<UpkeepAction>> PlanLog(const ReadTable& table, const std::set<int64_t>& kept,
                                          int64_t now_us, const CheckpointFiles& checkpoint_files) {
  std::vector<UpkeepAction> actions;
  const TableHistory& history = table.history;
  if (kept.empty()) return actions;
  int64_t needed = std::min(*kept.begin(), FirstYoung(history, now_us));
  // What the last build recorded decides whether the next run builds; what those of kept versions
  // did says what they read.
  for (const int64_t version : kept) {
    if (const TableVersion* build = history.BuildAt(version))
      needed = std::min(needed, build->version);
  }
  const auto& checkpoints = history.checkpoints();
  const auto above = std::upper_bound(checkpoints.begin(), checkpoints.end(), needed);
  if (above == checkpoints.begin()) return actions;
  const int64_t base = *std::prev(above);
  for (const StoredFile& file : table.files) {
    if (!file.path.starts_with(kLogFolder)) continue;
    const auto name = ReadLogObjectName(std::string_view(file.path).substr(kLogFolder.size()));
    if (!name || name->version >= base || !GoesWithCommits(*name)) continue;
    UpkeepAction action = ActionOf(table, UpkeepKind::kRemoveLog);
    action.path = file.path;
    action.version = name->version;
    action.bytes = file.size_bytes;
    action.reason =
        fmt::format("the checkpoint of version {} says the same, and no version before {} is kept",
                    base, needed);
    actions.push_back(std::move(action));
  }
  if (actions.empty()) return actions;
  std::stable_sort(actions.begin(), actions.end(),
                   [](const auto& a, const auto& b) { return a.version < b.version; });
  WEIR_ASSIGN_OR_RETURN(const std::set<std::string> found, checkpoint_files(base));
  std::set<std::string> wanted;
  for (const NamedFile& file : history.files()) {
    if (file.IsIn(base)) wanted.insert(file.path);
  }
  if (found != wanted) {
    return Status::Environment(StatusCode::kCorrupt,
                               "the checkpoint of version {} holds other files than the log: `{}`",
                               base, table.url)
        .WithHint("its log is left as it is; remove that checkpoint");
  }
  return actions;
}

std::vector<UpkeepAction> PlanReading(const ReadTable& table) {
  std::vector<UpkeepAction> actions;
  const TableHistory& history = table.history;
  if (history.latest() < 0) return actions;
  std::map<std::string, std::pair<size_t, int64_t>> small;  // files and bytes of each partition
  for (const NamedFile& file : history.files()) {
    if (!file.IsIn(history.latest()) || !IsSmallFile(file.size_bytes, file.has_deletion_vector))
      continue;
    auto& [count, bytes] = small[file.partition];
    ++count;
    bytes += file.size_bytes;
  }
  UpkeepAction compact = ActionOf(table, UpkeepKind::kCompact);
  compact.version = history.latest();
  compact.files = 0;
  int64_t partitions = 0;
  for (const auto& [partition, of_partition] : small) {
    if (of_partition.first < kManySmallFiles) continue;
    ++partitions;
    compact.files += static_cast<int64_t>(of_partition.first);
    compact.bytes += of_partition.second;
  }
  if (partitions > 0) {
    compact.reason = partitions == 1 ? fmt::format("{} small files", compact.files)
                                     : fmt::format("{} small files in {}", compact.files,
                                                   Count(partitions, "partition"));
    actions.push_back(std::move(compact));
  }
  const int64_t checkpoint = history.checkpoints().empty() ? -1 : history.checkpoints().back();
  const int64_t tail = history.latest() - std::max(checkpoint, history.first() - 1);
  if (tail > kLongTail) {
    UpkeepAction action = ActionOf(table, UpkeepKind::kWriteCheckpoint);
    action.version = history.latest();
    action.reason = fmt::format("{} since the last checkpoint", Count(tail, "commit"));
    actions.push_back(std::move(action));
  }
  return actions;
}

}  // namespace weir
