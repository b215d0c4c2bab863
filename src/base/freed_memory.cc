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
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  mallopt(M_ARENA_MAX, std::clamp(cores / 4, 2, 8));
  mallopt(M_TRIM_THRESHOLD,
          static_cast<int>(std::clamp(limit_bytes / 64, kLeastTrimmed, kMostTrimmed)));
  mallopt(M_MMAP_THRESHOLD,
          static_cast<int>(std::clamp(limit_bytes / 128, kLeastMapped, kMostMapped)));
#else
  (void)limit_bytes;
#endif
}

void GiveBackFreedMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace weir
