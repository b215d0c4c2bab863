// SPDX-License-Identifier: Apache-2.0

#include "weir/base/temporary_folder_testing.h"
#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

/// The fault shows where the engine knows bounds of the columns.
GuardCase OverParquet(const TemporaryFolder& folder, std::string sql,
                      std::vector<std::string> rows) {
  const std::string file = (folder.path() / "t.parquet").string();
  return {.guard = "date_differences",
          .tables = {"COPY (SELECT * FROM (VALUES (DATE '2024-03-01', DATE '2024-02-28'), (DATE "
                     "'2024-01-01', DATE '2024-01-01'), (DATE '2023-12-31', DATE '2024-01-01'), "
                     "(NULL, DATE '2024-01-01')) AS v(a, b)) TO '" +
                         file + "' STORED AS PARQUET",
                     "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '" + file + "'"},
          .sql = std::move(sql),
          .rows = std::move(rows)};
}

TEST(DateDifferences, AreNumbersThatMayBeCompared) {
  const TemporaryFolder folder;
  ExpectGuarded(OverParquet(folder, "SELECT a - b FROM t WHERE a - b > 0", {"2|"}));
}

TEST(DateDifferences, AlsoWithEachOther) {
  const TemporaryFolder folder;
  ExpectGuarded(
      OverParquet(folder, "SELECT a FROM t WHERE a - b <= b - a", {"2023-12-31|", "2024-01-01|"}));
}

}  // namespace
}  // namespace weir
