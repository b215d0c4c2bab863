// SPDX-License-Identifier: Apache-2.0
//
// A table's log as a whole: its versions, and from which version to which each file is part of the
// table. In: the commits, and what holds where they begin. Out: which files a set of versions
// needs.
//
//   version   0    1    2    3    4
//   a.parquet ├─────────┤              in 0 and 1, replaced by version 2
//   b.parquet           ├───────────▶  from 2 on

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/delta/delta_commit.h"
#include "weir/delta/delta_log.h"
#include "weir/delta/table_files.h"

namespace weir {

/// One commit, as far as upkeep is concerned.
struct TableVersion {
  int64_t version = 0;
  int64_t time_ms = 0;  ///< as its writer says, else of its log object
  /// Whether it changes rows, or is one that Weir recorded a build with.
  bool is_build = false;
  std::map<std::string, std::string>
      recorded;          ///< those keys of commitInfo.weir that were asked for
  bool is_ours = false;  ///< Weir made it
};

/// A file that versions of the table name, or named.
struct NamedFile {
  std::string path;  ///< decoded
  int64_t size_bytes = 0;
  std::string partition;  ///< its values as text: equal for files of one partition
  bool has_deletion_vector = false;
  /// Versions that hold it, the end of each range excluded; ascending. Empty: removals alone name
  /// it.
  std::vector<std::pair<int64_t, int64_t>> ranges;
  int64_t changes_of = -1;  ///< of change data: the version whose changes it holds

  bool IsIn(int64_t version) const;
};

class TableHistory {
 public:
  /// `recorded`: keys of commitInfo.weir to keep. `files`: of the table's folder, listed before;
  /// tells which checkpoints there are. `table_at`: what a version holds, for a log that begins
  /// with a checkpoint. Fails with kCorrupt where a commit is missing or damaged.
  static Result<TableHistory> Read(const DeltaLog& log, const std::string& table_url,
                                   const std::vector<StoredFile>& files,
                                   const std::set<std::string>& recorded, const TableAt& table_at);

  /// -1: there is no table.
  int64_t latest() const { return latest_; }
  /// The first version that can be read: -1 if there is none.
  int64_t first() const { return first_; }
  /// Whether the log still tells what the version holds.
  bool IsReadable(int64_t version) const { return version >= first_ && version <= latest_; }
  /// Those with a commit, ascending; some may be before `first()`.
  const std::vector<TableVersion>& versions() const { return versions_; }
  const TableVersion* Find(int64_t version) const;
  /// The last build up to a version; null if no commit tells of one.
  const TableVersion* BuildAt(int64_t version) const;
  /// Versions with a whole checkpoint of one file; ascending.
  const std::vector<int64_t>& checkpoints() const { return checkpoints_; }
  /// Of the latest version, as the log has it: "delta.logRetentionDuration" …
  std::string PropertyOf(const std::string& key) const;
  /// Milliseconds of a property such as "interval 7 days": nothing if it is not set, the largest
  /// number if it cannot be understood.
  std::optional<int64_t> DurationOf(const std::string& key) const;

  const std::vector<NamedFile>& files() const { return files_; }
  /// The files that a stored file may be, however its name is spelled in the log; most often one or
  /// none.
  std::vector<const NamedFile*> Named(const std::string& stored_path) const;

 private:
  class Reader;

  int64_t first_ = -1, latest_ = -1;
  std::vector<TableVersion> versions_;
  std::vector<int64_t> checkpoints_;
  std::map<std::string, std::string> properties_;
  std::vector<NamedFile> files_;
  std::unordered_map<std::string, std::vector<size_t>> by_spelling_;
};

/// Milliseconds of "interval 2 weeks 3 days", as Delta writes durations; nothing for another text.
std::optional<int64_t> ParseDeltaInterval(std::string_view text);

}  // namespace weir
