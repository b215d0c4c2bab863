// SPDX-License-Identifier: Apache-2.0
//
// Reads texts out of any encoding without copying them. Private to the room.

#pragma once

#include <memory>
#include <string_view>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/binary_view_util.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

#include "weir/functions/function.h"

namespace weir {

/// Rows of utf8, large_utf8, utf8_view, a dictionary of these, or null. A constant answers for
/// every row.
class TextColumn {
 public:
  static bool Accepts(const arrow::DataType& type);
  /// Fails with kInternal unless Accepts(type).
  static Result<TextColumn> Make(const FunctionValue& value);

  bool is_constant() const { return is_constant_; }
  bool IsNull(int64_t row) const {
    row = is_constant_ ? 0 : row;
    if (encoding_ == Encoding::kNull) return true;
    if (validity_ != nullptr && !arrow::bit_util::GetBit(validity_, array_->offset() + row))
      return true;
    return encoding_ == Encoding::kDictionary && dictionary_->IsNull(Index(row));
  }
  /// Valid as long as the array. REQUIRES: !IsNull(row)
  std::string_view operator[](int64_t row) const {
    row = is_constant_ ? 0 : row;
    switch (encoding_) {
      case Encoding::kUtf8:
        return As<arrow::StringArray>().GetView(row);
      case Encoding::kLargeUtf8:
        return As<arrow::LargeStringArray>().GetView(row);
      case Encoding::kView:
        return arrow::util::FromBinaryView(views_[row], view_buffers_);
      case Encoding::kDictionary:
        return (*dictionary_)[Index(row)];
      case Encoding::kNull:
        break;
    }
    return {};
  }

 private:
  enum class Encoding { kNull, kUtf8, kLargeUtf8, kView, kDictionary };

  template <typename Array>
  const Array& As() const {
    return arrow::internal::checked_cast<const Array&>(*array_);
  }
  int64_t Index(int64_t row) const { return As<arrow::DictionaryArray>().GetValueIndex(row); }

  Encoding encoding_ = Encoding::kNull;
  bool is_constant_ = false;
  std::shared_ptr<arrow::Array> array_;
  const uint8_t* validity_ = nullptr;  ///< null if no row is NULL
  std::shared_ptr<const TextColumn> dictionary_;
  // Of views, from the first row on.
  const arrow::BinaryViewType::c_type* views_ = nullptr;
  const std::shared_ptr<arrow::Buffer>* view_buffers_ = nullptr;
};

}  // namespace weir
