// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/row_rules.h"

#include <algorithm>
#include <optional>

#include <arrow/api.h>

#include "weir/engine/row_text.h"
#include "weir/project/dialect.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

/// Spark's, in which the log has expressions.
constexpr const char* kLogDialect = "databricks";

struct Missing {
  std::string path;
  int64_t row = 0;  ///< of the array that is looked at
};

std::optional<Missing> FindNull(const arrow::Array& values, const Json& type,
                                const std::string& path);

/// A NULL among `values`, which may hold none, where all that holds them is there.
std::optional<Missing> FindNullIn(const arrow::Array& values, const Json& type, bool nullable,
                                  const std::string& path) {
  if (!nullable && values.null_count() > 0) {
    for (int64_t row = 0; row < values.length(); ++row) {
      if (values.IsNull(row)) return Missing{path, row};
    }
  }
  return FindNull(values, type, path);
}

bool IsNullable(const Json& json, const char* key) {
  return !json.contains(key) || json[key] != Json(false);
}

std::optional<Missing> FindNull(const arrow::Array& values, const Json& type,
                                const std::string& path) {
  if (!type.is_object()) return std::nullopt;
  const std::string kind = type.value("type", std::string());
  if (kind == "struct" && values.type_id() == arrow::Type::STRUCT) {
    const auto& rows = static_cast<const arrow::StructArray&>(values);
    const Json& fields = type["fields"];
    for (int i = 0; i < rows.num_fields() && i < static_cast<int>(fields.size()); ++i) {
      const Json& field = fields[static_cast<size_t>(i)];
      // With the struct's own NULLs in it, which are no faults.
      const auto child = rows.field(i);
      const std::string below = path + "." + field.value("name", std::string());
      if (!IsNullable(field, "nullable") && child->null_count() > 0) {
        for (int64_t row = 0; row < rows.length(); ++row) {
          if (rows.IsValid(row) && child->IsNull(row)) return Missing{below, row};
        }
      }
      if (auto found = FindNull(*child, field["type"], below)) return found;
    }
  }
  if (kind == "array" && values.type_id() == arrow::Type::LIST) {
    const auto& lists = static_cast<const arrow::ListArray&>(values);
    const auto items = lists.values()->Slice(
        lists.value_offset(0), lists.value_offset(lists.length()) - lists.value_offset(0));
    return FindNullIn(*items, type["elementType"], IsNullable(type, "containsNull"),
                      path + ".element");
  }
  if (kind == "map" && values.type_id() == arrow::Type::MAP) {
    const auto& maps = static_cast<const arrow::MapArray&>(values);
    const auto items = maps.items()->Slice(maps.value_offset(0),
                                           maps.value_offset(maps.length()) - maps.value_offset(0));
    return FindNullIn(*items, type["valueType"], IsNullable(type, "valueContainsNull"),
                      path + ".value");
  }
  return std::nullopt;
}

}  // namespace

Result<RowRules> RowRules::Of(const WriteTarget& target, const engine::Session& session) {
  RowRules rules;
  rules.target_ = &target;
  rules.fields_ = Json::parse(target.schema_json, nullptr, false)["fields"];
  const auto add = [&](const std::string& rule, const std::string& sql) -> Status {
    auto predicate = engine::CompiledPredicate::FromSql(session, sql, *target.schema, kLogDialect);
    if (!predicate.ok()) {
      return Status::Environment(StatusCode::kUnsupported,
                                 "{} of the table `{}` is not understood, hence its rows cannot be "
                                 "held against it: `{}`",
                                 rule, target.name, sql)
          .WithCause(predicate.status().message())
          .WithHint("nothing was touched; write the table with the program that it belongs to");
    }
    rules.conditions_.push_back({rule, *std::move(predicate)});
    return Status::OK();
  };
  for (const RowCondition& condition : target.conditions) {
    WEIR_RETURN_NOT_OK(
        add(fmt::format("the constraint `{}`", condition.name), condition.expression));
  }
  const SqlDialect& dialect = *FindDialect(kLogDialect);
  for (const WriteColumn& column : target.columns) {
    if (column.generation.empty()) continue;
    WEIR_RETURN_NOT_OK(add(fmt::format("the generated column `{}`", column.name),
                           fmt::format("{} IS NOT DISTINCT FROM ({})",
                                       QuoteIdentifier(column.name, dialect), column.generation)));
  }
  return rules;
}

Status RowRules::Check(const arrow::RecordBatch& batch) const {
  for (int i = 0; i < batch.num_columns(); ++i) {
    const WriteColumn& column = target_->columns[static_cast<size_t>(i)];
    const Json& field = fields_[static_cast<size_t>(i)];
    const auto missing = FindNullIn(*batch.column(i), field["type"], column.nullable, column.name);
    if (!missing) continue;
    return Status::User(
               StatusCode::kInvalidArgument,
               "a value is wanted in the column `{}` of the table `{}`, which is NOT NULL, "
               "found `NULL`{}",
               missing->path, target_->name,
               missing->path == column.name
                   ? fmt::format(" in the row {}", RowText(batch, missing->row))
                   : "")
        .WithHint("the table is as it was");
  }
  for (const Condition& condition : conditions_) {
    WEIR_ASSIGN_OR_RETURN(const auto holds, condition.predicate.Evaluate(batch));
    if (holds->true_count() == holds->length()) continue;
    int64_t row = 0;
    while (holds->Value(row)) ++row;
    return Status::User(StatusCode::kInvalidArgument,
                        "{} of the table `{}` is to be true, `{}`, found {}", condition.rule,
                        target_->name, condition.predicate.text(), RowText(batch, row))
        .WithHint("the table is as it was");
  }
  return Status::OK();
}

}  // namespace weir
