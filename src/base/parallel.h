// SPDX-License-Identifier: Apache-2.0
//
// A loop over several threads.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace weir {

/// Runs `work(0)` … `work(count - 1)`, each once, in any order on up to `threads` threads; returns
/// when all are done. `work` must not throw.
template <typename Work>
void ForEachInParallel(size_t count, size_t threads, const Work& work) {
  std::atomic<size_t> next = 0;
  const auto drain = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> others;
  for (size_t t = 1; t < std::min<size_t>(threads, count); ++t) others.emplace_back(drain);
  drain();
  for (std::thread& other : others) other.join();
}

}  // namespace weir
