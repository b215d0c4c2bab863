// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kMixed = {
    "CREATE TABLE t(kind VARCHAR, s VARCHAR, n INT) AS VALUES ('number', '7', 2), ('number', '3', "
    "3), ('text', 'x', 0), ('text', 'y', 0)"};

void ExpectRows(const std::string& sql, std::vector<std::string> rows) {
  ExpectGuarded(
      {.guard = "guarded_conditions", .tables = kMixed, .sql = sql, .rows = std::move(rows)});
}

TEST(GuardedConditions, FiltersGuardWhatStandsBesideThem) {
  ExpectRows("SELECT s FROM t WHERE kind = 'number' AND CAST(s AS INT) > 5", {"7|"});
  ExpectRows("SELECT s FROM t WHERE s ~ '^[0-9]+$' AND CAST(s AS INT) > 5", {"7|"});
}

TEST(GuardedConditions, CaseOverConditionsStaysOne) {
  ExpectRows("SELECT s FROM t WHERE CASE WHEN n <> 0 THEN 10 / n > 4 ELSE false END", {"7|"});
}

TEST(GuardedConditions, FilterOfAnAggregateGuardsItsArgument) {
  ExpectRows("SELECT kind, sum(CAST(s AS INT)) FILTER (WHERE kind = 'number') FROM t GROUP BY kind",
             {"number|10|", "text|null|"});
}

TEST(GuardedConditions, ConstantsInBranchesFailWhenTheyAreTaken) {
  ExpectRows("SELECT s FROM t WHERE CASE WHEN kind = 'other' THEN CAST('x' AS INT) ELSE 1 END = 1",
             {"3|", "7|", "x|", "y|"});
}

}  // namespace
}  // namespace weir
