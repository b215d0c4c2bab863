// SPDX-License-Identifier: Apache-2.0
//
// How much of a Parquet file is gathered in memory before it is written. In: the memory limit. Out:
// bytes of a row group.

#pragma once

#include <algorithm>
#include <cstdint>

namespace weir {

/// The most bytes of a row group that a writer gathers, one a partition: of a small limit no more
/// than a part.
inline int64_t RowGroupBytes(int64_t memory_limit_bytes) {
  constexpr int64_t kLeast = 1 << 20, kMost = 128 << 20, kShares = 32;
  return std::clamp(memory_limit_bytes / kShares, kLeast, kMost);
}

}  // namespace weir
