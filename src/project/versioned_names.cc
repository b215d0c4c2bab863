// SPDX-License-Identifier: Apache-2.0

#include "weir/project/versioned_names.h"

#include <charconv>
#include <optional>

#include "weir/project/sql_lexer.h"
#include "weir/project/token_cursor.h"

namespace weir {

namespace {

/// The clause that begins at a token: how many tokens it has before its value, and whether that is
/// a time.
struct Clause {
  size_t tokens = 0;
  bool is_time = false;
};

std::optional<Clause> ClauseAt(const std::vector<Token>& tokens, size_t at) {
  const auto is = [&](size_t ahead, std::string_view keyword) {
    return at + ahead < tokens.size() && tokens[at + ahead].IsKeyword(keyword);
  };
  const size_t first = is(0, "FOR") ? 1 : 0;
  const bool is_time = is(first, "TIMESTAMP") || (first == 1 && is(1, "SYSTEM_TIME"));
  if ((is_time || is(first, "VERSION")) && is(first + 1, "AS") && is(first + 2, "OF"))
    return Clause{first + 3, is_time};
  return std::nullopt;
}

bool IsName(const Token& token) {
  return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedIdentifier;
}

/// A date or a time without a zone is one of UTC.
std::string Rfc3339(std::string text) {
  const bool has_time = text.size() > 10;
  if (has_time && text[10] == ' ') text[10] = 'T';
  if (text.size() == 10) return text + "T00:00:00Z";
  const bool has_zone = text.ends_with('Z') || text.ends_with('z') ||
                        text.find_first_of("+-", 11) != std::string::npos;
  return has_time && !has_zone ? text + "Z" : text;
}

/// Whether what follows a table is an alias, or a word of the query.
bool IsAlias(const std::vector<Token>& tokens, size_t at) {
  if (tokens[at].IsKeyword("AS")) return true;
  if (tokens[at].kind == TokenKind::kQuotedIdentifier) return true;
  if (tokens[at].kind != TokenKind::kWord) return false;
  for (const std::string_view word :
       {"WHERE",  "GROUP",   "ORDER",  "LIMIT", "HAVING",  "JOIN",       "INNER",  "LEFT",
        "RIGHT",  "FULL",    "CROSS",  "ON",    "USING",   "UNION",      "EXCEPT", "INTERSECT",
        "WINDOW", "QUALIFY", "OFFSET", "FETCH", "NATURAL", "LATERAL",    "WHEN",   "SET",
        "ASOF",   "ANTI",    "SEMI",   "SORT",  "CLUSTER", "DISTRIBUTE", "FOR"}) {
    if (tokens[at].IsKeyword(word)) return false;
  }
  return true;
}

}  // namespace

Result<VersionedStatement> TakeVersions(const std::string& sql, const SqlDialect& dialect) {
  VersionedStatement statement;
  const std::vector<Token> tokens = Lex(sql, dialect).tokens;
  size_t copied = 0;
  for (size_t i = 1; i + 1 < tokens.size(); ++i) {
    const auto clause = ClauseAt(tokens, i);
    const Token& last = tokens[i - 1];
    if (!clause || (!IsName(last) && last.kind != TokenKind::kString)) continue;
    size_t first = i - 1;  // of the table's name
    while (first >= 2 && tokens[first - 1].IsSymbol('.') && IsName(tokens[first - 2])) first -= 2;
    VersionedName name{.own_name = fmt::format("__weir_version_{}", statement.names.size() + 1),
                       .table = {},
                       .timestamp = {}};
    std::string alias;
    for (size_t part = first; part < i; part += 2) {
      const bool is_path = tokens[part].kind == TokenKind::kString;
      alias = is_path ? "" : IdentifierName(tokens[part]);
      name.table += (name.table.empty() ? "" : ".") +
                    (is_path ? StringValue(tokens[part]) : IdentifierName(tokens[part]));
    }
    const size_t value_at = i + clause->tokens;
    const Token& value = tokens[value_at];
    const auto refused = [&](std::string_view wanted) {
      return Status::User(StatusCode::kInvalidArgument, "{} is wanted, found {}", wanted,
                          Describe(value))
          .WithLocation({.file = {}, .line = value.line, .column = value.column});
    };
    if (clause->is_time) {
      if (value.kind != TokenKind::kString)
        return refused("a time in quotes, such as '2024-05-31T12:00:00Z',");
      name.timestamp = Rfc3339(StringValue(value));
    } else {
      const auto [end, error] =
          std::from_chars(value.text.data(), value.text.data() + value.text.size(), name.version);
      if (value.kind != TokenKind::kNumber || error != std::errc() ||
          end != value.text.data() + value.text.size())
        return refused("the number of a version");
    }
    statement.sql += sql.substr(copied, tokens[first].offset - copied);
    statement.sql += name.own_name;
    if (!alias.empty() && !IsAlias(tokens, value_at + 1))
      statement.sql += " AS " + QuoteIdentifier(alias, dialect);
    // Lines stay as they are.
    for (size_t at = tokens[first].offset; at < value.end(); ++at) {
      if (sql[at] == '\n') statement.sql += '\n';
    }
    copied = value.end();
    statement.names.push_back(std::move(name));
    i = value_at;
  }
  statement.sql += sql.substr(copied);
  return statement;
}

}  // namespace weir
