// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

const std::vector<std::string> kTables = {
    "CREATE TABLE t AS SELECT column1 AS id, named_struct('a', column1, 'n', named_struct('b', "
    "column2)) AS s FROM (VALUES (1, 'x'), (2, 'y'), (3, 'z'))"};

TEST(NullStructs, AFieldOfAStructThatIsNullIsNull) {
  ExpectGuarded({.guard = "null_structs",
                 .tables = kTables,
                 .sql = "SELECT id, u['a'], u['n']['b'], u['a'] IS NULL FROM (SELECT id, nullif(s, "
                        "named_struct('a', 2, 'n', named_struct('b', 'y'))) AS u FROM t) AS q",
                 .rows = {"1|1|x|false|", "2|null|null|true|", "3|3|z|false|"},
                 .through_bytes = true});
}

TEST(NullStructs, SoAreTheColumnsThatUnnestMakes) {
  ExpectGuarded({.guard = "null_structs",
                 .tables = kTables,
                 .sql = "SELECT id, unnest(nullif(s, named_struct('a', 2, 'n', named_struct('b', "
                        "'y')))), unnest([id, 7]) FROM t WHERE id < 3",
                 .rows = {"1|1|{b:string = x}|1|", "1|1|{b:string = x}|7|", "2|null|null|2|",
                          "2|null|null|7|"},
                 .through_bytes = true});
}

}  // namespace
}  // namespace weir
