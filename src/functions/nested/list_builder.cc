// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/nested/list_builder.h"

#include <arrow/type.h>

namespace weir {

bool ListColumn::Accepts(const arrow::DataType& type) {
  return type.id() == arrow::Type::LIST || type.id() == arrow::Type::LARGE_LIST ||
         type.id() == arrow::Type::MAP;
}

Result<ListColumn> ListColumn::Make(const FunctionValue& value) {
  if (!Accepts(*value.values->type())) {
    return Status::Bug("wanted lists, found type `{}`", value.values->type()->ToString());
  }
  ListColumn column;
  column.is_constant_ = value.is_constant;
  column.array_ = value.values;
  const arrow::ArrayData& data = *value.values->data();
  column.child_ = arrow::MakeArray(data.child_data[0]);
  static constexpr int64_t kNoOffsets[2] = {0, 0};
  // An empty array may come without offsets.
  const auto* bytes = data.buffers[1] != nullptr && data.buffers[1]->size() > 0
                          ? data.buffers[1]->data()
                          : reinterpret_cast<const uint8_t*>(kNoOffsets);
  if (data.type->id() == arrow::Type::LARGE_LIST) {
    column.offsets64_ = reinterpret_cast<const int64_t*>(bytes);
  } else {
    column.offsets32_ = reinterpret_cast<const int32_t*>(bytes);
  }
  return column;
}

Result<ListWriter> ListWriter::Make(std::shared_ptr<arrow::DataType> type, int64_t rows) {
  ListWriter writer(std::move(type), rows);
  const int64_t width = writer.type_->id() == arrow::Type::LARGE_LIST ? 8 : 4;
  WEIR_ASSIGN_OR_RETURN(writer.offsets_, FromArrow(arrow::AllocateBuffer((rows + 1) * width)));
  std::memset(writer.offsets_->mutable_data(), 0, static_cast<size_t>(width));
  return writer;
}

Status ListWriter::EndRow(int64_t end) {
  ++row_;
  end_ = end;
  if (type_->id() == arrow::Type::LARGE_LIST) {
    reinterpret_cast<int64_t*>(offsets_->mutable_data())[row_] = end;
    return Status::OK();
  }
  if (end > INT32_MAX) {
    return Status::User(
        StatusCode::kUnsupported,
        "the lists of one batch have more than 2^31 elements; use a smaller batch size");
  }
  reinterpret_cast<int32_t*>(offsets_->mutable_data())[row_] = static_cast<int32_t>(end);
  return Status::OK();
}

Status ListWriter::EndNull() {
  WEIR_RETURN_NOT_OK(nulls_.Set(row_));
  return EndRow(end_);
}

Result<std::shared_ptr<arrow::Array>> ListWriter::Finish(
    const std::shared_ptr<arrow::ArrayData>& child) {
  const int64_t null_count = nulls_.count();
  auto data = arrow::ArrayData::Make(type_, rows_, {nulls_.Finish(), std::move(offsets_)}, {child},
                                     null_count);
  return arrow::MakeArray(data);
}

}  // namespace weir
