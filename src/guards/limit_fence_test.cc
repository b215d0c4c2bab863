// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(LimitFence, LimitTakesTheRowsThatItsOwnOrderPutsFirst) {
  ExpectGuarded(
      {.guard = "limit_fence",
       .tables = {"CREATE TABLE t AS VALUES (3), (-1), (2), (-5), (-3)"},
       .sql = "SELECT n FROM (SELECT column1 AS n FROM t ORDER BY column1 LIMIT 2) ORDER BY n > 0",
       .rows = {"-3|", "-5|"}});
}

}  // namespace
}  // namespace weir
