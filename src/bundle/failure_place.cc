// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/failure_place.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "weir/base/ascii_text.h"
#include "weir/base/text_between.h"
#include "weir/project/sql_lexer.h"

namespace weir {

namespace {

std::vector<Token> TokensOf(const ViewDefinition& view) {
  const SqlDialect* dialect = FindDialect(view.dialect);
  return Lex(view.query_sql, dialect == nullptr ? GenericDialect() : *dialect).tokens;
}

/// The words by which SQL names a type of the engine.
std::vector<std::string_view> WordsOf(const std::string& type) {
  static const std::map<std::string, std::vector<std::string_view>, std::less<>> kWords = {
      {"Int8", {"TINYINT"}},
      {"Int16", {"SMALLINT", "INT2"}},
      {"Int32", {"INT", "INTEGER", "INT4"}},
      {"Int64", {"BIGINT", "INT8", "LONG"}},
      {"Float32", {"REAL", "FLOAT", "FLOAT4"}},
      {"Float64", {"DOUBLE", "FLOAT", "FLOAT8"}},
      {"Decimal128", {"DECIMAL", "NUMERIC", "DEC"}},
      {"Date32", {"DATE"}},
      {"Timestamp", {"TIMESTAMP", "TIMESTAMPTZ", "DATETIME"}},
      {"Time64", {"TIME"}},
      {"Boolean", {"BOOLEAN", "BOOL"}},
  };
  const auto found = kWords.find(type.substr(0, type.find('(')));
  return found == kWords.end() ? std::vector<std::string_view>() : found->second;
}

/// The token that begins a cast to one of the types whose type stands at `type`: CAST of
/// `CAST(… AS INT)`, the first `:` of `x::INT`. nullopt where it is no cast.
std::optional<size_t> CastBefore(const std::vector<Token>& tokens, size_t type) {
  if (type >= 2 && tokens[type - 1].IsSymbol(':') && tokens[type - 2].IsSymbol(':'))
    return type - 2;
  if (type < 1 || !tokens[type - 1].IsKeyword("AS")) return std::nullopt;
  int depth = 1;
  for (size_t i = type - 1; i-- > 1;) {
    if (tokens[i].IsSymbol(')')) ++depth;
    if (tokens[i].IsSymbol('(') && --depth == 0)
      return tokens[i - 1].IsKeyword("CAST") ? std::optional(i - 1) : std::nullopt;
  }
  return std::nullopt;
}

std::vector<size_t> CastsTo(const std::vector<Token>& tokens, const std::string& type) {
  const std::vector<std::string_view> words = WordsOf(type);
  std::vector<size_t> casts;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool is_type = std::any_of(words.begin(), words.end(), [&](std::string_view word) {
      return tokens[i].IsKeyword(word);
    });
    if (const auto cast = is_type ? CastBefore(tokens, i) : std::nullopt) casts.push_back(*cast);
  }
  return casts;
}

std::vector<size_t> Divisions(const std::vector<Token>& tokens) {
  std::vector<size_t> divisions;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].IsSymbol('/') || tokens[i].IsSymbol('%')) divisions.push_back(i);
  }
  return divisions;
}

}  // namespace

std::optional<SourceLocation> PlaceOfText(const std::vector<std::string>& texts,
                                          const ViewDefinition& view) {
  if (view.query != nullptr) return std::nullopt;
  const std::vector<Token> tokens = TokensOf(view);
  const auto is_literal = [](const Token& token, const std::string& text) {
    return token.kind == TokenKind::kString
               ? StringValue(token) == text
               : token.kind == TokenKind::kNumber && token.text == text;
  };
  const auto is_name = [](const Token& token, const std::string& text) {
    return token.kind == TokenKind::kWord && AsciiLowerCase(token.text) == AsciiLowerCase(text);
  };
  for (const std::string& text : texts) {
    auto found = std::find_if(tokens.begin(), tokens.end(),
                              [&](const Token& token) { return is_literal(token, text); });
    if (found == tokens.end())
      found = std::find_if(tokens.begin(), tokens.end(),
                           [&](const Token& token) { return is_name(token, text); });
    if (found != tokens.end()) return SourceLocation{view.file, found->line, found->column};
  }
  return std::nullopt;
}

std::optional<SourceLocation> PlaceOfValueFailure(const std::string& message,
                                                  const ViewDefinition& view) {
  if (view.query != nullptr) return std::nullopt;
  const std::vector<Token> tokens = TokensOf(view);
  std::vector<size_t> places;
  if (const std::string type = TextBetween(message, "to value of ", " type"); !type.empty()) {
    places = CastsTo(tokens, type);
  } else if (message.find("Divide by zero") != std::string::npos) {
    places = Divisions(tokens);
  }
  if (places.size() != 1) return std::nullopt;
  const Token& token = tokens[places.front()];
  return SourceLocation{view.file, token.line, token.column};
}

}  // namespace weir
