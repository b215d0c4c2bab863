// SPDX-License-Identifier: Apache-2.0
//
// A sum that holds any number of any doubles, or of products of two, exactly: one long integer, a
// superaccumulator as Radford Neal's (arXiv:1505.05571), with all carries done at once. What few
// groups need, beside the narrow sums of exact_sums.cc. Private to the room.

#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "weir/functions/sums/rounding.h"

namespace weir {

/// The sum is an integer in two's complement, lowest limb first, × 2^kLowestBit.
template <int kLowestBit_, size_t kLimbs>
class WideSum {
 public:
  static constexpr int kLowestBit = kLowestBit_;

  /// Adds ± magnitude × 2^exponent; the lowest limb comes first.
  /// REQUIRES: exponent >= kLowestBit
  void Add(bool negative, std::span<const uint64_t> magnitude, int exponent) {
    const auto position = static_cast<size_t>(exponent - kLowestBit);
    const size_t first = position / 64;
    const unsigned bits = position % 64;
    uint64_t before = 0;
    bool carry = false;
    for (size_t i = first; i < kLimbs; ++i) {
      uint64_t limb = 0;
      if (i - first <= magnitude.size()) {
        const uint64_t next = i - first < magnitude.size() ? magnitude[i - first] : 0;
        limb = bits == 0 ? next : (next << bits) | (before >> (64 - bits));
        before = next;
      } else if (!carry) {
        return;
      }
      limbs_[i] =
          negative ? LessWithBorrow(limbs_[i], limb, carry) : MoreWithCarry(limbs_[i], limb, carry);
    }
  }

  void Add(bool negative, UInt128 magnitude, int exponent) {
    const uint64_t limbs[] = {static_cast<uint64_t>(magnitude),
                              static_cast<uint64_t>(magnitude >> 64)};
    Add(negative, limbs, exponent);
  }
  void Add(const WideSum& other) {
    bool carry = false;
    for (size_t i = 0; i < kLimbs; ++i)
      limbs_[i] = MoreWithCarry(limbs_[i], other.limbs_[i], carry);
  }

  /// In units of 2^kLowestBit.
  LongInteger ToInteger() const {
    const bool negative = (limbs_.back() >> 63) != 0;
    std::array<uint64_t, kLimbs> magnitude = limbs_;
    if (negative) {
      bool carry = true;
      for (uint64_t& limb : magnitude) limb = MoreWithCarry(~limb, 0, carry);
    }
    LongInteger integer;
    import_bits(integer, magnitude.begin(), magnitude.end(), 64, /*msv_first=*/false);
    return negative ? LongInteger(-integer) : integer;
  }

 private:
  static uint64_t MoreWithCarry(uint64_t a, uint64_t b, bool& carry) {
    uint64_t sum;
    const bool first = __builtin_add_overflow(a, b, &sum);
    const bool second = __builtin_add_overflow(sum, static_cast<uint64_t>(carry), &sum);
    carry = first || second;
    return sum;
  }
  static uint64_t LessWithBorrow(uint64_t a, uint64_t b, bool& borrow) {
    uint64_t difference;
    const bool first = __builtin_sub_overflow(a, b, &difference);
    const bool second =
        __builtin_sub_overflow(difference, static_cast<uint64_t>(borrow), &difference);
    borrow = first || second;
    return difference;
  }

  std::array<uint64_t, kLimbs> limbs_{};
};

/// Of doubles: 2^-1074 … 2^1024, and room for 2^76 of them.
using WideDoubleSum = WideSum<-1074, 34>;
/// Of products of two doubles: 2^-2148 … 2^2048, and room for 2^90.
using WideProductSum = WideSum<-2148, 67>;

}  // namespace weir
