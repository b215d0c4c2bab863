// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/bridge_values.h"

#include <algorithm>

#include <arrow/api.h>
#include <arrow/c/bridge.h>
#include <nlohmann/json.hpp>

#include "weir/engine/bridge_error.h"

namespace weir::engine::internal {

bridge::TableFile ToBridge(const DataFile& file) {
  bridge::TableFile result;
  result.path = rust::String::lossy(file.path);
  result.size_bytes = static_cast<uint64_t>(file.size_bytes);
  result.modified_ms = file.modified_ms;
  result.rows = file.rows;
  for (const auto& [column, value] : file.partition_values) {
    result.partition_values.push_back(
        {rust::String::lossy(column), rust::String::lossy(value.value_or("")), !value.has_value()});
  }
  result.statistics = rust::String::lossy(file.statistics);
  result.has_deletion_vector = file.has_deletion_vector;
  return result;
}

bridge::DeletionVector ToBridge(const DeletionVector& vector) {
  bridge::DeletionVector result;
  result.storage_type = rust::String::lossy(vector.storage_type);
  result.path_or_inline = rust::String::lossy(vector.path_or_inline);
  result.offset = vector.offset;
  result.size_bytes = vector.size_bytes;
  result.cardinality = vector.cardinality;
  return result;
}

DeletionVector FromBridge(const bridge::DeletionVector& vector) {
  return {.storage_type = std::string(vector.storage_type),
          .path_or_inline = std::string(vector.path_or_inline),
          .offset = vector.offset,
          .size_bytes = vector.size_bytes,
          .cardinality = vector.cardinality};
}

DataFile FromBridge(const bridge::TableFile& file) {
  DataFile result;
  result.path = std::string(file.path);
  result.size_bytes = static_cast<int64_t>(file.size_bytes);
  result.modified_ms = file.modified_ms;
  result.rows = file.rows;
  for (const auto& value : file.partition_values) {
    std::optional<std::string> text;
    if (!value.is_null) text = std::string(value.value);
    result.partition_values.emplace_back(std::string(value.column), std::move(text));
  }
  result.statistics = std::string(file.statistics);
  result.has_deletion_vector = file.has_deletion_vector;
  return result;
}

/// Storage type, place and offset of a vector as the bridge writes them in one text:
/// "uab^-aqEH.-t@S}K{vb[*k^@4".
static DeletionVector ToVector(std::string_view text) {
  DeletionVector vector{.storage_type = std::string(text.substr(0, 1)), .path_or_inline = {}};
  const size_t at = text.rfind('@');
  vector.path_or_inline = std::string(text.substr(1, at - 1));
  if (vector.storage_type != "i")
    vector.offset = static_cast<int32_t>(std::stol(std::string(text.substr(at + 1))));
  return vector;
}

Status AddFiles(const arrow::RecordBatch& batch, std::vector<DataFile>& files) {
  const auto text = [&](const char* name) {
    return std::dynamic_pointer_cast<arrow::StringArray>(batch.GetColumnByName(name));
  };
  const auto number = [&](const char* name) {
    return std::dynamic_pointer_cast<arrow::Int64Array>(batch.GetColumnByName(name));
  };
  const auto paths = text("path"), statistics = text("statistics"),
             vectors = text("deletion_vector");
  const auto sizes = number("size"), modified = number("modified"),
             deleted = number("deleted_rows");
  const auto values =
      std::dynamic_pointer_cast<arrow::MapArray>(batch.GetColumnByName("partition_values"));
  const auto vector_bytes =
      std::dynamic_pointer_cast<arrow::Int32Array>(batch.GetColumnByName("vector_bytes"));
  if (!paths || !statistics || !sizes || !modified || !deleted || !values || !vectors ||
      !vector_bytes)
    return Status::Bug("a log's files have other columns: {}", batch.schema()->ToString());
  const auto& keys = static_cast<const arrow::StringArray&>(*values->keys());
  const auto& items = static_cast<const arrow::StringArray&>(*values->items());
  for (int64_t i = 0; i < batch.num_rows(); ++i) {
    DataFile file{.path = paths->GetString(i),
                  .size_bytes = sizes->Value(i),
                  .modified_ms = modified->Value(i)};
    if (statistics->IsValid(i)) file.statistics = statistics->GetString(i);
    const auto json = nlohmann::json::parse(file.statistics, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains("numRecords") && json["numRecords"].is_number_integer())
      file.rows = json["numRecords"].get<int64_t>();
    for (int64_t k = values->value_offset(i); values->IsValid(i) && k < values->value_offset(i + 1);
         ++k) {
      std::optional<std::string> value;
      if (items.IsValid(k)) value = items.GetString(k);
      file.partition_values.emplace_back(keys.GetString(k), std::move(value));
    }
    std::sort(file.partition_values.begin(), file.partition_values.end());
    file.has_deletion_vector = deleted->IsValid(i);
    if (file.has_deletion_vector) {
      file.deletion_vector = ToVector(vectors->GetView(i));
      file.deletion_vector.size_bytes = vector_bytes->Value(i);
      file.deletion_vector.cardinality = deleted->Value(i);
    }
    files.push_back(std::move(file));
  }
  return Status::OK();
}

rust::Vec<rust::String> ToBridge(const std::vector<std::string>& texts) {
  rust::Vec<rust::String> result;
  for (const std::string& text : texts) result.push_back(rust::String::lossy(text));
  return result;
}

rust::Slice<const uint8_t> ToBytes(std::string_view bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

std::string ToString(const rust::Vec<uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bridge::WriteOptions ToBridge(const WriteOptions& options, int64_t row_group_bytes) {
  bridge::WriteOptions result;
  result.root_url = rust::String::lossy(options.root_url);
  result.partition_columns = ToBridge(options.partition_columns);
  result.target_file_size_bytes = static_cast<uint64_t>(options.target_file_size_bytes);
  result.compression = rust::String::lossy(options.compression);
  result.statistics_columns = static_cast<uint32_t>(options.statistics_columns);
  result.row_group_rows = static_cast<uint64_t>(options.row_group_rows);
  result.row_group_bytes = static_cast<uint64_t>(row_group_bytes);
  result.bloom_filter_columns = ToBridge(options.bloom_filter_columns);
  result.plain_columns = ToBridge(options.plain_columns);
  result.flat = options.flat;
  return result;
}

std::vector<PlanStep> ToSteps(const rust::Vec<bridge::PlanningStep>& steps) {
  std::vector<PlanStep> result;
  for (const auto& step : steps)
    result.push_back({std::string(step.step), std::string(step.function)});
  return result;
}

WriteOutcome FromBridge(const bridge::WriteOutcome& outcome) {
  WriteOutcome result;
  for (const auto& file : outcome.files) result.files.push_back(FromBridge(file));
  result.rows = static_cast<int64_t>(outcome.rows);
  result.bytes = static_cast<int64_t>(outcome.bytes);
  return result;
}

Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return Status::OK();
  if (status.message().find("{\"") != std::string::npos) return FromEnvelope(status.message());
  if (status.IsOutOfMemory())
    return Status::Environment(StatusCode::kOutOfMemory, "{}", status.message());
  return Status::Bug("Arrow failed: {}", status.ToString());
}

Result<std::shared_ptr<arrow::Schema>> ImportSchema(
    const std::function<Status(ArrowSchema*)>& fill) {
  ArrowSchema exported;
  WEIR_RETURN_NOT_OK(fill(&exported));
  auto imported = arrow::ImportSchema(&exported);
  if (!imported.ok()) return FromArrow(imported.status());
  return imported.MoveValueUnsafe();
}

}  // namespace weir::engine::internal
