// SPDX-License-Identifier: Apache-2.0

#include "weir/base/time_text.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(TimeText, IsUtcWithMilliseconds) {
  EXPECT_EQ(TimeText(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(TimeText(1'769'860'800'123'999), "2026-01-31T12:00:00.123Z");
  EXPECT_EQ(TimeText(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace weir
