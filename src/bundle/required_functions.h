// SPDX-License-Identifier: Apache-2.0
//
// Whether a bundle's functions are those of this program. A bundle holds names and versions only:
// executed with a function that means something else, it would give another result silently.

#pragma once

#include <string>
#include <vector>

#include "weir/base/status.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/functions/function_registry.h"

namespace weir {

/// A native function that a bundle wants and this program has not.
struct MissingFunction {
  std::string name;
  std::string version;  ///< that is wanted, as RequiredFunction has it
  std::string found;    ///< the version that is installed; empty: none is
};

std::vector<MissingFunction> MissingFunctions(const PlanBundle& bundle,
                                              const FunctionRegistry& installed);

/// Fails with kConflict, naming every native function of the bundle that is not installed or has
/// another semantic version, with both. The engine's own functions are looked up by it when the
/// plan is read.
Status CheckRequiredFunctions(const PlanBundle& bundle, const FunctionRegistry& installed);

}  // namespace weir
