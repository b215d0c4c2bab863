// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/statement_work.h"

#include <arrow/api.h>

#include "weir/base/sql_quotes.h"
#include "weir/delta/delta_commit.h"
#include "weir/dml/change_query.h"
#include "weir/session/join_fallback.h"

namespace weir {

namespace {

constexpr const char* kLogDialect = "databricks";

void Forget(const engine::Session& engine, const char* kind, const char* name) {
  (void)engine::Plan::FromStatement(engine, fmt::format("DROP {} IF EXISTS {}", kind, name),
                                    kGeneric, engine::Cancellation());
}

}  // namespace

StatementWork::~StatementWork() {
  for (const char* name :
       {kPlacedTable, kChangesTable, "__weir_kept", "__weir_counted", "__weir_added"})
    Forget(engine, "TABLE", name);
  for (const char* name : {"__weir_new", "__weir_uncomputed", "__weir_given", "__weir_inserted"})
    Forget(engine, "VIEW", name);
  if (kept) return;
  RemoveDataFiles(engine, target.url, written);
}

Status StatementWork::Open(const std::string& url) {
  WEIR_ASSIGN_OR_RETURN(target, OpenWriteTarget(statement.table.name, url, engine));
  WEIR_ASSIGN_OR_RETURN(rules, RowRules::Of(target, engine));
  outcome.version = target.snapshot.version();
  change.table_url = url;
  change.read_version = target.snapshot.version();
  change.checkpoint_interval = CheckpointIntervalOf(target.properties);
  return Status::OK();
}

Status StatementWork::RegisterTarget() {
  WEIR_ASSIGN_OR_RETURN(
      placed, target.snapshot.AsTable(engine, target.url,
                                      {.file_column = kFileColumn, .row_column = kRowColumn}));
  WEIR_RETURN_NOT_OK(engine.RegisterTable(kPlacedTable, placed));
  return engine.RegisterTable(statement.table.name, target.table);
}

Status StatementWork::RegisterNamed(const ComposedSql& query) {
  WEIR_RETURN_NOT_OK(query.Locate(context.register_named(query.sql())));
  return engine.RegisterTable(statement.table.name, target.table);
}

Status StatementWork::RegisterComputed(engine::Plan rows, const std::set<std::string>& computed,
                                       const std::string& further, const std::string& name) {
  if (computed.empty()) return engine.RegisterView(name, rows);
  WEIR_RETURN_NOT_OK(engine.RegisterView("__weir_uncomputed", rows));
  const SqlDialect& dialect = *FindDialect(kLogDialect);
  std::string columns;
  arrow::FieldVector fields;
  for (size_t i = 0; i < target.columns.size(); ++i) {
    const WriteColumn& column = target.columns[i];
    const std::string quoted = QuoteIdentifier(column.name, dialect);
    columns += columns.empty() ? "" : ", ";
    columns += computed.contains(column.name) ? fmt::format("({}) AS {}", column.generation, quoted)
                                              : quoted;
    fields.push_back(target.schema->field(static_cast<int>(i)));
  }
  if (!further.empty()) {
    columns += ", " + further;
    fields.push_back(arrow::field(further, arrow::int32()));
  }
  auto plan = engine::Plan::FromSql(
      engine, fmt::format("SELECT {} FROM __weir_uncomputed", columns), kLogDialect);
  if (!plan.ok()) {
    return Status::Environment(StatusCode::kUnsupported,
                               "a generated column of the table `{}` is not understood",
                               target.name)
        .WithCause(plan.status().message())
        .WithHint(
            "give its values in the statement, or write the table with the program that it "
            "belongs to");
  }
  WEIR_ASSIGN_OR_RETURN(const auto casted, (*std::move(plan)).CastTo(*arrow::schema(fields)));
  return engine.RegisterView(name, casted);
}

Result<engine::WriteOutcome> StatementWork::Write(const engine::Plan& plan,
                                                  const engine::WriteOptions& options,
                                                  const std::shared_ptr<arrow::Schema>& schema,
                                                  int64_t bytes, engine::BatchSieve sieve) const {
  const SessionRuntime& runtime = context.runtime;
  WEIR_ASSIGN_OR_RETURN(const auto optimized, plan.Optimize(engine));
  engine::WriteOutcome outcome;
  const auto write = [&](const engine::Session& session, const engine::PhysicalPlan& physical) {
    WEIR_ASSIGN_OR_RETURN(
        outcome, physical.Write(session, options, schema, {}, context.cancellation, sieve));
    return Status::OK();
  };
  const ExecutionOptions how{.partitions = runtime.PartitionsFor(bytes, runtime.cores())};
  WEIR_RETURN_NOT_OK(ExecuteWithFallback(optimized, runtime, how, write).status);
  return outcome;
}

Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> StatementWork::Rows(
    const std::string& query) const {
  WEIR_ASSIGN_OR_RETURN(auto plan, engine::Plan::FromSql(engine, query, kGeneric));
  WEIR_ASSIGN_OR_RETURN(const auto optimized, std::move(plan).Optimize(engine));
  WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(engine, optimized));
  WEIR_ASSIGN_OR_RETURN(const auto reader, physical.Execute(engine, context.cancellation));
  const auto batches = reader->ToRecordBatches();
  if (!batches.ok()) return engine::FromStreamFailure(batches.status());
  return *batches;
}

Result<int64_t> StatementWork::Number(const std::string& query) const {
  WEIR_ASSIGN_OR_RETURN(const auto batches, Rows(query));
  for (const auto& batch : batches) {
    if (batch->num_rows() == 1)
      return std::static_pointer_cast<arrow::Int64Array>(batch->column(0))->Value(0);
  }
  return Status::Bug("a query for a number has no row: `{}`", query);
}

engine::BatchSieve StatementWork::RuleSieve() const {
  return [this](const std::shared_ptr<arrow::RecordBatch>& batch)
             -> Result<std::shared_ptr<arrow::RecordBatch>> {
    WEIR_RETURN_NOT_OK(rules.Check(*batch));
    return batch;
  };
}

std::string StatementWork::ColumnList(const std::string& qualifier) const {
  std::string list;
  for (const WriteColumn& column : target.columns) {
    list += (list.empty() ? "" : ", ") + qualifier + QuotedSqlName(column.name);
  }
  return list;
}

int64_t TotalBytes(const std::vector<DataFile>& files) {
  int64_t bytes = 0;
  for (const DataFile& file : files) bytes += file.size_bytes;
  return bytes;
}

}  // namespace weir
