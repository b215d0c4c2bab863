// SPDX-License-Identifier: Apache-2.0

#include "weir/project/sql_lexer.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

/// "kind:text@line:column" of each token but the last.
std::vector<std::string> Shown(const std::string& sql) {
  const LexedText lexed = Lex(sql);
  EXPECT_FALSE(lexed.error.has_value());
  std::vector<std::string> shown;
  for (const Token& token : lexed.tokens) {
    if (token.kind == TokenKind::kEnd) break;
    constexpr char kKinds[] = {'w', 'q', 's', 'n', 'y'};
    shown.push_back(std::string(1, kKinds[static_cast<int>(token.kind)]) + ":" +
                    std::string(token.text) + "@" + std::to_string(token.line) + ":" +
                    std::to_string(token.column));
  }
  return shown;
}

using Tokens = std::vector<std::string>;

std::string ErrorOf(const std::string& sql) {
  const LexedText lexed = Lex(sql);
  if (!lexed.error) return "";
  return lexed.error->what + " " + lexed.error->wanted + " " + std::to_string(lexed.error->line) +
         ":" + std::to_string(lexed.error->column);
}

TEST(SqlLexer, FindsEveryKind) {
  EXPECT_EQ(
      Shown("a_1 \"B\" `c` 'd' 1.5e-3 ;"),
      (Tokens{"w:a_1@1:1", "q:\"B\"@1:5", "q:`c`@1:9", "s:'d'@1:13", "n:1.5e-3@1:17", "y:;@1:24"}));
}

TEST(SqlLexer, ColumnsCountCharactersAndLinesCountLineFeeds) {
  EXPECT_EQ(Shown("'äöü€' x\r\n\ty\rz\n\nw"),
            (Tokens{"s:'äöü€'@1:1", "w:x@1:8", "w:y@2:2", "w:z@2:4", "w:w@4:1"}));
}

TEST(SqlLexer, CommentsAreNoTokensAndNest) {
  EXPECT_EQ(Shown("a -- b ' \" /*\n/* c /* d */ e\n */f--"), (Tokens{"w:a@1:1", "w:f@3:4"}));
  EXPECT_EQ(Shown("a - -b / *c"), (Tokens{"w:a@1:1", "y:-@1:3", "y:-@1:5", "w:b@1:6", "y:/@1:8",
                                          "y:*@1:10", "w:c@1:11"}));
}

TEST(SqlLexer, QuotesAreDoubledInside) {
  EXPECT_EQ(Shown("'a''b;' \"c\"\"d\""), (Tokens{"s:'a''b;'@1:1", "q:\"c\"\"d\"@1:9"}));
  EXPECT_EQ(StringValue(Lex("'a''b'").tokens[0]), "a'b");
  EXPECT_EQ(StringValue(Lex("''").tokens[0]), "");
  EXPECT_EQ(IdentifierName(Lex("\"c\"\"D\"").tokens[0]), "c\"D");
  EXPECT_EQ(IdentifierName(Lex("CamelÄ").tokens[0]), "camelÄ");
}

TEST(SqlLexer, BackslashesEscapeOnlyInEStrings) {
  EXPECT_EQ(Shown("'a\\' e'b\\'c'"), (Tokens{"s:'a\\'@1:1", "s:e'b\\'c'@1:6"}));
  EXPECT_EQ(StringValue(Lex("E'a\\tb\\'c''d\\\\'").tokens[0]), "a\tb'c'd\\");
}

TEST(SqlLexer, DollarQuotes) {
  EXPECT_EQ(Shown("$$a;'b$$ $x$c$$d$x$ $1"),
            (Tokens{"s:$$a;'b$$@1:1", "s:$x$c$$d$x$@1:10", "y:$@1:21", "n:1@1:22"}));
  EXPECT_EQ(StringValue(Lex("$x$c$$d$x$").tokens[0]), "c$$d");
}

TEST(SqlLexer, WhatHasNoEndIsReportedWhereItBegins) {
  EXPECT_EQ(ErrorOf("a\n 'b"), "string ' 2:2");
  EXPECT_EQ(ErrorOf("a \"b''"), "quoted identifier \" 1:3");
  EXPECT_EQ(ErrorOf("`"), "quoted identifier ` 1:1");
  EXPECT_EQ(ErrorOf("/* /* */"), "comment */ 1:1");
  EXPECT_EQ(ErrorOf("/*/"), "comment */ 1:1");
  EXPECT_EQ(ErrorOf("é $t$ $T$"), "string $t$ 1:3");
  EXPECT_EQ(ErrorOf("E'\\'"), "string ' 1:1");
}

TEST(SqlLexer, BlankingKeepsPositions) {
  const std::string sql = "/* ä\t'x' */\r\nCREATE VIEW é AS SELECT 1;";
  const size_t begin = sql.find("SELECT");
  const std::string blanked = BlankBefore(sql, begin, sql.size() - 1);
  EXPECT_EQ(blanked, "    \t      \r\n                 SELECT 1");
  EXPECT_EQ(Shown(blanked), (Tokens{"w:SELECT@2:18", "n:1@2:25"}));
}

}  // namespace
}  // namespace weir
