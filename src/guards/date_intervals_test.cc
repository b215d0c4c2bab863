// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kDates = {
    "CREATE TABLE t(d DATE, i INTERVAL) AS VALUES (DATE '2024-01-31', INTERVAL '1 hour')"};

TEST(DateIntervals, HoursMakeATimestamp) {
  ExpectGuarded({.guard = "date_intervals",
                 .tables = kDates,
                 .sql = "SELECT CAST(d + INTERVAL '1 hour' AS VARCHAR), "
                        "CAST(d - INTERVAL '1 month 1 minute' AS VARCHAR) FROM t",
                 .rows = {"2024-01-31T01:00:00|2023-12-30T23:59:00|"}});
}

TEST(DateIntervals, AnIntervalThatIsNoConstantMakesOneToo) {
  ExpectGuarded({.guard = "date_intervals",
                 .tables = kDates,
                 .sql = "SELECT CAST(i + d AS VARCHAR) FROM t",
                 .rows = {"2024-01-31T01:00:00|"}});
}

TEST(DateIntervals, WhereTheDateIsKnownTooLateItIsRefused) {
  ExpectGuarded({.guard = "date_intervals",
                 .tables = kDates,
                 .sql = "SELECT x + INTERVAL '1 hour' FROM (SELECT NULL AS x UNION ALL "
                        "SELECT d FROM t)",
                 .rows = {"error: a TIMESTAMP is wanted where hours or less are added"}});
}

}  // namespace
}  // namespace weir
