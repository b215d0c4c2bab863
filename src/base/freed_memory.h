// SPDX-License-Identifier: Apache-2.0
//
// How much freed memory the C library's allocator, which makes the buffers of rows, keeps for
// itself. In: the bytes that the program is to stay within.

#pragma once

#include <cstdint>

namespace weir {

/// Of the whole process, from now on; the last call counts. Threads that run already keep the heaps
/// that they have. Nothing where the C library is not glibc.
void BoundFreedMemory(int64_t limit_bytes);

}  // namespace weir
