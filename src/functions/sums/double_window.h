// SPDX-License-Identifier: Apache-2.0
//
// Which doubles the narrow sums of a query hold. A narrow sum is a whole number of units of
// 2^exponent(): a double is one exactly if its last bit weighs no less, and fits if it leaves the
// sign a bit. All groups share one window, so that states merge by adding. Private to the room.

#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace weir {

constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr uint64_t kHiddenBit = uint64_t{1} << 52;
constexpr uint32_t kNotFinite = 0x7ff;  ///< biased exponent of infinities and NaN

inline uint32_t BiasedExponent(uint64_t bits) { return (bits >> 52) & 0x7ff; }
inline bool IsZero(uint64_t bits) { return (bits & ~kSignBit) == 0; }
inline bool IsFinite(uint64_t bits) { return BiasedExponent(bits) != kNotFinite; }

/// The magnitude of a finite double is Significand × 2^LastBit.
inline uint64_t Significand(uint64_t bits) {
  const uint64_t fraction = bits & (kHiddenBit - 1);
  return BiasedExponent(bits) == 0 ? fraction : fraction | kHiddenBit;
}
inline int LastBit(uint64_t bits) {
  return static_cast<int>(std::max(BiasedExponent(bits), uint32_t{1})) - 1075;
}

class DoubleWindow {
 public:
  /// The bits of a narrow sum that are neither the sign's nor those of the smallest double.
  static constexpr uint32_t kSpan = 127 - 53;

  bool is_chosen() const { return lowest_ != kNone; }
  /// Weight of a narrow sum's last bit: 2^exponent.
  int exponent() const { return static_cast<int>(lowest_) - 1075; }
  /// What makes a window the same.
  int16_t id() const { return static_cast<int16_t>(lowest_); }
  void Set(int16_t id) { lowest_ = static_cast<uint32_t>(id); }

  /// How far left the significand stands in a narrow sum; above kSpan if the double does not fit
  /// (zeros, infinities, NaN and subnormal numbers never do).
  uint32_t Place(uint64_t bits) const { return BiasedExponent(bits) - lowest_; }

  /// The usual window, 2^-12 … 2^63, if all of these fit or none is a number; else one where the
  /// greatest fit. `each(take)` calls take(bits) for every value.
  template <typename Each>
  void Choose(const Each& each) {
    uint32_t least = kNotFinite, greatest = 0;
    each([&](uint64_t bits) {
      const uint32_t exponent = BiasedExponent(bits);
      if (exponent == 0 || exponent == kNotFinite) return;
      least = std::min(least, exponent);
      greatest = std::max(greatest, exponent);
    });
    if (greatest == 0) return;
    lowest_ = kUsual;
    if (least >= kUsual && greatest <= kUsual + kSpan - kSlack) return;
    // Steps, so that the parts of a query come to the same window more often than not.
    const int wanted = std::min(static_cast<int>(least) - kSlack,
                                static_cast<int>(kNotFinite) - 1 - static_cast<int>(kSpan));
    const int needed = static_cast<int>(greatest) + kStep - static_cast<int>(kSpan);
    lowest_ = static_cast<uint32_t>(std::clamp(std::max(wanted, needed) / kStep * kStep, 1, 1971));
  }

 private:
  static constexpr uint32_t kUsual = 1011;
  static constexpr int kSlack = 8;  ///< powers of two left free
  static constexpr int kStep = 16;

  static constexpr uint32_t kNone = 0x4000;  ///< nothing fits

  uint32_t lowest_ = kNone;  ///< biased exponent of the doubles whose last bit is a narrow sum's
};

}  // namespace weir
