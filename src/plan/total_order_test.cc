// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/total_order.h"

#include <gtest/gtest.h>

#include "weir/plan/plan_changes_testing.h"
#include "weir/plan/plan_testing.h"

namespace weir {

namespace {

using Texts = std::vector<std::string>;

std::shared_ptr<const LogicalPlan> Decoded(const std::string& name) {
  auto plan = testing_plans::DecodeCase(name);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return plan.ok() ? *std::move(plan) : std::make_shared<const LogicalPlan>();
}

Texts Completed(const std::string& name) {
  Texts texts;
  for (const CompletedOrder& order : CompleteOrders(Decoded(name)).completed)
    texts.push_back(ToText(order));
  return texts;
}

TEST(TotalOrder, WhereNoOrderDecidesThePlanIsTheOneThatCameIn) {
  for (const char* name :
       {"filter_influences_every_row", "self_join_keeps_the_two_sides_apart",
        "union_distinct_groups_by_every_column", "recursive_query_reaches_its_fixpoint",
        "order_by_expression", "filter_on_a_window_filters_by_its_keys",
        "window_over_an_aggregate_is_a_window", "window_over_the_whole_partition",
        "limit_over_an_order_of_every_column", "aggregate_ordered_by_its_own_values"}) {
    const auto plan = Decoded(name);
    EXPECT_EQ(CompleteOrders(plan).plan, plan) << name;
  }
}

TEST(TotalOrder, ALimitTakesTheFirstRowsByAllColumns) {
  EXPECT_EQ(Completed("order_by_with_limit_influences_rows"),
            (Texts{"the first 10 rows by flights.dep_delay DESC NULLS LAST, flights.carrier, then "
                   "by flights.flight"}));
  EXPECT_EQ(Completed("limit_alone_has_no_inputs"), (Texts{"the first 7 rows by airports.faa"}));
  const auto plan = CompleteOrders(Decoded("limit_alone_has_no_inputs")).plan;
  EXPECT_EQ(plan->kind, PlanKind::kLimit);
  EXPECT_EQ(plan->inputs[0]->kind, PlanKind::kSort);
  EXPECT_EQ(plan->inputs[0]->fetch, 7);
}

TEST(TotalOrder, WindowsThatNumberRowsGoByAllColumns) {
  EXPECT_EQ(Completed("window_keys_touch_the_window_column_only"),
            (Texts{"row_number() by flights.time_hour, then by flights.flight"}));
  EXPECT_EQ(Completed("window_argument_is_a_value"),
            (Texts{"lag(flights.dep_delay, 1) by flights.time_hour, then by flights.dep_delay, "
                   "flights.flight"}));
  EXPECT_EQ(Completed("window_frame_in_rows"),
            (Texts{"avg(flights.dep_delay) by flights.time_hour, then by flights.dep_delay, "
                   "flights.flight"}));
}

TEST(TotalOrder, FunctionsOfPeersKeepTheirKeysInANodeOfTheirOwn) {
  const auto plan = CompleteOrders(Decoded("windows_over_the_same_keys")).plan;
  const LogicalPlan* node = plan.get();
  while (node->kind != PlanKind::kWindow) node = node->inputs[0].get();
  ASSERT_EQ(node->expressions.size(), 1u);
  EXPECT_EQ(WithoutAlias(node->expressions[0]).name, "rank");
  EXPECT_EQ(WithoutAlias(node->expressions[0]).order_by.size(), 1u);
  const LogicalPlan& below = *node->inputs[0];
  ASSERT_EQ(below.kind, PlanKind::kWindow);
  EXPECT_EQ(WithoutAlias(below.expressions[0]).name, "row_number");
  EXPECT_EQ(WithoutAlias(below.expressions[0]).order_by.size(), 3u);
  EXPECT_EQ(plan->outputs, Decoded("windows_over_the_same_keys")->outputs);
}

TEST(TotalOrder, ValuesOfPeersComeFromSortedRows) {
  const OrderedPlan ordered = CompleteOrders(Decoded("last_value_of_peers"));
  ASSERT_EQ(ordered.completed.size(), 1u);
  EXPECT_EQ(ToText(ordered.completed[0]),
            "last_value(flights.flight) by flights.time_hour, then by flights.flight");
  const LogicalPlan* node = ordered.plan.get();
  while (node->kind != PlanKind::kWindow) node = node->inputs[0].get();
  EXPECT_EQ(WithoutAlias(node->expressions[0]).order_by.size(), 1u);
  EXPECT_EQ(node->inputs[0]->kind, PlanKind::kFilter);
  EXPECT_FALSE(ordered.needs_one_partition);
}

TEST(TotalOrder, AggregatesOfOneOrderGoTogether) {
  EXPECT_EQ(Completed("aggregate_order_is_an_order_use"),
            (Texts{"array_agg(flights.dest) by flights.time_hour, then by flights.dest",
                   "first_value(flights.origin) by flights.flight DESC, then by flights.origin"}));
  EXPECT_EQ(Completed("aggregates_that_depend_on_the_order_of_rows"),
            (Texts{"first_value(flights.flight) by flights.flight",
                   "array_agg(flights.carrier) by flights.carrier",
                   "string_agg(flights.dest, ',') by flights.dest"}));
}

TEST(TotalOrder, DistinctOnTakesWholeRows) {
  EXPECT_EQ(Completed("distinct_on_groups_by_its_keys")[0],
            "first_value(flights.tailnum) by flights.tailnum, flights.time_hour DESC, then by "
            "flights.flight");
}

TEST(TotalOrder, AKeyThatIsUniqueEndsAnOrder) {
  EXPECT_EQ(Completed("first_groups_by_their_count"),
            (Texts{"the first 3 rows by n DESC, then by flights.carrier, flights.origin"}));
  EXPECT_EQ(Completed("first_groups_by_their_keys"), Texts{});
}

TEST(TotalOrder, AnOffsetIsAFilterByTheNumberOfTheRow) {
  const OrderedPlan ordered = CompleteOrders(Decoded("rows_after_an_offset"));
  EXPECT_EQ(ToText(ordered.completed.at(0)),
            "all but the first 5 rows by flights.time_hour, then by flights.flight");
  bool has_limit = false;
  VisitPlan(*ordered.plan,
            [&](const LogicalPlan& node) { has_limit |= node.kind == PlanKind::kLimit; });
  EXPECT_FALSE(has_limit);
}

TEST(TotalOrder, WhatTakesRowsAsTheyComeWantsThemSortedInOnePartition) {
  const OrderedPlan ordered = CompleteOrders(Decoded("approximate_percentile"));
  EXPECT_TRUE(ordered.needs_one_partition);
  ASSERT_EQ(ordered.completed.size(), 1u);
}

TEST(TotalOrder, NestedValuesOfAggregatesGoByTheirHash) {
  const OrderedPlan ordered = CompleteOrders(Decoded("lists_in_an_aggregate"));
  ASSERT_EQ(ordered.completed.size(), 1u);
  EXPECT_EQ(ordered.completed[0].added.size(), 1u);
  EXPECT_TRUE(ordered.completed[0].added[0].starts_with("stable_hash_any("))
      << ordered.completed[0].added[0];
}

/// All captured plans: a completed plan has nothing open, keeps its columns, and has bytes.
TEST(TotalOrder, OnceCompletedNothingIsOpen) {
  for (const std::string& name : testing_plans::CaseNames()) {
    const auto plan = Decoded(name);
    const OrderedPlan once = CompleteOrders(plan);
    EXPECT_EQ(once.plan->outputs, plan->outputs) << name;
    EXPECT_TRUE(EncodePlan(*once.plan).ok()) << name;
    EXPECT_EQ(once.completed.empty() && !once.needs_one_partition, once.plan == plan) << name;
    EXPECT_EQ(*CompleteOrders(plan).plan, *once.plan) << name;
    // What is sorted in a node of its own is not seen to be so.
    if (once.needs_one_partition || name == "last_value_of_peers" ||
        name == "aggregates_that_depend_on_the_order_of_rows")
      continue;
    EXPECT_EQ(CompleteOrders(once.plan).completed, std::vector<CompletedOrder>{}) << name;
  }
}

}  // namespace

}  // namespace weir
