// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/expression_place.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string Place(std::string_view expression, std::string query) {
  ViewDefinition view;
  view.file = "views/v.sql";
  view.query_sql = std::move(query);
  view.location = {.file = "views/v.sql", .line = 1, .column = 1};
  const auto place = FindExpression(expression, view);
  return place ? ToString(*place) : "nowhere";
}

TEST(ExpressionPlace, IsThatOfTheFirstWord) {
  EXPECT_EQ(Place("a * b", "SELECT a * b FROM t"), "views/v.sql:1:8");
  EXPECT_EQ(Place("a * b", "SELECT x,\n  a\n  *\n  b\nFROM t"), "views/v.sql:2:3");
  EXPECT_EQ(Place("a * b", "SELECT a + b, a * c, a * b"), "views/v.sql:1:22");
}

TEST(ExpressionPlace, QualifiersParenthesesAndCastsCountForNothing) {
  EXPECT_EQ(Place("a * b", "SELECT t.a * u.\"b\" FROM t"), "views/v.sql:1:10");
  EXPECT_EQ(Place("a * b + 1", "SELECT (a * (b)) + 1"), "views/v.sql:1:9");
  EXPECT_EQ(Place("a * b", "SELECT CAST(a AS DECIMAL(10, 2)) * b::INT"), "views/v.sql:1:13");
  EXPECT_EQ(Place("a * b", "SELECT sum(CAST(A AS INT) * TRY_CAST(t.B AS BIGINT)) AS s"),
            "views/v.sql:1:17");
  EXPECT_EQ(Place("(- a)", "SELECT -a"), "views/v.sql:1:8");
}

TEST(ExpressionPlace, OfWhatIsNotThereIsNone) {
  EXPECT_EQ(Place("a * b", "SELECT a * c FROM t"), "nowhere");
  EXPECT_EQ(Place("", "SELECT a"), "nowhere");
  EXPECT_EQ(Place("a * b", ""), "nowhere");
  EXPECT_EQ(Place("a * b", "SELECT CAST(a AS (("), "nowhere");
}

TEST(ExpressionPlace, ExpressionsAreThoseOfOverflows) {
  EXPECT_EQ(ExpressionOf(Status::User(StatusCode::kOverflow, "the result of `a * b` does not fit")),
            "a * b");
  EXPECT_EQ(ExpressionOf(Status::User(StatusCode::kPlanFailed, "the result of `a` is")), "");
}

}  // namespace
}  // namespace weir
