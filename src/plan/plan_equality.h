// SPDX-License-Identifier: Apache-2.0
//
// Do two plans mean the same?
// In: two decoded plans. Out: nothing, or the first difference, readable. Sound: plans that may
// give different rows are never equal. Not complete: some that give the same rows are told apart.

#pragma once

#include <optional>
#include <string>

#include "weir/base/result.h"
#include "weir/plan/logical_plan.h"

namespace weir {

/// Where two plans part.
struct PlanDifference {
  std::string where;   ///< the nodes from the root down, "Output > Aggregate > Join"
  std::string first;   ///< what the first plan has there
  std::string second;  ///< what the second one has

  /// "in Aggregate: `sum(a) IGNORE NULLS` became `sum(a)`"
  std::string ToString() const;
};

/// Nothing if both plans give the same rows under the same column names, whatever the tables hold.
///
/// What does not count: aliases of tables and generated names; the order of columns inside the
/// plan, and columns that nothing reads; projections that rename, reorder or compute (an expression
/// is compared where it is used); the order of conjuncts, IN lists, group keys and partition keys;
/// the sides of = <> + * and of IS [NOT] DISTINCT FROM, a < b for b > a; BETWEEN, IN and CASE x
/// WHEN for what they stand for; a predicate twice in a row; join keys for equalities in the join's
/// condition; the condition of an inner join for a filter above it; a scan's filter that is
/// repeated right above it; a limit inside a sort for one above it; nested limits; widths of string
/// types.
///
/// What does: everything else, and any random function.
/// Fails with kUnsupported where a column of a plan cannot be resolved.
Result<std::optional<PlanDifference>> FindDifference(const LogicalPlan& first,
                                                     const LogicalPlan& second);

}  // namespace weir
