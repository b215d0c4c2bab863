// SPDX-License-Identifier: Apache-2.0
//
// Walks over the tokens of one statement of `weir sql`. What does not fit is a failure with its
// place in the text. In: a statement. Out: names, and pieces of the text.

#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/dml/dml_statement.h"
#include "weir/project/sql_lexer.h"

namespace weir {

class StatementTokens {
 public:
  /// `sql` must outlive the object.
  StatementTokens(const std::string& sql, const SqlDialect& dialect) : lexed_(Lex(sql, dialect)) {}

  const Token& Peek(size_t ahead = 0) const {
    return lexed_.tokens[std::min(at_ + ahead, lexed_.tokens.size() - 1)];
  }
  /// The token before the current one. REQUIRES: Next() was called
  const Token& Last() const { return lexed_.tokens[at_ - 1]; }
  bool AtEnd() const { return Peek().kind == TokenKind::kEnd || Peek().IsSymbol(';'); }
  bool AtName() const {
    return Peek().kind == TokenKind::kWord || Peek().kind == TokenKind::kQuotedIdentifier;
  }
  const Token& Next();

  /// These go on if the next token is the wanted one, and say whether it was.
  bool Try(std::string_view keyword);
  bool TrySymbol(char symbol);
  /// These fail unless it is.
  Status Expect(std::string_view keyword);
  Status ExpectSymbol(char symbol);
  Status ExpectEnd();
  /// "<what> is wanted, found `token`", with the place of the token.
  Status Wanted(std::string_view what) const;

  /// Everything up to the first of `keywords`, or a comma or `)` if asked for, outside of
  /// parentheses and CASE. Fails where that is nothing.
  Result<SqlSlice> UpTo(std::initializer_list<std::string_view> keywords, bool comma,
                        std::string_view what);
  bool IsAnyOf(const Token& token, std::initializer_list<std::string_view> keywords) const;

  Status ParseName(StatementTable& table);
  /// `AS alias`, or an alias that is none of the words which may follow.
  Status ParseAlias(StatementTable& table, std::initializer_list<std::string_view> followers);
  /// Names up to the `)` of a list.
  Status ParseColumnList(std::vector<std::string>& columns);
  /// A string in quotes.
  Result<std::string> ParseString(std::string_view what);

 private:
  LexedText lexed_;
  size_t at_ = 0;
};

}  // namespace weir
