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

TEST(OneNan, SoItIsForAggregatesAndLists) {
  const std::vector<std::string> zero = {"CREATE TABLE t(x DOUBLE) AS VALUES (0.0), (0.25)"};
  ExpectGuarded({.guard = "one_nan",
                 .tables = zero,
                 .sql = "SELECT max(x / x) > 1.0 FROM t",
                 .rows = {"true|"}});
  ExpectGuarded({.guard = "one_nan",
                 .tables = zero,
                 .sql = "SELECT array_max([x / x, 5.0]) > 5.0 FROM t",
                 .rows = {"false|", "true|"}});
}

TEST(OneNan, ConstantsAreFoldedSo) {
  ExpectGuarded({.guard = "one_nan", .sql = "SELECT 0.0 / 0.0 > 1.0", .rows = {"true|"}});
}

TEST(OneNan, ANanWithASignIsNoLess) {
  ExpectGuarded({.guard = "one_nan",
                 .tables = {"CREATE TABLE t(x DOUBLE) AS VALUES (1.0), (CAST('NaN' AS DOUBLE))"},
                 .sql = "SELECT min(-x) FROM t",
                 .rows = {"-1|"}});
}

}  // namespace
}  // namespace weir
