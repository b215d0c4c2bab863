// SPDX-License-Identifier: Apache-2.0

#include "weir/base/percent_text.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(PercentDecoded, UndoesTheEncodingOnce) {
  EXPECT_EQ(PercentDecoded("k=a%20b/part-0.parquet"), "k=a b/part-0.parquet");
  EXPECT_EQ(PercentDecoded("a%2520b"), "a%20b");
  EXPECT_EQ(PercentDecoded("%C3%BC"), "ü");
}

TEST(PercentDecoded, LeavesWhatIsNoEncoding) {
  EXPECT_EQ(PercentDecoded("100%"), "100%");
  EXPECT_EQ(PercentDecoded("%zz%4"), "%zz%4");
  EXPECT_EQ(PercentDecoded("%-1"), "%-1");
  EXPECT_EQ(PercentDecoded(""), "");
}

}  // namespace
}  // namespace weir
