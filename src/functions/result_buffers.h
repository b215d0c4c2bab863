// SPDX-License-Identifier: Apache-2.0
//
// Writers of result columns: kernels store straight into the buffers of the array that leaves the
// room. Private to the room.

#pragma once

#include <cstring>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/buffer_builder.h>
#include <arrow/util/bit_util.h>

#include "weir/functions/arrow_status.h"

namespace weir {

/// Which rows of a result are NULL. Allocates nothing until the first.
class NullRows {
 public:
  explicit NullRows(int64_t rows) : rows_(rows) {}

  Status Set(int64_t row) {
    if (bitmap_ == nullptr) {
      const int64_t bytes = arrow::bit_util::BytesForBits(rows_);
      WEIR_ASSIGN_OR_RETURN(bitmap_, FromArrow(arrow::AllocateBuffer(bytes)));
      std::memset(bitmap_->mutable_data(), 0xff, static_cast<size_t>(bytes));
    }
    arrow::bit_util::ClearBit(bitmap_->mutable_data(), row);
    ++count_;
    return Status::OK();
  }

  int64_t count() const { return count_; }
  /// Null when no row is NULL.
  std::shared_ptr<arrow::Buffer> Finish() { return std::move(bitmap_); }

 private:
  int64_t rows_;
  int64_t count_ = 0;
  std::shared_ptr<arrow::Buffer> bitmap_;
};

/// A column of fixed-width values. Call SetNull at most once a row.
template <typename T>
class FixedColumnWriter {
 public:
  static Result<FixedColumnWriter> Make(int64_t rows) {
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> buffer,
                          FromArrow(arrow::AllocateBuffer(rows * static_cast<int64_t>(sizeof(T)))));
    return FixedColumnWriter(rows, std::move(buffer));
  }

  void Set(int64_t row, T value) { values_[row] = value; }
  Status SetNull(int64_t row) {
    values_[row] = T{};
    return nulls_.Set(row);
  }
  std::shared_ptr<arrow::ArrayData> FinishData(std::shared_ptr<arrow::DataType> type) {
    const int64_t null_count = nulls_.count();
    return arrow::ArrayData::Make(std::move(type), rows_, {nulls_.Finish(), std::move(buffer_)},
                                  null_count);
  }
  std::shared_ptr<arrow::Array> Finish(std::shared_ptr<arrow::DataType> type) {
    return arrow::MakeArray(FinishData(std::move(type)));
  }

 private:
  FixedColumnWriter(int64_t rows, std::shared_ptr<arrow::Buffer> buffer)
      : rows_(rows), nulls_(rows), buffer_(std::move(buffer)) {
    values_ = reinterpret_cast<T*>(buffer_->mutable_data());
  }

  int64_t rows_;
  NullRows nulls_;
  std::shared_ptr<arrow::Buffer> buffer_;
  T* values_;
};

/// A column of booleans, false unless set.
class BooleanColumnWriter {
 public:
  static Result<BooleanColumnWriter> Make(int64_t rows) {
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> bits,
                          FromArrow(arrow::AllocateEmptyBitmap(rows)));
    return BooleanColumnWriter(rows, std::move(bits));
  }

  void SetTrue(int64_t row) { arrow::bit_util::SetBit(bits_->mutable_data(), row); }
  Status SetNull(int64_t row) { return nulls_.Set(row); }
  std::shared_ptr<arrow::Array> Finish() {
    const int64_t null_count = nulls_.count();
    return arrow::MakeArray(arrow::ArrayData::Make(
        arrow::boolean(), rows_, {nulls_.Finish(), std::move(bits_)}, null_count));
  }

 private:
  BooleanColumnWriter(int64_t rows, std::shared_ptr<arrow::Buffer> bits)
      : rows_(rows), nulls_(rows), bits_(std::move(bits)) {}

  int64_t rows_;
  NullRows nulls_;
  std::shared_ptr<arrow::Buffer> bits_;
};

/// A column of texts (utf8), written in the order of rows: Append pieces, then EndRow or EndNull.
class TextColumnWriter {
 public:
  static Result<TextColumnWriter> Make(int64_t rows, int64_t expected_bytes) {
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> offsets,
                          FromArrow(arrow::AllocateBuffer((rows + 1) * 4)));
    TextColumnWriter writer(rows, std::move(offsets));
    WEIR_RETURN_NOT_OK(FromArrow(writer.bytes_.Reserve(expected_bytes)));
    return writer;
  }

  Status Append(std::string_view piece) {
    return FromArrow(bytes_.Append(piece.data(), static_cast<int64_t>(piece.size())));
  }
  /// Room for `most` bytes of the row, to be written by the caller and then counted by Advance.
  Result<char*> Room(int64_t most) {
    if (bytes_.length() + most > bytes_.capacity()) {
      WEIR_RETURN_NOT_OK(FromArrow(bytes_.Reserve(most)));
    }
    return reinterpret_cast<char*>(bytes_.mutable_data() + bytes_.length());
  }
  void Advance(int64_t written) { bytes_.UnsafeAdvance(written); }
  Status EndRow() {
    if (bytes_.length() > std::numeric_limits<int32_t>::max()) {
      return Status::User(StatusCode::kUnsupported,
                          "the texts of one batch exceed 2 GiB; use a smaller batch size");
    }
    offsets_[++row_] = static_cast<int32_t>(bytes_.length());
    return Status::OK();
  }
  Status EndNull() {
    WEIR_RETURN_NOT_OK(nulls_.Set(row_));
    return EndRow();
  }
  /// REQUIRES: every row was ended.
  Result<std::shared_ptr<arrow::ArrayData>> FinishData() {
    const int64_t null_count = nulls_.count();
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> bytes, FromArrow(bytes_.Finish()));
    return arrow::ArrayData::Make(arrow::utf8(), rows_,
                                  {nulls_.Finish(), std::move(offset_buffer_), std::move(bytes)},
                                  null_count);
  }
  Result<std::shared_ptr<arrow::Array>> Finish() {
    WEIR_ASSIGN_OR_RETURN(auto data, FinishData());
    return arrow::MakeArray(data);
  }

 private:
  TextColumnWriter(int64_t rows, std::shared_ptr<arrow::Buffer> offsets)
      : rows_(rows), nulls_(rows), offset_buffer_(std::move(offsets)) {
    offsets_ = reinterpret_cast<int32_t*>(offset_buffer_->mutable_data());
    offsets_[0] = 0;
  }

  int64_t rows_;
  int64_t row_ = 0;
  NullRows nulls_;
  std::shared_ptr<arrow::Buffer> offset_buffer_;
  int32_t* offsets_;
  arrow::BufferBuilder bytes_;
};

}  // namespace weir
