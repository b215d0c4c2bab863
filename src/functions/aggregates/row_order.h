// SPDX-License-Identifier: Apache-2.0
//
// The total order of the values of a type. Private to the room.
//
//   numbers, times      by value; floats as IEEE 754 totalOrder (-nan < -inf … -0 < +0 … inf < nan)
//   text, binary        by bytes
//   list, map           element by element, a prefix first
//   struct              field by field
//   dictionary          as its values
//   NULL inside of nested values comes last

#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"

namespace weir {

/// Compares rows of arrays of one type.
class RowOrder {
 public:
  static bool Accepts(const arrow::DataType& type);
  /// Fails with kInvalidArgument unless Accepts(type).
  static Result<std::unique_ptr<RowOrder>> Make(const arrow::DataType& type);
  virtual ~RowOrder() = default;

  /// Negative, 0 or positive. REQUIRES: neither row is NULL.
  virtual int CompareValues(const arrow::Array& left, int64_t left_row, const arrow::Array& right,
                            int64_t right_row) const = 0;
  /// The same with NULL last.
  int Compare(const arrow::Array& left, int64_t left_row, const arrow::Array& right,
              int64_t right_row) const;
};

/// Reads the values of an array as integers in the same order. Exists for types of up to 64 bits.
class OrderKeys {
 public:
  static bool Accepts(const arrow::DataType& type);
  /// REQUIRES: Accepts(array.type()). The array must outlive the keys.
  explicit OrderKeys(const arrow::Array& array);
  /// REQUIRES: the row is not NULL
  uint64_t operator[](int64_t row) const { return read_(*array_, row); }

  /// The values that have the keys; NULL at the places `null_rows`.
  /// REQUIRES: Accepts(*type)
  static Result<std::shared_ptr<arrow::Array>> ToValues(
      const std::shared_ptr<arrow::DataType>& type, std::span<const uint64_t> keys,
      std::span<const int64_t> null_rows);

 private:
  using Read = uint64_t (*)(const arrow::Array&, int64_t);
  const arrow::Array* array_;
  Read read_;
};

}  // namespace weir
