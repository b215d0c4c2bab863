// SPDX-License-Identifier: Apache-2.0
//
// The hash behind every identity: BLAKE2b with the output length as a parameter. Private to the
// room.

#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir {

/// 8 bytes of output, read big-endian, top bit cleared.
int64_t StableHash64(std::string_view bytes);

/// 16 bytes of output as 32 lower-case hex digits.
std::array<char, 32> StableHash128(std::string_view bytes);

}  // namespace weir
