// SPDX-License-Identifier: Apache-2.0

#include "weir/base/ascii_text.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(AsciiText, ChangesTheCaseOfAsciiLettersAlone) {
  EXPECT_EQ(AsciiLowerCase("Aé@[Z`z{ß"), "aé@[z`z{ß");
  EXPECT_EQ(AsciiUpperCase("Aé@[Z`z{ß"), "Aé@[Z`Z{ß");
  EXPECT_EQ(AsciiLowerCase("ÄÖ"), "ÄÖ");
  EXPECT_EQ(AsciiUpperCase(""), "");
}

TEST(AsciiText, IsTrimmedAtBothEnds) {
  EXPECT_EQ(TrimAscii(" \t\r\n\v\f a b\n"), "a b");
  EXPECT_EQ(TrimAscii("a"), "a");
  EXPECT_EQ(TrimAscii(" \n"), "");
  EXPECT_EQ(TrimAscii(""), "");
  EXPECT_EQ(TrimAscii("\xC2\xA0 a"), "\xC2\xA0 a");
}

TEST(AsciiText, IsComparedWithoutRegardToCase) {
  EXPECT_TRUE(EqualsIgnoringAsciiCase("uTf8", "utf8"));
  EXPECT_FALSE(EqualsIgnoringAsciiCase("utf", "utf8"));
  EXPECT_FALSE(EqualsIgnoringAsciiCase("utf8x", "utf8"));
  EXPECT_FALSE(EqualsIgnoringAsciiCase("@", "`"));
  EXPECT_TRUE(EqualsIgnoringAsciiCase("", ""));
}

}  // namespace
}  // namespace weir
