// SPDX-License-Identifier: Apache-2.0
//
// Lists (and maps) as ranges of the rows of a child array, read from any list encoding and written
// anew. Private to the room.

#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <arrow/array.h>

#include "weir/functions/aggregates/row_store.h"
#include "weir/functions/function.h"
#include "weir/functions/result_buffers.h"

namespace weir {

/// Where the lists of a column lie in its child.
class ListColumn {
 public:
  /// list, large_list, map
  static bool Accepts(const arrow::DataType& type);
  /// Fails with kInternal unless Accepts(type).
  static Result<ListColumn> Make(const FunctionValue& value);

  bool IsNull(int64_t row) const { return array_->IsNull(Row(row)); }
  /// First row of the child. REQUIRES: !IsNull(row), as does length()
  int64_t offset(int64_t row) const {
    row = Row(row) + array_->offset();
    return offsets32_ != nullptr ? offsets32_[row] : offsets64_[row];
  }
  int64_t length(int64_t row) const {
    row = Row(row) + array_->offset();
    return offsets32_ != nullptr ? offsets32_[row + 1] - offsets32_[row]
                                 : offsets64_[row + 1] - offsets64_[row];
  }
  /// For maps a struct of key and value.
  const std::shared_ptr<arrow::Array>& child() const { return child_; }

 private:
  int64_t Row(int64_t row) const { return is_constant_ ? 0 : row; }

  bool is_constant_ = false;
  std::shared_ptr<arrow::Array> array_;
  std::shared_ptr<arrow::Array> child_;
  const int32_t* offsets32_ = nullptr;
  const int64_t* offsets64_ = nullptr;
};

/// Writes lists whose elements are given later, as one array.
class ListWriter {
 public:
  /// `type` is a list, large_list or map.
  static Result<ListWriter> Make(std::shared_ptr<arrow::DataType> type, int64_t rows);

  /// Ends the row at `end` elements, counted from the first row's first.
  Status EndRow(int64_t end);
  /// A NULL without elements.
  Status EndNull();
  Result<std::shared_ptr<arrow::Array>> Finish(const std::shared_ptr<arrow::ArrayData>& child);

 private:
  ListWriter(std::shared_ptr<arrow::DataType> type, int64_t rows)
      : type_(std::move(type)), rows_(rows), nulls_(rows) {}

  std::shared_ptr<arrow::DataType> type_;
  int64_t rows_;
  int64_t row_ = 0;
  int64_t end_ = 0;
  NullRows nulls_;
  std::shared_ptr<arrow::Buffer> offsets_;
};

}  // namespace weir
