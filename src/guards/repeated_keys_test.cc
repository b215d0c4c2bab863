// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {
    "CREATE TABLE t AS VALUES ('p', 1, 5), ('p', 2, 4), ('q', 3, 3), ('q', 3, 2)"};

TEST(RepeatedKeys, AKeyOfAnAggregateCountsOnce) {
  ExpectGuarded({.guard = "repeated_keys",
                 .tables = kTables,
                 .sql =
                     "SELECT column1, first_value(column2 ORDER BY column3, column2, column3) FROM "
                     "t GROUP BY column1",
                 .rows = {"p|2|", "q|3|"}});
}

TEST(RepeatedKeys, TheFirstOfTwoDirectionsDecides) {
  ExpectGuarded({.guard = "repeated_keys",
                 .tables = kTables,
                 .sql =
                     "SELECT column1, last_value(column3 ORDER BY column2 DESC, column2, column3) "
                     "FROM t GROUP BY column1",
                 .rows = {"p|5|", "q|3|"}});
}

TEST(RepeatedKeys, AKeyOfDistinctOnCountsOnce) {
  ExpectGuarded({.guard = "repeated_keys",
                 .tables = kTables,
                 .sql = "SELECT DISTINCT ON (column1, column1) column1, column3 FROM t ORDER BY "
                        "column1, column1, column3",
                 .rows = {"p|4|", "q|2|"}});
}

}  // namespace
}  // namespace weir
