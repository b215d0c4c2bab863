// SPDX-License-Identifier: Apache-2.0
//
// What the commands sql and test ask queries of: a session in which tables appear when a query
// names them. Sources, stored views as they were last built, and Weir's own artifacts.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/artifacts/published_sets.h"
#include "weir/base/diagnostic.h"
#include "weir/cli/command.h"
#include "weir/dml/definition_statement.h"
#include "weir/dml/dml_statement.h"
#include "weir/engine/engine.h"

namespace weir::cli {

/// The versions of stored views that queries read, where they name none themselves.
struct ViewVersions {
  enum class Kind {
    kNewest,     ///< what is there
    kPublished,  ///< the last published set; what is there where no set is published yet
    kOfRun,      ///< the set of a run
  };
  Kind kind = Kind::kNewest;
  std::string run_id;  ///< of kOfRun
};

class QuerySession {
 public:
  /// Whether a query may name tables by path (`FROM 'data/*.csv'`), and be asked where no project
  /// is: then of a project without sources, views and settings.
  enum class Paths { kRefused, kRead };

  /// Fails where there is no project or no session can be opened. A query may be asked of a project
  /// with broken views: only what the query names must work.
  /// Fails with kNotFound where the run that `versions` names is none.
  static Result<QuerySession> Open(const GlobalOptions& options, Paths paths = Paths::kRefused,
                                   const ViewVersions& versions = {});

  /// False where queries are asked without a project.
  bool has_project() const { return has_project_; }

  const ProjectDefinition& project() const { return project_; }
  /// REQUIRES: broken_settings() is empty
  const SessionRuntime& runtime() const { return *runtime_; }
  /// What is wrong with the project's files and sources.
  const Diagnostics& diagnostics() const { return diagnostics_; }
  /// Errors in weir.toml: with any of them the session has no engine, and nothing may be asked of
  /// it.
  const Diagnostics& broken_settings() const { return broken_settings_; }

  /// Names that a query may use, for completion and hints.
  std::vector<std::string> TableNames() const;

  /// Runs a query.
  Result<std::shared_ptr<arrow::RecordBatchReader>> Execute(
      const std::string& sql, const std::string& dialect, const engine::Cancellation& cancellation);

  /// Runs a statement of any kind that the profile allows.
  Result<std::shared_ptr<arrow::RecordBatchReader>> ExecuteAllowed(
      const std::string& sql, const std::string& dialect, const engine::Cancellation& cancellation);

  /// Runs a statement that the profile allows, and writes its rows as one Parquet file; returns how
  /// many.
  Result<int64_t> WriteParquet(const std::string& sql, const std::string& dialect,
                               const std::string& file, const engine::Cancellation& cancellation);

  /// A failure of what Execute returned, in the words of the project.
  Status ExplainRunning(const Status& status) const;

  /// The query's optimised plan as SQL of the dialect `to`.
  Result<std::string> Write(const std::string& sql, const std::string& dialect,
                            const std::string& to);

 private:
  Result<engine::Plan> PlanQuery(const std::string& sql, const std::string& dialect);
  using Rows = std::optional<std::shared_ptr<arrow::RecordBatchReader>>;
  /// Runs a statement that writes a Delta table, makes one or alters one; nullopt if it does not.
  Result<Rows> WriteRowsOf(const std::string& sql, const std::string& dialect,
                           const engine::Cancellation& cancellation);
  /// The URL of a table that is to be made.
  Result<std::string> PlaceOfNew(const DefinitionStatement& statement) const;
  /// The Delta table that a statement may write, as a URL; nullopt for one of the session.
  Result<std::optional<std::string>> WritableTable(const StatementTable& table) const;
  Result<std::shared_ptr<arrow::RecordBatchReader>> DefineFunction(const std::string& sql,
                                                                   const std::string& dialect);
  /// Makes the store known that a COPY … TO writes to.
  Status OpenTarget(const std::string& sql, const std::string& dialect) const;
  /// The statement with names of their own for tables at a version, which are registered.
  Result<std::string> TakeVersionedTables(const std::string& sql, const std::string& dialect) const;
  Status RegisterNamed(const std::string& sql, const std::string& dialect);
  Status Register(const std::string& name);
  /// Registers the table at a path. `sql`: the statement that names it.
  Status RegisterPath(const std::string& path, const std::string& sql, const std::string& dialect);
  bool IsKnown(const std::string& name) const;
  /// `schema` may be empty. `missing`: what to do where there is no table.
  Status RegisterDelta(const std::string& schema, const std::string& table, const std::string& url,
                       const std::function<std::string()>& missing);
  Status RegisterInline(const ViewDefinition& view);
  /// Registers a stored view at the version that the session reads.
  Status RegisterStored(const std::string& view);
  /// At its newest version.
  Status RegisterNewest(const std::string& view);
  Status RegisterPublished(const std::string& view, const std::string& warehouse_url,
                           const PublishedSet& set);
  /// Reads the set that the session reads, once: all its queries read the same.
  Status LoadSet();
  Status NotPublished(const std::string& view) const;
  Status Explain(const Status& status, const std::string& sql) const;

  ProjectDefinition project_;
  std::unique_ptr<SessionRuntime> runtime_;
  Diagnostics diagnostics_;
  Diagnostics broken_settings_;
  std::set<std::string> registered_;
  std::optional<DeferTarget> defer_to_;  ///< where stored views are read that are not built here
  Paths paths_ = Paths::kRefused;
  bool has_project_ = true;
  ViewVersions versions_;
  bool set_is_loaded_ = false;
  std::optional<PublishedSet> set_;
  std::optional<PublishedSet> set_elsewhere_;  ///< in the warehouse of defer_to_
};

}  // namespace weir::cli
