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

}  // namespace

JoinFallback ExecuteWithFallback(const SessionRuntime& session, int partitions,
                                 const PlanExecution& execute) {
  std::string operators;
  const auto attempt = [&](const Result<const engine::Session*>& engine) {
    return engine.ok() ? execute(**engine, operators) : engine.status();
  };
  const Status by_hash = attempt(session.EngineOf(partitions));
  if (by_hash.code() != StatusCode::kOutOfMemory || !session.falls_back_to_sort_merge() ||
      operators.find("HashJoinExec") == std::string::npos)
    return {.status = by_hash, .hash_joins_failed = {}};
  Log(LogLevel::kInfo, "hash joins found no memory, rows are sorted and merged",
      {{"reason", by_hash.message()}});
  // The engine merges sorted rows only where there are several partitions.
  const Status by_sorting =
      attempt(session.EngineOf(std::max(2, partitions), JoinMethod::kSortMerge));
  // Some keys cannot be sorted.
  if (by_sorting.code() == StatusCode::kPlanFailed || by_sorting.code() == StatusCode::kUnsupported)
    return {.status = by_hash, .hash_joins_failed = {}};
  return {.status = by_sorting, .hash_joins_failed = by_hash};
}

Result<std::shared_ptr<arrow::RecordBatchReader>> ExecuteQuery(
    const engine::Plan& optimized, const SessionRuntime& session,
    const engine::Cancellation& cancellation) {
  std::shared_ptr<BegunReader> rows;
  const auto execute = [&](const engine::Session& engine, std::string& operators) {
    rows.reset();  // what has failed holds memory
    WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(engine, optimized));
    WEIR_ASSIGN_OR_RETURN(operators, physical.Display("indent"));
    WEIR_ASSIGN_OR_RETURN(auto reader, physical.Execute(engine, cancellation));
    rows = std::make_shared<BegunReader>(std::move(reader));
    return engine::FromStreamFailure(rows->Begin());
  };
  const int partitions = session.own_partitions().value_or(session.threads());
  const JoinFallback done = ExecuteWithFallback(session, partitions, execute);
  // What fails with the first row fails where rows are read.
  if (!done.status.ok() && !rows) return done.status;
  return std::shared_ptr<arrow::RecordBatchReader>(std::move(rows));
}

}  // namespace weir
