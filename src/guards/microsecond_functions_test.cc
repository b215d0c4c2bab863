// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(MicrosecondFunctions, SecondsBeyondNanosecondsAreTheTimeThatTheyAre) {
  ExpectGuarded({.guard = "microsecond_functions",
                 .tables = {"CREATE TABLE t AS VALUES (253402214400.5), (-62135596800.0)"},
                 .sql = "SELECT replace(CAST(to_timestamp(CAST(column1 AS DOUBLE)) AS VARCHAR), "
                        "'Z', '') FROM t",
                 .rows = {"0001-01-01T00:00:00|", "9999-12-31T00:00:00.500|"}});
}

}  // namespace
}  // namespace weir
