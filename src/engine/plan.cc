// SPDX-License-Identifier: Apache-2.0

#include <stdexcept>

#include <arrow/api.h>
#include <arrow/c/bridge.h>

#include "weir/engine/batch_tap.h"
#include "weir/engine/bridge_error.h"
#include "weir/engine/bridge_values.h"
#include "weir/engine/engine.h"

namespace weir::engine {

using internal::FromArrow;
using internal::Try;

Result<Plan> Plan::FromSql(const Session& session, const std::string& sql,
                           const std::string& dialect) {
  WEIR_ASSIGN_OR_RETURN(
      auto handle, Try([&] { return bridge::plan_sql(*session.state_->handle, sql, dialect); }));
  Plan plan;
  plan.state_ = std::make_shared<State>(State{std::move(handle)});
  return plan;
}

Result<Plan> Plan::FromStatement(const Session& session, const std::string& sql,
                                 const std::string& dialect, const Cancellation& cancellation) {
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return bridge::apply_statement(*session.state_->handle, sql, dialect,
                                                         *cancellation.state_->handle);
                        }));
  Plan plan;
  plan.state_ = std::make_shared<State>(State{std::move(handle)});
  return plan;
}

Result<std::string> Plan::ToSql(const std::string& dialect) const {
  return Try([&] { return std::string(bridge::plan_to_sql(*state_->handle, dialect)); });
}

Result<Plan> Plan::FromProto(const Session& session, std::string_view bytes,
                             const std::vector<std::pair<uint32_t, Table>>& scans) {
  auto bindings = bridge::new_scan_bindings();
  for (const auto& [scan, table] : scans) bindings->bind(scan, *table.state_->handle);
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return bridge::plan_from_proto(*session.state_->handle,
                                                         internal::ToBytes(bytes), *bindings);
                        }));
  Plan plan;
  plan.state_ = std::make_shared<State>(State{std::move(handle)});
  return plan;
}

Result<Plan> Plan::FromSubstrait(const Session& session, std::string_view bytes,
                                 const std::vector<std::pair<uint32_t, Table>>& scans) {
  auto bindings = bridge::new_scan_bindings();
  for (const auto& [scan, table] : scans) bindings->bind(scan, *table.state_->handle);
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return bridge::plan_from_substrait(*session.state_->handle,
                                                             internal::ToBytes(bytes), *bindings);
                        }));
  Plan plan;
  plan.state_ = std::make_shared<State>(State{std::move(handle)});
  return plan;
}

Plan::State Plan::Take() {
  const std::shared_ptr<State> state = std::move(state_);
  if (state.use_count() > 1) return State{state->handle->copy()};
  return std::move(*state);
}

Result<Plan> Plan::CastTo(const arrow::Schema& schema) && {
  ArrowSchema exported;
  const arrow::Status status = arrow::ExportSchema(schema, &exported);
  if (!status.ok()) return FromArrow(status);
  WEIR_ASSIGN_OR_RETURN(auto handle,
                        Try([&] { return bridge::cast_plan(Take().handle, &exported); }));
  Plan plan;
  plan.state_ = std::make_shared<State>(State{std::move(handle)});
  return plan;
}

Result<Plan> Plan::SortBy(const std::vector<std::string>& columns) && {
  std::vector<rust::String> names;
  for (const std::string& column : columns) names.push_back(rust::String::lossy(column));
  const rust::Slice<const rust::String> slice(names.data(), names.size());
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] { return bridge::sort_plan(Take().handle, slice); }));
  Plan plan;
  plan.state_ = std::make_shared<State>(State{std::move(handle)});
  return plan;
}

Result<Plan> Plan::Analyze(const Session& session) && {
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return bridge::analyze_plan(*session.state_->handle, Take().handle);
                        }));
  Plan plan;
  plan.state_ = std::make_shared<State>(State{std::move(handle)});
  return plan;
}

Result<Plan> Plan::Optimize(const Session& session, ClockCalls clock) && {
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return bridge::optimize_plan(*session.state_->handle, Take().handle,
                                                       clock == ClockCalls::kCalls);
                        }));
  Plan plan;
  plan.state_ = std::make_shared<State>(State{std::move(handle)});
  return plan;
}

Result<Plan> Plan::AtTime(const Session& session, int64_t now_us) && {
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return bridge::pin_clock(*session.state_->handle, Take().handle, now_us);
                        }));
  Plan plan;
  plan.state_ = std::make_shared<State>(State{std::move(handle)});
  return plan;
}

Result<std::vector<ConstantProblem>> Plan::ConstantProblems(const Session& session) const {
  return Try([&] {
    std::vector<ConstantProblem> problems;
    for (const auto& found :
         bridge::find_constant_problems(*session.state_->handle, *state_->handle)) {
      ConstantProblem problem{
          .message = fmt::format("this fails whatever the data: {}: `{}`",
                                 internal::WithoutLayers(std::string(found.reason)),
                                 std::string(found.sql)),
          .texts = {},
          .hint = std::string(found.help)};
      for (const auto& text : found.texts) problem.texts.emplace_back(text);
      problems.push_back(std::move(problem));
    }
    return problems;
  });
}

std::vector<PlanStep> Plan::steps() const { return internal::ToSteps(state_->handle->steps()); }

Result<std::string> Plan::Display(const std::string& format) const {
  return Try([&] { return std::string(state_->handle->display(format)); });
}

Result<std::shared_ptr<arrow::Schema>> Plan::output_schema() const {
  return internal::ImportSchema(
      [&](ArrowSchema* out) { return Try([&] { state_->handle->output_schema(out); }); });
}

Result<std::string> Plan::ToProto() const {
  return Try([&] { return internal::ToString(bridge::plan_to_proto(*state_->handle)); });
}

Result<std::string> Plan::Outputs() const {
  return Try([&] { return std::string(bridge::plan_outputs(*state_->handle)); });
}

Result<std::string> Plan::ProtoToSubstrait(const Session& session, std::string_view bytes) {
  return Try([&] {
    return internal::ToString(
        bridge::proto_to_substrait(*session.state_->handle, internal::ToBytes(bytes)));
  });
}

Result<PhysicalPlan> PhysicalPlan::Create(const Session& session, const Plan& plan) {
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return bridge::create_physical_plan(*session.state_->handle,
                                                              *plan.state_->handle);
                        }));
  PhysicalPlan physical;
  physical.state_ = std::make_shared<State>(State{std::move(handle)});
  return physical;
}

Result<std::string> PhysicalPlan::Display(const std::string& format) const {
  return Try([&] { return std::string(state_->handle->display(format)); });
}

Result<std::string> PhysicalPlan::Metrics() const {
  return Try([&] { return std::string(state_->handle->metrics()); });
}

int PhysicalPlan::partition_count() const {
  return static_cast<int>(state_->handle->partition_count());
}

Result<std::shared_ptr<arrow::RecordBatchReader>> PhysicalPlan::Execute(
    const Session& session, const Cancellation& cancellation) const {
  ArrowArrayStream stream;
  WEIR_RETURN_NOT_OK(Try([&] {
    bridge::execute_stream(*session.state_->handle, *state_->handle, *cancellation.state_->handle,
                           &stream);
  }));
  auto reader = arrow::ImportRecordBatchReader(&stream);
  if (!reader.ok()) return FromArrow(reader.status());
  return reader.MoveValueUnsafe();
}

namespace {

/// Hands batches to a C++ sieve and observer. Exceptions are how a failure travels through the
/// bridge.
class ObserverTap final : public BatchTap {
 public:
  ObserverTap(BatchObserver observer, BatchSieve sieve)
      : observer_(std::move(observer)), sieve_(std::move(sieve)) {}

  bool OnBatch(uint32_t partition, ArrowArray* array, ArrowSchema* schema,
               ArrowArray* kept) const override {
    auto imported = arrow::ImportRecordBatch(array, schema);
    if (!imported.ok()) throw std::runtime_error(imported.status().ToString());
    std::shared_ptr<arrow::RecordBatch> batch = *imported;
    if (sieve_) {
      auto sieved = sieve_(batch);
      if (!sieved.ok()) throw std::runtime_error(sieved.status().ToString());
      batch = *std::move(sieved);
    }
    if (observer_ && batch->num_rows() > 0) {
      const Status status = observer_(partition, *batch);
      if (!status.ok()) throw std::runtime_error(status.ToString());
    }
    if (batch == *imported) return false;
    const arrow::Status exported = arrow::ExportRecordBatch(*batch, kept);
    if (!exported.ok()) throw std::runtime_error(exported.ToString());
    return true;
  }

 private:
  BatchObserver observer_;
  BatchSieve sieve_;
};

}  // namespace

Result<WriteOutcome> PhysicalPlan::Write(const Session& session, const WriteOptions& options,
                                         const std::shared_ptr<arrow::Schema>& schema,
                                         BatchObserver observer, const Cancellation& cancellation,
                                         BatchSieve sieve) const {
  ArrowSchema exported;
  const arrow::Status status = arrow::ExportSchema(*schema, &exported);
  if (!status.ok()) return FromArrow(status);
  std::shared_ptr<BatchTap> tap;
  if (observer || sieve) tap = std::make_shared<ObserverTap>(std::move(observer), std::move(sieve));
  const auto bridged = internal::ToBridge(options, session.state_->row_group_bytes);
  const auto outcome = Try([&] {
    return bridge::write_delta_files(*session.state_->handle, *state_->handle, bridged, &exported,
                                     tap, *cancellation.state_->handle);
  });
  if (!outcome.ok()) return internal::NamingPlace(outcome.status(), options.root_url);
  return internal::FromBridge(*outcome);
}

Status FromStreamFailure(const arrow::Status& status) { return FromArrow(status); }

}  // namespace weir::engine
