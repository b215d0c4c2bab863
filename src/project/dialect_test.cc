// SPDX-License-Identifier: Apache-2.0

#include "weir/project/dialect.h"

#include <gtest/gtest.h>

#include "weir/project/project_fixture.h"
#include "weir/project/sql_lexer.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;

/// The tokens of `sql` as texts.
Names Texts(const std::string& sql, std::string_view dialect) {
  Names texts;
  for (const Token& token : Lex(sql, *FindDialect(dialect)).tokens) {
    if (token.kind != TokenKind::kEnd) texts.emplace_back(token.text);
  }
  return texts;
}

TEST(Dialect, IsFoundInAnyCaseAndByItsAlias) {
  EXPECT_EQ(FindDialect("DuckDB")->name, "duckdb");
  EXPECT_EQ(FindDialect("postgres")->name, "postgresql");
  EXPECT_EQ(FindDialect("SparkSQL")->name, "spark");
  EXPECT_EQ(FindDialect(""), nullptr);
  EXPECT_EQ(FindDialect("oracle"), nullptr);
  EXPECT_EQ(GenericDialect().name, "generic");
}

TEST(Dialect, AnUnknownOneIsAnsweredWithNearOnesOrAll) {
  EXPECT_EQ(DialectHint("duckdv"), "did you mean `duckdb`?");
  EXPECT_NE(DialectHint("cobol").find("`ansi`, `bigquery`"), std::string::npos);
}

TEST(Dialect, QuotesNamesInItsOwnWay) {
  EXPECT_EQ(QuoteIdentifier("a\"b", GenericDialect()), "\"a\"\"b\"");
  EXPECT_EQ(QuoteIdentifier("a`b", *FindDialect("bigquery")), "`a``b`");
  EXPECT_EQ(QuoteIdentifier("a", *FindDialect("mssql")), "\"a\"");
}

TEST(DialectComment, StandsAmongTheCommentsAtTheTop) {
  const auto found =
      FindDialectComment("\n/* licence */\n-- a view\n  --  Dialect :  MySQL  \nSELECT 1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "MySQL");
  EXPECT_EQ(found->line, 4);
  EXPECT_EQ(found->column, 18);
  EXPECT_FALSE(FindDialectComment("SELECT 1 -- dialect: mysql"));
  EXPECT_FALSE(FindDialectComment("-- the dialect: mysql"));
  EXPECT_FALSE(FindDialectComment("-- dialectic: mysql"));
  EXPECT_FALSE(FindDialectComment("/* dialect: mysql */ SELECT 1"));
  EXPECT_EQ(FindDialectComment("-- dialect:")->name, "");
  EXPECT_EQ(FindDialectComment("-- dialect: duckdb\r\nSELECT 1")->name, "duckdb");
}

TEST(DialectLexer, DoubleQuotesAreNamesOrStrings) {
  for (const std::string& name : DialectNames()) {
    const bool is_string =
        name == "mysql" || name == "bigquery" || name == "databricks" || name == "spark";
    const Token token = Lex("\"a;b\"", *FindDialect(name)).tokens[0];
    EXPECT_EQ(token.kind, is_string ? TokenKind::kString : TokenKind::kQuotedIdentifier) << name;
    EXPECT_EQ(is_string ? StringValue(token) : IdentifierName(token), "a;b") << name;
  }
}

TEST(DialectLexer, BracketsAreNamesOrSymbols) {
  EXPECT_EQ(Texts("[a ]] b] c[1]", "mssql"), (Names{"[a ]] b]", "c", "[1]"}));
  EXPECT_EQ(Texts("[a;b]", "sqlite"), Names{"[a;b]"});
  EXPECT_EQ(Texts("[a] b[1]", "redshift"), (Names{"[a]", "b", "[", "1", "]"}));
  EXPECT_EQ(Texts("a[b]", "duckdb"), (Names{"a", "[", "b", "]"}));
  EXPECT_EQ(IdentifierName(Lex("[a ]] b]", *FindDialect("mssql")).tokens[0]), "a ] b");
}

TEST(DialectLexer, BackslashesEscapeOrNot) {
  for (const char* name : {"mysql", "bigquery", "snowflake", "clickhouse", "redshift"}) {
    const LexedText lexed = Lex(R"('it\'s; so' ;)", *FindDialect(name));
    ASSERT_EQ(lexed.tokens.size(), 3U) << name;
    EXPECT_EQ(StringValue(lexed.tokens[0]), "it's; so") << name;
  }
  for (const char* name : {"generic", "postgresql", "duckdb", "sqlite", "ansi", "mssql", "hive"})
    EXPECT_EQ(Texts(R"('it\' s)", name), (Names{R"('it\')", "s"})) << name;
  EXPECT_EQ(Texts(R"(E'a\'b')", "postgresql"), Names{R"(E'a\'b')"});
  EXPECT_EQ(Texts(R"(E'a\' b)", "duckdb"), (Names{"E", R"('a\')", "b"}));
}

TEST(DialectLexer, ThreeQuotesHoldQuotes) {
  const LexedText lexed = Lex(R"('''a ' ;"b''' """c""d""" 'e')", *FindDialect("bigquery"));
  ASSERT_EQ(lexed.tokens.size(), 4U);
  EXPECT_EQ(StringValue(lexed.tokens[0]), "a ' ;\"b");
  EXPECT_EQ(StringValue(lexed.tokens[1]), "c\"\"d");
  EXPECT_EQ(StringValue(lexed.tokens[2]), "e");
  EXPECT_EQ(Texts(R"(r'\d\' x)", "bigquery"), (Names{"r", R"('\d\')", "x"}));
  EXPECT_EQ(StringValue(Lex("''''''", *FindDialect("duckdb")).tokens[0]), "''");
  EXPECT_EQ(Lex("'''a", *FindDialect("bigquery")).error->wanted, "'''");
}

TEST(DialectLexer, CommentsBeginAndNestAsTheDialectHasThem) {
  EXPECT_EQ(Texts("a # b\nc", "mysql"), (Names{"a", "c"}));
  EXPECT_EQ(Texts("a#b\nc", "bigquery"), (Names{"a", "c"}));
  EXPECT_EQ(Texts("a // b\nc", "snowflake"), (Names{"a", "c"}));
  EXPECT_EQ(Texts("a // b", "duckdb"), (Names{"a", "/", "/", "b"}));
  EXPECT_EQ(Texts("1--1", "mysql"), (Names{"1", "-", "-", "1"}));
  EXPECT_EQ(Texts("1--1", "duckdb"), Names{"1"});
  EXPECT_EQ(Texts("/* /* */ a */", "duckdb"), (Names{"a", "*", "/"}));
  EXPECT_EQ(Texts("/* /* */ a */ b", "postgresql"), Names{"b"});
}

TEST(DialectLexer, DollarsQuoteOrNot) {
  EXPECT_EQ(Texts("$$a;b$$", "snowflake"), Names{"$$a;b$$"});
  EXPECT_EQ(Texts("$a$", "sqlite").size(), 2U);
}

TEST(DialectOfAProject, HoldsForFilesThatNameNone) {
  const LoadedProject loaded = Load(
      {{"weir.toml", "[project]\ndialect = \"mysql\"\n"},
       {"views/a.sql", "CREATE VIEW `a b` (`x``y` COMMENT \"it's; \\\"so\\\"\") AS SELECT 1;\n"},
       {"views/b.sql", "-- dialect: postgres\nSELECT 1 AS \"a;b\""},
       {"views/c.sql", "# a; b\nSELECT \"a;b\""},
       {"sources/s.sql", "# here\nCREATE EXTERNAL TABLE `s;s` STORED AS CSV LOCATION \"a;b\""},
       {"tests/t.sql", "-- dialect: SQLite\nSELECT 1 AS [a;b]"}});
  EXPECT_EQ(loaded.reports, Names{});
  ASSERT_EQ(loaded.project.views.size(), 4U);
  const ViewDefinition& view = loaded.project.views[0];
  EXPECT_EQ(view.name, "a b");
  EXPECT_EQ(view.dialect, "mysql");
  EXPECT_EQ(view.column_names, Names{"x`y"});
  EXPECT_EQ(view.column_comments.at("x`y"), "it's; \"so\"");
  EXPECT_EQ(loaded.project.views[1].dialect, "postgresql");
  EXPECT_EQ(loaded.project.views[2].query_sql, "      \nSELECT \"a;b\"");
  EXPECT_EQ(loaded.project.tests[0].dialect, "sqlite");
  EXPECT_EQ(loaded.project.sources[0].name, "s;s");
  EXPECT_EQ(loaded.project.sources[0].location_as_written, "a;b");
}

TEST(DialectOfAFile, IsReportedWithItsPlaceWhereThereIsNone) {
  const LoadedProject loaded = Load({{"views/a.sql", "-- é\n/* */ -- dialect: duckbd\nSELECT 1"},
                                     {"weir.toml", "[project]\ndialect = \"postgre\"\n"}});
  EXPECT_EQ(
      loaded.reports,
      (Names{"W1023 weir.toml:2:11 a dialect of SQL is wanted, found `postgre` | did you mean "
             "`postgresql`?",
             "W1103 views/a.sql:2:19 a dialect of SQL is wanted, found `duckbd` | did you mean "
             "`duckdb`?"}));
  EXPECT_EQ(loaded.project.dialect, "generic");
}

TEST(StatementPolicy, NamesKindsThatExist) {
  const LoadedProject loaded = Load({{"weir.toml",
                                      "[profiles.a.sql]\nallow = [\"query\", \"ddll\", 1]\n"
                                      "[profiles.b]\nsql = { allow = \"query\", deny = [] }\n"
                                      "[profiles.c.settings]\n"
                                      "\"datafusion.sql_parser.dialect\" = \"duckdb\"\n"}});
  EXPECT_EQ(
      loaded.reports,
      (Names{"W1024 weir.toml:2:19 a kind of statement is wanted in `allow`, found `ddll` | did "
             "you mean `ddl`?",
             "W1012 weir.toml:2:27 a string is wanted for `allow`, found an integer",
             "W1011 weir.toml:4:26 unknown key in `sql` of a profile: `deny` | known keys are "
             "`allow`",
             "W1012 weir.toml:4:17 an array is wanted for `allow`, found a string",
             "W1025 weir.toml:6:1 the project's own key is wanted for the dialect, found "
             "`datafusion.sql_parser.dialect` | use `dialect` in [project], or a comment `-- "
             "dialect: …` at the top of a file"}));
}

TEST(StatementPolicy, IsTakenOverByProfilesThatSayNothing) {
  const std::string text =
      "[profiles.a.sql]\nallow = [\"ddl\"]\n[profiles.b]\nextends = \"a\"\n"
      "[profiles.c]\nextends = \"a\"\nsql = { allow = [] }\n";
  const auto allowed = [&](const std::string& profile) {
    return Load({{"weir.toml", text}}, profile).project.profile.allowed_statements;
  };
  EXPECT_EQ(allowed(""), std::set<StatementKind>{StatementKind::kQuery});
  EXPECT_EQ(allowed("b"), std::set<StatementKind>{StatementKind::kDdl});
  EXPECT_EQ(allowed("c"), std::set<StatementKind>{});
}

}  // namespace
}  // namespace weir
