// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(DurationParts, AreWhatIsLeftBesideTheLargerOnes) {
  ExpectGuarded({.guard = "duration_parts",
                 .tables = {"CREATE TABLE t(a TIMESTAMP, b TIMESTAMP) AS VALUES "
                            "(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-02 12:30:15')"},
                 .sql = "SELECT extract(day FROM b - a), extract(hour FROM b - a), "
                        "extract(minute FROM b - a) FROM t",
                 .rows = {"1|12|30|"}});
}

}  // namespace
}  // namespace weir
