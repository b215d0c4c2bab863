// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kSpans = {
    "CREATE TABLE t(n INT, i INTERVAL, a TIMESTAMP, b TIMESTAMP) AS VALUES "
    "(1, INTERVAL '36 hours', TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-02 12:00:00'), "
    "(2, INTERVAL '1 day', TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-02')"};

TEST(IntervalOrder, WhatLiesBetweenTwoTimesHasALength) {
  ExpectGuarded({.guard = "interval_order",
                 .tables = kSpans,
                 .sql = "SELECT n FROM t WHERE b - a > INTERVAL '1 day'",
                 .rows = {"1|"}});
}

TEST(IntervalOrder, ColumnsAndConstantsToo) {
  ExpectGuarded({.guard = "interval_order",
                 .tables = kSpans,
                 .sql = "SELECT n, i > INTERVAL '1 day' FROM t",
                 .rows = {"1|true|", "2|false|"}});
  ExpectGuarded({.guard = "interval_order",
                 .sql = "SELECT INTERVAL '36 hours' > INTERVAL '1 day'",
                 .rows = {"true|"}});
}

TEST(IntervalOrder, RowsAreSortedByIt) {
  ExpectGuarded({.guard = "interval_order",
                 .tables = kSpans,
                 .sql = "SELECT n FROM t ORDER BY i DESC LIMIT 1",
                 .rows = {"1|"}});
}

}  // namespace
}  // namespace weir
