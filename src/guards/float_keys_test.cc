// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kZeros = {
    "CREATE TABLE t(n INT, x DOUBLE) AS VALUES (1, 0.0), (2, -0.0), (3, CAST('NaN' AS DOUBLE)), "
    "(4, 0.0 / -0.0)"};

TEST(FloatKeys, PartitionsHoldBothZeros) {
  ExpectGuarded({.guard = "float_keys",
                 .tables = kZeros,
                 .sql = "SELECT n, count(*) OVER (PARTITION BY x) FROM t",
                 .rows = {"1|2|", "2|2|", "3|2|", "4|2|"}});
}

TEST(FloatKeys, GroupsShowOneZero) {
  ExpectGuarded(
      {.guard = "float_keys",
       .tables = {"CREATE TABLE t(s STRUCT<x DOUBLE>) AS VALUES (named_struct('x', -0.0)), "
                  "(named_struct('x', 0.0))"},
       .sql = "SELECT CAST(s['x'] AS VARCHAR), n FROM (SELECT s, count(*) AS n FROM t GROUP BY s)",
       .rows = {"0.0|2|"}});
}

TEST(FloatKeys, SetsHoldBothZeros) {
  ExpectGuarded({.guard = "float_keys",
                 .tables = kZeros,
                 .sql = "SELECT n FROM t WHERE x IN (0.0, 1.0, 2.0, 3.0, 4.0)",
                 .rows = {"1|", "2|"}});
}

}  // namespace
}  // namespace weir
