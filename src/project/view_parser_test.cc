// SPDX-License-Identifier: Apache-2.0

#include "weir/project/view_parser.h"

#include <gtest/gtest.h>

#include "weir/project/project_fixture.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;

/// What is reported about the view file views/v.sql.
Names ReportsOf(const std::string& sql) {
  Diagnostics diagnostics;
  const auto view = ParseViewFile({"views/v.sql", sql}, diagnostics);
  EXPECT_EQ(view.has_value(), diagnostics.all().empty());
  return Reports(diagnostics);
}

ViewDefinition Parsed(const std::string& sql, const std::string& path = "views/v.sql") {
  Diagnostics diagnostics;
  auto view = ParseViewFile({path, sql}, diagnostics);
  EXPECT_EQ(Reports(diagnostics), Names{});
  return view.value_or(ViewDefinition{});
}

TEST(ViewParser, APlainQueryIsStoredUnderTheNameOfItsFile) {
  const ViewDefinition view =
      Parsed("-- about\nSELECT 'a;b' ; -- end\n", "views/deep/Daily_Sales.sql");
  EXPECT_EQ(view.name, "daily_sales");
  EXPECT_EQ(view.kind, ViewDefinition::Kind::kStored);
  EXPECT_EQ(view.file, "views/deep/Daily_Sales.sql");
  EXPECT_EQ(view.query_sql, "        \nSELECT 'a;b'");
  EXPECT_EQ(view.definition_sql, "SELECT 'a;b'");
  EXPECT_EQ(view.location, (SourceLocation{"views/deep/Daily_Sales.sql", 2, 1}));
}

TEST(ViewParser, QueriesBeginInAnyOfTheseWays) {
  for (const char* sql : {"SELECT 1", "with a AS (SELECT 1) SELECT * FROM a", "VALUES (1)",
                          "(SELECT 1) UNION SELECT 2", "FROM t"}) {
    EXPECT_EQ(Parsed(sql).query_sql, sql);
  }
}

TEST(ViewParser, TheWholeDefinition) {
  const ViewDefinition view = Parsed(R"(CREATE OR REPLACE MATERIALIZED VIEW "Sales" (
  day COMMENT 'the ''day''', "Total"
) COMMENT 'about' PARTITIONED BY (DAY) TBLPROPERTIES ('a.b' = 'c', d.E = 5, f true)
AS SELECT 1, 2;)");
  EXPECT_EQ(view.name, "Sales");
  EXPECT_EQ(view.kind, ViewDefinition::Kind::kStored);
  EXPECT_EQ(view.column_names, (Names{"day", "Total"}));
  EXPECT_EQ(view.column_comments, (std::map<std::string, std::string>{{"day", "the 'day'"}}));
  EXPECT_EQ(view.partition_columns, Names{"day"});
  EXPECT_EQ(view.comment, "about");
  EXPECT_EQ(view.properties,
            (std::map<std::string, std::string>{{"a.b", "c"}, {"d.E", "5"}, {"f", "true"}}));
  EXPECT_EQ(view.query_sql.substr(view.query_sql.rfind('\n')), "\n   SELECT 1, 2");
  EXPECT_EQ(std::count(view.query_sql.begin(), view.query_sql.end(), '\n'), 3);
  EXPECT_TRUE(view.definition_sql.starts_with("CREATE OR") &&
              view.definition_sql.ends_with("SELECT 1, 2"));
}

TEST(ViewParser, OnlyMaterializedViewsAreStored) {
  EXPECT_EQ(Parsed("create view A as select 1").kind, ViewDefinition::Kind::kInline);
  EXPECT_EQ(Parsed("create view A as select 1").name, "a");
  EXPECT_EQ(Parsed("CREATE TEMPORARY VIEW a AS SELECT 1").kind, ViewDefinition::Kind::kInline);
  EXPECT_EQ(Parsed("CREATE TEMP VIEW IF NOT EXISTS a AS SELECT 1").kind,
            ViewDefinition::Kind::kInline);
  EXPECT_EQ(Parsed("CREATE MATERIALIZED VIEW a AS SELECT 1").kind, ViewDefinition::Kind::kStored);
}

TEST(ViewParser, AColumnMayBeNamedConstraint) {
  EXPECT_EQ(Parsed("CREATE VIEW a (constraint, x) AS SELECT 1, 2").column_names,
            (Names{"constraint", "x"}));
}

TEST(ViewParser, SyntaxErrorsSayWhatWasExpectedAndFound) {
  EXPECT_EQ(ReportsOf("INSERT INTO a"),
            Names{"W1101 views/v.sql:1:1 a query or `CREATE VIEW` expected, found `INSERT`"});
  EXPECT_EQ(ReportsOf("CREATE TABLE a"),
            Names{"W1101 views/v.sql:1:8 `VIEW` or `MATERIALIZED VIEW` expected, found `TABLE`"});
  EXPECT_EQ(ReportsOf("CREATE OR VIEW a"),
            Names{"W1101 views/v.sql:1:11 `REPLACE` expected, found `VIEW`"});
  EXPECT_EQ(ReportsOf("CREATE MATERIALIZED a"),
            Names{"W1101 views/v.sql:1:21 `VIEW` expected, found `a`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW 'a'"),
            Names{"W1101 views/v.sql:1:13 a view name expected, found `'a'`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a\n (b INT)"),
            Names{"W1101 views/v.sql:2:5 `COMMENT`, `,` or `)` expected, found `INT`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a (b,)"),
            Names{"W1101 views/v.sql:1:18 a column name or `CONSTRAINT` expected, found `)`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a (b COMMENT c)"),
            Names{"W1101 views/v.sql:1:26 a comment in quotes expected, found `c`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a SELECT 1"),
            Names{"W1101 views/v.sql:1:15 `AS`, `PARTITIONED BY`, `CLUSTER BY`, `COMMENT` or "
                  "`TBLPROPERTIES` "
                  "expected, found `SELECT`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a AS"),
            Names{"W1101 views/v.sql:1:17 a query expected, found the end of the file"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a AS;"),
            Names{"W1101 views/v.sql:1:17 a query expected, found `;`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a PARTITIONED (b)"),
            Names{"W1101 views/v.sql:1:27 `BY` expected, found `(`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a PARTITIONED BY (day(b))"),
            Names{"W1101 views/v.sql:1:34 `,` or `)` expected, found `(`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a TBLPROPERTIES ('b' = )"),
            Names{"W1101 views/v.sql:1:36 a value expected, found `)`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a TBLPROPERTIES ()"),
            Names{"W1101 views/v.sql:1:30 a property name expected, found `)`"});
}

TEST(ViewParser, WhatHasNoEnd) {
  EXPECT_EQ(ReportsOf("SELECT\n 'a"),
            Names{"W1102 views/v.sql:2:2 the string that begins here has no end, `'` is wanted"});
  EXPECT_EQ(
      ReportsOf("SELECT 1 /* a"),
      Names{"W1102 views/v.sql:1:10 the comment that begins here has no end, `*/` is wanted"});
}

TEST(ViewParser, EmptyFiles) {
  const Names empty = {
      "W1201 views/v.sql:1:1 a query or CREATE VIEW is wanted, found no statement in the file"};
  EXPECT_EQ(ReportsOf(""), empty);
  EXPECT_EQ(ReportsOf(" \n-- SELECT 1\n/* x */"), empty);
}

TEST(ViewParser, ASecondStatementIsReportedAtItsPlace) {
  EXPECT_EQ(ReportsOf("SELECT 1;\n;\n  SELECT 2"),
            Names{"W1202 views/v.sql:3:3 one statement a file is wanted, found a second one that "
                  "begins with `SELECT` | "
                  "move it to a file of its own"});
}

TEST(ViewParser, NamesHaveNoSchema) {
  EXPECT_EQ(ReportsOf("CREATE VIEW S.\"T\".u AS SELECT 1"),
            Names{"W1204 views/v.sql:1:13 a view name without a schema is wanted, found "
                  "`S.\"T\".u` | all tables of a project are in "
                  "one schema"});
  Diagnostics diagnostics;
  EXPECT_FALSE(ParseViewFile({"views/a.b.sql", "SELECT 1"}, diagnostics).has_value());
  EXPECT_EQ(Reports(diagnostics), Names{"W1204 views/a.b.sql:1:1 a file name without a schema is "
                                        "wanted, found `views/a.b.sql` | rename the file"});
}

TEST(ViewParser, NamesMustNameAFolderOfTheWarehouse) {
  EXPECT_EQ(ReportsOf("CREATE VIEW \"\" AS SELECT 1"),
            Names{"W1205 views/v.sql:1:13 a name is wanted, found an empty one: `\"\"`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW \"..\" AS SELECT 1"),
            Names{"W1205 views/v.sql:1:13 a name must not begin with a dot: `\"..\"`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW \"a/b\" AS SELECT 1").at(0).substr(0, 24),
            "W1205 views/v.sql:1:13 a");
  EXPECT_EQ(ReportsOf("CREATE VIEW _Weir AS SELECT 1"),
            Names{"W1205 views/v.sql:1:13 names that begin with `_weir` are Weir's own: `_Weir`"});
}

TEST(ViewParser, ClusteringTakesColumnsOfAStoredView) {
  EXPECT_EQ(
      Parsed("CREATE MATERIALIZED VIEW a CLUSTER BY (b, \"C d\") AS SELECT 1").cluster_columns,
      (Names{"b", "C d"}));
  EXPECT_EQ(Parsed("CREATE MATERIALIZED VIEW a CLUSTER BY NONE AS SELECT 1").cluster_columns,
            Names{});
  EXPECT_EQ(ReportsOf("CREATE MATERIALIZED VIEW a CLUSTER BY AUTO AS SELECT 1"),
            Names{"W1209 views/v.sql:1:28 columns are wanted after CLUSTER BY, found `AUTO` | name "
                  "those that queries filter by: CLUSTER BY (day, customer)"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a CLUSTER BY (b) AS SELECT 1"),
            Names{"W1213 views/v.sql:1:15 a MATERIALIZED VIEW is wanted for CLUSTER BY, found "
                  "`VIEW` | a plain VIEW is not stored"});
}

TEST(ViewParser, ConstraintsKeepTheirPlacesAndActions) {
  const ViewDefinition view = Parsed(
      "CREATE MATERIALIZED VIEW a (b COMMENT 'x',\n"
      "  CONSTRAINT Sane EXPECT ( b > (0)\n -- really\n) ON VIOLATION DROP ROW, c,\n"
      "  CONSTRAINT \"Known B\" EXPECT (b IN (1, 2)) ON VIOLATION FAIL UPDATE,\n"
      "  CONSTRAINT seldom EXPECT (b < 9)) AS SELECT 1, 2");
  EXPECT_EQ(view.column_names, (Names{"b", "c"}));
  ASSERT_EQ(view.constraints.size(), 3u);
  EXPECT_EQ(view.constraints[0].name, "sane");
  EXPECT_EQ(view.constraints[0].action, ViolationAction::kDropRow);
  EXPECT_EQ(view.constraints[0].text, "b > (0)\n -- really");
  EXPECT_EQ(view.constraints[0].expression_sql.find("b > (0)"), 43u + 27u);
  EXPECT_EQ(view.constraints[0].expression_sql.find_first_not_of(" \n"), 43u + 27u);
  EXPECT_EQ(view.constraints[0].location, (SourceLocation{"views/v.sql", 2, 3}));
  EXPECT_EQ(view.constraints[1].name, "Known B");
  EXPECT_EQ(view.constraints[1].action, ViolationAction::kFailUpdate);
  EXPECT_EQ(view.constraints[1].text, "b IN (1, 2)");
  EXPECT_EQ(view.constraints[2].action, ViolationAction::kWarn);
}

TEST(ViewParser, ConstraintsNeedNoColumnList) {
  const ViewDefinition view =
      Parsed("CREATE MATERIALIZED VIEW a (CONSTRAINT c EXPECT (b)) AS SELECT true AS b");
  EXPECT_EQ(view.column_names, Names{});
  EXPECT_EQ(view.constraints.size(), 1u);
}

TEST(ViewParser, WhatIsWrongWithConstraints) {
  EXPECT_EQ(ReportsOf("CREATE MATERIALIZED VIEW a (CONSTRAINT c EXPECT (b) ON VIOLATION FAIL) AS "
                      "SELECT 1"),
            Names{"W1101 views/v.sql:1:66 `FAIL UPDATE` or `DROP ROW` expected, found `FAIL`"});
  EXPECT_EQ(ReportsOf("CREATE MATERIALIZED VIEW a (CONSTRAINT c EXPECT (b"),
            Names{"W1101 views/v.sql:1:51 `)` expected, found the end of the file"});
  EXPECT_EQ(ReportsOf("CREATE MATERIALIZED VIEW a (CONSTRAINT c EXPECT b) AS SELECT 1"),
            Names{"W1101 views/v.sql:1:49 `(` expected, found `b`"});
  EXPECT_EQ(ReportsOf("CREATE MATERIALIZED VIEW a (CONSTRAINT c EXPECT ( )) AS SELECT 1"),
            Names{"W1101 views/v.sql:1:40 an expression in the parentheses of EXPECT expected"});
  EXPECT_EQ(ReportsOf("CREATE MATERIALIZED VIEW a (CONSTRAINT c EXPECT (b),\n"
                      "CONSTRAINT C EXPECT (d)) AS SELECT 1"),
            Names{"W1217 views/v.sql:2:12 two constraints have the same name: `c` | rename one: "
                  "its counts are recorded under it"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a (CONSTRAINT c EXPECT (b)) AS SELECT true AS b"),
            Names{"W1218 views/v.sql:1:16 a MATERIALIZED VIEW is wanted for CONSTRAINT, found "
                  "`VIEW` | a plain VIEW is not stored: nothing would be dropped or counted"});
}

TEST(ViewParser, NothingIsSaidTwice) {
  EXPECT_EQ(ReportsOf("CREATE VIEW a COMMENT 'x' comment 'y' AS SELECT 1"),
            Names{"W1210 views/v.sql:1:27 the clause stands here twice: `comment`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a (b, B) AS SELECT 1"),
            Names{"W1211 views/v.sql:1:19 the column is named twice: `b`"});
  EXPECT_EQ(ReportsOf("CREATE MATERIALIZED VIEW a PARTITIONED BY (b, b) AS SELECT 1"),
            Names{"W1211 views/v.sql:1:47 the column is named twice: `b`"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a TBLPROPERTIES ('b' 'c', b = 1) AS SELECT 1"),
            Names{"W1215 views/v.sql:1:39 the property is set twice: `b`"});
}

TEST(ViewParser, PartitionColumnsAreColumnsOfAStoredView) {
  EXPECT_EQ(ReportsOf("CREATE MATERIALIZED VIEW a (month) PARTITIONED BY (mnoth) AS SELECT 1"),
            Names{"W1212 views/v.sql:1:52 a column of the view is wanted, found `mnoth` | did you "
                  "mean `month`?"});
  EXPECT_EQ(ReportsOf("CREATE VIEW a PARTITIONED BY (b) AS SELECT 1"),
            Names{"W1213 views/v.sql:1:15 a MATERIALIZED VIEW is wanted for PARTITIONED BY, found "
                  "`VIEW` | a plain VIEW is not stored"});
}

TEST(ViewParser, Contradictions) {
  EXPECT_EQ(ReportsOf("CREATE OR REPLACE VIEW IF NOT EXISTS a AS SELECT 1"),
            Names{"W1214 views/v.sql:1:8 either `OR REPLACE` or `IF NOT EXISTS` is wanted, found "
                  "both | leave both out: the project's "
                  "files say what exists"});
  EXPECT_EQ(ReportsOf("CREATE TEMPORARY MATERIALIZED VIEW a AS SELECT 1"),
            Names{"W1214 views/v.sql:1:8 either `TEMPORARY` or `MATERIALIZED` is wanted, found "
                  "both | a MATERIALIZED VIEW is stored, a "
                  "TEMPORARY VIEW is not"});
}

TEST(ViewParser, DiagnosticsNameTheView) {
  Diagnostics diagnostics;
  EXPECT_FALSE(ParseViewFile({"views/v.sql", "CREATE VIEW Abc AS"}, diagnostics).has_value());
  ASSERT_EQ(diagnostics.all().size(), 1u);
  EXPECT_EQ(diagnostics.all()[0].view_name, "abc");
}

TEST(TestParser, OneQuery) {
  Diagnostics diagnostics;
  const auto test = ParseTestFile({"tests/No_Gaps.sql", "/* é */ SELECT 1;"}, diagnostics);
  ASSERT_TRUE(test.has_value());
  EXPECT_EQ(test->name, "no_gaps");
  EXPECT_EQ(test->query_sql, "        SELECT 1");
  EXPECT_EQ(test->location, (SourceLocation{"tests/No_Gaps.sql", 1, 9}));
}

TEST(TestParser, AnythingElseIsReported) {
  Diagnostics diagnostics;
  EXPECT_FALSE(
      ParseTestFile({"tests/a.sql", "CREATE VIEW a AS SELECT 1"}, diagnostics).has_value());
  EXPECT_FALSE(ParseTestFile({"tests/b.sql", "SELECT 1; SELECT 2"}, diagnostics).has_value());
  EXPECT_FALSE(ParseTestFile({"tests/c.sql", ""}, diagnostics).has_value());
  EXPECT_FALSE(ParseTestFile({"tests/d.sql", "SELECT \"a"}, diagnostics).has_value());
  EXPECT_EQ(Reports(diagnostics),
            (Names{"W1401 tests/a.sql:1:1 a query or `TEST` is wanted in a test, found `CREATE`",
                   "W1202 tests/b.sql:1:11 one statement a file is wanted, found a second one that "
                   "begins with `SELECT` | move it to a "
                   "file of its own",
                   "W1201 tests/c.sql:1:1 a query is wanted, found no statement in the file",
                   "W1102 tests/d.sql:1:8 the quoted identifier that begins here has no end, `\"` "
                   "is wanted"}));
}

}  // namespace
}  // namespace weir
