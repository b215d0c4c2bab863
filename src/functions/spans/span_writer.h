// SPDX-License-Identifier: Apache-2.0
//
// Writes a column of spans. Private to the room.

#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <arrow/array.h>

#include "weir/functions/result_buffers.h"
#include "weir/functions/spans/span_type.h"

namespace weir {

/// One span.
struct SpanValue {
  int64_t bstart;
  int64_t bend;
  int32_t line_base;
  std::string_view col_unit;
  bool end_exclusive;
};

/// Rows are set in order, each once.
class SpanWriter {
 public:
  static Result<SpanWriter> Make(int64_t rows) {
    WEIR_ASSIGN_OR_RETURN(auto bstart, FixedColumnWriter<int64_t>::Make(rows));
    WEIR_ASSIGN_OR_RETURN(auto bend, FixedColumnWriter<int64_t>::Make(rows));
    WEIR_ASSIGN_OR_RETURN(auto line_base, FixedColumnWriter<int32_t>::Make(rows));
    WEIR_ASSIGN_OR_RETURN(auto col_unit, TextColumnWriter::Make(rows, rows * 4));
    WEIR_ASSIGN_OR_RETURN(auto end_exclusive, BooleanColumnWriter::Make(rows));
    return SpanWriter(rows, std::move(bstart), std::move(bend), std::move(line_base),
                      std::move(col_unit), std::move(end_exclusive));
  }

  Status Set(int64_t row, const SpanValue& span) {
    bstart_.Set(row, span.bstart);
    bend_.Set(row, span.bend);
    line_base_.Set(row, span.line_base);
    if (span.end_exclusive) end_exclusive_.SetTrue(row);
    WEIR_RETURN_NOT_OK(col_unit_.Append(span.col_unit));
    return col_unit_.EndRow();
  }
  Status SetNull(int64_t row) {
    bstart_.Set(row, 0);
    bend_.Set(row, 0);
    line_base_.Set(row, 0);
    WEIR_RETURN_NOT_OK(col_unit_.EndRow());
    return nulls_.Set(row);
  }

  Result<std::shared_ptr<arrow::Array>> Finish() {
    WEIR_ASSIGN_OR_RETURN(auto units, col_unit_.FinishData());
    const int64_t null_count = nulls_.count();
    return arrow::MakeArray(arrow::ArrayData::Make(
        SpanType(), rows_, {nulls_.Finish()},
        {bstart_.FinishData(arrow::int64()), bend_.FinishData(arrow::int64()),
         line_base_.FinishData(arrow::int32()), std::move(units), end_exclusive_.Finish()->data()},
        null_count));
  }

 private:
  SpanWriter(int64_t rows, FixedColumnWriter<int64_t> bstart, FixedColumnWriter<int64_t> bend,
             FixedColumnWriter<int32_t> line_base, TextColumnWriter col_unit,
             BooleanColumnWriter end_exclusive)
      : rows_(rows),
        bstart_(std::move(bstart)),
        bend_(std::move(bend)),
        line_base_(std::move(line_base)),
        col_unit_(std::move(col_unit)),
        end_exclusive_(std::move(end_exclusive)),
        nulls_(rows) {}

  int64_t rows_;
  FixedColumnWriter<int64_t> bstart_, bend_;
  FixedColumnWriter<int32_t> line_base_;
  TextColumnWriter col_unit_;
  BooleanColumnWriter end_exclusive_;
  NullRows nulls_;
};

}  // namespace weir
