// SPDX-License-Identifier: Apache-2.0

#include "weir/project/sql_lexer.h"

#include <algorithm>

#include "weir/base/ascii_text.h"

namespace weir {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}
bool IsWordStart(char c) { return IsLetter(c) || c == '_' || c == '@' || c == '#'; }
bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c) || c == '$'; }
/// Bytes 2, 3 and 4 of a UTF-8 sequence.
bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

class Lexer {
 public:
  Lexer(std::string_view sql, const SqlDialect& dialect) : sql_(sql), dialect_(dialect) {}

  LexedText Run() {
    while (SkipBlank() && at_ < sql_.size()) {
      const size_t end = TokenEnd();
      if (result_.error) break;
      Emit(end);
    }
    kind_ = TokenKind::kEnd;
    Emit(at_);
    return std::move(result_);
  }

 private:
  char Peek(size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }

  void AdvanceTo(size_t end) {
    for (; at_ < end; ++at_) {
      if (sql_[at_] == '\n') {
        ++line_;
        column_ = 1;
      } else if (!IsContinuation(sql_[at_])) {
        ++column_;
      }
    }
  }

  void Emit(size_t end) {
    result_.tokens.push_back(
        {kind_, sql_.substr(at_, end - at_), at_, line_, column_, escapes_, triple_});
    escapes_ = triple_ = false;
    AdvanceTo(end);
  }

  void Fail(std::string what, std::string wanted) {
    result_.error = LexError{std::move(what), std::move(wanted), line_, column_};
  }

  /// Skips white space and comments; false if a comment has no end.
  bool SkipBlank() {
    while (at_ < sql_.size()) {
      if (IsAsciiSpace(Peek())) {
        AdvanceTo(at_ + 1);
      } else if (AtLineComment()) {
        AdvanceTo(std::min(sql_.find('\n', at_), sql_.size()));
      } else if (Peek() == '/' && Peek(1) == '*') {
        const size_t end = CommentEnd();
        if (result_.error) return false;
        AdvanceTo(end);
      } else {
        return true;
      }
    }
    return true;
  }

  bool AtLineComment() const {
    if (Peek() == '#') return dialect_.hash_comments;
    if (Peek() == '/' && Peek(1) == '/') return dialect_.slash_comments;
    if (Peek() != '-' || Peek(1) != '-') return false;
    return !dialect_.dash_comment_needs_space || IsAsciiSpace(Peek(2));
  }

  size_t CommentEnd() {
    int depth = 0;
    for (size_t i = at_; i + 1 < sql_.size(); ++i) {
      const std::string_view two = sql_.substr(i, 2);
      if (two == "/*" && (depth == 0 || dialect_.nested_comments)) {
        ++depth;
        ++i;
      } else if (two == "*/") {
        ++i;
        if (--depth == 0) return i + 1;
      }
    }
    Fail("comment", "*/");
    return at_;
  }

  /// Finds where the token at the current place ends, and sets its kind.
  size_t TokenEnd() {
    const char c = Peek();
    if (c == '\'' || (c == '"' && dialect_.double_quoted_strings()))
      return StringEnd(at_, dialect_.backslash_escapes);
    if ((c == 'e' || c == 'E') && Peek(1) == '\'' && dialect_.escape_strings)
      return StringEnd(at_ + 1, /*backslash=*/true);
    if (AtQuotedIdentifier())
      return QuotedEnd(TokenKind::kQuotedIdentifier, at_, c == '[' ? ']' : c, /*backslash=*/false);
    if (c == '$' && dialect_.dollar_strings) return DollarEnd();
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return NumberEnd();
    size_t end = at_ + 1;
    if (!IsWordStart(c)) {
      kind_ = TokenKind::kSymbol;
      return end;
    }
    kind_ = TokenKind::kWord;
    while (end < sql_.size() && IsWordPart(sql_[end]) &&
           !(sql_[end] == '#' && dialect_.hash_comments)) {
      ++end;
    }
    return end;
  }

  bool AtQuotedIdentifier() const {
    if (!dialect_.quotes_identifier(Peek())) return false;
    if (Peek() != '[' || !dialect_.bracket_needs_word) return true;
    const size_t next = sql_.find_first_not_of(" \t\r\n", at_ + 1);
    return next != std::string_view::npos && (IsWordStart(sql_[next]) || sql_[next] == '"');
  }

  /// The end of the string whose quote is at `open`.
  size_t StringEnd(size_t open, bool backslash) {
    const char quote = sql_[open];
    if (IsRawPrefixed(open)) backslash = false;
    const std::string three(3, quote);
    if (!dialect_.triple_quotes || sql_.substr(open, 3) != three) {
      escapes_ = backslash;
      return QuotedEnd(TokenKind::kString, open, quote, backslash);
    }
    kind_ = TokenKind::kString;
    for (size_t i = open + 3; i < sql_.size(); ++i) {
      if (backslash && sql_[i] == '\\') {
        ++i;
      } else if (sql_.substr(i, 3) == three) {
        escapes_ = backslash;
        triple_ = true;
        return i + 3;
      }
    }
    Fail("string", three);
    return at_;
  }

  /// Whether the string at `open` directly follows the word r or b: bytes and raw texts of dialects
  /// with triple quotes know no escapes.
  bool IsRawPrefixed(size_t open) const {
    if (!dialect_.triple_quotes || result_.tokens.empty()) return false;
    const Token& last = result_.tokens.back();
    return last.end() == open && (last.IsKeyword("R") || last.IsKeyword("B"));
  }

  size_t QuotedEnd(TokenKind kind, size_t open, char quote, bool backslash) {
    kind_ = kind;
    for (size_t i = open + 1; i < sql_.size(); ++i) {
      if (backslash && sql_[i] == '\\') {
        ++i;
      } else if (sql_[i] == quote) {
        if (i + 1 == sql_.size() || sql_[i + 1] != quote) return i + 1;
        ++i;
      }
    }
    Fail(kind == TokenKind::kString ? "string" : "quoted identifier", std::string(1, quote));
    return at_;
  }

  /// `$$…$$`, `$tag$…$tag$`, or a symbol such as that of a placeholder `$1`.
  size_t DollarEnd() {
    size_t tag_end = at_ + 1;
    while (tag_end < sql_.size() && IsWordPart(sql_[tag_end]) && sql_[tag_end] != '$') ++tag_end;
    if (tag_end >= sql_.size() || sql_[tag_end] != '$' || IsDigit(Peek(1))) {
      kind_ = TokenKind::kSymbol;
      return at_ + 1;
    }
    kind_ = TokenKind::kString;
    const std::string_view tag = sql_.substr(at_, tag_end + 1 - at_);
    const size_t close = sql_.find(tag, tag_end + 1);
    if (close != std::string_view::npos) return close + tag.size();
    Fail("string", std::string(tag));
    return at_;
  }

  size_t NumberEnd() {
    kind_ = TokenKind::kNumber;
    size_t end = at_;
    while (end < sql_.size() && (IsWordPart(sql_[end]) || sql_[end] == '.')) {
      const bool is_exponent = (sql_[end] == 'e' || sql_[end] == 'E') && end + 2 < sql_.size() &&
                               (sql_[end + 1] == '+' || sql_[end + 1] == '-') &&
                               IsDigit(sql_[end + 2]);
      end += is_exponent ? 2 : 1;
    }
    return end;
  }

  std::string_view sql_;
  const SqlDialect& dialect_;
  size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
  TokenKind kind_ = TokenKind::kEnd;
  bool escapes_ = false;
  bool triple_ = false;
  LexedText result_;
};

/// The text between `quote`s, where a doubled quote stands for one.
std::string Unquote(std::string_view quoted, char quote) {
  std::string value;
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    value += quoted[i];
    if (quoted[i] == quote) ++i;
  }
  return value;
}

std::string UnescapeBackslashes(std::string_view quoted, char quote) {
  std::string value;
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    char c = quoted[i];
    if (c == quote) {
      ++i;
    } else if (c == '\\') {
      c = quoted[++i];
      c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
    value += c;
  }
  return value;
}

}  // namespace

bool Token::IsKeyword(std::string_view keyword) const {
  return kind == TokenKind::kWord &&
         std::equal(text.begin(), text.end(), keyword.begin(), keyword.end(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
}

LexedText Lex(std::string_view sql, const SqlDialect& dialect) { return Lexer(sql, dialect).Run(); }

std::string IdentifierName(const Token& token) {
  return token.kind == TokenKind::kWord ? AsciiLowerCase(token.text)
                                        : Unquote(token.text, token.text.back());
}

std::string StringValue(const Token& token) {
  if (token.text[0] == '$') {
    const size_t tag_size = token.text.find('$', 1) + 1;
    return std::string(token.text.substr(tag_size, token.text.size() - 2 * tag_size));
  }
  std::string_view quoted = token.text;
  if (quoted[0] != '\'' && quoted[0] != '"') quoted.remove_prefix(1);
  const char quote = quoted[0];
  if (token.triple_quoted) {
    // A quote within three stands for itself; '\0' is none.
    quoted = quoted.substr(2, quoted.size() - 4);
    return token.escapes ? UnescapeBackslashes(quoted, '\0')
                         : std::string(quoted.substr(1, quoted.size() - 2));
  }
  return token.escapes ? UnescapeBackslashes(quoted, quote) : Unquote(quoted, quote);
}

std::string BlankBefore(std::string_view sql, size_t begin, size_t end) {
  std::string blanked;
  blanked.reserve(end);
  for (char c : sql.substr(0, begin)) {
    if (IsAsciiSpace(c)) {
      blanked += c;
    } else if (!IsContinuation(c)) {
      blanked += ' ';
    }
  }
  return blanked.append(sql.substr(begin, end - begin));
}

}  // namespace weir
