// SPDX-License-Identifier: Apache-2.0
//
// Decides from a file's partition values and statistics whether a predicate can be true for any of
// its rows. In: filters of a scan, files of a table. Out: the reason why a file holds no matching
// row, or nothing: then it must be read. Sound, not complete: what is not understood is kept.

#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/catalog/file_list.h"
#include "weir/engine/data_file.h"
#include "weir/plan/expression.h"
#include "weir/scan/column_facts.h"

namespace weir {

/// What is decided of one file.
struct FileVerdict {
  /// The reason to leave the file out: the predicate and the statistic, such as
  /// "`t.month = 3`: month is 5 to 7". nullopt keeps the file.
  std::optional<std::string> reason;
  /// How the statistics that were asked for contradict themselves, so that they were not used;
  /// empty if they do not.
  std::string contradiction;
};

/// The filters of one scan, over the columns of one schema. Immutable, hence safe to share across
/// threads.
class FilePruner {
 public:
  /// `filters` are combined by AND; they must outlive the pruner. `log_schema` has the physical
  /// names of column mapping; null if the log uses the names of `schema`.
  FilePruner(std::shared_ptr<arrow::Schema> schema, const std::vector<Expression>& filters,
             const std::shared_ptr<arrow::Schema>& log_schema = nullptr);

  /// The statistics that a list of files must have for Judge.
  std::set<StatisticsPath> StatisticsPaths() const { return columns_.StatisticsPaths(); }

  FileVerdict Judge(const FileList& files, size_t file) const;

  /// The reason in the verdict on a single file.
  std::optional<std::string> ReasonToPrune(const DataFile& file) const;

 private:
  const std::vector<Expression>& filters_;
  ColumnReferences columns_;
};

}  // namespace weir
