// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kIntegers = {"CREATE TABLE t(i BIGINT) AS VALUES (1), (2), (NULL)"};

void ExpectRows(const std::string& sql, std::vector<std::string> rows,
                std::vector<std::string> tables = kIntegers) {
  ExpectGuarded({.guard = "null_simplification",
                 .tables = std::move(tables),
                 .sql = sql,
                 .rows = std::move(rows)});
}

TEST(NullSimplification, SetsThatHaveNothingInCommonAreNullForNull) {
  ExpectRows("SELECT i IN (1) AND i IN (2) FROM t", {"false|", "false|", "null|"});
  ExpectRows("SELECT i NOT IN (1) OR i NOT IN (2) FROM t", {"null|", "true|", "true|"});
  ExpectRows("SELECT i FROM t WHERE NOT (i IN (1) AND i IN (2))", {"1|", "2|"});
}

TEST(NullSimplification, MembersThatAreColumnsMayBeEqual) {
  ExpectRows("SELECT i IN (j, 5) AND i IN (k, 5) FROM u", {"true|"},
             {"CREATE TABLE u(i INT, j INT, k INT) AS VALUES (1, 1, 1)"});
}

TEST(NullSimplification, ListsHoldNullBesideOtherValues) {
  ExpectRows("SELECT array_has(make_array(i, 1), 2) FROM t", {"false|", "false|", "true|"});
}

TEST(NullSimplification, BitsOfNullAreNull) {
  ExpectRows("SELECT i ^ i FROM t", {"0|", "0|", "null|"});
}

TEST(NullSimplification, MinusIsNoComplementOfBits) {
  ExpectRows("SELECT -i & i FROM (SELECT coalesce(i, 6) AS i FROM t)", {"1|", "2|", "2|"});
}

TEST(NullSimplification, ABackslashIsNoEscape) {
  ExpectRows(R"(SELECT s FROM u WHERE s ~ 'a\\b')", {R"(a\b|)"},
             {R"(CREATE TABLE u(s VARCHAR) AS VALUES ('a\b'), ('ab'))"});
}

}  // namespace
}  // namespace weir
