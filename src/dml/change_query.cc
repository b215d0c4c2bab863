// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/change_query.h"

#include <algorithm>
#include <map>
#include <optional>

#include <arrow/api.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"
#include "weir/project/sql_lexer.h"

namespace weir {

namespace {

using Kind = RowAction::Kind;
using Rows = RowAction::Rows;

/// Tells rows of a MERGE's source from those that an outer join made up.
constexpr const char* kSourceColumn = "__weir_source";

/// A value that an action gives: a piece of the statement, or a column of the source.
struct Value {
  SqlSlice piece;
  std::string column;
};

class Composer {
 public:
  Composer(const std::string& sql, const SqlDialect& dialect, const DmlStatement& statement,
           const WriteTarget& target)
      : text_(sql), dialect_(dialect), statement_(statement), target_(target), query_(sql) {}

  Result<ChangeQuery> Compose(const SourceColumns& source_columns) {
    const bool wants_all = std::any_of(statement_.actions.begin(), statement_.actions.end(),
                                       [](const RowAction& action) { return action.all; });
    std::vector<std::string> of_source;
    if (wants_all) {
      WEIR_ASSIGN_OR_RETURN(of_source, source_columns());
    }
    std::vector<std::set<int>> columns_of_action;
    std::set<int> assigned;
    for (const RowAction& action : statement_.actions) {
      WEIR_ASSIGN_OR_RETURN(auto values, action.all ? AllOf(of_source) : ValuesOf(action));
      std::set<int> columns;
      for (const auto& [column, value] : values) columns.insert(column);
      assigned.insert(columns.begin(), columns.end());
      columns_of_action.push_back(std::move(columns));
      values_.push_back(std::move(values));
    }
    arrow::FieldVector fields = {arrow::field("weir_file", arrow::utf8()),
                                 arrow::field("weir_row", arrow::int64()),
                                 arrow::field("weir_action", arrow::int32())};
    const std::string place = Quoted(statement_.table.alias) + ".";
    const bool is_merge = statement_.kind == DmlStatement::Kind::kMerge;
    if (is_merge) query_.Own("SELECT * FROM (");
    query_.Own("SELECT " + place + kFileColumn + " AS weir_file, " + place + kRowColumn +
               " AS weir_row, ");
    ComposeActions();
    query_.Own(" AS weir_action");
    for (const int column : assigned) {
      fields.push_back(
          arrow::field(fmt::format("weir_c{}", column), target_.schema->field(column)->type()));
      query_.Own(", ");
      ComposeValues(column);
      query_.Own(fmt::format(" AS weir_c{}", column));
    }
    ComposeFrom();
    // Action 0 is none.
    if (is_merge) query_.Own(") AS weir_found WHERE weir_action > 0");
    return ChangeQuery{.sql = std::move(query_),
                       .schema = arrow::schema(fields),
                       .assigned = {assigned.begin(), assigned.end()},
                       .columns_of_action = std::move(columns_of_action)};
  }

 private:
  using Values = std::map<int, Value>;

  std::string Quoted(const std::string& name) const { return QuoteIdentifier(name, dialect_); }

  SourceLocation PlaceOf(const SqlSlice& slice) const {
    for (const Token& token : Lex(text_, dialect_).tokens) {
      if (token.offset == slice.begin)
        return {.file = {}, .line = token.line, .column = token.column};
    }
    return {};
  }

  Status NoSuchColumn(const std::string& name, const SqlSlice& place) const {
    std::vector<std::string> names;
    for (const WriteColumn& column : target_.columns) names.push_back(column.name);
    return Status::User(StatusCode::kPlanFailed, "the table `{}` has no column `{}`", target_.name,
                        name)
        .WithLocation(PlaceOf(place))
        .WithHint(SuggestionHint(name, names));
  }

  Result<Values> ValuesOf(const RowAction& action) const {
    Values values;
    std::vector<int> given;  // columns of values without names
    for (size_t i = 0; i < target_.columns.size(); ++i) {
      if (target_.columns[i].generation.empty()) given.push_back(static_cast<int>(i));
    }
    const bool by_place = !action.assignments.empty() && action.assignments[0].column.empty();
    if (by_place && given.size() != action.assignments.size()) {
      return Status::User(StatusCode::kInvalidArgument,
                          "a value for each of the {} columns of the table `{}` is wanted, found "
                          "{}",
                          given.size(), target_.name, action.assignments.size())
          .WithLocation(PlaceOf(action.assignments[0].value))
          .WithHint("name the columns: INSERT (a, b) VALUES (…)");
    }
    for (size_t i = 0; i < action.assignments.size(); ++i) {
      const Assignment& each = action.assignments[i];
      const int column = by_place ? given[i] : target_.IndexOf(each.column);
      if (column < 0) return NoSuchColumn(each.column, each.column_text);
      const WriteColumn& of_table = target_.columns[static_cast<size_t>(column)];
      if (!of_table.generation.empty()) {
        return Status::User(StatusCode::kInvalidArgument,
                            "a generated column is computed from others, found a value for it: "
                            "`{}`",
                            of_table.name)
            .WithLocation(PlaceOf(each.column_text))
            .WithHint("leave it out");
      }
      if (!values.emplace(column, Value{each.value, {}}).second) {
        return Status::User(StatusCode::kInvalidArgument,
                            "one value for a column is wanted, found two for `{}`", of_table.name)
            .WithLocation(PlaceOf(each.column_text));
      }
    }
    return values;
  }

  Result<Values> AllOf(const std::vector<std::string>& of_source) const {
    Values values;
    for (size_t i = 0; i < target_.columns.size(); ++i) {
      const WriteColumn& column = target_.columns[i];
      if (!column.generation.empty()) continue;
      auto found = std::find(of_source.begin(), of_source.end(), column.name);
      if (found == of_source.end()) {
        found = std::find_if(of_source.begin(), of_source.end(), [&](const std::string& name) {
          return AsciiLowerCase(name) == AsciiLowerCase(column.name);
        });
      }
      if (found == of_source.end()) {
        return Status::User(StatusCode::kPlanFailed,
                            "`*` takes each column of the table `{}` from the source, which has no "
                            "`{}`",
                            target_.name, column.name)
            .WithLocation(PlaceOf(statement_.source))
            .WithHint("name the columns: UPDATE SET a = s.a, INSERT (a) VALUES (s.a)");
      }
      values.emplace(static_cast<int>(i), Value{{}, *found});
    }
    return values;
  }

  std::string ColumnOf(const std::string& alias, const char* column) const {
    return Quoted(alias) + "." + column;
  }

  /// `WHEN <the action is that of the row>`.
  void ComposeGuard(const RowAction& action) {
    query_.Own(" WHEN ");
    if (statement_.kind == DmlStatement::Kind::kMerge) {
      const std::string in_table = ColumnOf(statement_.table.alias, kRowColumn),
                        in_source = ColumnOf(statement_.source_alias, kSourceColumn);
      switch (action.rows) {
        case Rows::kMatched:
          query_.Own(in_table + " IS NOT NULL AND " + in_source + " IS NOT NULL");
          break;
        case Rows::kNotMatched:
          query_.Own(in_table + " IS NULL");
          break;
        case Rows::kNotMatchedBySource:
          query_.Own(in_source + " IS NULL");
          break;
      }
    } else {
      query_.Own("true");
    }
    if (action.condition.empty()) return;
    query_.Own(" AND (");
    query_.Piece(action.condition).Own(")");
  }

  void ComposeActions() {
    if (statement_.kind != DmlStatement::Kind::kMerge) {
      query_.Own("1");
      return;
    }
    query_.Own("CASE");
    for (size_t i = 0; i < statement_.actions.size(); ++i) {
      ComposeGuard(statement_.actions[i]);
      query_.Own(fmt::format(" THEN {}", i + 1));
    }
    query_.Own(" ELSE 0 END");
  }

  void ComposeValues(int column) {
    if (statement_.kind != DmlStatement::Kind::kMerge) {
      query_.Own("(").Piece(values_[0].at(column).piece).Own(")");
      return;
    }
    query_.Own("CASE");
    for (size_t i = 0; i < statement_.actions.size(); ++i) {
      ComposeGuard(statement_.actions[i]);
      query_.Own(" THEN ");
      const auto found = values_[i].find(column);
      if (found == values_[i].end()) {
        query_.Own("NULL");
      } else if (!found->second.column.empty()) {
        query_.Own(Quoted(statement_.source_alias) + "." + Quoted(found->second.column));
      } else {
        query_.Own("(").Piece(found->second.piece).Own(")");
      }
    }
    query_.Own(" END");
  }

  void ComposeFrom() {
    query_.Own(fmt::format(" FROM {} AS {}", kPlacedTable, Quoted(statement_.table.alias)));
    if (statement_.kind != DmlStatement::Kind::kMerge) {
      if (!statement_.condition.empty())
        query_.Own(" WHERE (").Piece(statement_.condition).Own(")");
      return;
    }
    const auto has = [&](Rows rows) {
      return std::any_of(statement_.actions.begin(), statement_.actions.end(),
                         [&](const RowAction& action) { return action.rows == rows; });
    };
    const bool inserts = has(Rows::kNotMatched), by_source = has(Rows::kNotMatchedBySource);
    query_.Own(inserts && by_source ? " FULL"
               : inserts            ? " RIGHT"
               : by_source          ? " LEFT"
                                    : " INNER");
    query_.Own(fmt::format(" JOIN (SELECT *, true AS {} FROM ", kSourceColumn));
    query_.Piece(statement_.source).Own(") AS " + Quoted(statement_.source_alias) + " ON (");
    query_.Piece(statement_.condition).Own(")");
  }

  const std::string& text_;
  const SqlDialect& dialect_;
  const DmlStatement& statement_;
  const WriteTarget& target_;
  ComposedSql query_;
  std::vector<Values> values_;
};

}  // namespace

Result<ChangeQuery> ComposeChanges(const std::string& sql, const SqlDialect& dialect,
                                   const DmlStatement& statement, const WriteTarget& target,
                                   const SourceColumns& source_columns) {
  return Composer(sql, dialect, statement, target).Compose(source_columns);
}

}  // namespace weir
