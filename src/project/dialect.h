// SPDX-License-Identifier: Apache-2.0
//
// The dialects of SQL that a project or a file may name, as far as Weir itself reads text: where
// strings, quoted names and comments end. All else of a dialect is the engine's business.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// How one dialect cuts text into tokens. The values follow the engine's parser, so that both find
/// the same statements in a file.
struct SqlDialect {
  std::string_view name;                       ///< as the engine calls it: "postgresql"
  std::string_view alias = {};                 ///< a second name; may be empty
  std::string_view identifier_quotes = "\"`";  ///< openers among `"`, backquote and `[`
  bool bracket_needs_word = false;        ///< `[` quotes only before a word, else it is a subscript
  bool backslash_escapes = false;         ///< in every string
  bool escape_strings = false;            ///< E'…' has backslash escapes
  bool triple_quotes = false;             ///< '''…''' and """…"""
  bool dollar_strings = true;             ///< $$…$$ and $tag$…$tag$
  bool nested_comments = false;           ///< /* /* */ */
  bool hash_comments = false;             ///< # to the end of the line
  bool slash_comments = false;            ///< // to the end of the line
  bool dash_comment_needs_space = false;  ///< `--x` is no comment
  bool dollar_names = false;              ///< `$x` is a name like any other

  bool quotes_identifier(char c) const {
    return identifier_quotes.find(c) != std::string_view::npos;
  }
  /// Whether `"…"` is a string.
  bool double_quoted_strings() const { return !quotes_identifier('"'); }
};

/// What is read where nothing else is said.
const SqlDialect& GenericDialect();

/// The dialect of this name, in any case; null if there is none.
const SqlDialect* FindDialect(std::string_view name);

/// All names, without aliases, in byte order.
std::vector<std::string> DialectNames();

/// What to do about a name that is no dialect: near ones, else all.
std::string DialectHint(std::string_view name);

/// `name` quoted as an identifier of the dialect.
std::string QuoteIdentifier(std::string_view name, const SqlDialect& dialect);

/// A comment `-- dialect: duckdb`.
struct DialectComment {
  std::string name;  ///< as written
  int line = 1;      ///< of the name
  int column = 1;    ///< in characters
};

/// Finds the first such comment among the comments at the beginning of a file.
std::optional<DialectComment> FindDialectComment(std::string_view text);

}  // namespace weir
