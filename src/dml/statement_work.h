// SPDX-License-Identifier: Apache-2.0
//
// What the parts of a statement share while it is evaluated over one version of its table. In: the
// statement, the table's URL. Out: files that no commit names yet, and the commit to be made of
// them. What was written goes away with the object unless somebody kept it.

#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/delta/table_change.h"
#include "weir/dml/composed_sql.h"
#include "weir/dml/row_rules.h"
#include "weir/dml/statement_run.h"
#include "weir/dml/write_target.h"

namespace weir {

/// The dialect of queries of ours.
inline constexpr const char* kGeneric = "generic";
/// The changes of a statement, as ComposeChanges has them, known to the session.
inline constexpr const char* kChangesTable = "__weir_changes";

/// Belongs to one thread.
struct StatementWork {
  StatementWork(const DmlContext& in, const std::string& text, const DmlStatement& parsed)
      : context(in), engine(in.runtime.engine()), sql(text), statement(parsed) {}
  ~StatementWork();
  StatementWork(const StatementWork&) = delete;
  StatementWork& operator=(const StatementWork&) = delete;

  /// Opens the table at its latest version.
  Status Open(const std::string& url);

  /// Makes the statement's own table known, at the version that it reads, to whatever names it.
  Status RegisterTarget();
  /// Makes known what a query names; the table of the statement is the one at its version.
  Status RegisterNamed(const ComposedSql& query);
  /// Registers `rows`, which have the table's columns, as `name`, with the values of the generated
  /// columns `computed`. `further`: one more column that goes with them; may be empty.
  Status RegisterComputed(engine::Plan rows, const std::set<std::string>& computed,
                          const std::string& further, const std::string& name);
  /// Runs a plan, which reads so many bytes, and writes its rows; the sieve may refuse them.
  Result<engine::WriteOutcome> Write(const engine::Plan& plan, const engine::WriteOptions& options,
                                     const std::shared_ptr<arrow::Schema>& schema, int64_t bytes,
                                     engine::BatchSieve sieve) const;
  /// The rows of a query of ours.
  Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> Rows(const std::string& query) const;
  /// The one number of a query.
  Result<int64_t> Number(const std::string& query) const;
  /// Refuses rows that break a rule of the table.
  engine::BatchSieve RuleSieve() const;
  /// The names of the columns of the table, as a query lists them.
  std::string ColumnList(const std::string& qualifier = {}) const;

  const DmlContext& context;
  const engine::Session& engine;
  const std::string& sql;
  const DmlStatement& statement;
  WriteTarget target;
  RowRules rules;
  engine::Table placed;  ///< the table with the places of its rows
  TableChange change;
  DmlOutcome outcome;
  std::vector<DataFile> written;  ///< all files, to be removed again without a commit
  bool kept = false;              ///< what was written is the table's, or may come to be
};

int64_t TotalBytes(const std::vector<DataFile>& files);

}  // namespace weir
