// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstdlib>
#include <string>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/plan/logical_plan.h"
#include "weir/plan/plan_generator.h"
#include "weir/plan/plan_testing.h"

namespace weir {

namespace {

using testing_plans::OutputsOf;
using testing_plans::PlanGenerator;

size_t Cases() {
  const char* scale = std::getenv("WEIR_TEST_SCALE");
  return scale != nullptr && std::string(scale) == "full" ? 200'000 : 10'000;
}

/// What the engine writes in another way: it puts the name of a window function before its other
/// fields, whatever their numbers, and aligns the Arrow messages of nested literals to 64 bytes.
bool IsWrittenInAnotherWay(const Expression& e) {
  return (e.kind == ExpressionKind::kWindowFunction && !e.is_aggregate) ||
         (e.kind == ExpressionKind::kLiteral && e.literal &&
          arrow::is_nested(e.literal->type->id()));
}

bool IsWrittenInAnotherWay(const LogicalPlan& plan) {
  bool found = false;
  VisitPlan(plan, [&](const LogicalPlan& node) {
    for (const Expression& expression : node.expressions)
      VisitExpression(expression, [&](const Expression& e) { found |= IsWrittenInAnotherWay(e); });
  });
  return found;
}

class EncodedCaptures : public testing::TestWithParam<std::string> {};

TEST_P(EncodedCaptures, AreEncodedAsTheEngineEncodesThem) {
  const auto captured = testing_plans::ReadCase(GetParam());
  const auto plan = DecodePlan(captured.bytes, captured.outputs);
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  const auto bytes = EncodePlan(**plan);
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  EXPECT_TRUE(IsWrittenInAnotherWay(**plan) || *bytes == captured.bytes);
  const auto again = DecodePlan(*bytes, captured.outputs);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_TRUE(**again == **plan);
}

INSTANTIATE_TEST_SUITE_P(Cases, EncodedCaptures, testing::ValuesIn(testing_plans::CaseNames()),
                         [](const testing::TestParamInfo<std::string>& info) {
                           return info.param;
                         });

TEST(PlanEncoderProperty, DecodingWhatWasEncodedIsTheSameTree) {
  for (size_t seed = 0; seed < Cases(); ++seed) {
    const auto plan = PlanGenerator(seed).Plan(static_cast<int>(seed % 5));
    const auto bytes = EncodePlan(*plan);
    ASSERT_TRUE(bytes.ok()) << "seed " << seed << ": " << bytes.status().ToString();
    const auto back = DecodePlan(*bytes, OutputsOf(*plan).dump());
    ASSERT_TRUE(back.ok()) << "seed " << seed << ": " << back.status().ToString();
    ASSERT_TRUE(**back == *plan) << "seed " << seed << "\n" << ToText(*plan) << ToText(**back);
    const auto again = EncodePlan(**back);
    ASSERT_TRUE(again.ok()) << "seed " << seed << ": " << again.status().ToString();
    ASSERT_TRUE(*again == *bytes) << "seed " << seed;
  }
}

// Else the identity above would prove nothing: a field that neither the bytes nor the comparison
// know would go unseen.
TEST(PlanEncoderProperty, TreesOfDifferentSeedsDifferInBytesAsInComparison) {
  size_t differing = 0;
  for (size_t seed = 0; seed < Cases() / 10; ++seed) {
    const auto left = PlanGenerator(seed).Plan(2);
    const auto right = PlanGenerator(seed + 1).Plan(2);
    const bool same =
        *EncodePlan(*left) == *EncodePlan(*right) && OutputsOf(*left) == OutputsOf(*right);
    ASSERT_EQ(same, *left == *right) << "seed " << seed;
    differing += same ? 0 : 1;
  }
  EXPECT_GT(differing, Cases() / 10 * 9 / 10);
}

/// A change of one thing of an expression.
struct Change {
  const char* name;
  ExpressionKind kind;
  void (*apply)(Expression&);
};

void PrintTo(const Change& change, std::ostream* stream) { *stream << change.name; }

class OneChange : public testing::TestWithParam<Change> {};

TEST_P(OneChange, ChangesBytesAndComparison) {
  PlanGenerator generator(7);
  size_t seen = 0;
  for (int attempt = 0; seen < 20 && attempt < 20'000; ++attempt) {
    const Expression before = generator.Expr(1);
    if (before.kind != GetParam().kind) continue;
    ++seen;
    Expression after = before;
    GetParam().apply(after);
    LogicalPlan left{.kind = PlanKind::kProjection, .expressions = {before}};
    left.inputs = {std::make_shared<LogicalPlan>()};
    LogicalPlan right = left;
    right.expressions = {after};
    EXPECT_FALSE(left == right);
    EXPECT_FALSE(*EncodePlan(left) == *EncodePlan(right));
  }
  EXPECT_EQ(seen, 20u);
}

INSTANTIATE_TEST_SUITE_P(
    Expressions, OneChange,
    testing::Values(Change{"AliasMetadata", ExpressionKind::kAlias,
                           [](Expression& e) { e.metadata["k"] += "v"; }},
                    Change{"CastNullable", ExpressionKind::kCast,
                           [](Expression& e) { e.nullable = !e.nullable.value_or(false); }},
                    Change{"CastType", ExpressionKind::kTryCast,
                           [](Expression& e) { e.type = arrow::list(e.type); }},
                    Change{"Distinct", ExpressionKind::kAggregateFunction,
                           [](Expression& e) { e.distinct = !e.distinct; }},
                    Change{"NullTreatment", ExpressionKind::kWindowFunction,
                           [](Expression& e) {
                             e.ignore_nulls = !e.ignore_nulls;
                             e.respect_nulls = false;
                           }},
                    Change{"KindOfWindowFunction", ExpressionKind::kWindowFunction,
                           [](Expression& e) { e.is_aggregate = !e.is_aggregate; }},
                    Change{"Frame", ExpressionKind::kWindowFunction,
                           [](Expression& e) {
                             auto frame = e.frame ? *e.frame : WindowFrame{};
                             frame.units = frame.units == FrameUnits::kRows ? FrameUnits::kGroups
                                                                            : FrameUnits::kRows;
                             e.frame = std::make_shared<const WindowFrame>(frame);
                           }},
                    Change{"OuterUnnest", ExpressionKind::kUnnest,
                           [](Expression& e) { e.is_outer = !e.is_outer; }},
                    Change{"EscapeCharacter", ExpressionKind::kLike,
                           [](Expression& e) { e.text = e.text.empty() ? "!" : ""; }},
                    Change{"LambdaParameters", ExpressionKind::kLambda,
                           [](Expression& e) { e.parameters.emplace_back("z"); }},
                    Change{"PlaceholderType", ExpressionKind::kPlaceholder,
                           [](Expression& e) {
                             e.type = arrow::list(e.type ? e.type : arrow::int8());
                           }}),
    [](const testing::TestParamInfo<Change>& info) { return std::string(info.param.name); });

TEST(PlanEncoder, TreesThatNoPlanCanBeAreRefused) {
  LogicalPlan filter{.kind = PlanKind::kFilter};
  filter.inputs = {std::make_shared<LogicalPlan>()};
  EXPECT_FALSE(EncodePlan(filter).ok());
  EXPECT_FALSE(EncodePlan(LogicalPlan{.kind = PlanKind::kScan}).ok());
  EXPECT_FALSE(EncodePlan(LogicalPlan{.kind = PlanKind::kUnnest}).ok());
  EXPECT_FALSE(EncodePlan(LogicalPlan{.kind = PlanKind::kDistinct}).ok());
  LogicalPlan projection{.kind = PlanKind::kProjection};
  projection.inputs = {std::make_shared<LogicalPlan>()};
  projection.expressions = {Expression{.kind = ExpressionKind::kBetween}};
  EXPECT_FALSE(EncodePlan(projection).ok());
  projection.expressions = {Expression{.kind = ExpressionKind::kLiteral}};
  EXPECT_FALSE(EncodePlan(projection).ok());
}

TEST(PlanEncoder, LiteralsThatTheEngineDoesNotHaveAreRefusedByType) {
  LogicalPlan projection{.kind = PlanKind::kProjection};
  projection.inputs = {std::make_shared<LogicalPlan>()};
  Expression literal{.kind = ExpressionKind::kLiteral};
  literal.literal = std::make_shared<arrow::HalfFloatScalar>(uint16_t{1});
  projection.expressions = {literal};
  const auto bytes = EncodePlan(projection);
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(bytes.status().message().find("halffloat"), std::string::npos)
      << bytes.status().message();
}

}  // namespace

}  // namespace weir
