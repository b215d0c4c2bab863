// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {
    "CREATE TABLE t(g INT, x DOUBLE) AS VALUES (1, 1.0), (1, CAST('NaN' AS DOUBLE)), (1, 2.0), "
    "(2, CAST('-Infinity' AS DOUBLE)), (3, NULL)"};

TEST(FloatExtremes, GroupsTakeNanForTheGreatest) {
  ExpectGuarded({.guard = "float_extremes",
                 .tables = kTables,
                 .sql = "SELECT g, min(x), max(x) FROM t GROUP BY g",
                 .rows = {"1|1|nan|", "2|-inf|-inf|", "3|null|null|"}});
}

TEST(FloatExtremes, OfFloatsOfAnyWidth) {
  for (const std::string type : {"REAL", "DOUBLE"}) {
    ExpectGuarded({.guard = "float_extremes",
                   .tables = kTables,
                   .sql = "SELECT min(CAST(x AS " + type + ")) FROM t WHERE g = 1 GROUP BY g",
                   .rows = {"1|"}});
  }
}

TEST(FloatExtremes, ZerosByTheirSignsWhicheverCameFirst) {
  ExpectGuarded({.guard = "float_extremes",
                 .tables = {"CREATE TABLE z(g INT, x DOUBLE) AS VALUES (1, 0.0), (1, CAST('-0.0' "
                            "AS DOUBLE)), (2, CAST('-0.0' AS DOUBLE)), (2, 0.0)"},
                 .sql = "SELECT g, min(x), max(x) FROM z GROUP BY g",
                 .rows = {"1|-0|0|", "2|-0|0|"}});
}

}  // namespace
}  // namespace weir
