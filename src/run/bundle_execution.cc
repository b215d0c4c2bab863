// SPDX-License-Identifier: Apache-2.0

#include "weir/run/bundle_execution.h"

#include <memory>
#include <optional>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "weir/bundle/lane.h"
#include "weir/bundle/write_layout.h"
#include "weir/delta/delta_commit.h"
#include "weir/plan/join_order.h"
#include "weir/plan/unstable_calls.h"
#include "weir/run/constraint_check.h"
#include "weir/run/operator_metrics.h"
#include "weir/run/partition_check.h"
#include "weir/run/view_hasher.h"
#include "weir/scan/table_estimates.h"
#include "weir/session/join_fallback.h"

namespace weir {

namespace {

/// What the scans among a plan's operators fetched of files.
int64_t BytesScanned(const std::string& metrics) {
  int64_t bytes = 0;
  for (const OperatorMetrics& one : ReadOperatorMetrics(metrics))
    bytes += one.scanned_bytes.value_or(0);
  return bytes;
}

/// What the plan's columns are called by which rows are sorted in the files.
std::vector<std::string> SortColumns(const PlanBundle& bundle) {
  std::vector<std::string> columns;
  for (const auto* names : {&bundle.partition_columns, &bundle.cluster_columns}) {
    for (const std::string& name : *names) {
      const int index = bundle.stored_schema->GetFieldIndex(name);
      if (index >= 0) columns.push_back(bundle.output_schema->field(index)->name());
    }
  }
  return columns;
}

/// Whether the bundle's result hangs on the time at which it is made.
bool AsksTheClock(const PlanBundle& bundle) {
  return std::ranges::any_of(
      bundle.functions, [](const RequiredFunction& function) { return IsOfClock(function.name); });
}

/// Makes a unit keep exactly the files that were recorded.
Status KeepRecorded(const std::set<std::string>& recorded, ScanUnit& unit) {
  std::vector<uint32_t> kept;
  int64_t bytes = 0;
  for (uint32_t file = 0; file < unit.files->size(); ++file) {
    if (!recorded.contains(std::string(unit.files->path(file)))) continue;
    kept.push_back(file);
    bytes += unit.files->size_bytes(file);
  }
  if (kept.size() != recorded.size()) {
    return Status(StatusCode::kConflict, Blame::kEnvironment,
                  fmt::format("version {} of `{}` is to have the {} files that the run read, found "
                              "{} of them",
                              unit.version, unit.table, recorded.size(), kept.size()));
  }
  if (kept == unit.kept) return Status::OK();
  unit.kept = std::move(kept);
  unit.kept_bytes = bytes;
  unit.kept_rows = -1;
  unit.pruned_files.clear();
  for (uint32_t file = 0, next = 0; file < unit.files->size(); ++file) {
    if (next < unit.kept.size() && unit.kept[next] == file) {
      ++next;
    } else {
      unit.pruned_files.push_back({.file = file, .reason = "the recorded run did not read it"});
    }
  }
  return Status::OK();
}

/// The tables of a bundle's scans, cut down to the files that are kept.
Result<std::vector<std::pair<uint32_t, engine::Table>>> BindScans(
    const PlanBundle& bundle, const TableLookup& lookup, const std::vector<ScanUnit>& units) {
  std::vector<std::pair<uint32_t, engine::Table>> bindings;
  // Scans of the same files read the same table: the engine runs what it reads of it once.
  std::map<std::pair<std::string, std::vector<uint32_t>>, engine::Table> pruned;
  for (const ScanUnit& unit : units) {
    const auto table = lookup(unit.table);
    if (!table || !table->table) {
      return Status::User(StatusCode::kNotFound, "the view reads a view that was never built: `{}`",
                          unit.table)
          .WithHint(fmt::format("run it too: --select +{}", bundle.view_name));
    }
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
  return bindings;
}

/// Into how many partitions a plan that reads so much is cut.
int PartitionsOf(const PlanBundle& bundle, const BundleRequest& request,
                 const std::vector<ScanUnit>& units, const SessionRuntime& session) {
  if (bundle.needs_one_partition) return 1;
  int64_t kept_bytes = 0;
  for (const ScanUnit& unit : units) kept_bytes += unit.kept_bytes;
  return session.PartitionsFor(kept_bytes, request.most_partitions);
}

/// How the joins of a bundle are executed that is best for the tables as they are.
struct OrderedBundle {
  std::optional<PlanBundle> bundle;  ///< with another order of joins; none: as it is
  JoinMethod joins = JoinMethod::kAsSet;
};

Result<OrderedBundle> OrderJoinsOf(const PlanBundle& bundle, const TableLookup& lookup,
                                   const std::vector<ScanUnit>& units) {
  OrderedBundle ordered;
  WEIR_ASSIGN_OR_RETURN(const TableEstimates tables, EstimateTables(bundle, lookup, units));
  auto [plan, has_sides] = OrderJoins(bundle.plan, tables);
  if (has_sides) ordered.joins = JoinMethod::kSidesAsWritten;
  if (plan == bundle.plan) return ordered;
  ordered.bundle = bundle;
  WEIR_ASSIGN_OR_RETURN(ordered.bundle->plan_proto, EncodePlan(*plan));
  ordered.bundle->plan = std::move(plan);
  return ordered;
}

/// Executes a plan with the engine that made it, and writes its result. May be called again where
/// it failed.
Status Write(const PlanBundle& bundle, const BundleRequest& request, const SessionRuntime& session,
             const engine::Session& engine, const engine::PhysicalPlan& physical,
             const engine::Cancellation& cancellation, ViewOutcome& outcome) {
  // Execution fills in the filters that joins find.
  WEIR_ASSIGN_OR_RETURN(outcome.physical_plan, physical.Display("indent"));
  WEIR_ASSIGN_OR_RETURN(
      const engine::WriteOptions options,
      WriteOptionsOf(request.table_url, bundle.partition_columns, bundle.properties));
  ViewHasher hasher(*bundle.stored_schema, request.readings, session.engine());
  PartitionCheck partitions(bundle);
  std::atomic<int64_t> rows = 0;
  const auto observer = [&](uint32_t, const arrow::RecordBatch& batch) {
    partitions.Look(batch);
    rows += batch.num_rows();
    if (request.rows_written != nullptr) *request.rows_written += batch.num_rows();
    return hasher.Add(batch);
  };
  WEIR_ASSIGN_OR_RETURN(const auto check,
                        ConstraintCheck::Prepare(bundle, session.engine(), request.now_us));
  engine::BatchSieve sieve;
  if (!check->empty()) sieve = [&](const auto& batch) { return check->Sieve(batch); };
  auto outcome_of_write =
      physical.Write(engine, options, bundle.stored_schema, observer, cancellation, sieve);
  const auto metrics = physical.Metrics();
  if (metrics.ok()) outcome.bytes_read += BytesScanned(*metrics);
  if (!outcome_of_write.ok() && request.rows_written != nullptr) *request.rows_written -= rows;
  WEIR_ASSIGN_OR_RETURN(auto written, std::move(outcome_of_write));
  outcome.constraints = check->outcomes();
  const Status of_constraints = check->Verdict(), of_partitions = partitions.Verdict();
  outcome.failed_at_partition = of_constraints.ok() && !of_partitions.ok();
  for (const Status& failed : {of_constraints, of_partitions, metrics.status()}) {
    if (failed.ok()) continue;
    RemoveDataFiles(session.engine(), options.root_url, written.files);
    return failed;
  }
  outcome.content = hasher.Finish();
  outcome.files = std::move(written.files);
  outcome.rows = written.rows;
  outcome.bytes_written = written.bytes;
  outcome.metrics_json = *metrics;
  return Status::OK();
}

}  // namespace

Result<engine::Plan> PlanOfBundle(const PlanBundle& bundle, bool by_lane, int64_t now_us,
                                  const std::vector<std::pair<uint32_t, engine::Table>>& scans,
                                  const SessionRuntime& session) {
  Lane lane;
  if (by_lane) {
    WEIR_ASSIGN_OR_RETURN(lane, ChooseLane(bundle, session));
  }
  WEIR_ASSIGN_OR_RETURN(auto plan, PlanFromLane(bundle, lane, session, scans));
  if (!AsksTheClock(bundle)) return plan;
  return std::move(plan).AtTime(session.engine(), now_us);
}

Status ExecuteBundle(const PlanBundle& bundle, const BundleRequest& request,
                     const SessionRuntime& session, const engine::Cancellation& cancellation,
                     ViewOutcome& outcome) {
  WEIR_ASSIGN_OR_RETURN(outcome.scan_units, DeriveScanUnits(bundle, request.lookup));
  for (ScanUnit& unit : outcome.scan_units) {
    const auto recorded = request.recorded_files.find(unit.scan_id);
    if (recorded != request.recorded_files.end())
      WEIR_RETURN_NOT_OK(KeepRecorded(recorded->second, unit));
  }
  WEIR_ASSIGN_OR_RETURN(const auto bindings, BindScans(bundle, request.lookup, outcome.scan_units));
  OrderedBundle ordered;
  if (!request.by_lane && session.orders_joins()) {
    WEIR_ASSIGN_OR_RETURN(ordered, OrderJoinsOf(bundle, request.lookup, outcome.scan_units));
  }
  WEIR_ASSIGN_OR_RETURN(auto plan,
                        PlanOfBundle(ordered.bundle ? *ordered.bundle : bundle, request.by_lane,
                                     request.now_us, bindings, session));
  if (!bundle.cluster_columns.empty()) {
    WEIR_ASSIGN_OR_RETURN(plan, std::move(plan).SortBy(SortColumns(bundle)));
  }
  const ExecutionOptions options{
      .partitions = PartitionsOf(bundle, request, outcome.scan_units, session),
      .may_have_more_partitions = !bundle.needs_one_partition,
      .joins = ordered.joins,
      .view_name = bundle.view_name};
  const auto write = [&](const engine::Session& engine, const engine::PhysicalPlan& physical) {
    return Write(bundle, request, session, engine, physical, cancellation, outcome);
  };
  JoinFallback done = ExecuteWithFallback(plan, session, options, write);
  outcome.hash_joins_failed = std::move(done.hash_joins_failed);
  return std::move(done.status);
}

}  // namespace weir
