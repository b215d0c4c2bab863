// SPDX-License-Identifier: Apache-2.0
//
// How many values of a group are NaN or infinite, by kind: rows can be taken out again. Private to
// the room.

#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace weir {

struct NotFinite {
  int64_t nans = 0, infinities = 0, negative_infinities = 0;

  void Count(uint64_t bits, bool subtract) {
    const double value = std::bit_cast<double>(bits);
    (std::isnan(value) ? nans : value > 0 ? infinities : negative_infinities) += subtract ? -1 : 1;
  }
  void Add(const NotFinite& other) {
    nans += other.nans;
    infinities += other.infinities;
    negative_infinities += other.negative_infinities;
  }
  bool Any() const { return nans != 0 || infinities != 0 || negative_infinities != 0; }
  /// Of these and any finite values. REQUIRES: Any()
  double SumOrMean() const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (nans != 0 || (infinities != 0 && negative_infinities != 0))
      return std::numeric_limits<double>::quiet_NaN();
    return infinities != 0 ? kInfinity : -kInfinity;
  }
};

}  // namespace weir
