// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/domain_planners.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(DomainPlanners, AreDocumentedAndOrderedByName) {
  const auto& planners = DomainPlanners();
  ASSERT_FALSE(planners.empty());
  for (const DomainPlanner& planner : planners) {
    SCOPED_TRACE(planner.name);
    EXPECT_TRUE(planner.kind == "planner" || planner.kind == "rewrite");
    EXPECT_FALSE(planner.description.empty());
    EXPECT_FALSE(planner.example.empty());
    EXPECT_TRUE(std::is_sorted(planner.tags.begin(), planner.tags.end()));
    EXPECT_EQ(FindDomainPlanner(planner.name), &planner);
  }
  EXPECT_TRUE(std::is_sorted(planners.begin(), planners.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
  EXPECT_EQ(FindDomainPlanner("nothing"), nullptr);
}

TEST(DomainPlanners, AreEnabledByTheTagsOfInstalledFunctions) {
  const FunctionRegistry all = NativeFunctions();
  for (const DomainPlanner& planner : DomainPlanners())
    EXPECT_TRUE(IsEnabled(planner, all)) << planner.name;
  std::vector<std::shared_ptr<const ScalarFunction>> without_spans;
  for (const auto& function : all.scalars()) {
    const auto& tags = function->declaration().tags;
    if (!std::binary_search(tags.begin(), tags.end(), std::string("span")))
      without_spans.push_back(function);
  }
  const auto fewer = FunctionRegistry::Make(without_spans, all.aggregates());
  ASSERT_TRUE(fewer.ok());
  EXPECT_FALSE(IsEnabled(*FindDomainPlanner("span_operators"), *fewer));
  EXPECT_FALSE(IsEnabled(*FindDomainPlanner("open_span_predicates"), *fewer));
  EXPECT_TRUE(IsEnabled(*FindDomainPlanner("named_arguments"), *fewer));
  EXPECT_TRUE(IsEnabled(*FindDomainPlanner("field_access"), *fewer));
}

TEST(DomainPlanners, AreNamedByWhatWasNotedAndByThePlansFunctions) {
  EXPECT_EQ(DomainPlannersOf({}, {"upper"}), (std::set<std::string>{}));
  EXPECT_EQ(DomainPlannersOf({{"operator", "span_contains"}, {"opened", "span_contains"}}, {}),
            (std::set<std::string>{"open_span_predicates", "span_operators"}));
  EXPECT_EQ(DomainPlannersOf({{"alias", "any_value_det"}, {"named_arguments", "span_make"}},
                             {"get_field"}),
            (std::set<std::string>{"field_access", "function_aliases", "named_arguments"}));
  EXPECT_EQ(DomainPlannersOf({{"something else", "span_make"}}, {}), (std::set<std::string>{}));
}

}  // namespace
}  // namespace weir
