// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/join_order.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

namespace weir {

namespace {

using PlanPtr = std::shared_ptr<const LogicalPlan>;

Expression Column(const std::string& table, const std::string& name) {
  return {.kind = ExpressionKind::kColumn, .name = name, .relation = table};
}

Expression Compare(const Expression& left, const std::string& comparison, int64_t right) {
  Expression e{.kind = ExpressionKind::kBinary, .name = comparison};
  e.inputs = {left, MakeLiteral(std::make_shared<arrow::Int64Scalar>(right))};
  return e;
}

PlanPtr Table(const std::string& name, const std::vector<std::string>& columns) {
  static int next_id = 0;
  const auto plan = std::make_shared<LogicalPlan>();
  plan->kind = PlanKind::kScan;
  plan->name = name;
  arrow::FieldVector fields;
  for (const std::string& column : columns) {
    fields.push_back(arrow::field(column, arrow::int64()));
    plan->outputs.push_back({name, column});
  }
  plan->scan = Scan{.scan_id = next_id++,
                    .table = name,
                    .schema = arrow::schema(fields),
                    .columns = columns,
                    .all_columns = true,
                    .filter_bytes = {}};
  return plan;
}

PlanPtr Where(const PlanPtr& input, const Expression& condition) {
  const auto plan = std::make_shared<LogicalPlan>();
  plan->kind = PlanKind::kFilter;
  plan->inputs = {input};
  plan->expressions = {condition};
  plan->outputs = input->outputs;
  return plan;
}

PlanPtr Join(const PlanPtr& left, const PlanPtr& right, const Expression& a, const Expression& b,
             const std::string& type = "Inner") {
  const auto plan = std::make_shared<LogicalPlan>();
  plan->kind = PlanKind::kJoin;
  plan->text = type;
  plan->inputs = {left, right};
  plan->expressions = {a, b};
  plan->outputs = left->outputs;
  plan->outputs.insert(plan->outputs.end(), right->outputs.begin(), right->outputs.end());
  return plan;
}

/// The tables in the order in which they stand in the text of a plan.
std::vector<std::string> TablesOf(const LogicalPlan& plan) {
  std::vector<std::string> tables;
  VisitPlan(plan, [&](const LogicalPlan& node) {
    if (node.scan) tables.push_back(node.scan->table);
  });
  return tables;
}

class JoinOrderTest : public testing::Test {
 protected:
  const PlanPtr sales_ = Table("sales", {"day", "shop", "price"});
  const PlanPtr days_ = Table("days", {"day", "year"});
  const PlanPtr shops_ = Table("shops", {"shop", "town"});
  const TableEstimates tables_ = [](const Scan& scan) -> std::optional<TableEstimate> {
    if (scan.table == "sales")
      return TableEstimate{1e6, {{"day", {1, 1000}}, {"shop", {1, 500}}, {"price", {0, 100}}}};
    if (scan.table == "days") return TableEstimate{1000, {{"day", {1, 1000}}, {"year", {1, 3}}}};
    return TableEstimate{500, {{"shop", {1, 500}}, {"town", {1, 100}}}};
  };

  PlanPtr Joined(const PlanPtr& shops) const {
    return Join(Join(sales_, days_, Column("sales", "day"), Column("days", "day")), shops,
                Column("sales", "shop"), Column("shops", "shop"));
  }
};

TEST_F(JoinOrderTest, TheTableThatLeavesOutMostComesFirst) {
  const PlanPtr plan = Joined(Where(shops_, Compare(Column("shops", "town"), "=", 7)));
  const PlanPtr ordered = OrderJoins(plan, tables_).plan;
  ASSERT_NE(ordered, plan);
  EXPECT_EQ(ordered->outputs, plan->outputs);
  EXPECT_EQ(TablesOf(*ordered), (std::vector<std::string>{"days", "shops", "sales"}));
  EXPECT_TRUE(EncodePlan(*ordered).ok());
  EXPECT_EQ(*OrderJoins(plan, tables_).plan, *ordered) << "the same again";
  EXPECT_EQ(OrderJoins(ordered, tables_).plan, ordered) << "the best order stays";
}

TEST_F(JoinOrderTest, WhatIsWrittenStaysUnlessAnotherOrderIsClearlyBetter) {
  const PlanPtr plan =
      Join(shops_, Join(days_, sales_, Column("days", "day"), Column("sales", "day")),
           Column("shops", "shop"), Column("sales", "shop"));
  EXPECT_EQ(OrderJoins(plan, tables_).plan, plan);
  EXPECT_TRUE(OrderJoins(plan, tables_).has_sides);
}

TEST_F(JoinOrderTest, TheSmallerInputBecomesTheLeftOne) {
  for (const auto& [type, turned] : std::map<std::string, std::string>{
           {"Left", "Right"}, {"Full", "Full"}, {"LeftAnti", "RightAnti"}, {"LeftMark", ""}}) {
    auto written = std::make_shared<LogicalPlan>(
        *Join(sales_, days_, Column("sales", "day"), Column("days", "day"), type));
    if (type.size() > 4) written->outputs = sales_->outputs;
    const OrderedJoins ordered = OrderJoins(written, tables_);
    EXPECT_TRUE(ordered.has_sides);
    EXPECT_EQ(ordered.plan->outputs, written->outputs);
    const LogicalPlan& join =
        ordered.plan->kind == PlanKind::kProjection ? *ordered.plan->inputs[0] : *ordered.plan;
    EXPECT_EQ(join.text, turned.empty() ? type : turned);
    if (!turned.empty()) {
      EXPECT_EQ(TablesOf(join), (std::vector<std::string>{"days", "sales"}));
    }
    EXPECT_TRUE(EncodePlan(*ordered.plan).ok());
  }
}

TEST_F(JoinOrderTest, NothingIsOrderedWhereNothingIsKnown) {
  const PlanPtr plan = Joined(Where(shops_, Compare(Column("shops", "town"), "=", 7)));
  const TableEstimates none = [](const Scan&) { return std::optional<TableEstimate>(); };
  EXPECT_EQ(OrderJoins(plan, none).plan, plan);
  EXPECT_FALSE(OrderJoins(plan, none).has_sides);
}

TEST_F(JoinOrderTest, OuterJoinsAndComputedKeysStay) {
  const PlanPtr few = Where(shops_, Compare(Column("shops", "town"), "=", 7));
  const PlanPtr outer =
      Join(Join(sales_, days_, Column("sales", "day"), Column("days", "day"), "Left"), few,
           Column("sales", "shop"), Column("shops", "shop"));
  EXPECT_EQ(TablesOf(*OrderJoins(outer, tables_).plan),
            (std::vector<std::string>{"shops", "days", "sales"}))
      << "sides alone";
  auto computed = std::make_shared<LogicalPlan>(*Joined(few));
  Expression negative{.kind = ExpressionKind::kNegative};
  negative.inputs = {computed->expressions[1]};
  computed->expressions[1] = negative;
  EXPECT_EQ(TablesOf(*OrderJoins(computed, tables_).plan),
            (std::vector<std::string>{"shops", "days", "sales"}));
  EXPECT_TRUE(ColumnsForJoinOrder(*outer).empty());
}

TEST_F(JoinOrderTest, BoundsAreAskedForOfKeysAndOfWhatFiltersCompare) {
  const PlanPtr plan = Joined(Where(shops_, Compare(Column("shops", "town"), "=", 7)));
  const auto columns = ColumnsForJoinOrder(*plan);
  EXPECT_EQ(columns.at(sales_->scan->scan_id), (std::set<std::string>{"day", "shop"}));
  EXPECT_EQ(columns.at(days_->scan->scan_id), (std::set<std::string>{"day"}));
  EXPECT_EQ(columns.at(shops_->scan->scan_id), (std::set<std::string>{"shop", "town"}));
}

TEST_F(JoinOrderTest, RowsAreEstimatedByBounds) {
  RowEstimator estimator(tables_);
  const auto share = [&](const Expression& condition) {
    return estimator.Selectivity(condition, *sales_);
  };
  EXPECT_DOUBLE_EQ(estimator.Of(*sales_)->rows, 1e6);
  EXPECT_DOUBLE_EQ(share(Compare(Column("sales", "price"), "<", 25)), 0.25);
  EXPECT_DOUBLE_EQ(share(Compare(Column("sales", "day"), "=", 3)), 0.001);
  Expression both{.kind = ExpressionKind::kBinary, .name = "AND"};
  both.inputs = {Compare(Column("sales", "price"), ">=", 50),
                 Compare(Column("sales", "price"), "<", 60)};
  EXPECT_NEAR(share(both), 0.1, 1e-12);
  EXPECT_DOUBLE_EQ(share(Compare(Column("sales", "price"), ">", 1000)), 0);
  EXPECT_DOUBLE_EQ(estimator.Of(*Joined(shops_))->rows, 1e6);
}

}  // namespace

}  // namespace weir
