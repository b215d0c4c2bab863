// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/inserted_rows.h"

#include <algorithm>
#include <limits>
#include <set>

#include <arrow/api.h>

#include "weir/base/json_text.h"
#include "weir/base/sql_quotes.h"
#include "weir/bundle/stored_schema.h"
#include "weir/delta/delta_schema.h"
#include "weir/delta/log_actions.h"
#include "weir/delta/table_features.h"

namespace weir {

Status InsertedRows::Write() {
  WEIR_RETURN_NOT_OK(work_.RegisterTarget());
  ComposedSql query(work_.sql);
  query.Piece(work_.statement.query);
  WEIR_RETURN_NOT_OK(work_.RegisterNamed(query));
  const auto references = work_.engine.TableReferences(query.sql(), work_.context.dialect);
  reads_itself_ = !references.ok() || std::find(references->begin(), references->end(),
                                                work_.statement.table.name) != references->end();
  auto plan = engine::Plan::FromSql(work_.engine, query.sql(), work_.context.dialect);
  if (!plan.ok()) return query.Locate(plan.status());
  WEIR_ASSIGN_OR_RETURN(const auto found, plan->output_schema());
  if (work_.statement.evolves) WEIR_RETURN_NOT_OK(AddColumnsOf(*plan));
  WEIR_ASSIGN_OR_RETURN(
      const std::vector<int> given,
      GivenColumns(work_.statement.by_name ? found->field_names() : work_.statement.columns));
  arrow::FieldVector fields;
  for (const int column : given) fields.push_back(work_.target.schema->field(column));
  if (found->num_fields() != static_cast<int>(given.size())) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a query with {} columns is wanted for the table `{}`, found one with {}",
                        given.size(), work_.target.name, found->num_fields())
        .WithHint("name the columns: INSERT INTO t (a, b) SELECT …");
  }
  WEIR_ASSIGN_OR_RETURN(auto casted, (*std::move(plan)).CastTo(*arrow::schema(fields)));
  WEIR_RETURN_NOT_OK(work_.engine.RegisterView("__weir_given", casted));
  std::string columns;
  std::set<std::string> computed;
  for (size_t i = 0; i < work_.target.columns.size(); ++i) {
    const WriteColumn& column = work_.target.columns[i];
    const std::string name = QuotedSqlName(column.name);
    const bool is_given = std::find(given.begin(), given.end(), static_cast<int>(i)) != given.end();
    if (!is_given && !column.generation.empty()) computed.insert(column.name);
    columns += (columns.empty() ? "" : ", ") + (is_given ? name : "NULL AS " + name);
  }
  WEIR_ASSIGN_OR_RETURN(
      auto all, engine::Plan::FromSql(
                    work_.engine, fmt::format("SELECT {} FROM __weir_given", columns), kGeneric));
  WEIR_ASSIGN_OR_RETURN(auto of_table, std::move(all).CastTo(*work_.target.schema));
  WEIR_RETURN_NOT_OK(work_.RegisterComputed(std::move(of_table), computed, {}, "__weir_inserted"));
  WEIR_ASSIGN_OR_RETURN(
      auto rows, engine::Plan::FromSql(
                     work_.engine,
                     fmt::format("SELECT {} FROM __weir_inserted", work_.ColumnList()), kGeneric));
  engine::BatchSieve sieve = work_.RuleSieve();
  if (work_.statement.kind == DmlStatement::Kind::kReplaceWhere) {
    WEIR_ASSIGN_OR_RETURN(sieve, ReplacedSieve(std::move(sieve)));
  }
  // What the query reads is not known here: large results are worth all cores.
  const int64_t bytes = std::numeric_limits<int64_t>::max();
  WEIR_ASSIGN_OR_RETURN(const auto options, work_.target.Options());
  auto written = work_.Write(rows, options, work_.target.schema, bytes, sieve);
  if (!written.ok()) return query.Locate(written.status());
  work_.outcome.rows_inserted += written->rows;
  files_ = written->files;
  work_.written.insert(work_.written.end(), files_.begin(), files_.end());
  std::move(written->files.begin(), written->files.end(), std::back_inserter(work_.change.added));
  return Status::OK();
}

Status InsertedRows::AddColumnsOf(const engine::Plan& query) {
  // Before its types are settled a plan has the types of the first branch of a UNION or a CASE.
  WEIR_ASSIGN_OR_RETURN(const auto analyzed, query.Analyze(work_.engine));
  WEIR_ASSIGN_OR_RETURN(const auto output, analyzed.output_schema());
  arrow::FieldVector fields;
  for (const auto& field : output->fields()) {
    if (work_.target.IndexOf(field->name()) < 0) fields.push_back(field->WithNullable(true));
  }
  if (fields.empty()) return Status::OK();
  std::vector<Status> problems;
  const auto added = StoredSchema(*arrow::schema(fields), problems);
  for (const Status& problem : problems) return problem;
  WEIR_ASSIGN_OR_RETURN(const std::string added_json, DeltaSchemaString(*added));
  WEIR_ASSIGN_OR_RETURN(work_.target.schema_json, SchemaWithColumns(work_.target, added_json));
  LogJson metadata = LogJson::parse(work_.target.metadata_json, nullptr, false);
  metadata["schemaString"] = work_.target.schema_json;
  if (HasTimestampNtz(*added)) {
    const std::string protocol = UpgradedProtocol(work_.target.protocol_json, {"timestampNtz"});
    if (!protocol.empty()) work_.change.head.push_back(protocol);
  }
  work_.change.head.push_back(JsonText(LogJson{{"metaData", metadata}}));
  arrow::FieldVector all = work_.target.schema->fields();
  for (const auto& field : added->fields()) {
    work_.target.columns.push_back({.name = field->name(), .generation = {}});
    all.push_back(field);
  }
  work_.target.schema = arrow::schema(all);
  WEIR_ASSIGN_OR_RETURN(work_.rules, RowRules::Of(work_.target, work_.engine));
  return Status::OK();
}

Result<std::vector<int>> InsertedRows::GivenColumns(const std::vector<std::string>& names) const {
  std::vector<int> given;
  if (names.empty()) {
    for (size_t i = 0; i < work_.target.columns.size(); ++i) {
      if (work_.target.columns[i].generation.empty()) given.push_back(static_cast<int>(i));
    }
    return given;
  }
  for (const std::string& name : names) {
    const int column = work_.target.IndexOf(name);
    if (column < 0) {
      const Status missing = Status::User(
          StatusCode::kPlanFailed, "the table `{}` has no column `{}`", work_.target.name, name);
      return work_.statement.by_name
                 ? missing.WithHint("INSERT WITH SCHEMA EVOLUTION INTO … adds columns")
                 : missing;
    }
    if (std::find(given.begin(), given.end(), column) != given.end()) {
      return Status::User(StatusCode::kInvalidArgument,
                          "each column once is wanted, found `{}` twice", name);
    }
    given.push_back(column);
  }
  return given;
}

Result<engine::BatchSieve> InsertedRows::ReplacedSieve(engine::BatchSieve sieve) const {
  const std::string condition(work_.statement.condition.In(work_.sql));
  WEIR_ASSIGN_OR_RETURN(const auto predicate,
                        engine::CompiledPredicate::FromSql(
                            work_.engine, condition, *work_.target.schema, work_.context.dialect));
  return engine::BatchSieve([=, this](const std::shared_ptr<arrow::RecordBatch>& batch)
                                -> Result<std::shared_ptr<arrow::RecordBatch>> {
    WEIR_ASSIGN_OR_RETURN(const auto holds, predicate.Evaluate(*batch));
    if (holds->true_count() < holds->length()) {
      return Status::User(StatusCode::kInvalidArgument,
                          "rows for which `{}` is true are wanted in the place of those of the "
                          "table `{}`, found others",
                          condition, work_.target.name)
          .WithHint("the table is as it was; filter the query by the same condition");
    }
    return sieve(batch);
  });
}

}  // namespace weir
