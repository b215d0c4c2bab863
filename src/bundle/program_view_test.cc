// SPDX-License-Identifier: Apache-2.0
//
// Views of a program beside views of files, in one project that the real engine compiles.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/base/temporary_folder_testing.h"
#include "weir/bundle/compile.h"
#include "weir/expr.h"

namespace weir {
namespace {

using namespace expr;  // NOLINT(google-build-using-namespace)

using Texts = std::vector<std::string>;

constexpr char kSources[] =
    "CREATE EXTERNAL TABLE items (id BIGINT, name VARCHAR, price DOUBLE, day DATE)\n"
    "STORED AS CSV LOCATION 'data/items.csv' OPTIONS ('has_header' 'true');\n";
constexpr char kSales[] =
    "CREATE EXTERNAL TABLE sales (item BIGINT, count BIGINT, at TIMESTAMP)\n"
    "STORED AS CSV LOCATION 'data/sales.csv' OPTIONS ('has_header' 'true');\n";

/// A project in a folder of its own, with views of both kinds.
class Shop {
 public:
  Shop(const std::map<std::string, std::string>& views, std::vector<ViewDefinition> written) {
    std::map<std::string, std::string> files = {
        {"weir.toml", "[project]\nname = \"shop\"\n"},
        {"sources/items.sql", kSources},
        {"sources/sales.sql", kSales},
        {"functions/share.sql",
         "CREATE FUNCTION share(x DOUBLE, of DOUBLE DEFAULT 2) RETURNS DOUBLE RETURN x / of;\n"},
        {"data/items.csv", "id,name,price,day\n1,nail,0.5,2024-01-01\n2,saw,19.25,2024-01-02\n"},
        {"data/sales.csv", "item,count,at\n1,10,2024-02-01T10:00:00\n2,1,2024-02-02T11:00:00\n"}};
    for (const auto& [name, sql] : views) files["views/" + name + ".sql"] = sql;
    for (const auto& [path, text] : files) {
      std::filesystem::create_directories((folder_ / path).parent_path());
      std::ofstream(folder_ / path, std::ios::binary) << text;
    }
    auto project = LoadProject(LocalFileSystem(), folder_.string(), "", diagnostics_);
    EXPECT_TRUE(project.ok()) << project.status().ToString();
    project_ = *std::move(project);
    for (ViewDefinition& view : written) {
      const Status added = AddView(project_, std::move(view));
      EXPECT_TRUE(added.ok()) << added.ToString();
    }
    auto session = SessionRuntime::Seal(project_, diagnostics_);
    EXPECT_TRUE(session.ok()) << session.status().ToString();
    session_ = *std::move(session);
  }
  Shop(const Shop&) = delete;

  CompiledProject Compile(BundleCache* cache = nullptr) {
    CompiledProject compiled = CompileViews(project_, *session_, diagnostics_, cache);
    diagnostics_.Sort();
    return compiled;
  }

  /// "W2002 cheap: message (hint)", file and line checked apart.
  Texts Reports() const {
    Texts texts;
    for (const Diagnostic& d : diagnostics_.all())
      texts.push_back(fmt::format("{} {}: {} ({})", d.code, d.view_name, d.message, d.hint));
    return texts;
  }
  ProjectDefinition& project() { return project_; }
  SessionRuntime& session() { return *session_; }
  Diagnostics& diagnostics() { return diagnostics_; }

 private:
  TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path();
  Diagnostics diagnostics_;
  ProjectDefinition project_;
  std::unique_ptr<SessionRuntime> session_;
};

// Faults A1: the type of the first branch was stored.
TEST(ProgramView, StoresTheTypesThatAreSettledOverAllBranches) {
  const ViewBuilder stacked =
      ViewBuilder::From("items")
          .Select({col("id").As("x")})
          .UnionAll(ViewBuilder::From("items").Select({col("price").As("x")}));
  Shop shop({{"other", "SELECT id FROM items"}},
            {DefineView("stacked", stacked),
             DefineView("largest", stacked.Aggregate({}, {max(col("x")).As("x")}))});
  const CompiledProject compiled = shop.Compile();
  ASSERT_EQ(shop.Reports(), Texts{});
  for (const char* name : {"stacked", "largest"})
    EXPECT_EQ(compiled.Find(name)->stored_schema->field(0)->type()->ToString(), "double") << name;
}

TEST(ProgramView, HasThePlanTheFingerprintAndThePinsOfItsTwinInSql) {
  const std::map<std::string, std::string> sql = {
      {"filtered", "SELECT id, stable_hash64(name) AS h FROM items WHERE price < 5"},
      {"joined",
       "SELECT i.name, sum(s.count * i.price) AS worth FROM items i JOIN sales s ON i.id = s.item "
       "WHERE s.at >= TIMESTAMP '2024-02-01 00:00:00' GROUP BY i.name"},
      {"ranked",
       "SELECT name, rank() OVER (PARTITION BY day ORDER BY price DESC) AS place FROM items"},
      {"called", "SELECT share(price) AS half, share(price, 3) AS third FROM items"},
      {"stacked", "SELECT id FROM items UNION ALL SELECT item FROM sales"},
      {"derived",
       "SELECT name, worth FROM sql_joined WHERE worth > 1 ORDER BY worth DESC LIMIT 3"}};
  const std::map<std::string, ViewBuilder> steps = {
      {"filtered", ViewBuilder::From("items")
                       .Filter(col("price") < 5)
                       .Select({col("id"), stable_hash64(col("name")).As("h")})},
      {"joined", ViewBuilder::From("items", "i")
                     .Join(ViewBuilder::From("sales", "s"), col("i", "id") == col("s", "item"))
                     .Filter(col("at") >= timestamp("2024-02-01 00:00:00"))
                     .Aggregate({col("name")}, {sum(col("count") * col("price")).As("worth")})},
      {"ranked", ViewBuilder::From("items").Select(
                     {col("name"),
                      rank()
                          .Over({.partition_by = {col("day")}, .order_by = {col("price").Desc()}})
                          .As("place")})},
      {"called", ViewBuilder::From("items").Select({call("share", col("price")).As("half"),
                                                    call("share", col("price"), 3).As("third")})},
      {"stacked", ViewBuilder::From("items")
                      .Select({col("id")})
                      .UnionAll(ViewBuilder::From("sales").Select({col("item")}))},
      {"derived", ViewBuilder::From("sql_joined")
                      .Filter(col("worth") > 1)
                      .Select({col("name"), col("worth")})
                      .OrderBy({col("worth").Desc()})
                      .Limit(3)}};
  std::map<std::string, std::string> files;
  for (const auto& [name, text] : sql) files["sql_" + name] = text;
  std::vector<ViewDefinition> written;
  for (const auto& [name, query] : steps) written.push_back(DefineView("cpp_" + name, query));
  Shop shop(files, std::move(written));
  const CompiledProject compiled = shop.Compile();
  ASSERT_EQ(shop.Reports(), Texts{});
  for (const auto& [name, text] : sql) {
    SCOPED_TRACE(name);
    const auto wanted = compiled.Find("sql_" + name);
    const auto found = compiled.Find("cpp_" + name);
    ASSERT_TRUE(wanted && found);
    EXPECT_EQ(ToText(*found->plan), ToText(*wanted->plan));
    EXPECT_TRUE(found->plan_proto == wanted->plan_proto);
    EXPECT_EQ(found->fingerprint, wanted->fingerprint);
    EXPECT_EQ(found->fingerprint_input, wanted->fingerprint_input);
    EXPECT_TRUE(found->stored_schema->Equals(*wanted->stored_schema));
    ASSERT_EQ(found->pins.size(), wanted->pins.size());
    for (size_t i = 0; i < found->pins.size(); ++i)
      EXPECT_EQ(found->pins[i].table, wanted->pins[i].table);
    ASSERT_EQ(found->functions.size(), wanted->functions.size());
  }
}

TEST(ProgramView, HasTheConstraintsOfItsTwinInSql) {
  const ViewBuilder query = ViewBuilder::From("items").Select({col("id"), col("price")});
  const Expr average = subquery(ViewBuilder::From("items").Aggregate({}, {avg(col("price"))}));
  Shop shop(
      {{"sql_v",
        "CREATE MATERIALIZED VIEW sql_v (CONSTRAINT known EXPECT (id IS NOT NULL),\n"
        "  CONSTRAINT cheap EXPECT (share(price) < 100 AND id IN (1, 2)) ON VIOLATION DROP "
        "ROW,\n  CONSTRAINT hashed EXPECT (stable_hash64(CAST(id AS VARCHAR)) >= 0) ON "
        "VIOLATION FAIL UPDATE) AS SELECT id, price FROM items"},
       {"sql_above", "SELECT id FROM items WHERE price > (SELECT avg(price) FROM items)"}},
      {DefineView(
           "cpp_v", query,
           {.constraints = {{"known", col("id").IsNotNull()},
                            {"cheap", call("share", col("price")) < 100 && col("id").In({1, 2}),
                             ViolationAction::kDropRow},
                            {"hashed", stable_hash64(col("id").Cast(arrow::utf8_view())) >= 0,
                             ViolationAction::kFailUpdate}}}),
       DefineView("cpp_above",
                  ViewBuilder::From("items").Filter(col("price") > average).Select({col("id")}))});
  const CompiledProject compiled = shop.Compile();
  ASSERT_EQ(shop.Reports(), Texts{});
  for (const std::string name : {"v", "above"}) {
    const auto wanted = compiled.Find("sql_" + name);
    const auto found = compiled.Find("cpp_" + name);
    ASSERT_TRUE(wanted && found);
    EXPECT_EQ(found->fingerprint_input, wanted->fingerprint_input);
    EXPECT_EQ(found->fingerprint, wanted->fingerprint);
    ASSERT_EQ(found->constraints.size(), wanted->constraints.size());
    for (size_t i = 0; i < found->constraints.size(); ++i) {
      EXPECT_EQ(found->constraints[i].name, wanted->constraints[i].name);
      EXPECT_EQ(found->constraints[i].action, wanted->constraints[i].action);
      EXPECT_EQ(found->constraints[i].columns, wanted->constraints[i].columns);
      EXPECT_EQ(found->constraints[i].expression_proto, wanted->constraints[i].expression_proto);
    }
  }
  EXPECT_EQ(compiled.Find("cpp_v")->constraints.size(), 3U);
}

TEST(ProgramView, ReportsWhatIsWrongWithConstraints) {
  const ViewBuilder query = ViewBuilder::From("items").Select({col("id"), col("price")});
  Shop shop({{"other", "SELECT 1 AS one"}},
            {DefineView("v", query,
                        {.constraints = {{"a", col("prise") > 0},
                                         {"b", col("id") + 1},
                                         {"c", col("id") > subquery(query)}}})});
  (void)shop.Compile();
  ASSERT_EQ(shop.Reports().size(), 3U) << ::testing::PrintToString(shop.Reports());
  const std::string all = ::testing::PrintToString(shop.Reports());
  EXPECT_NE(all.find("constraint `a`: there is no column named `prise`"), std::string::npos) << all;
  EXPECT_NE(all.find("constraint `b`: a boolean expression is wanted"), std::string::npos) << all;
  EXPECT_NE(all.find("constraint `c`: a filter looks at one row, found a subquery"),
            std::string::npos)
      << all;
  const auto refused = [&](ViewOptions options) {
    return AddView(shop.project(), DefineView("w", query, std::move(options))).message();
  };
  EXPECT_EQ(refused({.constraints = {{"a", col("id") > 0}, {"a", col("id") > 1}}}),
            "two constraints have the same name: `a`");
  EXPECT_EQ(refused({.kind = ViewDefinition::Kind::kInline, .constraints = {{"a", col("id") > 0}}}),
            "a stored view is wanted for constraints, found the inlined view `w`");
}

TEST(ProgramView, ReadsAndIsReadByViewsOfFiles) {
  Shop shop({{"a", "SELECT id, price FROM items"}, {"c", "SELECT id FROM b WHERE id > 1"}},
            {DefineView("b", ViewBuilder::From("a").Filter(col("price") > 1)),
             DefineView("names", ViewBuilder::From("items").Select({col("id"), col("name")}),
                        {.kind = ViewDefinition::Kind::kInline}),
             DefineView("d", ViewBuilder::From("names")
                                 .Join(ViewBuilder::From("c"), col("names", "id") == col("c", "id"))
                                 .Select({col("name")}))});
  const CompiledProject compiled = shop.Compile();
  EXPECT_EQ(shop.Reports(), Texts{});
  Texts order;
  for (const auto& bundle : compiled.bundles()) order.push_back(bundle->view_name);
  EXPECT_EQ(order, (Texts{"a", "b", "c", "d"}));
  Texts pins;
  for (const VersionPin& pin : compiled.Find("d")->pins) pins.push_back(pin.kind + " " + pin.table);
  EXPECT_EQ(pins, (Texts{"view c", "listing items"}));
  EXPECT_EQ(compiled.TablesOf("d"), (Texts{"c", "names"}));
  EXPECT_NE(compiled.Find("d")->definition_sql.find(".Join("), std::string::npos);
}

TEST(ProgramView, NamesMayHoldAnything) {
  Shop shop({{"odd", "CREATE MATERIALIZED VIEW \"Odd Name\" AS SELECT id AS \"TheId\" FROM items"},
             {"twin", "SELECT \"TheId\" FROM \"Odd Name\" WHERE \"TheId\" > 1"}},
            {DefineView("Mixed", ViewBuilder::From("Odd Name")
                                     .Filter(col("TheId") > 1)
                                     .Select({col("Odd Name", "TheId")}))});
  const CompiledProject compiled = shop.Compile();
  ASSERT_EQ(shop.Reports(), Texts{});
  EXPECT_EQ(compiled.Find("Mixed")->fingerprint, compiled.Find("twin")->fingerprint);
}

TEST(ProgramView, FailuresHaveTheirCodesAndThePlaceOfTheStep) {
  const ViewBuilder items = ViewBuilder::From("items");
  const int line = __LINE__;
  Shop shop({{"reads_a_broken_one", "SELECT * FROM v_column"}},
            {DefineView("v_table", ViewBuilder::From("itmes")),
             DefineView("v_column", items.Filter(col("prize") > 1)),
             DefineView("v_function", items.Select({call("uppr", col("name")).As("n")})),
             DefineView("v_call", items.Select({span_len(col("id")).As("n")})),
             DefineView("v_names", items.Select({col("id"), col("name").As("id")})),
             DefineView("v_behind", ViewBuilder::From("v_table").Filter(true)),
             DefineView("v_partition", items, {.partition_columns = {"dya"}})});
  const CompiledProject compiled = shop.Compile();
  std::map<std::string, Diagnostic> by_view;
  for (const Diagnostic& d : shop.diagnostics().all()) by_view[d.view_name] = d;
  const auto expect = [&](const std::string& view, const std::string& code,
                          const std::string& message, const std::string& hint, int below) {
    SCOPED_TRACE(view);
    const Diagnostic& d = by_view[view];
    EXPECT_EQ(d.code, code);
    EXPECT_NE(d.message.find(message), std::string::npos) << d.message;
    EXPECT_NE(d.hint.find(hint), std::string::npos) << d.hint;
    EXPECT_TRUE(d.location.file.ends_with("program_view_test.cc")) << d.location.file;
    EXPECT_EQ(d.location.line, line + below);
  };
  expect("v_table", "W2001", "there is no source or view named `itmes`", "`items`", 2);
  expect("v_column", "W2002", "step 2, Filter: there is no column named `prize`", "`price`", 3);
  expect("v_function", "W2003", "there is no scalar function named `uppr`", "`upper`", 4);
  expect("v_call", "W2005", "span_len(span)", "", 5);
  expect("v_names", "W2007", "two columns of the result have the name `id`", "rename", 6);
  EXPECT_EQ(by_view["v_partition"].code, "W2008");
  EXPECT_EQ(by_view.count("v_behind"), 0U) << "it only reads what has failed";
  EXPECT_EQ(by_view.count("reads_a_broken_one"), 0U);
  EXPECT_EQ(compiled.failed.size(), 8U);
}

TEST(ProgramView, CirclesThroughBothKindsAreReported) {
  Shop shop({{"a", "SELECT id FROM b"}}, {DefineView("b", ViewBuilder::From("a"))});
  (void)shop.Compile();
  ASSERT_EQ(shop.Reports().size(), 1U);
  EXPECT_TRUE(shop.Reports()[0].starts_with("W2009")) << shop.Reports()[0];
}

TEST(ProgramView, NamesAreTakenOnce) {
  Shop shop({{"a", "SELECT id FROM items"}}, {});
  for (const char* taken : {"a", "items"}) {
    const Status added = AddView(shop.project(), DefineView(taken, ViewBuilder::From("sales")));
    EXPECT_EQ(added.code(), StatusCode::kAlreadyExists) << added.ToString();
    EXPECT_NE(added.message().find(taken), std::string::npos);
  }
  EXPECT_EQ(AddView(shop.project(), DefineView("", ViewBuilder::From("sales"))).code(),
            StatusCode::kInvalidArgument);
}

TEST(ProgramView, IsRecalledFromTheCacheUntilAStepChanges) {
  const auto query = [](Expr bound) {
    return ViewBuilder::From("items").Filter(col("id") > std::move(bound)).Select({col("name")});
  };
  Shop shop({{"other", "SELECT 1 AS one"}}, {DefineView("v", query(1))});
  const auto fingerprint = [&](const ViewBuilder& steps, bool expect_known) {
    ViewDefinition& view = shop.project().views[1];
    view = DefineView("v", steps);
    BundleCache cache(shop.project(), shop.session());
    const std::string key = cache.KeyOf(view, {"items"});
    EXPECT_FALSE(key.empty());
    EXPECT_EQ(cache.Find(key, view) != nullptr, expect_known);
    const CompiledProject compiled = shop.Compile(&cache);
    const auto bundle = compiled.Find("v");
    return bundle ? bundle->fingerprint.ToString() : std::string();
  };
  const std::string first = fingerprint(query(1), false);
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(fingerprint(query(1), true), first);
  EXPECT_NE(fingerprint(query(2), false), first);
  // The same text of another type is another step, although the plan comes out the same.
  EXPECT_EQ(fingerprint(query(lit(std::make_shared<arrow::Int32Scalar>(1))), false), first);
  EXPECT_EQ(shop.Reports(), Texts{});
}

TEST(ProgramView, IsCheckedLikeOneOfAFile) {
  Shop shop({{"file", "SELECT id FROM items"}},
            {DefineView("good", ViewBuilder::From("items").Select({col("id")})),
             DefineView("bad", ViewBuilder::From("items").Select({col("idd")}))});
  std::mutex mutex;  // views are looked at from several threads, in any order
  std::set<std::string> inspected;
  const CheckedProject checked = CheckViews(
      shop.project(), {},
      [&](const std::string& view, const LogicalPlan& plan) {
        const std::lock_guard lock(mutex);
        inspected.insert(fmt::format("{} {}", view, CollectScans(plan).size()));
        return Status::OK();
      },
      shop.session(), shop.diagnostics());
  EXPECT_EQ(inspected, (std::set<std::string>{"file 1", "good 1"}));
  EXPECT_EQ(checked.failed, std::set<std::string>{"bad"});
  ASSERT_EQ(shop.Reports().size(), 1U);
  EXPECT_TRUE(shop.Reports()[0].starts_with("W2002 bad")) << shop.Reports()[0];
}

}  // namespace
}  // namespace weir
