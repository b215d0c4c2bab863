// SPDX-License-Identifier: Apache-2.0
//
// Tables at a version in a statement: `FROM t VERSION AS OF 3`, `FROM t TIMESTAMP AS OF '…'`. The
// engine's parser knows this in few dialects, and its planner leaves it out. In: a statement. Out:
// the statement with a name of its own for each such table, and what those names stand for.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/project/dialect.h"

namespace weir {

/// A table that a statement names at a version.
struct VersionedName {
  std::string own_name;  ///< that stands in the statement in its place
  std::string table;     ///< as the statement names it: "events", "a.b" or a path
  int64_t version = -1;
  std::string timestamp;  ///< where no version is given
};

struct VersionedStatement {
  std::string sql;  ///< with the lines of the statement
  std::vector<VersionedName> names;
};

/// Fails with kInvalidArgument, and the place, where neither a version nor a time follows.
Result<VersionedStatement> TakeVersions(const std::string& sql, const SqlDialect& dialect);

}  // namespace weir
