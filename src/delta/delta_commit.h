// SPDX-License-Identifier: Apache-2.0
//
// The one atomic commit of a write, and the last one that was made.
// In: data files that are already written, and what they mean. Out: one new version, or the finding
// that it was made before. A commit is idempotent: its application transaction (the view's id, the
// run's epoch) is looked for first.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/delta/delta_log.h"
#include "weir/engine/data_file.h"
#include "weir/engine/engine.h"

namespace weir {

enum class WriteMode {
  kOverwrite,  ///< the new files replace all others
  kAppend,
  kCompact,  ///< the new files hold the rows of those in `compacted`: no data changes
};

/// What an overwrite changes, row by row.
struct RowDifference {
  int64_t since = -1;  ///< the version that the new rows were compared with
  /// Change data files, below `_change_data/`; none if the table keeps the same rows.
  std::vector<DataFile> files;
};

struct DeltaWriteSpec {
  std::string table_url;  ///< with trailing slash
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::string> partition_columns;
  WriteMode mode = WriteMode::kOverwrite;
  std::vector<DataFile> added;
  std::vector<DataFile> compacted;  ///< of kCompact; the commit fails where one is gone meanwhile
  /// Of kOverwrite: goes into the commit if that follows the version it was compared with. Else the
  /// files that go and come tell what changed, as they do without it.
  std::optional<RowDifference> difference;
  std::string app_id;  ///< of the application transaction; empty: none is recorded
  int64_t epoch = 0;   ///< its version; a commit with this or a later one counts as made
  /// Recorded in commitInfo under "weir", as it is.
  std::map<std::string, std::string> metadata;
  std::string comment;
  std::map<std::string, std::string> properties;
  int64_t timestamp_ms = 0;
  CommitDurability durability = CommitDurability::kLater;
};

struct CommitOutcome {
  int64_t version = -1;
  bool already_committed = false;
};

/// Fails with kConflict when other writers kept being first, or replaced what was compacted, with
/// kUnsupported, naming it, where the table or a property of `spec` needs a feature of Delta that
/// Weir does not write, with the store's error otherwise; then nothing has changed. What was
/// written for a commit that was not made, or was made before, is removed, but not where a store's
/// answer did not come: that commit may arrive yet.
Result<CommitOutcome> CommitWrite(const engine::Session& session, const DeltaWriteSpec& spec);

/// Removes data files that no commit names. What cannot be removed is left for `weir gc` to find.
void RemoveDataFiles(const engine::Session& session, const std::string& table_url,
                     const std::vector<DataFile>& files);

/// Whether a commit that failed may be made yet: a put whose answer did not come may still be on
/// its way to the store, and names files, which are then left where they are.
bool MayStillArrive(const Status& failed, const std::string& table_url);

/// The newest commit that changed a table's data.
struct LastCommit {
  int64_t version = -1;        ///< of that commit
  int64_t table_version = -1;  ///< latest, maintenance included
  /// The newest that holds the same rows in the same columns: `table_version`, unless maintenance
  /// changed what the table is, else `version`.
  int64_t read_version = -1;
  std::map<std::string, std::string>
      metadata;        ///< what a DeltaWriteSpec recorded; empty if somebody else wrote it
  std::string engine;  ///< who wrote it, as its commitInfo says; may be empty
  /// The table's data files by their paths in it, decoded, as far as this commit and those after it
  /// tell: all of them, if it is one of Weir's overwrites.
  std::vector<std::string> files;
};

/// nullopt if there is no table. Reads single commits, no snapshot.
Result<std::optional<LastCommit>> ReadLastCommit(const engine::Session& session,
                                                 const std::string& table_url);

/// What a DeltaWriteSpec recorded in the commit of a version; empty if somebody else made it.
/// nullopt where the log has that commit no more.
Result<std::optional<std::map<std::string, std::string>>> ReadCommitMetadata(
    const engine::Session& session, const std::string& table_url, int64_t version);

/// What a commit must know of the version that it follows.
struct TableState {
  std::vector<DataFile> files;       ///< active; not needed for kAppend
  std::string metadata;              ///< the metaData action as JSON
  std::string protocol;              ///< the protocol action as JSON
  int64_t transaction_version = -1;  ///< of the spec's application transaction
};
using TableAt = std::function<Result<TableState>(int64_t version)>;

/// CommitWrite and ReadLastCommit over any log.
Result<CommitOutcome> CommitTo(const DeltaLog& log, const DeltaWriteSpec& spec,
                               const TableAt& table_at);
Result<std::optional<LastCommit>> ReadLastCommitFrom(const DeltaLog& log);

}  // namespace weir
