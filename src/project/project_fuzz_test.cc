// SPDX-License-Identifier: Apache-2.0
//
// Damages valid project files at random, always in the same way, and checks that loading survives
// and what must hold of any input.

#include <random>

#include <gtest/gtest.h>

#include "weir/project/initial_project.h"
#include "weir/project/project_fixture.h"
#include "weir/project/sql_lexer.h"
#include "weir/project/token_cursor.h"

namespace weir {
namespace {

using Files = std::map<std::string, std::string>;

Files ValidFiles() {
  Files files;
  const auto initial = InitialProject("csv", "fuzz");
  for (const TemplateFile& file : *initial) files[file.path] = file.contents;
  files["weir.toml"] +=
      "[profiles.a]\nextends='default'\nmemory_limit='4GB'\n[profiles.a.settings]\ndatafusion.x.y="
      "1\n"
      "[object_stores.\"s3://b\"]\nkey='${HOME}'\n";
  files["views/full.sql"] =
      "/* ä /* b */ */ CREATE OR REPLACE MATERIALIZED VIEW \"fü``ll\" (a COMMENT 'x''y', `b`, "
      "CONSTRAINT c EXPECT (a > (1)) ON VIOLATION "
      "DROP ROW)\r\nPARTITIONED BY (a) CLUSTER BY (b) COMMENT $$z$$ TBLPROPERTIES ('k'='v', l.m "
      "1e-5)\nAS -- q\nSELECT E'\\'', 2;\n";
  files["sources/full.sql"] =
      "CREATE UNBOUNDED EXTERNAL TABLE IF NOT EXISTS s (a DECIMAL(1,2) NOT NULL, b ARRAY<INT>) "
      "STORED AS DELTATABLE "
      "LOCATION 's3://x/y/' OPTIONS ('version' '3', aws_region=eu) ; CREATE EXTERNAL TABLE t "
      "STORED AS CSV LOCATION '€' "
      "PARTITIONED BY (y INT) WITH ORDER (y DESC) OPTIONS (format.delimiter '\\t');";
  files["functions/full.sql"] =
      "CREATE OR REPLACE FUNCTION \"f\" (a DECIMAL(1,2) DEFAULT (1 < 2), b STRUCT<c ARRAY<INT>>)\n"
      "RETURNS TEXT RETURN a || 'ä' ; CREATE FUNCTION g() RETURNS INT RETURN 1";
  return files;
}

std::string Damaged(std::string text, std::mt19937& random) {
  static const std::vector<std::string> pieces = {
      "'",  "\"", "`",  "(",    ")",      ";",      ",",    ".",        "$$", "/*", "*/",
      "--", "\n", "\\", "\xFF", "\xC3",   "ä",      "=",    " AS ",     "[",  "]",  "{",
      "}",  "E'", " (", "1e",   "CREATE", "SELECT", "VIEW", "OPTIONS(", "\r", "\t", "#"};
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % (n == 0 ? 1 : n)); };
  for (size_t edits = 1 + below(4); edits > 0; --edits) {
    const size_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        text.insert(at, pieces[below(pieces.size())]);
        break;
      case 1:
        text.erase(at, 1 + below(12));
        break;
      case 2:
        text.resize(at);
        break;
      default:
        text.insert(at, text.substr(below(text.size() + 1), below(30)));
    }
  }
  return text;
}

/// Where the first token is, as "line:column text".
std::string FirstToken(const std::string& sql) {
  const Token token = Lex(sql).tokens.front();
  return std::to_string(token.line) + ":" + std::to_string(token.column) + " " +
         std::string(token.text);
}

/// The tokens of `sql` which begin a query, as FirstToken shows them.
std::vector<std::string> QueryBeginnings(const std::string& sql) {
  std::vector<std::string> found;
  for (const Token& token : Lex(sql).tokens) {
    if (BeginsQuery(token))
      found.push_back(std::to_string(token.line) + ":" + std::to_string(token.column) + " " +
                      std::string(token.text));
  }
  return found;
}

TEST(ProjectFuzz, NoInputCrashesAndPositionsHold) {
  const Files valid = ValidFiles();
  std::vector<std::string> paths;
  for (const auto& [path, contents] : valid) paths.push_back(path);
  std::mt19937 random(20130101);
  size_t with_errors = 0, views_seen = 0;
  for (int round = 0; round < 3000; ++round) {
    Files files = valid;
    for (int i = 0; i < 3; ++i) {
      std::string& text = files[paths[random() % paths.size()]];
      text = Damaged(text, random);
    }
    const LoadedProject loaded = Load(files);
    with_errors += loaded.reports.empty() ? 0 : 1;
    for (const ViewDefinition& view : loaded.project.views) {
      if (!files.contains(view.file)) continue;
      std::string text = files[view.file];
      if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
      const auto beginnings = QueryBeginnings(text);
      EXPECT_NE(std::find(beginnings.begin(), beginnings.end(), FirstToken(view.query_sql)),
                beginnings.end())
          << "round " << round << "\n"
          << text << "\n"
          << view.query_sql;
      EXPECT_TRUE(TableNameProblem(view.name).empty());
      ++views_seen;
    }
  }
  EXPECT_GT(with_errors, 1000u);
  EXPECT_GT(views_seen, 1000u);
}

TEST(ProjectFuzz, AnyBytesCanBeCutIntoTokens) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random() % 3 == 0 ? random() % 256
                                              : " '\"`$/*-eE\\a1.;("[random() % 16]);
    size_t end = 0;
    for (const Token& token : Lex(bytes).tokens) {
      EXPECT_GE(token.offset, end);
      EXPECT_EQ(bytes.substr(token.offset, token.text.size()), token.text);
      end = token.end();
      if (token.kind == TokenKind::kString) StringValue(token);
      if (token.kind == TokenKind::kQuotedIdentifier || token.kind == TokenKind::kWord)
        IdentifierName(token);
    }
    EXPECT_LE(end, bytes.size());
  }
}

TEST(ProjectFuzz, DeepNestingIsNoProblem) {
  const std::string deep = "CREATE VIEW a (CONSTRAINT c EXPECT " + std::string(200000, '(');
  EXPECT_EQ(Load({{"views/a.sql", deep}}).reports.size(), 1u);
  EXPECT_EQ(
      Load({{"sources/a.sql", "CREATE EXTERNAL TABLE a (b " + std::string(200000, '<') + ")"}})
          .reports.size(),
      1u);
  EXPECT_EQ(Load({{"weir.toml", "a = " + std::string(200000, '[')}}).reports.size(), 1u);
}

}  // namespace
}  // namespace weir
