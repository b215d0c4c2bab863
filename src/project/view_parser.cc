// SPDX-License-Identifier: Apache-2.0

#include "weir/project/view_parser.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"

namespace weir {

namespace {

/// Reports W1202 if another statement follows the `;` here.
bool ExpectNoFurtherStatement(TokenCursor& cursor) {
  while (cursor.TrySymbol(';')) {
  }
  if (cursor.at_end()) return true;
  return cursor.Fail(
      "W1202", cursor.Peek(),
      fmt::format("one statement a file is wanted, found a second one that begins with {}",
                  Describe(cursor.Peek())),
      "move it to a file of its own");
}

/// Reports W1201 if the file has no statement.
bool ExpectSomething(TokenCursor& cursor, std::string_view wanted) {
  if (!cursor.at_end()) return true;
  return cursor.Fail("W1201", {},
                     fmt::format("{} is wanted, found no statement in the file", wanted));
}

class ViewParser {
 public:
  ViewParser(const SqlFile& file, Diagnostics& diagnostics) : cursor_(file, diagnostics) {
    view_.file = file.path;
    view_.dialect = file.dialect->name;
  }

  /// The name, as soon as it is known; else empty.
  const std::string& name() const { return view_.name; }

  std::optional<ViewDefinition> Parse() {
    if (cursor_.failed() || !ExpectSomething(cursor_, "a query or CREATE VIEW"))
      return std::nullopt;
    const Token first = cursor_.Peek();
    view_.location = cursor_.LocationOf(first);
    if (BeginsQuery(first) ? !NameAfterFile() : !ParseDefinition()) return std::nullopt;

    const size_t query_begin = cursor_.Peek().offset;
    const size_t query_end = cursor_.SkipStatement();
    ExpectNoFurtherStatement(cursor_);
    if (cursor_.failed()) return std::nullopt;
    view_.query_sql = BlankBefore(cursor_.text(), query_begin, query_end);
    view_.definition_sql = cursor_.text().substr(first.offset, query_end - first.offset);
    return std::move(view_);
  }

 private:
  bool NameAfterFile() {
    view_.name = NameOfFile(view_.file);
    constexpr std::string_view kHint = "rename the file";
    if (view_.name.find('.') != std::string::npos) {
      return cursor_.Fail(
          "W1204", {},
          fmt::format("a file name without a schema is wanted, found `{}`", view_.file),
          std::string(kHint));
    }
    const std::string problem = TableNameProblem(view_.name);
    return problem.empty() ||
           cursor_.Fail("W1205", {}, fmt::format("{}: `{}`", problem, view_.file),
                        std::string(kHint));
  }

  /// Parses everything before the query. False if the query cannot be found.
  bool ParseDefinition() {
    if (!ParseHead()) return false;
    if (cursor_.Peek().IsSymbol('(') && !ParseColumns()) return false;
    if (!ParseClauses()) return false;
    CheckPartitionColumns();
    return BeginsQuery(cursor_.Peek()) || cursor_.FailSyntax("a query");
  }

  bool ParseHead() {
    if (!cursor_.Peek().IsKeyword("CREATE")) return cursor_.FailSyntax("a query or `CREATE VIEW`");
    cursor_.Next();
    const Token or_replace = cursor_.Peek();
    const bool replaces = cursor_.TryKeyword("OR");
    if (replaces && !cursor_.ExpectKeyword("REPLACE")) return false;
    const Token temporary_token = cursor_.Peek();
    const bool temporary = cursor_.TryKeyword("TEMPORARY") || cursor_.TryKeyword("TEMP");
    const bool materialized = cursor_.TryKeyword("MATERIALIZED");
    if (!cursor_.TryKeyword("VIEW")) {
      return cursor_.FailSyntax(materialized ? "`VIEW`"
                                : temporary  ? "`VIEW`"
                                             : "`VIEW` or `MATERIALIZED VIEW`");
    }
    const bool if_not_exists = cursor_.TryKeywords({"IF", "NOT", "EXISTS"});
    if (replaces && if_not_exists) {
      cursor_.Fail("W1214", or_replace,
                   "either `OR REPLACE` or `IF NOT EXISTS` is wanted, found both",
                   "leave both out: the project's files say what exists");
    }
    if (temporary && materialized) {
      cursor_.Fail("W1214", temporary_token,
                   "either `TEMPORARY` or `MATERIALIZED` is wanted, found both",
                   "a MATERIALIZED VIEW is stored, a TEMPORARY VIEW is not");
    }
    view_.kind = materialized ? ViewDefinition::Kind::kStored : ViewDefinition::Kind::kInline;
    std::optional<std::string> name = cursor_.ExpectTableName("a view name");
    if (name) view_.name = *std::move(name);
    return name.has_value();
  }

  bool ParseColumns() {
    std::set<std::string> seen;
    cursor_.Next();
    do {
      if (cursor_.Peek().IsKeyword("CONSTRAINT") && cursor_.at_identifier(1)) {
        if (!ParseConstraint()) return false;
        continue;
      }
      const Token token = cursor_.Peek();
      const std::optional<std::string> name =
          cursor_.ExpectIdentifier("a column name or `CONSTRAINT`");
      if (!name) return false;
      if (!seen.insert(*name).second)
        cursor_.Fail("W1211", token, fmt::format("the column is named twice: `{}`", *name));
      view_.column_names.push_back(*name);
      if (!cursor_.TryKeyword("COMMENT")) continue;
      const auto comment = cursor_.ExpectString("a comment in quotes");
      if (!comment) return false;
      view_.column_comments[*name] = *comment;
    } while (cursor_.TrySymbol(','));
    return cursor_.TrySymbol(')') || cursor_.FailSyntax("`COMMENT`, `,` or `)`");
  }

  /// CONSTRAINT name EXPECT ( … ) [ON VIOLATION FAIL UPDATE | DROP ROW]
  bool ParseConstraint() {
    ConstraintDefinition constraint;
    const Token first = cursor_.Next();
    constraint.location = cursor_.LocationOf(first);
    const Token name = cursor_.Next();
    constraint.name = IdentifierName(name);
    if (!cursor_.ExpectKeyword("EXPECT")) return false;
    const size_t begin = cursor_.Peek().end();
    if (!cursor_.SkipParentheses()) return false;
    const size_t end = cursor_.Last().offset;
    constraint.expression_sql = BlankBefore(cursor_.text(), begin, end);
    constraint.text = TrimAscii(cursor_.text().substr(begin, end - begin));
    if (cursor_.TryKeyword("ON")) {
      if (!cursor_.ExpectKeyword("VIOLATION")) return false;
      if (cursor_.TryKeywords({"FAIL", "UPDATE"})) {
        constraint.action = ViolationAction::kFailUpdate;
      } else if (cursor_.TryKeywords({"DROP", "ROW"})) {
        constraint.action = ViolationAction::kDropRow;
      } else {
        return cursor_.FailSyntax("`FAIL UPDATE` or `DROP ROW`");
      }
    }
    if (constraint.text.empty())
      cursor_.Fail("W1101", name, "an expression in the parentheses of EXPECT expected");
    CheckConstraint(constraint, first, name);
    view_.constraints.push_back(std::move(constraint));
    return true;
  }

  void CheckConstraint(const ConstraintDefinition& constraint, const Token& first,
                       const Token& name) {
    for (const ConstraintDefinition& other : view_.constraints) {
      if (other.name != constraint.name) continue;
      cursor_.Fail("W1217", name,
                   fmt::format("two constraints have the same name: `{}`", constraint.name),
                   "rename one: its counts are recorded under it");
      return;
    }
    if (view_.kind == ViewDefinition::Kind::kInline) {
      cursor_.Fail("W1218", first, "a MATERIALIZED VIEW is wanted for CONSTRAINT, found `VIEW`",
                   "a plain VIEW is not stored: nothing would be dropped or counted");
    }
  }

  bool ParseClauses() {
    std::set<std::string> seen;
    while (!cursor_.TryKeyword("AS")) {
      const Token clause = cursor_.Peek();
      if (!ParseClause()) return false;
      if (!seen.insert(AsciiLowerCase(clause.text)).second) {
        cursor_.Fail("W1210", clause,
                     fmt::format("the clause stands here twice: {}", Describe(clause)));
      }
    }
    return true;
  }

  bool ParseClause() {
    const Token clause = cursor_.Peek();
    if (cursor_.TryKeyword("PARTITIONED")) {
      partitioned_ = clause;
      return cursor_.ExpectKeyword("BY") &&
             Take(cursor_.ExpectNameList("a column name"), partition_tokens_);
    }
    if (cursor_.TryKeyword("CLUSTER")) return ParseClusterBy(clause);
    if (cursor_.TryKeyword("COMMENT"))
      return Take(cursor_.ExpectString("a comment in quotes"), view_.comment);
    if (cursor_.TryKeyword("TBLPROPERTIES")) return ParseProperties();
    return cursor_.FailSyntax("`AS`, `PARTITIONED BY`, `CLUSTER BY`, `COMMENT` or `TBLPROPERTIES`");
  }

  template <typename T>
  static bool Take(std::optional<T> parsed, T& target) {
    if (!parsed) return false;
    target = *std::move(parsed);
    return true;
  }

  bool ParseClusterBy(const Token& cluster) {
    if (!cursor_.ExpectKeyword("BY")) return false;
    if (cursor_.TryKeyword("NONE")) return true;
    if (cursor_.TryKeyword("AUTO")) {
      cursor_.Fail("W1209", cluster, "columns are wanted after CLUSTER BY, found `AUTO`",
                   "name those that queries filter by: CLUSTER BY (day, customer)");
      return true;
    }
    std::vector<Token> columns;
    if (!Take(cursor_.ExpectNameList("a column name"), columns)) return false;
    view_.cluster_columns = IdentifierNames(columns);
    view_.cluster_location = cursor_.LocationOf(cluster);
    if (view_.kind == ViewDefinition::Kind::kInline) {
      cursor_.Fail("W1213", cluster, "a MATERIALIZED VIEW is wanted for CLUSTER BY, found `VIEW`",
                   "a plain VIEW is not stored");
    }
    return true;
  }

  bool ParseProperties() {
    const auto pairs = cursor_.ExpectKeyValues("a property name");
    if (!pairs) return false;
    for (const KeyValue& pair : *pairs) {
      if (!view_.properties.emplace(pair.key, pair.value).second) {
        cursor_.Fail("W1215", pair.key_token,
                     fmt::format("the property is set twice: `{}`", pair.key));
      }
    }
    return true;
  }

  void CheckPartitionColumns() {
    view_.partition_columns = IdentifierNames(partition_tokens_);
    for (const Token& token : partition_tokens_)
      view_.partition_locations.push_back(cursor_.LocationOf(token));
    if (view_.kind == ViewDefinition::Kind::kInline && partitioned_) {
      cursor_.Fail("W1213", *partitioned_,
                   "a MATERIALIZED VIEW is wanted for PARTITIONED BY, found `VIEW`",
                   "a plain VIEW is not stored");
    }
    if (view_.column_names.empty()) return;
    for (const Token& token : partition_tokens_) {
      const std::string name = IdentifierName(token);
      const auto& columns = view_.column_names;
      if (std::find(columns.begin(), columns.end(), name) != columns.end()) continue;
      cursor_.Fail("W1212", token, fmt::format("a column of the view is wanted, found `{}`", name),
                   SuggestionHint(name, columns));
    }
  }

  TokenCursor cursor_;
  ViewDefinition view_;
  std::optional<Token> partitioned_;
  std::vector<Token> partition_tokens_;
};

}  // namespace

std::optional<ViewDefinition> ParseViewFile(const SqlFile& file, Diagnostics& diagnostics) {
  Diagnostics found;
  ViewParser parser(file, found);
  std::optional<ViewDefinition> view = parser.Parse();
  for (Diagnostic diagnostic : found.all()) {
    diagnostic.view_name = parser.name();
    diagnostics.Add(std::move(diagnostic));
  }
  return view;
}

std::optional<TestDefinition> ParseTestFile(const SqlFile& file, Diagnostics& diagnostics) {
  TokenCursor cursor(file, diagnostics);
  if (cursor.failed() || !ExpectSomething(cursor, "a query")) return std::nullopt;
  const Token first = cursor.Peek();
  if (!BeginsQuery(first)) {
    cursor.Fail("W1401", first,
                fmt::format("a query or `TEST` is wanted in a test, found {}", Describe(first)));
    return std::nullopt;
  }
  const size_t end = cursor.SkipStatement();
  if (!ExpectNoFurtherStatement(cursor)) return std::nullopt;
  return TestDefinition{.name = NameOfFile(file.path),
                        .file = file.path,
                        .dialect = std::string(file.dialect->name),
                        .query_sql = BlankBefore(file.text, first.offset, end),
                        .location = cursor.LocationOf(first)};
}

}  // namespace weir
