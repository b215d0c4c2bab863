// SPDX-License-Identifier: Apache-2.0

#include "weir/session/table_functions.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/session/call_arguments.h"

namespace weir {
namespace {

const FunctionDeclaration& Changes() {
  static const FunctionRegistry registry = NativeFunctions();
  return *registry.Find("delta_cdf");
}

engine::CallArgument Text(const std::string& text, const std::string& name = "") {
  return {name, arrow::MakeScalar(text)};
}
engine::CallArgument Number(int64_t number, const std::string& name = "") {
  return {name, arrow::MakeScalar(number)};
}

TEST(CallArguments, AreMatchedByPositionAndName) {
  const auto by_position = MatchArguments(Changes(), {Text("t"), Number(3), Number(5)});
  ASSERT_TRUE(by_position.ok()) << by_position.status().ToString();
  EXPECT_EQ(*by_position, (std::vector<TableArgument>{std::string("t"), int64_t{3}, int64_t{5}}));
  const auto by_name = MatchArguments(Changes(), {Text("t"), Number(5, "end"), Number(3, "start")});
  ASSERT_TRUE(by_name.ok());
  EXPECT_EQ(*by_name, *by_position);
  const auto short_call = MatchArguments(Changes(), {Text("t")});
  ASSERT_TRUE(short_call.ok());
  EXPECT_EQ(*short_call,
            (std::vector<TableArgument>{std::string("t"), int64_t{0}, std::monostate()}));
}

TEST(CallArguments, MayBeTimesAndNull) {
  const auto matched = MatchArguments(
      Changes(),
      {Text("t"), Text("2026-01-01T00:00:00Z"), {"end", arrow::MakeNullScalar(arrow::null())}});
  ASSERT_TRUE(matched.ok()) << matched.status().ToString();
  EXPECT_EQ((*matched)[1], TableArgument(std::string("2026-01-01T00:00:00Z")));
  EXPECT_EQ((*matched)[2], TableArgument());
}

TEST(CallArguments, SayWhatIsWrongWithTheSignature) {
  const auto message = [](const std::vector<engine::CallArgument>& given) {
    const auto matched = MatchArguments(Changes(), given);
    EXPECT_FALSE(matched.ok());
    EXPECT_EQ(matched.status().code(), StatusCode::kPlanFailed);
    return matched.status().message() + " | " + matched.status().hint();
  };
  EXPECT_EQ(message({}), "delta_cdf(table[, start[, end]]): wants `table`, which is missing | ");
  EXPECT_EQ(message({Text("t"), Number(1), Number(2), Number(3)}),
            "delta_cdf(table[, start[, end]]): takes 3 arguments, found `4` | ");
  EXPECT_EQ(message({Text("t"), Number(1, "strat")}),
            "delta_cdf(table[, start[, end]]): there is no parameter `strat` | did you mean "
            "`start`?");
  EXPECT_EQ(message({Text("t"), Number(1), Number(2, "start")}),
            "delta_cdf(table[, start[, end]]): `start` is given twice | ");
  EXPECT_EQ(message({Text("t"), {"", arrow::MakeScalar(1.5)}}),
            "delta_cdf(table[, start[, end]]): start wants int64 or text, found `1.5` of type "
            "`double` | ");
}

class TableFunctionsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = engine::Session::Open(
        {.settings = {{"datafusion.catalog.information_schema", "true"}}, .spill_directory = {}});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    session_ = *opened;
    functions_ = NativeFunctions();
    ASSERT_TRUE(session_.RegisterFunctions(functions_).ok());
    NamedTables tables;
    tables.tables["flights"] = {.url = {}, .version = -1, .problem = "it is made of CSV"};
    tables.tables["weather"] = {.url = "file:///nowhere/", .version = -1, .problem = {}};
    ASSERT_TRUE(RegisterTableFunctions(session_, functions_, tables).ok());
  }

  std::string FailureOf(const std::string& sql) {
    const auto table = session_.Query(sql);
    EXPECT_FALSE(table.ok()) << sql;
    return table.status().message() + " | " + table.status().hint();
  }

  engine::Session session_;
  FunctionRegistry functions_;
};

TEST_F(TableFunctionsTest, DocumentEveryFunction) {
  const auto docs = session_.Query("SELECT name FROM udf_docs()");
  ASSERT_TRUE(docs.ok()) << docs.status().ToString();
  EXPECT_EQ((*docs)->num_rows(), static_cast<int64_t>(functions_.Declarations().size()));
}

TEST_F(TableFunctionsTest, ListTheEnginesFunctionsToo) {
  const auto rows = session_.Query(
      "SELECT count(*) FILTER (WHERE origin = 'native'), count(*) FILTER (WHERE origin = "
      "'datafusion'), count(*) FILTER (WHERE name = 'sum' AND kind = 'aggregate') FROM "
      "UDF_Registry()");
  ASSERT_TRUE(rows.ok()) << rows.status().ToString();
  const auto number = [&](int column) {
    return std::static_pointer_cast<arrow::Int64Scalar>(*(*rows)->column(column)->GetScalar(0))
        ->value;
  };
  EXPECT_EQ(number(0), static_cast<int64_t>(functions_.Declarations().size()));
  EXPECT_GT(number(1), 200);
  EXPECT_EQ(number(2), 1);
}

TEST_F(TableFunctionsTest, ShowTheCaches) {
  for (const char* cache : {"list_files_cache", "metadata_cache", "statistics_cache"}) {
    const auto rows = session_.Query(fmt::format("SELECT * FROM {}()", cache));
    ASSERT_TRUE(rows.ok()) << cache << ": " << rows.status().ToString();
    const auto declared = functions_.Find(cache)->RowSchema();
    EXPECT_EQ((*rows)->schema()->field_names(), declared->field_names()) << cache;
    EXPECT_EQ((*rows)->schema()->ToString(), declared->ToString()) << cache;
  }
}

TEST_F(TableFunctionsTest, TakeNamesOfTablesAsTextAndBare) {
  EXPECT_EQ(FailureOf("SELECT * FROM delta_files(flights)"),
            "delta_files(table): it is made of CSV | ");
  EXPECT_EQ(FailureOf("SELECT * FROM delta_files('Flights')"),
            "delta_files(table): it is made of CSV | ");
  EXPECT_EQ(FailureOf("SELECT * FROM delta_files(table => 'wether')"),
            "delta_files(table): there is no source or view named `wether` | did you mean "
            "`weather`?");
  EXPECT_NE(FailureOf("SELECT * FROM delta_history('weather')").find("delta_history(table): "),
            std::string::npos);
}

TEST_F(TableFunctionsTest, RefuseWhatIsNoConstant) {
  EXPECT_NE(
      FailureOf("SELECT * FROM (VALUES ('x')) t(a), LATERAL delta_files(t.a)").find("constants"),
      std::string::npos);
  EXPECT_NE(FailureOf("SELECT * FROM delta_files(CAST(random() AS VARCHAR))").find("constants"),
            std::string::npos);
  EXPECT_EQ(FailureOf("SELECT * FROM udf_docs(1)"), "udf_docs(): takes 0 arguments, found `1` | ");
}

}  // namespace
}  // namespace weir
