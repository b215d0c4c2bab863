// SPDX-License-Identifier: Apache-2.0
//
// How the files that a view reads of a source differ from those of its last build, and whether that
// matters. In: the bundle, its last build, the tables now. Out: a SourceChange. Reads the log at
// the version of the last build and, where files were rewritten row for row, the columns that the
// view reads of these files; nothing is changed.

#pragma once

#include <string>

#include "weir/bundle/plan_bundle.h"
#include "weir/decide/decision.h"
#include "weir/decide/history.h"
#include "weir/scan/scan_unit.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// The state of each listed file that `units` keep, a table at a time; tables of many files are
/// left out. For BuildRecord::listings.
std::map<std::string, std::map<std::string, std::string>> ListedFiles(
    const std::vector<ScanUnit>& units);

/// Where the earlier version can no longer be read, all that is said is that files changed. Safe to
/// call from several threads.
SourceChange CompareSource(const std::string& table, const PlanBundle& bundle,
                           const BuildRecord& last_build, const std::vector<ScanUnit>& units,
                           const TableLookup& lookup, const SessionRuntime& session);

}  // namespace weir
