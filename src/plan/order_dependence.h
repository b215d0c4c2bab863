// SPDX-License-Identifier: Apache-2.0
//
// Whether a plan's result hangs on the order in which rows come: on threads, partitions and files.
// In: an optimised LogicalPlan. Out: a cautious answer, and what to tell the user. Whoever
// schedules may give a plan that does not depend on it more partitions.

#pragma once

#include <set>
#include <string>
#include <vector>

#include "weir/plan/logical_plan.h"

namespace weir {

/// False only if every order of rows gives the same rows. Sums and means of floats depend on it,
/// and so do: windows that number rows or have a frame in ROWS, aggregates that keep an order,
/// LIMIT, unless the order keys leave no ties; functions such as random(). Aggregates that the
/// engine does not have count as dependent unless they are named in `independent_aggregates`.
bool DependsOnRowOrder(const LogicalPlan& plan,
                       const std::set<std::string>& independent_aggregates = {});

/// One sentence for each place where a user left the order open: what happens, and what to write
/// instead. Ordered, each once.
std::vector<std::string> OrderDiagnostics(const LogicalPlan& plan);

}  // namespace weir
