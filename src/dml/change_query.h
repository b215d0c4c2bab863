// SPDX-License-Identifier: Apache-2.0
//
// The query behind an UPDATE, DELETE or MERGE: which rows of its table change, and to what. In: the
// statement and the table's columns. Out: a query whose rows are the changes.
//
// A change is a row (weir_file, weir_row, weir_action, weir_c0 …): the place of the row that is
// changed (NULL for a new one), the number of the action of the statement, from 1 on, and the
// values that actions give to columns of the table, in the order of `assigned`.

#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/dml/composed_sql.h"
#include "weir/dml/dml_statement.h"
#include "weir/dml/write_target.h"

namespace weir {

/// The table of a statement with the places of its rows, as the session knows it, and their
/// columns.
inline constexpr const char* kPlacedTable = "__weir_target";
inline constexpr const char* kFileColumn = "__weir_file";
inline constexpr const char* kRowColumn = "__weir_row";

struct ChangeQuery {
  ComposedSql sql;
  std::shared_ptr<arrow::Schema> schema;  ///< of the changes
  std::vector<int> assigned;              ///< columns of the table that have a weir_c
  /// By action, from 0 on: the columns that it gives values to.
  std::vector<std::set<int>> columns_of_action;
};

/// Names of the columns of the source of a MERGE.
using SourceColumns = std::function<Result<std::vector<std::string>>()>;

/// Fails with kInvalidArgument or kPlanFailed, with the place, where an action names a column that
/// the table does not have, or gives values to one twice or to a generated one.
Result<ChangeQuery> ComposeChanges(const std::string& sql, const SqlDialect& dialect,
                                   const DmlStatement& statement, const WriteTarget& target,
                                   const SourceColumns& source_columns);

}  // namespace weir
