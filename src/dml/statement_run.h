// SPDX-License-Identifier: Apache-2.0
//
// Runs a statement that writes rows of a Delta table. In: the statement and the table's URL. Out:
// one commit, and what it did. The statement is evaluated once, over one version of its table;
// which rows change is known from their places in files, never from their values, so that equal
// rows are told apart. Where another writer came first and the statement did not see what it did,
// it is evaluated anew over the new version.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "weir/base/result.h"
#include "weir/dml/dml_statement.h"
#include "weir/engine/engine.h"
#include "weir/session/session_runtime.h"

namespace weir {

struct DmlOutcome {
  int64_t version = -1;  ///< of the table afterwards; as before where no row was to be changed
  int64_t rows_inserted = 0;
  int64_t rows_updated = 0;
  int64_t rows_deleted = 0;
  int64_t files_added = 0;
  int64_t files_removed = 0;
};

/// Where a statement runs.
struct DmlContext {
  const SessionRuntime& runtime;
  const engine::Cancellation& cancellation;
  std::string dialect;
  std::string scratch_folder;  ///< local; folders for what is changed are made in it
  /// Makes the tables known that a query names.
  std::function<Status(const std::string& sql)> register_named;
};

/// Fails with kConflict, naming both, where other writers kept being first; with the failure of the
/// query, the rule or the store otherwise. Then the table is as it was, and what was written for it
/// is removed.
Result<DmlOutcome> RunDml(const DmlContext& context, const std::string& sql,
                          const DmlStatement& statement, const std::string& table_url);

}  // namespace weir
