// SPDX-License-Identifier: Apache-2.0

#include "weir/project/source_parser.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"
#include "weir/project/source_options.h"

namespace weir {

namespace {

/// Parses one statement.
class SourceParser {
 public:
  SourceParser(TokenCursor& cursor, const std::string& root) : cursor_(cursor), root_(root) {}

  std::optional<SourceDefinition> Parse() {
    const Token first = cursor_.Peek();
    source_.location = cursor_.LocationOf(first);
    if (!ParseHead()) return std::nullopt;
    if (cursor_.Peek().IsSymbol('(') && !ParseColumns(columns_, /*types_required=*/true))
      return std::nullopt;
    while (!cursor_.at_statement_end()) {
      if (!ParseClause()) return std::nullopt;
    }
    source_.ddl = cursor_.text().substr(first.offset, cursor_.Last().end() - first.offset);
    Finish(first);
    if (cursor_.failed()) return std::nullopt;
    return std::move(source_);
  }

 private:
  bool ParseHead() {
    const Token first = cursor_.Peek();
    const bool creates = cursor_.TryKeyword("CREATE");
    if (creates) cursor_.TryKeywords({"OR", "REPLACE"});
    source_.unbounded = creates && cursor_.TryKeyword("UNBOUNDED");
    if (!creates || !cursor_.TryKeyword("EXTERNAL")) {
      return cursor_.Fail("W1301", creates ? cursor_.Peek() : first,
                          fmt::format("`{}` is wanted in a file of sources, found {}",
                                      creates ? "EXTERNAL TABLE" : "CREATE EXTERNAL TABLE",
                                      Describe(cursor_.Peek())),
                          "views go under views/");
    }
    if (!cursor_.ExpectKeyword("TABLE")) return false;
    cursor_.TryKeywords({"IF", "NOT", "EXISTS"});
    std::optional<std::string> name = cursor_.ExpectTableName("a table name");
    if (name) source_.name = *std::move(name);
    return name.has_value();
  }

  /// A column of a list, and where its name stands.
  struct ListedColumn {
    ColumnDefinition column;
    Token token;
  };

  bool ParseColumns(std::vector<ListedColumn>& columns, bool types_required) {
    cursor_.Next();
    do {
      const Token token = cursor_.Peek();
      std::optional<std::string> name = cursor_.ExpectIdentifier("a column name");
      if (!name) return false;
      ColumnDefinition column{.name = *std::move(name), .sql_type = ParseType()};
      if (column.sql_type.empty() && types_required) return cursor_.FailSyntax("a type");
      if (!column_names_.insert(column.name).second && !column.sql_type.empty()) {
        cursor_.Fail("W1211", token, fmt::format("the column is named twice: `{}`", column.name));
      }
      if (!ParseColumnConstraints(column)) return false;
      source_.column_locations.emplace(column.name, cursor_.LocationOf(token));
      columns.push_back({std::move(column), token});
    } while (cursor_.TrySymbol(','));
    return cursor_.TrySymbol(')') || cursor_.FailSyntax("`,` or `)`");
  }

  static bool BeginsConstraint(const Token& token) {
    constexpr std::string_view kWords[] = {"NOT",     "NULL",      "DEFAULT",   "PRIMARY",
                                           "UNIQUE",  "CHECK",     "COMMENT",   "REFERENCES",
                                           "COLLATE", "GENERATED", "CONSTRAINT"};
    return std::any_of(std::begin(kWords), std::end(kWords),
                       [&](std::string_view word) { return token.IsKeyword(word); });
  }

  /// The words of a type, which ends before a constraint, or at a `,` or `)` that no bracket of its
  /// own surrounds.
  std::string ParseType() {
    std::string type;
    size_t end = 0;
    for (int depth = 0; !cursor_.at_statement_end();) {
      const Token& token = cursor_.Peek();
      if (depth == 0 && (token.IsSymbol(',') || token.IsSymbol(')') || BeginsConstraint(token)))
        break;
      if (token.IsSymbol('(') || token.IsSymbol('<') || token.IsSymbol('[')) ++depth;
      if (token.IsSymbol(')') || token.IsSymbol('>') || token.IsSymbol(']')) --depth;
      if (!type.empty() && token.offset > end) type += ' ';
      type += token.text;
      end = cursor_.Next().end();
    }
    return type;
  }

  bool ParseColumnConstraints(ColumnDefinition& column) {
    while (BeginsConstraint(cursor_.Peek())) {
      const Token token = cursor_.Peek();
      if (cursor_.TryKeywords({"NOT", "NULL"})) {
        column.nullable = false;
      } else if (!cursor_.TryKeyword("NULL")) {
        return cursor_.Fail(
            "W1311", token,
            fmt::format("only NOT NULL is supported after the type of a column, found {}",
                        Describe(token)));
      }
    }
    return true;
  }

  bool ParseClause() {
    const Token clause = cursor_.Peek();
    if (!seen_.insert(AsciiLowerCase(clause.text)).second) {
      cursor_.Fail("W1210", clause,
                   fmt::format("the clause stands here twice: {}", Describe(clause)));
    }
    if (cursor_.TryKeyword("STORED")) return cursor_.ExpectKeyword("AS") && ParseFormat();
    if (cursor_.TryKeyword("LOCATION")) return ParseLocation();
    if (cursor_.TryKeyword("PARTITIONED")) return ParsePartitions(clause);
    if (cursor_.TryKeyword("OPTIONS")) {
      auto pairs = cursor_.ExpectKeyValues("an option's name");
      if (pairs) options_ = *std::move(pairs);
      return pairs.has_value();
    }
    if (cursor_.TryKeyword("WITH")) {
      if (!cursor_.ExpectKeyword("ORDER") || !cursor_.SkipParentheses()) return false;
      cursor_.Fail("W1308", clause, "a declared order is not supported: `WITH ORDER`",
                   "leave the clause out");
      return true;
    }
    return cursor_.FailSyntax("`STORED AS`, `LOCATION`, `PARTITIONED BY`, `OPTIONS` or `;`");
  }

  bool ParseFormat() {
    const Token token = cursor_.Peek();
    std::string name;
    if (token.kind == TokenKind::kString) {
      name = StringValue(cursor_.Next());
    } else if (cursor_.at_identifier()) {
      name = IdentifierName(cursor_.Next());
    } else {
      return cursor_.FailSyntax("a format");
    }
    name = AsciiLowerCase(name);
    format_known_ = true;
    if (name == "deltatable") {
      source_.format = SourceFormat::kDelta;
    } else if (name == "parquet") {
      source_.format = SourceFormat::kParquet;
    } else if (name == "csv") {
      source_.format = SourceFormat::kCsv;
    } else if (name == "ndjson" || name == "json") {
      source_.format = SourceFormat::kNdjson;
    } else {
      format_known_ = false;
      cursor_.Fail(
          "W1303", token,
          fmt::format(
              "`DELTATABLE`, `PARQUET`, `CSV` or `NDJSON` is wanted after STORED AS, found {}",
              Describe(token)),
          SuggestionHint(name, {"DELTATABLE", "PARQUET", "CSV", "NDJSON"}));
    }
    return true;
  }

  bool ParseLocation() {
    const Token token = cursor_.Peek();
    const std::optional<std::string> location = cursor_.ExpectString("a location in quotes");
    if (!location) return false;
    if (location->empty())
      cursor_.Fail("W1312", token, "a path or URL is wanted, found an empty location");
    const auto expanded = ExpandAt(token, *location, cursor_);
    if (expanded && expanded->empty() && !location->empty()) {
      cursor_.Fail(
          "W1312", token,
          fmt::format("a path or URL is wanted, found nothing in the place of `{}`", *location));
    }
    if (!expanded) return true;
    source_.uri = ResolveLocation(*expanded, root_);
    source_.location_as_written = *expanded;
    return true;
  }

  bool ParsePartitions(const Token& clause) {
    partitioned_ = clause;
    if (!cursor_.ExpectKeyword("BY")) return false;
    if (!cursor_.Peek().IsSymbol('(')) return cursor_.FailSyntax("`(`");
    return ParseColumns(partitions_, /*types_required=*/false);
  }

  /// Checks what can only be known at the end of the statement.
  void Finish(const Token& first) {
    for (const std::string clause : {"STORED", "LOCATION"}) {
      if (seen_.contains(AsciiLowerCase(clause))) continue;
      cursor_.Fail("W1302", first,
                   fmt::format("`{}` is wanted in CREATE EXTERNAL TABLE, found none for `{}`",
                               clause == "STORED" ? "STORED AS" : clause, source_.name));
    }
    AddColumns();
    if (!format_known_) return;
    ApplySourceOptions(options_, source_, cursor_);
    if (source_.format != SourceFormat::kDelta) return;
    if (partitioned_) {
      cursor_.Fail(
          "W1309", *partitioned_,
          fmt::format("a Delta table brings its own partitions, found some for `{}`", source_.name),
          "leave PARTITIONED BY out; a partition column may stand among the columns");
    }
    if (source_.change_feed && !source_.columns.empty()) {
      cursor_.Fail(
          "W1309", first,
          fmt::format("a change feed brings its own columns, found some for `{}`", source_.name),
          "leave the column list out");
    }
  }

  /// Moves the columns of both lists to the definition: partition columns with a type come after
  /// the others.
  void AddColumns() {
    std::vector<std::string> declared;
    for (ListedColumn& listed : columns_) {
      declared.push_back(listed.column.name);
      source_.columns.push_back(std::move(listed.column));
    }
    std::set<std::string> seen;
    for (ListedColumn& listed : partitions_) {
      const std::string name = listed.column.name;
      const bool has_type = !listed.column.sql_type.empty();
      if (!seen.insert(name).second) {
        if (!has_type)
          cursor_.Fail("W1211", listed.token, fmt::format("the column is named twice: `{}`", name));
        continue;
      }
      source_.partition_columns.push_back(name);
      if (has_type) {
        source_.columns.push_back(std::move(listed.column));
      } else if (!declared.empty() &&
                 std::find(declared.begin(), declared.end(), name) == declared.end()) {
        cursor_.Fail("W1212", listed.token,
                     fmt::format("a column of the source is wanted, found `{}`", name),
                     SuggestionHint(name, declared));
      }
    }
  }

  TokenCursor& cursor_;
  const std::string& root_;
  SourceDefinition source_;
  std::set<std::string> seen_;          ///< first words of the clauses
  std::set<std::string> column_names_;  ///< of both column lists
  std::vector<ListedColumn> columns_;
  std::vector<ListedColumn> partitions_;
  std::vector<KeyValue> options_;
  std::optional<Token> partitioned_;
  bool format_known_ = false;
};

}  // namespace

std::string ResolveLocation(const std::string& location, const std::string& root) {
  if (location.find("://") != std::string::npos) return location;
  return (std::filesystem::path(root) / location).lexically_normal().generic_string();
}

std::vector<SourceDefinition> ParseSourceFile(const SqlFile& file, const std::string& root,
                                              Diagnostics& diagnostics) {
  std::vector<SourceDefinition> sources;
  TokenCursor cursor(file, diagnostics);
  if (cursor.failed()) return sources;
  while (!cursor.at_end()) {
    if (cursor.TrySymbol(';')) continue;
    cursor.ClearFailed();
    if (auto source = SourceParser(cursor, root).Parse()) {
      source->dialect = file.dialect->name;
      sources.push_back(*std::move(source));
    }
    cursor.SkipStatement();
  }
  return sources;
}

}  // namespace weir
