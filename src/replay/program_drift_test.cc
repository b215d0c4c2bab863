// SPDX-License-Identifier: Apache-2.0

#include "weir/replay/program_drift.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr const char* kOne =
    "ProjectionExec: expr=[n@1 as n]\n"
    "  AggregateExec: mode=Single, gby=[k@0 as k], aggr=[count(1)]\n"
    "    DataSourceExec: file_groups={1 group: [[a.parquet]]}\n";

TEST(SameOperators, LooksPastWhatOnlyMovesRowsBetweenThreads) {
  EXPECT_TRUE(SameOperators(kOne,
                            "CoalescePartitionsExec\n"
                            "  ProjectionExec: expr=[n@1 as n]\n"
                            "    AggregateExec: mode=Single, gby=[k@0 as k], aggr=[count(1)]\n"
                            "      RepartitionExec: partitioning=Hash([k@0], 4)\n"
                            "        DataSourceExec: file_groups={2 groups: [[b], [c]]}\n"));
}

TEST(SameOperators, TellsOtherOperatorsApart) {
  EXPECT_FALSE(SameOperators(kOne,
                             "ProjectionExec: expr=[n@1 as n]\n"
                             "  FilterExec: k@0 > 1\n"
                             "    AggregateExec: mode=Single, gby=[k@0 as k], aggr=[count(1)]\n"
                             "      DataSourceExec: file_groups={1 group: [[a.parquet]]}\n"));
  EXPECT_FALSE(SameOperators(kOne, ""));
}

}  // namespace
}  // namespace weir
