// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/order_dependence.h"

#include <gtest/gtest.h>

#include "weir/plan/plan_testing.h"

namespace weir {

namespace {

bool Depends(const std::string& name) {
  const auto plan = testing_plans::DecodeCase(name);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return plan.ok() && DependsOnRowOrder(**plan);
}

std::vector<std::string> Sentences(const std::string& name) {
  const auto plan = testing_plans::DecodeCase(name);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return plan.ok() ? OrderDiagnostics(**plan) : std::vector<std::string>{};
}

TEST(OrderDependence, RowByRowWorkIsIndependent) {
  EXPECT_FALSE(Depends("filter_influences_every_row"));
  EXPECT_FALSE(Depends("self_join_keeps_the_two_sides_apart"));
  EXPECT_FALSE(Depends("union_distinct_groups_by_every_column"));
  EXPECT_FALSE(Depends("recursive_query_reaches_its_fixpoint"));
}

TEST(OrderDependence, SumsOfWholeNumbersAreIndependentAndOfFloatsAreNot) {
  EXPECT_FALSE(Depends("order_independent_aggregates"));
  EXPECT_FALSE(Depends("group_keys_influence_rows"));
  EXPECT_FALSE(Depends("sum_over_layers_of_whole_numbers"));
  EXPECT_TRUE(Depends("sum_of_floats"));
  EXPECT_TRUE(Depends("having_is_a_filter_over_an_aggregate"));
  EXPECT_TRUE(Sentences("sum_of_floats").empty());
}

TEST(OrderDependence, NumberingWindowsAndRowFramesDepend) {
  EXPECT_TRUE(Depends("window_keys_touch_the_window_column_only"));
  EXPECT_TRUE(Depends("window_argument_is_a_value"));
  EXPECT_TRUE(Depends("window_frame_in_rows"));
  EXPECT_TRUE(Sentences("window_frame_in_rows").empty());
}

TEST(OrderDependence, WindowsOverPeersAreIndependent) {
  EXPECT_FALSE(Depends("filter_on_a_window_filters_by_its_keys"));
  EXPECT_FALSE(Depends("window_over_an_aggregate_is_a_window"));
  EXPECT_FALSE(Depends("window_over_the_whole_partition"));
}

TEST(OrderDependence, LimitNeedsAnOrderWithoutTies) {
  EXPECT_EQ(Sentences("limit_alone_has_no_inputs"),
            std::vector<std::string>{
                "LIMIT 5 without ORDER BY takes whichever rows come first: add ORDER BY"});
  EXPECT_TRUE(Depends("order_by_with_limit_influences_rows"));
  EXPECT_TRUE(Sentences("order_by_with_limit_influences_rows").empty());
  EXPECT_FALSE(Depends("limit_over_an_order_of_every_column"));
}

TEST(OrderDependence, AggregatesThatKeepAnOrderAreToldOf) {
  const auto sentences = Sentences("aggregates_that_depend_on_the_order_of_rows");
  ASSERT_EQ(sentences.size(), 3u);
  EXPECT_EQ(sentences[0],
            "array_agg(flights.carrier) takes values in whatever order they come: add ORDER BY "
            "inside its parentheses");
  EXPECT_TRUE(sentences[1].starts_with("first_value(flights.flight) "));
  EXPECT_TRUE(sentences[2].starts_with("string_agg(flights.dest, ',') "));
}

TEST(OrderDependence, AnOrderThatLeavesTiesStillDepends) {
  EXPECT_TRUE(Depends("aggregate_order_is_an_order_use"));
  EXPECT_TRUE(Sentences("aggregate_order_is_an_order_use").empty());
  EXPECT_FALSE(Depends("aggregate_ordered_by_its_own_values"));
}

TEST(OrderDependence, VolatileFunctionsAreToldOf) {
  EXPECT_TRUE(Depends("volatile_function"));
  EXPECT_EQ(Sentences("volatile_function").size(), 1u);
}

TEST(OrderDependence, UnknownAggregatesDependUnlessNamed) {
  LogicalPlan plan{.kind = PlanKind::kAggregate};
  plan.inputs.push_back(std::make_shared<const LogicalPlan>());
  plan.expressions.push_back({.kind = ExpressionKind::kAggregateFunction, .name = "count_if"});
  EXPECT_TRUE(DependsOnRowOrder(plan));
  EXPECT_FALSE(DependsOnRowOrder(plan, {"count_if"}));
}

}  // namespace

}  // namespace weir
