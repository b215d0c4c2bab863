// SPDX-License-Identifier: Apache-2.0
//
// The part of QuerySession that writes a result as one Parquet file. The engine does it, by COPY.

#include <arrow/api.h>

#include "weir/base/sql_quotes.h"
#include "weir/bundle/statement.h"
#include "weir/catalog/catalog.h"
#include "weir/cli/output.h"
#include "weir/cli/query_session.h"
#include "weir/project/sql_lexer.h"
#include "weir/session/join_fallback.h"
#include "weir/session/row_groups.h"

namespace weir::cli {

namespace {

/// What Parquet has no form for, within nested values too.
const arrow::DataType* Unwritable(const arrow::DataType& type) {
  if (arrow::is_interval(type.id()) || type.id() == arrow::Type::DURATION) return &type;
  for (const auto& field : type.fields()) {
    if (const arrow::DataType* found = Unwritable(*field->type())) return found;
  }
  return nullptr;
}

Status CheckWritable(const arrow::Schema& schema) {
  for (const auto& field : schema.fields()) {
    if (const arrow::DataType* type = Unwritable(*field->type())) {
      return Status::User(StatusCode::kUnsupported,
                          "a type that Parquet has is wanted for the column `{}`, found `{}`",
                          field->name(), type->ToString())
          .WithHint("cast it, to VARCHAR for instance");
    }
  }
  if (schema.num_fields() == 0) {
    return Status::User(StatusCode::kUnsupported,
                        "a result with columns is wanted for Parquet, found none");
  }
  return Status::OK();
}

/// Without what ends a statement.
std::string WithoutEnd(const std::string& sql, const std::string& dialect) {
  const std::vector<Token> tokens = Lex(sql, *FindDialect(dialect)).tokens;
  size_t end = 0;
  for (const Token& token : tokens) {
    if (token.kind != TokenKind::kEnd && !token.IsSymbol(';')) end = token.end();
  }
  return sql.substr(0, end);
}

bool HasSameNames(const arrow::Schema& schema) {
  return DistinctNames(schema) != schema.field_names();
}

/// All rows as one batch, the columns with names that are each once.
Result<std::shared_ptr<arrow::RecordBatch>> Collected(arrow::RecordBatchReader& rows) {
  const auto table = rows.ToTable();
  if (!table.ok()) return engine::FromStreamFailure(table.status());
  const auto named = (*table)->RenameColumns(DistinctNames(*(*table)->schema()));
  if (!named.ok()) return Status::Bug("{}", named.status().ToString());
  const auto batch = (*named)->CombineChunksToBatch();
  if (!batch.ok()) return Status::Bug("{}", batch.status().ToString());
  return *batch;
}

/// A URL without quotes, which SQL texts would need doubled.
std::string FileUrl(const std::string& path) {
  std::string url;
  for (const char c : ToUrl(path, /*folder=*/false)) url += c == '\'' ? "%27" : std::string(1, c);
  return url;
}

/// The options of a writer that a small limit has room for. The engine's parallel writer counts
/// rows only, and gathers a million of them whatever they hold.
std::string WriterWithin(int64_t memory_limit_bytes) {
  constexpr int64_t kSmall = 512 << 20;
  if (memory_limit_bytes >= kSmall) return "";
  return fmt::format(
      ", format.allow_single_file_parallelism 'false', format.max_row_group_bytes '{}'",
      RowGroupBytes(memory_limit_bytes));
}

}  // namespace

Result<int64_t> QuerySession::WriteParquet(const std::string& given, const std::string& dialect,
                                           const std::string& file,
                                           const engine::Cancellation& cancellation) {
  WEIR_ASSIGN_OR_RETURN(const std::string sql, TakeVersionedTables(given, dialect));
  WEIR_ASSIGN_OR_RETURN(const ParsedStatement statement,
                        ParseStatement(runtime_->engine(), sql, ReadingOf(project_, dialect)));
  std::string query;
  if (statement.node == "Query") {
    WEIR_RETURN_NOT_OK(CheckAllowed(statement, project_.profile));
    // Planned by itself first: what is wrong is said of the text as it was written.
    WEIR_ASSIGN_OR_RETURN(const engine::Plan plan, PlanQuery(sql, dialect));
    WEIR_ASSIGN_OR_RETURN(const auto schema, plan.output_schema());
    WEIR_RETURN_NOT_OK(CheckWritable(*schema));
    if (!HasSameNames(*schema)) query = WithoutEnd(sql, dialect);
  }
  if (query.empty()) {
    // Other statements are no part of a COPY, and a query around this one would lose its order.
    WEIR_ASSIGN_OR_RETURN(auto rows, ExecuteAllowed(sql, dialect, cancellation));
    WEIR_RETURN_NOT_OK(CheckWritable(*rows->schema()));
    WEIR_ASSIGN_OR_RETURN(const auto batch, Collected(*rows));
    WEIR_ASSIGN_OR_RETURN(const auto result, engine::Table::FromRows(*batch));
    WEIR_RETURN_NOT_OK(runtime_->engine().RegisterTable("_weir_result", result));
    query = "SELECT * FROM _weir_result";
  }
  const std::string copy = fmt::format(
      "COPY ({}\n) TO '{}' STORED AS PARQUET OPTIONS (format.skip_arrow_metadata 'true'{})", query,
      FileUrl(file), WriterWithin(runtime_->memory_limit_bytes()));
  WEIR_ASSIGN_OR_RETURN(const auto plan, engine::Plan::FromStatement(runtime_->engine(), copy,
                                                                     dialect, cancellation));
  WEIR_ASSIGN_OR_RETURN(const auto optimized, plan.Optimize(runtime_->engine()));
  WEIR_ASSIGN_OR_RETURN(const auto counted, ExecuteQuery(optimized, *runtime_, cancellation));
  const auto done = counted->ToTable();
  if (!done.ok()) return engine::FromStreamFailure(done.status());
  const auto count = (*done)->num_rows() == 1 ? (*done)->column(0)->GetScalar(0)
                                              : arrow::Status::Invalid("no count");
  if (!count.ok() || (*count)->type->id() != arrow::Type::UINT64)
    return Status::Bug("COPY does not say how many rows it wrote");
  return static_cast<int64_t>(static_cast<const arrow::UInt64Scalar&>(**count).value);
}

}  // namespace weir::cli
