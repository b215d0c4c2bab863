// SPDX-License-Identifier: Apache-2.0
//
// Makes a plan's result a function of the bags of rows that it reads, where order decides.
// In: an optimised LogicalPlan. Out: the same with every order that decides completed by further
// columns, until rows that still tie are the same in all that the rest of the plan needs, and a
// note a place. Sums of floats are not its concern.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/plan/logical_plan.h"

namespace weir {

/// An order that left open which row comes first.
struct CompletedOrder {
  std::string place;               ///< "the first 10 rows", "row_number()", "array_agg(t.x)"
  std::vector<std::string> keys;   ///< that were written; none: no order at all
  std::vector<std::string> added;  ///< after those

  bool operator==(const CompletedOrder&) const = default;
};

/// "the first 10 rows by t.a DESC NULLS FIRST, then by t.b, t.c"
std::string ToText(const CompletedOrder& order);

struct OrderedPlan {
  std::shared_ptr<const LogicalPlan> plan;  ///< the one that came in if nothing was open
  std::vector<CompletedOrder> completed;    ///< inputs before what reads them
  /// An aggregate takes its rows as they arrive: they are sorted, but only in one partition do they
  /// arrive so.
  bool needs_one_partition = false;
};

/// The columns' types of a plan, which its tree does not say; null if they cannot be told.
using SchemaOfPlan = std::function<std::shared_ptr<arrow::Schema>(const LogicalPlan&)>;

/// Completes
///  - ORDER BY with a limit, and a limit without ORDER BY, by the columns there;
///  - ORDER BY of windows that number rows, look at neighbours or have a frame in ROWS, by the
///    columns of their input; what keeps its peers (rank, frames in RANGE and GROUPS) keeps its
///    keys, and gets its rows sorted where it takes one of them by its place;
///  - ORDER BY of aggregates that keep an order, by their arguments; those of one order together,
///    so that their values come from the same row;
///  - lists and joined texts without ORDER BY: they are sorted.
/// A key that the plan proves to be unique ends an order. The same plan for the same plan.
/// `schema_of` is asked where an aggregate is ordered by a column whose type the tree does not
/// tell.
OrderedPlan CompleteOrders(const std::shared_ptr<const LogicalPlan>& plan,
                           const SchemaOfPlan& schema_of = {});

}  // namespace weir
