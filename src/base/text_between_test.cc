// SPDX-License-Identifier: Apache-2.0

#include "weir/base/text_between.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(TextBetween, TakesTheFirstPair) {
  EXPECT_EQ(TextBetween("no 'a', near 'b'", "'", "'"), "a");
  EXPECT_EQ(TextBetween("no 'a', near 'b'", "near '", "'"), "b");
  EXPECT_EQ(TextBetween("of [a, b]", "[", "]"), "a, b");
}

TEST(TextBetween, LooksForTheEndBehindTheBeginning) {
  EXPECT_EQ(TextBetween("]a[b]", "[", "]"), "b");
}

TEST(TextBetween, IsEmptyWhereThereIsNone) {
  EXPECT_EQ(TextBetween("no a", "'", "'"), "");
  EXPECT_EQ(TextBetween("no 'a", "'", "'"), "");
  EXPECT_EQ(TextBetween("no ''", "'", "'"), "");
  EXPECT_EQ(TextBetween("", "'", "'"), "");
}

}  // namespace
}  // namespace weir
