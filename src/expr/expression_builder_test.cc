// SPDX-License-Identifier: Apache-2.0
//
// Expressions by themselves: literals of every kind as the engine gives them back, trees as plans
// show them, filters over batches, and what two queries have in common.

#include "weir/expr/expression_builder.h"

#include <limits>

#include <gtest/gtest.h>

#include "weir/expr/shop_testing.h"

namespace weir::expr {
namespace {

using testing_expr::OpenShop;
using testing_expr::RowsOf;

struct Value {
  const char* name;
  Expr literal;
  const char* type;   ///< as Arrow writes it
  const char* value;  ///< "NULL" for a null one
};

void PrintTo(const Value& value, std::ostream* stream) { *stream << value.name; }

std::shared_ptr<arrow::Scalar> ListOfNumbers() {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues({1, 2}).ok());
  return std::make_shared<arrow::ListScalar>(*builder.Finish());
}

std::vector<Value> Values() {
  using std::chrono::sys_days;
  const std::chrono::year_month_day day(std::chrono::year(2013), std::chrono::month(1),
                                        std::chrono::day(31));
  const auto noon = sys_days(day) + std::chrono::hours(12);
  return {
      {"truth", true, "bool", "true"},
      {"int", 5, "int64", "5"},
      {"short", static_cast<int16_t>(-3), "int64", "-3"},
      {"largest", std::numeric_limits<int64_t>::max(), "int64", "9223372036854775807"},
      {"unsigned", std::numeric_limits<uint64_t>::max(), "uint64", "18446744073709551615"},
      {"unsigned_int", 7U, "int64", "7"},
      {"small", lit(std::make_shared<arrow::Int8Scalar>(1)), "int8", "1"},
      {"number", 2.5, "double", "2.5"},
      {"real", 1.5F, "float", "1.5"},
      {"text", "it's", "string", "it's"},
      {"text_of_zeros", std::string("a\0b", 3), "string", "a\\0b"},
      {"large_text", lit(std::make_shared<arrow::LargeStringScalar>("x")), "large_string", "x"},
      {"bytes", binary("\xff!"), "binary", "\xff!"},
      {"day", day, "date32[day]", "2013-01-31"},
      {"day_as_text", date("1969-12-31"), "date32[day]", "1969-12-31"},
      {"seconds", lit(std::chrono::time_point_cast<std::chrono::seconds>(noon)), "timestamp[s]",
       "2013-01-31 12:00:00"},
      {"microseconds", lit(noon + std::chrono::microseconds(1)), "timestamp[us]",
       "2013-01-31 12:00:00.000001"},
      {"moment", lit(noon + std::chrono::milliseconds(1), "UTC"), "timestamp[ms, tz=UTC]",
       "2013-01-31 12:00:00.001Z"},
      {"time_as_text", timestamp("2013-01-31 12:00:00.5"), "timestamp[us]",
       "2013-01-31 12:00:00.500000"},
      {"decimal", decimal("-0.06"), "decimal128(2, 2)", "-0.06"},
      {"decimal_of_digits", decimal("12.5", 10), "decimal128(10, 1)", "12.5"},
      {"interval", interval(1, 2, 3), "month_day_nano_interval", "1M2d3ns"},
      {"null_of_a_type", null(arrow::int32()), "int32", "NULL"},
      {"null", null(), "null", "NULL"},
      {"list", lit(ListOfNumbers()), "list<item: int64>", "[1,2]"},
  };
}

class LiteralTest : public testing::TestWithParam<Value> {};

TEST_P(LiteralTest, ComesBackFromTheEngine) {
  const engine::Session session = OpenShop();
  const auto plan = ViewBuilder::Values({"x"}, {{GetParam().literal}}).Build(session);
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  const auto schema = plan->output_schema();
  ASSERT_TRUE(schema.ok()) << schema.status().ToString();
  EXPECT_EQ((*schema)->field(0)->type()->ToString(), GetParam().type);
  const std::vector<std::string> rows = RowsOf(session, plan);
  ASSERT_EQ(rows.size(), 2U) << rows[0];
  std::string value = rows[1].substr(0, rows[1].size() - 1);
  std::replace(value.begin(), value.end(), '\n', ' ');
  if (GetParam().value == std::string("a\\0b"))
    EXPECT_EQ(value, std::string("a\0b", 3));
  else if (GetParam().name == std::string("list"))
    EXPECT_NE(value.find("1"), std::string::npos);
  else
    EXPECT_EQ(value, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(Literals, LiteralTest, testing::ValuesIn(Values()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Expressions, AreShownAsPlansShowThem) {
  EXPECT_EQ((col("a") > 15 && col("t", "b").In({"x", "it's"})).ToString(),
            "(a > 15) AND (t.b IN ('x', 'it''s'))");
  EXPECT_EQ((5 < col("a")).ToString(), "5 < a");
  EXPECT_EQ((!(lit(1) + 2 * col("a") == -col("b"))).ToString(), "NOT ((1 + (2 * a)) = -b)");
  EXPECT_EQ(sum(col("x")).Distinct().Filter(col("y").IsNull()).ToString(),
            "sum(DISTINCT x) FILTER (WHERE y IS NULL)");
  EXPECT_EQ(and_all({col("a"), col("b"), col("c")}).ToString(), "a AND b AND c");
  EXPECT_FALSE(and_all({}).status().ok());
  // A failure within is one of the whole.
  EXPECT_NE((decimal("x") + 1 > col("a")).ToString().find("found `x`"), std::string::npos);
}

TEST(Filters, ChooseRowsOfBatches) {
  const engine::Session session = OpenShop();
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("name", arrow::utf8())});
  const auto rows = arrow::json::ArrayFromJSONString(
      arrow::struct_(schema->fields()), R"([[1, "nail"], [2, null], [3, "saw"], [null, "nail"]])");
  ASSERT_TRUE(rows.ok());
  const auto batch = arrow::RecordBatch::FromStructArray(*rows);
  ASSERT_TRUE(batch.ok());
  const auto filter = CompileFilter(
      session, stable_hash64(col("name")) == stable_hash64("nail") || col("id") % 2 == 0, *schema);
  ASSERT_TRUE(filter.ok()) << filter.status().ToString();
  const auto mask = filter->Evaluate(**batch);
  ASSERT_TRUE(mask.ok()) << mask.status().ToString();
  std::vector<bool> chosen;
  for (int64_t i = 0; i < 4; ++i) chosen.push_back((*mask)->Value(i));
  EXPECT_EQ(chosen, (std::vector<bool>{true, true, false, true}));
  EXPECT_EQ(filter->columns(), (std::vector<std::string>{"id", "name"}));
}

TEST(Filters, SayWhatIsWrong) {
  const engine::Session session = OpenShop();
  const auto schema = arrow::schema({arrow::field("id", arrow::int64())});
  const auto failure = [&](const Expr& predicate) {
    return CompileFilter(session, predicate, *schema).status().ToString();
  };
  EXPECT_EQ(failure(col("ide") > 1), "there is no column named `ide` (did you mean `id`?)");
  EXPECT_NE(failure(sum(col("id")) > 1).find("a filter looks at one row"), std::string::npos);
  EXPECT_NE(failure(call("abss", col("id")) > 1).find("no scalar function named `abss`"),
            std::string::npos);
  EXPECT_NE(failure(col("id") + 1).find("boolean"), std::string::npos) << failure(col("id") + 1);
  EXPECT_NE(failure(decimal("?") > 1).find("found `?`"), std::string::npos);
}

TEST(Queries, TellWhatTheyReadAndWhetherTheyAreTheSame) {
  const auto query = [](const Expr& bound) {
    return ViewBuilder::From("b")
        .Join(ViewBuilder::From(ViewBuilder::From("public.a").Filter(true), "x"), col("n") == bound)
        .UnionAll(ViewBuilder::From("s.b"));
  };
  EXPECT_EQ(query(1).tables(), (std::vector<std::string>{"a", "b", "s.b"}));
  EXPECT_EQ(query(1).Identity(), query(1).Identity());
  EXPECT_NE(query(1).Identity(), query(2).Identity());
  EXPECT_NE(query(1).Identity(), query(1.0).Identity());
  EXPECT_EQ(ViewBuilder::From("t", "f").Filter(col("a") > 1).Limit(3).ToString(),
            "From(\"t\", \"f\")\n  .Filter(a > 1)\n  .Limit(3)");
  EXPECT_TRUE(query(1).location().file.ends_with("expression_builder_test.cc"));
}

TEST(Queries, KnowTheSubqueriesInTheirExpressions) {
  const auto query = [](int64_t bound) {
    const Expr within = subquery(ViewBuilder::From("c").Filter(col("z") > bound));
    const Expr most = subquery(ViewBuilder::From("b").Filter(col("y") > within));
    return ViewBuilder::From("a").Filter(col("x") > most);
  };
  EXPECT_EQ(query(1).tables(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(query(1).Identity(), query(1).Identity());
  EXPECT_NE(query(1).Identity(), query(2).Identity());
  EXPECT_NE(query(1).ToString().find("From(\"c\")"), std::string::npos) << query(1).ToString();
}

TEST(Queries, ASubqueryIsOneValue) {
  const engine::Session session = OpenShop();
  const ViewBuilder rich = ViewBuilder::From("customer").Filter(col("c_acctbal") > 8);
  const auto select = [&](const ViewBuilder& query) {
    return ViewBuilder::From("orders").Limit(1).Select({subquery(query).As("x")}).Build(session);
  };
  EXPECT_EQ(RowsOf(session, select(rich.Select({col("c_name")}))),
            (std::vector<std::string>{"x|", "Ada|"}));
  EXPECT_EQ(RowsOf(session, select(rich.Filter(false).Select({col("c_name")}))),
            (std::vector<std::string>{"x|", "NULL|"}));
  EXPECT_NE(RowsOf(session, select(ViewBuilder::From("customer").Select({col("c_name")})))[0].find(
                "more than one row"),
            std::string::npos);
}

TEST(Queries, ShareTheirFirstSteps) {
  const engine::Session session = OpenShop();
  const ViewBuilder rich = ViewBuilder::From("customer").Filter(col("c_acctbal") > 1);
  const auto names = rich.Select({col("c_name")}).Build(session);
  const auto count = rich.Aggregate({}, {count_all().As("n")}).Build(session);
  EXPECT_EQ(RowsOf(session, names), (std::vector<std::string>{"c_name|", "Ada|", "Cy|"}));
  EXPECT_EQ(RowsOf(session, count), (std::vector<std::string>{"n|", "2|"}));
}

TEST(Queries, UnnestListsAndStructs) {
  const engine::Session session = OpenShop();
  const ViewBuilder things = ViewBuilder::From("things");
  EXPECT_EQ(RowsOf(session, things.Select({col("id"), col("tags")}).Unnest("tags").Build(session)),
            RowsOf(session,
                   engine::Plan::FromSql(session, "SELECT id, unnest(tags) AS tags FROM things")));
  EXPECT_EQ(RowsOf(session, things.Select({col("id"), col("tags")})
                                .Unnest("tags", /*keep_nulls=*/true)
                                .Build(session))
                .size(),
            6U);
  EXPECT_EQ(RowsOf(session, things.Filter(col("info").IsNotNull())
                                .Select({col("id"), col("info")})
                                .Unnest("info")
                                .Build(session)),
            (std::vector<std::string>{"id|info.kind|info.weight|", "1|x|1|", "2|y|NULL|"}));
}

}  // namespace
}  // namespace weir::expr
