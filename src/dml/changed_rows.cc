// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/changed_rows.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include <arrow/api.h>
#include <unistd.h>

#include "weir/base/json_text.h"
#include "weir/base/sql_quotes.h"
#include "weir/catalog/catalog.h"
#include "weir/delta/log_actions.h"
#include "weir/dml/change_query.h"

namespace weir {

namespace {

/// The part of a file's rows up to which they are deleted by a vector.
constexpr double kMostMarked = 0.1;

}  // namespace

/// A folder that goes away with the object.
class ScratchFolder {
 public:
  static Result<std::unique_ptr<ScratchFolder>> In(const std::string& parent) {
    static std::atomic<int> count = 0;
    auto folder = std::make_unique<ScratchFolder>();
    folder->path_ = fmt::format("{}/weir-changes-{}-{}", parent, ::getpid(), ++count);
    std::error_code error;
    std::filesystem::create_directories(folder->path_, error);
    if (error) {
      return Status::Environment(StatusCode::kIo,
                                 "a folder for what is changed cannot be made: {}: "
                                 "`{}`",
                                 error.message(), folder->path_);
    }
    return folder;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string url() const { return ToUrl(path_, /*folder=*/true); }

 private:
  std::string path_;
};

bool ChangedRows::Touched::loses_few() const {
  return rows >= 0 &&
         static_cast<double>(deleted + updated) <= kMostMarked * static_cast<double>(rows);
}

ChangedRows::ChangedRows(StatementWork& work, std::vector<DataFile> files)
    : work_(work), files_(std::move(files)) {}

ChangedRows::~ChangedRows() = default;

Status ChangedRows::Find() {
  WEIR_RETURN_NOT_OK(FindChanges());
  return CountChanges();
}

Status ChangedRows::Write(const std::vector<DataFile>& inserted) {
  inserted_ = inserted;
  return WriteChanges();
}

Status ChangedRows::FindChanges() {
  WEIR_RETURN_NOT_OK(work_.RegisterTarget());
  const SqlDialect& dialect = *FindDialect(work_.context.dialect);
  DmlStatement statement = work_.statement;
  if (statement.kind == DmlStatement::Kind::kReplaceWhere) {
    statement.kind = DmlStatement::Kind::kDelete;
    statement.actions = {RowAction{.kind = RowAction::Kind::kDelete}};
    if (statement.table.alias.empty()) statement.table.alias = "t";
  }
  // Without an alias, a table that is named by its path has the name of its file.
  if (statement.table.alias.empty()) statement.table.alias = work_.target.name;
  actions_ = statement.actions;
  auto composed =
      ComposeChanges(work_.sql, dialect, statement, work_.target, [&] { return SourceColumns(); });
  if (!composed.ok()) return composed.status();
  assigned_ = composed->assigned;
  columns_of_action_ = composed->columns_of_action;
  WEIR_RETURN_NOT_OK(work_.RegisterNamed(composed->sql));
  auto plan = engine::Plan::FromSql(work_.engine, composed->sql.sql(), work_.context.dialect);
  if (!plan.ok()) return composed->sql.Locate(plan.status());
  WEIR_ASSIGN_OR_RETURN(scratch_, ScratchFolder::In(work_.context.scratch_folder));
  engine::WriteOptions options;
  options.root_url = scratch_->url();
  auto casted = (*std::move(plan)).CastTo(*composed->schema);
  if (!casted.ok()) return casted.status();
  const auto written = work_.Write(*casted, options, composed->schema, TotalBytes(files_), {});
  if (!written.ok()) return composed->sql.Locate(written.status());
  engine::FileTableSpec spec{.root_url = scratch_->url(), .format = "parquet"};
  spec.files = written->files;
  WEIR_ASSIGN_OR_RETURN(const auto changes,
                        engine::Table::FromFiles(work_.engine, spec, composed->schema));
  return work_.engine.RegisterTable(kChangesTable, changes);
}

Result<std::vector<std::string>> ChangedRows::SourceColumns() {
  ComposedSql query(work_.sql);
  query.Own("SELECT * FROM ").Piece(work_.statement.source);
  WEIR_RETURN_NOT_OK(work_.RegisterNamed(query));
  const auto plan = engine::Plan::FromSql(work_.engine, query.sql(), work_.context.dialect);
  if (!plan.ok()) return query.Locate(plan.status());
  WEIR_ASSIGN_OR_RETURN(const auto schema, plan->output_schema());
  return schema->field_names();
}

std::string ChangedRows::ActionsOf(RowAction::Kind kind) const {
  std::string numbers;
  for (size_t i = 0; i < actions_.size(); ++i) {
    if (actions_[i].kind == kind)
      numbers += fmt::format("{}{}", numbers.empty() ? "" : ", ", i + 1);
  }
  return numbers.empty() ? "NULL" : numbers;
}

Status ChangedRows::CountChanges() {
  const std::string deletes = ActionsOf(RowAction::Kind::kDelete),
                    updates = ActionsOf(RowAction::Kind::kUpdate),
                    inserts = ActionsOf(RowAction::Kind::kInsert);
  if (work_.statement.kind == DmlStatement::Kind::kMerge) {
    WEIR_ASSIGN_OR_RETURN(const int64_t ambiguous,
                          work_.Number(fmt::format(
                              "SELECT count(*) FROM (SELECT weir_file, weir_row FROM {} WHERE "
                              "weir_file IS NOT NULL "
                              "GROUP BY weir_file, weir_row HAVING count(*) > 1 AND "
                              "max(CASE WHEN weir_action IN ({}) THEN 1 ELSE 0 END) = 1) AS twice",
                              kChangesTable, updates)));
    if (ambiguous > 0) {
      return Status::User(StatusCode::kInvalidArgument,
                          "a row of the table is wanted to be found by one row of the source, "
                          "found {} that {} found by several and would be updated: `{}`",
                          ambiguous, ambiguous == 1 ? "is" : "are", work_.target.name)
          .WithHint("make the rows of the source unique by what ON compares");
    }
  }
  WEIR_ASSIGN_OR_RETURN(
      work_.outcome.rows_inserted,
      work_.Number(fmt::format("SELECT count(*) FROM {} WHERE weir_action IN ({})", kChangesTable,
                               inserts)));
  WEIR_ASSIGN_OR_RETURN(
      const auto counts,
      work_.Rows(
          fmt::format("SELECT weir_file, count(DISTINCT CASE WHEN weir_action IN ({}) THEN "
                      "weir_row END) AS deleted, count(CASE WHEN weir_action IN ({}) THEN 1 END) "
                      "AS updated FROM {} WHERE weir_file IS NOT NULL GROUP BY weir_file",
                      deletes, updates, kChangesTable)));
  for (const auto& batch : counts) {
    const auto path = std::static_pointer_cast<arrow::StringArray>(batch->column(0));
    const auto deleted = std::static_pointer_cast<arrow::Int64Array>(batch->column(1)),
               updated = std::static_pointer_cast<arrow::Int64Array>(batch->column(2));
    for (int64_t i = 0; i < batch->num_rows(); ++i) {
      touched_[path->GetString(i)] = {deleted->Value(i), updated->Value(i)};
      work_.outcome.rows_deleted += deleted->Value(i);
      work_.outcome.rows_updated += updated->Value(i);
    }
  }
  return DropEmptiedFiles();
}

bool ChangedRows::TakesVectors() const {
  return work_.target.HasProperty("delta.enableDeletionVectors") &&
         work_.target.protocol_json.find("\"deletionVectors\"") != std::string::npos;
}

Status ChangedRows::DropEmptiedFiles() {
  std::vector<std::string> paths;
  for (const auto& [path, counts] : touched_) {
    if (counts.updated == 0 || TakesVectors()) paths.push_back(path);
  }
  if (paths.empty()) return Status::OK();
  WEIR_ASSIGN_OR_RETURN(const auto table, work_.placed.WithPaths(paths));
  WEIR_RETURN_NOT_OK(work_.engine.RegisterTable("__weir_counted", table));
  WEIR_ASSIGN_OR_RETURN(
      const auto counts,
      work_.Rows(fmt::format("SELECT {0}, count({1}) FROM __weir_counted GROUP BY {0}", kFileColumn,
                             kRowColumn)));
  for (const auto& batch : counts) {
    const auto path = std::static_pointer_cast<arrow::StringArray>(batch->column(0));
    const auto rows = std::static_pointer_cast<arrow::Int64Array>(batch->column(1));
    for (int64_t i = 0; i < batch->num_rows(); ++i) {
      Touched& file = touched_[path->GetString(i)];
      file.rows = rows->Value(i);
      file.is_emptied = file.deleted == file.rows;
    }
  }
  return Status::OK();
}

std::string ChangedRows::ChangedBy(const std::string& actions) {
  return fmt::format(
      "EXISTS (SELECT 1 FROM {} AS c WHERE c.weir_file = t.{} AND c.weir_row = t.{}{})",
      kChangesTable, kFileColumn, kRowColumn,
      actions.empty() ? "" : fmt::format(" AND c.weir_action IN ({})", actions));
}

Status ChangedRows::RegisterNewRows() {
  const std::string updates = ActionsOf(RowAction::Kind::kUpdate),
                    inserts = ActionsOf(RowAction::Kind::kInsert);
  std::string updated, inserted;
  for (size_t i = 0; i < work_.target.columns.size(); ++i) {
    const int column = static_cast<int>(i);
    const std::string name = QuotedSqlName(work_.target.columns[i].name);
    const bool has_value = std::find(assigned_.begin(), assigned_.end(), column) != assigned_.end();
    std::string givers;
    for (size_t k = 0; k < actions_.size(); ++k) {
      if (actions_[k].kind == RowAction::Kind::kUpdate && columns_of_action_[k].contains(column))
        givers += fmt::format("{}{}", givers.empty() ? "" : ", ", k + 1);
    }
    updated += givers.empty()
                   ? fmt::format("t.{}, ", name)
                   : fmt::format(
                         "CASE WHEN c.weir_action IN ({}) THEN c.weir_c{} ELSE t.{} END AS "
                         "{}, ",
                         givers, column, name, name);
    inserted += has_value ? fmt::format("weir_c{} AS {}, ", column, name)
                          : fmt::format("NULL AS {}, ", name);
  }
  std::string query;
  if (work_.outcome.rows_updated > 0) {
    query = fmt::format(
        "SELECT {}c.weir_action FROM {} AS t JOIN {} AS c ON c.weir_file = t.{} AND c.weir_row = "
        "t.{} WHERE c.weir_action IN ({})",
        updated, kPlacedTable, kChangesTable, kFileColumn, kRowColumn, updates);
  }
  if (work_.outcome.rows_inserted > 0) {
    query += (query.empty() ? "" : " UNION ALL ") +
             fmt::format("SELECT {}weir_action FROM {} WHERE weir_action IN ({})", inserted,
                         kChangesTable, inserts);
  }
  arrow::FieldVector fields = work_.target.schema->fields();
  fields.push_back(arrow::field("weir_action", arrow::int32()));
  WEIR_ASSIGN_OR_RETURN(auto plan, engine::Plan::FromSql(work_.engine, query, kGeneric));
  WEIR_ASSIGN_OR_RETURN(auto casted, std::move(plan).CastTo(*arrow::schema(fields)));
  std::set<std::string> computed;
  for (const WriteColumn& column : work_.target.columns) {
    if (!column.generation.empty()) computed.insert(column.name);
  }
  return work_.RegisterComputed(std::move(casted), computed, "weir_action", "__weir_new");
}

Status ChangedRows::WriteChanges() {
  std::vector<std::string> rewritten;
  std::vector<std::string> touched;
  std::vector<DataFile> marked;
  for (const DataFile& file : files_) {
    const auto found = touched_.find(file.path);
    if (found == touched_.end()) continue;
    work_.change.removed.push_back(file);
    touched.push_back(file.path);
    if (found->second.is_emptied) continue;
    if (TakesVectors() && found->second.loses_few()) {
      marked.push_back(file);
    } else {
      rewritten.push_back(file.path);
    }
  }
  if (touched.size() != touched_.size())
    return Status::Bug("rows of {} files change, and the table has `{}` of them", touched_.size(),
                       touched.size());
  // Only files that change are read from here on.
  WEIR_ASSIGN_OR_RETURN(const auto of_touched, work_.placed.WithPaths(touched));
  WEIR_RETURN_NOT_OK(work_.engine.RegisterTable(kPlacedTable, of_touched));
  const bool has_new = work_.statement.kind != DmlStatement::Kind::kReplaceWhere &&
                       (work_.outcome.rows_updated > 0 || work_.outcome.rows_inserted > 0);
  if (has_new) WEIR_RETURN_NOT_OK(RegisterNewRows());
  std::string query;
  if (!rewritten.empty()) {
    WEIR_ASSIGN_OR_RETURN(const auto kept, work_.placed.WithPaths(rewritten));
    WEIR_RETURN_NOT_OK(work_.engine.RegisterTable("__weir_kept", kept));
    query = fmt::format("SELECT {} FROM __weir_kept AS t WHERE NOT {}", work_.ColumnList("t."),
                        ChangedBy({}));
  }
  if (has_new) {
    query += (query.empty() ? "" : " UNION ALL ") +
             fmt::format("SELECT {} FROM __weir_new", work_.ColumnList());
  }
  if (!query.empty()) WEIR_RETURN_NOT_OK(WriteRows(query));
  if (!marked.empty()) WEIR_RETURN_NOT_OK(MarkRows(marked));
  // Where no file is written anew, added and removed files tell the changes.
  if (work_.target.has_change_feed() && (!rewritten.empty() || !marked.empty())) return WriteFeed();
  return Status::OK();
}

Status ChangedRows::MarkRows(const std::vector<DataFile>& files) {
  std::map<std::string, std::vector<int64_t>> rows_of;
  for (const DataFile& file : files) rows_of[file.path] = {};
  WEIR_ASSIGN_OR_RETURN(
      const auto batches,
      work_.Rows(
          fmt::format("SELECT DISTINCT weir_file, weir_row FROM {} WHERE weir_file IS NOT NULL",
                      kChangesTable)));
  for (const auto& batch : batches) {
    const auto path = std::static_pointer_cast<arrow::StringArray>(batch->column(0));
    const auto row = std::static_pointer_cast<arrow::Int64Array>(batch->column(1));
    for (int64_t i = 0; i < batch->num_rows(); ++i) {
      const auto found = rows_of.find(path->GetString(i));
      if (found != rows_of.end()) found->second.push_back(row->Value(i));
    }
  }
  std::vector<std::pair<DataFile, std::vector<int64_t>>> deleted;
  for (const DataFile& file : files) deleted.emplace_back(file, std::move(rows_of[file.path]));
  WEIR_ASSIGN_OR_RETURN(const auto vectors,
                        work_.target.snapshot.DeleteRows(work_.engine, work_.target.url, deleted));
  if (const std::string name = VectorFileName(vectors.front()); !name.empty())
    work_.written.push_back(DataFile{.path = name});
  for (size_t i = 0; i < files.size(); ++i) {
    DataFile file = files[i];
    file.statistics = LooseStatistics(file, touched_[file.path].rows);
    file.deletion_vector = vectors[i];
    file.has_deletion_vector = true;
    work_.change.added.push_back(std::move(file));
  }
  return Status::OK();
}

std::string ChangedRows::LooseStatistics(const DataFile& file, int64_t rows) {
  auto json = LogJson::parse(file.statistics, nullptr, false);
  if (!json.is_object()) json = LogJson::object();
  json["numRecords"] = rows + file.deletion_vector.cardinality;
  json["tightBounds"] = false;
  return JsonText(json);
}

Status ChangedRows::WriteRows(const std::string& query) {
  WEIR_ASSIGN_OR_RETURN(auto plan, engine::Plan::FromSql(work_.engine, query, kGeneric));
  WEIR_ASSIGN_OR_RETURN(auto casted, std::move(plan).CastTo(*work_.target.schema));
  WEIR_ASSIGN_OR_RETURN(const auto options, work_.target.Options());
  WEIR_ASSIGN_OR_RETURN(auto written,
                        work_.Write(casted, options, work_.target.schema,
                                    TotalBytes(work_.change.removed), work_.RuleSieve()));
  work_.written.insert(work_.written.end(), written.files.begin(), written.files.end());
  std::move(written.files.begin(), written.files.end(), std::back_inserter(work_.change.added));
  return Status::OK();
}

Status ChangedRows::RegisterInserted() const {
  engine::FileTableSpec spec{.root_url = work_.target.url, .format = "parquet"};
  spec.partition_columns = work_.target.partition_columns;
  spec.files = inserted_;
  WEIR_ASSIGN_OR_RETURN(const auto table,
                        engine::Table::FromFiles(work_.engine, spec, work_.target.schema));
  return work_.engine.RegisterTable("__weir_added", table);
}

Status ChangedRows::WriteFeed() {
  const std::string deletes = ActionsOf(RowAction::Kind::kDelete),
                    updates = ActionsOf(RowAction::Kind::kUpdate),
                    inserts = ActionsOf(RowAction::Kind::kInsert);
  std::string query;
  const auto add = [&](const std::string& from, const char* change) {
    query += (query.empty() ? "" : " UNION ALL ") +
             fmt::format("SELECT {}, '{}' AS _change_type FROM {}", work_.ColumnList("t."), change,
                         from);
  };
  const std::string placed = fmt::format("{} AS t WHERE ", kPlacedTable);
  if (work_.outcome.rows_deleted > 0) add(placed + ChangedBy(deletes), "delete");
  if (work_.outcome.rows_updated > 0) {
    add(placed + ChangedBy(updates), "update_preimage");
    add(fmt::format("__weir_new AS t WHERE t.weir_action IN ({})", updates), "update_postimage");
  }
  if (work_.statement.kind == DmlStatement::Kind::kReplaceWhere) {
    WEIR_RETURN_NOT_OK(RegisterInserted());
    add("__weir_added AS t", "insert");
  } else if (work_.outcome.rows_inserted > 0) {
    add(fmt::format("__weir_new AS t WHERE t.weir_action IN ({})", inserts), "insert");
  }
  arrow::FieldVector fields = work_.target.schema->fields();
  fields.push_back(arrow::field("_change_type", arrow::utf8()));
  const auto schema = arrow::schema(fields);
  WEIR_ASSIGN_OR_RETURN(auto plan, engine::Plan::FromSql(work_.engine, query, kGeneric));
  WEIR_ASSIGN_OR_RETURN(auto casted, std::move(plan).CastTo(*schema));
  WEIR_ASSIGN_OR_RETURN(engine::WriteOptions options, work_.target.Options());
  options.root_url += kChangeFolder;
  // Some readers do not decode the names of folders with change data.
  options.flat = true;
  WEIR_ASSIGN_OR_RETURN(auto written,
                        work_.Write(casted, options, schema, TotalBytes(work_.change.removed), {}));
  for (DataFile& file : written.files) {
    file.path = kChangeFolder + file.path;
    work_.written.push_back(file);
    work_.change.changes.push_back(std::move(file));
  }
  return Status::OK();
}

}  // namespace weir
