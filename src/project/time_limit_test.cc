// SPDX-License-Identifier: Apache-2.0

#include "weir/project/time_limit.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(TimeLimit, TextsStandForMilliseconds) {
  const std::map<std::string, int64_t> wanted = {{"250ms", 250},
                                                 {"90s", 90'000},
                                                 {"10m", 600'000},
                                                 {"1h30m", 5'400'000},
                                                 {"1h 30m", 5'400'000},
                                                 {"1.5h", 5'400'000},
                                                 {" 2 s ", 2'000},
                                                 {"0.5s", 500},
                                                 {"1d2h3m4s5ms", 93'784'005},
                                                 {"0h5s", 5'000},
                                                 {"10000d", 864'000'000'000},
                                                 {"none", 0}};
  for (const auto& [text, milliseconds] : wanted)
    EXPECT_EQ(ParseTimeLimit(text), milliseconds) << text;
}

TEST(TimeLimit, WhatIsNone) {
  for (const char* text :
       {"",       " ",      "10",   "0s",   "0.0001ms", "-1s", "1 hour",
        "10min",  "30m1h",  "1m1m", "s",    "1h30",     ".5s", "5.s",
        "1.2.3s", "10001d", "1e3s", "None", "∞",        "1s;", "99999999999999999999s"}) {
    EXPECT_EQ(ParseTimeLimit(text), std::nullopt) << text;
  }
}

TEST(TimeLimit, ABareNumberIsToldItsUnits) {
  EXPECT_EQ(TimeLimitHint("30"), "a time has a unit: `30s` are seconds, `30m` minutes");
  EXPECT_EQ(TimeLimitHint("0"),
            "units are `d`, `h`, `m`, `s` and `ms`, the longest first: \"1h30m\"; \"none\" sets no "
            "limit");
}

TEST(TimeLimit, OfProperties) {
  EXPECT_EQ(*TimeLimitOf({{"owner", "ops"}}), std::nullopt);
  const auto limit = TimeLimitOf({{"weir.timeout", "2m"}});
  ASSERT_TRUE(limit.ok());
  EXPECT_EQ((*limit)->milliseconds, 120'000);
  EXPECT_EQ((*limit)->set_by, "`weir.timeout` of the view");
  EXPECT_FALSE((*TimeLimitOf({{"weir.timeout", "none"}}))->is_set());
  EXPECT_EQ(TimeLimitOf({{"weir.timeout", "soon"}}).status().message(),
            "a time such as \"10m\" is wanted for the property `weir.timeout`, found `soon`");
}

TEST(TimeLimit, HowLongSomethingTook) {
  EXPECT_EQ(TimeSpanText(0), "0 ms");
  EXPECT_EQ(TimeSpanText(999), "999 ms");
  EXPECT_EQ(TimeSpanText(2'199), "2.1 s");
  EXPECT_EQ(TimeSpanText(59'999), "59.9 s");
  EXPECT_EQ(TimeSpanText(725'000), "12 min 5 s");
  EXPECT_EQ(TimeSpanText(5'400'000), "1 h 30 min");
}

}  // namespace
}  // namespace weir
