// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/artifact_tables.h"

#include <algorithm>

#include <arrow/api.h>

#include "weir/artifacts/compaction.h"
#include "weir/base/parallel.h"
#include "weir/base/secret_names.h"
#include "weir/base/utf8_text.h"
#include "weir/delta/delta_commit.h"
#include "weir/session/session_runtime.h"

namespace weir {

namespace {

using T = ArtifactType;

/// Each run leaves a transaction in each table, which nobody asks for later than the next runs.
const std::map<std::string, std::string> kProperties = {
    {"delta.setTransactionRetentionDuration", "interval 30 days"}};

std::vector<ArtifactTable> MakeTables() {
  const ArtifactColumn run_id{"run_id", T::kText, "the run, as in `runs`"};
  const ArtifactColumn view_name{"view_name", T::kText, "the view"};
  return {
      {"runs",
       "One row a run.",
       {run_id,
        {"project", T::kText, "name of the project"},
        {"profile", T::kText, "profile it ran with"},
        {"state", T::kText,
         "`succeeded`, `failed`, `cancelled`, or `killed`: found by a later run, with what its "
         "commits still tell, and never of a run that goes on"},
        {"started_at", T::kTimestamp, "when it began"},
        {"finished_at", T::kTimestamp, "when the last view was final; NULL for a killed run"},
        {"views_run", T::kInteger, "views that were built"},
        {"views_reused", T::kInteger, "views that stayed as they were"},
        {"views_failed", T::kInteger, "views that failed"},
        {"views_blocked", T::kInteger, "views that read a failed one"},
        {"bytes_read", T::kInteger, "what scans fetched of files"},
        {"bytes_written", T::kInteger, "size of the files written"},
        {"settings_hash", T::kText, "settings, as in `settings`"},
        {"function_registry_hash", T::kText,
         "all functions that could be called, as in `functions`"},
        {"engine_versions", T::kText, "JSON object"},
        {"warehouse", T::kText, "URL of the warehouse; NULL in older runs"},
        {"parameters", T::kText,
         "JSON object: the project's parameters and their values; NULL for a killed run"},
        {"deferred_to", T::kText,
         "profile that views were read from which are not built here; NULL: none"},
        {"tag", T::kText,
         "name given with `--tag`: `weir gc` keeps what the newest run of each tag that succeeded "
         "needs; NULL: none"},
        {"published_run_id", T::kText,
         "run whose set in `published` readers read after this one: its own, or the earlier one "
         "where "
         "nothing changed; NULL: it published nothing, and in older runs"},
        {"user_name", T::kText, "who ran it; NULL in older runs, as is all that follows"},
        {"host", T::kText, "name of the machine"},
        {"pid", T::kInteger, "number of the process"},
        {"weir_version", T::kText, "version of the program; NULL for a killed run"},
        {"git_commit", T::kText,
         "commit that the project's folder had; NULL: it is in no repository that `git` reads, or "
         "there is no commit"},
        {"git_branch", T::kText, "branch that was checked out; NULL: none"},
        {"git_dirty", T::kBoolean,
         "files of the project's folder differed from the commit; NULL: it is in no repository"},
        {"os", T::kText, "operating system and kernel"},
        {"cpus", T::kInteger, "processors that the process could use"},
        {"memory_bytes", T::kInteger, "memory of the machine"},
        {"arguments", T::kTextList,
         "words of the command line; values of `--set` and what looks like a secret left out"}}},
      {"published",
       "One row a view and set: the versions of a project's tables that belong together. A run "
       "that "
       "succeeded publishes a set with one commit, unless it would be that of before. The last set "
       "is that of the highest number; what `weir sql` and other readers make of it: "
       "[delta.md](delta.md#published-versions).",
       {run_id,
        {"set_number", T::kInteger, "counts the sets of a warehouse, from 1 on"},
        {"project", T::kText, "name of the project, whose views the set has"},
        {"published_at", T::kTimestamp, "when the run's last view was final"},
        view_name,
        {"folder", T::kText, "folder of its table in the warehouse"},
        {"version", T::kInteger, "Delta version of its table to read"},
        {"built_by", T::kText, "the run that built these rows: this one, or an earlier one"},
        {"built_version", T::kInteger,
         "Delta version that the build made; less than `version` where `weir gc` has put files "
         "together since"},
        {"content_hash", T::kText, "as in `writes`"},
        {"rows", T::kInteger, "rows of the view"}}},
      {"tasks",
       "One row a view and run: what became of it.",
       {run_id,
        view_name,
        {"task_key", T::kText, "`view:<name>`"},
        {"state", T::kText, "`run`, `reused`, `failed` or `blocked`"},
        {"started_at", T::kTimestamp, "when its upstream views were final"},
        {"finished_at", T::kTimestamp, "when it was final"},
        {"rows", T::kInteger, "rows of its result"},
        {"bytes_read", T::kInteger,
         "what its scans fetched of files: of Parquet, the pages of columns; 0 when reused"},
        {"bytes_written", T::kInteger, "size of the files written"},
        {"message", T::kText, "why it failed or was blocked"},
        {"operator_metrics", T::kText,
         "JSON array, one object an operator; NULL when nothing was executed"},
        {"version", T::kInteger,
         "Delta version of its table that the run wrote, or found and left; NULL where there is "
         "none, and in older runs"}}},
      {"plan_bundles",
       "One row a view that ran: its frozen plan and everything that made it.",
       {run_id,
        view_name,
        {"plan_fingerprint", T::kText, "hash of what determines the view's meaning"},
        {"fingerprint_input", T::kText, "the hashed input as text"},
        {"file", T::kText, "the view's file"},
        {"definition_sql", T::kText, "the view's statement"},
        {"lane", T::kText,
         "`substrait`, or `proto` where Substrait does not carry the plan with its meaning"},
        {"lane_reason", T::kText, "why not Substrait"},
        {"plan_proto", T::kBinary, "the replay plan: the optimised plan as DataFusion's protobuf"},
        {"plan_outputs", T::kText, "output columns of the plan's nodes, JSON"},
        {"substrait", T::kBinary, "the plan as Substrait, where the lane is `substrait`"},
        {"logical_plan", T::kText, "as planned from the SQL"},
        {"optimized_plan", T::kText, "after the optimiser"},
        {"physical_plan", T::kText, "as executed"},
        {"optimized_plan_graphviz", T::kText, "DOT"},
        {"optimized_plan_pgjson", T::kText, "PostgreSQL's JSON form"},
        {"output_schema", T::kText, "names and types of the columns"},
        {"delta_inputs", T::kText, "JSON object: table to pinned version"},
        {"required_udfs", T::kTextList, "functions it uses, with their versions"},
        {"required_rewrite_tags", T::kTextList,
         "tags of the native functions and domain planners it uses"},
        {"domain_planner_names", T::kTextList,
         "domain planners and rewrites that took part, as in `weir functions --planners`"},
        {"udf_snapshot_hash", T::kText, "hash of the native functions installed"},
        {"function_registry_hash", T::kText, "as in `functions`"},
        {"udf_compatibility_ok", T::kBoolean, "every function it uses is installed"},
        {"df_settings", T::kText, "hash of the engine's settings, as in `settings`"},
        {"lineage", T::kText, "JSON"},
        {"scan_units", T::kText, "JSON array"},
        {"plan_details", T::kText,
         "JSON object: what executing the plan takes beside it: schemas, constraints, properties; "
         "`now_us` is what `now()` and the like gave"},
        {"parameters", T::kText, "JSON object: the parameters that it names, and their values"}}},
      {"statements",
       "One row a statement of the project whenever it is new or changed: what the project said in "
       "a "
       "run is the last row of each statement up to that run.",
       {run_id,
        {"kind", T::kText, "`view`, `test`, `function` or `source`"},
        {"name", T::kText, "of the view, test, function or source"},
        {"file", T::kText, "file of the project"},
        {"sql", T::kText, "as written; NULL for sources, whose options may be secrets"},
        {"dialect_read", T::kText, "the dialect it was read in"},
        {"normalized_sql", T::kText, "written from the tree"},
        {"dialect_written", T::kText, "the dialect of `normalized_sql`"},
        {"tree", T::kText, "the syntax tree, JSON, without places in the text"},
        {"tree_fingerprint", T::kText,
         "hash of the tree, which formatting, comments and the case of words do not change"}}},
      {"lineage",
       "One row an output column and input column of a view that ran.",
       {run_id,
        view_name,
        {"output_column", T::kText, "column of the view"},
        {"input_table", T::kText, "source or view it comes from; NULL for a literal"},
        {"input_column", T::kText, "column of that table"},
        {"use", T::kText,
         "`value`, `condition`, `filter`, `join_key`, `group_key`, `order`, `partition` or "
         "`unnest`"},
        {"transformation", T::kText,
         "`literal`, `identity`, `transformation`, `aggregation` or `window`"},
        {"expression", T::kText, "the output column over columns of scanned tables"}}},
      {"scan_units",
       "One row a table read by a view that ran.",
       {run_id,
        view_name,
        {"scan_id", T::kInteger, "scan within the view's plan"},
        {"table_name", T::kText, "the table"},
        {"kind", T::kText, "`delta`, `listing` or `view`"},
        {"url", T::kText, "where it is"},
        {"version", T::kInteger, "pinned Delta version; -1 for listings"},
        {"columns", T::kTextList, "projected columns"},
        {"filters", T::kTextList, "predicates pushed into the scan"},
        {"files_kept", T::kInteger, "files that were read"},
        {"files_pruned", T::kInteger, "files that could not matter"},
        {"bytes_kept", T::kInteger, "size of the files kept"},
        {"rows_kept", T::kInteger, "rows in the files read; NULL if unknown"},
        {"source", T::kText,
         "JSON object: how the files of a source are read; NULL for a view, and in older runs"}}},
      {"scan_files",
       "One row a file that a scan kept or pruned.",
       {run_id,
        view_name,
        {"scan_id", T::kInteger, "scan within the view's plan"},
        {"table_name", T::kText, "the table"},
        {"path", T::kText, "relative to the table"},
        {"size_bytes", T::kInteger, "size of the file"},
        {"kept", T::kBoolean, "whether it was read"},
        {"reason", T::kText, "why it was pruned: predicate and statistic"},
        {"modified_at", T::kTimestamp, "when the file was written; NULL in older runs"},
        {"etag", T::kText, "the store's tag of the file; NULL for Delta, and in older runs"}}},
      {"decisions",
       "One row a view and run: why it ran, or did not.",
       {run_id,
        view_name,
        {"action", T::kText, "`run` or `reuse`"},
        {"code", T::kText,
         "`never_built`, `table_removed`, `table_replaced` (by another program), `files_missing`, "
         "`definition_changed`, `inputs_changed`, `forced` or `unchanged`"},
        {"reason", T::kText, "in words"},
        {"plan_fingerprint", T::kText, "fingerprint it was decided with"},
        {"input_hash", T::kText, "state of what it reads"}}},
      {"writes",
       "One row a view that ran: its commit.",
       {run_id,
        view_name,
        {"table_url", T::kText, "where its table is"},
        {"version", T::kInteger, "Delta version of the commit"},
        {"mode", T::kText, "`overwrite`"},
        {"files", T::kInteger, "files written"},
        {"rows", T::kInteger, "rows written"},
        {"bytes", T::kInteger, "bytes written"},
        {"compression", T::kText, "of the Parquet pages"},
        {"policy", T::kText,
         "JSON object: how the files were written (sizes in bytes, columns that they are sorted "
         "by, "
         "that have a Bloom filter or no dictionary)"},
        {"partition_columns", T::kTextList, "columns that cut the table into folders"},
        {"content_hash", T::kText, "hash of the rows, independent of their order"}}},
      {"expectations",
       "One row a constraint of a view that ran, or that failed at it.",
       {run_id,
        view_name,
        {"constraint_name", T::kText, "the constraint"},
        {"action", T::kText, "`warn`, `drop row` or `fail update`"},
        {"expression", T::kText, "what is to be true for every row, as written"},
        {"rows_passed", T::kInteger, "rows for which it is true"},
        {"rows_failed", T::kInteger, "rows for which it is false or NULL"},
        {"rows_dropped", T::kInteger, "those of `rows_failed` that the table therefore has not"},
        {"example", T::kText, "one of the rows that violate it"}}},
      {"tests",
       "One row a test and `weir test`; these have run ids of their own.",
       {run_id,
        {"test_name", T::kText, "the test"},
        {"kind", T::kText,
         "`data`: a query that must return no row; `unit`: a view with given rows"},
        view_name,
        {"state", T::kText, "`passed`, `failed` or `error`"},
        {"rows", T::kInteger, "rows that should not be there; of a unit test also those missing"},
        {"message", T::kText, "what went wrong"},
        {"file", T::kText, "file of the project"},
        {"line", T::kInteger, "from 1"},
        {"started_at", T::kTimestamp, "when it began"},
        {"finished_at", T::kTimestamp, "when it ended"}}},
      {"settings",
       "The engine's settings, once for each different set.",
       {{"settings_hash", T::kText, "as in `runs`"},
        {"name", T::kText, "dotted name"},
        {"value", T::kText, "its value"}}},
      {"functions",
       "The functions that plans could call, the engine's own included, once for each different "
       "set.",
       {{"function_registry_hash", T::kText, "as in `runs`"},
        {"name", T::kText, "the function"},
        {"kind", T::kText, "`scalar`, `aggregate`, `window`, `higher_order` or `table`"},
        {"semantic_version", T::kInteger,
         "raised whenever a result can change; NULL for one that is not Weir's"},
        {"syntax", T::kText, "how it is called; the types it takes, of one that is not Weir's"},
        {"tags", T::kTextList, "what it is about; `user` for a user function"},
        {"volatility", T::kText, "`immutable`, `stable` or `volatile`"},
        {"description", T::kText,
         "what it means; of a user function its expression, of the engine's own its version"}}},
      {"diagnostics",
       "One row a message of a run.",
       {run_id,
        {"code", T::kText, "permanent code, see diagnostics.md"},
        {"severity", T::kText, "`error` or `warning`"},
        {"blame", T::kText, "`user`, `environment` or `bug`"},
        {"message", T::kText, "what was wanted and what was found"},
        {"hint", T::kText, "what to do"},
        view_name,
        {"file", T::kText, "file of the project"},
        {"line", T::kInteger, "from 1"},
        {"column", T::kInteger, "from 1"}}},
      {"spans",
       "Where the time of a run went, as tracing has it: the run, the views that were built or "
       "failed, their phases, and the operators of the plans of those that were built.",
       {run_id,
        {"trace_id", T::kText, "32 hex digits, made of the run's id"},
        {"span_id", T::kText, "16 hex digits"},
        {"parent_span_id", T::kText, "NULL for the run"},
        {"kind", T::kText, "`run`, `view`, `phase` or `operator`"},
        {"name", T::kText,
         "the run's id, the view's name, the phase: `decide`, `write` (the plan is executed), "
         "`commit`, or the engine's name of the operator"},
        {"view_name", T::kText, "the view; NULL for the run"},
        {"started_at", T::kTimestamp, "when it began"},
        {"finished_at", T::kTimestamp, "when it ended"},
        {"is_error", T::kBoolean, "it failed"},
        {"rows", T::kInteger,
         "that the operator gave; these and what follows: NULL where it does "
         "not measure it, and for all that is no operator"},
        {"compute_ns", T::kInteger, "nanoseconds that it worked, of all threads"},
        {"scanned_bytes", T::kInteger, "that it fetched of files"},
        {"memory_bytes", T::kInteger,
         "that its partitions held at their peaks; joins measure it, most aggregates do not"},
        {"spilled_bytes", T::kInteger, "that it spilled to disk"}}},
      {"maintenance",
       "What `weir gc` did, one row a file or table; recorded when it was done.",
       {{"gc_id", T::kText, "one `weir gc`; made as ids of runs are"},
        {"done_at", T::kTimestamp, "when it ended"},
        {"table_name", T::kText,
         "a view's table, one of a view that is no more, or `weir.<table>`"},
        {"action", T::kText,
         "`remove_file`, `remove_log`, `drop_table`, `see_removed_view` (nothing was done yet), "
         "`compact` or `write_checkpoint`"},
        {"path", T::kText, "of the file in the table's folder; NULL: the table as a whole"},
        {"version", T::kInteger,
         "Delta version: of the log's file, the one that was compacted or has the checkpoint, the "
         "latest of a table that was seen or dropped; NULL for data files"},
        {"bytes", T::kInteger, "size of what was removed, put together or seen"},
        {"reason", T::kText, "in words"}}},
  };
}

std::shared_ptr<arrow::DataType> ToArrow(ArtifactType type) {
  switch (type) {
    case T::kText:
      return arrow::utf8();
    case T::kInteger:
      return arrow::int64();
    case T::kFloat:
      return arrow::float64();
    case T::kBoolean:
      return arrow::boolean();
    case T::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case T::kBinary:
      return arrow::binary();
    case T::kTextList:
      return arrow::list(arrow::field("element", arrow::utf8()));
  }
  return arrow::utf8();
}

std::string_view TypeName(ArtifactType type) {
  static constexpr std::string_view kNames[] = {
      "text", "integer", "float", "boolean", "timestamp (UTC)", "binary", "list of text"};
  return kNames[static_cast<size_t>(type)];
}

template <typename Builder, typename Stored, typename Target = Stored>
arrow::Status AppendAs(arrow::ArrayBuilder& builder, const ArtifactValue& value) {
  return static_cast<Builder&>(builder).Append(static_cast<Target>(std::get<Stored>(value)));
}

arrow::Status Append(arrow::ArrayBuilder& builder, ArtifactType type, const ArtifactValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return builder.AppendNull();
  switch (type) {
    case T::kText:
      // What users wrote, names of files and contents of data may hold any bytes.
      return static_cast<arrow::StringBuilder&>(builder).Append(
          ShownAsUtf8(std::get<std::string>(value)));
    case T::kBinary:
      return AppendAs<arrow::BinaryBuilder, std::string>(builder, value);
    case T::kInteger:
      return AppendAs<arrow::Int64Builder, int64_t>(builder, value);
    case T::kTimestamp:
      return AppendAs<arrow::TimestampBuilder, int64_t>(builder, value);
    case T::kFloat:
      return AppendAs<arrow::DoubleBuilder, double>(builder, value);
    case T::kBoolean:
      return AppendAs<arrow::BooleanBuilder, bool>(builder, value);
    case T::kTextList: {
      auto& list = static_cast<arrow::ListBuilder&>(builder);
      ARROW_RETURN_NOT_OK(list.Append());
      auto& items = static_cast<arrow::StringBuilder&>(*list.value_builder());
      for (const std::string& item : std::get<std::vector<std::string>>(value))
        ARROW_RETURN_NOT_OK(items.Append(ShownAsUtf8(item)));
      return arrow::Status::OK();
    }
  }
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToBatch(const ArtifactTable& table,
                                                           const std::vector<ArtifactRow>& rows) {
  arrow::ArrayVector columns;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    std::unique_ptr<arrow::ArrayBuilder> builder;
    // Held for long, and read once: not worth the large pages of Arrow's own pool.
    ARROW_RETURN_NOT_OK(
        arrow::MakeBuilder(arrow::system_memory_pool(), ToArrow(table.columns[i].type), &builder));
    ARROW_RETURN_NOT_OK(builder->Reserve(static_cast<int64_t>(rows.size())));
    for (const ArtifactRow& row : rows)
      ARROW_RETURN_NOT_OK(Append(*builder, table.columns[i].type, row[i]));
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(table.schema(), static_cast<int64_t>(rows.size()), columns);
}

}  // namespace

std::shared_ptr<arrow::Schema> ArtifactTable::schema() const {
  arrow::FieldVector fields;
  for (const ArtifactColumn& column : columns)
    fields.push_back(arrow::field(column.name, ToArrow(column.type)));
  return arrow::schema(fields);
}

const std::vector<ArtifactTable>& ArtifactTables() {
  static const std::vector<ArtifactTable> tables = MakeTables();
  return tables;
}

std::vector<std::string> ArtifactTableNames() {
  std::vector<std::string> names;
  for (const ArtifactTable& table : ArtifactTables()) names.push_back(table.name);
  return names;
}

std::string ArtifactTableUrl(const std::string& warehouse_url, const std::string& table) {
  return TableUrl(warehouse_url, "_weir/" + table);
}

void ArtifactRows::Add(const std::string& table, ArtifactRow row) {
  // The rows of some tables hold plans, of 20 kB and more each.
  static constexpr size_t kRowsABatch = 64;
  Rows& rows = rows_[table];
  ++rows.count;
  rows.pending.push_back(std::move(row));
  if (rows.pending.size() == kRowsABatch) Pack(table, rows);
}

void ArtifactRows::Pack(const std::string& table, Rows& rows) {
  if (rows.pending.empty()) return;
  const auto& tables = ArtifactTables();
  const auto found = std::find_if(tables.begin(), tables.end(),
                                  [&](const ArtifactTable& t) { return t.name == table; });
  WEIR_CHECK(found != tables.end());
  auto batch = ToBatch(*found, rows.pending);
  rows.pending.clear();
  if (batch.ok()) {
    rows.batches.push_back(*std::move(batch));
  } else if (rows.status.ok()) {
    rows.status =
        Status::Bug("rows of the artifact table `{}`: {}", table, batch.status().ToString());
  }
}

void ArtifactRows::SetTransaction(const std::string& table, std::string id, int64_t version) {
  own_transactions_[table] = {std::move(id), version};
}

Status ArtifactRows::Append(const ArtifactTable& table, const engine::Session& session,
                            const std::string& url, int64_t now_ms) {
  Rows& rows = rows_.at(table.name);
  Pack(table.name, rows);
  WEIR_RETURN_NOT_OK(rows.status);
  const auto own = own_transactions_.find(table.name);
  const Transaction& transaction = own == own_transactions_.end() ? transaction_ : own->second;
  engine::WriteOptions options;
  options.root_url = url;
  WEIR_ASSIGN_OR_RETURN(auto written,
                        session.WriteBatches(options, table.schema(), std::move(rows.batches)));
  const DeltaWriteSpec spec{.table_url = url,
                            .schema = table.schema(),
                            .partition_columns = {},
                            .mode = WriteMode::kAppend,
                            .added = std::move(written.files),
                            .app_id = transaction.id,
                            .epoch = transaction.version,
                            .metadata = {},
                            .comment = table.description,
                            .properties = kProperties,
                            .timestamp_ms = now_ms,
                            .durability = durability_};
  const auto committed = CommitWrite(session, spec);
  if (!committed.ok())
    return committed.status().WithContext(fmt::format("artifact table `{}`", table.name));
  // It only makes reading quicker: the rows are there without it, and the next time tries again.
  if (!committed->already_committed && committed->version > 0 &&
      committed->version % kCompactionInterval == 0)
    (void)CompactTable(session, url, /*least=*/2, now_ms);
  return Status::OK();
}

Status ArtifactRows::CommitTables(const std::vector<const ArtifactTable*>& tables,
                                  const engine::Session& session, const std::string& warehouse_url,
                                  int64_t now_ms) {
  // Most of the time of a small run goes into waiting for storage. Of a large one the writers of
  // some hundred columns take as much memory as all that came before.
  static constexpr size_t kThreads = 4, kThreadsOfLargeRuns = 2, kLargeRows = 5000;
  size_t rows = 0;
  for (const ArtifactTable* table : tables) rows += rows_.at(table->name).count;
  std::vector<Status> statuses(tables.size());
  ForEachInParallel(tables.size(), rows < kLargeRows ? kThreads : kThreadsOfLargeRuns,
                    [&](size_t i) {
                      const std::string url = ArtifactTableUrl(warehouse_url, tables[i]->name);
                      statuses[i] = Append(*tables[i], session, url, now_ms);
                    });
  for (const Status& status : statuses) WEIR_RETURN_NOT_OK(status);
  return Status::OK();
}

Status ArtifactRows::Commit(const engine::Session& session, const std::string& warehouse_url,
                            int64_t now_ms, CommitDurability durability) {
  durability_ = durability;
  std::vector<const ArtifactTable*> first, last;
  for (const ArtifactTable& table : ArtifactTables()) {
    if (rows_.contains(table.name)) (table.name == "runs" ? last : first).push_back(&table);
  }
  WEIR_RETURN_NOT_OK(CommitTables(first, session, warehouse_url, now_ms));
  return CommitTables(last, session, warehouse_url, now_ms);
}

std::string Redacted(const std::string& key, const std::string& value) {
  return NamesSecret(key) ? "***" : value;
}

std::string ArtifactDocumentation() {
  std::string text =
      "# Artifacts\n\n"
      "<!-- made by `make docs` from src/artifacts/artifact_tables.cc -->\n\n"
      "Every run leaves what it decided in Delta tables under `<warehouse>/_weir/`. `weir sql` "
      "shows them as `weir.<table>`; any\n"
      "Delta reader opens them by their folder. They are append-only, with one commit a table and "
      "run, which an application\n"
      "transaction (`weir.run.<run_id>`) keeps from being made twice; after every fiftieth commit, "
      "and by `weir gc`, their small\n"
      "files are put together, which changes no row. Secrets never enter them.\n";
  for (const ArtifactTable& table : ArtifactTables()) {
    text += fmt::format("\n## {}\n\n{}\n\n| column | type | meaning |\n|---|---|---|\n", table.name,
                        table.description);
    for (const ArtifactColumn& column : table.columns) {
      text += fmt::format("| `{}` | {} | {} |\n", column.name, TypeName(column.type),
                          column.description);
    }
  }
  return text;
}

}  // namespace weir
