// SPDX-License-Identifier: Apache-2.0
//
// Puts an optimised plan into a bundle. In: the engine's plan and its session. Out: its bytes, the
// columns beside them and the tree; under `deterministic` with every order completed that decides
// a result (plan/total_order.h).

#pragma once

#include "weir/base/status.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/engine/engine.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Fills the plan of `bundle` and what was done to its orders. REQUIRES: `plan` is optimised
Status TakePlan(const engine::Plan& plan, const SessionRuntime& session, PlanBundle& bundle);

}  // namespace weir
