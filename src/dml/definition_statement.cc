// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/definition_statement.h"

#include "weir/dml/statement_tokens.h"
#include "weir/project/token_cursor.h"

namespace weir {

namespace {

class Parser : private StatementTokens {
 public:
  Parser(const std::string& sql, const SqlDialect& dialect)
      : StatementTokens(sql, dialect), sql_(sql) {}

  Result<std::optional<DefinitionStatement>> Parse() {
    DefinitionStatement statement;
    if (Peek().IsKeyword("CREATE") && IsDelta()) {
      WEIR_RETURN_NOT_OK(ParseCreate(statement));
    } else if (Peek().IsKeyword("ALTER") && Peek(1).IsKeyword("TABLE")) {
      WEIR_RETURN_NOT_OK(ParseAlter(statement));
    } else {
      return std::optional<DefinitionStatement>();
    }
    return std::optional<DefinitionStatement>(std::move(statement));
  }

 private:
  using Kind = DefinitionStatement::Kind;

  /// Whether a clause says that the table is one of Delta.
  bool IsDelta() const {
    size_t at = 1;
    if (Peek(at).IsKeyword("OR") && Peek(at + 1).IsKeyword("REPLACE")) at += 2;
    if (!Peek(at).IsKeyword("TABLE")) return false;
    for (; Peek(at).kind != TokenKind::kEnd; ++at) {
      if (Peek(at).IsKeyword("AS") && BeginsQuery(Peek(at + 1)) && !Peek(at + 1).IsSymbol('('))
        return false;
      if (Peek(at).IsKeyword("USING") && Peek(at + 1).IsKeyword("DELTA")) return true;
      if (Peek(at).IsKeyword("STORED") && Peek(at + 1).IsKeyword("AS") &&
          (Peek(at + 2).IsKeyword("DELTATABLE") || Peek(at + 2).IsKeyword("DELTA")))
        return true;
    }
    return false;
  }

  Status ParseCreate(DefinitionStatement& statement) {
    statement.kind = Kind::kCreate;
    Next();
    if (Try("OR")) {
      WEIR_RETURN_NOT_OK(Expect("REPLACE"));
      statement.or_replace = true;
    }
    WEIR_RETURN_NOT_OK(Expect("TABLE"));
    if (Try("IF")) {
      WEIR_RETURN_NOT_OK(Expect("NOT"));
      WEIR_RETURN_NOT_OK(Expect("EXISTS"));
      statement.if_not_exists = true;
    }
    WEIR_RETURN_NOT_OK(ParseName(statement.table));
    if (TrySymbol('(')) {
      do {
        WEIR_RETURN_NOT_OK(ParseElement(statement));
      } while (TrySymbol(','));
      WEIR_RETURN_NOT_OK(ExpectSymbol(')'));
    }
    while (!AtEnd()) {
      if (Peek().IsKeyword("AS") && BeginsQuery(Peek(1))) {
        Next();
        WEIR_ASSIGN_OR_RETURN(statement.query, UpTo({}, false, "a query"));
        break;
      }
      WEIR_RETURN_NOT_OK(ParseClause(statement));
    }
    if (statement.columns.empty() == statement.query.empty()) {
      return Wanted(statement.query.empty() ? "columns or a query (AS SELECT …)"
                                            : "columns or a query, and not both,");
    }
    return ExpectEnd();
  }

  Status ParseClause(DefinitionStatement& statement) {
    if (Try("STORED")) {
      WEIR_RETURN_NOT_OK(Expect("AS"));
      Next();  // IsDelta() has looked
      return Status::OK();
    }
    if (Try("USING")) {
      Next();
      return Status::OK();
    }
    if (Try("LOCATION")) {
      WEIR_ASSIGN_OR_RETURN(statement.location, ParseString("a path in quotes"));
      return Status::OK();
    }
    if (Try("PARTITIONED")) {
      WEIR_RETURN_NOT_OK(Expect("BY"));
      WEIR_RETURN_NOT_OK(ExpectSymbol('('));
      return ParseColumnList(statement.partition_columns);
    }
    if (Try("COMMENT")) {
      WEIR_ASSIGN_OR_RETURN(statement.comment, ParseString("a comment in quotes"));
      return Status::OK();
    }
    if (Try("TBLPROPERTIES")) return ParseProperties(statement, /*with_values=*/true);
    return Wanted(
        "`STORED AS DELTATABLE`, `LOCATION`, `PARTITIONED BY`, `COMMENT`, `TBLPROPERTIES` or `AS`");
  }

  Status ParseProperties(DefinitionStatement& statement, bool with_values) {
    WEIR_RETURN_NOT_OK(ExpectSymbol('('));
    do {
      std::string key;
      if (Peek().kind == TokenKind::kString) {
        key = StringValue(Next());
      } else {
        if (!AtName()) return Wanted("the name of a property");
        key = std::string(Next().text);
        while (TrySymbol('.')) key += "." + std::string(Next().text);
      }
      std::string value;
      if (with_values) {
        TrySymbol('=');
        if (Peek().kind == TokenKind::kString) {
          value = StringValue(Next());
        } else if (Peek().kind == TokenKind::kNumber || Peek().kind == TokenKind::kWord) {
          value = std::string(Next().text);
        } else {
          return Wanted("the value of a property");
        }
      }
      statement.properties.emplace_back(std::move(key), std::move(value));
    } while (TrySymbol(','));
    return ExpectSymbol(')');
  }

  Status ParseElement(DefinitionStatement& statement) {
    if (Peek().IsKeyword("CONSTRAINT")) return ParseCheck(statement);
    return ParseColumn(statement);
  }

  Status ParseCheck(DefinitionStatement& statement) {
    Next();
    if (!AtName()) return Wanted("the name of a constraint");
    CheckDeclaration check{.name = IdentifierName(Next()), .expression = {}};
    WEIR_RETURN_NOT_OK(Expect("CHECK"));
    WEIR_ASSIGN_OR_RETURN(check.expression, ParseParentheses());
    statement.checks.push_back(std::move(check));
    return Status::OK();
  }

  /// The text between parentheses.
  Result<std::string> ParseParentheses() {
    WEIR_RETURN_NOT_OK(ExpectSymbol('('));
    const size_t begin = Peek().offset;
    size_t end = begin;
    for (int depth = 0; !AtEnd(); end = Next().end()) {
      if (Peek().IsSymbol('(')) ++depth;
      if (Peek().IsSymbol(')') && --depth < 0) break;
    }
    if (begin == end) return Wanted("an expression");
    WEIR_RETURN_NOT_OK(ExpectSymbol(')'));
    return sql_.substr(begin, end - begin);
  }

  Status ParseColumn(DefinitionStatement& statement) {
    if (!AtName()) return Wanted("the name of a column");
    ColumnDeclaration column{.name = IdentifierName(Next()), .generation = {}, .comment = {}};
    WEIR_ASSIGN_OR_RETURN(column.type, ParseType());
    while (!AtEnd() && !Peek().IsSymbol(',') && !Peek().IsSymbol(')')) {
      if (Try("NOT")) {
        WEIR_RETURN_NOT_OK(Expect("NULL"));
        column.nullable = false;
      } else if (Try("GENERATED")) {
        WEIR_RETURN_NOT_OK(Expect("ALWAYS"));
        WEIR_RETURN_NOT_OK(Expect("AS"));
        WEIR_ASSIGN_OR_RETURN(column.generation, ParseParentheses());
      } else if (Try("COMMENT")) {
        WEIR_ASSIGN_OR_RETURN(column.comment, ParseString("a comment in quotes"));
      } else if (!Try("NULL")) {
        return Wanted("`NOT NULL`, `GENERATED ALWAYS AS (…)`, `COMMENT`, `,` or `)`");
      }
    }
    statement.columns.push_back(std::move(column));
    return Status::OK();
  }

  Result<SqlSlice> ParseType() {
    const size_t begin = Peek().offset;
    size_t end = begin;
    for (int depth = 0; !AtEnd(); end = Next().end()) {
      const Token& token = Peek();
      if (depth == 0 && (token.IsSymbol(',') || token.IsSymbol(')') ||
                         IsAnyOf(token, {"NOT", "NULL", "GENERATED", "COMMENT"})))
        break;
      if (token.IsSymbol('(') || token.IsSymbol('<') || token.IsSymbol('[')) ++depth;
      if (token.IsSymbol(')') || token.IsSymbol('>') || token.IsSymbol(']')) --depth;
    }
    if (begin == end) return Wanted("the type of a column");
    return SqlSlice{begin, end};
  }

  Status ParseAlter(DefinitionStatement& statement) {
    Next();
    Next();
    WEIR_RETURN_NOT_OK(ParseName(statement.table));
    if (Try("SET")) {
      statement.kind = Kind::kSetProperties;
      WEIR_RETURN_NOT_OK(Expect("TBLPROPERTIES"));
      WEIR_RETURN_NOT_OK(ParseProperties(statement, /*with_values=*/true));
    } else if (Try("UNSET")) {
      statement.kind = Kind::kUnsetProperties;
      WEIR_RETURN_NOT_OK(Expect("TBLPROPERTIES"));
      WEIR_RETURN_NOT_OK(ParseIfExists(statement));
      WEIR_RETURN_NOT_OK(ParseProperties(statement, /*with_values=*/false));
    } else if (Try("ADD")) {
      WEIR_RETURN_NOT_OK(ParseAdd(statement));
    } else if (Try("DROP")) {
      WEIR_RETURN_NOT_OK(ParseDrop(statement));
    } else if (Peek().IsKeyword("RENAME")) {
      return Unsupported("renaming columns needs column mapping, which Weir does not write");
    } else {
      return Wanted(
          "`SET TBLPROPERTIES`, `UNSET TBLPROPERTIES`, `ADD COLUMN`, `ADD CONSTRAINT` or "
          "`DROP CONSTRAINT`");
    }
    return ExpectEnd();
  }

  Status Unsupported(const std::string& what) const {
    return Status::User(StatusCode::kUnsupported, "{}, found {}", what, Describe(Peek()))
        .WithLocation({.file = {}, .line = Peek().line, .column = Peek().column})
        .WithHint(
            "write the table anew: INSERT OVERWRITE, or CREATE OR REPLACE TABLE … AS SELECT …");
  }

  Status ParseIfExists(DefinitionStatement& statement) {
    if (!Try("IF")) return Status::OK();
    statement.if_not_exists = true;
    return Expect("EXISTS");
  }

  Status ParseAdd(DefinitionStatement& statement) {
    if (Peek().IsKeyword("CONSTRAINT")) {
      statement.kind = Kind::kAddCheck;
      return ParseCheck(statement);
    }
    statement.kind = Kind::kAddColumns;
    if (!Try("COLUMNS") && !Try("COLUMN")) return Wanted("`COLUMN`, `COLUMNS` or `CONSTRAINT`");
    const bool in_parentheses = TrySymbol('(');
    do {
      const Token place = Peek();
      WEIR_RETURN_NOT_OK(ParseColumn(statement));
      const ColumnDeclaration& column = statement.columns.back();
      if (!column.nullable || !column.generation.empty()) {
        return Status::User(
                   StatusCode::kUnsupported,
                   "a column is added without NOT NULL and without a generation, since rows "
                   "that are there have no value for it, found `{}`",
                   column.name)
            .WithLocation({.file = {}, .line = place.line, .column = place.column});
      }
    } while (TrySymbol(','));
    return in_parentheses ? ExpectSymbol(')') : Status::OK();
  }

  Status ParseDrop(DefinitionStatement& statement) {
    if (Peek().IsKeyword("COLUMN") || Peek().IsKeyword("COLUMNS"))
      return Unsupported("dropping columns needs column mapping, which Weir does not write");
    WEIR_RETURN_NOT_OK(Expect("CONSTRAINT"));
    statement.kind = Kind::kDropCheck;
    WEIR_RETURN_NOT_OK(ParseIfExists(statement));
    if (!AtName()) return Wanted("the name of a constraint");
    statement.checks.push_back({.name = IdentifierName(Next()), .expression = {}});
    return Status::OK();
  }

  const std::string& sql_;
};

}  // namespace

std::string_view ToString(DefinitionStatement::Kind kind) {
  return kind == DefinitionStatement::Kind::kCreate ? "CREATE TABLE" : "ALTER TABLE";
}

Result<std::optional<DefinitionStatement>> ParseDefinition(const std::string& sql,
                                                           const SqlDialect& dialect) {
  return Parser(sql, dialect).Parse();
}

}  // namespace weir
