// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/stable_hash.h"

#include <blake2.h>

namespace weir {
namespace {

/// A hash of `length` bytes that has taken in nothing yet.
blake2b_state Fresh(size_t length) {
  blake2b_state state;
  blake2b_init(&state, length);
  return state;
}

template <size_t kLength>
std::array<uint8_t, kLength> Digest(std::string_view bytes) {
  // Copying a fresh state is quicker than making one.
  static const blake2b_state kFresh = Fresh(kLength);
  blake2b_state state = kFresh;
  blake2b_update(&state, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  std::array<uint8_t, kLength> digest;
  blake2b_final(&state, digest.data(), kLength);
  return digest;
}

}  // namespace

int64_t StableHash64(std::string_view bytes) {
  const auto digest = Digest<8>(bytes);
  uint64_t value = 0;
  for (uint8_t byte : digest) value = value << 8 | byte;
  return static_cast<int64_t>(value & 0x7fffffffffffffff);
}

std::array<char, 32> StableHash128(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto digest = Digest<16>(bytes);
  std::array<char, 32> hex;
  for (size_t i = 0; i < digest.size(); ++i) {
    hex[2 * i] = kDigits[digest[i] >> 4];
    hex[2 * i + 1] = kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace weir
