// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/plan_equality.h"

#include <cstdlib>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "weir/plan/plan_changes_testing.h"
#include "weir/plan/plan_testing.h"

namespace weir {

namespace {

using testing_plans::CaseNames;
using testing_plans::Change;
using testing_plans::Changes;
using testing_plans::Clone;
using testing_plans::DecodeCase;
using testing_plans::MeaningChanges;
using testing_plans::MutablePlan;
using testing_plans::TransparentChanges;

/// WEIR_PROPERTY_CASES asks for more of them.
int CaseCount() {
  const char* wanted = std::getenv("WEIR_PROPERTY_CASES");
  return wanted == nullptr ? 12'000 : std::atoi(wanted);
}

/// The captured plans that can be compared; those with random functions never are equal.
std::vector<std::pair<std::string, std::shared_ptr<const LogicalPlan>>> Plans() {
  std::vector<std::pair<std::string, std::shared_ptr<const LogicalPlan>>> plans;
  for (const std::string& name : CaseNames()) {
    const auto plan = DecodeCase(name);
    EXPECT_TRUE(plan.ok()) << name << ": " << plan.status().ToString();
    if (plan.ok() && name != "volatile_function") plans.emplace_back(name, *plan);
  }
  return plans;
}

bool AreEqual(const LogicalPlan& first, const LogicalPlan& second, const std::string& what) {
  const auto difference = FindDifference(first, second);
  EXPECT_TRUE(difference.ok()) << what << ": " << difference.status().ToString();
  return difference.ok() && !difference->has_value();
}

TEST(PlanEquality, EveryCapturedPlanIsEqualToItself) {
  for (const auto& [name, plan] : Plans()) {
    const auto difference = FindDifference(*plan, *Clone(*plan));
    ASSERT_TRUE(difference.ok()) << name << ": " << difference.status().ToString();
    EXPECT_FALSE(*difference) << name << ": " << (*difference)->ToString();
  }
}

TEST(PlanEquality, NoTwoCapturedPlansAreEqual) {
  const auto plans = Plans();
  for (size_t i = 0; i < plans.size(); ++i) {
    for (size_t j = i + 1; j < plans.size(); ++j) {
      const auto difference = FindDifference(*plans[i].second, *plans[j].second);
      EXPECT_TRUE(!difference.ok() || *difference) << plans[i].first << " = " << plans[j].first;
    }
  }
}

TEST(PlanEquality, RandomValuesAreEqualToNothing) {
  const auto plan = DecodeCase("volatile_function");
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  const auto difference = FindDifference(**plan, **plan);
  ASSERT_TRUE(difference.ok()) << difference.status().ToString();
  ASSERT_TRUE(*difference);
  EXPECT_EQ((*difference)->first, "random()");
}

TEST(PlanEquality, EverySingleChangeOfTheMeaningIsFound) {
  size_t found = 0;
  std::map<std::string, int> kinds;
  for (const auto& [name, plan] : Plans()) {
    const size_t count = MeaningChanges(*Clone(*plan)).size();
    for (size_t i = 0; i < count; ++i) {
      const MutablePlan changed = Clone(*plan);
      const Changes changes = MeaningChanges(*changed);
      changes[i].apply();
      const auto difference = FindDifference(*plan, *changed);
      // A plan that has become impossible is not equal either.
      EXPECT_TRUE(!difference.ok() || *difference) << name << ": " << changes[i].name << "\n"
                                                   << ToText(*plan) << ToText(*changed);
      ++found;
      ++kinds[changes[i].name];
    }
  }
  EXPECT_GT(found, 1'000U);
  for (const char* kind :
       {"aggregate: filter dropped", "aggregate: null treatment", "aggregate: distinct",
        "aggregate: order: direction", "window function: filter added",
        "window function: null treatment", "window function: frame", "join: null-aware",
        "join: null equality", "join: LeftSemi", "limit: fetch", "case sensitivity",
        "unnest: nulls", "recursion: distinct", "literal's type"}) {
    EXPECT_GT(kinds[kind], 0) << kind;
  }
}

TEST(PlanEquality, RandomChangesAreFoundExactlyIfOneChangesTheMeaning) {
  const auto plans = Plans();
  std::mt19937_64 random(20'251);
  for (int i = 0; i < CaseCount(); ++i) {
    const auto& [name, plan] = plans[random() % plans.size()];
    const MutablePlan changed = Clone(*plan);
    std::string what = name;
    for (auto count = random() % 4; count > 0; --count) {
      const Changes changes = TransparentChanges(*changed);
      const Change& change = changes[random() % changes.size()];
      what += ", " + change.name;
      change.apply();
    }
    ASSERT_TRUE(AreEqual(*plan, *changed, what))
        << what << "\n"
        << FindDifference(*plan, *changed)->value().ToString() << "\n"
        << ToText(*plan) << ToText(*changed);
    // The change is made to the plan as it was, and compared with the plan as it has become.
    const MutablePlan other = Clone(*plan);
    const Changes changes = MeaningChanges(*other);
    const Change& change = changes[random() % changes.size()];
    change.apply();
    const auto difference = FindDifference(*other, *changed);
    ASSERT_TRUE(!difference.ok() || *difference) << what << " and " << change.name << "\n"
                                                 << ToText(*other) << ToText(*changed);
  }
}

TEST(PlanEquality, ADifferenceNamesThePlaceAndBothSides) {
  const auto plan = DecodeCase("aggregate_filter_touches_its_column_only");
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  const MutablePlan changed = Clone(**plan);
  for (const Change& change : MeaningChanges(*changed)) {
    if (change.name == "aggregate: filter dropped") change.apply();
  }
  const auto difference = FindDifference(**plan, *changed);
  ASSERT_TRUE(difference.ok() && *difference);
  EXPECT_NE((*difference)->first.find("FILTER"), std::string::npos) << (*difference)->ToString();
  EXPECT_EQ((*difference)->second.find("FILTER"), std::string::npos) << (*difference)->ToString();
}

}  // namespace

}  // namespace weir
