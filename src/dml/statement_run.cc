// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/statement_run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <arrow/api.h>
#include <unistd.h>

#include "weir/base/clock.h"
#include "weir/base/json_text.h"
#include "weir/base/sql_quotes.h"
#include "weir/bundle/stored_schema.h"
#include "weir/catalog/catalog.h"
#include "weir/delta/delta_commit.h"
#include "weir/delta/delta_schema.h"
#include "weir/delta/log_actions.h"
#include "weir/delta/table_change.h"
#include "weir/delta/table_features.h"
#include "weir/dml/change_query.h"
#include "weir/dml/row_rules.h"
#include "weir/dml/write_target.h"

namespace weir {

namespace {

/// Evaluations of one statement before other writers are reported.
constexpr int kMaxEvaluations = 30;
/// How long a statement waits at most before it is evaluated anew, at first and at last: who was
/// beaten several times gives the others time to end.
constexpr int kFirstWaitMs = 20;
constexpr int kLastWaitMs = 2000;
/// The part of a file's rows up to which they are deleted by a vector.
constexpr double kMostMarked = 0.1;
constexpr const char* kGeneric = "generic";
constexpr const char* kLogDialect = "databricks";
constexpr const char* kChangesTable = "__weir_changes";
constexpr const char* kChangeFolder = "_change_data/";

void WaitBefore(int evaluation) {
  if (evaluation == 0) return;
  const int most = std::min(kLastWaitMs, kFirstWaitMs << std::min(evaluation - 1, 10));
  std::random_device random;
  std::this_thread::sleep_for(std::chrono::milliseconds(random() % static_cast<unsigned>(most)));
}

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

/// One evaluation of a statement over one version of its table.
class Evaluation {
 public:
  Evaluation(const DmlContext& context, const std::string& sql, const DmlStatement& statement)
      : context_(context), engine_(context.runtime.engine()), sql_(sql), statement_(statement) {}

  ~Evaluation() {
    for (const char* name :
         {kPlacedTable, kChangesTable, "__weir_kept", "__weir_counted", "__weir_added"})
      Forget("TABLE", name);
    for (const char* name : {"__weir_new", "__weir_uncomputed", "__weir_given", "__weir_inserted"})
      Forget("VIEW", name);
    if (kept_) return;
    RemoveDataFiles(engine_, target_.url, written_);
  }

  /// nullopt where another writer was first, which `other()` names.
  Result<std::optional<DmlOutcome>> Run(const std::string& url) {
    WEIR_ASSIGN_OR_RETURN(target_, OpenWriteTarget(statement_.table.name, url, engine_));
    WEIR_RETURN_NOT_OK(CheckAppendOnly());
    WEIR_ASSIGN_OR_RETURN(rules_, RowRules::Of(target_, engine_));
    outcome_.version = target_.snapshot.version();
    change_.table_url = url;
    change_.read_version = target_.snapshot.version();
    change_.operation = OperationName();
    change_.checkpoint_interval = CheckpointIntervalOf(target_.properties);
    WEIR_RETURN_NOT_OK(Evaluate());
    outcome_.files_added = static_cast<int64_t>(change_.added.size());
    outcome_.files_removed = static_cast<int64_t>(change_.removed.size());
    if (change_.added.empty() && change_.removed.empty()) return std::optional(outcome_);
    return Commit();
  }

  const ForeignCommit& other() const { return other_; }

 private:
  using Kind = DmlStatement::Kind;

  void Forget(const char* kind, const char* name) const {
    (void)engine::Plan::FromStatement(engine_, fmt::format("DROP {} IF EXISTS {}", kind, name),
                                      kGeneric, engine::Cancellation());
  }

  std::string OperationName() const {
    switch (statement_.kind) {
      case Kind::kInsert:
      case Kind::kOverwrite:
      case Kind::kReplaceWhere:
        return "WRITE";
      default:
        return std::string(ToString(statement_.kind));
    }
  }

  Status CheckAppendOnly() const {
    if (!target_.is_append_only() || statement_.kind == Kind::kInsert) return Status::OK();
    return Status::User(StatusCode::kUnsupported,
                        "rows of the table `{}` may only be added (`delta.appendOnly`), found {}",
                        target_.name, ToString(statement_.kind));
  }

  Status Evaluate() {
    if (statement_.kind == Kind::kInsert) return Insert();
    WEIR_ASSIGN_OR_RETURN(files_, target_.snapshot.files());
    for (const DataFile& file : files_) {
      if (file.has_deletion_vector && file.deletion_vector.storage_type.empty())
        return Status::Bug("the deletion vector of a file is not known: `{}`", file.path);
    }
    const bool is_whole = statement_.condition.empty() &&
                          (statement_.kind == Kind::kDelete || statement_.kind == Kind::kTruncate ||
                           statement_.kind == Kind::kOverwrite);
    if (is_whole) {
      WEIR_ASSIGN_OR_RETURN(outcome_.rows_deleted, RowCount());
      change_.removed = files_;
      return statement_.kind == Kind::kOverwrite ? Insert() : Status::OK();
    }
    WEIR_RETURN_NOT_OK(FindChanges());
    WEIR_RETURN_NOT_OK(CountChanges());
    if (statement_.kind == Kind::kReplaceWhere) WEIR_RETURN_NOT_OK(Insert());
    return WriteChanges();
  }

  /// All rows of the table.
  Result<int64_t> RowCount() {
    int64_t rows = 0;
    for (const DataFile& file : files_) {
      if (file.rows < 0) {
        WEIR_RETURN_NOT_OK(engine_.RegisterTable(kPlacedTable, target_.table));
        return Number(fmt::format("SELECT count(*) FROM {}", kPlacedTable));
      }
      rows += file.rows - file.deletion_vector.cardinality;
    }
    return rows;
  }

  /// Makes the statement's own table known, at the version that it reads, to whatever names it.
  Status RegisterTarget() {
    WEIR_ASSIGN_OR_RETURN(
        placed_,
        target_.snapshot.AsTable(engine_, target_.url,
                                 {.file_column = kFileColumn, .row_column = kRowColumn}));
    WEIR_RETURN_NOT_OK(engine_.RegisterTable(kPlacedTable, placed_));
    return engine_.RegisterTable(statement_.table.name, target_.table);
  }

  Status RegisterNamed(const ComposedSql& query) {
    WEIR_RETURN_NOT_OK(query.Locate(context_.register_named(query.sql())));
    return engine_.RegisterTable(statement_.table.name, target_.table);
  }

  /// The statement as a query for its changes, evaluated once into files of its own.
  Status FindChanges() {
    WEIR_RETURN_NOT_OK(RegisterTarget());
    const SqlDialect& dialect = *FindDialect(context_.dialect);
    DmlStatement statement = statement_;
    if (statement.kind == Kind::kReplaceWhere) {
      statement.kind = Kind::kDelete;
      statement.actions = {RowAction{.kind = RowAction::Kind::kDelete}};
      if (statement.table.alias.empty()) statement.table.alias = "t";
    }
    // Without an alias, a table that is named by its path has the name of its file.
    if (statement.table.alias.empty()) statement.table.alias = target_.name;
    actions_ = statement.actions;
    auto composed =
        ComposeChanges(sql_, dialect, statement, target_, [&] { return SourceColumns(); });
    if (!composed.ok()) return composed.status();
    assigned_ = composed->assigned;
    columns_of_action_ = composed->columns_of_action;
    WEIR_RETURN_NOT_OK(RegisterNamed(composed->sql));
    auto plan = engine::Plan::FromSql(engine_, composed->sql.sql(), context_.dialect);
    if (!plan.ok()) return composed->sql.Locate(plan.status());
    WEIR_ASSIGN_OR_RETURN(scratch_, ScratchFolder::In(context_.scratch_folder));
    engine::WriteOptions options;
    options.root_url = scratch_->url();
    auto casted = (*std::move(plan)).CastTo(*composed->schema);
    if (!casted.ok()) return casted.status();
    const auto written = Write(*std::move(casted), options, composed->schema, Bytes(files_), {});
    if (!written.ok()) return composed->sql.Locate(written.status());
    engine::FileTableSpec spec{.root_url = scratch_->url(), .format = "parquet"};
    spec.files = written->files;
    WEIR_ASSIGN_OR_RETURN(const auto changes,
                          engine::Table::FromFiles(engine_, spec, composed->schema));
    return engine_.RegisterTable(kChangesTable, changes);
  }

  Result<std::vector<std::string>> SourceColumns() {
    ComposedSql query(sql_);
    query.Own("SELECT * FROM ").Piece(statement_.source);
    WEIR_RETURN_NOT_OK(RegisterNamed(query));
    const auto plan = engine::Plan::FromSql(engine_, query.sql(), context_.dialect);
    if (!plan.ok()) return query.Locate(plan.status());
    WEIR_ASSIGN_OR_RETURN(const auto schema, plan->output_schema());
    return schema->field_names();
  }

  /// The numbers of the statement's actions of one kind, as SQL; "NULL" without any.
  std::string ActionsOf(RowAction::Kind kind) const {
    std::string numbers;
    for (size_t i = 0; i < actions_.size(); ++i) {
      if (actions_[i].kind == kind)
        numbers += fmt::format("{}{}", numbers.empty() ? "" : ", ", i + 1);
    }
    return numbers.empty() ? "NULL" : numbers;
  }

  /// A row of the table is changed once. How many are, and in which files.
  Status CountChanges() {
    const std::string deletes = ActionsOf(RowAction::Kind::kDelete),
                      updates = ActionsOf(RowAction::Kind::kUpdate),
                      inserts = ActionsOf(RowAction::Kind::kInsert);
    if (statement_.kind == Kind::kMerge) {
      WEIR_ASSIGN_OR_RETURN(
          const int64_t ambiguous,
          Number(fmt::format("SELECT count(*) FROM (SELECT weir_file, weir_row FROM {} WHERE "
                             "weir_file IS NOT NULL "
                             "GROUP BY weir_file, weir_row HAVING count(*) > 1 AND "
                             "max(CASE WHEN weir_action IN ({}) THEN 1 ELSE 0 END) = 1) AS twice",
                             kChangesTable, updates)));
      if (ambiguous > 0) {
        return Status::User(StatusCode::kInvalidArgument,
                            "a row of the table is wanted to be found by one row of the source, "
                            "found {} that {} found by several and would be updated: `{}`",
                            ambiguous, ambiguous == 1 ? "is" : "are", target_.name)
            .WithHint("make the rows of the source unique by what ON compares");
      }
    }
    WEIR_ASSIGN_OR_RETURN(outcome_.rows_inserted,
                          Number(fmt::format("SELECT count(*) FROM {} WHERE weir_action IN ({})",
                                             kChangesTable, inserts)));
    WEIR_ASSIGN_OR_RETURN(
        const auto counts,
        Rows(
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
        outcome_.rows_deleted += deleted->Value(i);
        outcome_.rows_updated += updated->Value(i);
      }
    }
    return DropEmptiedFiles();
  }

  /// Whether rows may be deleted by vectors, instead of writing their files anew.
  bool TakesVectors() const {
    return target_.HasProperty("delta.enableDeletionVectors") &&
           target_.protocol_json.find("\"deletionVectors\"") != std::string::npos;
  }

  /// Files of which no row is left are not written anew. What statistics say of their rows may be
  /// wrong, hence they are counted.
  Status DropEmptiedFiles() {
    std::vector<std::string> paths;
    for (const auto& [path, counts] : touched_) {
      if (counts.updated == 0 || TakesVectors()) paths.push_back(path);
    }
    if (paths.empty()) return Status::OK();
    WEIR_ASSIGN_OR_RETURN(const auto table, placed_.WithPaths(paths));
    WEIR_RETURN_NOT_OK(engine_.RegisterTable("__weir_counted", table));
    WEIR_ASSIGN_OR_RETURN(
        const auto counts,
        Rows(fmt::format("SELECT {0}, count({1}) FROM __weir_counted GROUP BY {0}", kFileColumn,
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

  std::string ColumnList(const std::string& qualifier = {}) const {
    std::string list;
    for (const WriteColumn& column : target_.columns) {
      list += (list.empty() ? "" : ", ") + qualifier + QuotedSqlName(column.name);
    }
    return list;
  }

  /// The condition under which a row `t` of the placed table is one that is changed by `actions`.
  static std::string ChangedBy(const std::string& actions) {
    return fmt::format(
        "EXISTS (SELECT 1 FROM {} AS c WHERE c.weir_file = t.{} AND c.weir_row = t.{}{})",
        kChangesTable, kFileColumn, kRowColumn,
        actions.empty() ? "" : fmt::format(" AND c.weir_action IN ({})", actions));
  }

  /// Registers the rows that the statement makes, `__weir_new`: the table's columns and
  /// weir_action.
  Status RegisterNewRows() {
    const std::string updates = ActionsOf(RowAction::Kind::kUpdate),
                      inserts = ActionsOf(RowAction::Kind::kInsert);
    std::string updated, inserted;
    for (size_t i = 0; i < target_.columns.size(); ++i) {
      const int column = static_cast<int>(i);
      const std::string name = QuotedSqlName(target_.columns[i].name);
      const bool has_value =
          std::find(assigned_.begin(), assigned_.end(), column) != assigned_.end();
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
    if (outcome_.rows_updated > 0) {
      query = fmt::format(
          "SELECT {}c.weir_action FROM {} AS t JOIN {} AS c ON c.weir_file = t.{} AND c.weir_row = "
          "t.{} WHERE c.weir_action IN ({})",
          updated, kPlacedTable, kChangesTable, kFileColumn, kRowColumn, updates);
    }
    if (outcome_.rows_inserted > 0) {
      query += (query.empty() ? "" : " UNION ALL ") +
               fmt::format("SELECT {}weir_action FROM {} WHERE weir_action IN ({})", inserted,
                           kChangesTable, inserts);
    }
    arrow::FieldVector fields = target_.schema->fields();
    fields.push_back(arrow::field("weir_action", arrow::int32()));
    WEIR_ASSIGN_OR_RETURN(auto plan, engine::Plan::FromSql(engine_, query, kGeneric));
    WEIR_ASSIGN_OR_RETURN(auto casted, std::move(plan).CastTo(*arrow::schema(fields)));
    std::set<std::string> computed;
    for (const WriteColumn& column : target_.columns) {
      if (!column.generation.empty()) computed.insert(column.name);
    }
    return RegisterComputed(std::move(casted), computed, "weir_action", "__weir_new");
  }

  /// Registers `rows`, which have the table's columns, as `name`, with the values of the generated
  /// columns `computed`. `further`: one more column that goes with them; may be empty.
  Status RegisterComputed(engine::Plan rows, const std::set<std::string>& computed,
                          const std::string& further, const std::string& name) {
    if (computed.empty()) return engine_.RegisterView(name, rows);
    WEIR_RETURN_NOT_OK(engine_.RegisterView("__weir_uncomputed", rows));
    const SqlDialect& dialect = *FindDialect(kLogDialect);
    std::string columns;
    arrow::FieldVector fields;
    for (size_t i = 0; i < target_.columns.size(); ++i) {
      const WriteColumn& column = target_.columns[i];
      const std::string quoted = QuoteIdentifier(column.name, dialect);
      columns += columns.empty() ? "" : ", ";
      columns += computed.contains(column.name)
                     ? fmt::format("({}) AS {}", column.generation, quoted)
                     : quoted;
      fields.push_back(target_.schema->field(static_cast<int>(i)));
    }
    if (!further.empty()) {
      columns += ", " + further;
      fields.push_back(arrow::field(further, arrow::int32()));
    }
    auto plan = engine::Plan::FromSql(
        engine_, fmt::format("SELECT {} FROM __weir_uncomputed", columns), kLogDialect);
    if (!plan.ok()) {
      return Status::Environment(StatusCode::kUnsupported,
                                 "a generated column of the table `{}` is not understood",
                                 target_.name)
          .WithCause(plan.status().message())
          .WithHint(
              "give its values in the statement, or write the table with the program that it "
              "belongs to");
    }
    WEIR_ASSIGN_OR_RETURN(const auto casted, (*std::move(plan)).CastTo(*arrow::schema(fields)));
    return engine_.RegisterView(name, casted);
  }

  /// The new files, and the change data where the table wants it.
  Status WriteChanges() {
    std::vector<std::string> rewritten;
    std::vector<std::string> touched;
    std::vector<DataFile> marked;
    for (const DataFile& file : files_) {
      const auto found = touched_.find(file.path);
      if (found == touched_.end()) continue;
      change_.removed.push_back(file);
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
    WEIR_ASSIGN_OR_RETURN(const auto of_touched, placed_.WithPaths(touched));
    WEIR_RETURN_NOT_OK(engine_.RegisterTable(kPlacedTable, of_touched));
    const bool has_new = statement_.kind != Kind::kReplaceWhere &&
                         (outcome_.rows_updated > 0 || outcome_.rows_inserted > 0);
    if (has_new) WEIR_RETURN_NOT_OK(RegisterNewRows());
    std::string query;
    if (!rewritten.empty()) {
      WEIR_ASSIGN_OR_RETURN(const auto kept, placed_.WithPaths(rewritten));
      WEIR_RETURN_NOT_OK(engine_.RegisterTable("__weir_kept", kept));
      query = fmt::format("SELECT {} FROM __weir_kept AS t WHERE NOT {}", ColumnList("t."),
                          ChangedBy({}));
    }
    if (has_new) {
      query += (query.empty() ? "" : " UNION ALL ") +
               fmt::format("SELECT {} FROM __weir_new", ColumnList());
    }
    if (!query.empty()) WEIR_RETURN_NOT_OK(WriteRows(query));
    if (!marked.empty()) WEIR_RETURN_NOT_OK(MarkRows(marked));
    // Where no file is written anew, added and removed files tell the changes.
    if (target_.has_change_feed() && (!rewritten.empty() || !marked.empty())) return WriteFeed();
    return Status::OK();
  }

  /// Deletes the changed rows of files by vectors.
  Status MarkRows(const std::vector<DataFile>& files) {
    std::map<std::string, std::vector<int64_t>> rows_of;
    for (const DataFile& file : files) rows_of[file.path] = {};
    WEIR_ASSIGN_OR_RETURN(
        const auto batches,
        Rows(fmt::format("SELECT DISTINCT weir_file, weir_row FROM {} WHERE weir_file IS NOT NULL",
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
                          target_.snapshot.DeleteRows(engine_, target_.url, deleted));
    if (const std::string name = VectorFileName(vectors.front()); !name.empty())
      written_.push_back(DataFile{.path = name});
    for (size_t i = 0; i < files.size(); ++i) {
      DataFile file = files[i];
      file.statistics = LooseStatistics(file, touched_[file.path].rows);
      file.deletion_vector = vectors[i];
      file.has_deletion_vector = true;
      change_.added.push_back(std::move(file));
    }
    return Status::OK();
  }

  /// The statistics of a file some of whose rows are deleted: they bound what is left. `rows`: that
  /// were left before.
  static std::string LooseStatistics(const DataFile& file, int64_t rows) {
    auto json = LogJson::parse(file.statistics, nullptr, false);
    if (!json.is_object()) json = LogJson::object();
    json["numRecords"] = rows + file.deletion_vector.cardinality;
    json["tightBounds"] = false;
    return JsonText(json);
  }

  /// Writes the rows of a query of ours as files of the table.
  Status WriteRows(const std::string& query) {
    WEIR_ASSIGN_OR_RETURN(auto plan, engine::Plan::FromSql(engine_, query, kGeneric));
    WEIR_ASSIGN_OR_RETURN(auto casted, std::move(plan).CastTo(*target_.schema));
    WEIR_ASSIGN_OR_RETURN(const auto options, target_.Options());
    WEIR_ASSIGN_OR_RETURN(auto written, Write(std::move(casted), options, target_.schema,
                                              Bytes(change_.removed), RuleSieve()));
    written_.insert(written_.end(), written.files.begin(), written.files.end());
    std::move(written.files.begin(), written.files.end(), std::back_inserter(change_.added));
    return Status::OK();
  }

  /// Registers the rows of an INSERT as they were written, `__weir_added`.
  Status RegisterInserted() const {
    engine::FileTableSpec spec{.root_url = target_.url, .format = "parquet"};
    spec.partition_columns = target_.partition_columns;
    spec.files = inserted_;
    WEIR_ASSIGN_OR_RETURN(const auto table,
                          engine::Table::FromFiles(engine_, spec, target_.schema));
    return engine_.RegisterTable("__weir_added", table);
  }

  Status WriteFeed() {
    const std::string deletes = ActionsOf(RowAction::Kind::kDelete),
                      updates = ActionsOf(RowAction::Kind::kUpdate),
                      inserts = ActionsOf(RowAction::Kind::kInsert);
    std::string query;
    const auto add = [&](const std::string& from, const char* change) {
      query +=
          (query.empty() ? "" : " UNION ALL ") +
          fmt::format("SELECT {}, '{}' AS _change_type FROM {}", ColumnList("t."), change, from);
    };
    const std::string placed = fmt::format("{} AS t WHERE ", kPlacedTable);
    if (outcome_.rows_deleted > 0) add(placed + ChangedBy(deletes), "delete");
    if (outcome_.rows_updated > 0) {
      add(placed + ChangedBy(updates), "update_preimage");
      add(fmt::format("__weir_new AS t WHERE t.weir_action IN ({})", updates), "update_postimage");
    }
    if (statement_.kind == Kind::kReplaceWhere) {
      WEIR_RETURN_NOT_OK(RegisterInserted());
      add("__weir_added AS t", "insert");
    } else if (outcome_.rows_inserted > 0) {
      add(fmt::format("__weir_new AS t WHERE t.weir_action IN ({})", inserts), "insert");
    }
    arrow::FieldVector fields = target_.schema->fields();
    fields.push_back(arrow::field("_change_type", arrow::utf8()));
    const auto schema = arrow::schema(fields);
    WEIR_ASSIGN_OR_RETURN(auto plan, engine::Plan::FromSql(engine_, query, kGeneric));
    WEIR_ASSIGN_OR_RETURN(auto casted, std::move(plan).CastTo(*schema));
    WEIR_ASSIGN_OR_RETURN(engine::WriteOptions options, target_.Options());
    options.root_url += kChangeFolder;
    // Some readers do not decode the names of folders with change data.
    options.flat = true;
    WEIR_ASSIGN_OR_RETURN(auto written,
                          Write(std::move(casted), options, schema, Bytes(change_.removed), {}));
    for (DataFile& file : written.files) {
      file.path = kChangeFolder + file.path;
      written_.push_back(file);
      change_.changes.push_back(std::move(file));
    }
    return Status::OK();
  }

  /// The rows of an INSERT's query, brought into the table's columns.
  Status Insert() {
    WEIR_RETURN_NOT_OK(RegisterTarget());
    ComposedSql query(sql_);
    query.Piece(statement_.query);
    WEIR_RETURN_NOT_OK(RegisterNamed(query));
    const auto references = engine_.TableReferences(query.sql(), context_.dialect);
    reads_itself_ = !references.ok() || std::find(references->begin(), references->end(),
                                                  statement_.table.name) != references->end();
    auto plan = engine::Plan::FromSql(engine_, query.sql(), context_.dialect);
    if (!plan.ok()) return query.Locate(plan.status());
    WEIR_ASSIGN_OR_RETURN(const auto found, plan->output_schema());
    if (statement_.evolves) WEIR_RETURN_NOT_OK(AddColumnsOf(*plan));
    WEIR_ASSIGN_OR_RETURN(
        const std::vector<int> given,
        GivenColumns(statement_.by_name ? found->field_names() : statement_.columns));
    arrow::FieldVector fields;
    for (const int column : given) fields.push_back(target_.schema->field(column));
    if (found->num_fields() != static_cast<int>(given.size())) {
      return Status::User(StatusCode::kInvalidArgument,
                          "a query with {} columns is wanted for the table `{}`, found one with {}",
                          given.size(), target_.name, found->num_fields())
          .WithHint("name the columns: INSERT INTO t (a, b) SELECT …");
    }
    WEIR_ASSIGN_OR_RETURN(auto casted, (*std::move(plan)).CastTo(*arrow::schema(fields)));
    WEIR_RETURN_NOT_OK(engine_.RegisterView("__weir_given", casted));
    std::string columns;
    std::set<std::string> computed;
    for (size_t i = 0; i < target_.columns.size(); ++i) {
      const WriteColumn& column = target_.columns[i];
      const std::string name = QuotedSqlName(column.name);
      const bool is_given =
          std::find(given.begin(), given.end(), static_cast<int>(i)) != given.end();
      if (!is_given && !column.generation.empty()) computed.insert(column.name);
      columns += (columns.empty() ? "" : ", ") + (is_given ? name : "NULL AS " + name);
    }
    WEIR_ASSIGN_OR_RETURN(
        auto all, engine::Plan::FromSql(
                      engine_, fmt::format("SELECT {} FROM __weir_given", columns), kGeneric));
    WEIR_ASSIGN_OR_RETURN(auto of_table, std::move(all).CastTo(*target_.schema));
    WEIR_RETURN_NOT_OK(RegisterComputed(std::move(of_table), computed, {}, "__weir_inserted"));
    WEIR_ASSIGN_OR_RETURN(
        auto rows,
        engine::Plan::FromSql(engine_, fmt::format("SELECT {} FROM __weir_inserted", ColumnList()),
                              kGeneric));
    engine::BatchSieve sieve = RuleSieve();
    if (statement_.kind == Kind::kReplaceWhere) {
      WEIR_ASSIGN_OR_RETURN(sieve, ReplacedSieve(std::move(sieve)));
    }
    // What the query reads is not known here: large results are worth all cores.
    const int64_t bytes = std::numeric_limits<int64_t>::max();
    WEIR_ASSIGN_OR_RETURN(const auto options, target_.Options());
    auto written = Write(std::move(rows), options, target_.schema, bytes, sieve);
    if (!written.ok()) return query.Locate(written.status());
    outcome_.rows_inserted += written->rows;
    inserted_ = written->files;
    written_.insert(written_.end(), inserted_.begin(), inserted_.end());
    std::move(written->files.begin(), written->files.end(), std::back_inserter(change_.added));
    return Status::OK();
  }

  /// Columns of a query that the table does not have become the table's, behind its own.
  Status AddColumnsOf(const engine::Plan& query) {
    // Before its types are settled a plan has the types of the first branch of a UNION or a CASE.
    WEIR_ASSIGN_OR_RETURN(const auto analyzed, query.Analyze(engine_));
    WEIR_ASSIGN_OR_RETURN(const auto output, analyzed.output_schema());
    arrow::FieldVector fields;
    for (const auto& field : output->fields()) {
      if (target_.IndexOf(field->name()) < 0) fields.push_back(field->WithNullable(true));
    }
    if (fields.empty()) return Status::OK();
    std::vector<Status> problems;
    const auto added = StoredSchema(*arrow::schema(fields), problems);
    for (const Status& problem : problems) return problem;
    WEIR_ASSIGN_OR_RETURN(const std::string added_json, DeltaSchemaString(*added));
    WEIR_ASSIGN_OR_RETURN(target_.schema_json, SchemaWithColumns(target_, added_json));
    LogJson metadata = LogJson::parse(target_.metadata_json, nullptr, false);
    metadata["schemaString"] = target_.schema_json;
    if (HasTimestampNtz(*added)) {
      const std::string protocol = UpgradedProtocol(target_.protocol_json, {"timestampNtz"});
      if (!protocol.empty()) change_.head.push_back(protocol);
    }
    change_.head.push_back(JsonText(LogJson{{"metaData", metadata}}));
    arrow::FieldVector all = target_.schema->fields();
    for (const auto& field : added->fields()) {
      target_.columns.push_back({.name = field->name(), .generation = {}});
      all.push_back(field);
    }
    target_.schema = arrow::schema(all);
    WEIR_ASSIGN_OR_RETURN(rules_, RowRules::Of(target_, engine_));
    return Status::OK();
  }

  /// `names`: of the columns that a query gives values for; empty: all that are not generated.
  Result<std::vector<int>> GivenColumns(const std::vector<std::string>& names) const {
    std::vector<int> given;
    if (names.empty()) {
      for (size_t i = 0; i < target_.columns.size(); ++i) {
        if (target_.columns[i].generation.empty()) given.push_back(static_cast<int>(i));
      }
      return given;
    }
    for (const std::string& name : names) {
      const int column = target_.IndexOf(name);
      if (column < 0) {
        const Status missing = Status::User(
            StatusCode::kPlanFailed, "the table `{}` has no column `{}`", target_.name, name);
        return statement_.by_name
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

  /// Rows that replace others must be such as these: else a second run would not find them.
  Result<engine::BatchSieve> ReplacedSieve(engine::BatchSieve sieve) const {
    const std::string condition(statement_.condition.In(sql_));
    WEIR_ASSIGN_OR_RETURN(
        const auto predicate,
        engine::CompiledPredicate::FromSql(engine_, condition, *target_.schema, context_.dialect));
    return engine::BatchSieve([=, this](const std::shared_ptr<arrow::RecordBatch>& batch)
                                  -> Result<std::shared_ptr<arrow::RecordBatch>> {
      WEIR_ASSIGN_OR_RETURN(const auto holds, predicate.Evaluate(*batch));
      if (holds->true_count() < holds->length()) {
        return Status::User(StatusCode::kInvalidArgument,
                            "rows for which `{}` is true are wanted in the place of those of the "
                            "table `{}`, found others",
                            condition, target_.name)
            .WithHint("the table is as it was; filter the query by the same condition");
      }
      return sieve(batch);
    });
  }

  engine::BatchSieve RuleSieve() const {
    return [this](const std::shared_ptr<arrow::RecordBatch>& batch)
               -> Result<std::shared_ptr<arrow::RecordBatch>> {
      WEIR_RETURN_NOT_OK(rules_.Check(*batch));
      return batch;
    };
  }

  static int64_t Bytes(const std::vector<DataFile>& files) {
    int64_t bytes = 0;
    for (const DataFile& file : files) bytes += file.size_bytes;
    return bytes;
  }

  Result<engine::WriteOutcome> Write(engine::Plan plan, const engine::WriteOptions& options,
                                     const std::shared_ptr<arrow::Schema>& schema, int64_t bytes,
                                     engine::BatchSieve sieve) const {
    WEIR_ASSIGN_OR_RETURN(const engine::Session* engine,
                          context_.runtime.EngineOf(
                              context_.runtime.PartitionsFor(bytes, context_.runtime.threads())));
    WEIR_ASSIGN_OR_RETURN(const auto optimized, std::move(plan).Optimize(*engine));
    WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(*engine, optimized));
    return physical.Write(*engine, options, schema, {}, context_.cancellation, std::move(sieve));
  }

  Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> Rows(const std::string& query) const {
    WEIR_ASSIGN_OR_RETURN(auto plan, engine::Plan::FromSql(engine_, query, kGeneric));
    WEIR_ASSIGN_OR_RETURN(const auto optimized, std::move(plan).Optimize(engine_));
    WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(engine_, optimized));
    WEIR_ASSIGN_OR_RETURN(const auto reader, physical.Execute(engine_, context_.cancellation));
    const auto batches = reader->ToRecordBatches();
    if (!batches.ok()) return engine::FromStreamFailure(batches.status());
    return *batches;
  }

  /// The one number of a query.
  Result<int64_t> Number(const std::string& query) const {
    WEIR_ASSIGN_OR_RETURN(const auto batches, Rows(query));
    for (const auto& batch : batches) {
      if (batch->num_rows() == 1)
        return std::static_pointer_cast<arrow::Int64Array>(batch->column(0))->Value(0);
    }
    return Status::Bug("a query for a number has no row: `{}`", query);
  }

  Result<std::optional<DmlOutcome>> Commit() {
    const bool is_append = statement_.kind == Kind::kInsert;
    change_.is_blind_append = is_append && !reads_itself_ && change_.head.empty();
    if (OperationName() == "WRITE")
      change_.parameters = {{"mode", is_append ? "Append" : "Overwrite"}};
    if (!statement_.condition.empty())
      change_.parameters.emplace_back("predicate", std::string(statement_.condition.In(sql_)));
    change_.metrics = {
        {"numFiles", outcome_.files_added},          {"numAddedFiles", outcome_.files_added},
        {"numRemovedFiles", outcome_.files_removed}, {"numOutputRows", outcome_.rows_inserted},
        {"numInsertedRows", outcome_.rows_inserted}, {"numUpdatedRows", outcome_.rows_updated},
        {"numDeletedRows", outcome_.rows_deleted}};
    change_.timestamp_ms = SystemClock().Now() / 1000;
    const auto committed = CommitChange(engine_, change_);
    kept_ = !committed.ok() && MayStillArrive(committed.status(), target_.url);
    WEIR_ASSIGN_OR_RETURN(const ChangeOutcome made, committed);
    if (made.other) {
      other_ = *made.other;
      return std::optional<DmlOutcome>();
    }
    kept_ = true;
    outcome_.version = made.version;
    return std::optional(outcome_);
  }

  /// What becomes of a file.
  struct Touched {
    int64_t deleted = 0;  ///< rows
    int64_t updated = 0;
    int64_t rows = -1;  ///< before; -1: not counted
    bool is_emptied = false;

    bool loses_few() const {
      return rows >= 0 &&
             static_cast<double>(deleted + updated) <= kMostMarked * static_cast<double>(rows);
    }
  };

  const DmlContext& context_;
  const engine::Session& engine_;
  const std::string& sql_;
  const DmlStatement& statement_;
  WriteTarget target_;
  RowRules rules_;
  std::vector<DataFile> files_;
  engine::Table placed_;
  std::unique_ptr<ScratchFolder> scratch_;
  std::vector<RowAction> actions_;
  std::vector<int> assigned_;
  std::vector<std::set<int>> columns_of_action_;
  std::map<std::string, Touched> touched_;
  std::vector<DataFile> written_;   ///< all files, to be removed again without a commit
  std::vector<DataFile> inserted_;  ///< of an INSERT; they are among those that are added
  bool reads_itself_ = false;
  TableChange change_;
  ForeignCommit other_;
  DmlOutcome outcome_;
  bool kept_ = false;  ///< what was written is the table's, or may come to be
};

}  // namespace

Result<DmlOutcome> RunDml(const DmlContext& context, const std::string& sql,
                          const DmlStatement& statement, const std::string& table_url) {
  ForeignCommit other;
  for (int i = 0; i < kMaxEvaluations; ++i) {
    WaitBefore(i);
    if (context.cancellation.is_cancelled())
      return Status::User(StatusCode::kCancelled, "interrupted; the table is as it was");
    Evaluation evaluation(context, sql, statement);
    WEIR_ASSIGN_OR_RETURN(const auto outcome, evaluation.Run(table_url));
    if (outcome) return *outcome;
    other = evaluation.other();
  }
  return Status::Environment(StatusCode::kConflict,
                             "{} found other writers first {} times in a row at the table `{}`, at "
                             "last version {}{}",
                             ToString(statement.kind), kMaxEvaluations, statement.table.name,
                             other.version,
                             other.operation.empty() ? "" : fmt::format(" ({})", other.operation))
      .WithHint("the table is as the others left it; run the statement again");
}

}  // namespace weir
