// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/statement_run.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "weir/base/clock.h"
#include "weir/delta/delta_commit.h"
#include "weir/dml/change_query.h"
#include "weir/dml/changed_rows.h"
#include "weir/dml/inserted_rows.h"
#include "weir/dml/statement_work.h"

namespace weir {

namespace {

/// Evaluations of one statement before other writers are reported.
constexpr int kMaxEvaluations = 30;
/// How long a statement waits at most before it is evaluated anew, at first and at last: who was
/// beaten several times gives the others time to end.
constexpr int kFirstWaitMs = 20;
constexpr int kLastWaitMs = 2000;

void WaitBefore(int evaluation) {
  if (evaluation == 0) return;
  const int most = std::min(kLastWaitMs, kFirstWaitMs << std::min(evaluation - 1, 10));
  std::random_device random;
  std::this_thread::sleep_for(std::chrono::milliseconds(random() % static_cast<unsigned>(most)));
}

/// One evaluation of a statement over one version of its table.
class Evaluation {
 public:
  Evaluation(const DmlContext& context, const std::string& sql, const DmlStatement& statement)
      : work_(context, sql, statement), inserted_(work_) {}

  /// nullopt where another writer was first, which `other()` names.
  Result<std::optional<DmlOutcome>> Run(const std::string& url) {
    WEIR_RETURN_NOT_OK(work_.Open(url));
    WEIR_RETURN_NOT_OK(CheckAppendOnly());
    work_.change.operation = OperationName();
    WEIR_RETURN_NOT_OK(Evaluate());
    work_.outcome.files_added = static_cast<int64_t>(work_.change.added.size());
    work_.outcome.files_removed = static_cast<int64_t>(work_.change.removed.size());
    if (work_.change.added.empty() && work_.change.removed.empty())
      return std::optional(work_.outcome);
    return Commit();
  }

  const ForeignCommit& other() const { return other_; }

 private:
  using Kind = DmlStatement::Kind;

  std::string OperationName() const {
    switch (work_.statement.kind) {
      case Kind::kInsert:
      case Kind::kOverwrite:
      case Kind::kReplaceWhere:
        return "WRITE";
      default:
        return std::string(ToString(work_.statement.kind));
    }
  }

  Status CheckAppendOnly() const {
    if (!work_.target.is_append_only() || work_.statement.kind == Kind::kInsert)
      return Status::OK();
    return Status::User(StatusCode::kUnsupported,
                        "rows of the table `{}` may only be added (`delta.appendOnly`), found {}",
                        work_.target.name, ToString(work_.statement.kind));
  }

  Status Evaluate() {
    const DmlStatement& statement = work_.statement;
    if (statement.kind == Kind::kInsert) return inserted_.Write();
    WEIR_ASSIGN_OR_RETURN(auto files, work_.target.snapshot.files());
    for (const DataFile& file : files) {
      if (file.has_deletion_vector && file.deletion_vector.storage_type.empty())
        return Status::Bug("the deletion vector of a file is not known: `{}`", file.path);
    }
    const bool is_whole = statement.condition.empty() &&
                          (statement.kind == Kind::kDelete || statement.kind == Kind::kTruncate ||
                           statement.kind == Kind::kOverwrite);
    if (is_whole) {
      WEIR_ASSIGN_OR_RETURN(work_.outcome.rows_deleted, RowCount(files));
      work_.change.removed = std::move(files);
      return statement.kind == Kind::kOverwrite ? inserted_.Write() : Status::OK();
    }
    ChangedRows changed(work_, std::move(files));
    WEIR_RETURN_NOT_OK(changed.Find());
    if (statement.kind == Kind::kReplaceWhere) WEIR_RETURN_NOT_OK(inserted_.Write());
    return changed.Write(inserted_.files());
  }

  /// All rows of the table.
  Result<int64_t> RowCount(const std::vector<DataFile>& files) {
    int64_t rows = 0;
    for (const DataFile& file : files) {
      if (file.rows < 0) {
        WEIR_RETURN_NOT_OK(work_.engine.RegisterTable(kPlacedTable, work_.target.table));
        return work_.Number(fmt::format("SELECT count(*) FROM {}", kPlacedTable));
      }
      rows += file.rows - file.deletion_vector.cardinality;
    }
    return rows;
  }

  Result<std::optional<DmlOutcome>> Commit() {
    const bool is_append = work_.statement.kind == Kind::kInsert;
    work_.change.is_blind_append =
        is_append && !inserted_.reads_itself() && work_.change.head.empty();
    if (OperationName() == "WRITE")
      work_.change.parameters = {{"mode", is_append ? "Append" : "Overwrite"}};
    if (!work_.statement.condition.empty())
      work_.change.parameters.emplace_back("predicate",
                                           std::string(work_.statement.condition.In(work_.sql)));
    work_.change.metrics = {{"numFiles", work_.outcome.files_added},
                            {"numAddedFiles", work_.outcome.files_added},
                            {"numRemovedFiles", work_.outcome.files_removed},
                            {"numOutputRows", work_.outcome.rows_inserted},
                            {"numInsertedRows", work_.outcome.rows_inserted},
                            {"numUpdatedRows", work_.outcome.rows_updated},
                            {"numDeletedRows", work_.outcome.rows_deleted}};
    work_.change.timestamp_ms = SystemClock().Now() / 1000;
    const auto committed = CommitChange(work_.engine, work_.change);
    work_.kept = !committed.ok() && MayStillArrive(committed.status(), work_.target.url);
    WEIR_ASSIGN_OR_RETURN(const ChangeOutcome made, committed);
    if (made.other) {
      other_ = *made.other;
      return std::optional<DmlOutcome>();
    }
    work_.kept = true;
    WEIR_RETURN_NOT_OK(made.durable);
    work_.outcome.version = made.version;
    return std::optional(work_.outcome);
  }

  StatementWork work_;
  InsertedRows inserted_;
  ForeignCommit other_;
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
