// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/compaction.h"

#include <algorithm>

#include "weir/base/fingerprint.h"

namespace weir {

namespace {

/// Reading one costs more for opening it than for its rows.
constexpr int64_t kSmallFileBytes = 16 << 20;

std::vector<DataFile> SmallFiles(std::vector<DataFile> files) {
  std::erase_if(files, [](const DataFile& file) {
    return file.size_bytes >= kSmallFileBytes || file.has_deletion_vector;
  });
  return files;
}

Result<engine::WriteOutcome> Rewrite(const engine::Session& session, const engine::Table& table,
                                     const DeltaWriteSpec& spec) {
  // One file, whatever the number of those that are read.
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
  return physical.Write(single, options, spec.schema, {}, engine::Cancellation());
}

}  // namespace

Status CompactTable(const engine::Session& session, DeltaWriteSpec appended) {
  const std::string& url = appended.table_url;
  WEIR_ASSIGN_OR_RETURN(const auto snapshot, engine::DeltaSnapshot::Open(session, url));
  WEIR_ASSIGN_OR_RETURN(std::vector<DataFile> files, snapshot.files());
  appended.compacted = SmallFiles(std::move(files));
  if (appended.compacted.size() < 2) return Status::OK();
  std::vector<std::string> paths;
  for (const DataFile& file : appended.compacted) paths.push_back(file.path);
  WEIR_ASSIGN_OR_RETURN(const engine::Table all, snapshot.AsTable(session, url));
  WEIR_ASSIGN_OR_RETURN(const engine::Table small, all.WithPaths(paths));
  WEIR_ASSIGN_OR_RETURN(auto written, Rewrite(session, small, appended));
  appended.mode = WriteMode::kCompact;
  appended.app_id.clear();
  appended.added = std::move(written.files);
  return CommitWrite(session, appended).status();
}

}  // namespace weir
