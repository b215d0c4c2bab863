// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {
    "CREATE TABLE t(i INT, b BOOLEAN) AS VALUES (1, TRUE), (2, FALSE), (3, TRUE), (5, NULL)"};

TEST(SetComparison, ColumnsOfOneNameStayApart) {
  ExpectGuarded({.guard = "set_comparison",
                 .tables = kTables,
                 .sql = "SELECT i FROM t WHERE i <> ALL (SELECT i FROM t WHERE b)",
                 .rows = {"2|", "5|"}});
  ExpectGuarded({.guard = "set_comparison",
                 .tables = kTables,
                 .sql = "SELECT i FROM t WHERE NOT i = ANY (SELECT i FROM t WHERE b)",
                 .rows = {"2|", "5|"}});
  ExpectGuarded({.guard = "set_comparison",
                 .tables = kTables,
                 .sql = "SELECT i FROM t WHERE i > ALL (SELECT i FROM t WHERE b)",
                 .rows = {"5|"}});
  ExpectGuarded({.guard = "set_comparison",
                 .tables = kTables,
                 .sql = "SELECT i FROM t WHERE NOT i > ANY (SELECT i FROM t WHERE b)",
                 .rows = {"1|"}});
}

}  // namespace
}  // namespace weir
