// SPDX-License-Identifier: Apache-2.0
//
// The time of day, behind an interface so that tests decide what time it is.

#pragma once

#include <chrono>
#include <cstdint>

namespace weir {

/// Tells the time. Safe for use from several threads.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Microseconds since 1970-01-01T00:00:00 UTC, without leap seconds.
  virtual int64_t Now() const = 0;
};

/// The machine's clock. It may step backwards when somebody sets it.
class SystemClock : public Clock {
 public:
  int64_t Now() const override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
  }
};

/// Always tells the time it was made with.
class FixedClock : public Clock {
 public:
  explicit FixedClock(int64_t now_us) : now_us_(now_us) {}
  int64_t Now() const override { return now_us_; }

 private:
  int64_t now_us_;
};

}  // namespace weir
