// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/dml_statement.h"

#include <initializer_list>

#include "weir/project/sql_lexer.h"
#include "weir/project/token_cursor.h"

namespace weir {

namespace {

class Parser {
 public:
  Parser(const std::string& sql, const SqlDialect& dialect) : lexed_(Lex(sql, dialect)) {}

  Result<std::optional<DmlStatement>> Parse() {
    DmlStatement statement;
    Status parsed;
    if (Try("INSERT")) {
      parsed = ParseInsert(statement);
    } else if (Try("UPDATE")) {
      parsed = ParseUpdate(statement);
    } else if (Try("DELETE")) {
      parsed = ParseDelete(statement);
    } else if (Try("MERGE")) {
      parsed = ParseMerge(statement);
    } else if (Try("TRUNCATE")) {
      parsed = ParseTruncate(statement);
    } else {
      return std::optional<DmlStatement>();
    }
    if (!parsed.ok()) return parsed;
    return std::optional<DmlStatement>(std::move(statement));
  }

 private:
  const Token& Peek(size_t ahead = 0) const {
    return lexed_.tokens[std::min(at_ + ahead, lexed_.tokens.size() - 1)];
  }
  bool AtEnd() const { return Peek().kind == TokenKind::kEnd || Peek().IsSymbol(';'); }
  const Token& Next() {
    const Token& token = Peek();
    if (token.kind != TokenKind::kEnd) ++at_;
    return token;
  }
  bool Try(std::string_view keyword) {
    if (!Peek().IsKeyword(keyword)) return false;
    Next();
    return true;
  }
  bool TrySymbol(char symbol) {
    if (!Peek().IsSymbol(symbol)) return false;
    Next();
    return true;
  }
  Status Wanted(std::string_view what) const {
    return Status::User(StatusCode::kInvalidArgument, "{} is wanted, found {}", what,
                        Describe(Peek()))
        .WithLocation({.file = {}, .line = Peek().line, .column = Peek().column});
  }
  Status Expect(std::string_view keyword) {
    return Try(keyword) ? Status::OK() : Wanted(fmt::format("`{}`", keyword));
  }
  Status ExpectSymbol(char symbol) {
    return TrySymbol(symbol) ? Status::OK() : Wanted(fmt::format("`{}`", symbol));
  }
  Status ExpectEnd() {
    while (TrySymbol(';')) {
    }
    return Peek().kind == TokenKind::kEnd ? Status::OK() : Wanted("the end of the statement");
  }
  bool AtName() const {
    return Peek().kind == TokenKind::kWord || Peek().kind == TokenKind::kQuotedIdentifier;
  }

  /// Everything up to the first of `keywords`, or a comma or `)` if asked for, outside of
  /// parentheses and CASE.
  Result<SqlSlice> UpTo(std::initializer_list<std::string_view> keywords, bool comma,
                        std::string_view what) {
    const size_t begin = Peek().offset;
    size_t end = begin;
    int depth = 0, cases = 0;
    for (; !AtEnd(); end = Next().end()) {
      const Token& token = Peek();
      const bool is_outside = depth == 0 && cases == 0;
      if (is_outside && comma && (token.IsSymbol(',') || token.IsSymbol(')'))) break;
      if (is_outside && IsAnyOf(token, keywords)) break;
      if (token.IsSymbol('(') || token.IsSymbol('[') || token.IsSymbol('{')) ++depth;
      if (token.IsSymbol(')') || token.IsSymbol(']') || token.IsSymbol('}')) --depth;
      if (depth < 0) return Wanted(what);
      if (token.IsKeyword("CASE")) ++cases;
      if (token.IsKeyword("END") && cases > 0) --cases;
    }
    if (begin == end) return Wanted(what);
    return SqlSlice{begin, end};
  }

  bool IsAnyOf(const Token& token, std::initializer_list<std::string_view> keywords) const {
    for (const std::string_view keyword : keywords) {
      if (!token.IsKeyword(keyword)) continue;
      // `a IS DISTINCT FROM b`
      const bool is_operator =
          keyword == "FROM" && at_ > 0 && lexed_.tokens[at_ - 1].IsKeyword("DISTINCT");
      if (!is_operator) return true;
    }
    return false;
  }

  Status ParseName(StatementTable& table) {
    const Token first = Peek();
    if (first.kind == TokenKind::kString) {
      table.name = StringValue(Next());
      table.quoted = true;
    } else {
      if (!AtName()) return Wanted("the name of a table");
      table.quoted = first.kind == TokenKind::kQuotedIdentifier;
      table.name = IdentifierName(Next());
      table.alias = table.name;
      while (TrySymbol('.')) {
        if (!AtName()) return Wanted("a name");
        table.alias = IdentifierName(Next());
        table.name += "." + table.alias;
        table.quoted = false;
      }
    }
    table.text = {first.offset, lexed_.tokens[at_ - 1].end()};
    return Status::OK();
  }

  /// `AS alias`, or an alias that is none of the words which may follow.
  Status ParseAlias(StatementTable& table, std::initializer_list<std::string_view> followers) {
    const bool has_as = Try("AS");
    if (AtName() && (has_as || !IsAnyOf(Peek(), followers))) {
      table.alias = IdentifierName(Next());
      return Status::OK();
    }
    return has_as ? Wanted("an alias") : Status::OK();
  }

  Status ParseColumnList(std::vector<std::string>& columns) {
    do {
      if (!AtName()) return Wanted("the name of a column");
      columns.push_back(IdentifierName(Next()));
    } while (TrySymbol(','));
    return ExpectSymbol(')');
  }

  Status ParseInsert(DmlStatement& statement) {
    statement.kind = DmlStatement::Kind::kInsert;
    if (Try("OVERWRITE")) {
      statement.kind = DmlStatement::Kind::kOverwrite;
      Try("INTO");
    } else if (!Try("INTO")) {
      return Wanted("`INTO` or `OVERWRITE`");
    }
    Try("TABLE");
    WEIR_RETURN_NOT_OK(ParseName(statement.table));
    if (statement.kind == DmlStatement::Kind::kInsert && Peek().IsKeyword("REPLACE") &&
        Peek(1).IsKeyword("WHERE")) {
      Next();
      Next();
      statement.kind = DmlStatement::Kind::kReplaceWhere;
      WEIR_ASSIGN_OR_RETURN(statement.condition,
                            UpTo({"SELECT", "WITH", "VALUES", "FROM", "TABLE"}, false,
                                 "a condition and a query"));
    } else if (Peek().IsSymbol('(') && !BeginsQueryInParentheses()) {
      Next();
      WEIR_RETURN_NOT_OK(ParseColumnList(statement.columns));
    }
    if (!BeginsQuery(Peek())) return Wanted("a query (SELECT, WITH, VALUES or FROM)");
    WEIR_ASSIGN_OR_RETURN(statement.query, UpTo({}, false, "a query"));
    return ExpectEnd();
  }

  bool BeginsQueryInParentheses() const {
    size_t ahead = 1;
    while (Peek(ahead).IsSymbol('(')) ++ahead;
    // A column may be named as these words are, but then a comma or `)` follows.
    return BeginsQuery(Peek(ahead)) && !Peek(ahead + 1).IsSymbol(',') &&
           !Peek(ahead + 1).IsSymbol(')');
  }

  Result<std::vector<Assignment>> ParseAssignments(
      const StatementTable& table, std::initializer_list<std::string_view> ends) {
    std::vector<Assignment> assignments;
    do {
      Assignment each;
      const Token first = Peek();
      if (!AtName()) return Wanted("the name of a column");
      std::string name = IdentifierName(Next());
      if (TrySymbol('.')) {
        if (name != table.alias) {
          return Status::User(StatusCode::kUnsupported,
                              "a column of the table is wanted, found a part of one: `{}`", name)
              .WithLocation({.file = {}, .line = first.line, .column = first.column})
              .WithHint("assign the whole column: s = named_struct('a', 1, 'b', s['b'])");
        }
        if (!AtName()) return Wanted("the name of a column");
        name = IdentifierName(Next());
      }
      each.column = std::move(name);
      each.column_text = {first.offset, lexed_.tokens[at_ - 1].end()};
      WEIR_RETURN_NOT_OK(ExpectSymbol('='));
      WEIR_ASSIGN_OR_RETURN(each.value, UpTo(ends, true, "an expression"));
      assignments.push_back(std::move(each));
    } while (TrySymbol(','));
    return assignments;
  }

  Status ParseUpdate(DmlStatement& statement) {
    statement.kind = DmlStatement::Kind::kUpdate;
    WEIR_RETURN_NOT_OK(ParseName(statement.table));
    WEIR_RETURN_NOT_OK(ParseAlias(statement.table, {"SET"}));
    WEIR_RETURN_NOT_OK(Expect("SET"));
    RowAction action{.kind = RowAction::Kind::kUpdate};
    WEIR_ASSIGN_OR_RETURN(action.assignments,
                          ParseAssignments(statement.table, {"WHERE", "FROM"}));
    if (Peek().IsKeyword("FROM")) {
      return Wanted("`WHERE` or the end of the statement")
          .WithHint("rows of another table are brought in by MERGE INTO … USING … ON …");
    }
    return ParseWhere(statement, std::move(action));
  }

  Status ParseDelete(DmlStatement& statement) {
    statement.kind = DmlStatement::Kind::kDelete;
    WEIR_RETURN_NOT_OK(Expect("FROM"));
    WEIR_RETURN_NOT_OK(ParseName(statement.table));
    WEIR_RETURN_NOT_OK(ParseAlias(statement.table, {"WHERE", "USING"}));
    if (Peek().IsKeyword("USING")) {
      return Wanted("`WHERE` or the end of the statement")
          .WithHint("WHERE EXISTS (SELECT … FROM other WHERE …), or MERGE INTO … USING … ON …");
    }
    return ParseWhere(statement, RowAction{.kind = RowAction::Kind::kDelete});
  }

  Status ParseWhere(DmlStatement& statement, RowAction action) {
    if (Try("WHERE")) {
      WEIR_ASSIGN_OR_RETURN(statement.condition, UpTo({}, false, "a condition"));
    }
    statement.actions.push_back(std::move(action));
    return ExpectEnd();
  }

  Status ParseTruncate(DmlStatement& statement) {
    statement.kind = DmlStatement::Kind::kTruncate;
    Try("TABLE");
    WEIR_RETURN_NOT_OK(ParseName(statement.table));
    statement.actions.push_back(RowAction{.kind = RowAction::Kind::kDelete});
    return ExpectEnd();
  }

  Status ParseMerge(DmlStatement& statement) {
    statement.kind = DmlStatement::Kind::kMerge;
    WEIR_RETURN_NOT_OK(Expect("INTO"));
    WEIR_RETURN_NOT_OK(ParseName(statement.table));
    WEIR_RETURN_NOT_OK(ParseAlias(statement.table, {"USING"}));
    WEIR_RETURN_NOT_OK(Expect("USING"));
    WEIR_RETURN_NOT_OK(ParseSource(statement));
    WEIR_RETURN_NOT_OK(Expect("ON"));
    WEIR_ASSIGN_OR_RETURN(statement.condition, UpTo({"WHEN"}, false, "a condition"));
    while (Try("WHEN")) {
      RowAction action;
      WEIR_RETURN_NOT_OK(ParseAction(statement.table, action));
      statement.actions.push_back(std::move(action));
    }
    if (statement.actions.empty()) return Wanted("`WHEN`");
    return ExpectEnd();
  }

  Status ParseSource(DmlStatement& statement) {
    StatementTable source;
    const size_t begin = Peek().offset;
    if (Peek().IsSymbol('(')) {
      Next();
      WEIR_ASSIGN_OR_RETURN(const SqlSlice query, UpTo({}, true, "a query"));
      (void)query;
      while (Peek().IsSymbol(',')) {
        Next();
        WEIR_ASSIGN_OR_RETURN(const SqlSlice more, UpTo({}, true, "a query"));
        (void)more;
      }
      WEIR_RETURN_NOT_OK(ExpectSymbol(')'));
    } else {
      WEIR_RETURN_NOT_OK(ParseName(source));
      if (Peek().IsSymbol('(')) {  // a table function
        Next();
        int depth = 1;
        while (depth > 0 && !AtEnd()) {
          const Token& token = Next();
          if (token.IsSymbol('(')) ++depth;
          if (token.IsSymbol(')')) --depth;
        }
        if (depth > 0) return Wanted("`)`");
      }
    }
    WEIR_RETURN_NOT_OK(ParseAlias(source, {"ON"}));
    size_t end = lexed_.tokens[at_ - 1].end();
    if (Peek().IsSymbol('(')) {  // names of columns behind the alias
      Next();
      std::vector<std::string> names;
      WEIR_RETURN_NOT_OK(ParseColumnList(names));
      end = lexed_.tokens[at_ - 1].end();
    }
    if (source.alias.empty()) {
      return Wanted("an alias for what stands after USING").WithHint("USING (SELECT …) AS s ON …");
    }
    statement.source = {begin, end};
    statement.source_alias = source.alias;
    return Status::OK();
  }

  Status ParseAction(const StatementTable& table, RowAction& action) {
    if (Try("MATCHED")) {
      action.rows = RowAction::Rows::kMatched;
    } else {
      WEIR_RETURN_NOT_OK(Expect("NOT"));
      WEIR_RETURN_NOT_OK(Expect("MATCHED"));
      action.rows = RowAction::Rows::kNotMatched;
      if (Try("BY")) {
        if (Try("SOURCE")) {
          action.rows = RowAction::Rows::kNotMatchedBySource;
        } else {
          WEIR_RETURN_NOT_OK(Expect("TARGET"));
        }
      }
    }
    if (Try("AND")) {
      WEIR_ASSIGN_OR_RETURN(action.condition, UpTo({"THEN"}, false, "a condition"));
    }
    WEIR_RETURN_NOT_OK(Expect("THEN"));
    if (action.rows == RowAction::Rows::kNotMatched) return ParseInsertAction(action);
    if (Try("DELETE")) {
      action.kind = RowAction::Kind::kDelete;
      return Status::OK();
    }
    if (!Try("UPDATE")) return Wanted("`UPDATE` or `DELETE`");
    action.kind = RowAction::Kind::kUpdate;
    WEIR_RETURN_NOT_OK(Expect("SET"));
    if (Peek().IsSymbol('*')) {
      if (action.rows == RowAction::Rows::kNotMatchedBySource) return Wanted("an assignment");
      Next();
      action.all = true;
      return Status::OK();
    }
    WEIR_ASSIGN_OR_RETURN(action.assignments, ParseAssignments(table, {"WHEN"}));
    return Status::OK();
  }

  Status ParseInsertAction(RowAction& action) {
    action.kind = RowAction::Kind::kInsert;
    WEIR_RETURN_NOT_OK(Expect("INSERT"));
    if (TrySymbol('*')) {
      action.all = true;
      return Status::OK();
    }
    std::vector<std::string> columns;
    const Token first = Peek();
    if (TrySymbol('(')) WEIR_RETURN_NOT_OK(ParseColumnList(columns));
    WEIR_RETURN_NOT_OK(Expect("VALUES"));
    WEIR_RETURN_NOT_OK(ExpectSymbol('('));
    do {
      Assignment each;
      if (action.assignments.size() < columns.size())
        each.column = columns[action.assignments.size()];
      each.column_text = {first.offset, first.end()};
      WEIR_ASSIGN_OR_RETURN(each.value, UpTo({}, true, "an expression"));
      action.assignments.push_back(std::move(each));
    } while (TrySymbol(','));
    if (!columns.empty() && columns.size() != action.assignments.size()) {
      return Status::User(StatusCode::kInvalidArgument,
                          "a value for each column is wanted, found {} columns and {} values",
                          columns.size(), action.assignments.size())
          .WithLocation({.file = {}, .line = first.line, .column = first.column});
    }
    return ExpectSymbol(')');
  }

  LexedText lexed_;
  size_t at_ = 0;
};

}  // namespace

std::string_view ToString(DmlStatement::Kind kind) {
  switch (kind) {
    case DmlStatement::Kind::kInsert:
      return "INSERT";
    case DmlStatement::Kind::kOverwrite:
      return "INSERT OVERWRITE";
    case DmlStatement::Kind::kReplaceWhere:
      return "INSERT REPLACE WHERE";
    case DmlStatement::Kind::kUpdate:
      return "UPDATE";
    case DmlStatement::Kind::kDelete:
      return "DELETE";
    case DmlStatement::Kind::kMerge:
      return "MERGE";
    case DmlStatement::Kind::kTruncate:
      return "TRUNCATE";
  }
  return "";
}

Result<std::optional<DmlStatement>> ParseDml(const std::string& sql, const SqlDialect& dialect) {
  return Parser(sql, dialect).Parse();
}

}  // namespace weir
