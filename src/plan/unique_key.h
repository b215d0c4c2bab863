// SPDX-License-Identifier: Apache-2.0
//
// Columns in which no two rows of a node agree, as far as the plan alone proves it: tables are not
// known to have keys.

#pragma once

#include <optional>
#include <set>

#include "weir/plan/logical_plan.h"

namespace weir {

/// Which column of `node` an expression is, below aliases; nothing if it is none.
std::optional<size_t> IndexOfColumn(const Expression& expression, const LogicalPlan& node);

/// Indexes of columns of `node`; none at all if it has one row at most. Nothing: not known.
std::optional<std::set<size_t>> UniqueKeyOf(const LogicalPlan& node);

}  // namespace weir
