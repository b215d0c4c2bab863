// SPDX-License-Identifier: Apache-2.0
//
// Queries written in C++ and in SQL: the engine makes the same optimised plan of both, byte by
// byte.

#include "weir/expr/view_builder.h"

#include <functional>

#include <gtest/gtest.h>

#include "weir/expr/shop_testing.h"

namespace weir::expr {
namespace {

using testing_expr::OpenShop;
using testing_expr::OptimizedBytes;
using testing_expr::RowsOf;
using testing_expr::Shown;

struct Twin {
  const char* name;
  const char* sql;
  std::function<ViewBuilder()> query;
};

void PrintTo(const Twin& twin, std::ostream* stream) { *stream << twin.name; }

ViewBuilder Orders() { return ViewBuilder::From("orders"); }
ViewBuilder Lines() { return ViewBuilder::From("lineitem"); }
ViewBuilder Customers() { return ViewBuilder::From("customer"); }

const Twin kTwins[] = {
    {"filter_and_projection",
     "SELECT c_name, c_acctbal * 2 AS twice FROM customer WHERE c_acctbal > 1.5 AND c_nation = "
     "'NO'",
     [] {
       return Customers()
           .Filter(col("c_acctbal") > 1.5 && col("c_nation") == "NO")
           .Select({col("c_name"), (col("c_acctbal") * 2).As("twice")});
     }},
    {"every_operator",
     "SELECT c_custkey % 2 AS a, -c_custkey AS b, c_custkey BETWEEN 1 AND 3 AS c, "
     "c_custkey NOT BETWEEN 2 AND 3 AS d, c_nation IN ('NO', 'SE') AS e, c_custkey NOT IN (1, 2) "
     "AS f, c_name LIKE 'A%' AS g, c_name NOT LIKE '%b' AS h, c_name ILIKE 'a_a' AS i, c_phone IS "
     "NULL AS j, c_phone IS NOT NULL AS k, (c_acctbal > 0) IS TRUE AS l, (c_acctbal > 0) IS NOT "
     "TRUE AS m, (c_acctbal > 0) IS FALSE AS n, (c_acctbal > 0) IS UNKNOWN AS o, c_phone IS "
     "DISTINCT FROM c_name AS p, c_phone IS NOT DISTINCT FROM c_name AS q, c_name || '!' AS r, "
     "NOT (c_custkey <> 1 OR c_custkey <= 2) AS s, c_name ~ '^A' AS t, c_custkey - 1 >= 2 AS u, "
     "c_acctbal / 3 < 1 AS v, c_custkey & 1 AS w FROM customer",
     [] {
       const Expr rich = col("c_acctbal") > 0;
       return Customers().Select({(col("c_custkey") % 2).As("a"),
                                  (-col("c_custkey")).As("b"),
                                  col("c_custkey").Between(1, 3).As("c"),
                                  col("c_custkey").NotBetween(2, 3).As("d"),
                                  col("c_nation").In({"NO", "SE"}).As("e"),
                                  col("c_custkey").NotIn({1, 2}).As("f"),
                                  col("c_name").Like("A%").As("g"),
                                  col("c_name").NotLike("%b").As("h"),
                                  col("c_name").ILike("a_a").As("i"),
                                  col("c_phone").IsNull().As("j"),
                                  col("c_phone").IsNotNull().As("k"),
                                  rich.IsTrue().As("l"),
                                  rich.IsNotTrue().As("m"),
                                  rich.IsFalse().As("n"),
                                  rich.IsUnknown().As("o"),
                                  col("c_phone").IsDistinctFrom(col("c_name")).As("p"),
                                  col("c_phone").IsNotDistinctFrom(col("c_name")).As("q"),
                                  col("c_name").Concat("!").As("r"),
                                  (!(col("c_custkey") != 1 || col("c_custkey") <= 2)).As("s"),
                                  col("c_name").Matches("^A").As("t"),
                                  (col("c_custkey") - 1 >= 2).As("u"),
                                  (col("c_acctbal") / 3 < 1).As("v"),
                                  col("c_custkey").Operator("&", 1).As("w")});
     }},
    {"case_and_casts",
     "SELECT CASE WHEN c_acctbal > 5 THEN 'rich' WHEN c_acctbal < 0 THEN 'poor' ELSE 'even' END AS "
     "a, CASE c_nation WHEN 'NO' THEN 1 WHEN 'SE' THEN 2 END AS b, CAST(c_custkey AS VARCHAR) AS "
     "c, TRY_CAST(c_phone AS BIGINT) AS d, coalesce(c_name, c_phone, '?') AS e FROM customer",
     [] {
       return Customers().Select({Case()
                                      .When(col("c_acctbal") > 5, "rich")
                                      .When(col("c_acctbal") < 0, "poor")
                                      .Else("even")
                                      .As("a"),
                                  Case(col("c_nation")).When("NO", 1).When("SE", 2).End().As("b"),
                                  col("c_custkey").Cast(arrow::utf8_view()).As("c"),
                                  col("c_phone").TryCast(arrow::int64()).As("d"),
                                  coalesce({col("c_name"), col("c_phone"), "?"}).As("e")});
     }},
    {"pricing_summary",  // as TPC-H 1
     "SELECT l_flag, sum(l_quantity) AS sum_qty, sum(l_price * (1 - l_discount)) AS revenue, "
     "avg(l_price) AS avg_price, count(*) AS count_order FROM lineitem WHERE l_shipdate <= DATE "
     "'2012-12-01' - INTERVAL '90' DAY GROUP BY l_flag ORDER BY l_flag",
     [] {
       return Lines()
           .Filter(col("l_shipdate") <= date("2012-12-01") - interval(0, 90))
           .Aggregate({col("l_flag")},
                      {sum(col("l_quantity")).As("sum_qty"),
                       sum(col("l_price") * (1 - col("l_discount"))).As("revenue"),
                       avg(col("l_price")).As("avg_price"), count_all().As("count_order")})
           .OrderBy({col("l_flag")});
     }},
    {"shipping_priority",  // as TPC-H 3
     "SELECT l_orderkey, sum(l_price * (1 - l_discount)) AS revenue, o_orderdate FROM customer, "
     "orders, lineitem WHERE c_nation = 'NO' AND c_custkey = o_custkey AND l_orderkey = o_orderkey "
     "AND o_orderdate < DATE '2013-03-15' GROUP BY l_orderkey, o_orderdate ORDER BY revenue DESC, "
     "o_orderdate LIMIT 10",
     [] {
       return Customers()
           .CrossJoin(Orders())
           .CrossJoin(Lines())
           .Filter(col("c_nation") == "NO" && col("c_custkey") == col("o_custkey") &&
                   col("l_orderkey") == col("o_orderkey") &&
                   col("o_orderdate") < date("2013-03-15"))
           .Aggregate({col("l_orderkey"), col("o_orderdate")},
                      {sum(col("l_price") * (1 - col("l_discount"))).As("revenue")})
           .Select({col("l_orderkey"), col("revenue"), col("o_orderdate")})
           .OrderBy({col("revenue").Desc(), col("o_orderdate").Asc()})
           .Limit(10);
     }},
    {"promotion_share",  // as TPC-H 14: an expression over two aggregates
     "SELECT 100.00 * sum(CASE WHEN o_priority LIKE '1%' THEN l_price * (1 - l_discount) ELSE 0 "
     "END) / sum(l_price * (1 - l_discount)) AS share FROM lineitem JOIN orders ON l_orderkey = "
     "o_orderkey WHERE l_shipdate >= DATE '2011-01-01'",
     [] {
       const Expr price = col("l_price") * (1 - col("l_discount"));
       return Lines()
           .Join(Orders(), col("l_orderkey") == col("o_orderkey"))
           .Filter(col("l_shipdate") >= date("2011-01-01"))
           .Aggregate(
               {}, {(lit(100.00) * sum(Case().When(col("o_priority").Like("1%"), price).Else(0)) /
                     sum(price))
                        .As("share")});
     }},
    {"having",  // as TPC-H 18
     "SELECT l_orderkey, sum(l_quantity) AS quantity FROM lineitem GROUP BY l_orderkey HAVING "
     "sum(l_quantity) > 3",
     [] {
       return Lines()
           .Aggregate({col("l_orderkey")}, {sum(col("l_quantity")).As("quantity")})
           .Filter(col("quantity") > 3);
     }},
    {"left_join_with_a_condition",  // as TPC-H 13
     "SELECT c_custkey, count(o_orderkey) AS orders FROM customer LEFT JOIN orders ON c_custkey = "
     "o_custkey AND o_priority NOT LIKE '%LOW%' GROUP BY c_custkey",
     [] {
       return Customers()
           .Join(Orders(),
                 col("c_custkey") == col("o_custkey") && col("o_priority").NotLike("%LOW%"),
                 JoinType::kLeft)
           .Aggregate({col("c_custkey")}, {count(col("o_orderkey")).As("orders")});
     }},
    {"full_and_right_joins",
     "SELECT c.c_name, o.o_orderkey, l.l_price FROM customer c FULL JOIN orders o ON c.c_custkey = "
     "o.o_custkey RIGHT JOIN lineitem l ON o.o_orderkey = l.l_orderkey",
     [] {
       return ViewBuilder::From("customer", "c")
           .Join(ViewBuilder::From("orders", "o"), col("c", "c_custkey") == col("o", "o_custkey"),
                 JoinType::kFull)
           .Join(ViewBuilder::From("lineitem", "l"),
                 col("o", "o_orderkey") == col("l", "l_orderkey"), JoinType::kRight)
           .Select({col("c", "c_name"), col("o", "o_orderkey"), col("l", "l_price")});
     }},
    {"self_join",
     "SELECT a.c_name, b.c_name AS other FROM customer a JOIN customer b ON a.c_nation = "
     "b.c_nation "
     "AND a.c_custkey < b.c_custkey",
     [] {
       return ViewBuilder::From("customer", "a")
           .Join(ViewBuilder::From("customer", "b"),
                 col("a", "c_nation") == col("b", "c_nation") &&
                     col("a", "c_custkey") < col("b", "c_custkey"))
           .Select({col("a", "c_name"), col("b", "c_name").As("other")});
     }},
    {"join_using",
     "SELECT k, o_total, c_name FROM (SELECT o_custkey AS k, o_total FROM orders) o JOIN (SELECT "
     "c_custkey AS k, "
     "c_name FROM customer) c USING (k)",
     [] {
       return ViewBuilder::From(Orders().Select({col("o_custkey").As("k"), col("o_total")}), "o")
           .JoinUsing(ViewBuilder::From(
                          Customers().Select({col("c_custkey").As("k"), col("c_name")}), "c"),
                      {"k"})
           .Select({all()});
     }},
    {"semi_and_anti_joins",  // as TPC-H 4 and 22
     "SELECT o_priority, count(*) AS n FROM orders LEFT SEMI JOIN lineitem ON l_orderkey = "
     "o_orderkey AND l_commitdate < l_shipdate LEFT ANTI JOIN customer ON c_custkey = o_custkey "
     "AND "
     "c_acctbal < 0 GROUP BY o_priority",
     [] {
       return Orders()
           .Join(Lines(),
                 col("l_orderkey") == col("o_orderkey") && col("l_commitdate") < col("l_shipdate"),
                 JoinType::kLeftSemi)
           .Join(Customers(), col("c_custkey") == col("o_custkey") && col("c_acctbal") < 0,
                 JoinType::kLeftAnti)
           .Aggregate({col("o_priority")}, {count_all().As("n")});
     }},
    {"scalar_subqueries",
     "SELECT c_name, c_acctbal - (SELECT avg(c_acctbal) FROM customer WHERE c_acctbal > (SELECT "
     "min(l_discount) FROM lineitem)) AS above FROM customer WHERE c_custkey >= (SELECT "
     "min(o_custkey) FROM orders WHERE o_priority = '5-LOW')",
     [] {
       const Expr least = subquery(Lines().Aggregate({}, {min(col("l_discount"))}));
       const Expr average = subquery(
           Customers().Filter(col("c_acctbal") > least).Aggregate({}, {avg(col("c_acctbal"))}));
       const Expr first = subquery(
           Orders().Filter(col("o_priority") == "5-LOW").Aggregate({}, {min(col("o_custkey"))}));
       return Customers()
           .Filter(col("c_custkey") >= first)
           .Select({col("c_name"), (col("c_acctbal") - average).As("above")});
     }},
    {"subquery_in_having",  // as TPC-H 11
     "SELECT l_flag, sum(l_price) AS total FROM lineitem GROUP BY l_flag HAVING sum(l_price) > "
     "(SELECT sum(l_price) * 0.25 FROM lineitem) ORDER BY total DESC",
     [] {
       const Expr share = subquery(Lines().Aggregate({}, {(sum(col("l_price")) * 0.25)}));
       return Lines()
           .Aggregate({col("l_flag")}, {sum(col("l_price")).As("total")})
           .Filter(col("total") > share)
           .OrderBy({col("total").Desc()});
     }},
    {"aggregates_said_in_full",
     "SELECT c_nation, count(DISTINCT c_name) AS names, sum(c_acctbal) FILTER (WHERE c_acctbal > "
     "0) "
     "AS assets, array_agg(c_name ORDER BY c_custkey DESC) AS list, first_value(c_phone) IGNORE "
     "NULLS AS phone, collect_set(c_phone) IGNORE NULLS AS phones, count_if(c_acctbal > 1) AS n, "
     "arg_max(c_name, c_acctbal) AS richest FROM customer GROUP BY c_nation",
     [] {
       return Customers().Aggregate(
           {col("c_nation")},
           {count(col("c_name")).Distinct().As("names"),
            sum(col("c_acctbal")).Filter(col("c_acctbal") > 0).As("assets"),
            array_agg(col("c_name")).OrderBy({col("c_custkey").Desc()}).As("list"),
            first_value(col("c_phone")).IgnoreNulls().As("phone"),
            collect_set(col("c_phone")).IgnoreNulls().As("phones"),
            count_if(col("c_acctbal") > 1).As("n"),
            arg_max(col("c_name"), col("c_acctbal")).As("richest")});
     }},
    {"grouping_by_expressions",  // as TPC-H 7 to 9
     "SELECT date_part('year', o_orderdate) AS year, upper(o_priority) AS p, sum(o_total) + 1 AS "
     "total FROM orders GROUP BY date_part('year', o_orderdate), upper(o_priority)",
     [] {
       return Orders().Aggregate({date_part("year", col("o_orderdate")).As("year"),
                                  call("upper", col("o_priority")).As("p")},
                                 {(sum(col("o_total")) + 1).As("total")});
     }},
    {"rollup",
     "SELECT c_nation, c_name, sum(c_acctbal) AS total FROM customer GROUP BY ROLLUP (c_nation, "
     "c_name)",
     [] {
       return Customers().Aggregate({rollup({col("c_nation"), col("c_name")})},
                                    {sum(col("c_acctbal")).As("total")});
     }},
    {"grouping_sets",
     "SELECT c_nation, c_name, count(*) AS n FROM customer GROUP BY GROUPING SETS ((c_nation), "
     "(c_name), ())",
     [] {
       return Customers().Aggregate({grouping_sets({{col("c_nation")}, {col("c_name")}, {}})},
                                    {count_all().As("n")});
     }},
    {"cube",
     "SELECT c_nation, c_phone, max(c_name) AS m FROM customer GROUP BY CUBE (c_nation, c_phone)",
     [] {
       return Customers().Aggregate({cube({col("c_nation"), col("c_phone")})},
                                    {max(col("c_name")).As("m")});
     }},
    {"windows_of_several_orders",
     "SELECT c_name, row_number() OVER (ORDER BY c_custkey) AS a, rank() OVER (PARTITION BY "
     "c_nation "
     "ORDER BY c_acctbal DESC) AS b, sum(c_acctbal) OVER (PARTITION BY c_nation) AS c, "
     "sum(c_acctbal) OVER () AS d, lag(c_name) OVER (PARTITION BY c_nation ORDER BY c_acctbal "
     "DESC) "
     "AS e, avg(c_acctbal) OVER (ORDER BY c_custkey ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS "
     "f, "
     "min(c_acctbal) OVER (ORDER BY c_custkey ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING) AS "
     "g, count(*) OVER (ORDER BY c_custkey RANGE BETWEEN 2 PRECEDING AND 2 FOLLOWING) AS h, "
     "first_value(c_phone) IGNORE NULLS OVER (ORDER BY c_name NULLS FIRST) AS i FROM customer",
     [] {
       const Window by_nation{.partition_by = {col("c_nation")},
                              .order_by = {col("c_acctbal").Desc()}};
       const auto by_key = [](std::optional<Frame> frame) {
         return Window{.order_by = {col("c_custkey")}, .frame = std::move(frame)};
       };
       return Customers().Select(
           {col("c_name"), row_number().Over(by_key({})).As("a"), rank().Over(by_nation).As("b"),
            sum(col("c_acctbal")).Over({.partition_by = {col("c_nation")}}).As("c"),
            sum(col("c_acctbal")).Over().As("d"),
            window_function("lag", {col("c_name")}).Over(by_nation).As("e"),
            avg(col("c_acctbal")).Over(by_key(rows(preceding(1)))).As("f"),
            min(col("c_acctbal")).Over(by_key(rows(unbounded_preceding(), following(1)))).As("g"),
            count_all().Over(by_key(range(preceding(2), following(2)))).As("h"),
            first_value(col("c_phone"))
                .IgnoreNulls()
                .Over({.order_by = {col("c_name").Asc().NullsFirst()}})
                .As("i")});
     }},
    {"range_of_days",
     "SELECT o_orderkey, sum(o_total) OVER (ORDER BY o_orderdate RANGE BETWEEN INTERVAL '30 days' "
     "PRECEDING AND CURRENT ROW) AS month FROM orders",
     [] {
       return Orders().Select({col("o_orderkey"), sum(col("o_total"))
                                                      .Over({.order_by = {col("o_orderdate")},
                                                             .frame = range(preceding("30 days"))})
                                                      .As("month")});
     }},
    {"top_of_each_group",
     "SELECT c_nation, c_name FROM (SELECT c_nation, c_name, row_number() OVER (PARTITION BY "
     "c_nation ORDER BY c_acctbal DESC) AS place FROM customer) WHERE place <= 1",
     [] {
       return Customers()
           .Select({col("c_nation"), col("c_name"),
                    row_number()
                        .Over({.partition_by = {col("c_nation")},
                               .order_by = {col("c_acctbal").Desc()}})
                        .As("place")})
           .Filter(col("place") <= 1)
           .Select({col("c_nation"), col("c_name")});
     }},
    {"union_all",
     "SELECT c_custkey AS k, c_name AS n FROM customer UNION ALL SELECT o_orderkey, o_priority "
     "FROM "
     "orders",
     [] {
       return Customers()
           .Select({col("c_custkey").As("k"), col("c_name").As("n")})
           .UnionAll(Orders().Select({col("o_orderkey"), col("o_priority")}));
     }},
    {"union",
     "SELECT c_nation FROM customer UNION SELECT c_nation FROM customer WHERE c_acctbal > 0",
     [] {
       return Customers()
           .Select({col("c_nation")})
           .Union(Customers().Filter(col("c_acctbal") > 0).Select({col("c_nation")}));
     }},
    {"intersect", "SELECT c_custkey FROM customer INTERSECT SELECT o_custkey FROM orders",
     [] {
       return Customers().Select({col("c_custkey")}).Intersect(Orders().Select({col("o_custkey")}));
     }},
    {"except_of_the_same_table",
     "SELECT c_nation FROM customer EXCEPT SELECT c_nation FROM customer WHERE c_acctbal < 0",
     [] {
       return Customers()
           .Select({col("c_nation")})
           .Except(Customers().Filter(col("c_acctbal") < 0).Select({col("c_nation")}));
     }},
    {"distinct", "SELECT DISTINCT c_nation FROM customer",
     [] { return Customers().Select({col("c_nation")}).Distinct(); }},
    {"distinct_on",
     "SELECT DISTINCT ON (c_nation) c_nation, c_name FROM customer ORDER BY c_nation, c_acctbal "
     "DESC",
     [] {
       return Customers().DistinctOn({col("c_nation")}, {col("c_nation"), col("c_name")},
                                     {col("c_nation"), col("c_acctbal").Desc()});
     }},
    {"limit_with_an_offset",
     "SELECT c_name FROM customer ORDER BY c_name DESC NULLS LAST LIMIT 2 OFFSET 1",
     [] {
       return Customers()
           .Select({col("c_name")})
           .OrderBy({col("c_name").Desc().NullsLast()})
           .Limit(2, 1);
     }},
    {"fields_and_elements",
     "SELECT info['kind'] AS kind, tags[1] AS first, cardinality(tags) AS n FROM things WHERE "
     "info['weight'] IS NULL",
     [] {
       return ViewBuilder::From("things")
           .Filter(col("info").Field("weight").IsNull())
           .Select({col("info").Field("kind").As("kind"), col("tags").Element(1).As("first"),
                    call("cardinality", col("tags")).As("n")});
     }},
    {"values", "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(n, t)",
     [] {
       return ViewBuilder::Values({"n", "t"}, {{1, "a"}, {2, "b"}}).Alias("v");
     }},
    {"native_functions",
     "SELECT stable_id('c', c_name) AS id, stable_id_parts('c', c_name, c_nation, c_custkey) AS "
     "parts, stable_hash_any(c_name, null_sentinel => '-') AS h, utf8_normalize(c_name, casefold "
     "=> "
     "false) AS n, span_make(c_custkey, c_custkey + 5, col_unit => 'utf8') AS s FROM customer "
     "WHERE "
     "span_overlaps(span_make(c_custkey, c_custkey + 2), span_make(2, 4))",
     [] {
       return Customers()
           .Filter(
               span_overlaps(span_make(col("c_custkey"), col("c_custkey") + 2), span_make(2, 4)))
           .Select(
               {stable_id("c", col("c_name")).As("id"),
                stable_id_parts("c", col("c_name"), col("c_nation"), col("c_custkey")).As("parts"),
                stable_hash_any(col("c_name"), {.null_sentinel = "-"}).As("h"),
                utf8_normalize(col("c_name"), {.casefold = false}).As("n"),
                span_make(col("c_custkey"), col("c_custkey") + 5, {.col_unit = "utf8"}).As("s")});
     }},
    {"subquery_with_a_name",
     "SELECT big.c_name FROM (SELECT c_name, c_acctbal FROM customer WHERE c_acctbal > 1) big "
     "WHERE "
     "big.c_acctbal < 9",
     [] {
       return ViewBuilder::From(Customers()
                                    .Filter(col("c_acctbal") > 1)
                                    .Select({col("c_name"), col("c_acctbal")}),
                                "big")
           .Filter(col("big", "c_acctbal") < 9)
           .Select({col("big", "c_name")});
     }},
};

class TwinTest : public testing::TestWithParam<Twin> {};

TEST_P(TwinTest, TheSameOptimisedPlanAsFromSql) {
  const engine::Session session = OpenShop();
  const auto sql = engine::Plan::FromSql(session, GetParam().sql);
  ASSERT_TRUE(sql.ok()) << sql.status().ToString();
  const auto built = GetParam().query().Build(session);
  ASSERT_TRUE(built.ok()) << built.status().ToString();
  const auto wanted = OptimizedBytes(session, sql);
  const auto found = OptimizedBytes(session, built);
  ASSERT_TRUE(wanted.ok() && found.ok()) << wanted.status().ToString() << found.status().ToString();
  EXPECT_TRUE(*found == *wanted) << Shown(session, built) << "\nas SQL:\n" << Shown(session, sql);
  EXPECT_EQ(RowsOf(session, built), RowsOf(session, sql));
}

TEST(Defaults, OfTheSessionAreInThePlanAsInThatOfSql) {
  const engine::Session session = OpenShop();
  const FunctionRegistry functions = NativeFunctions({.col_unit = "utf8"});
  ASSERT_TRUE(session.RegisterFunctions(functions).ok());
  const ViewBuilder query =
      Customers().Select({span_make(col("c_custkey"), 9).As("a"),
                          span_make(col("c_custkey"), 9, {.end_exclusive = false}).As("b")});
  const auto sql =
      engine::Plan::FromSql(session,
                            "SELECT span_make(c_custkey, 9) AS a, span_make(c_custkey, "
                            "9, end_exclusive => false) AS b FROM customer");
  const auto built = query.Build(session, functions);
  EXPECT_EQ(Shown(session, built), Shown(session, sql));
  EXPECT_EQ(*OptimizedBytes(session, built), *OptimizedBytes(session, sql));
  EXPECT_NE(Shown(session, built).find("utf8"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Queries, TwinTest, testing::ValuesIn(kTwins),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::expr
