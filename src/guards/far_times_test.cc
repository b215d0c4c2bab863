// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTimes = {
    "CREATE TABLE t AS SELECT CAST(column1 AS TIMESTAMP) AS m FROM (VALUES ('9999-12-31 "
    "23:59:59'), "
    "('0001-01-03 01:00:00'), ('1969-12-31 12:00:00'))"};

TEST(FarTimes, TruncatesTimesOfAnyYear) {
  ExpectGuarded({.guard = "far_times",
                 .tables = kTimes,
                 .sql = "SELECT CAST(date_trunc('week', m) AS VARCHAR) FROM t",
                 .rows = {"0001-01-01T00:00:00|", "1969-12-29T00:00:00|", "9999-12-27T00:00:00|"}});
}

TEST(FarTimes, BinsTimesOfAnyYear) {
  ExpectGuarded({.guard = "far_times",
                 .tables = kTimes,
                 .sql = "SELECT CAST(date_bin(INTERVAL '2 days', m) AS VARCHAR) FROM t",
                 .rows = {"0001-01-03T00:00:00|", "1969-12-30T00:00:00|", "9999-12-31T00:00:00|"}});
}

TEST(FarTimes, SeriesOfTimesThatNanosecondsCannotHoldAreRefused) {
  ExpectGuarded({.guard = "far_times",
                 .tables = {},
                 .sql = "SELECT generate_series(TIMESTAMP '9999-12-30', TIMESTAMP '9999-12-31', "
                        "INTERVAL '1 day')",
                 .rows = {"error: converted value exceeds the representable"}});
}

}  // namespace
}  // namespace weir
