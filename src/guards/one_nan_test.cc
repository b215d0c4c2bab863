// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(OneNan, WhatIsComputedIsAboveAllNumbers) {
  ExpectGuarded(
      {.guard = "one_nan",
       .tables = {"CREATE TABLE t(x DOUBLE) AS VALUES (CAST('Infinity' AS DOUBLE)), (1.0)"},
       .sql = "SELECT x - x > 2.0 FROM t",
       .rows = {"false|", "true|"}});
}

}  // namespace
}  // namespace weir
