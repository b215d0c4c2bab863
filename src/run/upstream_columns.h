// SPDX-License-Identifier: Apache-2.0
//
// Whether the table of a view, as it was built some time or in another warehouse, has the columns
// that a reader was planned with. In: the reader's bundle, the table. Out: a failure that names
// view and columns.

#pragma once

#include "weir/base/status.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/catalog/pinned_table.h"

namespace weir {

/// Fails with kPlanFailed where a column that `reader` reads of `table` is not there, or is of
/// another type or at another place than when it was planned: plans know columns by their places.
/// Columns that are not read may differ.
Status CheckColumnsRead(const PlanBundle& reader, const PinnedTable& table);

}  // namespace weir
