// SPDX-License-Identifier: Apache-2.0
//
// What building a view anew changed in it. In: the table as it was, the files that are to replace
// its own. Out: change data files with the rows that go and those that come; rows that are in both
// are in neither. Whoever reads the view's change feed then reads what differs, and no more.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/delta/delta_commit.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// nullopt if the view does not ask for it (WantsDifference), if it has no table yet, or one with
/// other columns: then the files tell what changed. Equal rows count as often as they are there;
/// the difference is one of bags. Nothing is committed.
Result<std::optional<RowDifference>> WriteRowDifference(const PlanBundle& bundle,
                                                        const SessionRuntime& session,
                                                        const std::vector<DataFile>& written,
                                                        const engine::Cancellation& cancellation);

}  // namespace weir
