// SPDX-License-Identifier: Apache-2.0

#include "weir/base/text_width.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(TextWidth, CountsColumns) {
  EXPECT_EQ(TextWidth(""), 0U);
  EXPECT_EQ(TextWidth("abc"), 3U);
  EXPECT_EQ(TextWidth("Zürich"), 6U);
  EXPECT_EQ(TextWidth("東京"), 4U);
  EXPECT_EQ(TextWidth("ＡＢ"), 4U);
  EXPECT_EQ(TextWidth("한국"), 4U);
  EXPECT_EQ(TextWidth("…"), 1U);
}

TEST(TextWidth, CountsWhatIsDrawnAsOne) {
  EXPECT_EQ(TextWidth("e\u0301"), 1U);       // e with an acute accent
  EXPECT_EQ(TextWidth("\u0928\u0940"), 2U);  // a letter and a spacing vowel
  EXPECT_EQ(TextWidth("👍"), 2U);
  EXPECT_EQ(TextWidth("👍🏽"), 2U);            // with the colour of a skin
  EXPECT_EQ(TextWidth("👩‍👩‍👧"), 2U);  // joined
  EXPECT_EQ(TextWidth("🇩🇪"), 2U);
  EXPECT_EQ(TextWidth("❤️"), 2U);    // shown as an emoji
  EXPECT_EQ(TextWidth("a\u200Bb"), 2U);  // a space without width
}

TEST(TextWidth, CountsBytesThatAreNoText) { EXPECT_EQ(TextWidth("a\xFF\xFE"), 3U); }

TEST(CutToWidth, KeepsWhatFits) {
  EXPECT_EQ(CutToWidth("abc", 3), "abc");
  EXPECT_EQ(CutToWidth("abcd", 3), "ab…");
  EXPECT_EQ(CutToWidth("abcd", 1), "…");
  EXPECT_EQ(CutToWidth("abcd", 0), "");
  EXPECT_EQ(CutToWidth("東京都", 5), "東京…");
  EXPECT_EQ(CutToWidth("東京都", 4), "東…");
  EXPECT_EQ(CutToWidth("e\u0301e\u0301e\u0301", 2), "e\u0301…");
  for (size_t width = 0; width < 12; ++width)
    EXPECT_LE(TextWidth(CutToWidth("a東👩‍👩‍👧e\u0301京b🇩🇪", width)), width);
}

}  // namespace
}  // namespace weir
