// SPDX-License-Identifier: Apache-2.0
//
// Optimised plans as bytes: decoded and encoded again they are the same bytes, DecodePlan takes
// them, and they give the rows that the SQL gives.

#include <fstream>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/base/assert_ok_testing.h"
#include "weir/base/temporary_folder_testing.h"
#include "weir/engine/engine.h"
#include "weir/engine/rows_testing.h"
#include "weir/functions/function_registry.h"
#include "weir/plan/logical_plan.h"

namespace weir::engine {
namespace {

struct Query {
  const char* name;
  const char* sql;
};

void PrintTo(const Query& query, std::ostream* stream) { *stream << query.sql; }

constexpr char kCities[] =
    "id,name,country,size,founded\n"
    "1,Oslo,NO,700,1048-01-01\n"
    "2,Bergen,NO,290,1070-05-07\n"
    "3,Trondheim,NO,,0997-01-01\n"
    "4,Lund,SE,95,0990-01-01\n"
    "5,Malmö,SE,350,\n"
    "6,,DK,1,2001-02-03\n";
constexpr char kRoads[] = "source,target,km\n1,2,463.5\n1,3,494.0\n4,5,18.25\n5,6,28\n3,1,494\n";
constexpr char kEvents[] = R"({"id": 1, "tags": ["a", "b"], "info": {"kind": "x", "weight": 1}})"
                           "\n"
                           R"({"id": 2, "tags": [], "info": {"kind": "y", "weight": null}})"
                           "\n"
                           R"({"id": 3, "tags": null, "info": null})"
                           "\n";

class PlanRoundTrip : public testing::TestWithParam<Query> {
 protected:
  void SetUp() override {
    auto opened = Session::Open({.settings = {{"datafusion.execution.target_partitions", "2"}}});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    session_ = *opened;
    ASSERT_TRUE(session_->RegisterFunctions(NativeFunctions()).ok());
    using arrow::field;
    const auto text = arrow::utf8();
    Register(
        "cities", "csv", kCities,
        arrow::schema({field("id", arrow::int64()), field("name", text), field("country", text),
                       field("size", arrow::int64()), field("founded", arrow::date32())}));
    Register("roads", "csv", kRoads,
             arrow::schema({field("source", arrow::int64()), field("target", arrow::int64()),
                            field("km", arrow::float64())}));
    Register("events", "ndjson", kEvents,
             arrow::schema({field("id", arrow::int64()), field("tags", arrow::list(text)),
                            field("info", arrow::struct_({field("kind", text),
                                                          field("weight", arrow::int64())}))}));
    auto view =
        Plan::FromSql(*session_, "SELECT id, upper(name) AS shout FROM cities WHERE id < 6");
    ASSERT_TRUE(view.ok()) << view.status().ToString();
    ASSERT_TRUE(session_->RegisterView("shouts", *view).ok());
  }

  void Register(const std::string& name, const std::string& format, const std::string& contents,
                const std::shared_ptr<arrow::Schema>& schema) {
    const std::string path = folder_ + "/" + name + "." + format;
    std::ofstream(path, std::ios::binary) << contents;
    FileTableSpec spec{.root_url = "file://" + folder_ + "/",
                       .format = format,
                       .options = {},
                       .partition_columns = {},
                       .required_columns = {},
                       .files = {}};
    if (format == "csv") spec.options["has_header"] = "true";
    const auto objects = session_->ListObjects("file://" + path);
    ASSERT_TRUE(objects.ok()) << objects.status().ToString();
    ASSERT_EQ(objects->size(), 1U);
    spec.files.push_back(DataFile{.path = name + "." + format,
                                  .size_bytes = static_cast<int64_t>(contents.size()),
                                  .modified_ms = (*objects)[0].modified_ms});
    const auto table = Table::FromFiles(*session_, spec, schema);
    ASSERT_TRUE(table.ok()) << table.status().ToString();
    ASSERT_TRUE(session_->RegisterTable(name, *table).ok());
  }

  /// The rows as text, ordered; a plan without ORDER BY promises no order.
  Result<std::vector<std::string>> Rows(const Plan& plan) const {
    return SortedRows(*session_, plan);
  }

  std::optional<Session> session_;
  TemporaryFolder temporary_;
  std::string folder_ = temporary_.path();
};

TEST_P(PlanRoundTrip, KeepsBytesRowsAndTypes) {
  ASSERT_OK_AND_ASSIGN(const Plan planned, Plan::FromSql(*session_, GetParam().sql));
  ASSERT_OK_AND_ASSIGN(const Plan plan, planned.Optimize(*session_));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, plan.ToProto());
  ASSERT_OK_AND_ASSIGN(const Plan back, Plan::FromProto(*session_, bytes));
  ASSERT_OK_AND_ASSIGN(const std::string again, back.ToProto());
  EXPECT_EQ(bytes.size(), again.size());
  EXPECT_TRUE(bytes == again) << *plan.Display("indent") << "\n" << *back.Display("indent");

  ASSERT_OK_AND_ASSIGN(const auto schema, plan.output_schema());
  ASSERT_OK_AND_ASSIGN(const auto schema_back, back.output_schema());
  EXPECT_TRUE(schema->Equals(*schema_back)) << schema->ToString() << "\n"
                                            << schema_back->ToString();

  ASSERT_OK_AND_ASSIGN(const std::string outputs, plan.Outputs());
  ASSERT_OK_AND_ASSIGN(const auto decoded, DecodePlan(bytes, outputs));
  ASSERT_EQ(decoded->outputs.size(), static_cast<size_t>(schema->num_fields()));
  for (int i = 0; i < schema->num_fields(); ++i)
    EXPECT_EQ(decoded->outputs[static_cast<size_t>(i)].name, schema->field(i)->name());

  ASSERT_OK_AND_ASSIGN(const auto rows, Rows(plan));
  ASSERT_OK_AND_ASSIGN(const auto rows_back, Rows(back));
  EXPECT_EQ(rows, rows_back);
}

TEST_P(PlanRoundTrip, TheEncodedTreeIsTheEnginesPlan) {
  ASSERT_OK_AND_ASSIGN(const Plan planned, Plan::FromSql(*session_, GetParam().sql));
  ASSERT_OK_AND_ASSIGN(const Plan plan, planned.Optimize(*session_));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, plan.ToProto());
  ASSERT_OK_AND_ASSIGN(const std::string outputs, plan.Outputs());
  ASSERT_OK_AND_ASSIGN(const auto decoded, DecodePlan(bytes, outputs));
  ASSERT_OK_AND_ASSIGN(const std::string encoded, EncodePlan(*decoded));
  ASSERT_OK_AND_ASSIGN(const Plan back, Plan::FromProto(*session_, encoded));
  ASSERT_OK_AND_ASSIGN(const std::string again, back.ToProto());
  EXPECT_TRUE(bytes == again) << *plan.Display("indent") << "\n" << *back.Display("indent");
  ASSERT_OK_AND_ASSIGN(const auto rows, Rows(plan));
  ASSERT_OK_AND_ASSIGN(const auto rows_back, Rows(back));
  EXPECT_EQ(rows, rows_back);
}

TEST_P(PlanRoundTrip, PlansOfTheSameTextAreTheSameBytes) {
  std::string first;
  for (int attempt = 0; attempt < 3; ++attempt) {
    ASSERT_OK_AND_ASSIGN(const Plan planned, Plan::FromSql(*session_, GetParam().sql));
    ASSERT_OK_AND_ASSIGN(const Plan plan, planned.Optimize(*session_));
    ASSERT_OK_AND_ASSIGN(std::string bytes, plan.ToProto());
    if (attempt == 0)
      first = std::move(bytes);
    else
      EXPECT_TRUE(bytes == first) << "attempt " << attempt;
  }
}

class PlansThatComeBackInAnotherForm : public PlanRoundTrip {};

TEST_P(PlansThatComeBackInAnotherForm, GiveTheSameRowsAndKeepThatForm) {
  ASSERT_OK_AND_ASSIGN(const Plan planned, Plan::FromSql(*session_, GetParam().sql));
  ASSERT_OK_AND_ASSIGN(const Plan plan, planned.Optimize(*session_));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, plan.ToProto());
  ASSERT_OK_AND_ASSIGN(const Plan once, Plan::FromProto(*session_, bytes));
  ASSERT_OK_AND_ASSIGN(const std::string bytes_once, once.ToProto());
  ASSERT_OK_AND_ASSIGN(const Plan twice, Plan::FromProto(*session_, bytes_once));
  ASSERT_OK_AND_ASSIGN(const std::string bytes_twice, twice.ToProto());
  EXPECT_FALSE(bytes == bytes_once) << "then it belongs to PlanRoundTrip";
  EXPECT_TRUE(bytes_once == bytes_twice);
  ASSERT_OK_AND_ASSIGN(const auto rows, Rows(plan));
  ASSERT_OK_AND_ASSIGN(const auto rows_back, Rows(once));
  EXPECT_EQ(rows, rows_back);
  ASSERT_OK_AND_ASSIGN(const std::string outputs, once.Outputs());
  ASSERT_OK_AND_ASSIGN(const auto decoded, DecodePlan(bytes_once, outputs));
  EXPECT_FALSE(decoded->outputs.empty());
}

// The engine decodes a union of many as unions of two.
INSTANTIATE_TEST_SUITE_P(
    Queries, PlansThatComeBackInAnotherForm,
    testing::Values(Query{"UnionOfThree",
                          "SELECT id, name FROM cities WHERE id < 3 UNION ALL "
                          "SELECT target, 'road' FROM roads UNION ALL SELECT 0, NULL"}),
    [](const testing::TestParamInfo<Query>& info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Queries, PlanRoundTrip,
    testing::Values(
        Query{"Projection", "SELECT id + 1 AS next, name || '!' AS shout FROM cities"},
        Query{"Filter", "SELECT name FROM cities WHERE country IN ('NO', 'SE') AND name LIKE 'L%'"},
        Query{"DatesAndNulls",
              "SELECT id, founded + INTERVAL '1 month' AS later, size IS NULL AS unknown "
              "FROM cities WHERE founded BETWEEN DATE '0995-01-01' AND DATE '1060-01-01'"},
        Query{"InnerJoin",
              "SELECT a.name, b.name AS other, r.km FROM roads r JOIN cities a ON a.id = r.source "
              "JOIN cities b ON b.id = r.target"},
        Query{"OuterJoins",
              "SELECT a.name, r.km, b.country FROM cities a LEFT JOIN roads r ON a.id = r.source "
              "AND r.km > 100 FULL JOIN cities b ON b.id = r.target"},
        Query{"Aggregate",
              "SELECT country, count(*) AS n, sum(size) AS people, avg(size) FILTER (WHERE id > 1) "
              "AS mean, count(DISTINCT name) AS names FROM cities GROUP BY country "
              "HAVING count(*) > 1"},
        Query{"GroupingSets",
              "SELECT country, name, grouping(name) AS total, sum(size) AS people FROM cities "
              "GROUP BY GROUPING SETS ((country, name), (country), ())"},
        Query{"Rollup",
              "SELECT country, size, count(*) AS n FROM cities GROUP BY ROLLUP (country, size)"},
        Query{
            "Windows",
            "SELECT name, row_number() OVER (PARTITION BY country ORDER BY size DESC, id) AS nth, "
            "sum(size) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS two, "
            "lag(name, 1, 'none') OVER (ORDER BY id) AS before FROM cities"},
        Query{
            "Unions",
            "SELECT id, name FROM cities WHERE id < 3 UNION ALL SELECT target, 'road' FROM roads"},
        Query{"SetOperations",
              "SELECT source FROM roads INTERSECT SELECT target FROM roads UNION "
              "SELECT id FROM cities EXCEPT SELECT 6"},
        Query{
            "Recursive",
            "WITH RECURSIVE reach AS (SELECT source AS start, target AS stop, 1 AS hops FROM roads "
            "UNION ALL SELECT r.start, e.target, r.hops + 1 FROM reach r JOIN roads e "
            "ON r.stop = e.source WHERE r.hops < 4) SELECT start, stop, min(hops) AS hops "
            "FROM reach GROUP BY start, stop"},
        Query{"UnnestOfLists", "SELECT id, unnest(tags) AS tag FROM events"},
        Query{"UnnestOfStructs", "SELECT id, unnest(info) FROM events"},
        Query{"StructsAndLists",
              "SELECT id, info['kind'] AS kind, tags[1] AS first, [id, 7] AS pair, "
              "named_struct('a', id, 'b', tags) AS both FROM events"},
        Query{"ScalarSubqueries",
              "SELECT name, (SELECT max(km) FROM roads) AS longest, "
              "(SELECT count(*) FROM roads r WHERE r.source = c.id) AS out FROM cities c"},
        Query{"SubqueriesInFilters",
              "SELECT name FROM cities c WHERE EXISTS (SELECT 1 FROM roads WHERE source = c.id) "
              "OR id IN (SELECT target FROM roads WHERE km < 100)"},
        Query{"AntiJoin", "SELECT name FROM cities WHERE id NOT IN (SELECT target FROM roads)"},
        Query{"Distinct",
              "SELECT DISTINCT ON (country) country, name FROM cities ORDER BY country, id"},
        Query{"OrderAndLimit",
              "SELECT name, size FROM cities ORDER BY size DESC NULLS LAST, id LIMIT 3 OFFSET 1"},
        Query{"Values", "SELECT column1 * 2 AS x, column2 AS y FROM (VALUES (1, 'a'), (2, NULL))"},
        Query{"NoRows", "SELECT id, name FROM cities WHERE false"},
        Query{"NoTable",
              "SELECT 1 AS one, CAST(NULL AS VARCHAR) AS nothing, 1.5::DECIMAL(5, 2) AS d"},
        Query{
            "CaseAndCasts",
            "SELECT CASE country WHEN 'NO' THEN 1 ELSE 2 END AS c, TRY_CAST(name AS BIGINT) AS n, "
            "arrow_cast(size, 'Int16') AS small FROM cities"},
        Query{"InlinedView", "SELECT s.shout, c.size FROM shouts s JOIN cities c USING (id)"},
        Query{"NativeFunctions",
              "SELECT stable_id('city', name) AS id, stable_hash64(name) AS h, "
              "count_if(size > 100) OVER (PARTITION BY country) AS large FROM cities"},
        Query{"SelfJoinOfTheSameTable",
              "SELECT a.id, b.id AS other FROM cities a JOIN cities b ON a.country = b.country "
              "AND a.id < b.id"}),
    [](const testing::TestParamInfo<Query>& info) { return std::string(info.param.name); });

class DamagedPlans : public PlanRoundTrip {};

TEST_P(DamagedPlans, BytesThatWereCutOffAreRefused) {
  ASSERT_OK_AND_ASSIGN(const Plan planned, Plan::FromSql(*session_, GetParam().sql));
  ASSERT_OK_AND_ASSIGN(const Plan plan, planned.Optimize(*session_));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, plan.ToProto());
  for (size_t size = bytes.size() - 1; size > 0; size -= std::min<size_t>(size, 97)) {
    const auto back = Plan::FromProto(*session_, std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(back.ok()) << size << " of " << bytes.size() << " bytes";
  }
}

TEST_P(DamagedPlans, ATableThatIsNotThereIsNamed) {
  ASSERT_OK_AND_ASSIGN(const Plan planned, Plan::FromSql(*session_, GetParam().sql));
  ASSERT_OK_AND_ASSIGN(const Plan plan, planned.Optimize(*session_));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, plan.ToProto());
  ASSERT_OK_AND_ASSIGN(const Session empty, Session::Open({}));
  const auto back = Plan::FromProto(empty, bytes);
  ASSERT_FALSE(back.ok());
  EXPECT_NE(back.status().ToString().find("cities"), std::string::npos) << back.status().ToString();
}

INSTANTIATE_TEST_SUITE_P(
    Queries, DamagedPlans,
    testing::Values(Query{"Filter", "SELECT name FROM cities WHERE size > 100 AND country = 'NO'"}),
    [](const testing::TestParamInfo<Query>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::engine
