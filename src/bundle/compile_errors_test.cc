// SPDX-License-Identifier: Apache-2.0
//
// What is reported of projects that do not compile, and where.

#include <gtest/gtest.h>

#include "weir/bundle/compiled_testing.h"
#include "weir/bundle/plan_failure.h"

namespace weir {
namespace {

TEST(CompileErrors, AnUnknownColumnIsNamedAtItsPlace) {
  const Compiled project =
      Compiled::Of({{"views/v.sql", "-- about\nSELECT id,\n  nam\nFROM items"}});
  EXPECT_EQ(project.Reports(), Texts{"W2002 views/v.sql:3:3"});
  EXPECT_NE(project.First().message.find("nam"), std::string::npos) << project.First().message;
  EXPECT_NE(project.First().hint.find("`name`"), std::string::npos) << project.First().hint;
  EXPECT_EQ(project.First().view_name, "v");
  EXPECT_EQ(project.views().failed, std::set<std::string>{"v"});
}

/// Listing columns must not move the places in the user's text, wherever the query begins.
TEST(CompileErrors, PlacesStayWhereTheDdlListsColumns) {
  struct Case {
    std::string sql, place;
  };
  const std::vector<Case> cases = {
      {"CREATE MATERIALIZED VIEW v (a, b) AS SELECT id, nam FROM items", "1:49"},
      {"CREATE MATERIALIZED VIEW v (a, b) AS\nSELECT id, nam FROM items", "2:12"},
      {"CREATE MATERIALIZED VIEW v (a, b) AS\n\n\n  SELECT id,\n nam FROM items", "5:2"},
      {"CREATE\nVIEW\nv\n(a,\nb)\nAS\nSELECT id, nam FROM items", "7:12"},
      {"CREATE MATERIALIZED VIEW v (a, b) AS\n                         SELECT id, nam FROM items",
       "2:37"},
      {"CREATE MATERIALIZED VIEW v (a COMMENT 'é', b) AS SELECT id, nam FROM items", "1:61"},
      {"CREATE MATERIALIZED VIEW v COMMENT 'é' AS SELECT id, nam FROM items", "1:54"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(Compiled::Of({{"views/v.sql", one.sql}}).Reports(),
              Texts{"W2002 views/v.sql:" + one.place})
        << one.sql;
  }
}

TEST(CompileErrors, AnUnknownTableIsNamedAtItsPlace) {
  const Compiled project = Compiled::Of({{"views/v.sql", "SELECT id\nFROM itens"}});
  EXPECT_EQ(project.Reports(), Texts{"W2001 views/v.sql:2:6"});
  EXPECT_EQ(project.First().message, "there is no source or view named `itens`");
  EXPECT_NE(project.First().hint.find("`items`"), std::string::npos) << project.First().hint;
}

TEST(CompileErrors, EveryProblemIsReportedAtOnceAndReadersOnlyOnce) {
  const Compiled project =
      Compiled::Of({{"views/a.sql", "SELECT nam FROM items"},
                    {"views/b.sql", "SELECT id FROM nowhere"},
                    {"views/c.sql", "SELECT * FROM a"},
                    {"views/d.sql", "SELECT id FROM items WHERE WHERE id = 1"},
                    {"views/e.sql", "SELECT no_such_function(id) AS x FROM items"},
                    {"views/f.sql", "CREATE VIEW f AS SELECT * FROM c"},
                    {"views/good.sql", "SELECT id FROM items"}});
  EXPECT_EQ(project.Reports(), (Texts{"W2002 views/a.sql:1:8", "W2001 views/b.sql:1:16",
                                      "W2004 views/d.sql:1:34", "W2003 views/e.sql:1:8"}));
  EXPECT_EQ(project.views().failed, (std::set<std::string>{"a", "b", "c", "d", "e", "f"}));
  EXPECT_EQ(project.views().bundles().size(), 1U);
}

TEST(CompileErrors, ACircleIsPrintedAndItsReadersAreLeftOut) {
  const Compiled project =
      Compiled::Of({{"views/a.sql", "SELECT id FROM b"},
                    {"views/b.sql", "SELECT id FROM c"},
                    {"views/c.sql", "SELECT id FROM items UNION ALL SELECT id FROM a"},
                    {"views/reader.sql", "SELECT id FROM c"},
                    {"views/apart.sql", "SELECT id FROM items"}});
  ASSERT_EQ(project.Reports(), Texts{"W2009 views/a.sql:1:1"});
  EXPECT_NE(project.First().message.find("a → b → c → a"), std::string::npos)
      << project.First().message;
  EXPECT_EQ(project.views().failed, (std::set<std::string>{"a", "b", "c", "reader"}));
  EXPECT_EQ(project.views().bundles().size(), 1U);
}

TEST(CompileErrors, AViewThatReadsItselfIsACircle) {
  const Compiled project =
      Compiled::Of({{"views/snake.sql", "SELECT id FROM snake"},
                    {"views/eel.sql", "CREATE VIEW eel AS SELECT id FROM eel"}});
  EXPECT_EQ(project.Reports(), (Texts{"W2009 views/eel.sql:1:1", "W2009 views/snake.sql:1:1"}));
}

TEST(CompileErrors, ColumnsThatCannotBeStored) {
  struct Case {
    std::string sql, text;
  };
  const std::vector<Case> cases = {
      {"SELECT id, INTERVAL '1 day' AS length FROM items", "`length`"},
      {"SELECT CAST('10:00' AS TIME) AS clock", "`clock`"},
      {"SELECT [CAST('10:00' AS TIME)] AS clocks", "`clocks`"},
      {"SELECT id, name AS \"I D\" FROM items", "`I D`"},
      {"SELECT id, name AS \"ID\" FROM items", "`ID`"},
      {"SELECT id, id FROM items", "id`"},
      {"SELECT id, name AS \"\" FROM items", "``"},
      {"SELECT named_struct('a b', id) AS s FROM items", "`a b`"},
      {"SELECT [named_struct('a', id, 'A', id)] AS s FROM items", "of `s` have the name `A`"},
      {"SELECT arrow_cast(id, 'Decimal128(10, -2)') AS d FROM items", "`d`"},
      {"SELECT count(*) FROM items", "`count(*)`"},
      {"SELECT a.id, b.id FROM items a JOIN items b ON a.id = b.id", "`id`"},
  };
  for (const Case& one : cases) {
    const Compiled project = Compiled::Of({{"views/v.sql", one.sql}});
    ASSERT_EQ(project.Reports().size(), 1U) << one.sql << testing::PrintToString(project.Reports());
    EXPECT_EQ(project.First().code, "W2007") << one.sql << "\n" << project.First().message;
    EXPECT_NE(project.First().message.find(one.text), std::string::npos) << one.sql << "\n"
                                                                         << project.First().message;
    EXPECT_FALSE(project.First().hint.empty()) << one.sql;
    EXPECT_TRUE(project.views().failed.contains("v"));
  }
}

TEST(CompileErrors, APartitionColumnMustBeAColumn) {
  const Compiled project = Compiled::Of(
      {{"views/v.sql",
        "CREATE MATERIALIZED VIEW v PARTITIONED BY (nane) AS SELECT id, name FROM items"}});
  EXPECT_EQ(project.Reports(), Texts{"W2008 views/v.sql:1:44"});
  EXPECT_NE(project.First().hint.find("`name`"), std::string::npos) << project.First().hint;
}

TEST(CompileErrors, APartitionColumnIsNeitherNestedNorBinaryAndLeavesOneColumn) {
  const std::string head = "CREATE MATERIALIZED VIEW v\nPARTITIONED BY (id, x) AS SELECT id, ";
  for (const std::string x : {"[id] AS x, name", "named_struct('a', id) AS x, name",
                              "map([name], [id]) AS x, name", "X'FF' AS x, name", "name AS x"}) {
    const Compiled project = Compiled::Of({{"views/v.sql", head + x + " FROM items"}});
    EXPECT_EQ(project.Reports(), Texts{"W2011 views/v.sql:2:21"}) << x;
  }
}

TEST(CompileErrors, AViewReadsSourcesAndViewsOnly) {
  const Compiled project =
      Compiled::Of({{"views/v.sql", "SELECT table_name FROM information_schema.tables"}});
  ASSERT_EQ(project.Reports().size(), 1U);
  EXPECT_EQ(project.First().code, "W2006") << project.First().message;
}

TEST(CompileErrors, AReferenceOutOfALateralItemThatStaysIsRefusedAtItsPlace) {
  const Compiled project =
      Compiled::Of({{"views/lateral.sql",
                     "SELECT i.name, t.x\nFROM items i\n"
                     "CROSS JOIN LATERAL (WITH RECURSIVE r(x) AS (SELECT i.id UNION ALL "
                     "SELECT x + 1 FROM r WHERE x < 5) SELECT x FROM r) t"}});
  EXPECT_EQ(project.Reports(), Texts{"W2006 views/lateral.sql:3:26"});
  EXPECT_NE(project.First().message.find("WITH RECURSIVE"), std::string::npos)
      << project.First().message;
}

TEST(CompileErrors, ALimitThatIsNoNumberIsRefused) {
  const Compiled project =
      Compiled::Of({{"views/few.sql", "SELECT id FROM items LIMIT (SELECT 1)"}});
  EXPECT_EQ(project.Reports(), Texts{"W2006 views/few.sql:1:1"});
  EXPECT_NE(project.First().message.find("LIMIT"), std::string::npos) << project.First().message;
}

TEST(CompileErrors, AStatementThatIsNoQueryNeverReachesTheEngine) {
  for (const char* sql : {"DROP TABLE items", "INSERT INTO items VALUES (1)", "EXPLAIN SELECT 1",
                          "SET datafusion.execution.batch_size = 1"}) {
    const Compiled project = Compiled::Of({{"views/v.sql", sql}});
    ASSERT_FALSE(project.Reports().empty()) << sql;
    EXPECT_EQ(project.First().location.file, "views/v.sql") << sql;
    EXPECT_TRUE(project.views().bundles().empty()) << sql;
  }
}

TEST(MissingTable, IsNamedAsTheUserWouldWriteIt) {
  EXPECT_EQ(MissingTable("table 'datafusion.public.flihgts' not found"), "flihgts");
  EXPECT_EQ(MissingTable("Error during planning: table 'datafusion.other.t' not found"), "other.t");
  EXPECT_EQ(MissingTable("No field named x"), "");
  EXPECT_EQ(MissingTable("' not found table '"), "");
  EXPECT_EQ(MissingTable(""), "");
}

}  // namespace
}  // namespace weir
