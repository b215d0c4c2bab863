// SPDX-License-Identifier: Apache-2.0
//
// Which window functions are computed together, and in what order. Private to the room.

#pragma once

#include <vector>

#include "weir/expr/column_scope.h"

namespace weir::expr {

/// Groups calls by what their windows are sorted by, partitions included, and orders the groups as
/// the engine does for SQL: windows that are sorted by more come first, so that those sorted by
/// less need no sort of their own. `scope` is what the calls read.
std::vector<std::vector<Expression>> GroupWindows(const std::vector<Expression>& calls,
                                                  const ColumnScope& scope);

}  // namespace weir::expr
