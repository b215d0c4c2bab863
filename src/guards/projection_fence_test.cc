// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kMixed = {
    "CREATE TABLE t(kind VARCHAR, s VARCHAR, n INT, m INT) AS VALUES ('number', '7', 2, 1), "
    "('text', 'x', 0, 1)"};

TEST(ProjectionFence, FiltersComeBeforeCasts) {
  ExpectGuarded({.guard = "projection_fence",
                 .tables = kMixed,
                 .sql = "SELECT kind, CAST(s AS INT) + n AS v FROM t WHERE kind = 'number'",
                 .rows = {"number|9|"}});
}

TEST(ProjectionFence, LimitsComeBeforeDivisions) {
  ExpectGuarded({.guard = "projection_fence",
                 .tables = kMixed,
                 .sql = "SELECT kind, 10 / n + m AS v FROM (SELECT * FROM t ORDER BY kind LIMIT 1)",
                 .rows = {"number|6|"}});
}

}  // namespace
}  // namespace weir
