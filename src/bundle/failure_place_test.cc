// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/failure_place.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

ViewDefinition View(const std::string& sql) {
  ViewDefinition view;
  view.file = "views/v.sql";
  view.query_sql = sql;
  return view;
}

std::string Text(const std::optional<SourceLocation>& place) {
  return place ? ToString(*place) : "unknown";
}

TEST(PlaceOfText, IsThatOfTheFirstTextThatStandsThere) {
  const ViewDefinition view =
      View("SELECT Date_Trunc('foo', \"date\")\nFROM t -- 'bar'\nWHERE s = 'b''c'");
  EXPECT_EQ(Text(PlaceOfText({"nothing", "foo"}, view)), "views/v.sql:1:19");
  EXPECT_EQ(Text(PlaceOfText({"b'c"}, view)), "views/v.sql:3:11");
  EXPECT_EQ(Text(PlaceOfText({"date_trunc"}, view)), "views/v.sql:1:8");
  EXPECT_EQ(Text(PlaceOfText({"bar", ""}, view)), "unknown");
}

TEST(PlaceOfValueFailure, IsTheOneCastToTheType) {
  const std::string message = "Cannot cast string 'x' to value of Int32 type";
  EXPECT_EQ(
      Text(PlaceOfValueFailure(
          message, View("SELECT id\nFROM t\nWHERE CAST(trim(s) AS INT) > CAST(d AS BIGINT)"))),
      "views/v.sql:3:7");
  EXPECT_EQ(Text(PlaceOfValueFailure(message, View("SELECT s::integer AS int FROM t"))),
            "views/v.sql:1:9");
  EXPECT_EQ(Text(PlaceOfValueFailure(message, View("SELECT s::int, CAST(u AS INT) FROM t"))),
            "unknown");
  EXPECT_EQ(Text(PlaceOfValueFailure(message, View("SELECT s AS int FROM t"))), "unknown");
  EXPECT_EQ(Text(PlaceOfValueFailure("Cannot cast to value of Decimal128(10, 2) type",
                                     View("SELECT CAST(s AS DECIMAL(10, 2)) FROM t"))),
            "views/v.sql:1:8");
}

TEST(PlaceOfValueFailure, IsTheOneDivision) {
  EXPECT_EQ(Text(PlaceOfValueFailure("Divide by zero error", View("SELECT 1 +\n  a / b FROM t"))),
            "views/v.sql:2:5");
  EXPECT_EQ(Text(PlaceOfValueFailure("Divide by zero error", View("SELECT a / b, a % b FROM t"))),
            "unknown");
  EXPECT_EQ(Text(PlaceOfValueFailure("something else", View("SELECT a / b FROM t"))), "unknown");
}

}  // namespace
}  // namespace weir
