// SPDX-License-Identifier: Apache-2.0
//
// One commit to a table that others write too. In: the version that a statement read, and the files
// that it takes away and brings. Out: one new version, or the commit of somebody else that the
// statement did not see: then nothing has changed, and the statement is to be run anew.
//
// What another writer did meanwhile is passed over only where the statement could as well have run
// before it: rows that were appended without reading any, and maintenance of other files. The
// versions of a table are then those of some order of its statements one after the other.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/delta/delta_log.h"
#include "weir/engine/data_file.h"
#include "weir/engine/engine.h"

namespace weir {

struct TableChange {
  std::string table_url;      ///< with trailing slash
  int64_t read_version = -1;  ///< that the statement read; -1: there was no table
  std::string operation;      ///< for commitInfo: "DELETE", "MERGE" …
  std::vector<std::pair<std::string, std::string>> parameters;  ///< of the operation
  std::vector<std::pair<std::string, int64_t>> metrics;
  bool is_blind_append = false;      ///< only `added`, whatever the table holds
  std::vector<std::string> head;     ///< protocol and metaData actions as JSON
  std::vector<DataFile> removed;     ///< as the snapshot of `read_version` has them
  std::vector<DataFile> added;       ///< already written
  std::vector<DataFile> changes;     ///< change data files, below `_change_data/`
  int64_t checkpoint_interval = 10;  ///< commits from one checkpoint to the next
  int64_t timestamp_ms = 0;
};

/// The commit of another writer that stands in the way.
struct ForeignCommit {
  int64_t version = -1;
  std::string operation;  ///< as its commitInfo says; may be empty
};

struct ChangeOutcome {
  int64_t version = -1;                ///< of the commit; -1 if none was made
  std::optional<ForeignCommit> other;  ///< why not
  Status durable;                      ///< whether the commit is on the disk of a local folder
};

/// Makes the commit. In a local folder a power cut leaves it whole or not at all. Fails with the
/// store's error; then no commit was made. Written files stay where they are in any case.
Result<ChangeOutcome> CommitChange(const engine::Session& session, const TableChange& change);

/// The same over any log, without checkpoints.
Result<ChangeOutcome> CommitChangeTo(const DeltaLog& log, const TableChange& change);

}  // namespace weir
