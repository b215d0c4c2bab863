// SPDX-License-Identifier: Apache-2.0
//
// From exact numbers to the nearest double, ties to even: the one rounding of exact sums and of
// what is computed from them. Private to the room.

#pragma once

#include <cstdint>

#include <boost/multiprecision/cpp_int.hpp>

namespace weir {

__extension__ using UInt128 = unsigned __int128;
__extension__ using Int128 = __int128;

/// ± (top × 2^exponent), plus a little less than 2^exponent more if `sticky`. Beyond the greatest
/// double it is an infinity. REQUIRES: top >= 2^64 if `sticky`
double NearestDouble(bool negative, UInt128 top, bool sticky, int64_t exponent);

/// sum × 2^exponent.
double NearestDouble(Int128 sum, int64_t exponent);

/// sum × 2^exponent / divisor. REQUIRES: 0 < divisor < 2^63
double NearestQuotient(Int128 sum, int64_t exponent, int64_t divisor);

/// Whole numbers of any length, and those of up to 1,024 bits, which need no memory of their own.
using LongInteger = boost::multiprecision::cpp_int;
using ShortInteger = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<
    1024, 1024, boost::multiprecision::signed_magnitude, boost::multiprecision::unchecked, void>>;

/// numerator / denominator × 2^exponent. The numbers have less than 850 bits if they are short.
/// REQUIRES: denominator > 0
double NearestQuotient(const LongInteger& numerator, const LongInteger& denominator,
                       int64_t exponent);
double NearestQuotient(const ShortInteger& numerator, const ShortInteger& denominator,
                       int64_t exponent);

/// The square root of the same. REQUIRES: numerator >= 0, denominator > 0
double NearestRoot(const LongInteger& numerator, const LongInteger& denominator, int64_t exponent);
double NearestRoot(const ShortInteger& numerator, const ShortInteger& denominator,
                   int64_t exponent);

}  // namespace weir
