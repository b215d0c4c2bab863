// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/expression_place.h"

#include <algorithm>
#include <vector>

#include "weir/base/text_between.h"
#include "weir/project/sql_lexer.h"

namespace weir {

namespace {

struct Word {
  std::string text;
  int line = 0;
  int column = 0;
};

/// Tokens without what plans have more or fewer of.
class Words {
 public:
  explicit Words(const std::vector<Token>& tokens) : tokens_(tokens) {
    for (; !At(0, TokenKind::kEnd); ++at_) Take();
  }
  std::vector<Word> words;

 private:
  bool At(size_t ahead, TokenKind kind) const { return tokens_[Index(ahead)].kind == kind; }
  bool Symbol(size_t ahead, char symbol) const { return tokens_[Index(ahead)].IsSymbol(symbol); }
  size_t Index(size_t ahead) const { return std::min(at_ + ahead, tokens_.size() - 1); }

  void Take() {
    const Token& token = tokens_[at_];
    if (token.IsSymbol('(')) return ++depth_, void();
    if (token.IsSymbol(')')) {
      if (!casts_.empty() && casts_.back() == depth_) casts_.pop_back();
      --depth_;
      return;
    }
    if (token.IsSymbol(':') && Symbol(1, ':')) return SkipType();
    if ((token.IsKeyword("CAST") || token.IsKeyword("TRY_CAST")) && Symbol(1, '(')) {
      casts_.push_back(depth_ + 1);
      return;
    }
    if (token.IsKeyword("AS") && !casts_.empty() && casts_.back() == depth_) {
      // The type, up to the end of the cast.
      for (int nested = 0; !At(1, TokenKind::kEnd) && (nested > 0 || !Symbol(1, ')')); ++at_)
        nested += Symbol(1, '(') ? 1 : Symbol(1, ')') ? -1 : 0;
      return;
    }
    const bool is_name =
        token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedIdentifier;
    if (is_name && Symbol(1, '.')) return ++at_, void();
    words.push_back({.text = is_name ? IdentifierName(token) : std::string(token.text),
                     .line = token.line,
                     .column = token.column});
  }

  /// `::INT`, `::DECIMAL(10, 2)`
  void SkipType() {
    at_ += 2;
    if (!Symbol(1, '(')) return;
    while (!At(1, TokenKind::kEnd) && !Symbol(0, ')')) ++at_;
  }

  const std::vector<Token>& tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  std::vector<int> casts_;  ///< depths within the parentheses of casts
};

std::vector<Word> WordsOf(std::string_view text, const SqlDialect& dialect) {
  const LexedText lexed = Lex(text, dialect);
  std::vector<Token> tokens = lexed.tokens;
  if (tokens.empty() || tokens.back().kind != TokenKind::kEnd) tokens.emplace_back();
  return Words(tokens).words;
}

}  // namespace

std::optional<SourceLocation> FindExpression(std::string_view expression,
                                             const ViewDefinition& view) {
  if (view.query != nullptr) return std::nullopt;
  const std::vector<Word> wanted = WordsOf(expression, GenericDialect());
  const SqlDialect* dialect = FindDialect(view.dialect);
  const std::vector<Word> text =
      WordsOf(view.query_sql, dialect != nullptr ? *dialect : GenericDialect());
  const auto found =
      std::search(text.begin(), text.end(), wanted.begin(), wanted.end(),
                  [](const Word& left, const Word& right) { return left.text == right.text; });
  if (wanted.empty() || found == text.end()) return std::nullopt;
  // The query has its lines where the file has them.
  SourceLocation place = view.location;
  place.line = found->line;
  place.column = found->column;
  return place;
}

std::string ExpressionOf(const Status& status) {
  if (status.code() != StatusCode::kOverflow) return {};
  return TextBetween(status.message(), "`", "`");
}

}  // namespace weir
