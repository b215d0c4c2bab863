// SPDX-License-Identifier: Apache-2.0

#include "weir/base/letter_case.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(LowerCase, OfAllLetters) {
  EXPECT_EQ(LowerCase("Größe_ÄÖ"), "größe_äö");
  EXPECT_EQ(LowerCase("ΣΟΦΟΣ"), "σοφος") << "as the reader of files has it";
  EXPECT_EQ(LowerCase("a b\"C"), "a b\"c");
  EXPECT_EQ(LowerCase(""), "");
}

}  // namespace
}  // namespace weir
