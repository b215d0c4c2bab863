// SPDX-License-Identifier: Apache-2.0
//
// Does what upkeep planned, table by table, and records it. In: a plan. Out: a warehouse without
// what nobody needs. Killed at any moment, every kept version can be read, and the next `weir gc`
// goes on.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/session/session_runtime.h"
#include "weir/upkeep/upkeep_plan.h"

namespace weir {

struct UpkeepOutcome {
  std::vector<UpkeepAction> done;
  std::vector<Status> problems;  ///< each names its table
  bool cancelled = false;
};

/// `check_held`: asked before each table; where it fails, nothing more is touched. What fails at
/// one table does not keep others from their upkeep. `now_us`: of the commits that are made.
UpkeepOutcome CarryOut(const UpkeepPlan& plan, const SessionRuntime& session, int64_t now_us,
                       const std::function<Status()>& check_held,
                       const engine::Cancellation& cancellation);

/// Adds the rows of `weir.maintenance`: none for tables that are only waited for.
Status RecordUpkeep(const std::string& gc_id, const std::vector<UpkeepAction>& done,
                    const SessionRuntime& session, int64_t done_at_us);

}  // namespace weir
