// SPDX-License-Identifier: Apache-2.0

#include "weir/base/blake2b.h"

#include <cstring>

#include <sodium.h>

#include "weir/base/status.h"

namespace weir {
namespace {

using State = crypto_generichash_blake2b_state;

/// A hash of `length` bytes that has taken in nothing yet.
State Fresh(size_t length) {
  // Picks the fastest code that this machine has; changes nothing when called again.
  WEIR_CHECK(sodium_init() >= 0);
  State state;
  crypto_generichash_blake2b_init(&state, nullptr, 0, length);
  return state;
}

template <size_t kLength>
std::array<uint8_t, kLength> Digest(std::string_view bytes) {
  // Copying a fresh state is quicker than making one.
  static const State kFresh = Fresh(kLength);
  State state = kFresh;
  crypto_generichash_blake2b_update(&state, reinterpret_cast<const uint8_t*>(bytes.data()),
                                    bytes.size());
  std::array<uint8_t, kLength> digest;
  crypto_generichash_blake2b_final(&state, digest.data(), kLength);
  return digest;
}

/// The two digits of each byte.
constexpr std::array<std::array<char, 2>, 256> HexPairs() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> pairs{};
  for (size_t byte = 0; byte < pairs.size(); ++byte)
    pairs[byte] = {kDigits[byte >> 4], kDigits[byte & 15]};
  return pairs;
}

}  // namespace

std::array<uint8_t, 8> Blake2b64(std::string_view bytes) { return Digest<8>(bytes); }

std::array<uint8_t, 16> Blake2b128(std::string_view bytes) { return Digest<16>(bytes); }

std::array<char, 32> HexDigits(const std::array<uint8_t, 16>& digest) {
  static constexpr auto kPairs = HexPairs();
  std::array<char, 32> hex;
  for (size_t i = 0; i < digest.size(); ++i) std::memcpy(&hex[2 * i], kPairs[digest[i]].data(), 2);
  return hex;
}

}  // namespace weir
