// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(CastUnwrapping, CastsThatLoseDigitsStayOnTheirColumn) {
  ExpectGuarded({.guard = "cast_unwrapping",
                 .tables = {"CREATE TABLE t(d DECIMAL(10,2)) AS VALUES (1.10), (2.00)"},
                 .sql = "SELECT d FROM t WHERE CAST(d AS INT) = 1",
                 .rows = {"1.10|"}});
}

TEST(CastUnwrapping, CastsToFewerBitsAreNullForWhatDoesNotFit) {
  ExpectGuarded({.guard = "cast_unwrapping",
                 .tables = {"CREATE TABLE t(i BIGINT) AS VALUES (3000000000), (7)"},
                 .sql = "SELECT i FROM t WHERE TRY_CAST(i AS INT) <> 5",
                 .rows = {"7|"}});
}

TEST(CastUnwrapping, FractionsOfMicrosecondsAreNotCutOff) {
  ExpectGuarded(
      {.guard = "cast_unwrapping",
       .tables = {"CREATE TABLE t(n INT, x VARCHAR) AS VALUES (1, '2024-01-02T03:04:05.000001'), "
                  "(2, '2024-01-02T03:04:05.000002')"},
       .sql =
           "SELECT n FROM (SELECT n, arrow_cast(x, 'Timestamp(Microsecond, None)') AS ts FROM t) "
           "WHERE arrow_cast(ts, 'Timestamp(Nanosecond, None)') < "
           "arrow_cast('2024-01-02T03:04:05.000001500', 'Timestamp(Nanosecond, None)')",
       .rows = {"1|"}});
}

}  // namespace
}  // namespace weir
