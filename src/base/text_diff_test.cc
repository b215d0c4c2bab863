// SPDX-License-Identifier: Apache-2.0

#include "weir/base/text_diff.h"

#include <random>

#include <gtest/gtest.h>

namespace weir {
namespace {

/// "+b" and "-c" for what is on one side, " a" for both.
std::string Shown(const std::vector<DiffLine>& lines) {
  std::string text;
  for (const DiffLine& line : lines) {
    text += line.side == DiffSide::kBoth ? ' ' : line.side == DiffSide::kBefore ? '-' : '+';
    text += line.text + "\n";
  }
  return text;
}

std::string Diff(std::string_view before, std::string_view after) {
  return Shown(DiffLines(SplitLines(before), SplitLines(after)));
}

TEST(TextDiff, LinesOfOneSideAreMarked) {
  EXPECT_EQ(Diff("a\nb\nc\n", "a\nx\nc\n"), " a\n-b\n+x\n c\n");
  EXPECT_EQ(Diff("a\nb", "b\nc"), "-a\n b\n+c\n");
  EXPECT_EQ(Diff("", "a"), "+a\n");
  EXPECT_EQ(Diff("a\na\n", "a\n"), " a\n-a\n");
  EXPECT_EQ(Diff("a\n\nb", "a\n\nb"), " a\n \n b\n");
  EXPECT_EQ(Diff("", ""), "");
}

TEST(TextDiff, ContextStandsForTheRest) {
  const auto lines =
      DiffLines(SplitLines("1\n2\n3\n4\n5\n6\n7"), SplitLines("1\n2\n3\nx\n5\n6\n7"));
  EXPECT_EQ(Shown(WithContext(lines, 1)), " …\n 3\n-4\n+x\n 5\n …\n");
  EXPECT_EQ(WithContext(lines, 9), lines);
  EXPECT_TRUE(WithContext({}, 1).empty());
}

TEST(TextDiff, ManyLinesThatDifferAreStillAllThere) {
  std::string before, after;
  for (int i = 0; i < 5'000; ++i) {
    before += "a" + std::to_string(i) + "\n";
    after += "b" + std::to_string(i) + "\n";
  }
  EXPECT_EQ(DiffLines(SplitLines(before), SplitLines(after)).size(), 10'000U);
}

/// Each side, read alone, is the text it was; no longer common part can be had by a naive search.
TEST(TextDiffProperty, EachSideIsTheTextItWasAndCommonLinesAreAsManyAsCanBe) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 10'000; ++round) {
    std::vector<std::string_view> texts[2];
    static constexpr std::string_view kLines[] = {"a", "b", "c"};
    for (auto& text : texts) {
      for (size_t n = random() % 8; n > 0; --n) text.push_back(kLines[random() % 3]);
    }
    std::vector<std::string_view> sides[2];
    size_t common = 0;
    const auto lines = DiffLines(texts[0], texts[1]);
    for (const DiffLine& line : lines) {
      if (line.side != DiffSide::kAfter) sides[0].push_back(line.text);
      if (line.side != DiffSide::kBefore) sides[1].push_back(line.text);
      common += line.side == DiffSide::kBoth ? 1 : 0;
    }
    ASSERT_EQ(sides[0], texts[0]);
    ASSERT_EQ(sides[1], texts[1]);
    size_t best = 0;
    for (size_t chosen = 0; chosen < (size_t{1} << texts[0].size()); ++chosen) {
      size_t at = 0, count = 0;
      bool is_in_both = true;
      for (size_t i = 0; i < texts[0].size() && is_in_both; ++i) {
        if ((chosen >> i & 1) == 0) continue;
        while (at < texts[1].size() && texts[1][at] != texts[0][i]) ++at;
        is_in_both = at < texts[1].size();
        ++at;
        ++count;
      }
      if (is_in_both) best = std::max(best, count);
    }
    ASSERT_EQ(common, best);
  }
}

}  // namespace
}  // namespace weir
