// SPDX-License-Identifier: Apache-2.0
//
// Native functions called by the engine, from SQL to the kernel and back.

#include <cctype>

#include <arrow/api.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "weir/engine/engine.h"
#include "weir/functions/function_registry.h"

namespace weir::engine {
namespace {

Session OpenSession(std::vector<std::pair<std::string, std::string>> settings = {}) {
  settings.emplace_back("datafusion.catalog.information_schema", "true");
  auto session = Session::Open({.settings = std::move(settings)});
  EXPECT_TRUE(session.ok()) << session.status().ToString();
  const Status registered = session->RegisterFunctions(NativeFunctions());
  EXPECT_TRUE(registered.ok()) << registered.ToString();
  return *session;
}

/// The cells of a result: columns separated by "|", rows by new lines; the failure's text if there
/// is one.
std::string Rows(const Session& session, const std::string& sql) {
  auto table = session.Query(sql);
  if (!table.ok()) return table.status().ToString();
  std::string text;
  for (int64_t row = 0; row < (*table)->num_rows(); ++row) {
    for (int column = 0; column < (*table)->num_columns(); ++column) {
      if (column > 0) text += '|';
      text += (*(*table)->column(column)->GetScalar(row))->ToString();
    }
    text += '\n';
  }
  return text;
}

std::string Rows(const std::string& sql) { return Rows(OpenSession(), sql); }

TEST(NativeScalars, KnownVectorsThroughSql) {
  EXPECT_EQ(Rows("SELECT stable_hash64('abc'), stable_id_parts('cst_def', 'a.py', 0, 10)"),
            "6393727014797677913|cst_def:90a6928209d1e25ff2290615b7e5e183\n");
}

TEST(NativeScalars, TakeEveryTextEncodingAndMixConstantsWithColumns) {
  const Session session = OpenSession();
  const std::string expected =
      "6393727014797677913|k:cf4ab791c62b8d2b2109c90275287816\nnull|null\n";
  for (const char* type :
       {"Utf8", "LargeUtf8", "Utf8View", "Dictionary(Int32, Utf8)", "Dictionary(UInt16, Utf8)"}) {
    EXPECT_EQ(Rows(session, fmt::format("SELECT stable_hash64(x), stable_id('k', x) FROM (SELECT "
                                        "arrow_cast(column1, '{}') AS x "
                                        "FROM (VALUES ('abc'), (NULL)))",
                                        type)),
              expected)
        << type;
  }
}

TEST(NativeScalars, ArgumentsMayBeNamedAndOmitted) {
  const Session session = OpenSession();
  const std::string fields =
      "s['bstart'], s['bend'], s['line_base'], s['col_unit'], s['end_exclusive']";
  const auto span = [&](const std::string& call) {
    return Rows(session, "SELECT " + fields + " FROM (SELECT " + call + " AS s)");
  };
  EXPECT_EQ(span("span_make(1, 5)"), "1|5|0|byte|true\n");
  EXPECT_EQ(span("span_make(bend => 5, bstart => 1)"), "1|5|0|byte|true\n");
  EXPECT_EQ(span("span_make(1, 5, line_base => 1)"), "1|5|1|byte|true\n");
  EXPECT_EQ(span("span_make(1, 5, col_unit => 'utf16')"), "1|5|0|utf16|true\n");
  EXPECT_EQ(span("span_make(1, bend => 5, END_EXCLUSIVE => false)"), "1|5|0|byte|false\n");
  EXPECT_NE(span("span_make(1, unit => 'byte')").find("Unknown parameter name 'unit'"),
            std::string::npos);
  EXPECT_NE(span("span_make(1, line_base => 1)").find("bend"), std::string::npos);
}

TEST(NativeScalars, StructResultsKeepTheirMetadata) {
  const Session session = OpenSession();
  auto plan = Plan::FromSql(session, "SELECT span_make(column1, 9) AS s FROM (VALUES (1), (2))");
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  const auto field = (*plan->output_schema())->field(0);
  ASSERT_NE(field->metadata(), nullptr);
  EXPECT_EQ(field->metadata()->Get("semantic_type").ValueOrDie(), "Span");
  EXPECT_EQ(Rows(session,
                 "SELECT span_len(span_make(column1, 9)), span_contains(span_make(0, 8), "
                 "span_make(column1, 8)) "
                 "FROM (VALUES (1), (2), (NULL))"),
            "8|true\n7|true\nnull|null\n");
}

TEST(NativeScalars, AKernelsFailureKeepsItsCodeAndMessage) {
  auto table = OpenSession().Query("SELECT span_make(column1, 3) FROM (VALUES (1), (9))");
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(table.status().blame(), Blame::kUser);
  EXPECT_EQ(table.status().message(),
            "span_make wants bend at or behind bstart, found bstart `9` and bend `3`");
}

TEST(NativeScalars, WrongArgumentsAreTheUsersFault) {
  const Session session = OpenSession();
  for (const char* sql :
       {"SELECT stable_hash64()", "SELECT stable_hash64('a', 'b')", "SELECT stable_id_parts('a')",
        "SELECT span_len(5)", "SELECT count_if('x', 1)", "SELECT any_value_det(1)"}) {
    auto table = session.Query(sql);
    ASSERT_FALSE(table.ok()) << sql;
    EXPECT_EQ(table.status().blame(), Blame::kUser) << sql << ": " << table.status().ToString();
  }
  EXPECT_NE(Rows(session, "SELECT span_len(5)").find("span_len(span) takes spans"),
            std::string::npos);
}

TEST(NativeFunctions, AreInTheInformationSchemaWithTheirParameters) {
  const Session session = OpenSession();
  EXPECT_EQ(Rows(session,
                 "SELECT DISTINCT ordinal_position, parameter_name FROM "
                 "information_schema.parameters WHERE "
                 "specific_name = 'span_make' AND parameter_mode = 'IN' ORDER BY 1"),
            "1|bstart\n2|bend\n3|line_base\n4|col_unit\n5|end_exclusive\n");
  const FunctionRegistry functions = NativeFunctions();
  for (const FunctionDeclaration* declaration : functions.Declarations()) {
    if (declaration->kind == FunctionKind::kTable) continue;  // the room `session` registers them
    EXPECT_NE(Rows(session, fmt::format("SELECT DISTINCT syntax_example FROM "
                                        "information_schema.routines WHERE routine_name = '{}'",
                                        declaration->name)),
              "")
        << declaration->name;
  }
}

/// Rows spread over partitions and small batches.
Session ManyBatches() {
  return OpenSession(
      {{"datafusion.execution.target_partitions", "4"},
       {"datafusion.execution.batch_size", "64"},
       {"datafusion.execution.skip_partial_aggregation_probe_rows_threshold", "100"},
       {"datafusion.execution.skip_partial_aggregation_probe_ratio_threshold", "0.1"}});
}

constexpr char kNumbers[] =
    "(SELECT value AS i, value % 700 AS g, CAST(value * 7919 % 1009 AS VARCHAR) AS t, value * 31 % "
    "97 AS k "
    "FROM generate_series(1, 5000))";

TEST(NativeAggregates, GroupedResultsEqualThoseOfTheEnginesOwnWords) {
  const Session session = ManyBatches();
  for (const char* groups : {"g", "g % 3", "1 + g - g"}) {
    const std::string native =
        Rows(session,
             fmt::format(
                 "SELECT {0} AS h, count_if(i % 3 = 0), count_if(i % 2 = 0) FILTER (WHERE k > 50), "
                 "any_value_det(t, k), arg_min(t, k), arg_max(t, k), arg_max(t, t) FILTER (WHERE k "
                 "< 20) "
                 "FROM {1} GROUP BY {0} ORDER BY h",
                 groups, kNumbers));
    const std::string own =
        Rows(session, fmt::format("SELECT {0} AS h, count(*) FILTER (WHERE i % 3 = 0), count(*) "
                                  "FILTER (WHERE i % 2 = 0 AND k > 50), "
                                  "first_value(t ORDER BY k, t), first_value(t ORDER BY k, t) AS "
                                  "again, first_value(t ORDER BY k DESC, t), "
                                  "max(t) FILTER (WHERE k < 20) FROM {1} GROUP BY {0} ORDER BY h",
                                  groups, kNumbers));
    EXPECT_EQ(native, own) << groups;
    EXPECT_TRUE(std::isdigit(native[0])) << native;
  }
}

TEST(NativeAggregates, CollectSetEqualsTheEnginesOwnWordsForOneToSixteenPartitions) {
  const std::string native =
      "SELECT g % 50 AS h, collect_set(t), collect_set(k) FILTER (WHERE k > 20), "
      "list_unique(DISTINCT k % 7) FROM {} GROUP BY h "
      "ORDER BY h";
  const std::string own =
      "SELECT g % 50 AS h, array_sort(array_agg(DISTINCT t)), array_sort(array_agg(DISTINCT k) "
      "FILTER (WHERE k > 20)), "
      "array_sort(array_agg(DISTINCT k % 7)) FROM {} GROUP BY h ORDER BY h";
  const std::string expected = Rows(ManyBatches(), fmt::format(fmt::runtime(own), kNumbers));
  EXPECT_TRUE(std::isdigit(expected[0])) << expected;
  for (int partitions = 1; partitions <= 16; ++partitions) {
    const Session session =
        OpenSession({{"datafusion.execution.target_partitions", std::to_string(partitions)},
                     {"datafusion.execution.batch_size", std::to_string(8 << (partitions % 8))}});
    ASSERT_EQ(Rows(session, fmt::format(fmt::runtime(native), kNumbers)), expected) << partitions;
  }
}

TEST(NativeAggregates, NullTreatmentAndDistinct) {
  const std::string rows = "FROM (VALUES (2), (NULL), (1), (2)) AS v(x)";
  EXPECT_EQ(Rows("SELECT array_to_string(collect_set(x), ',', 'NULL') " + rows), "1,2,NULL\n");
  EXPECT_EQ(Rows("SELECT array_to_string(collect_set(x) IGNORE NULLS, ',', 'NULL') " + rows),
            "1,2\n");
  EXPECT_EQ(Rows("SELECT cardinality(collect_set(x)) " + rows + " WHERE false"), "0\n");
  EXPECT_EQ(Rows("SELECT any_value_det(DISTINCT x, -x), count(x) " + rows), "2|3\n");
  EXPECT_NE(Rows("SELECT any_value_det(x, x) IGNORE NULLS " + rows).find("not permitted"),
            std::string::npos);
}

TEST(NativeAggregates, SlideOverWindows) {
  EXPECT_EQ(Rows("SELECT x, array_to_string(collect_set(x % 3) OVER w, ','), any_value_det(x, -x) "
                 "OVER w, arg_max(x, -x) OVER w, "
                 "count_if(x > 2) OVER w FROM (VALUES (1), (2), (3), (4)) AS v(x) "
                 "WINDOW w AS (ORDER BY x ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) ORDER BY x"),
            "1|1,2|2|1|0\n2|0,1,2|3|1|1\n3|0,1,2|4|2|2\n4|0,1|4|3|2\n");
}

TEST(NativePredicates, OpenIntoComparisonsInWhereAndOn) {
  const Session session = OpenSession();
  const auto optimized = [&](const std::string& sql) {
    auto plan = Plan::FromSql(session, sql);
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    return *(*plan->Optimize(session)).Display("indent");
  };
  const std::string bounds = "(VALUES (1, 5), (3, 9)) AS t(a, b)";
  const std::string where = optimized("SELECT * FROM " + bounds +
                                      " WHERE span_overlaps(span_make(a, b), span_make(4, 6))");
  EXPECT_EQ(where.find("span_overlaps"), std::string::npos) << where;
  EXPECT_NE(where.find("< Int64(6)"), std::string::npos) << where;
  const std::string on =
      optimized("SELECT * FROM " + bounds +
                " JOIN (VALUES (1, 5)) AS u(c, d) ON a = c AND span_make(a, b) @> span_make(c, d)");
  EXPECT_EQ(on.find("span_contains"), std::string::npos) << on;
  // What the call gives where NULL is no false stays a call, and so does what planning cannot know.
  EXPECT_NE(optimized("SELECT span_overlaps(span_make(a, b), span_make(4, 6)) FROM " + bounds)
                .find("span_overlaps"),
            std::string::npos);
  EXPECT_NE(optimized("SELECT * FROM " + bounds +
                      " WHERE NOT span_overlaps(span_make(a, b), span_make(4, 6))")
                .find("span_overlaps"),
            std::string::npos);
  EXPECT_NE(optimized("SELECT * FROM " + bounds +
                      " WHERE span_overlaps(span_make(a, b), span_make(4, 6, col_unit => 'utf16'))")
                .find("span_overlaps"),
            std::string::npos);
}

TEST(NativePredicates, OpenedAndClosedCallsKeepTheSameRows) {
  const Session session = OpenSession();
  const std::string pairs =
      "(SELECT a.value AS s, a.value + l.value AS e, b.value AS t, b.value + m.value AS f FROM "
      "generate_series(0, 6) AS a, "
      "generate_series(0, 3) AS l, generate_series(0, 6) AS b, generate_series(0, 3) AS m)";
  for (const char* function : {"span_overlaps", "span_contains"}) {
    for (const char* left : {"true", "false"}) {
      for (const char* right : {"true", "false"}) {
        const std::string call = fmt::format(
            "{}(span_make(s, e, end_exclusive => {}), span_make(t, f, end_exclusive => {}))",
            function, left, right);
        const std::string opened = Rows(
            session,
            fmt::format("SELECT count(*), sum(s + 10 * e + 100 * t + 1000 * f) FROM {} WHERE {}",
                        pairs, call));
        const std::string closed = Rows(
            session,
            fmt::format(
                "SELECT count(*), sum(s + 10 * e + 100 * t + 1000 * f) FROM {} WHERE CASE WHEN {} "
                "THEN 1 ELSE 0 END = 1",
                pairs, call));
        EXPECT_EQ(opened, closed) << call;
        EXPECT_GT(opened.find('|'), 1u) << opened;
      }
    }
  }
}

TEST(NativeOperators, MeanFunctionsForSpansOnly) {
  EXPECT_EQ(Rows("SELECT span_make(0, 10) @> span_make(2, 3), span_make(0, 10) && span_make(10, "
                 "12), make_array(1, 2) @> make_array(1)"),
            "true|false|true\n");
}

TEST(NativeAggregates, WithoutGroupsAndWithoutRows) {
  const Session session = ManyBatches();
  EXPECT_EQ(Rows(session,
                 fmt::format("SELECT count_if(i > 10), any_value_det(i, -i), arg_max(i, i) FROM {}",
                             kNumbers)),
            "4990|5000|5000\n");
  EXPECT_EQ(
      Rows(session, "SELECT count_if(x > 1), any_value_det(x, x) FROM (SELECT 1 AS x WHERE false)"),
      "0|null\n");
}

TEST(NativeAggregates, NestedValuesAreKept) {
  EXPECT_EQ(Rows(ManyBatches(),
                 "SELECT any_value_det(make_array(i, 2), k)[1], arg_max(named_struct('a', i), "
                 "named_struct('b', k, 'c', i))['a'] FROM "
                 "(VALUES (1, 5), (3, 2), (4, 5)) AS v(i, k)"),
            "3|4\n");
}

TEST(NativeAggregates, RunOverWindows) {
  const Session session = OpenSession();
  EXPECT_EQ(Rows(session,
                 "SELECT i, any_value_det(i, k) OVER (ORDER BY i), count_if(k > 1) OVER (ORDER BY "
                 "i ROWS BETWEEN 1 PRECEDING AND "
                 "CURRENT ROW), arg_max(i, k) OVER () FROM (VALUES (1, 3), (2, 1), (3, 2), (4, 9)) "
                 "AS v(i, k) ORDER BY i"),
            "1|1|1|4\n2|2|1|4\n3|2|1|4\n4|2|2|4\n");
}

TEST(NativeAggregates, AMissingGroupOfASubqueryCountsZero) {
  EXPECT_EQ(Rows(OpenSession(),
                 "WITH a(x) AS (VALUES (1), (2)), b(x, c) AS (VALUES (1, true)) SELECT x, (SELECT "
                 "count_if(c) FROM b WHERE b.x = a.x) "
                 "FROM a ORDER BY x"),
            "1|1\n2|0\n");
}

/// Runs with little memory; the query must write to disk and give what it gives with enough.
void ExpectSpillsAndGivesTheSame(const std::string& sql, int64_t memory_limit_bytes) {
  const std::string plain = Rows(OpenSession(), sql);
  auto session =
      Session::Open({.settings = {{"datafusion.execution.target_partitions", "2"},
                                  {"datafusion.execution.sort_spill_reservation_bytes", "1000000"}},
                     .memory_limit_bytes = memory_limit_bytes});
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(session->RegisterFunctions(NativeFunctions()).ok());
  EXPECT_EQ(Rows(*session, sql), plain);
  EXPECT_TRUE(std::isdigit(plain[0])) << plain;

  auto plan = Plan::FromSql(*session, sql);
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  auto physical = PhysicalPlan::Create(*session, *plan->Optimize(*session));
  ASSERT_TRUE(physical.ok()) << physical.status().ToString();
  auto reader = physical->Execute(*session, Cancellation());
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  ASSERT_TRUE((*reader)->ToTable().ok());
  int64_t spilled_bytes = 0;
  auto metrics = nlohmann::json::parse(*physical->Metrics());
  for (auto& node : metrics) {
    if (node["spilled_bytes"].is_number()) spilled_bytes += node["spilled_bytes"].get<int64_t>();
  }
  EXPECT_GT(spilled_bytes, 0) << *physical->Display("metrics");
}

TEST(NativeAggregates, SpillAndGiveTheSame) {
  const std::string sql =
      "SELECT count(*), sum(length(v)), sum(n) FROM (SELECT value % 200000 AS g, "
      "any_value_det(repeat('x', CAST(value % 50 AS INT)), "
      "value * 7919 % 100003) AS v, count_if(value % 2 = 0) AS n FROM generate_series(1, 600000) "
      "GROUP BY value % 200000)";
  ExpectSpillsAndGivesTheSame(sql, 16 << 20);
  ExpectSpillsAndGivesTheSame(
      "SELECT count(*), sum(cardinality(s)), sum(s[1]), sum(length(t[1])) FROM (SELECT "
      "collect_set(value * 7919 % 100003) AS s, "
      "collect_set(repeat('x', CAST(value % 30 AS INT))) AS t FROM generate_series(1, 400000) "
      "GROUP BY value % 150000)",
      40 << 20);
}

TEST(NativeFunctions, TravelInPlans) {
  const Session session = OpenSession();
  const std::string sql =
      "SELECT stable_id_parts('k', g, any_value_det(i, i)) FROM (VALUES (1, 2), (1, 1)) AS v(g, i) "
      "GROUP BY g";
  auto plan = Plan::FromSql(session, sql);
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  auto optimized = plan->Optimize(session);
  ASSERT_TRUE(optimized.ok()) << optimized.status().ToString();
  auto bytes = optimized->ToProto();
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  auto decoded = Plan::FromProto(session, *bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  auto physical = PhysicalPlan::Create(session, *decoded);
  ASSERT_TRUE(physical.ok()) << physical.status().ToString();
  auto reader = physical->Execute(session, Cancellation());
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  const auto table = (*reader)->ToTable().ValueOrDie();
  EXPECT_EQ((*table->column(0)->GetScalar(0))->ToString() + "\n", Rows(session, sql));
}

// --- what declarations tell the planner ---

Result<Plan> Optimized(const Session& session, const std::string& sql) {
  WEIR_ASSIGN_OR_RETURN(const Plan plan, Plan::FromSql(session, sql));
  return plan.Optimize(session);
}

/// Whether the order of `outer` needs a sort of its own over rows in the order of `inner`.
bool NeedsSort(const std::string& inner, const std::string& outer) {
  const Session session = OpenSession({{"datafusion.execution.target_partitions", "1"}});
  const auto plan = Optimized(
      session,
      fmt::format("SELECT *, row_number() OVER (ORDER BY {}) AS r FROM (SELECT n, CAST(n AS "
                  "VARCHAR) AS t FROM (SELECT value * 7919 % 101 AS n FROM generate_series(1, "
                  "100))) ORDER BY {}",
                  inner, outer));
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  const auto physical = PhysicalPlan::Create(session, *plan);
  EXPECT_TRUE(physical.ok()) << physical.status().ToString();
  const std::string text = *physical->Display("indent");
  const size_t first = text.find("SortExec");
  EXPECT_NE(first, std::string::npos) << text;
  return text.find("SortExec", first + 1) != std::string::npos;
}

TEST(Planning, BoundsTellWhichOrdersAreTheSame) {
  EXPECT_FALSE(NeedsSort("stable_hash64(t)", "abs(stable_hash64(t))"));
  EXPECT_FALSE(NeedsSort("cdf_change_rank(t)", "cdf_change_rank(t) + arrow_cast(1, 'Int32')"));
  EXPECT_FALSE(NeedsSort("position_encoding_norm(t)", "abs(position_encoding_norm(t))"));
  EXPECT_FALSE(NeedsSort("col_to_byte(t, n, 'utf8')", "abs(col_to_byte(t, n, 'utf8'))"));
  // What may be negative, or is not known to be.
  EXPECT_TRUE(NeedsSort("cdf_change_rank(t)", "abs(cdf_change_rank(t))"));
  EXPECT_TRUE(NeedsSort("span_len(span_make(n, n))", "abs(span_len(span_make(n, n)))"));
}

TEST(Planning, AResultThatRisesWithItsArgumentNeedsNoSort) {
  EXPECT_FALSE(NeedsSort("n", "col_to_byte('naïve', n, 'utf16')"));
  EXPECT_FALSE(NeedsSort("n DESC NULLS LAST", "col_to_byte('naïve', n, 'utf16') DESC NULLS LAST"));
  EXPECT_TRUE(NeedsSort("n DESC NULLS LAST", "col_to_byte('naïve', n, 'utf16')"));
  // The line is another one in each row.
  EXPECT_TRUE(NeedsSort("n", "col_to_byte(t, n, 'utf16')"));
}

/// Rows that an order and a limit have chosen stay the same under another order.
TEST(Planning, ALimitBelowAnotherOrderKeepsItsRows) {
  const Session session = OpenSession();
  const auto rows = [&](const std::string& limited, const std::string& outer) {
    return Rows(session, "SELECT n FROM (SELECT n FROM (VALUES (9), (1), (8), (3), (7)) AS v(n) " +
                             limited + ") ORDER BY " + outer + ", n");
  };
  const auto unsorted = [&](const std::string& limited, const std::string& outer) {
    return Rows(session,
                "SELECT sum(n), count(*) FROM (SELECT n FROM (SELECT n FROM (VALUES (9), (1), (8), "
                "(3), (7)) AS v(n) " +
                    limited + ") ORDER BY " + outer + " LIMIT 9)");
  };
  for (const char* outer : {"n > 0", "col_to_byte('a', n, 'byte')", "floor(n / 100)", "n", "-n"}) {
    EXPECT_EQ(rows("ORDER BY n LIMIT 2", outer).size(), 4U) << outer;
    EXPECT_EQ(unsorted("ORDER BY n LIMIT 2", outer), "4|2\n") << outer;
    EXPECT_EQ(unsorted("ORDER BY n LIMIT 2 OFFSET 1", outer), "10|2\n") << outer;
    EXPECT_EQ(unsorted("ORDER BY n OFFSET 3", outer), "17|2\n") << outer;
  }
  EXPECT_EQ(
      Rows(session,
           "SELECT n, row_number() OVER (ORDER BY n > 0) AS r FROM (SELECT n FROM (VALUES (9), "
           "(1), (8), (3)) AS v(n) ORDER BY n LIMIT 1)"),
      "1|1\n");
}

TEST(Planning, RepeatedCallsFallAway) {
  const Session session = OpenSession();
  const std::string from = " AS r FROM (VALUES (make_array(2, NULL, 1, 2), ' a '))";
  const auto plan = [&](const std::string& call) {
    const auto optimized = Optimized(session, "SELECT " + call + from);
    EXPECT_TRUE(optimized.ok()) << optimized.status().ToString();
    return *optimized->Display("indent");
  };
  const std::string sorted = plan("list_unique_sorted(column1)");
  for (const char* call : {"list_unique_sorted(list_compact(column1))",
                           "list_unique_sorted(list_unique_sorted(column1))",
                           "list_compact(list_unique_sorted(list_compact(list_compact(column1))))"})
    EXPECT_EQ(plan(call), sorted) << call;
  EXPECT_EQ(plan("list_compact(list_compact(column1))"), plan("list_compact(column1)"));
  EXPECT_EQ(plan("utf8_null_if_blank(utf8_null_if_blank(column2))"),
            plan("utf8_null_if_blank(column2)"));
  EXPECT_NE(plan("utf8_normalize(utf8_normalize(column2))"), plan("utf8_normalize(column2)"));
  EXPECT_EQ(Rows(session, "SELECT list_unique_sorted(list_compact(column1))" + from),
            Rows(session, "SELECT list_unique_sorted(column1)" + from));
  const auto optimized = Optimized(session, "SELECT list_compact(list_compact(column1))" + from);
  ASSERT_EQ(optimized->steps().size(), 1U);
  EXPECT_EQ(optimized->steps()[0].step, "simplified");
  EXPECT_EQ(optimized->steps()[0].function, "list_compact");
}

}  // namespace
}  // namespace weir::engine
