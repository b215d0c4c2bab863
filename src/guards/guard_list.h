// SPDX-License-Identifier: Apache-2.0
//
// The list of guards: what keeps the engine's known faults out of results.
// In: nothing. Out: what users read of each guard, and the part of a fingerprint's recipe that they
// make up.

#pragma once

#include <string>
#include <vector>

#include "weir/engine/engine.h"

namespace weir {

/// All guards of both sides of the bridge, ordered by name.
std::vector<engine::Guard> AllGuards();

/// `name@version` of all guards, with blanks between them: plans that other guards made mean other
/// things.
const std::string& GuardRecipe();

}  // namespace weir
