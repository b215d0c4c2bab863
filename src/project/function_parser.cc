// SPDX-License-Identifier: Apache-2.0

#include "weir/project/function_parser.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"

namespace weir {

namespace {

/// Parses one statement.
class FunctionParser {
 public:
  explicit FunctionParser(TokenCursor& cursor) : cursor_(cursor) {}

  /// The name, as soon as it is known; else empty.
  const std::string& name() const { return function_.name; }

  std::optional<UserFunctionDefinition> Parse() {
    const Token first = cursor_.Peek();
    function_.location = cursor_.LocationOf(first);
    if (!ParseHead() || !ParseParameters() || !ParseReturns()) return std::nullopt;
    const size_t begin = cursor_.Peek().offset;
    function_.body_location = cursor_.LocationOf(cursor_.Peek());
    if (cursor_.at_statement_end()) {
      cursor_.FailSyntax("an expression after `RETURN`");
      return std::nullopt;
    }
    const size_t end = cursor_.SkipStatement();
    function_.body_sql = BlankBefore(cursor_.text(), begin, end);
    function_.body_text = TrimAscii(cursor_.text().substr(begin, end - begin));
    function_.definition_sql = cursor_.text().substr(first.offset, end - first.offset);
    if (cursor_.failed()) return std::nullopt;
    return std::move(function_);
  }

 private:
  bool ParseHead() {
    const Token first = cursor_.Peek();
    const bool creates = cursor_.TryKeyword("CREATE");
    function_.replaces = creates && cursor_.TryKeywords({"OR", "REPLACE"});
    const Token word = cursor_.Peek();
    if (!creates || !cursor_.TryKeyword("FUNCTION")) {
      return cursor_.Fail(
          "W1501", creates ? word : first,
          fmt::format("`{}` is wanted in a file of functions, found {}",
                      creates ? "FUNCTION" : "CREATE FUNCTION", Describe(creates ? word : first)),
          "views go under views/, sources under sources/");
    }
    const Token name = cursor_.Peek();
    function_.name_location = cursor_.LocationOf(name);
    const auto found = cursor_.ExpectIdentifier("a function name");
    if (!found) return false;
    function_.name = AsciiLowerCase(*found);
    if (!cursor_.Peek().IsSymbol('.')) return true;
    size_t end = name.end();
    while (cursor_.Peek().IsSymbol('.') && cursor_.at_identifier(1)) {
      cursor_.Next();
      function_.name = AsciiLowerCase(IdentifierName(cursor_.Peek()));
      end = cursor_.Next().end();
    }
    return cursor_.Fail("W1204", name,
                        fmt::format("a function name without a schema is wanted, found `{}`",
                                    cursor_.text().substr(name.offset, end - name.offset)),
                        "functions are not in schemas");
  }

  bool ParseParameters() {
    if (!cursor_.ExpectSymbol('(')) return false;
    if (cursor_.TrySymbol(')')) return true;
    do {
      if (!ParseParameter()) return false;
    } while (cursor_.TrySymbol(','));
    return cursor_.TrySymbol(')') || cursor_.FailSyntax("`DEFAULT`, `,` or `)`");
  }

  bool ParseParameter() {
    ParameterDefinition parameter;
    const Token token = cursor_.Peek();
    parameter.location = cursor_.LocationOf(token);
    const auto name = cursor_.ExpectIdentifier("an argument's name");
    if (!name) return false;
    parameter.name = *name;
    static constexpr std::string_view kDefault[] = {"DEFAULT"};
    parameter.sql_type = TextUntil(kDefault);
    if (parameter.sql_type.empty())
      return cursor_.FailSyntax(fmt::format("the type of the argument `{}`", *name));
    if (cursor_.TryKeyword("DEFAULT")) {
      const size_t begin = cursor_.Peek().offset;
      if (TextUntil({}).empty()) return cursor_.FailSyntax("an expression after `DEFAULT`");
      const size_t end = cursor_.Last().end();
      parameter.default_sql = BlankBefore(cursor_.text(), begin, end);
      parameter.default_text = TrimAscii(cursor_.text().substr(begin, end - begin));
    }
    for (const ParameterDefinition& other : function_.parameters) {
      if (other.name != parameter.name) continue;
      cursor_.Fail("W1503", token, fmt::format("the argument is named twice: `{}`", *name));
      break;
    }
    function_.parameters.push_back(std::move(parameter));
    return true;
  }

  /// RETURNS type RETURN
  bool ParseReturns() {
    if (!cursor_.ExpectKeyword("RETURNS")) return false;
    function_.return_location = cursor_.LocationOf(cursor_.Peek());
    static constexpr std::string_view kEnds[] = {"RETURN",    "AS",     "LANGUAGE", "BEGIN",
                                                 "IMMUTABLE", "STABLE", "VOLATILE", "STRICT"};
    function_.return_type = TextUntil(kEnds);
    if (function_.return_type.empty()) return cursor_.FailSyntax("the type of the result");
    if (cursor_.TryKeyword("RETURN")) return true;
    if (cursor_.at_statement_end()) return cursor_.FailSyntax("`RETURN`");
    return cursor_.Fail(
        "W1504", cursor_.Peek(),
        fmt::format("`RETURN` and one expression are wanted, found {}", Describe(cursor_.Peek())),
        "a user function is an SQL expression over its arguments");
  }

  /// The tokens up to one of the keywords, a `,` or a `)` that no bracket of their own surrounds,
  /// as text with one space for blanks and comments.
  std::string TextUntil(std::span<const std::string_view> keywords) {
    std::string text;
    size_t end = 0;
    for (int depth = 0; !cursor_.at_statement_end();) {
      const Token& token = cursor_.Peek();
      const auto is_token = [&](std::string_view keyword) { return token.IsKeyword(keyword); };
      if (depth == 0 && (token.IsSymbol(',') || token.IsSymbol(')') ||
                         std::any_of(keywords.begin(), keywords.end(), is_token)))
        break;
      const bool in_type = !keywords.empty();  // elsewhere `<` compares
      if (token.IsSymbol('(') || token.IsSymbol('[') || (in_type && token.IsSymbol('<'))) ++depth;
      if (token.IsSymbol(')') || token.IsSymbol(']') || (in_type && token.IsSymbol('>'))) --depth;
      if (!text.empty() && token.offset > end) text += ' ';
      text += token.text;
      end = cursor_.Next().end();
    }
    return text;
  }

  TokenCursor& cursor_;
  UserFunctionDefinition function_;
};

}  // namespace

std::string UserFunctionDefinition::Syntax() const {
  std::string names;
  size_t open = 0;
  for (const ParameterDefinition& parameter : parameters) {
    const bool optional = !parameter.default_sql.empty();
    open += optional ? 1 : 0;
    names += fmt::format("{}{}{}", optional ? "[" : "", names.empty() ? "" : ", ", parameter.name);
  }
  return fmt::format("{}({}{})", name, names, std::string(open, ']'));
}

std::vector<UserFunctionDefinition> ParseFunctionFile(const SqlFile& file,
                                                      std::set<std::string>& broken,
                                                      Diagnostics& diagnostics) {
  std::vector<UserFunctionDefinition> functions;
  TokenCursor cursor(file, diagnostics);
  if (cursor.failed()) return functions;
  while (!cursor.at_end()) {
    if (cursor.TrySymbol(';')) continue;
    cursor.ClearFailed();
    FunctionParser parser(cursor);
    if (auto function = parser.Parse()) {
      function->dialect = file.dialect->name;
      functions.push_back(*std::move(function));
    } else if (!parser.name().empty()) {
      broken.insert(parser.name());
    }
    cursor.SkipStatement();
  }
  return functions;
}

}  // namespace weir
