// SPDX-License-Identifier: Apache-2.0

#include "weir/base/temporary_folder_testing.h"
#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

std::vector<std::string> Table(const TemporaryFolder& folder, const std::string& name,
                               const std::string& columns, const std::string& rows) {
  const std::string file = (folder.path() / (name + ".parquet")).string();
  return {"COPY (SELECT * FROM (VALUES " + rows + ") AS v(" + columns + ")) TO '" + file +
              "' STORED AS PARQUET",
          "CREATE EXTERNAL TABLE " + name + " STORED AS PARQUET LOCATION '" + file + "'"};
}

std::vector<std::string> Tables(const TemporaryFolder& folder) {
  std::vector<std::string> tables = Table(folder, "ta", "id, ty", "('a1', 'x1')");
  const std::vector<std::string> other = Table(folder, "tb", "id", "('x1')");
  tables.insert(tables.end(), other.begin(), other.end());
  return tables;
}

TEST(SameNames, FiltersOfJoinsReachTheirOwnColumn) {
  const TemporaryFolder folder;
  ExpectGuarded({.guard = "same_names",
                 .tables = Tables(folder),
                 .sql =
                     "SELECT s.id, a.id, b.id, tag FROM ta s JOIN (SELECT a.id, b.id, a.ty || '!' "
                     "AS tag FROM ta a JOIN tb b ON a.ty = b.id) ON s.id = a.id",
                 .rows = {"a1|a1|x1|x1!|"}});
}

TEST(SameNames, ThroughFiltersToo) {
  const TemporaryFolder folder;
  ExpectGuarded({.guard = "same_names",
                 .tables = Tables(folder),
                 .sql =
                     "SELECT s.id, a.id, b.id FROM tb s JOIN (SELECT a.id, b.id FROM ta a LEFT "
                     "JOIN tb b ON a.ty = b.id WHERE a.id || coalesce(b.id, '') <> '') ON s.id = "
                     "b.id",
                 .rows = {"x1|a1|x1|"}});
}

TEST(SameNames, SemiJoinsHandFiltersToTheirKeyAlone) {
  const TemporaryFolder folder;
  std::vector<std::string> tables = Table(folder, "r", "x, z", "(1, 0), (2, 0), (3, 0)");
  for (const auto& made :
       {Table(folder, "l", "x, y", "(100, 1), (200, 2)"), Table(folder, "d", "k", "(1), (2)")}) {
    tables.insert(tables.end(), made.begin(), made.end());
  }
  ExpectGuarded({.guard = "same_names",
                 .tables = tables,
                 .sql = "SELECT q.x FROM d JOIN (SELECT * FROM r WHERE EXISTS (SELECT 1 FROM l "
                        "WHERE l.y = r.x AND l.x > r.z)) q ON d.k = q.x",
                 .rows = {"1|", "2|"}});
}

}  // namespace
}  // namespace weir
