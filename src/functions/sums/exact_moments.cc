// SPDX-License-Identifier: Apache-2.0
//
// Variances, covariances, correlation and regression of doubles from the exact sums of x, y, x², y²
// and xy, rounded once. They depend on the bag of their rows alone, and rows can be taken out
// again.
//
//   group → narrow    sums of 128 bits, of products 256, in units of the windows (double_window.h)
//         → wide      where a value did not fit: sums of any doubles, counters of what is not
//         finite

#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>

#include "weir/functions/function_sets.h"
#include "weir/functions/result_buffers.h"
#include "weir/functions/sums/double_window.h"
#include "weir/functions/sums/exact_aggregate.h"
#include "weir/functions/sums/exact_groups.h"
#include "weir/functions/sums/narrow_sum.h"
#include "weir/functions/sums/not_finite.h"
#include "weir/functions/sums/rounding.h"
#include "weir/functions/sums/wide_sum.h"

namespace weir {
namespace {

using arrow::internal::checked_cast;

enum class Moment {
  kVarSamp,
  kVarPop,
  kStddevSamp,
  kStddevPop,
  kCovarSamp,
  kCovarPop,
  kCorr,
  kSlope,
  kIntercept,
  kR2,
  kAvgX,
  kAvgY,
  kSxx,
  kSyy,
  kSxy,
};

/// One group's wide sums. Without y there is but one column.
template <bool kHasY>
struct WideSums {
  WideDoubleSum x;
  WideProductSum xx;
  NotFinite x_not_finite;
};
template <>
struct WideSums<true> {
  WideDoubleSum x;
  WideProductSum xx;
  NotFinite x_not_finite;
  WideDoubleSum y;
  WideProductSum yy, xy;
  NotFinite y_not_finite;
};

/// One group's narrow sums. Without y there is but one column.
template <bool kHasY>
struct NarrowSums {
  int64_t count = 0;
  Narrow<2> x;
  Narrow<4> xx;
};
template <>
struct NarrowSums<true> {
  int64_t count = 0;
  Narrow<2> x;
  Narrow<4> xx;
  Narrow<2> y;
  Narrow<4> yy, xy;
};

/// The sums of n rows, each in units of its own: x in 2^x_unit, xx in the square of that, and so
/// on.
template <typename Integer>
struct Sums {
  int64_t n = 0;
  Integer x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  int64_t x_unit = 0, y_unit = 0;
};

template <typename Integer>
std::optional<double> Of(Moment moment, const Sums<Integer>& s) {
  const Integer n = s.n;
  const auto sxx = [&] { return Integer(n * s.xx - s.x * s.x); };  // n times the centred sum
  const auto syy = [&] { return Integer(n * s.yy - s.y * s.y); };
  const auto sxy = [&] { return Integer(n * s.xy - s.x * s.y); };
  const auto square = [](const Integer& i) { return Integer(i * i); };
  switch (moment) {
    case Moment::kVarSamp:
      return NearestQuotient(sxx(), Integer(n * (n - 1)), 2 * s.x_unit);
    case Moment::kVarPop:
      return NearestQuotient(sxx(), square(n), 2 * s.x_unit);
    case Moment::kStddevSamp:
      return NearestRoot(sxx(), Integer(n * (n - 1)), 2 * s.x_unit);
    case Moment::kStddevPop:
      return NearestRoot(sxx(), square(n), 2 * s.x_unit);
    case Moment::kCovarSamp:
      return NearestQuotient(sxy(), Integer(n * (n - 1)), s.x_unit + s.y_unit);
    case Moment::kCovarPop:
      return NearestQuotient(sxy(), square(n), s.x_unit + s.y_unit);
    case Moment::kCorr: {
      const Integer of_both = sxy();
      const Integer spread = sxx() * syy();
      if (spread == 0) return std::nullopt;
      const double magnitude = NearestRoot(square(of_both), spread, 0);
      return of_both < 0 ? -magnitude : magnitude;
    }
    case Moment::kR2: {
      const Integer spread = sxx() * syy();
      if (spread == 0) return std::nullopt;
      return NearestQuotient(square(sxy()), spread, 0);
    }
    case Moment::kSlope: {
      const Integer spread = sxx();
      if (spread == 0) return std::nullopt;
      return NearestQuotient(sxy(), spread, s.y_unit - s.x_unit);
    }
    case Moment::kIntercept: {
      const Integer spread = sxx();
      if (spread == 0) return std::nullopt;
      return NearestQuotient(Integer(spread * s.y - sxy() * s.x), Integer(n * spread), s.y_unit);
    }
    case Moment::kAvgX:
      return NearestQuotient(s.x, n, s.x_unit);
    case Moment::kAvgY:
      return NearestQuotient(s.y, n, s.y_unit);
    case Moment::kSxx:
      return NearestQuotient(sxx(), n, 2 * s.x_unit);
    case Moment::kSyy:
      return NearestQuotient(syy(), n, 2 * s.y_unit);
    case Moment::kSxy:
      return NearestQuotient(sxy(), n, s.x_unit + s.y_unit);
  }
  return std::nullopt;
}

/// What a group gives for the values in it that are not finite; nothing: they do not matter.
std::optional<double> OfNotFinite(Moment moment, const NotFinite& x, const NotFinite& y) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  bool matter = x.Any() || y.Any();
  switch (moment) {
    case Moment::kAvgX:
      return x.Any() ? std::optional(x.SumOrMean()) : std::nullopt;
    case Moment::kAvgY:
      return y.Any() ? std::optional(y.SumOrMean()) : std::nullopt;
    case Moment::kVarSamp:
    case Moment::kVarPop:
    case Moment::kStddevSamp:
    case Moment::kStddevPop:
    case Moment::kSxx:
      matter = x.Any();
      break;
    case Moment::kSyy:
      matter = y.Any();
      break;
    default:
      break;
  }
  return matter ? std::optional(kNaN) : std::nullopt;
}

/// Fewer rows give NULL.
int64_t RowsNeeded(Moment moment) {
  switch (moment) {
    case Moment::kVarSamp:
    case Moment::kStddevSamp:
    case Moment::kCovarSamp:
    case Moment::kCorr:
    case Moment::kSlope:
    case Moment::kIntercept:
    case Moment::kR2:
      return 2;
    default:
      return 1;
  }
}

/// State: `narrow` the bytes of a group's sums · `x_window`, `y_window` int16 · `wide` the bytes of
/// its WideSums, or NULL. With y, the arguments are y and x, as SQL has them.
template <bool kHasY>
class ExactMomentAccumulator final : public ExactGroups<NarrowSums<kHasY>, WideSums<kHasY>> {
  using Group = NarrowSums<kHasY>;
  using Wide = WideSums<kHasY>;
  using Groups = ExactGroups<Group, Wide>;
  using Groups::groups_, Groups::wides_, Groups::Grow, Groups::WideOf;

 public:
  explicit ExactMomentAccumulator(Moment moment) : moment_(moment) {}

  Status Merge(const arrow::ArrayVector& states, std::span<const uint64_t> group_indices,
               const arrow::BooleanArray* filter, int64_t group_count) override {
    Grow(group_count);
    const auto& narrows = checked_cast<const arrow::FixedSizeBinaryArray&>(*states[0]);
    const auto& x_windows = checked_cast<const arrow::Int16Array&>(*states[1]);
    const auto& y_windows = checked_cast<const arrow::Int16Array&>(*states[2]);
    const auto& wides = checked_cast<const arrow::BinaryArray&>(*states[3]);
    for (int64_t row = 0; row < narrows.length(); ++row) {
      if (narrows.IsNull(row)) continue;
      if (filter != nullptr && (filter->IsNull(row) || !filter->Value(row))) continue;
      NarrowSums<kHasY> other;
      std::memcpy(static_cast<void*>(&other), narrows.GetValue(row), sizeof other);
      if (other.count == 0) continue;
      const uint64_t group = group_indices[static_cast<size_t>(row)];
      DoubleWindow x, y;
      x.Set(x_windows.Value(row));
      y.Set(y_windows.Value(row));
      if (!x_window_.is_chosen()) x_window_ = x;
      if (!y_window_.is_chosen()) y_window_ = y;
      const bool same = x.id() == x_window_.id() && y.id() == y_window_.id();
      if (!same || !AddNarrow(groups_[group], other)) AddToWide(WideOf(group), other, x, y);
      groups_[group].count += other.count;
      if (wides.IsValid(row)) {
        const Wide more = WideGroups<Wide>::FromState(wides, row);
        AddWide(WideOf(group), more);
      }
    }
    return Status::OK();
  }

  Result<arrow::ArrayVector> PeekState(int64_t count) const override {
    WEIR_ASSIGN_OR_RETURN(auto narrows, FixedColumnWriter<NarrowSums<kHasY>>::Make(count));
    WEIR_ASSIGN_OR_RETURN(auto x_windows, FixedColumnWriter<int16_t>::Make(count));
    WEIR_ASSIGN_OR_RETURN(auto y_windows, FixedColumnWriter<int16_t>::Make(count));
    for (int64_t group = 0; group < count; ++group) {
      narrows.Set(group, groups_[static_cast<size_t>(group)]);
      x_windows.Set(group, x_window_.id());
      y_windows.Set(group, y_window_.id());
    }
    WEIR_ASSIGN_OR_RETURN(auto wides, wides_.Column(count));
    return arrow::ArrayVector{narrows.Finish(arrow::fixed_size_binary(sizeof(NarrowSums<kHasY>))),
                              x_windows.Finish(arrow::int16()), y_windows.Finish(arrow::int16()),
                              std::move(wides)};
  }

  Result<arrow::ArrayVector> ConvertToState(const arrow::ArrayVector& arguments,
                                            const arrow::BooleanArray* filter) const override {
    ExactMomentAccumulator alone(moment_);
    alone.x_window_ = x_window_;
    alone.y_window_ = y_window_;
    return Groups::StatesOfRows(alone, arguments, filter);
  }

 private:
  void Add(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
           const arrow::BooleanArray* filter, bool subtract) override {
    const auto& ys = checked_cast<const arrow::DoubleArray&>(*arguments.front());
    const auto& xs = checked_cast<const arrow::DoubleArray&>(*arguments.back());
    const auto takes_part = [&](int64_t row) {
      return xs.IsValid(row) && ys.IsValid(row) &&
             (filter == nullptr || (filter->IsValid(row) && filter->Value(row)));
    };
    const auto choose = [&](DoubleWindow& window, const arrow::DoubleArray& values) {
      if (window.is_chosen()) return;
      window.Choose([&](const auto& take) {
        for (int64_t row = 0; row < values.length(); ++row) {
          if (takes_part(row)) take(std::bit_cast<uint64_t>(values.Value(row)));
        }
      });
    };
    choose(x_window_, xs);
    choose(y_window_, ys);
    for (int64_t row = 0; row < xs.length(); ++row) {
      if (!takes_part(row)) continue;
      AddOne(group_indices[static_cast<size_t>(row)], std::bit_cast<uint64_t>(xs.Value(row)),
             std::bit_cast<uint64_t>(ys.Value(row)), subtract);
    }
  }

  void AddOne(uint64_t index, uint64_t x, uint64_t y, bool subtract) {
    Group& group = groups_[index];
    group.count += subtract ? -1 : 1;
    if (IsZero(x) && (!kHasY || IsZero(y))) return;
    const uint32_t x_place = x_window_.Place(x), y_place = y_window_.Place(y);
    // A zero adds nothing wherever it stands.
    if ((IsZero(x) || x_place <= DoubleWindow::kSpan) &&
        (!kHasY || IsZero(y) || y_place <= DoubleWindow::kSpan)) {
      Group sums = group;
      if (AddToNarrow(sums, x, y, IsZero(x) ? 0 : x_place, IsZero(y) ? 0 : y_place, subtract)) {
        group = sums;
        return;
      }
    }
    AddToWide(WideOf(index), x, y, subtract);
  }

  static bool AddToNarrow(Group& sums, uint64_t x, uint64_t y, uint32_t x_place, uint32_t y_place,
                          bool subtract) {
    const bool x_negative = (x & kSignBit) != 0, y_negative = (y & kSignBit) != 0;
    const UInt128 x_significand = Significand(x), y_significand = Significand(y);
    bool fits = sums.x.Add(x_negative != subtract, x_significand, x_place) &&
                sums.xx.Add(subtract, x_significand * x_significand, 2 * x_place);
    if constexpr (kHasY) {
      fits = fits && sums.y.Add(y_negative != subtract, y_significand, y_place) &&
             sums.yy.Add(subtract, y_significand * y_significand, 2 * y_place) &&
             sums.xy.Add((x_negative != y_negative) != subtract, x_significand * y_significand,
                         x_place + y_place);
    }
    return fits;
  }

  static void AddToWide(Wide& wide, uint64_t x, uint64_t y, bool subtract) {
    const auto add = [&](auto& sum, bool negative, UInt128 magnitude, int last_bit) {
      sum.Add(negative != subtract, magnitude, last_bit);
    };
    const bool x_negative = (x & kSignBit) != 0, y_negative = (y & kSignBit) != 0;
    if (IsFinite(x)) {
      add(wide.x, x_negative, Significand(x), LastBit(x));
      add(wide.xx, false, static_cast<UInt128>(Significand(x)) * Significand(x), 2 * LastBit(x));
    } else {
      wide.x_not_finite.Count(x, subtract);
    }
    if constexpr (kHasY) {
      if (IsFinite(y)) {
        add(wide.y, y_negative, Significand(y), LastBit(y));
        add(wide.yy, false, static_cast<UInt128>(Significand(y)) * Significand(y), 2 * LastBit(y));
      } else {
        wide.y_not_finite.Count(y, subtract);
      }
      if (IsFinite(x) && IsFinite(y)) {
        add(wide.xy, x_negative != y_negative,
            static_cast<UInt128>(Significand(x)) * Significand(y), LastBit(x) + LastBit(y));
      }
    }
  }

  /// Adds the sums, not the count. Returns false, and changes nothing, if they do not fit.
  static bool AddNarrow(Group& group, const Group& other) {
    Group sums = group;
    bool fits = sums.x.AddTerm(false, other.x.limbs) && sums.xx.AddTerm(false, other.xx.limbs);
    if constexpr (kHasY) {
      fits = fits && sums.y.AddTerm(false, other.y.limbs) &&
             sums.yy.AddTerm(false, other.yy.limbs) && sums.xy.AddTerm(false, other.xy.limbs);
    }
    if (fits) group = sums;
    return fits;
  }

  /// The same where the sums are in units of other windows.
  static void AddToWide(Wide& wide, const Group& other, const DoubleWindow& x_window,
                        const DoubleWindow& y_window) {
    const auto add = [](auto& sum, const auto& narrow, int unit) {
      sum.Add(narrow.IsNegative(), narrow.Magnitude(), unit);
    };
    // A window that was never chosen has sums of zero.
    const int x_unit = x_window.is_chosen() ? x_window.exponent() : 0;
    const int y_unit = y_window.is_chosen() ? y_window.exponent() : 0;
    add(wide.x, other.x, x_unit);
    add(wide.xx, other.xx, 2 * x_unit);
    if constexpr (kHasY) {
      add(wide.y, other.y, y_unit);
      add(wide.yy, other.yy, 2 * y_unit);
      add(wide.xy, other.xy, x_unit + y_unit);
    }
  }

  static void AddWide(Wide& wide, const Wide& other) {
    wide.x.Add(other.x);
    wide.xx.Add(other.xx);
    wide.x_not_finite.Add(other.x_not_finite);
    if constexpr (kHasY) {
      wide.y.Add(other.y);
      wide.yy.Add(other.yy);
      wide.xy.Add(other.xy);
      wide.y_not_finite.Add(other.y_not_finite);
    }
  }

  static NotFinite YNotFinite(const Wide& wide) {
    if constexpr (kHasY) return wide.y_not_finite;
    return {};
  }

  std::optional<double> ResultOf(const Group& group, const Wide* wide) const override {
    // The engine's corr is NaN even of one row.
    if (wide != nullptr && moment_ == Moment::kCorr && group.count == 1 &&
        (wide->x_not_finite.Any() || YNotFinite(*wide).Any()))
      return std::numeric_limits<double>::quiet_NaN();
    if (group.count < RowsNeeded(moment_)) return std::nullopt;
    if (wide == nullptr) {
      Sums<ShortInteger> sums{.n = group.count,
                              .x = group.x.template ToInteger<ShortInteger>(),
                              .xx = group.xx.template ToInteger<ShortInteger>(),
                              .x_unit = x_window_.is_chosen() ? x_window_.exponent() : 0,
                              .y_unit = y_window_.is_chosen() ? y_window_.exponent() : 0};
      if constexpr (kHasY) {
        sums.y = group.y.template ToInteger<ShortInteger>();
        sums.yy = group.yy.template ToInteger<ShortInteger>();
        sums.xy = group.xy.template ToInteger<ShortInteger>();
      }
      return Of(moment_, sums);
    }
    const auto not_finite = OfNotFinite(moment_, wide->x_not_finite, YNotFinite(*wide));
    if (not_finite) return not_finite;
    Wide all = *wide;
    AddToWide(all, group, x_window_, y_window_);
    Sums<LongInteger> sums{.n = group.count,
                           .x = all.x.ToInteger(),
                           .xx = all.xx.ToInteger(),
                           .x_unit = WideDoubleSum::kLowestBit,
                           .y_unit = WideDoubleSum::kLowestBit};
    if constexpr (kHasY) {
      sums.y = all.y.ToInteger();
      sums.yy = all.yy.ToInteger();
      sums.xy = all.xy.ToInteger();
    }
    return Of(moment_, sums);
  }

  Moment moment_;
  DoubleWindow x_window_, y_window_;
};

struct MomentText {
  Moment moment;
  bool has_y;
  const char* name;
  const char* stands_for;
  const char* what;
};

constexpr MomentText kMoments[] = {
    {Moment::kVarSamp, false, "exact_var_samp", "var", "The sample variance"},
    {Moment::kVarPop, false, "exact_var_pop", "var_pop", "The population variance"},
    {Moment::kStddevSamp, false, "exact_stddev_samp", "stddev", "The sample standard deviation"},
    {Moment::kStddevPop, false, "exact_stddev_pop", "stddev_pop",
     "The population standard deviation"},
    {Moment::kCovarSamp, true, "exact_covar_samp", "covar_samp", "The sample covariance"},
    {Moment::kCovarPop, true, "exact_covar_pop", "covar_pop", "The population covariance"},
    {Moment::kCorr, true, "exact_corr", "corr", "The coefficient of correlation"},
    {Moment::kSlope, true, "exact_regr_slope", "regr_slope", "The slope of the regression line"},
    {Moment::kIntercept, true, "exact_regr_intercept", "regr_intercept",
     "Where the regression line crosses x = 0"},
    {Moment::kR2, true, "exact_regr_r2", "regr_r2", "The square of the coefficient of correlation"},
    {Moment::kAvgX, true, "exact_regr_avgx", "regr_avgx", "The mean of x where y is not NULL"},
    {Moment::kAvgY, true, "exact_regr_avgy", "regr_avgy", "The mean of y where x is not NULL"},
    {Moment::kSxx, true, "exact_regr_sxx", "regr_sxx", "The sum of squares of x around its mean"},
    {Moment::kSyy, true, "exact_regr_syy", "regr_syy", "The sum of squares of y around its mean"},
    {Moment::kSxy, true, "exact_regr_sxy", "regr_sxy",
     "The sum of products of x and y around their means"},
};

FunctionDeclaration Declare(const MomentText& text) {
  FunctionDeclaration declaration = DeclareExact(text.name, text.stands_for, text.what);
  const std::string at_least = RowsNeeded(text.moment) == 1 ? "one row is" : "two rows are";
  declaration.null_handling = "Rows with a NULL are left out; NULL unless " + at_least +
                              " left. NaN and infinities give NaN.";
  if (text.has_y) {
    declaration.arguments = {{"y", "float64", "The dependent values."},
                             {"x", "float64", "The independent values."}};
    declaration.signatures = {{arrow::float64(), arrow::float64()}};
    declaration.example = declaration.name + "(arr_delay, dep_delay)";
  } else {
    declaration.arguments = {{"x", "float64", "The values."}};
    declaration.signatures = {{arrow::float64()}};
    declaration.takes_distinct = true;
    declaration.example = declaration.name + "(distance)";
  }
  return declaration;
}

template <bool kHasY>
std::shared_ptr<const AggregateFunction> Make(const MomentText& text) {
  return MakeExactAggregate(
      Declare(text),
      {arrow::field("narrow", arrow::fixed_size_binary(sizeof(NarrowSums<kHasY>)), false),
       arrow::field("x_window", arrow::int16(), false),
       arrow::field("y_window", arrow::int16(), false), WideGroups<WideSums<kHasY>>::Field()},
      [moment = text.moment] { return std::make_unique<ExactMomentAccumulator<kHasY>>(moment); });
}

}  // namespace

void AddExactMoments(AggregateFunctions* functions) {
  for (const MomentText& text : kMoments)
    functions->push_back(text.has_y ? Make<true>(text) : Make<false>(text));
}

}  // namespace weir
