// SPDX-License-Identifier: Apache-2.0
//
// Guards that take part before a plan is made: precedence, merged_keys, recursive_types,
// similar_to, bag_operators; and those of windows.

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {
    "CREATE TABLE t (a INT, b INT, c BOOLEAN) AS VALUES (1, 1, true), (1, 1, false), (1, 2, true)",
    "CREATE TABLE p (k INT, x INT) AS VALUES (1, 10), (2, 20)",
    "CREATE TABLE s (k INT, y INT) AS VALUES (2, 200), (4, 400)"};

void ExpectRows(const std::string& guard, const std::string& sql,
                const std::vector<std::string>& rows) {
  ExpectGuarded({.guard = guard, .tables = kTables, .sql = sql, .rows = rows});
}

// Upstream datafusion-sqlparser-rs#2436.
TEST(Precedence, IsDistinctFromEndsBeforeAnd) {
  ExpectRows("precedence", "SELECT b FROM t WHERE c IS NOT DISTINCT FROM c AND a = b AND c",
             {"1|"});
}

TEST(Precedence, OperatorsBindAsInPostgres) {
  ExpectRows("precedence", "SELECT 4 | 2 & 1", {"0|"});
  ExpectRows("precedence", "SELECT 'x' || 1 + 2", {"x3|"});
  ExpectRows("precedence", "SELECT true = 'a' LIKE 'a', 'a' LIKE 'a' = true", {"true|true|"});
  ExpectRows("precedence", "SELECT NOT EXISTS (SELECT 1) IS NULL", {"true|"});
}

// Upstream #22881.
TEST(MergedKeys, TheKeyIsThatOfTheSideThatHasIt) {
  ExpectRows("merged_keys", "SELECT k FROM p FULL JOIN s USING (k)", {"1|", "2|", "4|"});
  ExpectRows("merged_keys", "SELECT * FROM p NATURAL RIGHT JOIN s", {"2|20|200|", "4|null|400|"});
}

// Upstream #9794.
TEST(RecursiveTypes, ATermThatLosesSomethingIsRefused) {
  ExpectRows("recursive_types",
             "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1.5 FROM r WHERE x < 3) "
             "SELECT x FROM r",
             {"error: a recursive term of `r` whose column `x` has the type Int64"});
}

// Upstream #22263.
TEST(SimilarTo, ThePatternCoversTheWholeText) {
  ExpectRows("similar_to", "SELECT 'xabcx' SIMILAR TO 'abc', 'abc' SIMILAR TO 'a%'",
             {"false|true|"});
}

// Upstream #12955, #12956.
TEST(BagOperators, CountHowOftenARowComes) {
  ExpectRows("bag_operators", "SELECT a FROM t INTERSECT ALL SELECT k FROM p", {"1|"});
  ExpectRows("bag_operators", "SELECT a FROM t EXCEPT ALL SELECT k FROM p", {"1|", "1|"});
}

TEST(AggregateFilters, StayAboveAnAggregateWithARowOfNoRows) {
  ExpectRows("aggregate_filters", "SELECT count(*) FROM t HAVING (SELECT max(k) FROM p) > 100", {});
  ExpectRows("aggregate_filters",
             "SELECT p.k, q.n FROM p LEFT JOIN (SELECT count(*) AS n FROM t) AS q ON FALSE",
             {"1|null|", "2|null|"});
}

TEST(RowMembership, RowsAreComparedColumnByColumn) {
  ExpectRows("row_membership", "SELECT k FROM p WHERE (k, x * 10) IN (SELECT k, y FROM s)", {"2|"});
}

// Upstream #24902.
TEST(WindowFrames, NegativeBoundsAreRefused) {
  ExpectRows(
      "window_frames",
      "SELECT count(*) OVER (ORDER BY a RANGE BETWEEN '-1' PRECEDING AND CURRENT ROW) FROM t",
      {"error: bounds of a window frame that are not negative are wanted"});
}

// Upstream #25350.
TEST(DistinctLimit, RunsOverAWindow) {
  ExpectRows("distinct_limit",
             "SELECT DISTINCT a, count(*) OVER (PARTITION BY a) AS n FROM t LIMIT 5", {"1|3|"});
}

}  // namespace
}  // namespace weir
