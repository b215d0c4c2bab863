// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/data_difference.h"

#include <algorithm>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/base/nearest.h"
#include "weir/base/sql_quotes.h"
#include "weir/delta/bag_difference.h"

namespace weir {

namespace {

constexpr const char* kBefore = "__weir_before";
constexpr const char* kAfter = "__weir_after";

/// The whole numbers of a query with one row.
Result<std::vector<int64_t>> Numbers(const engine::Session& engine, const std::string& sql) {
  WEIR_ASSIGN_OR_RETURN(const auto table, engine.Query(sql));
  std::vector<int64_t> numbers;
  for (const auto& column : table->columns()) {
    const auto value = column->GetScalar(0);
    if (!value.ok() || (*value)->type->id() != arrow::Type::INT64)
      return Status::Bug("a whole number is wanted: `{}`", sql);
    numbers.push_back(static_cast<const arrow::Int64Scalar&>(**value).value);
  }
  return numbers;
}

class Comparison {
 public:
  Comparison(const PinnedTable& before, const PinnedTable& after,
             const DataDifferenceOptions& options, const engine::Session& engine)
      : before_(before), after_(after), options_(options), engine_(engine) {}

  Result<DataDifference> Run() {
    WEIR_RETURN_NOT_OK(engine_.RegisterTable(kBefore, *before_.table));
    WEIR_RETURN_NOT_OK(engine_.RegisterTable(kAfter, *after_.table));
    FindColumns();
    WEIR_RETURN_NOT_OK(FindKey());
    WEIR_ASSIGN_OR_RETURN(const auto before, Count(kBefore));
    WEIR_ASSIGN_OR_RETURN(const auto after, Count(kAfter));
    found_.rows_before = before;
    found_.rows_after = after;
    if (compared_.columns.empty()) return std::move(found_);
    WEIR_RETURN_NOT_OK(options_.key.empty() ? CompareBags() : CompareByKey());
    return std::move(found_);
  }

 private:
  Result<int64_t> Count(const char* table) const {
    WEIR_ASSIGN_OR_RETURN(const auto numbers,
                          Numbers(engine_, fmt::format("SELECT count(*) FROM {}", table)));
    return numbers[0];
  }

  void FindColumns() {
    compared_ = {.before = kBefore, .after = kAfter, .columns = {}};
    for (const auto& field : before_.schema->fields()) {
      const auto other = after_.schema->GetFieldByName(field->name());
      if (other && other->type()->Equals(field->type())) {
        compared_.columns.push_back(field->name());
      } else {
        found_.columns.push_back({.name = field->name(),
                                  .before = field->type()->ToString(),
                                  .after = other ? other->type()->ToString() : ""});
      }
    }
    for (const auto& field : after_.schema->fields()) {
      if (before_.schema->GetFieldByName(field->name())) continue;
      found_.columns.push_back(
          {.name = field->name(), .before = "", .after = field->type()->ToString()});
    }
  }

  /// The columns of the key are compared columns; the others are what may change.
  Status FindKey() {
    for (const std::string& name : options_.key) {
      if (std::find(compared_.columns.begin(), compared_.columns.end(), name) ==
          compared_.columns.end()) {
        return Status::User(StatusCode::kInvalidArgument,
                            "a column that both sides have, with one type, is wanted for the key, "
                            "found `{}`",
                            name)
            .WithHint(SuggestionHint(name, compared_.columns));
      }
    }
    for (const std::string& name : compared_.columns) {
      if (std::find(options_.key.begin(), options_.key.end(), name) == options_.key.end())
        values_.push_back(name);
    }
    return Status::OK();
  }

  Status CompareBags() {
    WEIR_ASSIGN_OR_RETURN(
        const auto numbers,
        Numbers(engine_,
                fmt::format("WITH {} SELECT coalesce(sum(CASE WHEN weir_n < 0 THEN -weir_n END), "
                            "0), coalesce(sum(CASE WHEN weir_n > 0 THEN weir_n END), 0) FROM "
                            "weir_d",
                            DifferenceCte(compared_))));
    found_.removed = numbers[0];
    found_.added = numbers[1];
    if (found_.removed > 0) {
      WEIR_ASSIGN_OR_RETURN(found_.removed_rows, Samples("delete"));
    }
    if (found_.added > 0) {
      WEIR_ASSIGN_OR_RETURN(found_.added_rows, Samples("insert"));
    }
    return Status::OK();
  }

  Result<std::shared_ptr<arrow::Table>> Samples(const char* type) const {
    return engine_.Query(fmt::format("SELECT {} FROM ({}) AS s WHERE _change_type = '{}'",
                                     List(compared_.columns, ""),
                                     DifferenceQuery(compared_, options_.samples), type));
  }

  static std::string List(const std::vector<std::string>& columns, const std::string& table) {
    std::string list;
    for (const std::string& column : columns)
      list += (list.empty() ? "" : ", ") + table + QuotedSqlName(column);
    return list;
  }

  /// Whether any of the columns differs between the rows `b` and `a`.
  static std::string Differ(const std::vector<std::string>& columns) {
    return fmt::format("{} <> {}", RowHashSql(columns, "b"), RowHashSql(columns, "a"));
  }

  Status CompareByKey() {
    for (const auto& [table, side] : {std::pair{kBefore, "before"}, {kAfter, "after"}}) {
      WEIR_ASSIGN_OR_RETURN(
          const auto twice,
          Numbers(engine_, fmt::format("SELECT count(*) FROM (SELECT {0} AS weir_k FROM {1} GROUP "
                                       "BY 1 HAVING count(*) > 1) AS q",
                                       RowHashSql(options_.key, {}), table)));
      if (twice[0] == 0) continue;
      return Status::User(StatusCode::kInvalidArgument,
                          "a key that each row has for itself is wanted, found {} {} that several "
                          "rows have {}: `{}`",
                          twice[0], twice[0] == 1 ? "value" : "values", side,
                          fmt::format("{}", fmt::join(options_.key, ",")))
          .WithHint("take more columns, or leave `--key` out: whole rows are compared then");
    }
    const std::string sides = fmt::format(
        "(SELECT {0} AS weir_k, * FROM {1}) AS b FULL JOIN (SELECT {0} AS weir_k, * FROM {2}) AS a "
        "ON b.weir_k = a.weir_k",
        RowHashSql(options_.key, {}), kBefore, kAfter);
    const std::string both = "b.weir_k IS NOT NULL AND a.weir_k IS NOT NULL";
    const std::string differs = values_.empty() ? "false" : Differ(values_);
    std::string counts;
    for (const std::string& column : values_)
      counts += fmt::format(", count(CASE WHEN {} AND {} THEN 1 END)", both, Differ({column}));
    WEIR_ASSIGN_OR_RETURN(
        const auto numbers,
        Numbers(engine_, fmt::format("SELECT count(CASE WHEN a.weir_k IS NULL THEN 1 END), "
                                     "count(CASE WHEN b.weir_k IS NULL THEN 1 END), count(CASE "
                                     "WHEN {} AND {} THEN 1 END){} FROM {}",
                                     both, differs, counts, sides)));
    found_.removed = numbers[0];
    found_.added = numbers[1];
    found_.changed = numbers[2];
    for (size_t i = 0; i < values_.size(); ++i) {
      if (numbers[3 + i] > 0) found_.changed_columns.emplace_back(values_[i], numbers[3 + i]);
    }
    const auto only = [&](const char* side, const char* other) {
      return engine_.Query(fmt::format(
          "SELECT {} FROM {} WHERE {}.weir_k IS NULL ORDER BY "
          "{}.weir_k LIMIT {}",
          List(compared_.columns, fmt::format("{}.", side)), sides, other, side, options_.samples));
    };
    if (found_.removed > 0) {
      WEIR_ASSIGN_OR_RETURN(found_.removed_rows, only("b", "a"));
    }
    if (found_.added > 0) {
      WEIR_ASSIGN_OR_RETURN(found_.added_rows, only("a", "b"));
    }
    std::vector<std::string> names = options_.key;
    names.insert(names.end(), {"before", "after"});
    for (const auto& [column, count] : found_.changed_columns) {
      WEIR_ASSIGN_OR_RETURN(
          const auto rows,
          engine_.Query(fmt::format(
              "SELECT {0}, b.{1} AS weir_before, a.{1} AS weir_after FROM {2} WHERE {3} AND {4} "
              "ORDER BY b.weir_k LIMIT {5}",
              List(options_.key, "b."), QuotedSqlName(column), sides, both, Differ({column}),
              options_.samples)));
      const auto renamed = rows->RenameColumns(names);
      if (!renamed.ok()) return Status::Bug("{}", renamed.status().ToString());
      found_.changed_rows.emplace_back(column, *renamed);
    }
    return Status::OK();
  }

  const PinnedTable& before_;
  const PinnedTable& after_;
  const DataDifferenceOptions& options_;
  const engine::Session& engine_;
  ComparedTables compared_;
  std::vector<std::string> values_;  ///< compared columns that are not of the key
  DataDifference found_;
};

}  // namespace

Result<DataDifference> FindDataDifference(const PinnedTable& before, const PinnedTable& after,
                                          const DataDifferenceOptions& options,
                                          const SessionRuntime& session) {
  return Comparison(before, after, options, session.engine()).Run();
}

}  // namespace weir
