// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/dml_statement.h"

#include <initializer_list>

#include "weir/dml/statement_tokens.h"
#include "weir/project/token_cursor.h"

namespace weir {

namespace {

class Parser : private StatementTokens {
 public:
  using StatementTokens::StatementTokens;

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
  Status ParseInsert(DmlStatement& statement) {
    statement.kind = DmlStatement::Kind::kInsert;
    if (Try("WITH")) {
      if (!Try("SCHEMA") || !Try("EVOLUTION")) return Wanted("`SCHEMA EVOLUTION`");
      statement.by_name = statement.evolves = true;
    }
    if (Try("OVERWRITE")) {
      statement.kind = DmlStatement::Kind::kOverwrite;
      Try("INTO");
    } else if (!Try("INTO")) {
      return Wanted("`INTO` or `OVERWRITE`");
    }
    Try("TABLE");
    WEIR_RETURN_NOT_OK(ParseName(statement.table));
    if (Peek().IsKeyword("BY") && Peek(1).IsKeyword("NAME")) {
      Next();
      Next();
      statement.by_name = true;
    }
    if (statement.kind == DmlStatement::Kind::kInsert && Peek().IsKeyword("REPLACE") &&
        Peek(1).IsKeyword("WHERE")) {
      Next();
      Next();
      if (statement.evolves)
        return Wanted("a query: rows replaced by a condition keep the columns");
      statement.kind = DmlStatement::Kind::kReplaceWhere;
      WEIR_ASSIGN_OR_RETURN(statement.condition, UpTo({"SELECT", "WITH", "VALUES", "FROM", "TABLE"},
                                                      false, "a condition and a query"));
    } else if (!statement.by_name && Peek().IsSymbol('(') && !BeginsQueryInParentheses()) {
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

  Result<std::vector<Assignment>> ParseAssignments(const StatementTable& table,
                                                   std::initializer_list<std::string_view> ends) {
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
      each.column_text = {first.offset, Last().end()};
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
    WEIR_ASSIGN_OR_RETURN(action.assignments, ParseAssignments(statement.table, {"WHERE", "FROM"}));
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
    size_t end = Last().end();
    if (Peek().IsSymbol('(')) {  // names of columns behind the alias
      Next();
      std::vector<std::string> names;
      WEIR_RETURN_NOT_OK(ParseColumnList(names));
      end = Last().end();
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
