// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(MicrosecondTime, TimestampHasMicroseconds) {
  ExpectGuarded({.guard = "microsecond_time",
                 .tables = {"CREATE TABLE t AS VALUES ('9999-12-31'), ('0001-01-01')"},
                 .sql = "SELECT CAST(CAST(column1 AS TIMESTAMP) AS VARCHAR) FROM t",
                 .rows = {"0001-01-01T00:00:00|", "9999-12-31T00:00:00|"}});
}

TEST(MicrosecondTime, TimesAreComparedWithDatesInMicroseconds) {
  ExpectGuarded({.guard = "microsecond_time",
                 .tables = {"CREATE TABLE t AS VALUES (to_timestamp_micros(253402214400000000), "
                            "DATE '9999-12-31'), (to_timestamp_micros(0), DATE '9999-12-31')"},
                 .sql = "SELECT CAST(column2 AS VARCHAR) FROM t WHERE column1 = column2",
                 .rows = {"9999-12-31|"}});
}

}  // namespace
}  // namespace weir
