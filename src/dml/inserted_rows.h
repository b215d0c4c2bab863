// SPDX-License-Identifier: Apache-2.0
//
// The rows of an INSERT. In: its query. Out: files of the table, in the table's columns, with
// computed ones; with schema evolution, the table's new columns in the commit to be made.

#pragma once

#include <string>
#include <vector>

#include "weir/dml/statement_work.h"

namespace weir {

/// `work` must outlive it.
class InsertedRows {
 public:
  explicit InsertedRows(StatementWork& work) : work_(work) {}

  /// Writes them; the files are among those that the commit adds.
  Status Write();

  const std::vector<DataFile>& files() const { return files_; }
  /// Whether the query reads the table that it writes, or may do so.
  bool reads_itself() const { return reads_itself_; }

 private:
  /// Columns of a query that the table does not have become the table's, behind its own.
  Status AddColumnsOf(const engine::Plan& query);
  /// `names`: of the columns that a query gives values for; empty: all that are not generated.
  Result<std::vector<int>> GivenColumns(const std::vector<std::string>& names) const;
  /// Rows that replace others must be such as these: else a second run would not find them.
  Result<engine::BatchSieve> ReplacedSieve(engine::BatchSieve sieve) const;

  StatementWork& work_;
  std::vector<DataFile> files_;
  bool reads_itself_ = false;
};

}  // namespace weir
