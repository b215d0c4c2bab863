// SPDX-License-Identifier: Apache-2.0

#include "weir/base/sql_quotes.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(SqlQuotes, AreDoubledWithin) {
  EXPECT_EQ(QuotedSqlText("it's \"so\""), "'it''s \"so\"'");
  EXPECT_EQ(QuotedSqlName("it's \"so\""), "\"it's \"\"so\"\"\"");
  EXPECT_EQ(QuotedSqlText(""), "''");
  EXPECT_EQ(QuotedSqlName(""), "\"\"");
}

}  // namespace
}  // namespace weir
