// SPDX-License-Identifier: Apache-2.0
//
// In which rows two versions of tables differ. In: two pinned tables, perhaps the columns that tell
// their rows apart. Out: counts, the columns that changed, and some rows to look at. For people:
// nothing is decided by it.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/catalog/pinned_table.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// A column that only one side has, or that has another type there; it is not compared.
struct ColumnDifference {
  std::string name;
  std::string before;  ///< its type; empty if it is not there
  std::string after;
};

struct DataDifference {
  int64_t rows_before = 0;
  int64_t rows_after = 0;
  /// Rows of one side only. Without a key, equal rows count as often as one side has more of them.
  int64_t removed = 0;
  int64_t added = 0;
  int64_t changed = 0;  ///< rows whose key is on both sides, and whose other columns differ
  std::vector<std::pair<std::string, int64_t>> changed_columns;  ///< rows by column, 0 left out
  std::vector<ColumnDifference> columns;
  std::shared_ptr<arrow::Table> removed_rows, added_rows;  ///< samples; null: there are none
  /// Samples by column that changed: the key, `before` and `after`.
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Table>>> changed_rows;

  bool same() const { return removed + added + changed == 0 && columns.empty(); }
};

struct DataDifferenceOptions {
  std::vector<std::string> key;  ///< empty: rows are compared as a whole
  int64_t samples = 10;          ///< rows of each kind at most
};

/// Fails with kInvalidArgument where a side has no column of the key, or several rows with one key.
Result<DataDifference> FindDataDifference(const PinnedTable& before, const PinnedTable& after,
                                          const DataDifferenceOptions& options,
                                          const SessionRuntime& session);

}  // namespace weir
