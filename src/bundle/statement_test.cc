// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/statement.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "weir/base/ascii_text.h"
#include "weir/bundle/written_sql.h"
#include "weir/project/dialect.h"
#include "weir/project/sql_lexer.h"

namespace weir {
namespace {

using Kinds = std::set<StatementKind>;

const engine::Session& Session() {
  static const engine::Session session = *engine::Session::Open({});
  return session;
}

ParsedStatement Parse(const std::string& sql, const std::string& dialect = "generic") {
  auto statement = ParseStatement(Session(), sql, {.dialect = dialect});
  EXPECT_TRUE(statement.ok()) << sql << ": " << statement.status().ToString();
  return statement.ok() ? *std::move(statement) : ParsedStatement();
}

std::string FingerprintOf(const std::string& sql, const std::string& dialect = "generic") {
  return Parse(sql, dialect).tree_fingerprint.ToString();
}

TEST(Dialects, AreThoseOfTheEngine) {
  EXPECT_EQ(DialectNames(), engine::ReadDialects());
  for (const std::string& name : engine::WrittenDialects())
    EXPECT_NE(FindDialect(name), nullptr) << name;
}

TEST(Dialects, OfTheEngineCutTheSameTokens) {
  // One column each way of quoting that the dialect has; what the lexer takes for one token, the
  // engine must read as one value.
  for (const std::string& name : DialectNames()) {
    const SqlDialect& dialect = *FindDialect(name);
    std::string sql = "SELECT 'a''b; -- c'";
    if (dialect.backslash_escapes) sql += R"(, 'a\'; --')";
    // The parser knows no such literal of Redshift, though it cuts it.
    if (dialect.escape_strings && name != "redshift") sql += R"(, E'a\'; --')";
    if (dialect.double_quoted_strings()) sql += ", \"a'; --\"";
    if (dialect.triple_quotes) sql += ", '''a'; --'''";
    if (dialect.dollar_strings && !dialect.double_quoted_strings()) sql += ", $$a'; --$$";
    for (const char quote : dialect.identifier_quotes)
      sql += fmt::format(", 1 AS {}a'; --{}", quote, quote == '[' ? ']' : quote);
    if (dialect.hash_comments) sql += " # it's\n";
    if (dialect.slash_comments) sql += " // it's\n";
    if (dialect.nested_comments) sql += " /* /* it's */ ' */";
    const LexedText lexed = Lex(sql, dialect);
    ASSERT_FALSE(lexed.error) << name << ": " << sql;
    for (const Token& token : lexed.tokens)
      EXPECT_FALSE(token.IsSymbol(';')) << name << ": " << sql;
    const auto parsed = Session().ParseSql(sql, name);
    EXPECT_TRUE(parsed.ok()) << name << ": " << sql << ": " << parsed.status().ToString();
  }
}

TEST(StatementKinds, AreAllThatAStatementDoes) {
  const std::vector<std::pair<std::string, Kinds>> cases = {
      {"SELECT 1", {StatementKind::kQuery}},
      {"WITH a AS (SELECT 1) SELECT * FROM a", {StatementKind::kQuery}},
      {"VALUES (1)", {StatementKind::kQuery}},
      {"SHOW TABLES", {StatementKind::kQuery}},
      {"DESCRIBE t", {StatementKind::kQuery}},
      {"EXPLAIN SELECT 1", {StatementKind::kQuery}},
      {"EXPLAIN ANALYZE INSERT INTO t SELECT 1", {StatementKind::kQuery, StatementKind::kDml}},
      {"SELECT 1 AS a INTO t", {StatementKind::kQuery, StatementKind::kDml}},
      {"SET datafusion.execution.batch_size = 1", {StatementKind::kSet}},
      {"RESET datafusion.execution.batch_size", {StatementKind::kSet}},
      {"PREPARE p AS SELECT $1", {StatementKind::kSet, StatementKind::kQuery}},
      {"PREPARE p AS DELETE FROM t", {StatementKind::kSet, StatementKind::kDml}},
      {"EXECUTE p(1)", {StatementKind::kSet}},
      {"DEALLOCATE p", {StatementKind::kSet}},
      {"CREATE TABLE t AS SELECT 1", {StatementKind::kDdl}},
      {"CREATE VIEW t AS SELECT 1", {StatementKind::kDdl}},
      {"DROP TABLE t", {StatementKind::kDdl}},
      {"CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'a'", {StatementKind::kDdl}},
      {"GRANT SELECT ON t TO u", {StatementKind::kDdl}},
      {"INSERT INTO t VALUES (1)", {StatementKind::kDml}},
      {"UPDATE t SET a = 1", {StatementKind::kDml}},
      {"DELETE FROM t", {StatementKind::kDml}},
      {"TRUNCATE TABLE t", {StatementKind::kDml}},
      {"MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE", {StatementKind::kDml}},
      {"COPY (SELECT 1) TO 'x.csv'", {StatementKind::kDml}},
  };
  for (const auto& [sql, kinds] : cases) EXPECT_EQ(Parse(sql).kinds, kinds) << sql;
}

TEST(StatementPolicy, RefusesWithKindProfileAndSetting) {
  ProfileSettings profile{.name = "night"};
  EXPECT_TRUE(CheckAllowed(Parse("SELECT 1"), profile).ok());
  const Status refused = CheckAllowed(Parse("DELETE FROM t"), profile);
  EXPECT_EQ(refused.message(),
            "the profile `night` does not allow statements of the kind `dml`, found `Delete`");
  EXPECT_NE(refused.hint().find("[profiles.night.sql] allow = [\"query\", \"dml\"]"),
            std::string::npos);
  profile.allowed_statements = {StatementKind::kSet, StatementKind::kDdl};
  EXPECT_TRUE(CheckAllowed(Parse("SET a.b = 1"), profile).ok());
  EXPECT_FALSE(CheckAllowed(Parse("SELECT 1"), profile).ok());
  EXPECT_FALSE(CheckAllowed(Parse("EXPLAIN ANALYZE DELETE FROM t"), profile).ok());
  EXPECT_FALSE(CheckAllowed(Parse("SET datafusion.runtime.memory_limit = '1G'"), profile).ok());
  EXPECT_FALSE(CheckAllowed(Parse("RESET datafusion.runtime.memory_limit"), profile).ok());
  EXPECT_FALSE(
      CheckAllowed(Parse("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'a'"), profile).ok());
}

TEST(TreeFingerprint, IsEqualUnderWhatChangesNoTree) {
  const std::string fingerprint = FingerprintOf(
      "SELECT t.a AS x, count(*) FROM t AS u WHERE a = 'It''s' AND b > 1e3 GROUP BY 1");
  for (const char* sql : {
           "select T.A as X,COUNT( * )from T as U where A='It''s'and B>1E3 group by 1",
           "SELECT t.a x, count(*) FROM t u WHERE (a = 'It''s') AND ((b > (1e3))) GROUP BY 1",
           "SELECT \"t\".\"a\" AS \"x\", count(*) FROM \"t\" AS `u` WHERE a = $$It's$$ AND b > 1e3 "
           "GROUP BY 1",
           "SELECT /* a */ t.a AS x, -- b; '\n count(*) FROM t AS u WHERE a = 'It''s' AND b > 1e3\n"
           "GROUP BY 1 --",
       }) {
    EXPECT_EQ(FingerprintOf(sql), fingerprint) << sql;
  }
  EXPECT_EQ(FingerprintOf("SELECT \"It's\"", "mysql"), FingerprintOf("SELECT 'It''s'"));
}

TEST(TreeFingerprint, DiffersUnderEveryRealChange) {
  const std::vector<std::string> statements = {"SELECT a FROM t",
                                               "SELECT b FROM t",
                                               "SELECT \"A\" FROM t",
                                               "SELECT a, a FROM t",
                                               "SELECT DISTINCT a FROM t",
                                               "SELECT a AS b FROM t",
                                               "SELECT a FROM t LIMIT 1",
                                               "SELECT a FROM t WHERE a",
                                               "SELECT a FROM t ORDER BY a",
                                               "SELECT a FROM t x",
                                               "SELECT 'a' FROM t",
                                               "SELECT 'A' FROM t",
                                               "SELECT 1 FROM t",
                                               "SELECT 1.0 FROM t",
                                               "SELECT '1' FROM t",
                                               "SELECT a + (b + c) FROM t",
                                               "SELECT (a + b) + c FROM t",
                                               "SELECT a FROM t GROUP BY a",
                                               "SELECT a FROM s.t",
                                               "SELECT a FROM t, t",
                                               "SELECT count(a) FROM t",
                                               "SELECT CAST(a AS INT) FROM t"};
  std::map<std::string, std::string> seen;
  for (const std::string& sql : statements) {
    const auto [other, is_new] = seen.emplace(FingerprintOf(sql), sql);
    EXPECT_TRUE(is_new) << sql << " and " << other->second;
  }
  EXPECT_EQ(FingerprintOf("SELECT a - b - c FROM t"), FingerprintOf("SELECT (a - b) - c FROM t"));
}

TEST(TreeFingerprint, KeepsTheCaseOfNamesWhereTheEngineDoes) {
  const auto fingerprint = [](const std::string& sql, bool names_keep_case) {
    return TreeFingerprint(Session().ParseSql(sql)->json, names_keep_case)->ToString();
  };
  EXPECT_EQ(fingerprint("SELECT A", false), fingerprint("SELECT a", false));
  EXPECT_NE(fingerprint("SELECT A", true), fingerprint("SELECT a", true));
  EXPECT_EQ(fingerprint("SELECT A", true), fingerprint("select A", true));
  EXPECT_FALSE(TreeFingerprint("{", false).ok());
}

TEST(SyntaxTree, HoldsNoPlaces) {
  const ParsedStatement statement = Parse("SELECT a, *, count(*) FROM t");
  EXPECT_EQ(statement.node, "Query");
  EXPECT_EQ(statement.normalized_sql, "SELECT a, *, count(*) FROM t");
  EXPECT_EQ(statement.tree.find("span"), std::string::npos);
  EXPECT_EQ(statement.tree.find("token"), std::string::npos);
}

TEST(SyntaxTree, OfALongChainIsReadAndHashed) {
  std::string sql = "SELECT 0";
  for (int i = 0; i < 1990; ++i) sql += " + 1";
  EXPECT_FALSE(Parse(sql).tree_fingerprint.empty());
  for (int i = 0; i < 100000; ++i) sql += " + 1";
  const auto too_deep = ParseStatement(Session(), sql, {});
  EXPECT_EQ(too_deep.status().code(), StatusCode::kUnsupported);
}

TEST(WrittenDialect, IsFoundByNameOrAnsweredWithThoseThereAre) {
  EXPECT_EQ(*FindWrittenDialect("Postgres"), "postgresql");
  EXPECT_EQ(FindWrittenDialect("duckdv").status().hint(), "did you mean `duckdb`?");
  EXPECT_NE(FindWrittenDialect("hive").status().hint().find("`bigquery`, `duckdb`"),
            std::string::npos);
  EXPECT_EQ(*FindReadDialect("HIVE"), "hive");
  EXPECT_EQ(FindReadDialect("").status().code(), StatusCode::kNotFound);
}

// --- Properties: real statements, formatted and edited at random. ---

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The queries of the example project, those that plans are captured from, and of the folders in
/// WEIR_STATEMENTS (separated by `:`).
std::vector<std::string> RealStatements() {
  std::vector<std::filesystem::path> files = {std::string(WEIR_SOURCE_DIR) +
                                              "/tests/plans/cases.sql"};
  std::string folders = std::string(WEIR_SOURCE_DIR) + "/examples/flights/views";
  if (const char* more = std::getenv("WEIR_STATEMENTS")) folders += std::string(":") + more;
  for (size_t begin = 0; begin <= folders.size();) {
    const size_t end = std::min(folders.find(':', begin), folders.size());
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folders.substr(begin, end - begin))) {
      if (entry.path().extension() == ".sql") files.push_back(entry.path());
    }
    begin = end + 1;
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> statements;
  for (const auto& file : files) {
    const std::string text = ReadText(file);
    size_t begin = 0;
    for (const Token& token : Lex(text).tokens) {
      if (token.kind != TokenKind::kEnd && !token.IsSymbol(';')) continue;
      std::string sql = text.substr(begin, token.offset - begin);
      begin = token.end();
      // Weir's own clauses of CREATE VIEW stand before AS; the engine's parser takes the query.
      const auto tokens = Lex(sql).tokens;
      if (tokens.size() < 3) continue;
      for (const Token& inner : tokens) {
        if (!tokens.front().IsKeyword("CREATE") || !inner.IsKeyword("AS")) continue;
        sql = sql.substr(inner.end());
        break;
      }
      if (Session().ParseSql(sql).ok()) statements.push_back(std::move(sql));
    }
  }
  return statements;
}

using Random = std::mt19937_64;

size_t Below(Random& random, size_t count) { return random() % count; }

std::string RandomBlank(Random& random) {
  static constexpr std::string_view kBlanks[] = {
      " ",    "\n", "\t", "  ", "\r\n", " /* it's; */ ", " -- \"it's;\n", " /* /* nested */ */ ",
      " --\n"};
  return std::string(kBlanks[Below(random, std::size(kBlanks))]);
}

std::string RandomCase(Random& random, std::string_view word) {
  std::string text(word);
  for (char& c : text) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_letter && random() % 2 == 0) c = static_cast<char>(c ^ 0x20);
  }
  return text;
}

/// The same tokens, otherwise put down.
std::string Reformatted(Random& random, const std::string& sql) {
  const std::vector<Token> tokens = Lex(sql).tokens;
  std::string text = random() % 4 == 0 ? RandomBlank(random) : "";
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    const Token& token = tokens[i];
    text += token.kind == TokenKind::kWord ? RandomCase(random, token.text) : token.text;
    const Token& next = tokens[i + 1];
    const auto separates = [](const Token& t) {
      return t.IsSymbol('(') || t.IsSymbol(')') || t.IsSymbol(',');
    };
    const bool was_apart = token.end() < next.offset;
    if (was_apart && !((separates(token) || separates(next)) && random() % 3 == 0))
      text += RandomBlank(random);
    else if (!was_apart && (separates(token) || separates(next)) && random() % 4 == 0)
      text += RandomBlank(random);
  }
  return text;
}

TEST(TreeFingerprintProperty, FormattingNeverChangesIt) {
  const std::vector<std::string> statements = RealStatements();
  ASSERT_GT(statements.size(), 60U);
  std::vector<std::string> fingerprints;
  for (const std::string& sql : statements) fingerprints.push_back(FingerprintOf(sql));
  Random random(20260101);
  for (int i = 0; i < 10'000; ++i) {
    const size_t at = Below(random, statements.size());
    const std::string text = Reformatted(random, statements[at]);
    ASSERT_EQ(FingerprintOf(text), fingerprints[at]) << statements[at] << "\n---\n" << text;
  }
}

/// One token changed, removed or changed places with its neighbour; empty where that would change
/// nothing.
std::string Edited(Random& random, const std::string& sql) {
  const std::vector<Token> tokens = Lex(sql).tokens;
  const size_t at = Below(random, tokens.size() - 1);
  const Token& token = tokens[at];
  std::string changed(token.text);
  size_t end = token.end();
  const auto is_noise = [](const Token& t) { return t.IsKeyword("AS"); };
  switch (Below(random, 3)) {
    case 0:
      if (token.kind == TokenKind::kWord) changed += "_z";
      if (token.kind == TokenKind::kNumber) changed += "1";
      if (token.kind == TokenKind::kString || token.kind == TokenKind::kQuotedIdentifier)
        changed.insert(changed.size() - 1, "z");
      if (token.kind == TokenKind::kSymbol) {
        static constexpr std::string_view kSymbols = "<>+-*/=%";
        changed = kSymbols[Below(random, kSymbols.size())];
      }
      break;
    case 1:
      changed = " ";
      // `a NOT NULL` is another way to write `a IS NOT NULL`.
      if (is_noise(token) || (token.IsKeyword("IS") && tokens[at + 1].IsKeyword("NOT"))) return {};
      break;
    default: {
      const Token& next = tokens[at + 1];
      if (next.kind == TokenKind::kEnd || is_noise(token) || is_noise(next)) return {};
      if (AsciiLowerCase(token.text) == AsciiLowerCase(next.text)) return {};
      changed = std::string(next.text) + " " + changed;
      end = next.end();
    }
  }
  if (changed == token.text) return {};
  return sql.substr(0, token.offset) + changed + sql.substr(end);
}

/// Whether two texts have the same tokens but for `AS`: no oracle could tell them apart.
bool SameTokens(const std::string& a, const std::string& b) {
  const auto words = [](const std::string& sql) {
    std::vector<std::string> texts;
    for (const Token& token : Lex(sql).tokens) {
      if (token.IsKeyword("AS")) continue;
      texts.push_back(token.kind == TokenKind::kWord ? AsciiLowerCase(token.text)
                                                     : std::string(token.text));
    }
    return texts;
  };
  return words(a) == words(b);
}

TEST(TreeFingerprintProperty, EditsOfTokensAlwaysChangeIt) {
  const std::vector<std::string> statements = RealStatements();
  std::vector<std::string> fingerprints;
  for (const std::string& sql : statements) fingerprints.push_back(FingerprintOf(sql));
  Random random(20260102);
  int understood = 0;
  for (int i = 0; understood < 10'000 && i < 200'000; ++i) {
    const size_t at = Below(random, statements.size());
    const std::string text = Edited(random, statements[at]);
    if (text.empty() || SameTokens(text, statements[at])) continue;
    const auto parsed = ParseStatement(Session(), text, {.dialect = "generic"});
    if (!parsed.ok()) continue;
    ++understood;
    ASSERT_NE(parsed->tree_fingerprint.ToString(), fingerprints[at]) << statements[at] << "\n---\n"
                                                                     << text;
  }
  EXPECT_EQ(understood, 10'000);
}

}  // namespace
}  // namespace weir
