// SPDX-License-Identifier: Apache-2.0

#include "weir/run/constraint_check.h"

#include <algorithm>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/engine/row_text.h"

namespace weir {

namespace {

/// True where all of `masks` are.
Result<std::shared_ptr<arrow::BooleanArray>> All(
    const std::vector<std::shared_ptr<arrow::BooleanArray>>& masks, int64_t length) {
  arrow::BooleanBuilder builder;
  arrow::Status status = builder.Reserve(length);
  for (int64_t row = 0; status.ok() && row < length; ++row) {
    builder.UnsafeAppend(std::all_of(masks.begin(), masks.end(),
                                     [&](const auto& mask) { return mask->Value(row); }));
  }
  std::shared_ptr<arrow::Array> all;
  if (status.ok()) status = builder.Finish(&all);
  if (!status.ok()) return Status::Environment(StatusCode::kOutOfMemory, "{}", status.message());
  return std::static_pointer_cast<arrow::BooleanArray>(all);
}

}  // namespace

Result<std::unique_ptr<ConstraintCheck>> ConstraintCheck::Prepare(const PlanBundle& bundle,
                                                                  const engine::Session& session,
                                                                  int64_t now_us) {
  auto check = std::make_unique<ConstraintCheck>();
  for (const BundledConstraint& constraint : bundle.constraints) {
    WEIR_ASSIGN_OR_RETURN(auto predicate,
                          engine::CompiledPredicate::FromProto(session, constraint.expression_proto,
                                                               *bundle.stored_schema, now_us));
    check->constraints_.push_back({constraint.action, std::move(predicate)});
    check->outcomes_.push_back({.name = constraint.name,
                                .action = constraint.action,
                                .text = constraint.text,
                                .location = constraint.location,
                                .rows_passed = 0,
                                .rows_failed = 0,
                                .rows_dropped = 0,
                                .example = {}});
  }
  return check;
}

Result<std::shared_ptr<arrow::RecordBatch>> ConstraintCheck::Sieve(
    const std::shared_ptr<arrow::RecordBatch>& batch) {
  std::vector<std::shared_ptr<arrow::BooleanArray>> keep;
  for (size_t i = 0; i < constraints_.size(); ++i) {
    WEIR_ASSIGN_OR_RETURN(const auto holds, constraints_[i].predicate.Evaluate(*batch));
    Count(i, *batch, *holds);
    if (constraints_[i].action == ViolationAction::kDropRow &&
        holds->true_count() < holds->length()) {
      keep.push_back(holds);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return batch->Slice(0, 0);
  }
  if (keep.empty()) return batch;
  if (keep.size() == 1) return engine::FilterRows(*batch, *keep[0]);
  WEIR_ASSIGN_OR_RETURN(const auto mask, All(keep, batch->num_rows()));
  return engine::FilterRows(*batch, *mask);
}

void ConstraintCheck::Count(size_t constraint, const arrow::RecordBatch& batch,
                            const arrow::BooleanArray& holds) {
  const int64_t passed = holds.true_count();
  const int64_t failed = holds.length() - passed;
  std::string example;
  if (failed > 0) {
    int64_t row = 0;
    while (holds.Value(row)) ++row;
    example = RowText(batch, row);
  }
  const std::lock_guard lock(mutex_);
  ConstraintOutcome& outcome = outcomes_[constraint];
  outcome.rows_passed += passed;
  outcome.rows_failed += failed;
  if (failed == 0) return;
  if (outcome.action == ViolationAction::kDropRow) outcome.rows_dropped += failed;
  if (outcome.action == ViolationAction::kFailUpdate) failed_ = true;
  // Batches come in any order: the least text does not depend on it as much as the first does.
  if (outcome.example.empty() || example < outcome.example) outcome.example = std::move(example);
}

std::vector<ConstraintOutcome> ConstraintCheck::outcomes() const {
  const std::lock_guard lock(mutex_);
  return outcomes_;
}

Status ConstraintCheck::Verdict() const {
  const std::lock_guard lock(mutex_);
  if (!failed_) return Status::OK();
  std::string more;
  const ConstraintOutcome* first = nullptr;
  for (const ConstraintOutcome& outcome : outcomes_) {
    if (outcome.action != ViolationAction::kFailUpdate || outcome.rows_failed == 0) continue;
    if (first == nullptr) {
      first = &outcome;
    } else {
      more += fmt::format("; so do {} rows `{}`", outcome.rows_failed, outcome.name);
    }
  }
  return Status::User(StatusCode::kInvalidArgument,
                      "{} of {} rows violate the constraint `{}`, which is to be true: `{}`{}; for "
                      "instance: {}",
                      first->rows_failed, first->rows_failed + first->rows_passed, first->name,
                      first->text, more, first->example)
      .WithLocation(first->location)
      .WithHint("the table is as it was; mend the data or the view, or say ON VIOLATION DROP ROW");
}

}  // namespace weir
