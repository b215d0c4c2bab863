// SPDX-License-Identifier: Apache-2.0

#include "weir/project/unit_test_parser.h"

#include <gtest/gtest.h>

#include "weir/project/project_fixture.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;

/// The tests of the file tests/late.sql, and what is reported about it.
std::pair<std::vector<UnitTestDefinition>, Names> Parse(const std::string& sql) {
  Diagnostics diagnostics;
  auto tests = ParseUnitTestFile({"tests/late.sql", sql}, diagnostics);
  return {std::move(tests), Reports(diagnostics)};
}

Names ReportsOf(const std::string& sql) { return Parse(sql).second; }

/// "1:5 'a' | 1:10 NULL".
std::string Cells(const GivenRows& rows) {
  std::string text;
  for (const GivenRows::Row& row : rows.rows) {
    for (const GivenCell& cell : row.cells) {
      text +=
          fmt::format("{}:{} {}{}", cell.location.line, cell.location.column,
                      cell.is_null ? "NULL" : cell.text, &cell == &row.cells.back() ? "" : " | ");
    }
    text += '\n';
  }
  return text;
}

Names ColumnsOf(const GivenRows& rows) {
  Names names;
  for (const LocatedName& column : rows.columns) names.push_back(column.name);
  return names;
}

constexpr char kWhole[] =
    "-- fifteen minutes\n"
    "TEST from_15_minutes OF VIEW Late_Flights\n"
    "GIVEN flights (flight, \"Delay\") AS VALUES\n"
    "  ('a', 10), (upper('b, c'), [1, 2][1] + (3))\n"
    "GIVEN carriers NO ROWS\n"
    "GIVEN planes CSV '\n"
    "  id , name\n"
    "\n"
    "  1, \"a, \"\"b\"\"\"\n"
    "  2, \n"
    "'\n"
    "EXPECT (flight) VALUES ('b');\n"
    "TEST OF VIEW other EXPECT NO ROWS\n";

TEST(UnitTestParser, TheWholeForm) {
  const auto [tests, reports] = Parse(kWhole);
  EXPECT_EQ(reports, Names{});
  ASSERT_EQ(tests.size(), 2u);
  const UnitTestDefinition& test = tests[0];
  EXPECT_EQ(test.name, "from_15_minutes");
  EXPECT_EQ(test.file, "tests/late.sql");
  EXPECT_EQ(test.view.name, "late_flights");
  EXPECT_EQ(test.view.location, (SourceLocation{"tests/late.sql", 2, 30}));
  EXPECT_EQ(test.location, (SourceLocation{"tests/late.sql", 2, 1}));
  ASSERT_EQ(test.given.size(), 3u);
  EXPECT_EQ(test.given[0].table.name, "flights");
  EXPECT_EQ(ColumnsOf(test.given[0]), (Names{"flight", "Delay"}));
  EXPECT_EQ(Cells(test.given[0]), "4:4 'a' | 4:9 10\n4:15 upper('b, c') | 4:30 [1, 2][1] + (3)\n");
  EXPECT_EQ(test.given[1].table.name, "carriers");
  EXPECT_TRUE(test.given[1].rows.empty());
  EXPECT_EQ(ColumnsOf(test.given[2]), (Names{"id", "name"}));
  EXPECT_EQ(Cells(test.given[2]), "9:3 1 | 9:6 a, \"b\"\n10:3 2 | 10:6 NULL\n");
  EXPECT_EQ(Cells(test.expected), "12:25 'b'\n");
  EXPECT_EQ(tests[1].name, "late") << "the file's";
  EXPECT_TRUE(tests[1].given.empty());
}

TEST(UnitTestParser, FilesOfUnitTestsAreToldFromQueries) {
  EXPECT_TRUE(HoldsUnitTests({"tests/a.sql", "-- about\n ; test OF VIEW a"}));
  EXPECT_FALSE(HoldsUnitTests({"tests/a.sql", "SELECT 1"}));
  EXPECT_FALSE(HoldsUnitTests({"tests/a.sql", ""}));
}

TEST(UnitTestParser, SyntaxErrorsSayWhatWasExpectedAndFound) {
  EXPECT_EQ(ReportsOf("TEST OF late"),
            Names{"W1101 tests/late.sql:1:9 `VIEW` expected, found `late`"});
  EXPECT_EQ(ReportsOf("TEST OF VIEW v GIVEN a SELECT 1"),
            Names{"W1101 tests/late.sql:1:24 `VALUES`, `CSV` or `NO ROWS` expected, found "
                  "`SELECT`"});
  EXPECT_EQ(ReportsOf("TEST OF VIEW v GIVEN a VALUES (1, ) EXPECT NO ROWS"),
            Names{"W1101 tests/late.sql:1:35 a value expected, found `)`"});
  EXPECT_EQ(ReportsOf("TEST OF VIEW v GIVEN a VALUES (1"),
            Names{"W1101 tests/late.sql:1:33 `)` expected, found the end of the file"});
  EXPECT_EQ(ReportsOf("TEST OF VIEW v EXPECT NO ROWS EXPECT NO ROWS"),
            Names{"W1101 tests/late.sql:1:31 `;` or the end of the file expected, found `EXPECT`"});
  EXPECT_EQ(ReportsOf("TEST OF VIEW v EXPECT (a) CSV 'a'"),
            Names{"W1406 tests/late.sql:1:27 the columns are wanted in the first line of the CSV, "
                  "found a list before it"});
}

TEST(UnitTestParser, ATestWithoutExpectSaysNothing) {
  EXPECT_EQ(ReportsOf("TEST t OF VIEW v GIVEN a NO ROWS"),
            Names{"W1403 tests/late.sql:1:1 the test says nothing about the result: `t` | end it "
                  "with EXPECT (column, …) VALUES (…), …, or with EXPECT NO ROWS"});
}

TEST(UnitTestParser, EveryRowHasAsManyValuesAsColumns) {
  EXPECT_EQ(ReportsOf("TEST OF VIEW v GIVEN a (x, y) VALUES (1, 2), (3),\n (4, 5, 6)\n"
                      "EXPECT VALUES (1), (2, 3)"),
            (Names{"W1405 tests/late.sql:1:46 2 values a row are wanted, found 1",
                   "W1405 tests/late.sql:2:2 2 values a row are wanted, found 3",
                   "W1405 tests/late.sql:3:20 1 value a row are wanted, found 2"}));
  EXPECT_EQ(ReportsOf("TEST OF VIEW v GIVEN a CSV $$x,y\n1$$ EXPECT NO ROWS"),
            Names{"W1405 tests/late.sql:2:1 2 values a row are wanted, found 1"});
}

TEST(UnitTestParser, ATableIsGivenOnce) {
  EXPECT_EQ(ReportsOf("TEST OF VIEW v GIVEN a NO ROWS GIVEN A NO ROWS EXPECT NO ROWS"),
            Names{"W1404 tests/late.sql:1:38 the test gives rows of a table twice: `a`"});
}

TEST(UnitTestParser, CsvHasAHeaderAndItsQuotesAnEnd) {
  EXPECT_EQ(ReportsOf("TEST OF VIEW v EXPECT CSV ' '"),
            Names{"W1406 tests/late.sql:1:28 a line with the names of columns is wanted in the "
                  "CSV"});
  EXPECT_EQ(ReportsOf("TEST OF VIEW v EXPECT CSV 'a,b\n1,\"x'"),
            Names{"W1406 tests/late.sql:2:3 a quoted CSV field ends with `\"` before `,` or the "
                  "line's end"});
}

TEST(UnitTestParser, OneBrokenTestDoesNotHideTheNext) {
  const auto [tests, reports] =
      Parse("TEST a OF v EXPECT NO ROWS; TEST b OF VIEW v EXPECT NO ROWS");
  EXPECT_EQ(reports.size(), 1u);
  ASSERT_EQ(tests.size(), 1u);
  EXPECT_EQ(tests[0].name, "b");
}

}  // namespace
}  // namespace weir
