// SPDX-License-Identifier: Apache-2.0
//
// A result on a terminal: as much of it as fits. In: batches and the width. Out: lines that are no
// longer, and a note of what is not shown. Only what is shown is kept in memory.

#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"

namespace weir::cli {

/// The first and the last rows of a result, its first and its last columns.
class TerminalTable {
 public:
  /// Rows that are shown at most.
  static constexpr int64_t kMostRows = 40;

  TerminalTable(std::vector<std::string> header, size_t width)
      : header_(std::move(header)), width_(width) {}

  void Add(const std::shared_ptr<arrow::RecordBatch>& batch);

  std::string Render() const;
  /// "(3 rows)", "(5000 rows, 40 shown; 30 columns, 12 shown)". REQUIRES: Render() was called
  std::string Note() const;

 private:
  using Row = std::vector<std::string>;

  std::vector<Row> LastRows() const;

  std::vector<std::string> header_;
  size_t width_;
  int64_t count_ = 0;
  std::vector<Row> first_;
  /// The batches that the last rows are in.
  std::deque<std::shared_ptr<arrow::RecordBatch>> recent_;
  int64_t recent_rows_ = 0;
  mutable size_t columns_shown_ = 0;
};

/// Shows all rows of `rows` on stdout, and the note on stderr.
Status PrintOnTerminal(arrow::RecordBatchReader& rows);

/// Prints the rows of EXPLAIN as they are: plans of several lines.
Status PrintPlans(arrow::RecordBatchReader& rows);

}  // namespace weir::cli
