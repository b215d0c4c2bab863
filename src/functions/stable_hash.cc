// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/stable_hash.h"

#include <blake2.h>

namespace weir {

int64_t StableHash64(std::string_view bytes) {
  std::array<uint8_t, 8> digest{};
  blake2b(digest.data(), bytes.data(), nullptr, digest.size(), bytes.size(), 0);
  uint64_t value = 0;
  for (uint8_t byte : digest) value = value << 8 | byte;
  return static_cast<int64_t>(value & 0x7fffffffffffffff);
}

std::array<char, 32> StableHash128(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::array<uint8_t, 16> digest{};
  blake2b(digest.data(), bytes.data(), nullptr, digest.size(), bytes.size(), 0);
  std::array<char, 32> hex;
  for (size_t i = 0; i < digest.size(); ++i) {
    hex[2 * i] = kDigits[digest[i] >> 4];
    hex[2 * i + 1] = kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace weir
