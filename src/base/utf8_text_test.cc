// SPDX-License-Identifier: Apache-2.0

#include "weir/base/utf8_text.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"

namespace weir {
namespace {

TEST(Utf8Text, FindsTheFirstByteThatIsNot) {
  EXPECT_EQ(FindInvalidUtf8("aä€😀"), std::nullopt);
  EXPECT_EQ(FindInvalidUtf8("a\xFF"), 1u);
  EXPECT_EQ(FindInvalidUtf8("ab\xC3"), 2u);            // cut off
  EXPECT_EQ(FindInvalidUtf8("\xC0\xAF"), 0u);          // overlong
  EXPECT_EQ(FindInvalidUtf8("\xED\xA0\x80"), 0u);      // surrogate
  EXPECT_EQ(FindInvalidUtf8("\xF4\x90\x80\x80"), 0u);  // beyond the last character
}

TEST(Utf8Text, ShowsAReplacementForEachByteThatIsNot) {
  EXPECT_EQ(ShownAsUtf8("aä"), "aä");
  EXPECT_EQ(ShownAsUtf8("\xFF"), "\uFFFD");
  EXPECT_EQ(ShownAsUtf8("a\xC3|\xFF\xFE|ä\xC3"), "a\uFFFD|\uFFFD\uFFFD|ä\uFFFD");
}

TEST(Utf8Text, WritesBytesAsHexDigits) {
  EXPECT_EQ(HexText(""), "");
  EXPECT_EQ(HexText(std::string_view("\x00\x0F\xFFz", 4)), "000FFF7A");
}

// Faults A2: the JSON library aborted the program.
TEST(JsonText, NeverFailsAtBytesThatAreNoUtf8) {
  EXPECT_EQ(JsonText(nlohmann::json{{"k\xFF", "a\xC3"}}), "{\"k\uFFFD\":\"a\uFFFD\"}");
  EXPECT_EQ(JsonText(nlohmann::ordered_json::array({1}), 2), "[\n  1\n]");
}

}  // namespace
}  // namespace weir
