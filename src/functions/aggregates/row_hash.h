// SPDX-License-Identifier: Apache-2.0
//
// A hash of the values of any type that has an order: values which RowOrder finds equal have the
// same. For tables in memory only; nothing may store it. Private to the room.

#pragma once

#include <cstdint>
#include <memory>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"

namespace weir {

/// Mixes the bits of a number, one to one.
inline uint64_t MixBits(uint64_t bits) {
  bits ^= bits >> 32;
  bits *= 0xd6e8feb86659fd93;
  bits ^= bits >> 32;
  bits *= 0xd6e8feb86659fd93;
  return bits ^ (bits >> 32);
}

/// Hashes rows of arrays of one type.
class RowHash {
 public:
  /// Fails with kInvalidArgument unless RowOrder::Accepts(type).
  static Result<std::unique_ptr<RowHash>> Make(const arrow::DataType& type);
  virtual ~RowHash() = default;

  /// REQUIRES: the row is not NULL.
  virtual uint64_t HashValue(const arrow::Array& array, int64_t row) const = 0;
  /// The same with a hash for NULL.
  uint64_t Hash(const arrow::Array& array, int64_t row) const;
};

}  // namespace weir
