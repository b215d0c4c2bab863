// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(DistinctSums, ASumBesideADistinctCountKeepsItsType) {
  ExpectGuarded(
      {.guard = "distinct_sums",
       .tables = {"CREATE TABLE t(s VARCHAR, d DECIMAL(10, 2)) AS VALUES ('a', 1.5), ('b', 2.5)"},
       .sql = "SELECT arrow_typeof(d), d FROM (SELECT count(DISTINCT s) AS n, sum(d) AS d FROM t) "
              "AS q "
              "WHERE n > 1",
       .rows = {"Decimal128(20, 2)|4.00|"}});
}

}  // namespace
}  // namespace weir
