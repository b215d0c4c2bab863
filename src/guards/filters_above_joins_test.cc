// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {
    "CREATE TABLE t(id INT, s VARCHAR) AS VALUES (1, '7'), (2, 'x'), (3, '3')",
    "CREATE TABLE numbers(id INT) AS VALUES (1), (3)"};

TEST(FiltersAboveJoins, JoinsComeBeforeCasts) {
  ExpectGuarded(
      {.guard = "filters_above_joins",
       .tables = kTables,
       .sql = "SELECT t.id FROM t JOIN numbers ON t.id = numbers.id WHERE CAST(t.s AS INT) > 5",
       .rows = {"1|"}});
}

TEST(FiltersAboveJoins, ConditionsOfAJoinComeBehindItsKeys) {
  ExpectGuarded({.guard = "filters_above_joins",
                 .tables = kTables,
                 .sql = "SELECT numbers.id, t.s FROM numbers LEFT JOIN t ON t.id = numbers.id AND "
                        "CAST(t.s AS INT) > 5",
                 .rows = {"1|7|", "3|null|"}});
}

}  // namespace
}  // namespace weir
