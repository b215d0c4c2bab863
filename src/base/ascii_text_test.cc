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
  EXPECT_EQ(AsciiTrimmed(" \t\r\n a b\n"), "a b");
  EXPECT_EQ(AsciiTrimmed("a"), "a");
  EXPECT_EQ(AsciiTrimmed(" \n"), "");
  EXPECT_EQ(AsciiTrimmed(""), "");
}

}  // namespace
}  // namespace weir
