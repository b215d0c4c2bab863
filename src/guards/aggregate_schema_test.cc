// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(AggregateSchema, TestsOfTruthMayBeKeys) {
  ExpectGuarded({.guard = "aggregate_schema",
                 .tables = {"CREATE TABLE t AS VALUES (true), (false), (NULL)"},
                 .sql = "SELECT DISTINCT column1 IS TRUE FROM t",
                 .rows = {"false|", "true|"}});
}

TEST(AggregateSchema, SoMayACaseThatIsNeverNull) {
  ExpectGuarded(
      {.guard = "aggregate_schema",
       .tables = {"CREATE TABLE t AS VALUES (1, 2), (NULL, 3)"},
       .sql = "SELECT DISTINCT CASE WHEN column1 <> column2 THEN column1 ELSE 7 END FROM t",
       .rows = {"1|", "7|"}});
}

}  // namespace
}  // namespace weir
