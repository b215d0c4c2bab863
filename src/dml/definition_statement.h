// SPDX-License-Identifier: Apache-2.0
//
// The parts of a statement that makes a Delta table or changes what it is. In: its text and its
// dialect. Out: clauses, types as pieces of the text. Nothing is resolved here.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/dml/dml_statement.h"

namespace weir {

struct ColumnDeclaration {
  std::string name;
  SqlSlice type;
  bool nullable = true;
  std::string generation;  ///< the expression of a generated column, as written
  std::string comment;
};

struct CheckDeclaration {
  std::string name;
  std::string expression;  ///< as written
};

struct DefinitionStatement {
  enum class Kind { kCreate, kSetProperties, kUnsetProperties, kAddCheck, kDropCheck, kAddColumns };
  Kind kind = Kind::kCreate;
  StatementTable table;
  bool if_not_exists = false;  ///< of a CREATE; of a DROP or UNSET: IF EXISTS
  bool or_replace = false;
  std::vector<ColumnDeclaration> columns;  ///< of a CREATE or ADD COLUMNS
  std::vector<CheckDeclaration> checks;    ///< of a CREATE or ADD CONSTRAINT
  std::vector<std::string> partition_columns;
  std::string location;  ///< empty: the table's name is its path
  std::string comment;
  std::vector<std::pair<std::string, std::string>> properties;  ///< to be unset: without values
  SqlSlice query;                                               ///< after AS; may be empty
};

/// "CREATE TABLE", "ALTER TABLE".
std::string_view ToString(DefinitionStatement::Kind kind);

/// Reads CREATE TABLE … STORED AS DELTATABLE (or USING DELTA) and ALTER TABLE; nullopt for any
/// other statement. Fails with kInvalidArgument and the place where a clause is none that is known,
/// with kUnsupported where it is one that tables cannot be changed by.
Result<std::optional<DefinitionStatement>> ParseDefinition(const std::string& sql,
                                                           const SqlDialect& dialect);

}  // namespace weir
