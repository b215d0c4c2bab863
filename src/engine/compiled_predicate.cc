// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/compiled_predicate.h"

#include <arrow/api.h>
#include <arrow/c/bridge.h>

#include "weir/base/clock.h"
#include "weir/engine/bridge_error.h"
#include "weir/engine/bridge_values.h"

namespace weir::engine {

using internal::FromArrow;
using internal::Try;

struct CompiledPredicate::State {
  rust::Box<bridge::CompiledPredicate> handle;
};

namespace {

/// A batch on its way to the bridge, which takes the contents over.
struct ExportedBatch {
  ArrowArray array;
  ArrowSchema schema;

  Status Fill(const arrow::RecordBatch& batch) {
    return FromArrow(arrow::ExportRecordBatch(batch, &array, &schema));
  }
};

Result<std::shared_ptr<arrow::RecordBatch>> ImportBatch(
    ArrowArray* array, const std::shared_ptr<arrow::Schema>& schema) {
  auto imported = arrow::ImportRecordBatch(array, schema);
  if (!imported.ok()) return FromArrow(imported.status());
  return imported.MoveValueUnsafe();
}

std::vector<std::string> ToTexts(const rust::Vec<rust::String>& texts) {
  std::vector<std::string> result;
  for (const rust::String& text : texts) result.emplace_back(text);
  return result;
}

}  // namespace

Result<CompiledPredicate> CompiledPredicate::FromSql(const Session& session, const std::string& sql,
                                                     const arrow::Schema& schema,
                                                     const std::string& dialect) {
  ArrowSchema exported;
  WEIR_RETURN_NOT_OK(FromArrow(arrow::ExportSchema(schema, &exported)));
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return bridge::compile_predicate(*session.state_->handle, sql, dialect,
                                                           &exported);
                        }));
  CompiledPredicate predicate;
  predicate.state_ = std::make_shared<State>(State{std::move(handle)});
  return predicate;
}

Result<CompiledPredicate> CompiledPredicate::FromProto(const Session& session,
                                                       std::string_view bytes,
                                                       const arrow::Schema& schema,
                                                       std::optional<int64_t> now_us) {
  const int64_t time_us = now_us ? *now_us : SystemClock().Now();
  ArrowSchema exported;
  WEIR_RETURN_NOT_OK(FromArrow(arrow::ExportSchema(schema, &exported)));
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return bridge::compile_predicate_from_proto(*session.state_->handle,
                                                                      internal::ToBytes(bytes),
                                                                      &exported, time_us);
                        }));
  CompiledPredicate predicate;
  predicate.state_ = std::make_shared<State>(State{std::move(handle)});
  return predicate;
}

Result<std::string> CompiledPredicate::ToProto() const {
  return Try([&] { return internal::ToString(state_->handle->to_proto()); });
}

std::string CompiledPredicate::text() const { return std::string(state_->handle->display()); }

std::vector<std::string> CompiledPredicate::columns() const {
  return ToTexts(state_->handle->columns());
}

std::vector<std::string> CompiledPredicate::functions() const {
  return ToTexts(state_->handle->functions());
}

std::vector<PlanStep> CompiledPredicate::steps() const {
  return internal::ToSteps(state_->handle->steps());
}

Result<std::shared_ptr<arrow::BooleanArray>> CompiledPredicate::Evaluate(
    const arrow::RecordBatch& batch) const {
  ExportedBatch exported;
  WEIR_RETURN_NOT_OK(exported.Fill(batch));
  ArrowArray mask;
  WEIR_RETURN_NOT_OK(
      Try([&] { state_->handle->evaluate(&exported.array, &exported.schema, &mask); }));
  auto imported = arrow::ImportArray(&mask, arrow::boolean());
  if (!imported.ok()) return FromArrow(imported.status());
  return std::static_pointer_cast<arrow::BooleanArray>(imported.MoveValueUnsafe());
}

Result<std::shared_ptr<arrow::RecordBatch>> FilterRows(const arrow::RecordBatch& batch,
                                                       const arrow::BooleanArray& mask) {
  ExportedBatch exported;
  WEIR_RETURN_NOT_OK(exported.Fill(batch));
  ArrowArray exported_mask, kept;
  const Status status = FromArrow(arrow::ExportArray(mask, &exported_mask));
  if (!status.ok()) {
    exported.array.release(&exported.array);
    exported.schema.release(&exported.schema);
    return status;
  }
  WEIR_RETURN_NOT_OK(
      Try([&] { bridge::filter_batch(&exported.array, &exported.schema, &exported_mask, &kept); }));
  return ImportBatch(&kept, batch.schema());
}

Result<std::shared_ptr<arrow::RecordBatch>> CastRows(const arrow::RecordBatch& batch,
                                                     const std::shared_ptr<arrow::Schema>& schema) {
  ArrowSchema wanted;
  WEIR_RETURN_NOT_OK(FromArrow(arrow::ExportSchema(*schema, &wanted)));
  ExportedBatch exported;
  if (const Status status = exported.Fill(batch); !status.ok()) {
    wanted.release(&wanted);
    return status;
  }
  ArrowArray cast;
  WEIR_RETURN_NOT_OK(
      Try([&] { bridge::cast_batch(&exported.array, &exported.schema, &wanted, &cast); }));
  return ImportBatch(&cast, schema);
}

}  // namespace weir::engine
