// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/path_pattern.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

bool Fits(const std::string& pattern, const std::string& path) {
  return FitsPattern(PathParts(pattern), PathParts(path));
}

TEST(PathPattern, OfOnePart) {
  EXPECT_TRUE(FitsPart("*.csv", "a.csv"));
  EXPECT_TRUE(FitsPart("*", ""));
  EXPECT_TRUE(FitsPart("a*b*c", "aXbXbc"));
  EXPECT_FALSE(FitsPart("a*b*c", "aXbXb"));
  EXPECT_TRUE(FitsPart("*.csv", "_a.csv"));
  EXPECT_FALSE(FitsPart("*.csv", ".a.csv"));
  EXPECT_TRUE(FitsPart(".*.csv", ".a.csv"));
  EXPECT_FALSE(FitsPart("*.csv", "a.csv.gz"));
}

TEST(PathPattern, CountsCharactersNotBytes) {
  EXPECT_TRUE(FitsPart("?.csv", "é.csv"));
  EXPECT_TRUE(FitsPart("[à-ü].csv", "é.csv"));
  EXPECT_FALSE(FitsPart("[!à-ü].csv", "é.csv"));
  EXPECT_FALSE(FitsPart("??.csv", "é.csv"));
}

TEST(PathPattern, OfSets) {
  EXPECT_TRUE(FitsPart("[abc]1", "b1"));
  EXPECT_TRUE(FitsPart("[a-c]1", "b1"));
  EXPECT_FALSE(FitsPart("[!a-c]1", "b1"));
  EXPECT_TRUE(FitsPart("[]x]", "]"));
  EXPECT_TRUE(FitsPart("[a-]", "-"));
  EXPECT_TRUE(FitsPart("a[1", "a[1"));  // nothing ends the set: it stands for itself
}

TEST(PathPattern, OfFolders) {
  EXPECT_TRUE(Fits("data/*/x.csv", "data/a/x.csv"));
  EXPECT_FALSE(Fits("data/*/x.csv", "data/x.csv"));
  EXPECT_FALSE(Fits("data/*.csv", "data/a/x.csv"));
  EXPECT_TRUE(Fits("data/**/*.csv", "data/x.csv"));
  EXPECT_TRUE(Fits("data/**/*.csv", "data/a/b/x.csv"));
  EXPECT_FALSE(Fits("data/**/*.csv", "data/a/_delta_log/x.csv"));
  EXPECT_FALSE(Fits("data/**/*.csv", "data/.git/x.csv"));
  EXPECT_TRUE(Fits("data/_*/*.csv", "data/_a/x.csv"));
  EXPECT_TRUE(Fits("/data//x.csv", "data/x.csv"));
}

TEST(PathPattern, OfManyStarsIsDecidedSoon) {
  EXPECT_FALSE(FitsPart("*a*a*a*a*a*a*a*a*a*a*b", std::string(200, 'a')));
}

TEST(PathPattern, IsToldFromAPath) {
  EXPECT_TRUE(IsPathPattern("a/*.csv"));
  EXPECT_TRUE(IsPathPattern("a[1].csv"));
  EXPECT_FALSE(IsPathPattern("a/b c.csv"));
}

}  // namespace
}  // namespace weir
