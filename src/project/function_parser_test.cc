// SPDX-License-Identifier: Apache-2.0

#include "weir/project/function_parser.h"

#include <gtest/gtest.h>

#include "weir/project/project_fixture.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;

Names ReportsOf(const std::string& sql) {
  Diagnostics diagnostics;
  std::set<std::string> broken;
  ParseFunctionFile({"functions/f.sql", sql}, broken, diagnostics);
  return Reports(diagnostics);
}

std::vector<UserFunctionDefinition> ParsedAll(const std::string& sql) {
  Diagnostics diagnostics;
  std::set<std::string> broken;
  auto functions = ParseFunctionFile({"functions/f.sql", sql}, broken, diagnostics);
  EXPECT_EQ(Reports(diagnostics), Names{});
  EXPECT_TRUE(broken.empty());
  return functions;
}

TEST(FunctionParser, TheWholeStatement) {
  const auto functions = ParsedAll(R"(-- money
CREATE OR REPLACE FUNCTION "Net" (gross DECIMAL(10, /* cents */ 2), "Rate" DOUBLE DEFAULT (0.1 + 0.09),
  tags STRUCT<a INT, b ARRAY<TEXT>> DEFAULT NULL)
RETURNS DECIMAL(12,2)
RETURN gross / -- the rate is of the net
  (1 + "Rate");
create function one() returns int return 1)");
  ASSERT_EQ(functions.size(), 2u);
  const UserFunctionDefinition& net = functions[0];
  EXPECT_EQ(net.name, "net");
  EXPECT_TRUE(net.replaces);
  ASSERT_EQ(net.parameters.size(), 3u);
  EXPECT_EQ(net.parameters[0].name, "gross");
  EXPECT_EQ(net.parameters[0].sql_type, "DECIMAL(10, 2)");
  EXPECT_TRUE(net.parameters[0].default_sql.empty());
  EXPECT_EQ(net.parameters[1].name, "Rate");
  EXPECT_EQ(net.parameters[1].default_text, "(0.1 + 0.09)");
  EXPECT_EQ(net.parameters[1].location.line, 2);
  EXPECT_EQ(net.parameters[1].location.column, 69);
  EXPECT_EQ(net.parameters[2].sql_type, "STRUCT<a INT, b ARRAY<TEXT>>");
  EXPECT_EQ(net.parameters[2].default_text, "NULL");
  EXPECT_EQ(net.return_type, "DECIMAL(12,2)");
  EXPECT_EQ(net.return_location.line, 4);
  EXPECT_EQ(net.return_location.column, 9);
  EXPECT_EQ(net.body_text, "gross / -- the rate is of the net\n  (1 + \"Rate\")");
  EXPECT_EQ(net.Syntax(), "net(gross[, Rate[, tags]])");
  EXPECT_TRUE(net.definition_sql.starts_with("CREATE OR REPLACE"));
  EXPECT_TRUE(net.definition_sql.ends_with("\"Rate\")"));
  EXPECT_EQ(functions[1].name, "one");
  EXPECT_TRUE(functions[1].parameters.empty());
  EXPECT_EQ(functions[1].Syntax(), "one()");
}

TEST(FunctionParser, ExpressionsStandWhereTheFileHasThem) {
  const auto functions =
      ParsedAll("CREATE FUNCTION f(a INT DEFAULT 1 < 2)\nRETURNS INT\n RETURN a + b");
  ASSERT_EQ(functions.size(), 1u);
  EXPECT_EQ(functions[0].body_sql, std::string(38, ' ') + "\n" + std::string(11, ' ') + "\n" +
                                       std::string(8, ' ') + "a + b");
  EXPECT_EQ(functions[0].parameters[0].default_sql, std::string(32, ' ') + "1 < 2");
}

TEST(FunctionParser, SaysWhatIsWantedAndWhere) {
  EXPECT_EQ(ReportsOf("CREATE VIEW f AS SELECT 1"),
            Names{"W1501 functions/f.sql:1:8 `FUNCTION` is wanted in a file of functions, found "
                  "`VIEW` | views go under views/, sources under sources/"});
  EXPECT_EQ(ReportsOf("\nSELECT 1"),
            Names{"W1501 functions/f.sql:2:1 `CREATE FUNCTION` is wanted in a file of functions, "
                  "found `SELECT` | views go under views/, sources under sources/"});
  EXPECT_EQ(ReportsOf("CREATE FUNCTION a.f(x INT) RETURNS INT RETURN x"),
            Names{"W1204 functions/f.sql:1:17 a function name without a schema is wanted, found "
                  "`a.f` | functions are not in schemas"});
  EXPECT_EQ(ReportsOf("CREATE FUNCTION f(x INT, y INT, x TEXT) RETURNS INT RETURN x"),
            Names{"W1503 functions/f.sql:1:33 the argument is named twice: `x`"});
  EXPECT_EQ(ReportsOf("CREATE FUNCTION f(x) RETURNS INT RETURN x"),
            Names{"W1101 functions/f.sql:1:20 the type of the argument `x` expected, found `)`"});
  EXPECT_EQ(ReportsOf("CREATE FUNCTION f(x INT) RETURN x"),
            Names{"W1101 functions/f.sql:1:26 `RETURNS` expected, found `RETURN`"});
  EXPECT_EQ(ReportsOf("CREATE FUNCTION f(x INT) RETURNS INT"),
            Names{"W1101 functions/f.sql:1:37 `RETURN` expected, found the end of the file"});
  EXPECT_EQ(ReportsOf("CREATE FUNCTION f(x INT) RETURNS INT RETURN ;"),
            Names{"W1101 functions/f.sql:1:45 an expression after `RETURN` expected, found `;`"});
  EXPECT_EQ(ReportsOf("CREATE FUNCTION f(x INT DEFAULT) RETURNS INT RETURN 1"),
            Names{"W1101 functions/f.sql:1:32 an expression after `DEFAULT` expected, found `)`"});
  EXPECT_EQ(ReportsOf("CREATE FUNCTION f(x INT) RETURNS INT LANGUAGE sql AS $$ x $$"),
            Names{"W1504 functions/f.sql:1:38 `RETURN` and one expression are wanted, found "
                  "`LANGUAGE` | a user function is an SQL expression over its arguments"});
}

TEST(FunctionParser, AnErrorLeavesTheOtherStatements) {
  Diagnostics diagnostics;
  std::set<std::string> broken;
  const auto functions = ParseFunctionFile(
      {"functions/f.sql",
       "CREATE FUNCTION bad(x) RETURNS INT RETURN x; CREATE FUNCTION good() RETURNS INT RETURN 1"},
      broken, diagnostics);
  ASSERT_EQ(functions.size(), 1u);
  EXPECT_EQ(functions[0].name, "good");
  EXPECT_EQ(broken, std::set<std::string>{"bad"});
  EXPECT_EQ(diagnostics.all().size(), 1u);
}

TEST(LoadProject, FunctionsOfAllFilesByName) {
  const LoadedProject loaded =
      Load({{"functions/b.sql", "CREATE FUNCTION z() RETURNS INT RETURN 1;"},
            {"functions/more/a.sql", "CREATE FUNCTION a() RETURNS INT RETURN 1;"},
            {"functions/z.sql", "CREATE FUNCTION \"A\"(x INT) RETURNS INT RETURN x;"}});
  ASSERT_EQ(loaded.project.functions.size(), 2u);
  EXPECT_EQ(loaded.project.functions[0].name, "a");
  EXPECT_EQ(loaded.project.functions[0].location.file, "functions/more/a.sql");
  EXPECT_EQ(loaded.project.functions[1].name, "z");
  EXPECT_EQ(loaded.reports,
            Names{"W1502 functions/z.sql:1:17 there are two functions of this name: `a` | the "
                  "other one is at functions/more/a.sql:1:17"});
}

}  // namespace
}  // namespace weir
