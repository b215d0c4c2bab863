// SPDX-License-Identifier: Apache-2.0

#include "weir/project/change_feed_calls.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "weir/base/ascii_text.h"
#include "weir/project/sql_lexer.h"

namespace weir {

namespace {

constexpr std::string_view kFunction = "delta_cdf";

/// A call in the tokens of a query, from its name to its `)`.
struct Call {
  size_t last = 0;  ///< the token `)`
  std::string source;
  std::vector<int64_t> versions;
};

std::optional<Call> CallAt(const std::vector<Token>& tokens, size_t at) {
  if (tokens[at].kind != TokenKind::kWord ||
      !EqualsIgnoringAsciiCase(tokens[at].text, kFunction) || at + 3 >= tokens.size() ||
      !tokens[at + 1].IsSymbol('('))
    return std::nullopt;
  Call call;
  const Token& table = tokens[at + 2];
  if (table.kind == TokenKind::kString) {
    call.source = StringValue(table);
  } else if (table.kind == TokenKind::kWord || table.kind == TokenKind::kQuotedIdentifier) {
    call.source = IdentifierName(table);
  } else {
    return std::nullopt;
  }
  for (call.last = at + 3; call.last + 1 < tokens.size(); call.last += 2) {
    if (tokens[call.last].IsSymbol(')')) return call;
    const Token& number = tokens[call.last + 1];
    int64_t version = 0;
    const char* const end = number.text.data() + number.text.size();
    const auto [stopped, error] = std::from_chars(number.text.data(), end, version);
    if (!tokens[call.last].IsSymbol(',') || number.kind != TokenKind::kNumber ||
        error != std::errc() || stopped != end || call.versions.size() == 2)
      return std::nullopt;
    call.versions.push_back(version);
  }
  return std::nullopt;
}

}  // namespace

std::vector<SourceDefinition> TakeChangeFeeds(ViewDefinition& view,
                                              const std::vector<SourceDefinition>& sources) {
  std::vector<SourceDefinition> feeds;
  if (AsciiLowerCase(view.query_sql).find(kFunction) == std::string::npos) return feeds;
  const SqlDialect& dialect = *FindDialect(view.dialect);
  const std::vector<Token> tokens = Lex(view.query_sql, dialect).tokens;
  std::string sql;
  size_t copied = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto call = CallAt(tokens, i);
    if (!call) continue;
    const auto source =
        std::find_if(sources.begin(), sources.end(), [&](const SourceDefinition& each) {
          return each.name == call->source && each.format == SourceFormat::kDelta && !each.change_feed;
        });
    if (source == sources.end()) continue;
    SourceDefinition feed = *source;
    feed.name = fmt::format("{}({}", kFunction, source->name);
    for (const int64_t version : call->versions) feed.name += fmt::format(", {}", version);
    feed.name += ")";
    feed.change_feed = true;
    feed.first_version = call->versions.empty() ? 0 : call->versions[0];
    if (call->versions.size() == 2) {
      feed.version = call->versions[1];
      feed.timestamp.reset();
    }
    sql += view.query_sql.substr(copied, tokens[i].offset - copied);
    sql += QuoteIdentifier(feed.name, dialect);
    // Lines stay as they are.
    for (size_t at = tokens[i].offset; at < tokens[call->last].end(); ++at) {
      if (view.query_sql[at] == '\n') sql += '\n';
    }
    copied = tokens[call->last].end();
    i = call->last;
    feeds.push_back(std::move(feed));
  }
  if (copied == 0) return feeds;
  view.query_sql = sql + view.query_sql.substr(copied);
  return feeds;
}

}  // namespace weir
