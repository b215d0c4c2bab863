// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {
    "CREATE TABLE g (id INT, room INT) AS VALUES (7, 70), (8, 80), (NULL, 30), (9, 90)",
    "CREATE TABLE b (id INT, since INT) AS VALUES (8, 5), (NULL, 75)",
    "CREATE TABLE o (k INT) AS VALUES (1), (2), (3)",
    "CREATE TABLE l (k INT, q INT) AS VALUES (2, 10), (3, 5), (3, 6)"};

void ExpectRows(const std::string& sql, const std::vector<std::string>& rows) {
  ExpectGuarded({.guard = "subqueries", .tables = kTables, .sql = sql, .rows = rows});
}

// Upstream #25347, #25336, #25480, #25340.
TEST(Subqueries, NotInIsUnknownWhereARowOfItsOwnIsNull) {
  ExpectRows("SELECT g.id FROM g WHERE g.id NOT IN (SELECT b.id FROM b WHERE b.since < g.room)",
             {"7|"});
  ExpectRows("SELECT g.id FROM g WHERE g.id NOT IN (SELECT b.id FROM b WHERE b.since = g.room)",
             {"7|", "8|", "9|", "null|"});
  ExpectRows("SELECT g.id FROM g WHERE g.id NOT IN (SELECT b.id FROM b WHERE b.id = g.id)",
             {"7|", "9|", "null|"});
  ExpectRows("SELECT g.id FROM g WHERE 3 NOT IN (SELECT b.id FROM b)", {});
}

TEST(Subqueries, InKeepsNullBelowOtherOperators) {
  ExpectRows("SELECT g.id FROM g WHERE (g.id IN (SELECT b.id FROM b)) IS NULL",
             {"7|", "9|", "null|"});
  ExpectRows("SELECT g.id FROM g WHERE g.id NOT IN (SELECT b.id FROM b) OR g.room = 90", {"9|"});
}

TEST(Subqueries, StandInSelectListsAggregatesWindowsAndJoins) {
  ExpectRows("SELECT g.id, g.id IN (SELECT b.id FROM b) FROM g",
             {"7|null|", "8|true|", "9|null|", "null|null|"});
  ExpectRows(
      "SELECT sum(CASE WHEN EXISTS (SELECT 1 FROM b WHERE b.id = g.id) THEN 1 ELSE 0 END) FROM g",
      {"1|"});
  ExpectRows(
      "SELECT o.k, count(*) FILTER (WHERE EXISTS (SELECT 1 FROM l WHERE l.k = o.k)) "
      "OVER (ORDER BY o.k) FROM o",
      {"1|0|", "2|1|", "3|2|"});
  ExpectRows(
      "SELECT o.k, l.q FROM o JOIN l ON o.k = l.k AND EXISTS (SELECT 1 FROM g WHERE g.id > l.q)",
      {"3|5|", "3|6|"});
}

// Upstream #24960, #25519.
TEST(Subqueries, AnAggregateWithoutGroupsHasARowAlways) {
  ExpectRows("SELECT o.k FROM o WHERE EXISTS (SELECT count(*) FROM l WHERE l.k = o.k)",
             {"1|", "2|", "3|"});
  ExpectRows("SELECT o.k FROM o WHERE 0 IN (SELECT count(*) FROM l WHERE l.k = o.k)", {"1|"});
  ExpectRows("SELECT o.k, (SELECT count(*) FROM l WHERE l.k < o.k) FROM o",
             {"1|0|", "2|0|", "3|1|"});
}

TEST(Subqueries, LimitsCountWithinEachRowOutside) {
  ExpectRows("SELECT o.k FROM o WHERE EXISTS (SELECT 1 FROM l WHERE l.k = o.k OFFSET 1)", {"3|"});
  ExpectRows("SELECT o.k, (SELECT l.q FROM l WHERE l.k = o.k ORDER BY l.q LIMIT 1) FROM o",
             {"1|null|", "2|10|", "3|5|"});
  ExpectRows(
      "SELECT l.q, x.kk FROM l JOIN LATERAL "
      "(SELECT o.k AS kk FROM o WHERE o.k <= l.k ORDER BY o.k DESC LIMIT 1) AS x ON true",
      {"10|2|", "5|3|", "6|3|"});
}

TEST(Subqueries, OuterJoinsUnionsAndTwoLevelsAreInside) {
  ExpectRows(
      "SELECT o.k FROM o WHERE EXISTS "
      "(SELECT 1 FROM l AS a LEFT JOIN g ON g.id = o.k WHERE a.k = o.k)",
      {"2|", "3|"});
  ExpectRows(
      "SELECT o.k FROM o WHERE EXISTS (SELECT 1 FROM l WHERE l.k = o.k "
      "UNION ALL SELECT 1 FROM g WHERE g.id = o.k + 6)",
      {"1|", "2|", "3|"});
  ExpectRows(
      "SELECT o.k FROM o WHERE EXISTS (SELECT 1 FROM l AS a WHERE a.k = o.k AND EXISTS "
      "(SELECT 1 FROM l AS c WHERE c.q > a.q AND c.k = o.k))",
      {"3|"});
}

}  // namespace
}  // namespace weir
