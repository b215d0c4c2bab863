// SPDX-License-Identifier: Apache-2.0
//
// Queries that cannot be: each failure names the step, its place in the program, and what to do.

#include <functional>

#include <gtest/gtest.h>

#include "weir/expr/shop_testing.h"

namespace weir::expr {
namespace {

using testing_expr::OpenShop;

struct Wrong {
  const char* name;
  std::function<ViewBuilder()> query;
  const char* message;  ///< stands in the failure's message
  const char* hint = "";
};

void PrintTo(const Wrong& wrong, std::ostream* stream) { *stream << wrong.name; }

ViewBuilder Customers() { return ViewBuilder::From("customer", "c"); }

const Wrong kWrong[] = {
    {"table", [] { return ViewBuilder::From("custommer"); },
     "step 1, From: there is no source or view named `custommer`"},
    {"table_name", [] { return ViewBuilder::From("a.b.c"); },
     "a table is named `table` or `schema.table`, found `a.b.c`"},
    {"column", [] { return Customers().Filter(col("c_acctbl") > 1); },
     "step 2, Filter: there is no column named `c_acctbl`", "did you mean `c_acctbal`?"},
    {"column_in_other_case", [] { return Customers().Select({col("C_Name")}); },
     "step 2, Select: there is no column named `C_Name`", "did you mean `c_name`"},
    {"column_of_a_table", [] { return Customers().Select({col("c", "c_nam")}); },
     "there is no column named `c.c_nam`", "c.c_name"},
    {"column_left_out_before",
     [] { return Customers().Select({col("c_name")}).Filter(col("c_nation") == "NO"); },
     "step 3, Filter: there is no column named `c_nation`"},
    {"column_within_a_call",
     [] { return Customers().Select({call("upper", call("lower", col("nme"))).As("x")}); },
     "there is no column named `nme`"},
    {"ambiguous",
     [] {
       return Customers().CrossJoin(ViewBuilder::From("customer", "d")).Select({col("c_name")});
     },
     "the column `c_name` is ambiguous, it may be `c.c_name`, `d.c_name`",
     "name its table: col(\"table\", \"column\")"},
    {"same_table_twice",
     [] { return ViewBuilder::From("customer").CrossJoin(ViewBuilder::From("customer")); },
     "both sides of the join have the column `c_custkey` of a table named `customer`",
     "give one side an alias"},
    {"scalar_function", [] { return Customers().Select({call("uper", col("c_name"))}); },
     "step 2, Select: there is no scalar function named `uper`", "did you mean `upper`?"},
    {"native_function_by_name",
     [] { return Customers().Select({call("stable_hsh64", col("c_name"))}); },
     "there is no scalar function named `stable_hsh64`", "`stable_hash64`"},
    {"aggregate_by_call", [] { return Customers().Select({call("sum", col("c_acctbal"))}); },
     "there is no scalar function named `sum`", "it is an aggregate: aggregate(\"sum\", {…})"},
    {"aggregate_function",
     [] { return Customers().Aggregate({}, {aggregate("sun", {col("c_acctbal")})}); },
     "step 2, Aggregate: there is no aggregate named `sun`", "did you mean `sum`"},
    {"window_function",
     [] {
       return Customers().Window({window_function("rnk").Over({.order_by = {col("c_name")}})});
     },
     "there is no window function named `rnk`", "rank"},
    {"arity", [] { return Customers().Select({call("stable_hash64").As("h")}); },
     "stable_hash64(s)"},
    {"arity_of_an_aggregate",
     [] { return Customers().Aggregate({}, {aggregate("arg_max", {col("c_name")})}); },
     "arg_max(value, key)"},
    {"types_of_a_call", [] { return Customers().Select({span_len(col("c_custkey")).As("n")}); },
     "span_len(span)"},
    {"types_of_an_operator",
     [] {
       return ViewBuilder::From("things")
           .Select({col("id")})
           .Filter(col("id") > 0)
           .Select({(col("id") + date("2013-01-01")).Between(true, binary("x")).As("x")});
     },
     "step 4, Select: types do not go together", ".Cast(type)"},
    {"filter_that_is_not_boolean", [] { return Customers().Filter(col("c_custkey") + 1); },
     "step 2, Filter"},
    {"subquery_of_two_columns",
     [] {
       const Expr two = subquery(Customers().Select({col("c_name"), col("c_nation")}));
       return Customers().Limit(9).Filter(col("c_name") == two);
     },
     "step 3, Filter: a subquery in an expression has one column, found 2"},
    {"column_within_a_subquery",
     [] {
       const Expr most = subquery(ViewBuilder::From("orders").Filter(col("total") > 1));
       return Customers().Limit(9).Filter(col("c_name") == most);
     },
     "step 2, Filter: there is no column named `total`", "`o_total`"},
    {"column_around_a_subquery",
     [] {
       return Customers().Filter(col("c_custkey") ==
                                 subquery(ViewBuilder::From("orders").Select({col("c_custkey")})));
     },
     "step 2, Select: there is no column named `c_custkey`", "`o_custkey`"},
    {"union_of_other_widths",
     [] {
       return Customers()
           .Select({col("c_name")})
           .UnionAll(Customers().Select({col("c_name"), col("c_nation")}));
     },
     "both sides must have as many columns, found 1 and 2"},
    {"aggregate_in_a_filter", [] { return Customers().Filter(sum(col("c_acctbal")) > 1); },
     "step 2, Filter: an aggregate cannot stand here", "Aggregate(keys, results)"},
    {"aggregate_in_select", [] { return Customers().Select({sum(col("c_acctbal"))}); },
     "an aggregate without a window cannot stand here", ".Over("},
    {"window_in_a_filter", [] { return Customers().Filter(row_number().Over() == 1); },
     "a function over a window cannot stand here", "Select or Window"},
    {"window_without_over", [] { return Customers().Select({row_number()}); },
     "the window function `row_number` has no window", ".Over("},
    {"column_that_is_no_key",
     [] {
       return Customers().Aggregate({col("c_nation")}, {col("c_name"), count_all().As("n")});
     },
     "the column `c.c_name` is neither a key nor within an aggregate", "add it to the keys"},
    {"two_columns_of_one_name",
     [] {
       return Customers().Select({col("c_name"), col("c_nation").As("c_name"), col("c_name")});
     },
     "step 2, Select"},
    {"all_within_an_expression", [] { return Customers().Select({all() == 1}); },
     "all() stands for columns of Select and Window"},
    {"all_of_no_table", [] { return Customers().Select({all("d")}); },
     "there is no table named `d`"},
    {"using", [] { return Customers().JoinUsing(ViewBuilder::From("orders"), {"c_custkey"}); },
     "step 2, JoinUsing: on the right side: there is no column named `c_custkey`", "o_custkey"},
    {"row_of_other_length",
     [] {
       return ViewBuilder::Values({"a", "b"}, {{1, 2}, {3}});
     },
     "step 1, Values: a row has 1 values for 2 columns"},
    {"limit", [] { return Customers().Limit(-1); }, "Limit takes numbers of rows, found -1"},
    {"decimal", [] { return Customers().Select({decimal("1,5").As("d")}); },
     "a decimal number of at most 38 digits is wanted, found `1,5`"},
    {"date", [] { return Customers().Filter(date("2013-02-30") == date("2013-01-01")); },
     "a date as `2013-01-31` is wanted, found `2013-02-30`"},
    {"frame_of_rows",
     [] {
       return Customers().Select(
           {sum(col("c_acctbal")).Over({.frame = rows(preceding("1 day"))}).As("s")});
     },
     "a frame of rows or groups counts them, found `1 day`"},
    {"filter_of_no_aggregate",
     [] { return Customers().Select({call("abs", col("c_acctbal")).Filter(true)}); },
     "Filter belongs to a call of an aggregate or a window function"},
    {"case_without_when", [] { return Customers().Select({Case().End().As("c")}); },
     "a CASE needs one WHEN at least"},
    {"form_that_can_never_be",
     [] { return Customers().Select({utf8_normalize(col("c_name"), {.form = "NFX"}).As("n")}); },
     "NFX"},
    {"argument_left_out_before_another",
     [] { return Customers().Select({call("stable_id", omitted(), col("c_name")).As("n")}); },
     "the argument `prefix` of `stable_id(prefix, s)` is left out"},
    {"other_side_of_a_join",
     [] {
       return Customers().Join(ViewBuilder::From("orders").Filter(col("o_nothing") == 1),
                               col("c_custkey") == col("o_custkey"));
     },
     "step 2, Filter: there is no column named `o_nothing`"},
};

class WrongTest : public testing::TestWithParam<Wrong> {};

TEST_P(WrongTest, NamesStepAndPlace) {
  const engine::Session session = OpenShop();
  const auto built = GetParam().query().Build(session);
  ASSERT_FALSE(built.ok());
  const Status& status = built.status();
  EXPECT_NE(status.message().find(GetParam().message), std::string::npos) << status.ToString();
  EXPECT_NE(status.hint().find(GetParam().hint), std::string::npos) << status.ToString();
  EXPECT_EQ(status.blame(), Blame::kUser) << status.ToString();
  EXPECT_TRUE(status.location().file.ends_with("bad_input_test.cc")) << ToString(status.location());
  EXPECT_GT(status.location().line, 20);
}

INSTANTIATE_TEST_SUITE_P(Queries, WrongTest, testing::ValuesIn(kWrong),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::expr
