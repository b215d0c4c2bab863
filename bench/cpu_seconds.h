// SPDX-License-Identifier: Apache-2.0
//
// The processor time of this process, all threads, in seconds. For benches.

#pragma once

#include <ctime>

namespace weir {

inline double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace weir
