// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(PercentileStates, RowsThatAreGroupsOfTheirOwnKeepTheirPercentiles) {
  ExpectGuarded(
      {.guard = "percentile_states",
       .tables = {},
       .sql = "SELECT count(*) AS n, sum(p) AS s FROM (SELECT k, percentile_cont(0.5) "
              "WITHIN GROUP (ORDER BY x) AS p FROM (SELECT value % 3000 AS k, "
              "CAST(value AS DOUBLE) AS x FROM generate_series(0, 5999)) GROUP BY k)",
       // The middle of k and k + 3000, over all k.
       .rows = {"3000|8998500|"},
       .settings = {
           {"datafusion.execution.target_partitions", "3"},
           {"datafusion.execution.batch_size", "100"},
           {"datafusion.execution.skip_partial_aggregation_probe_rows_threshold", "10"},
           {"datafusion.execution.skip_partial_aggregation_probe_ratio_threshold", "0.1"}}});
}

}  // namespace
}  // namespace weir
