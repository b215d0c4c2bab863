// SPDX-License-Identifier: Apache-2.0

#include <random>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/plan/plan_testing.h"
#include "weir/plan/total_order.h"

namespace weir {

namespace {

using testing_plans::CapturedPlan;
using testing_plans::CaseNames;
using testing_plans::DecodeCase;
using testing_plans::Mutated;
using testing_plans::ReadCase;

std::shared_ptr<const LogicalPlan> Decoded(const std::string& name) {
  auto plan = DecodeCase(name);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return plan.ok() ? *plan : std::make_shared<const LogicalPlan>();
}

/// A message field that holds another message, as it stands in the bytes.
std::string Field(int number, const std::string& message) {
  const auto varint = [](size_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
    return bytes + static_cast<char>(value);
  };
  return varint(static_cast<size_t>(number) << 3 | 2) + varint(message.size()) + message;
}

constexpr int kProjection = 3, kProjectionExpression = 2, kProjectionInput = 1, kEmptyRelation = 10;

/// A projection of one expression over an empty relation.
std::string ProjectionOf(const std::string& expression) {
  return Field(kProjection, Field(kProjectionInput, Field(kEmptyRelation, "")) +
                                Field(kProjectionExpression, expression));
}

/// NOT NOT … 1
std::string NestedNots(int count) {
  constexpr int kLiteral = 3, kInt64 = 7, kNot = 8;
  std::string expression = Field(kLiteral, std::string{static_cast<char>(kInt64 << 3), '\1'});
  for (int i = 0; i < count; ++i) expression = Field(kNot, Field(1, expression));
  return expression;
}

class CapturedPlans : public testing::TestWithParam<std::string> {};

TEST_P(CapturedPlans, DecodeWithTheColumnsOfEveryNode) {
  const auto plan = Decoded(GetParam());
  EXPECT_FALSE(ToText(*plan).empty());
  VisitPlan(*plan, [](const LogicalPlan& node) {
    size_t expected = node.outputs.size();
    if (node.kind == PlanKind::kScan) expected = node.scan->columns.size();
    if (node.kind == PlanKind::kProjection) expected = node.expressions.size();
    if (node.kind == PlanKind::kWindow)
      expected = node.inputs[0]->outputs.size() + node.expressions.size();
    EXPECT_EQ(node.outputs.size(), expected) << ToText(node);
  });
}

TEST_P(CapturedPlans, NumberTheirScansFromZeroInOrder) {
  const auto plan = Decoded(GetParam());
  int expected = 0;
  for (const Scan* scan : CollectScans(*plan)) EXPECT_EQ(scan->scan_id, expected++) << scan->table;
}

TEST_P(CapturedPlans, DamagedBytesNeverCrash) {
  const CapturedPlan captured = ReadCase(GetParam());
  std::mt19937_64 random(std::hash<std::string>()(GetParam()));
  for (int round = 0; round < 400; ++round) {
    const bool damages_outputs = round % 8 == 0;
    const auto plan =
        DecodePlan(damages_outputs ? captured.bytes : Mutated(captured.bytes, random),
                   damages_outputs ? Mutated(captured.outputs, random) : captured.outputs);
    if (!plan.ok()) {
      EXPECT_FALSE(plan.status().message().empty());
      continue;
    }
    EXPECT_FALSE(ToText(**plan).empty());
    CollectFunctions(**plan);
    CompleteOrders(*plan);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, CapturedPlans, testing::ValuesIn(CaseNames()),
                         [](const auto& info) { return info.param; });

TEST(PlanDecoder, KeepsJoinKeysAndQualifiers) {
  const auto plan = Decoded("join_keys_are_uses_of_both_sides");
  ASSERT_EQ(plan->kind, PlanKind::kProjection);
  const LogicalPlan& join = *plan->inputs[0];
  ASSERT_EQ(join.kind, PlanKind::kJoin);
  EXPECT_EQ(join.text, "Inner");
  ASSERT_EQ(join.expressions.size(), 2u);
  EXPECT_EQ(ToText(join.expressions[0]), "f.tailnum");
  EXPECT_EQ(ToText(join.expressions[1]), "p.tailnum");
  EXPECT_FALSE(join.has_filter);
}

TEST(PlanDecoder, KeepsTheFullSchemaOfAScanBesideItsColumns) {
  const auto plan = Decoded("unread_columns_are_not_required");
  const auto scans = CollectScans(*plan);
  ASSERT_EQ(scans.size(), 1u);
  EXPECT_EQ(scans[0]->columns, std::vector<std::string>{"dest"});
  EXPECT_EQ(scans[0]->schema->num_fields(), 13);
  EXPECT_TRUE(scans[0]->schema->GetFieldByName("dep_delay")->type()->Equals(arrow::float64()));
}

TEST(PlanDecoder, FindsScansInSubqueriesAndRecursiveTerms) {
  EXPECT_EQ(CollectScans(*Decoded("scalar_subquery_in_a_filter_is_a_filter")).size(), 2u);
  EXPECT_EQ(CollectScans(*Decoded("recursive_query_reaches_its_fixpoint")).size(), 2u);
  EXPECT_EQ(CollectScans(*Decoded("same_table_twice_is_two_scans")).size(), 2u);
}

TEST(PlanDecoder, TablesInTheDefaultSchemaAreBareAndOthersAreNot) {
  EXPECT_EQ(CollectScans(*Decoded("table_in_a_schema"))[0]->table, "weir.runs");
  EXPECT_EQ(CollectScans(*Decoded("table_in_the_default_schema"))[0]->table, "airports");
}

TEST(PlanDecoder, CollectsFunctionsByKind) {
  const std::vector<UsedFunction> expected = {{"aggregate", "count"}, {"window", "sum"}};
  EXPECT_EQ(CollectFunctions(*Decoded("window_over_an_aggregate_is_a_window")), expected);
}

TEST(PlanDecoder, LiteralsHaveTypedValuesAndText) {
  const auto plan = Decoded("literal_has_no_inputs");
  ASSERT_EQ(plan->expressions.size(), 3u);
  const Expression& one = WithoutAlias(plan->expressions[0]);
  EXPECT_TRUE(one.literal->Equals(arrow::Int64Scalar(1)));
  EXPECT_EQ(one.text, "1");
  EXPECT_EQ(WithoutAlias(plan->expressions[1]).text, "'x'");
  EXPECT_EQ(WithoutAlias(plan->expressions[2]).text, "NULL");
}

TEST(PlanDecoder, WindowFramesAreText) {
  const auto plan = Decoded("window_frame_in_rows");
  std::string frame;
  VisitPlan(*plan, [&](const LogicalPlan& node) {
    if (node.kind == PlanKind::kWindow) frame = WithoutAlias(node.expressions[0]).text;
  });
  EXPECT_EQ(frame, "ROWS BETWEEN 9 PRECEDING AND CURRENT ROW");
}

TEST(PlanDecoder, UnnestTellsListsFromStructs) {
  const auto kinds = [](const std::string& name) {
    std::vector<UnnestKind> found;
    VisitPlan(*Decoded(name), [&](const LogicalPlan& node) {
      for (const UnnestColumn& column : node.unnest) found.push_back(column.kind);
    });
    return found;
  };
  EXPECT_EQ(kinds("unnest_of_a_list_influences_rows"),
            (std::vector{UnnestKind::kKept, UnnestKind::kList}));
  EXPECT_EQ(kinds("unnest_of_a_struct_keeps_rows"),
            (std::vector{UnnestKind::kKept, UnnestKind::kStruct, UnnestKind::kStruct}));
}

TEST(PlanDecoder, StatementsAreRefusedByName) {
  const std::vector<std::pair<int, std::string>> statements = {
      {11, "create_external_table"}, {12, "explain"}, {14, "analyze"}, {17, "extension"},
      {22, "create_view"},           {29, "copy_to"}, {33, "dml"}};
  for (const auto& [number, name] : statements) {
    const auto plan = DecodePlan(Field(number, ""), "[[]]");
    ASSERT_FALSE(plan.ok()) << name;
    EXPECT_EQ(plan.status().code(), StatusCode::kUnsupported);
    EXPECT_NE(plan.status().message().find("`" + name + "`"), std::string::npos)
        << plan.status().message();
  }
}

TEST(PlanDecoder, UnknownExpressionsAreRefusedByName) {
  constexpr int kWildcard = 15;
  const auto plan = DecodePlan(ProjectionOf(Field(kWildcard, "")), "[[],[]]");
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.status().message().find("`wildcard`"), std::string::npos)
      << plan.status().message();
}

TEST(PlanDecoder, DamagedBytesAreCorrupt) {
  const auto plan = DecodePlan("\xff\xff\xff", "[[]]");
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().code(), StatusCode::kCorrupt);
}

TEST(PlanDecoder, DamagedTableReferencesAreCorrupt) {
  constexpr int kCustomScan = 25, kCustomTableData = 5;
  for (const std::string data :
       {"", "{", "[]", "{}", R"({"table":1})", R"({"scan":0})", R"({"table":"t","scan":"x"})",
        R"({"table":"t","scan":-1})", R"({"table":"t","scan":1.5})"}) {
    const auto plan = DecodePlan(Field(kCustomScan, Field(kCustomTableData, data)), "[[]]");
    ASSERT_FALSE(plan.ok()) << data;
    EXPECT_EQ(plan.status().code(), StatusCode::kCorrupt) << data;
  }
}

TEST(PlanDecoder, ColumnListsMustFitThePlan) {
  const std::string bytes = ProjectionOf(NestedNots(0));
  EXPECT_TRUE(DecodePlan(bytes, R"([[[null,"x"]],[]])").ok());
  EXPECT_FALSE(DecodePlan(bytes, R"([[[null,"x"]]])").ok());
  EXPECT_FALSE(DecodePlan(bytes, R"([[[null,"x"]],[],[]])").ok());
  EXPECT_FALSE(DecodePlan(bytes, R"([[[null,1]],[]])").ok());
  EXPECT_FALSE(DecodePlan(bytes, "").ok());
}

TEST(PlanDecoder, DeepPlansDecodeAndEndlessOnesAreRefused) {
  const std::string outputs = R"([[[null,"x"]],[]])";
  const auto deep = DecodePlan(ProjectionOf(NestedNots(900)), outputs);
  ASSERT_TRUE(deep.ok()) << deep.status().ToString();
  EXPECT_TRUE(ToText((*deep)->expressions[0]).starts_with("NOT NOT NOT"));
  const auto deeper = DecodePlan(ProjectionOf(NestedNots(1'500)), outputs);
  ASSERT_FALSE(deeper.ok());
  EXPECT_EQ(deeper.status().code(), StatusCode::kUnsupported) << deeper.status().ToString();
  EXPECT_FALSE(DecodePlan(ProjectionOf(NestedNots(30'000)), outputs).ok());
}

}  // namespace

}  // namespace weir
