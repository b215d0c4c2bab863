// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {
    "CREATE TABLE t(x DOUBLE, n INT) AS VALUES (1e300, 10), (-42.0, -400), "
    "(42.5, 400), (42.5, 0), (CAST('Infinity' AS DOUBLE), 2)"};

TEST(Rounding, PlacesBeyondTheRangeOfFloats) {
  for (const std::string function : {"round", "trunc"}) {
    ExpectGuarded(
        {.guard = "rounding",
         .tables = kTables,
         .sql = "SELECT n, " + function + "(x, n) = x, " + function + "(x, n) = 0.0 FROM t",
         .rows = {"-400|false|true|", "0|false|false|", "10|true|false|", "2|true|false|",
                  "400|true|false|"}});
  }
}

TEST(Rounding, OfConstants) {
  ExpectGuarded(
      {.guard = "rounding",
       .tables = {},
       .sql = "SELECT round(1e300, 10) = 1e300, round(42.0, -400) = 0.0, trunc(42.5, 400) = 42.5",
       .rows = {"true|true|true|"}});
}

}  // namespace
}  // namespace weir
