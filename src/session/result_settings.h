// SPDX-License-Identifier: Apache-2.0
//
// Which settings of the engine can change the rows of a view without changing its plan. In: names
// of settings. Out: whether they are part of fingerprints.

#pragma once

#include <string_view>

namespace weir {

/// False only for what is known to change nothing (how fast, with how much memory, in which files,
/// how shown), and for what acts through the plan, which fingerprints hold anyway. What nobody
/// looked at counts.
bool CanChangeResults(std::string_view setting);

}  // namespace weir
