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

struct OrderedJoins {
  std::shared_ptr<const LogicalPlan> plan;  ///< the one that came in if nothing changed
  /// The left input of every join is the one that fits better into a table: the engine need not
  /// look at its own estimates.
  bool has_sides = false;
};

/// Orders inner joins of three inputs or more whose keys are columns, and chooses the sides of all
/// joins. What may fail is evaluated where it was: a join whose filter computes anything stays, and
/// is an input of those above. An order stays unless another is expected to be clearly better. The
/// same plan for the same plan and estimates; where a table is not known, what reads it stays.
OrderedJoins OrderJoins(const std::shared_ptr<const LogicalPlan>& plan,
                        const TableEstimates& tables);

}  // namespace weir
