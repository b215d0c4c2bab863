// SPDX-License-Identifier: Apache-2.0
//
// Puts inner joins into the order in which the fewest rows go from one to the next.
// In: an optimised LogicalPlan, and what is known of the tables that it scans. Out: one of the same
// result, which joins the same tables in another order. The bag of rows does not hang on the order;
// plans that are kept have the order that was written, those that are executed this one.

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "weir/plan/logical_plan.h"
#include "weir/plan/row_estimates.h"

namespace weir {

/// The columns whose bounds OrderJoins makes use of, by scan id; none of a plan that has nothing to
/// order.
std::map<int, std::set<std::string>> ColumnsForJoinOrder(const LogicalPlan& plan);

/// Orders inner joins of three inputs or more whose keys are columns. What may fail is evaluated
/// where it was: a join whose filter computes anything stays, and is an input of those above.
/// Gives the plan that came in unless another order is expected to be clearly better; the same plan
/// for the same plan and estimates.
std::shared_ptr<const LogicalPlan> OrderJoins(const std::shared_ptr<const LogicalPlan>& plan,
                                              const TableEstimates& tables);

}  // namespace weir
