// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include <arrow/api.h>
#include <arrow/c/bridge.h>

#include "weir/engine/bridge_error.h"
#include "weir/engine/bridge_values.h"
#include "weir/engine/engine.h"
#include "weir/engine/table_url.h"

namespace weir::engine {

using internal::Try;

namespace {

bridge::FileTableSpec ToBridge(const FileTableSpec& spec) {
  bridge::FileTableSpec bridged;
  bridged.root_url = rust::String::lossy(spec.root_url);
  bridged.format = rust::String::lossy(spec.format);
  bridged.options = internal::ToKeyValues(spec.options);
  bridged.partition_columns = internal::ToBridge(spec.partition_columns);
  bridged.required_columns = internal::ToBridge(spec.required_columns);
  bridged.row_column = rust::String::lossy(spec.row_column);
  bridged.files.reserve(spec.files.size());
  for (const DataFile& file : spec.files) bridged.files.push_back(internal::ToBridge(file));
  return bridged;
}

}  // namespace

Result<Table> Table::FromFiles(const Session& session, const FileTableSpec& spec,
                               const std::shared_ptr<arrow::Schema>& schema) {
  const bridge::FileTableSpec bridged = ToBridge(spec);
  ArrowSchema exported;
  if (schema) {
    const arrow::Status status = arrow::ExportSchema(*schema, &exported);
    if (!status.ok()) return internal::FromArrow(status);
  }
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return bridge::new_file_table(*session.state_->handle, bridged,
                                                        schema ? &exported : nullptr);
                        }));
  Table table;
  table.state_ = std::make_shared<State>(State{std::move(handle)});
  return table;
}

Result<FileSchemas> Table::SchemasOf(const Session& session, const FileTableSpec& spec) {
  WEIR_ASSIGN_OR_RETURN(const auto found, internal::TryReading([&] {
                          return bridge::file_schemas(*session.state_->handle, ToBridge(spec));
                        }));
  FileSchemas schemas;
  for (size_t i = 0; i < found->schema_count(); ++i) {
    WEIR_ASSIGN_OR_RETURN(auto schema, internal::ImportSchema([&](ArrowSchema* out) {
                            return Try([&] { found->schema_at(i, out); });
                          }));
    schemas.schemas.push_back(std::move(schema));
  }
  for (const int64_t place : found->of_files()) {
    schemas.of_files.push_back(place < 0 ? std::nullopt
                                         : std::optional(static_cast<size_t>(place)));
  }
  return schemas;
}

Result<Table> Table::FromRows(const arrow::RecordBatch& rows) {
  ArrowArray array;
  ArrowSchema schema;
  const arrow::Status status = arrow::ExportRecordBatch(rows, &array, &schema);
  if (!status.ok()) return internal::FromArrow(status);
  WEIR_ASSIGN_OR_RETURN(auto handle,
                        Try([&] { return bridge::new_memory_table(&array, &schema); }));
  Table table;
  table.state_ = std::make_shared<State>(State{std::move(handle)});
  return table;
}

Result<Table> Table::WithPaths(const std::vector<std::string>& paths) const {
  std::vector<rust::String> bridged;
  bridged.reserve(paths.size());
  for (const std::string& path : paths) bridged.push_back(rust::String::lossy(path));
  const rust::Slice<const rust::String> slice(bridged.data(), bridged.size());
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] { return state_->handle->with_paths(slice); }));
  Table table;
  table.state_ = std::make_shared<State>(State{std::move(handle)});
  return table;
}

Result<std::shared_ptr<arrow::Schema>> Table::schema() const {
  return internal::ImportSchema(
      [&](ArrowSchema* out) { return Try([&] { state_->handle->schema(out); }); });
}

Result<DeltaSnapshot> DeltaSnapshot::Open(const Session& session, const std::string& url,
                                          int64_t version, const std::string& timestamp) {
  WEIR_RETURN_NOT_OK(internal::CheckTableUrl(url));
  WEIR_ASSIGN_OR_RETURN(auto handle, internal::TryReading([&] {
                          return bridge::open_delta(*session.state_->handle, url, version,
                                                    timestamp);
                        }));
  DeltaSnapshot snapshot;
  snapshot.state_ = std::make_shared<State>(State{std::move(handle)});
  return snapshot;
}

int64_t DeltaSnapshot::version() const { return state_->handle->version(); }

Result<std::shared_ptr<arrow::Schema>> DeltaSnapshot::schema() const {
  return internal::ImportSchema(
      [&](ArrowSchema* out) { return Try([&] { state_->handle->arrow_schema(out); }); });
}

std::vector<std::string> DeltaSnapshot::partition_columns() const {
  std::vector<std::string> names;
  for (const auto& name : state_->handle->partition_columns()) names.emplace_back(name);
  return names;
}

Result<std::string> DeltaSnapshot::protocol() const {
  return Try([&] { return std::string(state_->handle->protocol()); });
}

Result<std::string> DeltaSnapshot::metadata() const {
  return Try([&] { return std::string(state_->handle->metadata()); });
}

Result<std::vector<DataFile>> DeltaSnapshot::files() const {
  WEIR_ASSIGN_OR_RETURN(const auto reader, ReadFiles(/*statistics=*/true));
  std::vector<DataFile> result;
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    const arrow::Status read = reader->ReadNext(&batch);
    if (!read.ok()) return internal::FromArrow(read);
    if (!batch) break;
    if (batch->num_rows() > 0) WEIR_RETURN_NOT_OK(internal::AddFiles(*batch, result));
  }
  std::sort(result.begin(), result.end(),
            [](const DataFile& a, const DataFile& b) { return a.path < b.path; });
  return result;
}

Result<std::shared_ptr<arrow::RecordBatchReader>> DeltaSnapshot::ReadFiles(bool statistics) const {
  ArrowArrayStream stream;
  WEIR_RETURN_NOT_OK(Try([&] { state_->handle->files(statistics, &stream); }));
  auto reader = arrow::ImportRecordBatchReader(&stream);
  if (!reader.ok()) return internal::FromArrow(reader.status());
  return reader.MoveValueUnsafe();
}

Result<Table> DeltaSnapshot::AsTable(const Session& session, const std::string& root_url,
                                     const DeltaReading& reading) const {
  bridge::DeltaReading bridged;
  bridged.file_column = rust::String::lossy(reading.file_column);
  bridged.row_column = rust::String::lossy(reading.row_column);
  bridged.pushes_filters = reading.pushes_filters;
  ArrowSchema exported;
  if (reading.columns) {
    const arrow::Status status = arrow::ExportSchema(*reading.columns, &exported);
    if (!status.ok()) return internal::FromArrow(status);
  }
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] {
                          return state_->handle->read_table(*session.state_->handle, root_url,
                                                            reading.columns ? &exported : nullptr,
                                                            bridged);
                        }));
  Table table;
  table.state_ = std::make_shared<Table::State>(Table::State{std::move(handle)});
  return table;
}

Result<Table> DeltaSnapshot::AsChangeTable(const Session& session, const std::string& root_url,
                                           const std::vector<ChangeFile>& changes) const {
  std::vector<bridge::ChangeFile> bridged;
  for (const ChangeFile& change : changes) {
    bridge::ChangeFile file;
    file.file = internal::ToBridge(change.file);
    file.kind = rust::String::lossy(change.kind);
    file.version = change.version;
    file.timestamp_ms = change.timestamp_ms;
    file.without = internal::ToBridge(change.without);
    file.within = internal::ToBridge(change.within);
    bridged.push_back(std::move(file));
  }
  const rust::Slice<const bridge::ChangeFile> slice(bridged.data(), bridged.size());
  WEIR_ASSIGN_OR_RETURN(
      auto handle,
      Try([&] { return state_->handle->change_table(*session.state_->handle, root_url, slice); }));
  Table table;
  table.state_ = std::make_shared<Table::State>(Table::State{std::move(handle)});
  return table;
}

Result<std::vector<DeletionVector>> DeltaSnapshot::DeleteRows(
    const Session& session, const std::string& root_url,
    const std::vector<std::pair<DataFile, std::vector<int64_t>>>& rows) const {
  std::vector<bridge::DeletedRows> bridged;
  for (const auto& [file, places] : rows) {
    bridge::DeletedRows deleted;
    deleted.path = rust::String::lossy(file.path);
    deleted.vector = internal::ToBridge(file.deletion_vector);
    deleted.rows.reserve(places.size());
    for (const int64_t place : places) deleted.rows.push_back(place);
    bridged.push_back(std::move(deleted));
  }
  const rust::Slice<const bridge::DeletedRows> slice(bridged.data(), bridged.size());
  WEIR_ASSIGN_OR_RETURN(
      const auto written,
      Try([&] { return state_->handle->delete_rows(*session.state_->handle, root_url, slice); }));
  std::vector<DeletionVector> vectors;
  for (const auto& vector : written) vectors.push_back(internal::FromBridge(vector));
  return vectors;
}

Result<int64_t> DeltaSnapshot::transaction_version(const std::string& app_id) const {
  return Try([&] { return state_->handle->transaction_version(app_id); });
}

}  // namespace weir::engine
