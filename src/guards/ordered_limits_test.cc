// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(OrderedLimits, RowsAreLeftOutByAnOrderThatTheGroupAboveDoesNotSee) {
  ExpectGuarded({.guard = "ordered_limits",
                 .tables = {"CREATE TABLE t AS VALUES (1, 4), (2, 3), (10, 2), (20, 1)"},
                 .sql = "SELECT sum(v) AS s FROM (SELECT column1 AS v FROM t "
                        "ORDER BY column2 OFFSET 2)",
                 .rows = {"3|"}});
}

TEST(OrderedLimits, AStructThatHoldsNullIsComparedAsItIsSorted) {
  ExpectGuarded({.guard = "ordered_limits",
                 .tables = {},
                 .sql = "SELECT value FROM (SELECT value, named_struct('a', CASE WHEN value > 7 "
                        "THEN value END) AS s FROM generate_series(0, 9)) ORDER BY s LIMIT 2",
                 .rows = {"8|", "9|"},
                 .settings = {{"datafusion.execution.batch_size", "2"}}});
}

}  // namespace
}  // namespace weir
