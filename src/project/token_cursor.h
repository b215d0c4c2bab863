// SPDX-License-Identifier: Apache-2.0
//
// Walks over the tokens of one file and reports what does not fit, with its place. The parsers of views, sources and tests are
// written with it.

#pragma once

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
};

/// A place in the tokens of a file. The file and the diagnostics must outlive it.
class TokenCursor {
 public:
  /// Cuts `file` into tokens. A part without its end is reported (W1102); then `failed()`, and there is nothing to walk over.
  TokenCursor(const SqlFile& file, Diagnostics& diagnostics);

  bool failed() const { return failed_; }
  const Token& Peek(size_t ahead = 0) const;
  bool at_end() const { return Peek().kind == TokenKind::kEnd; }
  bool at_identifier() const {
    return Peek().kind == TokenKind::kWord || Peek().kind == TokenKind::kQuotedIdentifier;
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
  /// `( name [, name]… )`, each name once (W1211).
  std::optional<std::vector<std::string>> ExpectNameList(std::string_view wanted);

  /// Goes past the `)` of the `(` here, whatever is between. Reports W1101 if there is none before the statement ends.
  bool SkipParentheses();
  /// Goes to the `;` or the end of the text, whichever comes first.
  void SkipStatement();

  /// Reports W1101: "<wanted> expected, found `token`". Always false.
  bool FailSyntax(std::string_view wanted);
  /// Reports `code` at `token`. Always false.
  bool Fail(std::string_view code, const Token& token, std::string message, std::string hint = {});
  SourceLocation LocationOf(const Token& token) const { return {file_.path, token.line, token.column}; }
  std::string_view text() const { return file_.text; }
  const SqlFile& file() const { return file_; }

 private:
  const SqlFile& file_;
  Diagnostics& diagnostics_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  bool failed_ = false;
};

/// A token for a message: the text in backticks, shortened, or "the end of the file".
std::string Describe(const Token& token);

/// What is wrong with `name` as the name of a table, whose folder has the same name; empty if nothing is.
std::string TableNameProblem(std::string_view name);

/// Says whether a query can begin with this token: SELECT, WITH, VALUES, FROM or `(`.
bool BeginsQuery(const Token& token);

}  // namespace weir
