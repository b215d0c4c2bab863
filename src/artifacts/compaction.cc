// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/compaction.h"

#include <algorithm>
#include <map>
#include <vector>

#include "weir/base/fingerprint.h"

namespace weir {

namespace {

constexpr int64_t kSmallFileBytes = 16 << 20;
/// Each has a writer of its own, all at once.
constexpr int kPartitionsAtATime = 64;

/// The small files of partitions that have many.
std::vector<DataFile> FilesToCompact(std::vector<DataFile> files, size_t least) {
  std::map<decltype(DataFile::partition_values), std::vector<DataFile>> by_partition;
  for (DataFile& file : files) {
    if (IsSmallFile(file.size_bytes, file.has_deletion_vector))
      by_partition[file.partition_values].push_back(std::move(file));
  }
  std::vector<DataFile> chosen;
  int partitions = 0;
  for (auto& [values, small] : by_partition) {
    if (small.size() < least || partitions == kPartitionsAtATime) continue;
    ++partitions;
    std::move(small.begin(), small.end(), std::back_inserter(chosen));
  }
  return chosen;
}

/// Rows of files, or -1 if they are not known of all.
int64_t RowsOf(const std::vector<DataFile>& files) {
  int64_t rows = 0;
  for (const DataFile& file : files) {
    if (file.rows < 0) return -1;
    rows += file.rows;
  }
  return rows;
}

Result<engine::WriteOutcome> Rewrite(const engine::Session& session, const engine::Table& table,
                                     const DeltaWriteSpec& spec) {
  // One file a partition, whatever the number of those that are read.
  WEIR_ASSIGN_OR_RETURN(const engine::Session single,
                        session.WithSettings({{"datafusion.execution.target_partitions", "1"}}));
  const std::string name =
      "_weir_compacted_" + FingerprintBuilder().Add("url", spec.table_url).Finish().ToString();
  WEIR_RETURN_NOT_OK(single.RegisterTable(name, table));
  WEIR_ASSIGN_OR_RETURN(engine::Plan plan,
                        engine::Plan::FromSql(single, "SELECT * FROM \"" + name + "\""));
  WEIR_ASSIGN_OR_RETURN(plan, std::move(plan).Optimize(single));
  WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(single, plan));
  engine::WriteOptions options;
  options.root_url = spec.table_url;
  options.partition_columns = spec.partition_columns;
  return physical.Write(single, options, spec.schema, {}, engine::Cancellation());
}

}  // namespace

bool IsSmallFile(int64_t size_bytes, bool has_deletion_vector) {
  return size_bytes < kSmallFileBytes && !has_deletion_vector;
}

Result<std::optional<CommitOutcome>> CompactTable(const engine::Session& session,
                                                  const std::string& table_url, size_t least,
                                                  int64_t now_ms) {
  WEIR_ASSIGN_OR_RETURN(const auto snapshot, engine::DeltaSnapshot::Open(session, table_url));
  WEIR_ASSIGN_OR_RETURN(std::vector<DataFile> files, snapshot.files());
  DeltaWriteSpec spec{.table_url = table_url,
                      .schema = {},
                      .partition_columns = snapshot.partition_columns(),
                      .mode = WriteMode::kCompact,
                      .added = {},
                      .compacted = FilesToCompact(std::move(files), least),
                      .app_id = {},
                      .timestamp_ms = now_ms,
                      // Rare, and not only by those who hold the warehouse's lock.
                      .durability = CommitDurability::kWhole};
  if (spec.compacted.size() < 2) return std::optional<CommitOutcome>();
  WEIR_ASSIGN_OR_RETURN(spec.schema, snapshot.schema());
  std::vector<std::string> paths;
  for (const DataFile& file : spec.compacted) paths.push_back(file.path);
  WEIR_ASSIGN_OR_RETURN(const engine::Table all, snapshot.AsTable(session, table_url));
  WEIR_ASSIGN_OR_RETURN(const engine::Table small, all.WithPaths(paths));
  WEIR_ASSIGN_OR_RETURN(auto written, Rewrite(session, small, spec));
  const int64_t rows = RowsOf(spec.compacted);
  if (rows >= 0 && rows != written.rows) {
    RemoveDataFiles(session, table_url, written.files);
    return Status::Bug("{} rows were to be put together, found {}: `{}`", rows, written.rows,
                       table_url);
  }
  spec.added = std::move(written.files);
  WEIR_ASSIGN_OR_RETURN(const CommitOutcome committed, CommitWrite(session, spec));
  return std::optional(committed);
}

}  // namespace weir
