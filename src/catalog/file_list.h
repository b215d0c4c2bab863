// SPDX-License-Identifier: Apache-2.0
//
// The files of a table at one version, column by column, so that a million of them are held in
// little memory. In: the replay of a Delta log, or files that are known already. Out: a FileList,
// which scans choose from. Of the statistics only the columns that somebody asked for are kept.

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/catalog/statistics_scanner.h"
#include "weir/engine/data_file.h"
#include "weir/engine/engine.h"

namespace weir {

/// Texts, one after the other in one piece of memory.
class PackedTexts {
 public:
  void Add(std::string_view text) {
    bytes_.append(text);
    ends_.push_back(bytes_.size());
  }
  std::string_view operator[](size_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  size_t size() const { return ends_.size(); }

 private:
  std::string bytes_;
  std::vector<uint64_t> ends_;
};

/// Files ordered by path. Immutable once built, hence safe to share across threads.
class FileList {
 public:
  /// The JSON texts of a file's statistics of one column, as the log has them; empty where it has
  /// none.
  using Statistics = StatisticsScanner::Column;

  size_t size() const { return order_.size(); }
  std::string_view path(size_t i) const { return paths_[order_[i]]; }
  int64_t size_bytes(size_t i) const { return sizes_[order_[i]]; }
  int64_t modified_ms(size_t i) const { return modified_ms_[order_[i]]; }
  /// -1 if unknown. Rows that a deletion vector takes away are not counted by `rows`, only by
  /// `stored_rows`, which the statistics are about.
  int64_t rows(size_t i) const;
  int64_t stored_rows(size_t i) const { return rows_[order_[i]]; }
  std::string_view etag(size_t i) const { return etags_.size() == 0 ? "" : etags_[order_[i]]; }
  /// What tells the file's deletion vector apart from others; empty without one.
  std::string_view deletion_vector(size_t i) const;
  /// False if the file has statistics that cannot be read: what stands there is no JSON.
  bool statistics_readable(size_t i) const { return !unreadable_.contains(order_[i]); }

  /// Of a column by its physical name: no value if the log has none, an empty one for NULL.
  std::optional<std::optional<std::string_view>> partition_value(size_t i,
                                                                 std::string_view column) const;
  /// Index of a column's statistics for `statistics`, or -1 if they were not asked for.
  int StatisticsIndex(const StatisticsPath& column) const;
  Statistics statistics(size_t i, int index) const;

  /// One file as a plain value, without its statistics.
  DataFile File(size_t i) const;

 private:
  friend class FileListBuilder;

  /// A column's values, each once; codes are 0 for none, 1 for NULL, 2… for the values.
  struct PartitionColumn {
    std::string name;
    std::vector<uint32_t> codes;
    std::vector<std::string> values;
    std::unordered_map<std::string, uint32_t> code_of;
  };
  struct StatisticsColumns {
    PackedTexts min, max, null_count;
  };

  std::string path_column_;
  std::vector<uint32_t> order_;  ///< from the place in the order of paths to the place in storage
  PackedTexts paths_;
  std::vector<int64_t> sizes_, modified_ms_, rows_;
  PackedTexts etags_;  ///< empty if no file has one
  struct DeletionVector {
    std::string id;
    int64_t deleted_rows = 0;
  };
  std::unordered_map<uint32_t, DeletionVector> deletion_vectors_;
  std::set<uint32_t> unreadable_;
  std::vector<PartitionColumn> partitions_;
  std::vector<StatisticsPath> statistics_paths_;
  std::vector<StatisticsColumns> statistics_;
};

/// Fills a FileList.
class FileListBuilder {
 public:
  /// Keeps the statistics of `columns`. The partition column `path_column` has the paths of files
  /// as its values; empty: there is none.
  explicit FileListBuilder(const std::set<StatisticsPath>& columns,
                           const std::string& path_column = {});

  void Add(const DataFile& file);
  /// A batch of the replay of a log (engine::DeltaSnapshot::ReadFiles).
  Status Add(const arrow::RecordBatch& batch);
  /// REQUIRES: called once, last.
  std::shared_ptr<const FileList> Finish();

 private:
  void AddStatistics(std::string_view json, int64_t known_rows);
  void AddPartitionValue(std::string_view column, std::optional<std::string_view> value);

  std::shared_ptr<FileList> list_;
  StatisticsScanner scanner_;
};

/// The files of a table, read when first asked for. Safe for use from several threads.
class TableFiles {
 public:
  /// `path_column` as FileListBuilder takes it.
  explicit TableFiles(engine::DeltaSnapshot snapshot, std::string path_column = {});
  explicit TableFiles(std::vector<DataFile> files);

  /// Says what a later Read will ask for, so that the first one gets all of it.
  void Announce(const std::set<StatisticsPath>& columns) const;
  /// With the statistics of at least `columns`. Reads the log again where an earlier list has not
  /// got them all.
  Result<std::shared_ptr<const FileList>> Read(const std::set<StatisticsPath>& columns) const;

 private:
  std::optional<engine::DeltaSnapshot> snapshot_;
  std::string path_column_;
  std::vector<DataFile> given_;
  mutable std::mutex mutex_;
  mutable std::set<StatisticsPath> announced_, read_;
  mutable std::shared_ptr<const FileList> list_;
};

}  // namespace weir
