// SPDX-License-Identifier: Apache-2.0
//
// Numbers as people read them, in powers of ten.

#pragma once

#include <cstdint>
#include <string>

namespace weir {

/// "1.2 MB", "980 B".
std::string HumanBytes(int64_t bytes);

/// "1.2 M", "980".
std::string HumanCount(int64_t count);

}  // namespace weir
