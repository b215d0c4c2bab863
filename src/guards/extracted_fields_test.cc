// SPDX-License-Identifier: Apache-2.0

#include "weir/base/temporary_folder_testing.h"
#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

TEST(ExtractedFields, AFieldOfAStructMayStandInTheKeyOfAJoin) {
  const TemporaryFolder folder;
  const std::string q = (folder.path() / "q.parquet").string();
  const std::string r = (folder.path() / "r.parquet").string();
  ExpectGuarded({.guard = "extracted_fields",
                 .tables = {"COPY (SELECT 1 AS a, named_struct('x', 'u') AS s UNION ALL SELECT 2, "
                            "named_struct('x', 'v')) TO '" +
                                q + "' STORED AS PARQUET",
                            "CREATE EXTERNAL TABLE q STORED AS PARQUET LOCATION '" + q + "'",
                            "COPY (SELECT 'V' AS x) TO '" + r + "' STORED AS PARQUET",
                            "CREATE EXTERNAL TABLE r STORED AS PARQUET LOCATION '" + r + "'"},
                 .sql = "SELECT min(u.s['x']) FROM q AS u JOIN r AS v ON upper(u.s['x']) = v.x",
                 .rows = {"v|"},
                 .through_bytes = true});
}

}  // namespace
}  // namespace weir
