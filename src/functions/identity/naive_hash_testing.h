// SPDX-License-Identifier: Apache-2.0
//
// BLAKE2b after RFC 7693, one block after the other, as plainly as it can be written. For tests
// only.

#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace weir::testing {

/// The digest of `text` with `length` bytes, without a key.
inline std::vector<uint8_t> NaiveBlake2b(const std::string& text, size_t length) {
  static constexpr uint64_t kStart[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                                         0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                                         0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
  static constexpr uint8_t kOrder[10][16] = {
      {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
      {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
      {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
      {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
      {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
      {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
      {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
      {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
      {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
      {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};
  const auto rotate = [](uint64_t x, int n) { return x >> n | x << (64 - n); };
  std::array<uint64_t, 8> h;
  std::copy(std::begin(kStart), std::end(kStart), h.begin());
  h[0] ^= 0x01010000 ^ length;
  std::string padded = text;
  padded.resize(std::max<size_t>(1, (text.size() + 127) / 128) * 128);
  for (size_t block = 0; block < padded.size(); block += 128) {
    const bool last = block + 128 == padded.size();
    uint64_t m[16], v[16];
    for (size_t i = 0; i < 16; ++i) {
      m[i] = 0;
      for (size_t k = 0; k < 8; ++k) {
        m[i] |= static_cast<uint64_t>(static_cast<uint8_t>(padded[block + i * 8 + k])) << (8 * k);
      }
    }
    for (size_t i = 0; i < 8; ++i) v[i] = h[i], v[i + 8] = kStart[i];
    v[12] ^= last ? text.size() : block + 128;
    if (last) v[14] = ~v[14];
    const auto mix = [&](int a, int b, int c, int d, uint64_t x, uint64_t y) {
      v[a] += v[b] + x, v[d] = rotate(v[d] ^ v[a], 32), v[c] += v[d],
                        v[b] = rotate(v[b] ^ v[c], 24);
      v[a] += v[b] + y, v[d] = rotate(v[d] ^ v[a], 16), v[c] += v[d],
                        v[b] = rotate(v[b] ^ v[c], 63);
    };
    for (int round = 0; round < 12; ++round) {
      const uint8_t* s = kOrder[round % 10];
      for (int i = 0; i < 4; ++i) mix(i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
      for (int i = 0; i < 4; ++i)
        mix(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
            m[s[9 + 2 * i]]);
    }
    for (size_t i = 0; i < 8; ++i) h[i] ^= v[i] ^ v[i + 8];
  }
  std::vector<uint8_t> digest;
  for (size_t i = 0; i < length; ++i)
    digest.push_back(static_cast<uint8_t>(h[i / 8] >> (8 * (i % 8))));
  return digest;
}

/// 8 bytes, big endian, top bit cleared.
inline int64_t NaiveHash64(const std::string& text) {
  uint64_t number = 0;
  for (const uint8_t byte : NaiveBlake2b(text, 8)) number = number << 8 | byte;
  return static_cast<int64_t>(number & ~(uint64_t{1} << 63));
}

/// 16 bytes as hex digits.
inline std::string NaiveHash128(const std::string& text) {
  std::string hex;
  for (const uint8_t byte : NaiveBlake2b(text, 16)) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace weir::testing
