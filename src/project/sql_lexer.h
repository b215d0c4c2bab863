// SPDX-License-Identifier: Apache-2.0
//
// Cuts SQL text into tokens, as far as Weir must understand it to find statements and the clauses
// of its own DDL. Queries are the engine's: whatever is no token here is a symbol and passes on to
// it.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/project/dialect.h"

namespace weir {

enum class TokenKind {
  kWord,              ///< keyword or unquoted identifier
  kQuotedIdentifier,  ///< "…", `…` or […], as the dialect has it
  kString,            ///< '…', E'…', $tag$…$tag$; in some dialects "…" and triple quotes
  kNumber,
  kSymbol,  ///< one character
  kEnd,     ///< after the last character; the last token of every list
};

/// A piece of the text it was cut from, which must outlive it.
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;  ///< as written, quotes included
  size_t offset = 0;      ///< in bytes
  int line = 1;           ///< counts from 1
  int column = 1;         ///< in characters, counts from 1
  bool escapes = false;   ///< a string in which backslashes escape
  bool triple_quoted = false;

  size_t end() const { return offset + text.size(); }
  /// Says whether this is the unquoted word `keyword`, in any case. REQUIRES: `keyword` is in upper
  /// case
  bool IsKeyword(std::string_view keyword) const;
  bool IsSymbol(char symbol) const { return kind == TokenKind::kSymbol && text[0] == symbol; }
};

/// A string, quoted identifier or comment without its end.
struct LexError {
  std::string what;  ///< "string", "quoted identifier" or "comment"
  std::string wanted;
  int line = 1;  ///< where it begins
  int column = 1;
};

/// What `Lex` found. With an error, `tokens` holds what stands before it.
struct LexedText {
  std::vector<Token> tokens;  ///< without comments and white space; ends with kEnd
  std::optional<LexError> error;
};

/// Cuts `sql`, which may be any bytes, as `dialect` does. A line ends at each `\n`; a character is
/// a UTF-8 sequence, or a byte that belongs to none.
LexedText Lex(std::string_view sql, const SqlDialect& dialect = GenericDialect());

/// The name that a word or quoted identifier stands for: words in lower case, the others without
/// their quotes. REQUIRES: kind kWord or kQuotedIdentifier
std::string IdentifierName(const Token& token);

/// The characters that a string stands for. REQUIRES: kind kString
std::string StringValue(const Token& token);

/// Returns `sql` up to `end`, with a space for every character before `begin` that is no white
/// space, so that lines and columns stay. Both are byte offsets.
std::string BlankBefore(std::string_view sql, size_t begin, size_t end);

}  // namespace weir
