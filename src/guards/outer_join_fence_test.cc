// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {"CREATE TABLE l AS VALUES (1), (2), (3), (4), (5)",
                                          "CREATE TABLE r AS VALUES (2, 7), (4, 7), (6, 8)"};

TEST(OuterJoinFence, SortsByAColumnThatIsConstantBelowTheJoin) {
  ExpectGuarded(
      {.guard = "outer_join_fence",
       .tables = kTables,
       .sql = "SELECT l.column1, r.column2 FROM l LEFT JOIN (SELECT * FROM r WHERE column2 = 7) r "
              "ON l.column1 = r.column1 ORDER BY r.column2, l.column1 LIMIT 3",
       .rows = {"1|null|", "2|7|", "4|7|"}});
}

TEST(OuterJoinFence, AFullJoinFillsBothSides) {
  ExpectGuarded({.guard = "outer_join_fence",
                 .tables = kTables,
                 .sql =
                     "SELECT r.y, l.column1 FROM l FULL JOIN (SELECT 'a' AS y FROM r) r ON FALSE "
                     "ORDER BY r.y, l.column1 LIMIT 3",
                 .rows = {"a|null|", "a|null|", "a|null|"}});
}

TEST(OuterJoinFence, TotalsHaveNoKey) {
  ExpectGuarded({.guard = "outer_join_fence",
                 .tables = kTables,
                 .sql = "SELECT g, count(*) FROM (SELECT 'a' AS g FROM l) q GROUP BY CUBE (g) "
                        "ORDER BY g NULLS FIRST LIMIT 1",
                 .rows = {"null|5|"}});
}

}  // namespace
}  // namespace weir
