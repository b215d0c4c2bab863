// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/statement_tokens.h"

#include "weir/project/token_cursor.h"

namespace weir {

const Token& StatementTokens::Next() {
  const Token& token = Peek();
  if (token.kind != TokenKind::kEnd) ++at_;
  return token;
}
bool StatementTokens::Try(std::string_view keyword) {
  if (!Peek().IsKeyword(keyword)) return false;
  Next();
  return true;
}
bool StatementTokens::TrySymbol(char symbol) {
  if (!Peek().IsSymbol(symbol)) return false;
  Next();
  return true;
}
Status StatementTokens::Wanted(std::string_view what) const {
  return Status::User(StatusCode::kInvalidArgument, "{} is wanted, found {}", what,
                      Describe(Peek()))
      .WithLocation({.file = {}, .line = Peek().line, .column = Peek().column});
}
Status StatementTokens::Expect(std::string_view keyword) {
  return Try(keyword) ? Status::OK() : Wanted(fmt::format("`{}`", keyword));
}
Status StatementTokens::ExpectSymbol(char symbol) {
  return TrySymbol(symbol) ? Status::OK() : Wanted(fmt::format("`{}`", symbol));
}
Status StatementTokens::ExpectEnd() {
  while (TrySymbol(';')) {
  }
  return Peek().kind == TokenKind::kEnd ? Status::OK() : Wanted("the end of the statement");
}
Result<SqlSlice> StatementTokens::UpTo(std::initializer_list<std::string_view> keywords, bool comma,
                                       std::string_view what) {
  const size_t begin = Peek().offset;
  size_t end = begin;
  int depth = 0, cases = 0;
  for (; !AtEnd(); end = Next().end()) {
    const Token& token = Peek();
    const bool is_outside = depth == 0 && cases == 0;
    if (is_outside && comma && (token.IsSymbol(',') || token.IsSymbol(')'))) break;
    if (is_outside && IsAnyOf(token, keywords)) break;
    if (token.IsSymbol('(') || token.IsSymbol('[') || token.IsSymbol('{')) ++depth;
    if (token.IsSymbol(')') || token.IsSymbol(']') || token.IsSymbol('}')) --depth;
    if (depth < 0) return Wanted(what);
    if (token.IsKeyword("CASE")) ++cases;
    if (token.IsKeyword("END") && cases > 0) --cases;
  }
  if (begin == end) return Wanted(what);
  return SqlSlice{begin, end};
}

bool StatementTokens::IsAnyOf(const Token& token,
                              std::initializer_list<std::string_view> keywords) const {
  for (const std::string_view keyword : keywords) {
    if (!token.IsKeyword(keyword)) continue;
    // `a IS DISTINCT FROM b`
    const bool is_operator = keyword == "FROM" && at_ > 0 && Last().IsKeyword("DISTINCT");
    if (!is_operator) return true;
  }
  return false;
}

Status StatementTokens::ParseName(StatementTable& table) {
  const Token first = Peek();
  if (first.kind == TokenKind::kString) {
    table.name = StringValue(Next());
    table.quoted = true;
  } else {
    if (!AtName()) return Wanted("the name of a table");
    table.quoted = first.kind == TokenKind::kQuotedIdentifier;
    table.name = IdentifierName(Next());
    table.alias = table.name;
    while (TrySymbol('.')) {
      if (!AtName()) return Wanted("a name");
      table.alias = IdentifierName(Next());
      table.name += "." + table.alias;
      table.quoted = false;
    }
  }
  return Status::OK();
}

Status StatementTokens::ParseAlias(StatementTable& table,
                                   std::initializer_list<std::string_view> followers) {
  const bool has_as = Try("AS");
  if (AtName() && (has_as || !IsAnyOf(Peek(), followers))) {
    table.alias = IdentifierName(Next());
    return Status::OK();
  }
  return has_as ? Wanted("an alias") : Status::OK();
}

Status StatementTokens::ParseColumnList(std::vector<std::string>& columns) {
  do {
    if (!AtName()) return Wanted("the name of a column");
    columns.push_back(IdentifierName(Next()));
  } while (TrySymbol(','));
  return ExpectSymbol(')');
}

Result<std::string> StatementTokens::ParseString(std::string_view what) {
  if (Peek().kind != TokenKind::kString) return Wanted(what);
  return StringValue(Next());
}

}  // namespace weir
