// SPDX-License-Identifier: Apache-2.0
//
// Exact sums and moments against a model that computes with fractions, and holds each result
// against its neighbours: no double may be nearer to the exact value.

#include <cmath>
#include <limits>
#include <set>

#include <boost/multiprecision/cpp_int.hpp>

#include "weir/functions/aggregates/aggregate_testing.h"

namespace weir::testing {
namespace {

using Fraction = boost::multiprecision::cpp_rational;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Fraction Exact(double value) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  const auto whole = static_cast<int64_t>(std::ldexp(fraction, 53));
  const boost::multiprecision::cpp_int power = boost::multiprecision::cpp_int(1)
                                               << std::abs(exponent - 53);
  return exponent >= 53 ? Fraction(whole * power) : Fraction(whole, power);
}

/// What the model says of a group.
struct Expected {
  enum { kNull, kSpecial, kExact, kRoot } kind = kNull;
  double special = 0;
  Fraction value = 0;     ///< of kRoot, its square
  bool negative = false;  ///< of kRoot
};

/// Whether `result` is the double nearest to the exact value, the even one of two.
void ExpectNearest(const Expected& expected, double result, const std::string& where) {
  const Fraction exact = abs(expected.value);
  const bool negative = expected.kind == Expected::kRoot ? expected.negative : expected.value < 0;
  if (exact == 0) {
    EXPECT_TRUE(result == 0 && !std::signbit(result)) << where << ": " << result;
    return;
  }
  EXPECT_TRUE(result == 0 || std::signbit(result) == negative) << where;
  const double magnitude = std::fabs(result);
  // What lies beyond the greatest double is as far away as one more step would be.
  const Fraction here = std::isinf(magnitude)
                            ? Exact(std::numeric_limits<double>::max()) + Exact(std::ldexp(1, 970))
                            : Exact(magnitude);
  const auto power = [&](const Fraction& f) {
    return expected.kind == Expected::kRoot ? Fraction(f * f) : f;
  };
  const bool even = (std::bit_cast<uint64_t>(magnitude) & 1) == 0;
  if (magnitude > 0) {
    const Fraction below = (here + Exact(std::nextafter(magnitude, 0))) / 2;
    EXPECT_TRUE(even || std::isinf(magnitude) ? power(below) <= exact : power(below) < exact)
        << where << ": " << result << " is too large";
  }
  if (!std::isinf(magnitude)) {
    const double next = std::nextafter(magnitude, kInfinity);
    const Fraction above =
        (here + (std::isinf(next) ? here + Exact(std::ldexp(1, 970)) : Exact(next))) / 2;
    EXPECT_TRUE(even ? exact <= power(above) : exact < power(above))
        << where << ": " << result << " is too small";
  }
}

struct Row {
  double y, x;
};

struct Moments {
  Fraction n, x, y, xx, yy, xy;
  explicit Moments(const std::vector<Row>& rows) : n(rows.size()) {
    for (const Row& row : rows) {
      const Fraction a = Exact(row.x), b = Exact(row.y);
      x += a;
      y += b;
      xx += a * a;
      yy += b * b;
      xy += a * b;
    }
  }
  // Sums around the means.
  Fraction Sxx() const { return xx - x * x / n; }
  Fraction Syy() const { return yy - y * y / n; }
  Fraction Sxy() const { return xy - x * y / n; }
};

bool IsOfTwo(const std::string& name) {
  return name.find("covar") != std::string::npos || name.find("corr") != std::string::npos ||
         name.find("regr") != std::string::npos;
}

Expected Special(double value) { return {.kind = Expected::kSpecial, .special = value}; }
Expected Value(Fraction value) { return {.kind = Expected::kExact, .value = std::move(value)}; }
Expected Root(Fraction square, bool negative = false) {
  return {.kind = Expected::kRoot, .value = std::move(square), .negative = negative};
}

/// The sum of values of which some are not finite, or nothing.
std::optional<Expected> MeanOfNotFinite(const std::vector<double>& values) {
  std::set<double> infinities;
  for (double value : values) {
    if (std::isnan(value)) return Special(kNaN);
    if (std::isinf(value)) infinities.insert(value);
  }
  if (infinities.empty()) return std::nullopt;
  return Special(infinities.size() == 2 ? kNaN : *infinities.begin());
}

Expected Model(const std::string& name, const std::vector<Row>& rows) {
  const size_t n = rows.size();
  if (n == 0) return {};
  std::vector<double> xs, ys;
  for (const Row& row : rows) {
    xs.push_back(row.x);
    ys.push_back(row.y);
  }
  const auto x_special = MeanOfNotFinite(xs), y_special = MeanOfNotFinite(ys);
  if (name == "exact_sum" || name == "exact_avg" || name == "exact_regr_avgx") {
    if (x_special) return *x_special;
  } else if (name == "exact_regr_avgy") {
    if (y_special) return *y_special;
  }
  const bool needs_two = name.ends_with("_samp") || name.ends_with("slope") ||
                         name.ends_with("intercept") || name.ends_with("r2");
  if (needs_two && n < 2) return {};
  const bool sees_x = name != "exact_regr_syy" && name != "exact_regr_avgy";
  const bool sees_y = IsOfTwo(name) && name != "exact_regr_sxx" && name != "exact_regr_avgx";
  if ((sees_x && x_special) || (sees_y && y_special)) return Special(kNaN);
  if (name == "exact_corr" && n < 2) return {};
  std::vector<Row> finite = rows;
  for (Row& row : finite) {  // what the function does not see
    if (!std::isfinite(row.x)) row.x = 0;
    if (!std::isfinite(row.y)) row.y = 0;
  }
  const Moments m(finite);
  if (name == "exact_sum") return Value(m.x);
  if (name == "exact_avg" || name == "exact_regr_avgx") return Value(m.x / m.n);
  if (name == "exact_regr_avgy") return Value(m.y / m.n);
  if (name == "exact_var_pop") return Value(m.Sxx() / m.n);
  if (name == "exact_var_samp") return Value(m.Sxx() / (m.n - 1));
  if (name == "exact_stddev_pop") return Root(m.Sxx() / m.n);
  if (name == "exact_stddev_samp") return Root(m.Sxx() / (m.n - 1));
  if (name == "exact_covar_pop") return Value(m.Sxy() / m.n);
  if (name == "exact_covar_samp") return Value(m.Sxy() / (m.n - 1));
  if (name == "exact_regr_sxx") return Value(m.Sxx());
  if (name == "exact_regr_syy") return Value(m.Syy());
  if (name == "exact_regr_sxy") return Value(m.Sxy());
  if (name == "exact_corr" || name == "exact_regr_r2") {
    if (m.Sxx() == 0 || m.Syy() == 0) return {};
    const Fraction square = m.Sxy() * m.Sxy() / (m.Sxx() * m.Syy());
    return name == "exact_corr" ? Root(square, m.Sxy() < 0) : Value(square);
  }
  if (m.Sxx() == 0) return {};
  if (name == "exact_regr_slope") return Value(m.Sxy() / m.Sxx());
  if (name == "exact_regr_intercept") return Value(m.y / m.n - m.Sxy() / m.Sxx() * m.x / m.n);
  ADD_FAILURE() << "no model of " << name;
  return {};
}

/// Doubles of one kind each: the kinds meet in no group unless they are mixed.
double RandomDouble(Random& random, int kind) {
  const double sign = random() % 2 == 0 ? 1 : -1;
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  switch (kind) {
    case 0:  // prices
      return sign * std::round(uniform() * 1e7) / 100;
    case 1:  // whole numbers, many equal, zeros of both signs
      return sign * static_cast<double>(random() % 4);
    case 2:  // all exponents
      return sign * std::ldexp(0.5 + uniform() / 2, static_cast<int>(random() % 2098) - 1073);
    case 3:  // what nearly cancels
      return sign * (1e16 + static_cast<double>(random() % 3));
    case 4:  // subnormal
      return sign * std::ldexp(static_cast<double>(random() % 9), -1074);
    case 5:  // the greatest
      return sign * std::numeric_limits<double>::max() * (1 - uniform() / 4);
    case 6:  // the edges of the usual window
      return sign * std::ldexp(1 + uniform(), random() % 2 == 0
                                                  ? -12 - static_cast<int>(random() % 3)
                                                  : 61 + static_cast<int>(random() % 4));
    case 7:  // small ones, all alike
      return sign * (1e-30 + uniform() * 1e-32);
    case 8: {
      const double specials[] = {kNaN, kInfinity, -kInfinity, 0.0, -0.0, -kNaN};
      return specials[random() % 6];
    }
    default:
      return RandomDouble(random, static_cast<int>(random() % (random() % 4 == 0 ? 9 : 8)));
  }
}

std::shared_ptr<arrow::Array> RandomDoubles(Random& random, size_t rows, int kind) {
  arrow::DoubleBuilder builder;
  for (size_t i = 0; i < rows; ++i) {
    EXPECT_TRUE(
        (random() % 9 == 0 ? builder.AppendNull() : builder.Append(RandomDouble(random, kind)))
            .ok());
  }
  return builder.Finish().ValueOrDie();
}

std::vector<std::string> ExactFunctions() {
  std::vector<std::string> names;
  const FunctionRegistry registry = NativeFunctions();
  for (const auto& function : registry.aggregates()) {
    if (!function->declaration().stands_for.empty()) names.push_back(function->declaration().name);
  }
  return names;
}

std::vector<Row> RowsOf(const Input& input, uint64_t group, bool distinct) {
  const auto& ys = static_cast<const arrow::DoubleArray&>(*input.arguments.front());
  const auto& xs = static_cast<const arrow::DoubleArray&>(*input.arguments.back());
  std::vector<Row> rows;
  for (size_t i = 0; i < input.groups.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    if (input.groups[i] != group || !Passes(input, i) || xs.IsNull(row) || ys.IsNull(row)) continue;
    const Row one{ys.Value(row), xs.Value(row)};
    const bool known = std::any_of(rows.begin(), rows.end(), [&](const Row& other) {
      return other.x == one.x || (std::isnan(other.x) && std::isnan(one.x));
    });
    if (!distinct || !known) rows.push_back(one);
  }
  return rows;
}

void ExpectModel(const std::string& name, const Input& input, const arrow::Array& results) {
  const auto& doubles = static_cast<const arrow::DoubleArray&>(results);
  for (int64_t group = 0; group < results.length(); ++group) {
    const auto rows = RowsOf(input, static_cast<uint64_t>(group), input.call.distinct);
    const std::string where =
        fmt::format("{}{} of {} rows", name, input.call.distinct ? " DISTINCT" : "", rows.size());
    const Expected expected = Model(name, rows);
    ASSERT_EQ(doubles.IsNull(group), expected.kind == Expected::kNull) << where;
    if (expected.kind == Expected::kNull) continue;
    const double result = doubles.Value(group);
    if (expected.kind == Expected::kSpecial) {
      EXPECT_TRUE(result == expected.special ||
                  (std::isnan(result) && std::isnan(expected.special)))
          << where << ": " << result;
    } else {
      ExpectNearest(expected, result, where);
    }
  }
}

TEST(ExactSums, AreTheNearestDoublesHoweverTheRowsCome) {
  Random random(14);
  for (int round = 0; round < 40; ++round) {
    for (const std::string& name : ExactFunctions()) {
      const size_t rows = random() % 120;
      const int64_t groups = 1 + static_cast<int64_t>(random() % 6);
      Input input;
      const int kind = static_cast<int>(random() % 12);
      input.arguments.push_back(RandomDoubles(random, rows, kind));
      if (IsOfTwo(name)) {
        input.arguments.push_back(RandomDoubles(
            random, rows, random() % 2 == 0 ? kind : static_cast<int>(random() % 12)));
      } else {
        input.call.distinct = random() % 4 == 0;
      }
      input.groups = RandomGroups(random, rows, groups);
      if (random() % 2 == 0) input.filter = RandomFilter(random, rows);
      const auto results = Plain(name, input, groups);
      ASSERT_NO_FATAL_FAILURE(ExpectModel(name, input, *results));
      const auto scrambled = Scrambled(name, input, groups, random);
      EXPECT_TRUE(scrambled->Equals(
          results, arrow::EqualOptions().nans_equal(true).signed_zeros_equal(false)))
          << name << "\n"
          << results->ToString() << "\n"
          << scrambled->ToString();
      if (HasFailure()) return;
    }
  }
}

TEST(ExactSums, RowsLeaveAsTheyCame) {
  Random random(15);
  for (const std::string& name : ExactFunctions()) {
    for (int kind = 0; kind < 10; ++kind) {
      const size_t rows = 60;
      Input all;
      for (int i = 0; i < (IsOfTwo(name) ? 2 : 1); ++i)
        all.arguments.push_back(RandomDoubles(random, rows, kind));
      all.groups.assign(rows, 0);
      all.call = {.distinct = !IsOfTwo(name) && kind % 2 == 0, .sliding = true};
      auto accumulator = NewAccumulator(name, all);
      ASSERT_TRUE(accumulator->supports_retract());
      for (int64_t first = 0, end = 0; end < static_cast<int64_t>(rows);) {
        const auto move = [&](int64_t from, int64_t to) {
          std::vector<int64_t> moved;
          for (int64_t row = from; row < to; ++row) moved.push_back(row);
          return TakeRows(all, moved);
        };
        const int64_t next = std::min<int64_t>(rows, end + 1 + static_cast<int64_t>(random() % 5));
        const Input in = move(end, next);
        Must(accumulator->Update(in.arguments, in.groups, nullptr, 1));
        end = next;
        const int64_t start =
            first + static_cast<int64_t>(random() % static_cast<uint64_t>(end - first + 1));
        const Input out = move(first, start);
        Must(accumulator->Retract(out.arguments, out.groups, 1));
        first = start;
        const Input frame = move(first, end);
        Input asked = frame;
        asked.call = all.call;
        ASSERT_NO_FATAL_FAILURE(ExpectModel(name, asked, **accumulator->Peek(1)));
      }
    }
  }
}

TEST(ExactSums, AnOrdinaryGroupCostsTensOfBytes) {
  constexpr int64_t kGroups = 100'000;
  Random random(16);
  for (const std::string name : {"exact_sum", "exact_avg", "exact_var_samp"}) {
    Input input;
    input.arguments.push_back(RandomDoubles(random, kGroups, 0));
    input.groups.resize(kGroups);
    for (size_t i = 0; i < kGroups; ++i) input.groups[i] = i;
    auto accumulator = NewAccumulator(name, input);
    Must(accumulator->Update(input.arguments, input.groups, nullptr, kGroups));
    EXPECT_LT(accumulator->SizeBytes() / kGroups, name == "exact_var_samp" ? 64 : 32) << name;
  }
}

TEST(ExactSums, SumsThatTheEngineGetsWrong) {
  const auto sum = [](const std::string& json) {
    Input input;
    input.arguments.push_back(FromJson(arrow::float64(), json));
    input.groups.assign(static_cast<size_t>(input.arguments[0]->length()), 0);
    return static_cast<const arrow::DoubleArray&>(*Plain("exact_sum", input, 1)).Value(0);
  };
  EXPECT_EQ(sum("[1e300, 1, -1e300]"), 1);
  EXPECT_EQ(sum("[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]"), 1);
  EXPECT_EQ(sum("[1.7976931348623157e308, 1.7976931348623157e308, -1.7976931348623157e308]"),
            1.7976931348623157e308);
  EXPECT_EQ(sum("[1.7976931348623157e308, 1.7976931348623157e308]"), kInfinity);
  EXPECT_FALSE(std::signbit(sum("[-0.0, -0.0]")));
}

}  // namespace
}  // namespace weir::testing
