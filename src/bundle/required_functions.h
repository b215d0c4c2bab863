// SPDX-License-Identifier: Apache-2.0
//
// Whether a bundle's functions are those of this program. A bundle holds names and versions only:
// executed with a function that means something else, it would give another result silently.

#pragma once

#include "weir/base/status.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/functions/function_registry.h"

namespace weir {

/// Fails with kConflict, naming every native function of the bundle that is not installed or has
/// another semantic version, with both. The engine's own functions are looked up by it when the
/// plan is read.
Status CheckRequiredFunctions(const PlanBundle& bundle, const FunctionRegistry& installed);

}  // namespace weir
