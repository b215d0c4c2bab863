// SPDX-License-Identifier: Apache-2.0

#include "weir/base/temporary_folder_testing.h"
#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(NanPruning, StatisticsOfParquetDoNotHideNan) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "x.parquet").string();
  ExpectGuarded({.guard = "nan_pruning",
                 .tables = {"COPY (SELECT * FROM (VALUES (CAST(1.0 AS DOUBLE)), (CAST('NaN' AS "
                            "DOUBLE))) AS v(x)) TO '" +
                                file + "' STORED AS PARQUET",
                            "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '" + file + "'"},
                 .sql = "SELECT count(*) FROM t WHERE x > 2.0",
                 .rows = {"1|"},
                 .settings = {{"datafusion.execution.parquet.pushdown_filters", "true"}}});
}

}  // namespace
}  // namespace weir
