// SPDX-License-Identifier: Apache-2.0
//
// What declarations tell the engine's planner, on the random arrays of the models: orders that are
// kept, and calls that are put in the place of others. (Bounds are checked on every result of every
// model, in scalar_model_testing.h.)

#include <set>

#include "weir/functions/scalar_model_testing.h"

namespace weir::testing {
namespace {

constexpr int64_t kLeastCases = 5000;

FunctionValue DrawColumn(Random& random, const Parameter& parameter, size_t rows) {
  const auto& type = parameter.types[random() % parameter.types.size()];
  return DrawArgument(random, parameter, rows, {.type = type, .before = random() % 40}).value;
}

// --- orders ---

/// Whole numbers in rising order, around 0 and at both ends, behind them NULLs.
FunctionValue RisingNumbers(Random& random, size_t rows) {
  std::vector<int64_t> numbers = {INT64_MIN, INT64_MAX};
  while (numbers.size() < rows) numbers.push_back(static_cast<int64_t>(random() % 60) - 10);
  std::sort(numbers.begin(), numbers.end());
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(numbers).ok());
  EXPECT_TRUE(builder.AppendNulls(3).ok());
  return Column(builder.Finish().ValueOrDie());
}

void CheckRises(const Model& model, const ScalarFunction& function, uint64_t seed) {
  Random random(seed);
  const size_t risen = *function.declaration().rises_with;
  std::vector<FunctionValue> arguments;
  for (size_t i = 0; i < model.parameters.size(); ++i) {
    const Parameter& parameter = model.parameters[i];
    const ArgumentForm form = {.type = parameter.types[0], .constant = true, .null_percent = 0};
    arguments.push_back(i == risen ? RisingNumbers(random, 100)
                                   : DrawArgument(random, parameter, 1, form).value);
  }
  const int64_t rows = arguments[risen].values->length();
  const auto result = CallPlanned(function, arguments, rows);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  const auto& values = static_cast<const arrow::Int64Array&>(**result);
  for (int64_t row = 0; row < rows; ++row) {
    ASSERT_EQ(values.IsNull(row), arguments[risen].values->IsNull(row)) << row;
    if (row == 0 || values.IsNull(row)) continue;
    ASSERT_LE(values.Value(row - 1), values.Value(row)) << row;
  }
}

TEST(PlanningPromises, ResultsRiseWithTheArgumentThatIsDeclared) {
  int functions = 0;
  for (const Model& model : AllModels()) {
    const auto function = Scalar(model.name);
    if (!function->declaration().rises_with) continue;
    ++functions;
    for (uint64_t seed = 0; seed < kLeastCases / 100; ++seed) {
      SCOPED_TRACE(model.name + " seed " + std::to_string(seed));
      CheckRises(model, *function, seed);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(functions, 0);
}

// --- calls in the place of others ---

/// f(g(x)) with x as planning sees a column.
PlannedExpression CallOver(const std::string& inner) {
  PlannedExpression call;
  call.function = inner;
  call.arguments.emplace_back();
  return call;
}

/// What a rewrite of f(g(x)) gives. `within` is g(x).
Result<FunctionValue> Evaluate(const RewrittenExpression& rewrite, const ScalarFunction& f,
                               const FunctionValue& x, const FunctionValue& within) {
  if (rewrite.kind == RewrittenExpression::Kind::kPart) {
    EXPECT_EQ(rewrite.argument, 0U);
    return rewrite.inner.empty() ? within : x;
  }
  EXPECT_EQ(rewrite.kind, RewrittenExpression::Kind::kCall);
  std::vector<FunctionValue> arguments;
  for (const auto& operand : rewrite.operands) {
    WEIR_ASSIGN_OR_RETURN(auto argument, Evaluate(operand, f, x, within));
    arguments.push_back(std::move(argument));
  }
  WEIR_ASSIGN_OR_RETURN(auto result, CallPlanned(f, arguments, x.values->length()));
  return Column(std::move(result));
}

void CheckRewrite(const RewrittenExpression& rewrite, const ScalarFunction& f,
                  const ScalarFunction& g, const FunctionValue& x) {
  const int64_t rows = x.values->length();
  const auto within = CallPlanned(g, {x}, rows);
  ASSERT_TRUE(within.ok()) << within.status().ToString();
  const auto wanted = CallPlanned(f, {Column(*within)}, rows);
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  const auto found = Evaluate(rewrite, f, x, Column(*within));
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  ASSERT_TRUE(found->values->Equals(**wanted))
      << "found " << found->values->ToString() << "\nwanted " << (*wanted)->ToString();
}

TEST(PlanningPromises, SimplifiedCallsGiveTheSameValues) {
  std::set<std::string> simplified;
  for (const Model& outer : AllModels()) {
    const auto f = Scalar(outer.name);
    if (f->declaration().simplification.empty()) continue;
    for (const Model& inner : AllModels()) {
      if (inner.parameters.size() != 1) continue;
      const auto rewrite = f->Simplify({CallOver(inner.name)});
      if (!rewrite) continue;
      simplified.insert(outer.name);
      const auto g = Scalar(inner.name);
      SCOPED_TRACE(outer.name + "(" + inner.name + "(x))");
      for (uint64_t seed = 0; seed < kLeastCases / 100; ++seed) {
        Random random(seed);
        CheckRewrite(*rewrite, *f, *g, DrawColumn(random, inner.parameters[0], 100));
        if (HasFatalFailure()) return;
      }
    }
  }
  for (const FunctionRegistry functions = NativeFunctions();
       const auto& function : functions.scalars()) {
    EXPECT_EQ(simplified.contains(function->declaration().name),
              !function->declaration().simplification.empty())
        << function->declaration().name;
  }
}

TEST(PlanningPromises, OtherArgumentsLeaveCallsAsTheyAre) {
  for (const FunctionRegistry functions = NativeFunctions();
       const auto& function : functions.scalars()) {
    if (function->declaration().simplification.empty()) continue;
    EXPECT_FALSE(function->Simplify({PlannedExpression()})) << function->declaration().name;
    EXPECT_FALSE(function->Simplify({CallOver("stable_hash128")})) << function->declaration().name;
  }
}

/// utf8_normalize has no such rule: a normal form can begin with a space that was none before.
TEST(PlanningPromises, NormalizingTwiceIsAnotherThing) {
  const auto text = Column(FromJson(arrow::utf8(), R"(["¨a"])"));
  const auto once = Call("utf8_normalize", {text}, 1);
  ASSERT_TRUE(once.ok());
  const auto twice = Call("utf8_normalize", {Column(*once)}, 1);
  ASSERT_TRUE(twice.ok());
  EXPECT_FALSE((*once)->Equals(**twice)) << (*once)->ToString();
}

}  // namespace
}  // namespace weir::testing
