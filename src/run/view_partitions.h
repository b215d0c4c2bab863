// SPDX-License-Identifier: Apache-2.0
//
// How the cores are shared by the views that execute at once: in runs and in replays.

#pragma once

#include <algorithm>

namespace weir {

/// Partitions of each of `views` views that execute at once: twice as many in all as there are
/// cores (SessionRuntime::cores()), since views end one by one. REQUIRES: `views` > 0
inline int PartitionsOfOne(int cores, int views) {
  return std::clamp((2 * cores + views - 1) / views, 1, cores);
}

}  // namespace weir
