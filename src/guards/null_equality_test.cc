// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {
    "CREATE TABLE a(x INT, y INT) AS VALUES (1, NULL), (2, 5), (NULL, 6)",
    "CREATE TABLE b(x INT, y INT) AS VALUES (1, NULL), (2, 5), (NULL, 6)",
    "CREATE TABLE c(y INT) AS VALUES (NULL), (5)"};

TEST(NullEquality, FiltersAboveAJoinAreNoKeysOfIts) {
  ExpectGuarded(
      {.guard = "null_equality",
       .tables = kTables,
       .sql = "SELECT a.x, b.y FROM a JOIN b ON a.x IS NOT DISTINCT FROM b.x WHERE a.y = b.y",
       .rows = {"2|5|", "null|6|"}});
}

TEST(NullEquality, JoinsBesideEachOtherKeepTheirKeys) {
  ExpectGuarded(
      {.guard = "null_equality",
       .tables = kTables,
       .sql = "SELECT a.x, c.y FROM c JOIN a ON c.y = a.y JOIN b ON a.x IS NOT DISTINCT FROM b.x",
       .rows = {"2|5|"}});
}

}  // namespace
}  // namespace weir
