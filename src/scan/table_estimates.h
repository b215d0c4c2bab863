// SPDX-License-Identifier: Apache-2.0
//
// What is known of the tables that a plan reads, for the order of its joins: rows of the files that
// are kept, and bounds of columns. In: a bundle, its scan units and pinned tables. Out: estimates
// by scan (plan/row_estimates.h).

#pragma once

#include <set>
#include <vector>

#include "weir/bundle/plan_bundle.h"
#include "weir/catalog/pinned_table.h"
#include "weir/plan/row_estimates.h"
#include "weir/scan/scan_unit.h"

namespace weir {

/// The statistics that EstimateTables asks for of one table's scan.
std::set<StatisticsPath> StatisticsForJoinOrder(const PinnedTable& table,
                                                const std::set<std::string>& columns);

/// Of the scans of a plan whose joins can be ordered; of other plans nothing. Files without
/// statistics have no bounds; where files are many, some of them stand for all. Lives by itself.
Result<TableEstimates> EstimateTables(const PlanBundle& bundle, const TableLookup& lookup,
                                      const std::vector<ScanUnit>& units);

}  // namespace weir
