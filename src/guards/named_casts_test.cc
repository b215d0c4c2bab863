// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {"CREATE TABLE t AS VALUES (1), (2), (10)"};

TEST(NamedCasts, AggregatesMayDifferByACast) {
  ExpectGuarded({.guard = "named_casts",
                 .tables = kTables,
                 .sql = "SELECT max(column1) AS n, max(CAST(column1 AS VARCHAR)) AS s FROM t",
                 .rows = {"10|2|"}});
}

TEST(NamedCasts, SoMayKeys) {
  ExpectGuarded({.guard = "named_casts",
                 .tables = kTables,
                 .sql = "SELECT column1 AS n, CAST(column1 AS VARCHAR) AS s, count(*) AS c FROM t "
                        "GROUP BY column1, CAST(column1 AS VARCHAR)",
                 .rows = {"10|10|1|", "1|1|1|", "2|2|1|"}});
}

TEST(NamedCasts, WhatHasOneNameForOtherReasonsIsRefusedAsBefore) {
  const GuardCase same = {.guard = "named_casts",
                          .tables = kTables,
                          .sql = "SELECT column1, column1 FROM t",
                          .rows = {}};
  const std::vector<std::string> rows = RowsOf(same, {});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_NE(rows[0].find("unique expression names"), std::string::npos) << rows[0];
}

}  // namespace
}  // namespace weir
