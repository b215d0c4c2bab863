// SPDX-License-Identifier: Apache-2.0
//
// BLAKE2b with the length of the output as a parameter (RFC 7693): not a longer digest cut off.
// Safe to call from any thread.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

/// The digest of 8 bytes.
std::array<uint8_t, 8> Blake2b64(std::string_view bytes);

/// The digest of 16 bytes.
std::array<uint8_t, 16> Blake2b128(std::string_view bytes);

/// 32 lower-case hex digits of a digest.
std::array<char, 32> HexDigits(const std::array<uint8_t, 16>& digest);

}  // namespace weir
