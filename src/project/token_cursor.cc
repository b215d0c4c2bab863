// SPDX-License-Identifier: Apache-2.0

#include "weir/project/token_cursor.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"
#include "weir/base/utf8_text.h"

namespace weir {

std::string NameOfFile(const std::string& path) {
  const std::string file = path.substr(path.rfind('/') + 1);
  return AsciiLowerCase(file.substr(0, file.rfind('.')));
}

namespace {

constexpr size_t kLongestShownToken = 40;

}  // namespace

std::string Describe(const Token& token) {
  if (token.kind == TokenKind::kEnd) return "the end of the file";
  std::string shown(token.text.substr(0, token.text.find('\n')));
  if (shown.size() > kLongestShownToken) {
    shown.resize(kLongestShownToken);
    if (const auto cut = FindInvalidUtf8(shown)) shown.resize(*cut);
  }
  if (shown.size() < token.text.size()) shown += "…";
  return fmt::format("`{}`", shown);
}

std::string TableNameProblem(std::string_view name) {
  if (name.empty()) return "a name is wanted, found an empty one";
  if (AsciiLowerCase(name).starts_with("_weir"))
    return "names that begin with `_weir` are Weir's own";
  if (name[0] == '.') return "a name must not begin with a dot";
  for (char c : name) {
    if (c == '/' || c == '\\') return "a name must not hold slashes: it names the table's folder";
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return "a name must not hold control characters";
  }
  return name.size() > 200 ? "a name must not be longer than 200 bytes: it names the table's folder"
                           : "";
}

std::vector<std::string> IdentifierNames(const std::vector<Token>& tokens) {
  std::vector<std::string> names;
  for (const Token& token : tokens) names.push_back(IdentifierName(token));
  return names;
}

bool BeginsQuery(const Token& token) {
  return token.IsKeyword("SELECT") || token.IsKeyword("WITH") || token.IsKeyword("VALUES") ||
         token.IsKeyword("FROM") || token.IsSymbol('(');
}

TokenCursor::TokenCursor(const SqlFile& file, Diagnostics& diagnostics)
    : file_(file), diagnostics_(diagnostics) {
  LexedText lexed = Lex(file.text, *file.dialect);
  tokens_ = std::move(lexed.tokens);
  if (!lexed.error) return;
  failed_ = true;
  diagnostics_.Add({.code = "W1102",
                    .message = fmt::format("the {} that begins here has no end, `{}` is wanted",
                                           lexed.error->what, lexed.error->wanted),
                    .location = {file.path, lexed.error->line, lexed.error->column}});
}

const Token& TokenCursor::Peek(size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

const Token& TokenCursor::Next() {
  const Token& token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool TokenCursor::TryKeyword(std::string_view keyword) {
  if (!Peek().IsKeyword(keyword)) return false;
  ++at_;
  return true;
}

bool TokenCursor::TryKeywords(std::initializer_list<std::string_view> keywords) {
  size_t ahead = 0;
  for (std::string_view keyword : keywords) {
    if (!Peek(ahead++).IsKeyword(keyword)) return false;
  }
  at_ += ahead;
  return true;
}

bool TokenCursor::TrySymbol(char symbol) {
  if (!Peek().IsSymbol(symbol)) return false;
  ++at_;
  return true;
}

bool TokenCursor::ExpectKeyword(std::string_view keyword) {
  return TryKeyword(keyword) || FailSyntax(fmt::format("`{}`", keyword));
}

bool TokenCursor::ExpectSymbol(char symbol) {
  return TrySymbol(symbol) || FailSyntax(fmt::format("`{}`", symbol));
}

std::optional<std::string> TokenCursor::ExpectIdentifier(std::string_view wanted) {
  if (at_identifier()) return IdentifierName(Next());
  FailSyntax(wanted);
  return std::nullopt;
}

std::optional<std::string> TokenCursor::ExpectString(std::string_view wanted) {
  if (Peek().kind == TokenKind::kString) return StringValue(Next());
  FailSyntax(wanted);
  return std::nullopt;
}

std::optional<std::string> TokenCursor::ExpectTableName(std::string_view wanted) {
  const Token first = Peek();
  std::optional<std::string> name = ExpectIdentifier(wanted);
  if (!name) return std::nullopt;
  if (Peek().IsSymbol('.')) {
    size_t end = first.end();
    while (Peek().IsSymbol('.') && at_identifier(1)) {
      Next();
      end = Next().end();
    }
    Fail("W1204", first,
         fmt::format("{} without a schema is wanted, found `{}`", wanted,
                     text().substr(first.offset, end - first.offset)),
         "all tables of a project are in one schema");
    return std::nullopt;
  }
  if (const std::string problem = TableNameProblem(*name); !problem.empty()) {
    Fail("W1205", first, fmt::format("{}: {}", problem, Describe(first)));
    return std::nullopt;
  }
  return name;
}

std::optional<std::vector<Token>> TokenCursor::ExpectNameList(std::string_view wanted) {
  std::vector<Token> names;
  std::set<std::string> seen;
  if (!ExpectSymbol('(')) return std::nullopt;
  do {
    const Token token = Peek();
    const std::optional<std::string> name = ExpectIdentifier(wanted);
    if (!name) return std::nullopt;
    if (!seen.insert(*name).second)
      Fail("W1211", token, fmt::format("the column is named twice: `{}`", *name));
    names.push_back(token);
  } while (TrySymbol(','));
  if (!TrySymbol(')')) {
    FailSyntax("`,` or `)`");
    return std::nullopt;
  }
  return names;
}

std::optional<std::string> TokenCursor::ExpectKey(std::string_view wanted) {
  if (Peek().kind == TokenKind::kString) return StringValue(Next());
  if (!at_identifier()) {
    FailSyntax(wanted);
    return std::nullopt;
  }
  std::string key;
  for (;;) {
    key += Peek().kind == TokenKind::kWord ? std::string(Next().text) : IdentifierName(Next());
    if (!Peek().IsSymbol('.') || !at_identifier(1)) return key;
    Next();
    key += '.';
  }
}

std::optional<std::string> TokenCursor::ExpectValue() {
  const bool is_negative = Peek().IsSymbol('-') && Peek(1).kind == TokenKind::kNumber;
  if (is_negative) Next();
  if (Peek().kind == TokenKind::kString) return StringValue(Next());
  if (Peek().kind == TokenKind::kQuotedIdentifier) return IdentifierName(Next());
  if (Peek().kind == TokenKind::kWord || Peek().kind == TokenKind::kNumber) {
    return (is_negative ? "-" : "") + std::string(Next().text);
  }
  FailSyntax("a value");
  return std::nullopt;
}

std::optional<std::vector<KeyValue>> TokenCursor::ExpectKeyValues(std::string_view wanted) {
  std::vector<KeyValue> pairs;
  if (!ExpectSymbol('(')) return std::nullopt;
  do {
    const Token key_token = Peek();
    std::optional<std::string> key = ExpectKey(wanted);
    if (!key) return std::nullopt;
    TrySymbol('=');
    const Token value_token = Peek();
    std::optional<std::string> value = ExpectValue();
    if (!value) return std::nullopt;
    pairs.push_back({*std::move(key), *std::move(value), key_token, value_token});
  } while (TrySymbol(','));
  if (!TrySymbol(')')) {
    FailSyntax("`,` or `)`");
    return std::nullopt;
  }
  return pairs;
}

bool TokenCursor::SkipParentheses() {
  if (!ExpectSymbol('(')) return false;
  for (int depth = 1; depth > 0; Next()) {
    if (at_statement_end()) return FailSyntax("`)`");
    if (Peek().IsSymbol('(')) ++depth;
    if (Peek().IsSymbol(')')) --depth;
  }
  return true;
}

size_t TokenCursor::SkipStatement() {
  while (!at_statement_end()) Next();
  return at_ == 0 ? 0 : Last().end();
}

bool TokenCursor::FailSyntax(std::string_view wanted) {
  return Fail("W1101", Peek(), fmt::format("{} expected, found {}", wanted, Describe(Peek())));
}

bool TokenCursor::Fail(std::string_view code, const Token& token, std::string message,
                       std::string hint) {
  failed_ = true;
  diagnostics_.Add({.code = std::string(code),
                    .message = std::move(message),
                    .hint = std::move(hint),
                    .location = LocationOf(token)});
  return false;
}

}  // namespace weir
