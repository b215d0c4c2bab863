// SPDX-License-Identifier: Apache-2.0

#include "weir/session/join_fallback.h"

#include <algorithm>
#include <utility>

#include <arrow/record_batch.h>

#include "weir/base/log.h"

namespace weir {

namespace {

/// Rows of which the first batch, or the failure in its place, was read already.
class BegunReader final : public arrow::RecordBatchReader {
 public:
  explicit BegunReader(std::shared_ptr<arrow::RecordBatchReader> rest) : rest_(std::move(rest)) {}

  const arrow::Status& Begin() {
    begun_ = true;
    status_ = rest_->ReadNext(&first_);
    return status_;
  }

  std::shared_ptr<arrow::Schema> schema() const override { return rest_->schema(); }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    if (!std::exchange(begun_, false)) return rest_->ReadNext(batch);
    *batch = std::move(first_);
    return status_;
  }

 private:
  const std::shared_ptr<arrow::RecordBatchReader> rest_;
  bool begun_ = false;
  std::shared_ptr<arrow::RecordBatch> first_;
  arrow::Status status_;
};

bool HasHashJoins(const engine::PhysicalPlan& physical) {
  const auto operators = physical.Display("indent");
  return operators.ok() && operators->find("HashJoinExec") != std::string::npos;
}

}  // namespace

JoinFallback ExecuteWithFallback(const engine::Plan& optimized, const SessionRuntime& session,
                                 const ExecutionOptions& options, const PlanExecution& execute) {
  bool may_fall_back = options.may_have_more_partitions && session.falls_back_to_sort_merge();
  const auto attempt = [&](int partitions, JoinMethod joins) -> Status {
    WEIR_ASSIGN_OR_RETURN(const engine::Session* shared, session.EngineOf(partitions, joins));
    const engine::Session engine =
        options.view_name.empty() ? *shared : shared->NotingFor(options.view_name);
    WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(engine, optimized));
    Status executed = execute(engine, physical);
    may_fall_back =
        may_fall_back && executed.code() == StatusCode::kOutOfMemory && HasHashJoins(physical);
    return executed;
  };
  const Status by_hash = attempt(options.partitions, options.joins);
  if (by_hash.ok() || !may_fall_back) return {.status = by_hash, .hash_joins_failed = {}};
  Log(LogLevel::kInfo, "hash joins found no memory, rows are sorted and merged",
      {{"reason", by_hash.message()}});
  // The engine merges sorted rows only where there are several partitions.
  const Status by_sorting = attempt(std::max(2, options.partitions), JoinMethod::kSortMerge);
  // Some keys cannot be sorted.
  if (by_sorting.code() == StatusCode::kPlanFailed || by_sorting.code() == StatusCode::kUnsupported)
    return {.status = by_hash, .hash_joins_failed = {}};
  return {.status = by_sorting, .hash_joins_failed = by_hash};
}

Result<std::shared_ptr<arrow::RecordBatchReader>> ExecuteQuery(
    const engine::Plan& optimized, const SessionRuntime& session,
    const engine::Cancellation& cancellation) {
  std::shared_ptr<BegunReader> rows;
  const auto begin = [&](const engine::Session& engine, const engine::PhysicalPlan& physical) {
    rows.reset();  // what has failed holds memory
    WEIR_ASSIGN_OR_RETURN(auto reader, physical.Execute(engine, cancellation));
    rows = std::make_shared<BegunReader>(std::move(reader));
    return engine::FromStreamFailure(rows->Begin());
  };
  const int partitions = session.own_partitions().value_or(session.threads());
  const JoinFallback done =
      ExecuteWithFallback(optimized, session, {.partitions = partitions}, begin);
  // What fails with the first row fails where rows are read.
  if (!done.status.ok() && !rows) return done.status;
  return std::shared_ptr<arrow::RecordBatchReader>(std::move(rows));
}

}  // namespace weir
