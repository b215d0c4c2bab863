// SPDX-License-Identifier: Apache-2.0

#include "weir/session/row_writer.h"

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/base/utf8_text.h"

namespace weir {
namespace {

using Json = nlohmann::json;

arrow::Status Append(arrow::ArrayBuilder& builder, const Json& value);

arrow::Status AppendMap(arrow::MapBuilder& builder, const Json& value) {
  ARROW_RETURN_NOT_OK(builder.Append());
  for (const auto& [key, item] : value.items()) {
    ARROW_RETURN_NOT_OK(Append(*builder.key_builder(), Json(key)));
    ARROW_RETURN_NOT_OK(Append(*builder.item_builder(), item));
  }
  return arrow::Status::OK();
}

arrow::Status AppendList(arrow::ListBuilder& builder, const Json& value) {
  ARROW_RETURN_NOT_OK(builder.Append());
  for (const Json& item : value) ARROW_RETURN_NOT_OK(Append(*builder.value_builder(), item));
  return arrow::Status::OK();
}

arrow::Status AppendStruct(arrow::StructBuilder& builder, const Json& value) {
  ARROW_RETURN_NOT_OK(builder.Append());
  for (int i = 0; i < builder.num_fields(); ++i) {
    const auto found = value.find(builder.type()->field(i)->name());
    ARROW_RETURN_NOT_OK(Append(*builder.field_builder(i), found == value.end() ? Json() : *found));
  }
  return arrow::Status::OK();
}

arrow::Status Append(arrow::ArrayBuilder& builder, const Json& value) {
  if (value.is_null()) return builder.AppendNull();
  switch (builder.type()->id()) {
    case arrow::Type::STRING:
      return static_cast<arrow::StringBuilder&>(builder).Append(
          ShownAsUtf8(value.get<std::string>()));
    case arrow::Type::INT32:
      return static_cast<arrow::Int32Builder&>(builder).Append(value.get<int32_t>());
    case arrow::Type::INT64:
      return static_cast<arrow::Int64Builder&>(builder).Append(value.get<int64_t>());
    case arrow::Type::BOOL:
      return static_cast<arrow::BooleanBuilder&>(builder).Append(value.get<bool>());
    case arrow::Type::TIMESTAMP:
      return static_cast<arrow::TimestampBuilder&>(builder).Append(value.get<int64_t>());
    case arrow::Type::MAP:
      return AppendMap(static_cast<arrow::MapBuilder&>(builder), value);
    case arrow::Type::LIST:
      return AppendList(static_cast<arrow::ListBuilder&>(builder), value);
    case arrow::Type::STRUCT:
      return AppendStruct(static_cast<arrow::StructBuilder&>(builder), value);
    default:
      return arrow::Status::NotImplemented("rows of ", builder.type()->ToString());
  }
}

Status Checked(const arrow::Status& status) {
  if (status.ok()) return Status::OK();
  if (status.IsOutOfMemory())
    return Status::Environment(StatusCode::kOutOfMemory, "{}", status.message());
  return Status::Bug("rows cannot be written: {}", status.ToString());
}

}  // namespace

RowWriter::RowWriter(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {
  for (const auto& field : schema_->fields()) {
    builders_.emplace_back();
    const arrow::Status made =
        arrow::MakeBuilder(arrow::default_memory_pool(), field->type(), &builders_.back());
    if (!made.ok()) failure_ = made;
  }
}

RowWriter::~RowWriter() = default;

Status RowWriter::Add(const std::vector<Json>& values) {
  WEIR_RETURN_NOT_OK(Checked(failure_));
  WEIR_CHECK(values.size() == builders_.size());
  for (size_t i = 0; i < values.size(); ++i)
    WEIR_RETURN_NOT_OK(Checked(Append(*builders_[i], values[i])));
  ++rows_;
  return Status::OK();
}

Result<std::shared_ptr<arrow::RecordBatch>> RowWriter::Finish() {
  WEIR_RETURN_NOT_OK(Checked(failure_));
  arrow::ArrayVector columns(builders_.size());
  for (size_t i = 0; i < builders_.size(); ++i)
    WEIR_RETURN_NOT_OK(Checked(builders_[i]->Finish(&columns[i])));
  return arrow::RecordBatch::Make(schema_, rows_, std::move(columns));
}

}  // namespace weir
