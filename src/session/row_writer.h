// SPDX-License-Identifier: Apache-2.0
//
// Rows of any schema, written one by one from JSON values. For the rows of table functions, which
// are few; not for data. Private to the room.

#pragma once

#include <memory>
#include <vector>

#include <arrow/status.h>
#include <arrow/type_fwd.h>
#include <nlohmann/json_fwd.hpp>

#include "weir/base/result.h"

namespace weir {

/// For one thread.
class RowWriter {
 public:
  /// Takes fields of text, int32, int64, boolean, timestamp (as its number), and lists, structs and
  /// maps of texts of them.
  explicit RowWriter(std::shared_ptr<arrow::Schema> schema);
  ~RowWriter();
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  /// One value a field, in their order; null is NULL. Structs and maps are objects, lists arrays.
  Status Add(const std::vector<nlohmann::json>& values);

  Result<std::shared_ptr<arrow::RecordBatch>> Finish();

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  arrow::Status failure_;
  int64_t rows_ = 0;
};

}  // namespace weir
