// SPDX-License-Identifier: Apache-2.0

#include "weir/project/unit_test_parser.h"

#include <optional>
#include <set>

#include <fmt/format.h>

#include "weir/project/csv_rows.h"

namespace weir {

namespace {

class UnitTestParser {
 public:
  UnitTestParser(const SqlFile& file, Diagnostics& diagnostics)
      : diagnostics_(diagnostics), cursor_(file, diagnostics) {}

  std::vector<UnitTestDefinition> Parse() {
    std::vector<UnitTestDefinition> tests;
    while (!cursor_.failed()) {
      while (cursor_.TrySymbol(';')) {
      }
      if (cursor_.at_end()) break;
      std::optional<UnitTestDefinition> test = ParseTest();
      if (test) tests.push_back(*std::move(test));
      if (cursor_.failed()) cursor_.SkipStatement();
      cursor_.ClearFailed();
    }
    return tests;
  }

 private:
  std::optional<UnitTestDefinition> ParseTest() {
    UnitTestDefinition test;
    broken_ = false;
    const Token first = cursor_.Peek();
    test.file = cursor_.file().path;
    test.dialect = cursor_.file().dialect->name;
    test.location = cursor_.LocationOf(first);
    test.name = NameOfFile(test.file);
    if (!cursor_.ExpectKeyword("TEST")) return std::nullopt;
    if (!cursor_.Peek().IsKeyword("OF") || cursor_.Peek(1).IsKeyword("OF")) {
      const auto name = cursor_.ExpectIdentifier("a test's name or `OF VIEW`");
      if (!name) return std::nullopt;
      test.name = *name;
    }
    if (!cursor_.ExpectKeyword("OF") || !cursor_.ExpectKeyword("VIEW")) return std::nullopt;
    if (!ParseName("a view's name", test.view)) return std::nullopt;
    while (cursor_.Peek().IsKeyword("GIVEN")) {
      if (!ParseGiven(test)) return std::nullopt;
    }
    if (!ParseExpect(first, test)) return std::nullopt;
    if (!cursor_.at_statement_end()) {
      cursor_.FailSyntax("`;` or the end of the file");
      return std::nullopt;
    }
    if (cursor_.failed() || broken_) return std::nullopt;
    return test;
  }

  bool ParseName(std::string_view wanted, LocatedName& into) {
    const Token token = cursor_.Peek();
    const auto name = cursor_.ExpectTableName(wanted);
    if (!name) return false;
    into = {*name, cursor_.LocationOf(token)};
    return true;
  }

  bool ParseGiven(UnitTestDefinition& test) {
    cursor_.Next();
    const Token token = cursor_.Peek();
    GivenRows given;
    if (!ParseName("the name of a table that the view reads", given.table)) return false;
    for (const GivenRows& other : test.given) {
      if (other.table.name != given.table.name) continue;
      return cursor_.Fail(
          "W1404", token,
          fmt::format("the test gives rows of a table twice: `{}`", given.table.name));
    }
    if (!ParseRows(given)) return false;
    test.given.push_back(std::move(given));
    return true;
  }

  bool ParseExpect(const Token& first, UnitTestDefinition& test) {
    const Token token = cursor_.Peek();
    if (!token.IsKeyword("EXPECT")) {
      if (!cursor_.at_statement_end()) return cursor_.FailSyntax("`GIVEN` or `EXPECT`");
      return cursor_.Fail("W1403", first,
                          fmt::format("the test says nothing about the result: `{}`", test.name),
                          "end it with EXPECT (column, …) VALUES (…), …, or with EXPECT NO ROWS");
    }
    cursor_.Next();
    test.expected.table.location = cursor_.LocationOf(token);
    return ParseRows(test.expected);
  }

  /// [(column, …)] [AS] VALUES … | CSV … | NO ROWS
  bool ParseRows(GivenRows& rows) {
    if (cursor_.Peek().IsSymbol('(')) {
      const auto names = cursor_.ExpectNameList("a column name");
      if (!names) return false;
      for (const Token& name : *names)
        rows.columns.push_back({IdentifierName(name), cursor_.LocationOf(name)});
    }
    if (cursor_.TryKeywords({"NO", "ROWS"})) return true;
    cursor_.TryKeyword("AS");
    const Token clause = cursor_.Peek();
    if (cursor_.TryKeyword("VALUES")) return ParseValues(rows);
    if (!cursor_.TryKeyword("CSV")) return cursor_.FailSyntax("`VALUES`, `CSV` or `NO ROWS`");
    if (!rows.columns.empty()) {
      return cursor_.Fail(
          "W1406", clause,
          "the columns are wanted in the first line of the CSV, found a list before "
          "it");
    }
    return ParseCsv(rows);
  }

  bool ParseValues(GivenRows& rows) {
    do {
      GivenRows::Row row;
      row.location = cursor_.LocationOf(cursor_.Peek());
      if (!ParseRow(row)) return false;
      const size_t wanted = !rows.columns.empty() ? rows.columns.size()
                            : !rows.rows.empty()  ? rows.rows[0].cells.size()
                                                  : row.cells.size();
      if (row.cells.size() != wanted) {
        FailArity(row, wanted);
      } else {
        rows.rows.push_back(std::move(row));
      }
    } while (cursor_.TrySymbol(','));
    return true;
  }

  /// ( expression, … ): cut at the commas that stand in no brackets.
  bool ParseRow(GivenRows::Row& row) {
    if (!cursor_.ExpectSymbol('(')) return false;
    while (true) {
      const Token begin = cursor_.Peek();
      int depth = 0;
      while (depth > 0 || (!cursor_.Peek().IsSymbol(',') && !cursor_.Peek().IsSymbol(')'))) {
        if (cursor_.at_statement_end()) return cursor_.FailSyntax("`)`");
        const Token& token = cursor_.Next();
        for (const char open : {'(', '[', '{'}) depth += token.IsSymbol(open) ? 1 : 0;
        for (const char close : {')', ']', '}'}) depth -= token.IsSymbol(close) ? 1 : 0;
      }
      const Token end = cursor_.Peek();
      if (end.offset == begin.offset) return cursor_.FailSyntax("a value");
      const size_t length = cursor_.Last().end() - begin.offset;
      row.cells.push_back({.text = std::string(cursor_.text().substr(begin.offset, length)),
                           .is_csv = false,
                           .is_null = false,
                           .location = cursor_.LocationOf(begin)});
      cursor_.Next();
      if (end.IsSymbol(')')) return true;
    }
  }

  void FailArity(const GivenRows::Row& row, size_t wanted) {
    diagnostics_.Add({.code = "W1405",
                      .message = fmt::format("{} value{} a row are wanted, found {}", wanted,
                                             wanted == 1 ? "" : "s", row.cells.size()),
                      .location = row.location});
    // What follows is read on, so that other rows and tests are looked at too.
    broken_ = true;
  }

  bool ParseCsv(GivenRows& rows) {
    const Token token = cursor_.Peek();
    const auto text = cursor_.ExpectString("CSV in quotes");
    if (!text) return false;
    SourceLocation begin = cursor_.LocationOf(token);
    // What stands before the text: `'`, `E'` or `$tag$`.
    begin.column += static_cast<int>(token.text[0] == '$' ? token.text.find('$', 1) + 1
                                                          : token.text.find('\'') + 1);
    Diagnostics found;
    const bool parsed = ParseCsvRows(*text, begin, rows, found);
    for (const Diagnostic& diagnostic : found.all()) diagnostics_.Add(diagnostic);
    if (!parsed) {
      broken_ = true;
      return true;
    }
    for (const GivenRows::Row& row : rows.rows) {
      if (row.cells.size() != rows.columns.size()) FailArity(row, rows.columns.size());
    }
    return true;
  }

  Diagnostics& diagnostics_;
  TokenCursor cursor_;
  bool broken_ = false;  ///< rows of the test here were reported
};

}  // namespace

bool HoldsUnitTests(const SqlFile& file) {
  Diagnostics ignored;
  TokenCursor cursor(file, ignored);
  while (cursor.TrySymbol(';')) {
  }
  return cursor.Peek().IsKeyword("TEST");
}

std::vector<UnitTestDefinition> ParseUnitTestFile(const SqlFile& file, Diagnostics& diagnostics) {
  return UnitTestParser(file, diagnostics).Parse();
}

}  // namespace weir
