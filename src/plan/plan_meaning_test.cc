// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/plan_meaning.h"

#include <random>
#include <set>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/plan/logical_plan.h"
#include "weir/plan/plan_testing.h"

namespace weir {
namespace {

TEST(MeaningOfPlan, IsTheSameForTheSamePlanAndDiffersBetweenPlans) {
  std::set<std::string> meanings, plans;
  for (const std::string& name : testing_plans::CaseNames()) {
    const std::string bytes = testing_plans::ReadCase(name).bytes;
    const auto meaning = MeaningOfPlan(bytes);
    ASSERT_TRUE(meaning.ok()) << name;
    EXPECT_EQ(*MeaningOfPlan(bytes), *meaning) << name;
    EXPECT_LE(meaning->size(), bytes.size()) << name;
    plans.insert(bytes);
    meanings.insert(*meaning);
  }
  EXPECT_EQ(meanings.size(), plans.size());
}

TEST(MeaningOfPlan, LeavesOutColumnsThatNoScanReads) {
  const auto captured = testing_plans::ReadCase("unread_columns_are_not_required");
  const auto decoded = testing_plans::DecodeCase("unread_columns_are_not_required");
  ASSERT_TRUE(decoded.ok());
  const auto back = DecodePlan(*MeaningOfPlan(captured.bytes), captured.outputs);
  ASSERT_TRUE(back.ok());
  bool trimmed = false;
  const auto before = CollectScans(**decoded), after = CollectScans(**back);
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i]->columns, after[i]->columns);
    EXPECT_EQ(before[i]->filter_bytes, after[i]->filter_bytes);
    for (const std::string& column : after[i]->columns)
      EXPECT_NE(after[i]->schema->GetFieldByName(column), nullptr) << column;
    trimmed = trimmed || after[i]->schema->num_fields() < before[i]->schema->num_fields();
  }
  EXPECT_TRUE(trimmed);
}

TEST(MeaningOfPlan, DamagedBytesAreNoCrash) {
  std::mt19937 random(7);
  const std::string bytes = testing_plans::ReadCase("three_layers_of_windows_and_aggregates").bytes;
  for (int i = 0; i < 2'000; ++i) (void)MeaningOfPlan(testing_plans::Mutated(bytes, random)).ok();
  EXPECT_EQ(MeaningOfPlan("\xff\xff").status().code(), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace weir
