// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kGaps = {
    "CREATE TABLE t(id INT, v INT) AS VALUES (1, 10), (2, 20), (3, 30), (4, 40), (5, NULL), (6, "
    "NULL), (7, 70), (8, 80)"};

TEST(IgnoredNulls, LeadLooksBeyondGaps) {
  ExpectGuarded(
      {.guard = "ignored_nulls",
       .tables = kGaps,
       .sql = "SELECT id, lead(v, 2) IGNORE NULLS OVER (ORDER BY id) FROM t",
       .rows = {"1|30|", "2|40|", "3|70|", "4|80|", "5|80|", "6|80|", "7|null|", "8|null|"}});
}

TEST(IgnoredNulls, LimitsDoNotCutOffWhatIsLookedAt) {
  ExpectGuarded(
      {.guard = "ignored_nulls",
       .tables = {"CREATE TABLE t(id INT, v INT) AS VALUES (1, 10), (2, NULL), (3, NULL), (4, 40)"},
       .sql =
           "SELECT id, lead(v) IGNORE NULLS OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND "
           "CURRENT ROW) FROM t ORDER BY id LIMIT 1",
       .rows = {"1|40|"}});
}

}  // namespace
}  // namespace weir
