// SPDX-License-Identifier: Apache-2.0
//
// The tables that a plan reads, as the session pinned them.

#pragma once

#include <vector>

#include "weir/base/result.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Ordered by table name; tables that stand for no table of the project are left out. Fails on a
/// scan of what is neither source nor view.
Result<std::vector<VersionPin>> PinsOf(const LogicalPlan& plan, const SessionRuntime& session);

}  // namespace weir
