// SPDX-License-Identifier: Apache-2.0
//
// The output columns of a plan's nodes, which the plan's own bytes leave out. In: what the bridge
// writes beside them, a JSON list a node, in preorder, of columns: [relation or null, name],
// without white space.

#pragma once

#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/plan/logical_plan.h"

namespace weir::internal {

/// Fails with kCorrupt on anything else.
Result<std::vector<std::vector<OutputColumn>>> ParseOutputs(std::string_view json);

}  // namespace weir::internal
