// SPDX-License-Identifier: Apache-2.0
//
// What is to be done with one table. In: its files, its log, the versions that are kept. Out:
// actions, each with its reason. Changes nothing.

#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/delta/table_files.h"
#include "weir/delta/table_history.h"

namespace weir {

enum class UpkeepKind {
  kRemoveFile,        ///< of data, or of changes
  kRemoveLog,         ///< a commit, checkpoint or checksum below the checkpoint that is kept
  kDropTable,         ///< of a view that is no more
  kSeeRemovedView,    ///< noted for the first time
  kAwaitRemovedView,  ///< noted before; not yet dropped
  kCompact,           ///< small files are put together
  kWriteCheckpoint,
};

/// "remove_file", "remove_log", "drop_table", "see_removed_view", "await_removed_view", "compact"
/// or "write_checkpoint".
std::string_view ToString(UpkeepKind kind);
/// Whether its bytes are given back.
bool IsRemoval(UpkeepKind kind);

struct UpkeepAction {
  UpkeepKind kind = UpkeepKind::kRemoveFile;
  std::string table;  ///< as WarehouseTable::name
  std::string url;    ///< of the table
  std::string path;   ///< in the table's folder; empty: the table as a whole
  int64_t version = -1;
  int64_t files = 1;
  int64_t bytes = 0;
  std::string reason;
};

/// A table and what was read of it.
struct ReadTable {
  std::string name;
  std::string url;
  std::vector<StoredFile> files;
  TableHistory history;
};

/// Files that no version names, and, if `kept` is not null, data and changes that only other
/// versions hold. Everything that is neither Parquet nor left by a killed writer stays.
std::vector<UpkeepAction> PlanFiles(const ReadTable& table, const std::set<int64_t>* kept);

/// Paths of the files that a checkpoint says a version holds, decoded.
using CheckpointFiles = std::function<Result<std::set<std::string>>(int64_t version)>;

/// Objects of the log that no kept version needs: all before the last checkpoint up to which all is
/// old enough (`delta.logRetentionDuration`), and which says the same as the log. Fails where that
/// cannot be told; then the log stays as it is.
Result<std::vector<UpkeepAction>> PlanLog(const ReadTable& table, const std::set<int64_t>& kept,
                                          int64_t now_us, const CheckpointFiles& checkpoint_files);

/// More commits after the last checkpoint make a new one worth while; each tenth commit of Weir has
/// one of its own.
inline constexpr int64_t kLongTail = 10;
/// So many small files of one partition are put together.
inline constexpr size_t kManySmallFiles = 10;

/// A checkpoint after a long tail; small files that are many.
std::vector<UpkeepAction> PlanReading(const ReadTable& table);

}  // namespace weir
