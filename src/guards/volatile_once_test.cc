// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(VolatileOnce, FieldsOfAStructAreThoseOfTheStruct) {
  ExpectGuarded({.guard = "volatile_once",
                 .tables = {"CREATE TABLE t AS VALUES (1), (2), (3), (4), (5)"},
                 .sql = "SELECT count(*) FROM (SELECT s, s['a'] AS field FROM (SELECT "
                        "named_struct('a', random()) AS s FROM t)) "
                        "WHERE s['a'] = field",
                 .rows = {"5|"}});
}

TEST(VolatileOnce, BetweenLooksAtOneValue) {
  ExpectGuarded(
      {.guard = "volatile_once",
       .tables = {"CREATE TABLE t AS SELECT value FROM generate_series(1, 2000)"},
       // One draw leaves about 200 rows, two draws leave about 600.
       .sql = "SELECT count(*) BETWEEN 100 AND 400 FROM t WHERE random() BETWEEN 0.45 AND 0.55",
       .rows = {"true|"}});
}

}  // namespace
}  // namespace weir
