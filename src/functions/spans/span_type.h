// SPDX-License-Identifier: Apache-2.0
//
// The span value: struct{bstart int64, bend int64, line_base int32, col_unit utf8, end_exclusive
// boolean}. Private to the room.

#pragma once

#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "weir/functions/text_column.h"

namespace weir {

/// The canonical type; its fields are nullable.
std::shared_ptr<arrow::DataType> SpanType();
/// A field of that type with the metadata semantic_type=Span.
std::shared_ptr<arrow::Field> SpanField(const std::string& name, bool nullable);

/// The type in which a span argument of type `type` is read: itself where SpanColumn can, else the
/// canonical one. Fails with kInvalidArgument, naming `function`, where it is no span at all.
Result<std::shared_ptr<arrow::DataType>> CoerceToSpan(const std::string& function,
                                                      const std::shared_ptr<arrow::DataType>& type);

/// Reads the spans of one argument; fields are found by name.
class SpanColumn {
 public:
  static Result<SpanColumn> Make(const FunctionValue& value);

  /// True if the span, a bound, its unit or the kind of its end is NULL.
  bool IsNull(int64_t row) const;
  // The rest REQUIRES !IsNull(row).
  int64_t bstart(int64_t row) const { return bstart_->Value(Row(row)); }
  int64_t bend(int64_t row) const { return bend_->Value(Row(row)); }
  /// 0 if NULL. REQUIRES: the spans have the canonical type.
  int32_t line_base(int64_t row) const {
    return line_base_->IsNull(Row(row)) ? 0 : line_base_->Value(Row(row));
  }
  bool end_exclusive(int64_t row) const { return end_exclusive_->Value(Row(row)); }
  std::string_view col_unit(int64_t row) const { return (*col_unit_)[Row(row)]; }

 private:
  int64_t Row(int64_t row) const { return is_constant_ ? 0 : row; }

  bool is_constant_ = false;
  std::shared_ptr<arrow::Array> spans_;
  std::shared_ptr<arrow::Int64Array> bstart_;
  std::shared_ptr<arrow::Int64Array> bend_;
  std::shared_ptr<arrow::Int32Array> line_base_;  ///< null unless of that type
  std::shared_ptr<arrow::BooleanArray> end_exclusive_;
  std::shared_ptr<TextColumn> col_unit_;
};

}  // namespace weir
