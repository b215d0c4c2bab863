// SPDX-License-Identifier: Apache-2.0
//
// Work of which parts come after others, over several threads.

#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace weir {

/// Runs `work(i)` for each place `i` of `after`, once, when those that `after[i]` names have
/// returned, on up to `threads` threads; returns when all are done. `work` must not throw.
/// REQUIRES: nothing comes after itself
template <typename Work>
void ForEachInOrder(const std::vector<std::vector<size_t>>& after, size_t threads,
                    const Work& work) {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<size_t> ready;
  std::vector<size_t> waiting(after.size());
  std::vector<std::vector<size_t>> next(after.size());
  size_t finished = 0;
  for (size_t i = 0; i < after.size(); ++i) {
    waiting[i] = after[i].size();
    for (const size_t before : after[i]) next[before].push_back(i);
    if (after[i].empty()) ready.push_back(i);
  }
  const auto drain = [&] {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return !ready.empty() || finished == after.size(); });
      if (ready.empty()) return;
      const size_t i = ready.front();
      ready.pop_front();
      lock.unlock();
      work(i);
      lock.lock();
      ++finished;
      for (const size_t follower : next[i]) {
        if (--waiting[follower] == 0) ready.push_back(follower);
      }
      changed.notify_all();
    }
  };
  std::vector<std::thread> others;
  for (size_t t = 1; t < std::min(threads, after.size()); ++t) others.emplace_back(drain);
  drain();
  for (std::thread& other : others) other.join();
}

}  // namespace weir
