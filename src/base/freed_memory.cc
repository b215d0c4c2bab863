// SPDX-License-Identifier: Apache-2.0

#include "weir/base/freed_memory.h"

#include <algorithm>
#include <thread>

#include <malloc.h>

namespace weir {

void BoundFreedMemory(int64_t limit_bytes) {
#ifdef __GLIBC__
  // Few heaps, which shrink by what is free at their ends; larger buffers are mapped by themselves.
  // Unmapping costs time: where there is room, little is unmapped.
  constexpr int64_t kMostTrimmed = 32 << 20, kMostMapped = 8 << 20;
  constexpr int64_t kLeastTrimmed = 1 << 20, kLeastMapped = 512 << 10;
  // Each heap may have holes; threads that share one wait for each other.
  constexpr int64_t kLimitOfOneHeap = 128 << 20, kMostHeaps = 8;
  const int64_t heaps = std::clamp<int64_t>(std::thread::hardware_concurrency() / 4, 2, kMostHeaps);
  mallopt(M_ARENA_MAX,
          static_cast<int>(std::clamp<int64_t>(limit_bytes / kLimitOfOneHeap, 1, heaps)));
  mallopt(M_TRIM_THRESHOLD,
          static_cast<int>(std::clamp(limit_bytes / 64, kLeastTrimmed, kMostTrimmed)));
  mallopt(M_MMAP_THRESHOLD,
          static_cast<int>(std::clamp(limit_bytes / 128, kLeastMapped, kMostMapped)));
#else
  (void)limit_bytes;
#endif
}

}  // namespace weir
