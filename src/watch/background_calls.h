// SPDX-License-Identifier: Apache-2.0
//
// Work that a run does not wait for until it ends: one call after another on a thread of its own.

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace weir {

/// Safe for use from several threads.
class BackgroundCalls {
 public:
  BackgroundCalls() = default;
  ~BackgroundCalls() { Finish(); }
  BackgroundCalls(const BackgroundCalls&) = delete;
  BackgroundCalls& operator=(const BackgroundCalls&) = delete;

  /// `call` must not throw. REQUIRES: Finish() was not called
  void Add(std::function<void()> call);
  /// Returns when all calls have ended.
  void Finish();

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> calls_;
  bool finishes_ = false;
  std::thread worker_;  ///< from the first call on
};

}  // namespace weir
