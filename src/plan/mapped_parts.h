// SPDX-License-Identifier: Apache-2.0
//
// A node with its parts replaced, for what makes a plan of a plan. Private to the room.

#pragma once

#include <functional>
#include <memory>

#include "weir/plan/logical_plan.h"

namespace weir::internal {

/// The node with `map` of its inputs and of the subqueries in its expressions in their place; the
/// node itself if `map` gives each of them back as it is.
std::shared_ptr<const LogicalPlan> WithMappedParts(
    const std::shared_ptr<const LogicalPlan>& plan,
    const std::function<
        std::shared_ptr<const LogicalPlan>(const std::shared_ptr<const LogicalPlan>&)>& map);

}  // namespace weir::internal
