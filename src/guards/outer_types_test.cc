// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

constexpr char kWholeNumbers[] = "CREATE TABLE t AS VALUES (CAST(1 AS BIGINT)), (2)";

TEST(OuterTypes, ValuesOfAUnionAreNotCutToTheTypeOfItsFirstBranch) {
  // Noted as INT, x became BIGINT beside a BIGINT: 2.5 was 2.
  const std::string from = " FROM (SELECT CAST(1 AS INT) AS x UNION ALL SELECT 2.5) u ";
  ExpectGuarded(
      {.guard = "outer_types",
       .tables = {kWholeNumbers},
       .sql = "SELECT u.x" + from + "WHERE EXISTS (SELECT 1 FROM t WHERE t.column1 = u.x)",
       .rows = {"1|"}});
  ExpectGuarded({.guard = "outer_types",
                 .tables = {kWholeNumbers},
                 .sql = "SELECT u.x, (SELECT count(*) FROM t WHERE t.column1 = u.x) AS n" + from,
                 .rows = {"1|1|", "2.5|0|"}});
  ExpectGuarded({.guard = "outer_types",
                 .tables = {kWholeNumbers},
                 .sql = "SELECT u.x, l.y" + from +
                        "CROSS JOIN LATERAL (SELECT t.column1 AS y FROM t WHERE t.column1 = u.x) l",
                 .rows = {"1|1|"}});
}

TEST(OuterTypes, ValuesOfACaseAreNotCutToTheTypeOfItsFirstBranch) {
  ExpectGuarded(
      {.guard = "outer_types",
       .tables = {kWholeNumbers},
       .sql = "SELECT u.x FROM (SELECT CASE WHEN column1 > 1 THEN CAST(1 AS INT) ELSE 2.5 END AS x "
              "FROM t) u WHERE EXISTS (SELECT 1 FROM t WHERE t.column1 = u.x)",
       .rows = {"1|"}});
}

TEST(OuterTypes, TypesThatCannotBeComparedAreSettled) {
  ExpectGuarded({.guard = "outer_types",
                 .tables = {"CREATE TABLE t AS VALUES (1), (2)"},
                 .sql = "SELECT u.x FROM (SELECT 1 AS x UNION ALL SELECT 2.5) u "
                        "WHERE EXISTS (SELECT 1 FROM t WHERE t.column1 = u.x)",
                 .rows = {"1|"}});
}

TEST(OuterTypes, QueriesWithinEachOtherAreSettledInTurn) {
  ExpectGuarded(
      {.guard = "outer_types",
       .tables = {kWholeNumbers},
       .sql = "SELECT u.x FROM (SELECT CAST(1 AS INT) AS x UNION ALL SELECT 2.5) u WHERE EXISTS "
              "(SELECT 1 FROM t WHERE t.column1 = u.x AND EXISTS "
              "(SELECT 1 FROM t w WHERE w.column1 = t.column1))",
       .rows = {"1|"}});
}

}  // namespace
}  // namespace weir
