// SPDX-License-Identifier: Apache-2.0
//
// Decides from a file's partition values and statistics whether a predicate can be true for any of
// its rows. In: filters of a scan, facts of a file. Out: the reason why the file holds no matching
// row, or nothing: then it must be read. Sound, not complete: what is not understood is kept.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/engine/data_file.h"
#include "weir/plan/expression.h"

namespace weir {

/// The filters of one scan, over the columns of one schema. Immutable, hence safe to share across
/// threads.
class FilePruner {
 public:
  /// `filters` are combined by AND; they must outlive the pruner.
  FilePruner(std::shared_ptr<arrow::Schema> schema, const std::vector<Expression>& filters);

  /// The reason to leave the file out: the predicate and the statistic, such as
  /// "`t.month = 3`: month is 5 to 7". nullopt keeps the file.
  std::optional<std::string> ReasonToPrune(const DataFile& file) const;

 private:
  std::shared_ptr<arrow::Schema> schema_;
  const std::vector<Expression>& filters_;
};

}  // namespace weir
