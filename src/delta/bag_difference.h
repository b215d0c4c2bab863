// SPDX-License-Identifier: Apache-2.0
//
// What two tables differ in, as SQL of ours. In: the names of two tables that a session knows, and
// columns that both have. Out: queries for the rows that are in one of them more often than in the
// other, without EXCEPT ALL, which the engine answers as an anti join.

#pragma once

#include <string>
#include <vector>

namespace weir {

/// Tables as SQL names them; the same columns of both are compared.
struct ComparedTables {
  std::string before;
  std::string after;
  std::vector<std::string> columns;  ///< at least one; as the tables have them
};

/// A hash of the values of columns of `table`, which may be empty. Unlike the engine's GROUP BY it
/// knows both zeros and takes maps; NULL and every text differ. Never NULL.
std::string RowHashSql(const std::vector<std::string>& columns, const std::string& table);

/// CTEs without the word WITH: `weir_d`, one row a kind of row that there is more often on one
/// side, with its hash `weir_h` and how many more `after` has of it, `weir_n`, below 0 if fewer.
std::string DifferenceCte(const ComparedTables& tables);

/// The rows that go and those that come, as often as they do: the compared columns and
/// `_change_type`, "delete" or "insert". `most`: of each type, chosen by their hash; below 0: all.
std::string DifferenceQuery(const ComparedTables& tables, int64_t most = -1);

}  // namespace weir
