// SPDX-License-Identifier: Apache-2.0

#include "weir/base/nearest.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using Names = std::vector<std::string>;

TEST(NearestNames, OrdersByDistanceThenByName) {
  EXPECT_EQ(NearestNames("flihgts", {"flights", "lights", "planes", "flight"}),
            (Names{"flights", "flight", "lights"}));
  EXPECT_EQ(NearestNames("a_x", {"a_z", "a_y", "a_q", "a_b"}, 2), (Names{"a_b", "a_q"}));
}

TEST(NearestNames, CaseDoesNotCount) {
  EXPECT_EQ(NearestNames("CARRIER", {"carrier"}), Names{"carrier"});
}

TEST(NearestNames, ASwapOfNeighboursIsOneEdit) {
  EXPECT_EQ(NearestNames("nmae", {"name"}), Names{"name"});
}

TEST(NearestNames, ABeginningOrAnEndIsNear) {
  EXPECT_EQ(NearestNames("delta", {"deltatable", "parquet"}), Names{"deltatable"});
  EXPECT_EQ(NearestNames("batch_size", {"datafusion.execution.batch_size"}),
            Names{"datafusion.execution.batch_size"});
}

TEST(NearestNames, WhatIsFarIsNotNamed) {
  EXPECT_EQ(NearestNames("x", {"y", "carrier"}), Names{});
  EXPECT_EQ(NearestNames("", {"a"}), Names{});
  EXPECT_EQ(NearestNames("name", {""}), Names{});
  EXPECT_EQ(NearestNames(std::string(100000, 'a'), {std::string(100001, 'a')}), Names{});
}

TEST(NearestNames, TheSameNameIsNamedOnce) {
  EXPECT_EQ(NearestNames("nam", {"name", "name"}), Names{"name"});
}

TEST(SuggestionHint, ReadsAsASentence) {
  EXPECT_EQ(SuggestionHint("zzz", {"name"}), "");
  EXPECT_EQ(SuggestionHint("nam", {"name"}), "did you mean `name`?");
  EXPECT_EQ(SuggestionHint("nam", {"nim", "name"}), "did you mean `name` or `nim`?");
  EXPECT_EQ(SuggestionHint("col_", {"col_c", "col_b", "col_a", "col_d"}),
            "did you mean `col_a`, `col_b` or `col_c`?");
}

}  // namespace
}  // namespace weir
