// SPDX-License-Identifier: Apache-2.0

#include "weir/run/view_execution.h"

#include <algorithm>
#include <map>
#include <utility>

#include <arrow/type.h>
#include <nlohmann/json.hpp>

#include "weir/bundle/lane.h"
#include "weir/bundle/write_layout.h"
#include "weir/delta/delta_commit.h"
#include "weir/run/constraint_check.h"
#include "weir/run/partition_check.h"

namespace weir {

namespace {

/// What the scans among a plan's operators fetched of files.
int64_t BytesScanned(const std::string& metrics) {
  int64_t bytes = 0;
  for (const auto& node : nlohmann::json::parse(metrics, nullptr, /*allow_exceptions=*/false)) {
    const auto scanned = node.find("bytes_scanned");
    if (scanned != node.end() && scanned->is_number()) bytes += scanned->get<int64_t>();
  }
  return bytes;
}

}  // namespace

std::vector<std::string> ViewExecution::SortColumns() const {
  std::vector<std::string> columns;
  for (const auto* names : {&bundle_.partition_columns, &bundle_.cluster_columns}) {
    for (const std::string& name : *names) {
      const int index = bundle_.stored_schema->GetFieldIndex(name);
      if (index >= 0) columns.push_back(bundle_.output_schema->field(index)->name());
    }
  }
  return columns;
}

Status ViewExecution::Write(const TableLookup& lookup, bool by_lane, int most_partitions,
                            ViewOutcome& outcome) {
  WEIR_ASSIGN_OR_RETURN(outcome.scan_units, DeriveScanUnits(bundle_, lookup));
  std::vector<std::pair<uint32_t, engine::Table>> bindings;
  // Scans of the same files read the same table: the engine runs what it reads of it once.
  std::map<std::pair<std::string, std::vector<uint32_t>>, engine::Table> pruned;
  int64_t kept_bytes = 0;
  for (const ScanUnit& unit : outcome.scan_units) {
    const auto table = lookup(unit.table);
    if (!table || !table->table) {
      return Status::User(StatusCode::kNotFound, "the view reads a view that was never built: `{}`",
                          unit.table)
          .WithHint(fmt::format("run it too: --select +{}", bundle_.view_name));
    }
    kept_bytes += unit.kept_bytes;
    engine::Table read = *table->table;
    if (!unit.pruned_files.empty()) {
      const auto [known, is_new] = pruned.try_emplace({unit.table, unit.kept}, read);
      if (is_new) {
        std::vector<std::string> paths;
        paths.reserve(unit.kept.size());
        for (const uint32_t file : unit.kept) paths.emplace_back(unit.files->path(file));
        WEIR_ASSIGN_OR_RETURN(known->second, table->table->WithPaths(paths));
      }
      read = known->second;
    }
    bindings.emplace_back(static_cast<uint32_t>(unit.scan_id), std::move(read));
  }
  Lane lane;
  if (by_lane) {
    WEIR_ASSIGN_OR_RETURN(lane, ChooseLane(bundle_, session_));
  }
  WEIR_ASSIGN_OR_RETURN(auto plan, PlanFromLane(bundle_, lane, session_, bindings));
  if (!bundle_.cluster_columns.empty()) {
    WEIR_ASSIGN_OR_RETURN(plan, std::move(plan).SortBy(SortColumns()));
  }
  const int cuts =
      bundle_.needs_one_partition ? 1 : session_.PartitionsFor(kept_bytes, most_partitions);
  WEIR_ASSIGN_OR_RETURN(const engine::Session* engine, session_.EngineOf(cuts));
  WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(*engine, plan));
  // Execution fills in the filters that joins find.
  WEIR_ASSIGN_OR_RETURN(outcome.physical_plan, physical.Display("indent"));
  WEIR_ASSIGN_OR_RETURN(const engine::WriteOptions options,
                        WriteOptionsOf(TableUrl(session_.warehouse_url(), bundle_.view_name),
                                       bundle_.partition_columns, bundle_.properties));
  PartitionCheck partitions(bundle_);
  const auto observer = [&](uint32_t, const arrow::RecordBatch& batch) {
    partitions.Look(batch);
    return hasher_.Add(batch);
  };
  WEIR_ASSIGN_OR_RETURN(const auto check, ConstraintCheck::Prepare(bundle_, session_.engine()));
  engine::BatchSieve sieve;
  if (!check->empty()) sieve = [&](const auto& batch) { return check->Sieve(batch); };
  auto outcome_of_write =
      physical.Write(*engine, options, bundle_.stored_schema, observer, cancellation_, sieve);
  const auto metrics = physical.Metrics();
  if (metrics.ok()) outcome.bytes_read = BytesScanned(*metrics);
  WEIR_ASSIGN_OR_RETURN(auto written, std::move(outcome_of_write));
  outcome.constraints = check->outcomes();
  const Status of_constraints = check->Verdict(), of_partitions = partitions.Verdict();
  outcome.failed_at_partition = of_constraints.ok() && !of_partitions.ok();
  for (const Status& failed : {of_constraints, of_partitions, metrics.status()}) {
    if (failed.ok()) continue;
    RemoveDataFiles(session_.engine(), options.root_url, written.files);
    return failed;
  }
  outcome.content = hasher_.Finish();
  outcome.files = std::move(written.files);
  outcome.rows = written.rows;
  outcome.bytes_written = written.bytes;
  outcome.metrics_json = *metrics;
  return Status::OK();
}

}  // namespace weir
