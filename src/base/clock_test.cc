// SPDX-License-Identifier: Apache-2.0

#include "weir/base/clock.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Clock, SystemClockCountsMicrosecondsSince1970) {
  const int64_t start_of_2020_us = int64_t{1577836800} * 1000000;
  const int64_t start_of_2200_us = int64_t{7258118400} * 1000000;
  const int64_t now_us = SystemClock().Now();
  EXPECT_GT(now_us, start_of_2020_us);
  EXPECT_LT(now_us, start_of_2200_us);
}

TEST(Clock, FixedClockStandsStill) {
  const FixedClock clock(42);
  EXPECT_EQ(clock.Now(), 42);
  EXPECT_EQ(clock.Now(), 42);
}

}  // namespace
}  // namespace weir
