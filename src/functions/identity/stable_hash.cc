// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/identity/stable_hash.h"

#include "weir/base/blake2b.h"

namespace weir {

int64_t StableHash64(std::string_view bytes) {
  uint64_t value = 0;
  for (const uint8_t byte : Blake2b64(bytes)) value = value << 8 | byte;
  return static_cast<int64_t>(value & 0x7fffffffffffffff);
}

std::array<char, 32> StableHash128(std::string_view bytes) { return HexDigits(Blake2b128(bytes)); }

}  // namespace weir
