// SPDX-License-Identifier: Apache-2.0
//
// What compiling makes: bundles, fingerprints, constraints.

#include "weir/bundle/compile.h"

#include <cctype>
#include <map>
#include <random>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/bundle/compiled_testing.h"

namespace weir {
namespace {

std::string FingerprintOf(const std::string& sql) {
  return Compiled::Of({{"views/v.sql", sql}}).FingerprintOf("v");
}

Texts Names(const arrow::Schema& schema) { return schema.field_names(); }

Texts PinsOf(const PlanBundle& bundle) {
  Texts pins;
  for (const VersionPin& pin : bundle.pins) pins.push_back(pin.kind + " " + pin.table);
  return pins;
}

// --- What a bundle holds

TEST(Compile, ABundleHoldsWhatPlanningDecided) {
  const Compiled project =
      Compiled::Of({{"views/cheap.sql",
                     "SELECT id, stable_hash64(name) AS h, max(price) OVER () AS top, "
                     "sum(price) OVER () AS total\n"
                     "FROM items WHERE price < 5"}});
  const PlanBundle& bundle = project.Bundle("cheap");
  EXPECT_EQ(project.Reports(), Texts{});
  EXPECT_EQ(bundle.file, "views/cheap.sql");
  EXPECT_EQ(Names(*bundle.output_schema), (Texts{"id", "h", "top", "total"}));
  EXPECT_EQ(Names(*bundle.stored_schema), (Texts{"id", "h", "top", "total"}));
  EXPECT_EQ(PinsOf(bundle), Texts{"listing items"});
  EXPECT_FALSE(bundle.pins[0].listing_hash.empty());
  std::map<std::string, std::string> versions;
  for (const RequiredFunction& function : bundle.functions)
    versions[function.name] = function.version.substr(0, function.version.find(':'));
  EXPECT_EQ(versions,
            (std::map<std::string, std::string>{
                {"exact_sum", "native"}, {"max", "datafusion"}, {"stable_hash64", "native"}}));
  EXPECT_EQ(CollectScans(*bundle.plan).size(), 1U);
  EXPECT_FALSE(bundle.logical_plan.empty());
  EXPECT_NE(bundle.fingerprint_input.find("native:"), std::string::npos);
}

TEST(Compile, AViewWithoutTablesHasNoPins) {
  const Compiled project = Compiled::Of({{"views/one.sql", "SELECT 1 AS one"}});
  EXPECT_EQ(PinsOf(project.Bundle("one")), Texts{});
}

TEST(Compile, AViewThatSelectsNothingKeepsItsColumns) {
  const std::string columns = "SELECT id, upper(name) AS n, price, day FROM items";
  const Compiled project = Compiled::Of(
      {{"views/all_of_it.sql", columns}, {"views/none.sql", columns + " WHERE false"}});
  const PlanBundle& none = project.Bundle("none");
  EXPECT_EQ(project.Reports(), Texts{});
  EXPECT_TRUE(none.stored_schema->Equals(*project.Bundle("all_of_it").stored_schema));
  EXPECT_EQ(none.plan->outputs.size(), 4U);

  const auto plan = engine::Plan::FromProto(project.session().engine(), none.plan_proto);
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  const auto physical = engine::PhysicalPlan::Create(project.session().engine(), *plan);
  ASSERT_TRUE(physical.ok()) << physical.status().ToString();
  const auto reader = physical->Execute(project.session().engine(), engine::Cancellation());
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  const auto rows = (*reader)->ToTable();
  ASSERT_TRUE(rows.ok()) << rows.status().ToString();
  EXPECT_EQ((*rows)->num_rows(), 0);
  EXPECT_EQ(Names(*(*rows)->schema()), Names(*none.output_schema));
}

TEST(Compile, StoredColumnsHaveTypesOfDelta) {
  const Compiled project =
      Compiled::Of({{"views/v.sql",
                     "SELECT arrow_cast(id, 'UInt8') AS u8, arrow_cast(id, 'UInt32') AS u32, "
                     "arrow_cast(name, 'Dictionary(Int32, Utf8)') AS d, "
                     "arrow_cast(day, 'Timestamp(Second, None)') AS at, "
                     "arrow_cast(name, 'LargeUtf8') AS l FROM items"}});
  const auto& schema = *project.Bundle("v").stored_schema;
  EXPECT_EQ(schema.field(0)->type()->ToString(), "int16");
  EXPECT_EQ(schema.field(1)->type()->ToString(), "int64");
  EXPECT_EQ(schema.field(2)->type()->ToString(), "string");
  EXPECT_EQ(schema.field(3)->type()->ToString(), "timestamp[us]");
  EXPECT_EQ(schema.field(4)->type()->ToString(), "string");
}

TEST(Compile, BundlesComeAfterThoseTheyRead) {
  const Compiled project = Compiled::Of(
      {{"views/a.sql", "SELECT id FROM b JOIN c USING (id)"},
       {"views/b.sql", "SELECT id FROM c"},
       {"views/c.sql", "SELECT id FROM items"},
       {"views/\u00fc.sql", "CREATE MATERIALIZED VIEW \"Odd Name\" AS SELECT id FROM a"},
       {"views/d.sql", "SELECT id FROM \"Odd Name\""}});
  EXPECT_EQ(project.Reports(), Texts{});
  Texts order;
  for (const auto& bundle : project.views().bundles()) order.push_back(bundle->view_name);
  EXPECT_EQ(order, (Texts{"c", "b", "a", "Odd Name", "d"}));
  EXPECT_EQ(PinsOf(project.Bundle("a")), (Texts{"view b", "view c"}));
}

TEST(Compile, AnInlinedViewIsReadThroughToItsSources) {
  const Compiled project = Compiled::Of(
      {{"views/cheap.sql", "CREATE VIEW cheap AS SELECT id, name FROM items WHERE price < 5"},
       {"views/names.sql", "CREATE VIEW names AS SELECT name FROM cheap"},
       {"views/stored.sql", "SELECT upper(name) AS n FROM names"}});
  EXPECT_EQ(project.Reports(), Texts{});
  EXPECT_EQ(project.views().bundles().size(), 1U);
  EXPECT_EQ(PinsOf(project.Bundle("stored")), Texts{"listing items"});
  EXPECT_NE(ToText(*project.Bundle("stored").plan).find("price"), std::string::npos)
      << "the filter of the inlined view counts";
}

TEST(Compile, DetailsNameTheLane) {
  const Compiled project = Compiled::Of(
      {{"views/v.sql", "SELECT id, name FROM items WHERE price < 5"},
       {"views/w.sql", "SELECT id, row_number() OVER (ORDER BY id) AS nth FROM items"}});
  for (const char* view : {"v", "w"}) {
    const auto details = DescribeBundle(project.Bundle(view), project.session());
    ASSERT_TRUE(details.ok()) << details.status().ToString();
    EXPECT_FALSE(details->physical_plan.empty());
    EXPECT_FALSE(details->optimized_plan.empty());
    if (details->lane.name == "substrait") {
      EXPECT_FALSE(details->lane.substrait.empty());
      EXPECT_EQ(details->lane.reason, "");
    } else {
      EXPECT_EQ(details->lane.name, "proto");
      EXPECT_TRUE(details->lane.substrait.empty());
      EXPECT_FALSE(details->lane.reason.empty());
    }
  }
}

TEST(Compile, TheDdlMayRenameColumns) {
  const Texts bodies = {"AS SELECT id, name FROM items", "AS\nSELECT id, name FROM items",
                        "AS\n\nWITH x AS (SELECT id, name FROM items)\nSELECT * FROM x",
                        "AS SELECT id, name FROM items ORDER BY id LIMIT 2 -- end",
                        "AS VALUES (1, 'a'), (2, 'b')"};
  for (const std::string& body : bodies) {
    const Compiled project =
        Compiled::Of({{"views/v.sql", "CREATE MATERIALIZED VIEW v (a, \"B\") " + body}});
    EXPECT_EQ(project.Reports(), Texts{}) << body;
    EXPECT_EQ(Names(*project.Bundle("v").stored_schema), (Texts{"a", "B"})) << body;
  }
}

TEST(Compile, ACommonTableExpressionHidesAViewOfItsName) {
  const Compiled project =
      Compiled::Of({{"views/a.sql", "WITH b AS (SELECT id FROM items) SELECT id FROM b"},
                    {"views/b.sql", "SELECT id FROM a"}});
  EXPECT_EQ(project.Reports(), Texts{});
  EXPECT_EQ(project.views().bundles().size(), 2U);
}

// Faults A1: the type of the first branch was stored.
TEST(Compile, StoredColumnsHaveTheTypesThatAreSettledOverAllBranches) {
  const std::map<std::string, std::string> types = {
      {"SELECT 1 AS x UNION ALL SELECT 2.5", "double"},
      {"SELECT NULL AS x UNION ALL SELECT 0.5", "double"},
      {"SELECT CASE WHEN id = 1 THEN 1 ELSE 2.5 END AS x FROM items", "double"},
      {"SELECT array_agg(x) AS x FROM (SELECT 1 AS x UNION ALL SELECT 2.5)",
       "list<element: double>"},
      {"SELECT x FROM inlined", "double"},
  };
  for (const auto& [sql, type] : types) {
    const Compiled project = Compiled::Of(
        {{"views/v.sql", sql},
         {"views/inlined.sql", "CREATE VIEW inlined AS SELECT 1 AS x UNION SELECT 2.5"}});
    ASSERT_EQ(project.Reports(), Texts{}) << sql;
    const PlanBundle& bundle = *project.views().Find("v");
    EXPECT_EQ(bundle.stored_schema->field(0)->type()->ToString(), type) << sql;
  }
}

// --- Fingerprints

/// Words in another case, blanks and comments in other places; quoted words stay.
std::string Reformatted(const std::string& sql, std::mt19937_64& random) {
  static const Texts kBlanks = {" ",         "\n",          "\t",           "  \r\n ",
                                " /* , */ ", " -- x ; '\n", "\n\n-- ü\n\n", "/**/ "};
  std::string text;
  bool quoted = false;
  for (char c : sql) {
    if (c == '\'' || c == '"') quoted = !quoted;
    if (c == ' ' && !quoted) {
      text += kBlanks[random() % kBlanks.size()];
    } else if (!quoted && random() % 2 == 0) {
      text += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    } else {
      text += c;
    }
  }
  return text;
}

TEST(FingerprintProperty, FormattingCommentsAndCaseNeverChangeIt) {
  static const Texts kQueries = {
      "select id , name from items where price < 5 and name = 'Saw  -- x'",
      "select name , sum ( price ) as total , count ( * ) as n from items group by name having "
      "count ( * ) > 1",
      "with cheap as ( select id , price from items where price between 1 and 2 ) select a . id , "
      "b . price from cheap a left join items b on a . id = b . id",
      "select id , row_number ( ) over ( partition by name order by day desc ) as nth from items",
      "select id as \"Odd Id\" , case when price is null then 0 else price end as p from items "
      "union all select 7 , 1.5",
      "select day , stable_id ( 'k' , name ) as key from items where exists ( select 1 from items "
      "i where i . id = items . id + 1 ) order by day limit 3",
  };
  std::mt19937_64 random(7);
  Files files;
  for (size_t query = 0; query < kQueries.size(); ++query) {
    // A column with a blank in its name cannot be stored.
    std::string sql = kQueries[query];
    if (const size_t odd = sql.find("Odd Id"); odd != std::string::npos) sql[odd + 3] = '_';
    files[fmt::format("views/q{}_plain.sql", query)] = sql;
    for (int variant = 0; variant < 40; ++variant)
      files[fmt::format("views/q{}_{}.sql", query, variant)] = Reformatted(sql, random);
  }
  const Compiled project = Compiled::Of(files);
  EXPECT_EQ(project.Reports(), Texts{});
  std::set<std::string> all;
  for (size_t query = 0; query < kQueries.size(); ++query) {
    const std::string plain = project.FingerprintOf(fmt::format("q{}_plain", query));
    EXPECT_TRUE(all.insert(plain).second) << "two queries have one fingerprint";
    for (int variant = 0; variant < 40; ++variant) {
      const std::string name = fmt::format("q{}_{}", query, variant);
      EXPECT_EQ(project.FingerprintOf(name), plain) << files["views/" + name + ".sql"];
    }
  }
}

TEST(Fingerprint, ChangesWithWhatTheViewMeans) {
  const Texts meanings = {
      "SELECT id, name FROM items WHERE price < 5",
      "SELECT id, name FROM items WHERE price < 6",
      "SELECT id, name FROM items WHERE price <= 5",
      "SELECT id, name FROM items",
      "SELECT name, id FROM items WHERE price < 5",
      "SELECT id, name AS nom FROM items WHERE price < 5",
      "SELECT id, upper(name) AS name FROM items WHERE price < 5",
      "SELECT CAST(id AS INT) AS id, name FROM items WHERE price < 5",
      "SELECT DISTINCT id, name FROM items WHERE price < 5",
      "SELECT id, name FROM items WHERE price < 5 LIMIT 5",
      "SELECT id, name FROM items WHERE price < 5 AND name = 'a'",
      "SELECT id, name FROM items WHERE price < 5 AND name = 'A'",
      "CREATE MATERIALIZED VIEW v PARTITIONED BY (name) AS SELECT id, name FROM items WHERE price "
      "< 5",
  };
  std::map<std::string, std::string> seen;
  for (const std::string& sql : meanings) {
    const auto [found, is_new] = seen.emplace(FingerprintOf(sql), sql);
    EXPECT_TRUE(is_new) << sql << "\nhas the fingerprint of\n" << found->second;
  }
}

TEST(Fingerprint, IsThatOfThePlanNotOfTheStatement) {
  const std::string plain = FingerprintOf("SELECT id, name FROM items");
  EXPECT_EQ(FingerprintOf("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT id, name FROM items;"),
            plain);
  EXPECT_EQ(FingerprintOf(
                "CREATE MATERIALIZED VIEW v COMMENT 'other words' AS SELECT id, name FROM items"),
            plain);
  EXPECT_EQ(FingerprintOf("SELECT items.id, items.name FROM items"), plain);
}

TEST(Fingerprint, KnowsNoFolderNoDataNoNameAndNoMachine) {
  const std::string sql = "SELECT id, sum(price) AS total FROM items WHERE name <> 'x' GROUP BY id";
  const std::string plain = FingerprintOf(sql);
  EXPECT_EQ(FingerprintOf(sql), plain) << "each project has a folder of its own";
  const Compiled other = Compiled::Of(
      {{"weir.toml",
        "[project]\nname = \"other\"\nwarehouse = \"elsewhere\"\n[profiles.default]\nthreads = 3\n"
        "memory_limit = \"500MB\"\n[profiles.default.settings]\n"
        "\"datafusion.execution.batch_size\" = 77\n"},
       {"sources/a.sql",
        "CREATE EXTERNAL TABLE aaa (id INT) STORED AS CSV LOCATION 'data/aaa.csv';"},
       {"data/aaa.csv", "id\n1\n"},
       {"data/items.csv", "id,name,price,day\n9,hammer,7,2024-01-09\n"},
       {"views/deep/renamed.sql", sql}});
  EXPECT_EQ(other.FingerprintOf("renamed"), plain);
}

TEST(Fingerprint, ChangesWithSettingsThatCanChangeResults) {
  const std::string sql = "SELECT id FROM items";
  const auto with = [&](const std::string& profile) {
    return Compiled::Of({{"weir.toml", kToml + profile}, {"views/v.sql", sql}}).FingerprintOf("v");
  };
  const std::string plain = with("");
  EXPECT_NE(with("[profiles.default]\ndeterministic = false\n"), plain);
  EXPECT_NE(with("[profiles.default.settings]\n\"datafusion.execution.time_zone\" = \"+02:00\"\n"),
            plain);
}

TEST(Fingerprint, ChangesWithAnInlinedViewButNotWithAStoredOne) {
  const auto reader = [](const std::string& create, const std::string& limit) {
    return Compiled::Of({{"views/cheap.sql",
                          create + " cheap AS SELECT id, name FROM items WHERE price < " + limit},
                         {"views/v.sql", "SELECT id FROM cheap"}})
        .FingerprintOf("v");
  };
  EXPECT_NE(reader("CREATE VIEW", "5"), reader("CREATE VIEW", "6"));
  EXPECT_EQ(reader("CREATE MATERIALIZED VIEW", "5"), reader("CREATE MATERIALIZED VIEW", "6"))
      << "what it reads is decided by the content of the table";
}

constexpr char kConstrained[] =
    "CREATE MATERIALIZED VIEW v (\n"
    "  CONSTRAINT has_price EXPECT (price IS NOT NULL)\n"
    ") AS SELECT id, price FROM items\n";

/// The fingerprint of a view over `items` whose DDL has these constraints.
std::string Constrained(const std::string& constraints) {
  return Compiled::Of({{"views/v.sql", "CREATE MATERIALIZED VIEW v " + constraints +
                                           " AS SELECT id, price FROM items"}})
      .FingerprintOf("v");
}

TEST(Constraints, AreCompiledOverTheColumnsOfTheTable) {
  const auto project = Compiled::Of({{"views/v.sql", kConstrained}});
  ASSERT_EQ(project.Bundle("v").constraints.size(), 1u);
  const BundledConstraint& constraint = project.Bundle("v").constraints[0];
  EXPECT_EQ(constraint.name, "has_price");
  EXPECT_EQ(constraint.text, "price IS NOT NULL");
  EXPECT_EQ(constraint.columns, Texts{"price"});
  EXPECT_EQ(constraint.action, ViolationAction::kWarn);
  EXPECT_FALSE(constraint.expression_proto.empty());
  EXPECT_EQ(constraint.location, (SourceLocation{"views/v.sql", 2, 3}));
}

TEST(Constraints, PlannersAndTagsThatTheyNeedAreRecorded) {
  const auto with = [](const std::string& constraint) {
    return Compiled::Of({{"views/v.sql", "CREATE MATERIALIZED VIEW v (CONSTRAINT c EXPECT (" +
                                             constraint + ")) AS SELECT id, name FROM items"}});
  };
  using Names = std::set<std::string>;
  const auto plain = with("id > 0");
  EXPECT_EQ(plain.Bundle("v").domain_planners, Names{});
  const auto span = with("span_make(0, 9) @> span_make(id, id, end_exclusive => true)");
  EXPECT_EQ(span.Bundle("v").domain_planners, (Names{"named_arguments", "span_operators"}));
  EXPECT_TRUE(span.Bundle("v").required_tags.contains("span"));
  const auto field = with("span_make(id, id)['bstart'] > 0");
  EXPECT_EQ(field.Bundle("v").domain_planners, Names{"field_access"});
}

TEST(Constraints, ErrorsPointIntoTheExpressionAndAreAllReported) {
  const auto project =
      Compiled::Of({{"views/v.sql",
                     "CREATE MATERIALIZED VIEW v (\n"
                     "  CONSTRAINT a EXPECT (id > 0 AND\n"
                     "    prise > 0),\n"
                     "  CONSTRAINT b EXPECT (id + 1) ON VIOLATION DROP ROW,\n"
                     "  CONSTRAINT c EXPECT (id IN (SELECT id FROM items)),\n"
                     "  CONSTRAINT d EXPECT (sum(id) > 1),\n"
                     "  CONSTRAINT e EXPECT (id > > 1),\n"
                     "  CONSTRAINT f EXPECT (name = 'saw') ON VIOLATION FAIL UPDATE\n"
                     ") AS SELECT id, price FROM items\n"}});
  EXPECT_EQ(project.Reports(),
            (Texts{"W2002 views/v.sql:3:5", "W2005 views/v.sql:4:3", "W2006 views/v.sql:5:3",
                   "W2006 views/v.sql:6:3", "W2004 views/v.sql:7:29", "W2002 views/v.sql:8:24"}));
  EXPECT_NE(project.First().message.find("constraint `a`"), std::string::npos);
  EXPECT_NE(project.First().hint.find("price"), std::string::npos) << project.First().hint;
}

TEST(Constraints, ChangeTheFingerprintWhereTheyCanChangeTheResult) {
  const std::string none = Constrained("");
  const std::string drop = Constrained("(CONSTRAINT a EXPECT (id > 1) ON VIOLATION DROP ROW)");
  EXPECT_EQ(Constrained("(CONSTRAINT a EXPECT (id > 1))"), none) << "it only warns";
  EXPECT_NE(drop, none);
  EXPECT_NE(Constrained("(CONSTRAINT a EXPECT (id > 2) ON VIOLATION DROP ROW)"), drop);
  EXPECT_NE(Constrained("(CONSTRAINT a EXPECT (id > 1) ON VIOLATION FAIL UPDATE)"), drop);
  EXPECT_EQ(Constrained("(CONSTRAINT b EXPECT ( ID>1 /* that is */ ) ON VIOLATION DROP ROW)"), drop)
      << "names and spacing mean nothing";
  EXPECT_EQ(Constrained("(CONSTRAINT a EXPECT (id > 1) ON VIOLATION DROP ROW, CONSTRAINT w EXPECT "
                        "(price > 0))"),
            drop);
  EXPECT_EQ(
      Constrained("(CONSTRAINT a EXPECT (id > 1) ON VIOLATION DROP ROW, CONSTRAINT b EXPECT "
                  "(price > 0) ON VIOLATION DROP ROW)"),
      Constrained("(CONSTRAINT b EXPECT (price > 0) ON VIOLATION DROP ROW, CONSTRAINT a EXPECT "
                  "(id > 1) ON VIOLATION DROP ROW)"))
      << "their order means nothing";
}

TEST(Constraints, NativeFunctionsOfThoseThatDropRowsAreRequired) {
  const auto with = [](const std::string& action) {
    const auto project = Compiled::Of(
        {{"views/v.sql",
          "CREATE MATERIALIZED VIEW v (CONSTRAINT a EXPECT (stable_hash64(name) > 0) " + action +
              ") AS SELECT name FROM items"}});
    Texts names;
    for (const RequiredFunction& function : project.Bundle("v").functions)
      names.push_back(function.name + "@" + function.version);
    return names;
  };
  EXPECT_EQ(with(""), Texts{});
  EXPECT_EQ(with("ON VIOLATION DROP ROW"), Texts{"stable_hash64@native:1"});
}

}  // namespace
}  // namespace weir
