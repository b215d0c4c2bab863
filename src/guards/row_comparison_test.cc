// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {
    "CREATE TABLE t(n INT, a INT, b INT) AS VALUES (1, 1, NULL), (2, NULL, 1), (3, 1, 2), (4, 2, "
    "1)"};

TEST(RowComparison, ANullThatDecidesIsUnknown) {
  ExpectGuarded({.guard = "row_comparison",
                 .tables = kTables,
                 .sql = "SELECT n FROM t WHERE (a, b) <> (1, 2)",
                 .rows = {"2|", "4|"}});
  ExpectGuarded({.guard = "row_comparison",
                 .tables = kTables,
                 .sql = "SELECT n, (a, b) = (1, 2) FROM t",
                 .rows = {"1|null|", "2|false|", "3|true|", "4|false|"}});
}

TEST(RowComparison, Orders) {
  ExpectGuarded({.guard = "row_comparison",
                 .tables = kTables,
                 .sql = "SELECT n FROM t WHERE (a, b) <= (1, 2)",
                 .rows = {"3|"}});
}

}  // namespace
}  // namespace weir
