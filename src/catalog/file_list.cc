// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/file_list.h"

#include <algorithm>
#include <numeric>

#include <arrow/api.h>

namespace weir {

int64_t FileList::rows(size_t i) const {
  const int64_t stored = rows_[order_[i]];
  const auto vector = deletion_vectors_.find(order_[i]);
  return stored < 0 || vector == deletion_vectors_.end() ? stored
                                                         : stored - vector->second.deleted_rows;
}

std::string_view FileList::deletion_vector(size_t i) const {
  const auto vector = deletion_vectors_.find(order_[i]);
  return vector == deletion_vectors_.end() ? std::string_view() : vector->second.id;
}

std::optional<std::optional<std::string_view>> FileList::partition_value(
    size_t i, std::string_view column) const {
  if (!path_column_.empty() && column == path_column_) return std::optional(path(i));
  for (const PartitionColumn& each : partitions_) {
    if (each.name != column) continue;
    const uint32_t code = each.codes[order_[i]];
    if (code == 0) return std::nullopt;
    if (code == 1) return std::optional<std::string_view>();
    return std::optional<std::string_view>(each.values[code - 2]);
  }
  return std::nullopt;
}

int FileList::StatisticsIndex(const StatisticsPath& column) const {
  const auto found = std::find(statistics_paths_.begin(), statistics_paths_.end(), column);
  return found == statistics_paths_.end() ? -1
                                          : static_cast<int>(found - statistics_paths_.begin());
}

FileList::Statistics FileList::statistics(size_t i, int index) const {
  const StatisticsColumns& columns = statistics_[static_cast<size_t>(index)];
  const uint32_t at = order_[i];
  return {.min = columns.min[at], .max = columns.max[at], .null_count = columns.null_count[at]};
}

DataFile FileList::File(size_t i) const {
  DataFile file{.path = std::string(path(i)),
                .size_bytes = size_bytes(i),
                .modified_ms = modified_ms(i),
                .rows = rows(i)};
  file.etag = etag(i);
  file.has_deletion_vector = !deletion_vector(i).empty();
  for (const PartitionColumn& column : partitions_) {
    const auto value = partition_value(i, column.name);
    if (value) file.partition_values.emplace_back(column.name, *value);
  }
  return file;
}

FileListBuilder::FileListBuilder(const std::set<StatisticsPath>& columns,
                                 const std::string& path_column)
    : list_(std::make_shared<FileList>()), scanner_({columns.begin(), columns.end()}) {
  list_->path_column_ = path_column;
  list_->statistics_paths_.assign(columns.begin(), columns.end());
  list_->statistics_.resize(columns.size());
}

void FileListBuilder::AddStatistics(std::string_view json, int64_t known_rows) {
  const bool readable = json.empty() || scanner_.Scan(json);
  if (json.empty()) scanner_.Scan("{}");
  if (!readable) list_->unreadable_.insert(static_cast<uint32_t>(list_->rows_.size()));
  const int64_t rows = RecordCount(scanner_.num_records());
  list_->rows_.push_back(rows >= 0 ? rows : known_rows);
  for (size_t i = 0; i < list_->statistics_.size(); ++i) {
    const StatisticsScanner::Column& column = scanner_.columns()[i];
    list_->statistics_[i].min.Add(column.min);
    list_->statistics_[i].max.Add(column.max);
    list_->statistics_[i].null_count.Add(column.null_count);
  }
}

void FileListBuilder::AddPartitionValue(std::string_view column,
                                        std::optional<std::string_view> value) {
  auto found = std::find_if(list_->partitions_.begin(), list_->partitions_.end(),
                            [&](const auto& each) { return each.name == column; });
  if (found == list_->partitions_.end()) {
    list_->partitions_.push_back({.name = std::string(column)});
    found = std::prev(list_->partitions_.end());
  }
  found->codes.resize(list_->paths_.size() - 1, 0);
  uint32_t code = 1;
  if (value) {
    const auto [known, added] = found->code_of.try_emplace(
        std::string(*value), static_cast<uint32_t>(found->values.size() + 2));
    if (added) found->values.emplace_back(*value);
    code = known->second;
  }
  found->codes.push_back(code);
}

void FileListBuilder::Add(const DataFile& file) {
  list_->paths_.Add(file.path);
  list_->sizes_.push_back(file.size_bytes);
  list_->modified_ms_.push_back(file.modified_ms);
  if (file.has_deletion_vector)
    list_->deletion_vectors_[static_cast<uint32_t>(list_->paths_.size() - 1)] = {.id = "unknown"};
  if (!file.etag.empty() || list_->etags_.size() > 0) {
    while (list_->etags_.size() + 1 < list_->paths_.size()) list_->etags_.Add("");
    list_->etags_.Add(file.etag);
  }
  for (const auto& [column, value] : file.partition_values) AddPartitionValue(column, value);
  AddStatistics(file.statistics, file.rows);
}

Status FileListBuilder::Add(const arrow::RecordBatch& batch) {
  const auto column = [&](const char* name) { return batch.GetColumnByName(name); };
  const auto paths = std::dynamic_pointer_cast<arrow::StringArray>(column("path"));
  const auto sizes = std::dynamic_pointer_cast<arrow::Int64Array>(column("size"));
  const auto modified = std::dynamic_pointer_cast<arrow::Int64Array>(column("modified"));
  const auto statistics = std::dynamic_pointer_cast<arrow::StringArray>(column("statistics"));
  const auto partitions = std::dynamic_pointer_cast<arrow::MapArray>(column("partition_values"));
  const auto deleted = std::dynamic_pointer_cast<arrow::Int64Array>(column("deleted_rows"));
  const auto vectors = std::dynamic_pointer_cast<arrow::StringArray>(column("deletion_vector"));
  if (!paths || !sizes || !modified || !statistics || !partitions || !deleted || !vectors)
    return Status::Bug("a batch of a log's files has other columns: {}",
                       batch.schema()->ToString());
  const auto names = std::dynamic_pointer_cast<arrow::StringArray>(partitions->keys());
  const auto values = std::dynamic_pointer_cast<arrow::StringArray>(partitions->items());
  if (!names || !values) return Status::Bug("partition values of a log are texts");
  for (int64_t i = 0; i < batch.num_rows(); ++i) {
    const auto at = static_cast<uint32_t>(list_->paths_.size());
    list_->paths_.Add(paths->GetView(i));
    list_->sizes_.push_back(sizes->Value(i));
    list_->modified_ms_.push_back(modified->Value(i));
    if (vectors->IsValid(i)) {
      list_->deletion_vectors_[at] = {.id = vectors->GetString(i),
                                      .deleted_rows = deleted->Value(i)};
    }
    const int64_t end = partitions->IsValid(i) ? partitions->value_offset(i + 1) : 0;
    for (int64_t k = partitions->IsValid(i) ? partitions->value_offset(i) : 0; k < end; ++k) {
      std::optional<std::string_view> value;
      if (values->IsValid(k)) value = values->GetView(k);
      AddPartitionValue(names->GetView(k), value);
    }
    AddStatistics(statistics->IsValid(i) ? statistics->GetView(i) : "", -1);
  }
  return Status::OK();
}

std::shared_ptr<const FileList> FileListBuilder::Finish() {
  const size_t count = list_->paths_.size();
  for (auto& partition : list_->partitions_) partition.codes.resize(count, 0);
  while (list_->etags_.size() > 0 && list_->etags_.size() < count) list_->etags_.Add("");
  list_->order_.resize(count);
  std::iota(list_->order_.begin(), list_->order_.end(), 0U);
  const auto before = [&](uint32_t a, uint32_t b) { return list_->paths_[a] < list_->paths_[b]; };
  if (!std::is_sorted(list_->order_.begin(), list_->order_.end(), before))
    std::sort(list_->order_.begin(), list_->order_.end(), before);
  return std::move(list_);
}

TableFiles::TableFiles(engine::DeltaSnapshot snapshot, std::string path_column)
    : snapshot_(std::move(snapshot)), path_column_(std::move(path_column)) {}

TableFiles::TableFiles(std::vector<DataFile> files) : given_(std::move(files)) {}

void TableFiles::Announce(const std::set<StatisticsPath>& columns) const {
  const std::lock_guard lock(mutex_);
  announced_.insert(columns.begin(), columns.end());
}

Result<std::shared_ptr<const FileList>> TableFiles::Read(
    const std::set<StatisticsPath>& columns) const {
  const std::lock_guard lock(mutex_);
  if (list_ && std::includes(read_.begin(), read_.end(), columns.begin(), columns.end()))
    return list_;
  announced_.insert(columns.begin(), columns.end());
  FileListBuilder builder(announced_, path_column_);
  if (!snapshot_) {
    for (const DataFile& file : given_) builder.Add(file);
  } else {
    WEIR_ASSIGN_OR_RETURN(const auto reader, snapshot_->ReadFiles(/*statistics=*/true));
    while (true) {
      std::shared_ptr<arrow::RecordBatch> batch;
      const arrow::Status read = reader->ReadNext(&batch);
      if (!read.ok()) return engine::FromStreamFailure(read);
      if (!batch) break;
      if (batch->num_rows() > 0) WEIR_RETURN_NOT_OK(builder.Add(*batch));
    }
  }
  list_ = builder.Finish();
  read_ = announced_;
  return list_;
}

}  // namespace weir
