// SPDX-License-Identifier: Apache-2.0
//
// All that is to be done in a warehouse. In: the project, its session, the time. Out: actions in
// the order in which they are carried out, and what could not be read. Changes nothing.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"
#include "weir/upkeep/table_upkeep.h"

namespace weir {

struct UpkeepPlan {
  std::vector<UpkeepAction> actions;  ///< those of one table together
  /// Tables that could not be read, hence are not touched; each names its table.
  std::vector<Status> problems;
  /// Drops that an earlier `weir gc` began of tables that have a view again.
  std::vector<std::string> stale_markers;
};

/// Fails where the warehouse cannot be listed, or its artifacts cannot be read: then nobody knows
/// what is needed. REQUIRES: the warehouse's lock is held
Result<UpkeepPlan> PlanUpkeep(const ProjectDefinition& project, const SessionRuntime& session,
                              int64_t now_us);

}  // namespace weir
