// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/sums/rounding.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace weir {

namespace {

constexpr int kPrecision = 53;
/// Weight of the last bit of the smallest double.
constexpr int64_t kLowestBit = -1074;

int LeadingZeros(UInt128 x) {
  const auto high = static_cast<uint64_t>(x >> 64), low = static_cast<uint64_t>(x);
  return high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll(low);
}

UInt128 Magnitude(Int128 x) { return x < 0 ? -static_cast<UInt128>(x) : static_cast<UInt128>(x); }

/// A quotient's leading bits: top × 2^exponent, and whether something is left.
struct Leading {
  UInt128 top = 0;
  bool sticky = false;
  int64_t exponent = 0;
};

/// From 126 to 128 leading bits of numerator / denominator × 2^exponent, with an even exponent.
template <typename Integer>
Leading LeadingBits(Integer numerator, const Integer& denominator, int64_t exponent) {
  const int64_t have =
      static_cast<int64_t>(msb(numerator)) - static_cast<int64_t>(msb(denominator));
  // The quotient then has 126 or 127 bits, or one more.
  int64_t shift = 126 - have;
  if (((exponent - shift) & 1) != 0) ++shift;
  Leading leading;
  leading.exponent = exponent - shift;
  Integer divisor = denominator;
  if (shift >= 0) {
    numerator <<= static_cast<unsigned>(shift);
  } else {
    divisor <<= static_cast<unsigned>(-shift);
  }
  Integer quotient, rest;
  divide_qr(numerator, divisor, quotient, rest);
  const auto high = static_cast<Integer>(quotient >> 64).template convert_to<uint64_t>();
  const auto low = static_cast<Integer>(quotient & UINT64_MAX).template convert_to<uint64_t>();
  leading.top = (static_cast<UInt128>(high) << 64) | low;
  leading.sticky = rest != 0;
  return leading;
}

/// The largest whole number whose square is at most `x`.
uint64_t WholeRoot(UInt128 x) {
  const long double about = std::sqrt(static_cast<long double>(x));
  auto root = static_cast<uint64_t>(std::min(about, static_cast<long double>(UINT64_MAX)));
  while (static_cast<UInt128>(root) * root > x) --root;
  while (root < UINT64_MAX && static_cast<UInt128>(root + 1) * (root + 1) <= x) ++root;
  return root;
}

template <typename Integer>
double Quotient(const Integer& numerator, const Integer& denominator, int64_t exponent) {
  if (numerator == 0) return 0.0;
  const Leading leading = LeadingBits<Integer>(abs(numerator), denominator, exponent);
  return NearestDouble(numerator < 0, leading.top, leading.sticky, leading.exponent);
}

template <typename Integer>
double Root(const Integer& numerator, const Integer& denominator, int64_t exponent) {
  if (numerator == 0) return 0.0;
  // The root of a whole number's fraction is that of the number: 63 or 64 bits.
  const Leading leading = LeadingBits<Integer>(numerator, denominator, exponent);
  const uint64_t root = WholeRoot(leading.top);
  const bool sticky = leading.sticky || static_cast<UInt128>(root) * root != leading.top;
  // Two more bits tell a half from more than a half: none of the root's own can be lost.
  const UInt128 top = (static_cast<UInt128>(root) << 2) | (sticky ? 1 : 0);
  return NearestDouble(false, top, false, leading.exponent / 2 - 2);
}

}  // namespace

double NearestDouble(bool negative, UInt128 top, bool sticky, int64_t exponent) {
  if (top == 0) return negative ? -0.0 : 0.0;
  const int length = 128 - LeadingZeros(top);
  const int64_t last_bit = std::max(exponent + length - kPrecision, kLowestBit);
  int64_t shift = last_bit - exponent;
  if (shift > 120) {  // far below the smallest double: keeps whether there is something
    const int64_t surplus = std::min<int64_t>(shift - 120, 127);
    sticky = sticky || (top & ((UInt128{1} << surplus) - 1)) != 0;
    top >>= surplus;
    if (shift - surplus > 120) return negative ? -0.0 : 0.0;
    shift -= surplus;
    if (top == 0) return negative ? -0.0 : 0.0;
  }
  UInt128 kept = top;
  if (shift > 0) {
    kept = top >> shift;
    const UInt128 rest = top & ((UInt128{1} << shift) - 1);
    const UInt128 half = UInt128{1} << (shift - 1);
    if (rest > half || (rest == half && (sticky || (kept & 1) != 0))) ++kept;
  } else if (shift < 0) {
    kept = top << -shift;
  }
  if (last_bit > std::numeric_limits<double>::max_exponent) {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative ? -infinity : infinity;
  }
  const double magnitude =
      std::ldexp(static_cast<double>(static_cast<uint64_t>(kept)), static_cast<int>(last_bit));
  return negative ? -magnitude : magnitude;
}

double NearestDouble(Int128 sum, int64_t exponent) {
  // A sum of zero is +0.
  return NearestDouble(sum < 0, Magnitude(sum), false, exponent);
}

double NearestQuotient(Int128 sum, int64_t exponent, int64_t divisor) {
  if (sum == 0) return 0.0;
  UInt128 magnitude = Magnitude(sum);
  const int room = LeadingZeros(magnitude);
  magnitude <<= room;
  const auto by = static_cast<uint64_t>(divisor);
  const UInt128 quotient = magnitude / by;
  return NearestDouble(sum < 0, quotient, quotient * by != magnitude, exponent - room);
}

double NearestQuotient(const LongInteger& numerator, const LongInteger& denominator,
                       int64_t exponent) {
  return Quotient(numerator, denominator, exponent);
}
double NearestQuotient(const ShortInteger& numerator, const ShortInteger& denominator,
                       int64_t exponent) {
  return Quotient(numerator, denominator, exponent);
}
double NearestRoot(const LongInteger& numerator, const LongInteger& denominator, int64_t exponent) {
  return Root(numerator, denominator, exponent);
}
double NearestRoot(const ShortInteger& numerator, const ShortInteger& denominator,
                   int64_t exponent) {
  return Root(numerator, denominator, exponent);
}

}  // namespace weir
