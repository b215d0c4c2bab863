// SPDX-License-Identifier: Apache-2.0
//
// Walks over the tokens of one file and reports what does not fit, with its place. The parsers of
// views, sources and tests are written with it.

#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/project/sql_lexer.h"

namespace weir {

/// The text of one project file: UTF-8 without a byte order mark.
struct SqlFile {
  std::string path;  ///< relative to the project folder
  std::string text;
  const SqlDialect* dialect = &GenericDialect();
};

/// What a file is named after which nothing in it is: "b" of "views/a/b.sql", in lower case like
/// every unquoted name.
std::string NameOfFile(const std::string& path);

/// One pair of an option list.
struct KeyValue {
  std::string key;  ///< as written, without quotes
  std::string value;
  Token key_token;
  Token value_token;
};

/// A place in the tokens of a file. The file and the diagnostics must outlive it.
class TokenCursor {
 public:
  /// Cuts `file` into tokens. A part without its end is reported (W1102); what stands before it can
  /// be walked over.
  TokenCursor(const SqlFile& file, Diagnostics& diagnostics);

  /// Says whether anything was reported so far.
  bool failed() const { return failed_; }
  /// Forgets that something was reported: the next statement is a new one.
  void ClearFailed() { failed_ = false; }
  const Token& Peek(size_t ahead = 0) const;
  /// Says whether no token is left in the file.
  bool at_end() const { return Peek().kind == TokenKind::kEnd; }
  bool at_statement_end() const { return at_end() || Peek().IsSymbol(';'); }
  bool at_identifier(size_t ahead = 0) const {
    return Peek(ahead).kind == TokenKind::kWord || Peek(ahead).kind == TokenKind::kQuotedIdentifier;
  }
  /// Returns the token here and goes on to the next; stays at the end.
  const Token& Next();
  /// The token before the current one. REQUIRES: Next() was called
  const Token& Last() const { return tokens_[at_ - 1]; }

  /// These go on if the next tokens are the wanted ones, and say whether they were.
  bool TryKeyword(std::string_view keyword);
  bool TryKeywords(std::initializer_list<std::string_view> keywords);
  bool TrySymbol(char symbol);

  /// These report W1101 unless the next token is the wanted one.
  bool ExpectKeyword(std::string_view keyword);
  bool ExpectSymbol(char symbol);
  std::optional<std::string> ExpectIdentifier(std::string_view wanted);
  std::optional<std::string> ExpectString(std::string_view wanted);

  /// A name which may not be schema-qualified (W1204) and can name a table's folder (W1205).
  std::optional<std::string> ExpectTableName(std::string_view wanted);
  /// `( name [, name]… )`, each name once (W1211). Returns the names' tokens.
  std::optional<std::vector<Token>> ExpectNameList(std::string_view wanted);
  /// `( key [=] value [, key [=] value]… )`; keys are strings or dotted words, values strings,
  /// numbers or words.
  std::optional<std::vector<KeyValue>> ExpectKeyValues(std::string_view wanted);

  /// Goes past the `)` of the `(` here, whatever is between. Reports W1101 if there is none before
  /// the statement ends.
  bool SkipParentheses();
  /// Goes to the `;` or the end of the text, whichever comes first, and returns the offset where
  /// the last token before it ends.
  size_t SkipStatement();

  /// Reports W1101: "<wanted> expected, found `token`". Always false.
  bool FailSyntax(std::string_view wanted);
  /// Reports `code` at `token`. Always false.
  bool Fail(std::string_view code, const Token& token, std::string message, std::string hint = {});
  SourceLocation LocationOf(const Token& token) const {
    return {file_.path, token.line, token.column};
  }
  std::string_view text() const { return file_.text; }
  const SqlFile& file() const { return file_; }

 private:
  std::optional<std::string> ExpectKey(std::string_view wanted);
  std::optional<std::string> ExpectValue();

  const SqlFile& file_;
  Diagnostics& diagnostics_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  bool failed_ = false;
};

/// The names that tokens stand for.
std::vector<std::string> IdentifierNames(const std::vector<Token>& tokens);

/// A token for a message: the text in backticks, shortened, or "the end of the file".
std::string Describe(const Token& token);

/// What is wrong with `name` as the name of a table, whose folder has the same name; empty if
/// nothing is.
std::string TableNameProblem(std::string_view name);

/// Says whether a query can begin with this token: SELECT, WITH, VALUES, FROM or `(`.
bool BeginsQuery(const Token& token);

}  // namespace weir
