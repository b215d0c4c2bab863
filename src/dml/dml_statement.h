// SPDX-License-Identifier: Apache-2.0
//
// The parts of a statement that writes rows. In: its text and its dialect. Out: the table that it
// writes, and its clauses as pieces of the text, which the engine plans later. Nothing is resolved
// here.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/project/dialect.h"

namespace weir {

/// A piece of a statement's text, in bytes.
struct SqlSlice {
  size_t begin = 0;
  size_t end = 0;

  bool empty() const { return begin == end; }
  std::string_view In(std::string_view sql) const { return sql.substr(begin, end - begin); }
};

/// A table as a statement names it.
struct StatementTable {
  std::string name;     ///< "events", "a.b", or a path that stood in quotes
  bool quoted = false;  ///< it stood in quotes, hence may be a path
  std::string alias;    ///< as columns are qualified; without an alias the last part of the name
};

struct Assignment {
  std::string column;  ///< of the table
  SqlSlice column_text;
  SqlSlice value;
};

/// What is done with a row that a MERGE has found, or with the rows of an UPDATE or DELETE.
struct RowAction {
  enum class Kind { kDelete, kUpdate, kInsert };
  enum class Rows {
    kMatched,
    kNotMatched,          ///< rows of the source without one in the table
    kNotMatchedBySource,  ///< rows of the table without one in the source
  };
  Kind kind = Kind::kDelete;
  Rows rows = Rows::kMatched;
  SqlSlice condition;  ///< empty: always
  /// Of an update or insert. With `all`: every column of the table that is no generated one, from
  /// the source's column of that name.
  std::vector<Assignment> assignments;
  bool all = false;
};

struct DmlStatement {
  enum class Kind { kInsert, kOverwrite, kReplaceWhere, kUpdate, kDelete, kMerge, kTruncate };
  Kind kind = Kind::kInsert;
  StatementTable table;
  /// Of an INSERT: the columns of the query, by position; empty: all that are not generated.
  std::vector<std::string> columns;
  SqlSlice query;  ///< of an INSERT
  /// Of an INSERT: the query's columns are those of the table by their names; others are NULL.
  bool by_name = false;
  /// Of an INSERT: columns of the query that the table does not have become the table's.
  bool evolves = false;
  /// Of an UPDATE, DELETE, MERGE (its ON) or INSERT … REPLACE WHERE; empty: all rows.
  SqlSlice condition;
  SqlSlice source;                 ///< of a MERGE: what stands after USING, its alias included
  std::string source_alias;        ///< as its columns are qualified
  std::vector<RowAction> actions;  ///< of a MERGE, UPDATE or DELETE, in their order
};

/// "INSERT", "INSERT OVERWRITE", "UPDATE" …
std::string_view ToString(DmlStatement::Kind kind);

/// Reads INSERT, UPDATE, DELETE, MERGE and TRUNCATE; nullopt for any other statement. Fails with
/// kInvalidArgument and the place where a clause is none that is known.
Result<std::optional<DmlStatement>> ParseDml(const std::string& sql, const SqlDialect& dialect);

}  // namespace weir
