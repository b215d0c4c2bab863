// SPDX-License-Identifier: Apache-2.0
//
// How the cores are shared by the views that execute at once: in runs and in replays.

#pragma once

#include <algorithm>
#include <cstdint>

#include "weir/session/session_runtime.h"

namespace weir {

/// Threads of the session for which there is memory.
inline int CoresAtOnce(const SessionRuntime& session) {
  // What one core is given at the least before another one works beside it, at the same view or at
  // another: scans, joins and sorts hold some tens of megabytes before any of them can spill.
  constexpr int64_t kMemoryOfOneCore = int64_t{96} << 20;
  const auto fit = std::max<int64_t>(1, session.memory_limit_bytes() / kMemoryOfOneCore);
  return static_cast<int>(std::min<int64_t>(session.threads(), fit));
}

/// Partitions of each of `views` views that execute at once: twice as many in all as there are
/// cores, since views end one by one. REQUIRES: `views` > 0
inline int PartitionsOfOne(int cores, int views) {
  return std::clamp((2 * cores + views - 1) / views, 1, cores);
}

}  // namespace weir
