// SPDX-License-Identifier: Apache-2.0
//
// A sum of few limbs, for what fits the windows of a query (double_window.h). Private to the room.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "weir/functions/sums/rounding.h"

namespace weir {

/// A whole number in two's complement, lowest limb first.
template <size_t kLimbs>
struct Narrow {
  std::array<uint64_t, kLimbs> limbs{};

  /// Adds ± magnitude × 2^place. Returns false, and changes nothing, if the sum does not fit.
  bool Add(bool negative, UInt128 magnitude, unsigned place) {
    std::array<uint64_t, kLimbs> term{};
    const size_t first = place / 64;
    const unsigned bits = place % 64;
    const auto low = static_cast<uint64_t>(magnitude),
               high = static_cast<uint64_t>(magnitude >> 64);
    const uint64_t shifted[] = {low << bits,
                                bits == 0 ? high : (high << bits) | (low >> (64 - bits)),
                                bits == 0 ? 0 : high >> (64 - bits)};
    for (size_t i = 0; i < 3 && first + i < kLimbs; ++i) term[first + i] = shifted[i];
    return AddTerm(negative, term);
  }

  bool AddTerm(bool negative, const std::array<uint64_t, kLimbs>& term) {
    std::array<uint64_t, kLimbs> sum;
    uint64_t carry = negative ? 1 : 0;
    for (size_t i = 0; i < kLimbs; ++i) {
      const UInt128 part = static_cast<UInt128>(limbs[i]) + (negative ? ~term[i] : term[i]) + carry;
      sum[i] = static_cast<uint64_t>(part);
      carry = static_cast<uint64_t>(part >> 64);
    }
    const bool was_negative = IsNegative(), is_negative = (sum.back() >> 63) != 0;
    const bool term_is_negative = ((term.back() >> 63) != 0) != negative;
    if (was_negative == term_is_negative && is_negative != was_negative) return false;
    limbs = sum;
    return true;
  }

  bool IsNegative() const { return (limbs.back() >> 63) != 0; }
  std::array<uint64_t, kLimbs> Magnitude() const {
    if (!IsNegative()) return limbs;
    std::array<uint64_t, kLimbs> magnitude;
    uint64_t carry = 1;
    for (size_t i = 0; i < kLimbs; ++i) {
      magnitude[i] = ~limbs[i] + carry;
      carry = carry != 0 && magnitude[i] == 0 ? 1 : 0;
    }
    return magnitude;
  }
  template <typename Integer>
  Integer ToInteger() const {
    const auto magnitude = Magnitude();
    Integer integer = 0;
    for (size_t i = kLimbs; i-- > 0;) {
      integer <<= 64;
      integer |= magnitude[i];
    }
    return IsNegative() ? Integer(-integer) : integer;
  }
};

}  // namespace weir
