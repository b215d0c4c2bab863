// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/unstable_calls.h"

#include <gtest/gtest.h>

#include "weir/plan/plan_testing.h"

namespace weir {

namespace {

std::vector<std::string> Functions(const std::string& name) {
  const auto plan = testing_plans::DecodeCase(name);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  std::vector<std::string> names;
  if (!plan.ok()) return names;
  for (const UnstableCall& call : UnstableCallsOf(**plan)) {
    names.push_back(call.function);
    EXPECT_FALSE(call.problem.empty());
    EXPECT_FALSE(call.instead.empty());
  }
  return names;
}

TEST(UnstableCalls, NamesWhatNoOrderSettles) {
  EXPECT_EQ(Functions("volatile_function"), std::vector<std::string>{"random"});
  EXPECT_EQ(Functions("approximate_percentile"),
            std::vector<std::string>{"approx_percentile_cont"});
  EXPECT_EQ(Functions("aggregates_that_depend_on_the_order_of_rows"), std::vector<std::string>{});
}

TEST(UnstableCalls, KnowsWhatGivesTheTime) {
  for (const char* name : {"now", "current_date", "current_time"}) EXPECT_TRUE(IsOfClock(name));
  for (const char* name : {"random", "date_trunc", ""}) EXPECT_FALSE(IsOfClock(name));
}

}  // namespace

}  // namespace weir
