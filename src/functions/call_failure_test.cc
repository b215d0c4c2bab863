// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/call_failure.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::optional<Status> Explain(const std::string& message, const std::string& sql) {
  return ExplainCallFailure(Status::User(StatusCode::kPlanFailed, "{}", message), sql,
                            NativeFunctions());
}

TEST(CallFailure, UnknownParametersAreFoundAndCorrected) {
  const auto status = Explain(
      "Unknown parameter name 'unit'. Valid parameters are: [bstart, bend, line_base, col_unit, "
      "end_exclusive]",
      "SELECT a,\n  Span_Make (1, unit => 'x')");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(
      status->message(),
      "span_make(bstart, bend[, line_base[, col_unit[, end_exclusive]]]) has no parameter `unit`");
  EXPECT_EQ(status->location().line, 2);
  EXPECT_EQ(status->location().column, 17);
  EXPECT_EQ(status->hint(), "did you mean `col_unit`?");
}

TEST(CallFailure, ArgumentsShowTheSignature) {
  const auto status = Explain(
      "Failed to coerce arguments to satisfy a call to 'count_if' function: coercion from Int64 to "
      "the signature Exact(Boolean) "
      "failed. No function matches the given name and argument types 'count_if(Int64)'. You might "
      "need to add explicit type casts.",
      "SELECT my_count_if(1), count_if(1)");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->message(), "count_if(condition) takes boolean as condition, found `(Int64)`");
  EXPECT_EQ(status->location().column, 24);
}

TEST(CallFailure, AliasesAreFoundInTheQuery) {
  const auto status = Explain(
      "Function 'collect_set' user-defined coercion failed with: Error during planning: "
      "collect_set(v) takes 1 argument, found "
      "2. No function matches the given name and argument types 'collect_set(Int64, Int64)'.",
      "SELECT list_unique(1, 2)");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->message(), "collect_set(v) takes 1 argument, found 2");
  EXPECT_EQ(status->location().column, 8);
}

TEST(CallFailure, OtherFailuresAndOtherFunctionsAreLeft) {
  EXPECT_FALSE(Explain("table 'x' not found", "SELECT 1").has_value());
  EXPECT_FALSE(Explain("Failed to coerce arguments to satisfy a call to 'sum' function: no",
                       "SELECT sum('x')")
                   .has_value());
}

}  // namespace
}  // namespace weir
