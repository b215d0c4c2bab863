// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kExtremes = {
    "CREATE TABLE t AS SELECT column1 AS n, CAST(column2 AS INT) AS i, CAST(column3 AS BIGINT) AS "
    "b, "
    "CAST(column4 AS DECIMAL(38, 0)) AS d FROM (VALUES (1, 100000, 9223372036854775807, "
    "'99999999999999999999999999999999999999'), (2, -2147483648, -9223372036854775807, '-1'))"};

/// Refused with a message that has `message` in it.
GuardCase Refused(const std::string& guard, const std::string& sql, const std::string& message) {
  return {.guard = guard, .tables = kExtremes, .sql = sql, .rows = {"error: " + message}};
}

TEST(Overflow, OperatorsOfColumns) {
  ExpectGuarded(Refused("overflow", "SELECT i * i FROM t WHERE n = 1",
                        "the result of `i * i` does not fit INT, found `100000 * 100000`"));
  ExpectGuarded(Refused("overflow", "SELECT b + 1 FROM t", "`b + 1` does not fit BIGINT"));
  ExpectGuarded(Refused("overflow", "SELECT b - 2 FROM t", "`b - 2` does not fit BIGINT"));
  ExpectGuarded(Refused("overflow", "SELECT -i FROM t", "does not fit INT"));
  ExpectGuarded(Refused("overflow", "SELECT n FROM t WHERE i * i < 0", "does not fit INT"));
}

TEST(Overflow, Constants) {
  ExpectGuarded(Refused("overflow", "SELECT 9223372036854775807 + 1",
                        "does not fit BIGINT, found `9223372036854775807 + 1`"));
  ExpectGuarded(Refused("overflow",
                        "SELECT CASE WHEN true THEN CAST(100000 AS INT) ELSE i END * "
                        "CAST(100000 AS INT) FROM t",
                        "does not fit INT"));
}

TEST(Overflow, DecimalsHaveTheDigitsOfTheirType) {
  ExpectGuarded(
      Refused("overflow", "SELECT d + d FROM t WHERE n = 1", "does not fit DECIMAL(38, 0)"));
}

TEST(Overflow, BitsAreShiftedByLessThanThereAre) {
  ExpectGuarded(Refused("overflow", "SELECT n << 64 FROM t", "can be shifted by 0 to 63"));
}

TEST(OverflowSum, WholeNumbers) {
  ExpectGuarded(Refused("overflow_sum",
                        "SELECT sum(b) FROM (SELECT b FROM t WHERE n = 1 UNION ALL SELECT 1)",
                        "does not fit BIGINT, found `9223372036854775808`"));
}

TEST(OverflowSum, FramesThatMove) {
  ExpectGuarded(Refused("overflow_sum",
                        "SELECT sum(b) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) "
                        "FROM (SELECT n, b FROM t WHERE n = 1 UNION ALL SELECT 2, 1)",
                        "does not fit BIGINT, found `9223372036854775808`"));
}

TEST(OverflowSum, Distinct) {
  ExpectGuarded(Refused("overflow_sum",
                        "SELECT sum(DISTINCT b), count(DISTINCT n) FROM (SELECT n, b FROM t WHERE "
                        "n = 1 UNION ALL SELECT 2, 1)",
                        "does not fit BIGINT, found `9223372036854775808`"));
}

TEST(OverflowSum, Decimals) {
  ExpectGuarded(Refused("overflow_sum",
                        "SELECT sum(d) FROM (SELECT d FROM t WHERE n = 1 UNION ALL SELECT d FROM t "
                        "WHERE n = 1)",
                        "does not fit DECIMAL(38, 0), found "
                        "`199999999999999999999999999999999999998`"));
}

}  // namespace
}  // namespace weir
