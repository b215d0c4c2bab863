// SPDX-License-Identifier: Apache-2.0
//
// exact_sum and exact_avg of doubles: the exact sum, rounded once. They depend on the bag of their
// rows alone, and rows can be taken out again.
//
//   group → narrow    a whole number of 128 bits, in units of the window; what nearly all values
//   fit
//         → wide      where a value did not fit: a sum of any doubles, counters of infinities and
//                     NaN. The sum of a group is that of both.

#include <bit>
#include <cstring>
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
#include "weir/functions/sums/not_finite.h"
#include "weir/functions/sums/rounding.h"
#include "weir/functions/sums/wide_sum.h"

namespace weir {
namespace {

using arrow::internal::checked_cast;

enum class Of { kSum, kMean };

struct Wide {
  WideDoubleSum sum;
  NotFinite not_finite;
};

/// A group without its wide sum.
struct PackedGroup {
  uint64_t low, high;  ///< of the narrow sum
  uint64_t rest;       ///< count × 2^16 + window

  static PackedGroup Make(UInt128 narrow, int64_t count, int16_t window) {
    return {static_cast<uint64_t>(narrow), static_cast<uint64_t>(narrow >> 64),
            (static_cast<uint64_t>(count) << 16) | static_cast<uint16_t>(window)};
  }
  Int128 narrow() const { return static_cast<Int128>((static_cast<UInt128>(high) << 64) | low); }
  int64_t count() const { return static_cast<int64_t>(rest) >> 16; }
  int16_t window() const { return static_cast<int16_t>(rest & 0xffff); }
};

/// One group's narrow sum.
struct Group {
  uint64_t low = 0;
  uint64_t high = 0;
  int64_t count = 0;

  Int128 narrow() const { return static_cast<Int128>((static_cast<UInt128>(high) << 64) | low); }
  void Set(Int128 narrow) {
    low = static_cast<uint64_t>(narrow);
    high = static_cast<uint64_t>(static_cast<UInt128>(narrow) >> 64);
  }
};

/// State: `narrow` a PackedGroup · `wide` the bytes of a Wide, or NULL.
class ExactSumAccumulator final : public ExactGroups<Group, Wide> {
 public:
  explicit ExactSumAccumulator(Of of) : of_(of) {}

  Status Merge(const arrow::ArrayVector& states, std::span<const uint64_t> group_indices,
               const arrow::BooleanArray* filter, int64_t group_count) override {
    Grow(group_count);
    const auto& narrows = checked_cast<const arrow::FixedSizeBinaryArray&>(*states[0]);
    const auto& wides = checked_cast<const arrow::BinaryArray&>(*states[1]);
    const bool has_wides = wides.null_count() < wides.length();
    const bool far = groups_.size() > kGroupsNearby;
    for (int64_t row = 0; row < narrows.length(); ++row) {
      if (far && row + kAhead < narrows.length())
        __builtin_prefetch(&groups_[group_indices[static_cast<size_t>(row + kAhead)]], 1);
      if (filter != nullptr && (filter->IsNull(row) || !filter->Value(row))) continue;
      PackedGroup other;
      std::memcpy(&other, narrows.GetValue(row), sizeof other);
      if (other.count() == 0) continue;
      const uint64_t group = group_indices[static_cast<size_t>(row)];
      groups_[group].count += other.count();
      if (other.narrow() != 0) AddNarrow(group, other.narrow(), other.window());
      if (has_wides && wides.IsValid(row)) {
        const Wide more = WideGroups<Wide>::FromState(wides, row);
        Wide& wide = WideOf(group);
        wide.sum.Add(more.sum);
        wide.not_finite.Add(more.not_finite);
      }
    }
    return Status::OK();
  }

  Result<arrow::ArrayVector> PeekState(int64_t count) const override {
    WEIR_ASSIGN_OR_RETURN(auto narrows, FixedColumnWriter<PackedGroup>::Make(count));
    for (int64_t group = 0; group < count; ++group) {
      const Group& one = groups_[static_cast<size_t>(group)];
      narrows.Set(group,
                  PackedGroup::Make(static_cast<UInt128>(one.narrow()), one.count, window_.id()));
    }
    WEIR_ASSIGN_OR_RETURN(auto wides, wides_.Column(count));
    return arrow::ArrayVector{narrows.Finish(arrow::fixed_size_binary(sizeof(PackedGroup))),
                              std::move(wides)};
  }

  Result<arrow::ArrayVector> ConvertToState(const arrow::ArrayVector& arguments,
                                            const arrow::BooleanArray* filter) const override {
    const int64_t rows = arguments[0]->length();
    const auto& values = checked_cast<const arrow::DoubleArray&>(*arguments[0]);
    if (filter == nullptr && values.null_count() == 0 && window_.is_chosen()) {
      WEIR_ASSIGN_OR_RETURN(auto narrows, FixedColumnWriter<PackedGroup>::Make(rows));
      int64_t row = 0;
      for (; row < rows; ++row) {
        const auto bits = std::bit_cast<uint64_t>(values.Value(row));
        const uint32_t place = window_.Place(bits);
        if (place > DoubleWindow::kSpan && !IsZero(bits)) break;
        const Int128 term = IsZero(bits) ? 0 : Term(bits, place);
        narrows.Set(row, PackedGroup::Make(static_cast<UInt128>(term), 1, window_.id()));
      }
      if (row == rows) {
        WEIR_ASSIGN_OR_RETURN(auto wides, WideGroups<Wide>::NoColumn(rows));
        return arrow::ArrayVector{narrows.Finish(arrow::fixed_size_binary(sizeof(PackedGroup))),
                                  std::move(wides)};
      }
    }
    ExactSumAccumulator alone(of_);
    alone.window_ = window_;
    return StatesOfRows(alone, arguments, filter);
  }

 private:
  void Add(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
           const arrow::BooleanArray* filter, bool subtract) override {
    const auto& values = checked_cast<const arrow::DoubleArray&>(*arguments[0]);
    if (subtract) {
      Add<true>(values, group_indices, filter);
    } else {
      Add<false>(values, group_indices, filter);
    }
  }

  template <bool kSubtract>
  void Add(const arrow::DoubleArray& values, std::span<const uint64_t> group_indices,
           const arrow::BooleanArray* filter) {
    const double* const numbers = values.raw_values();
    const int64_t rows = values.length();
    const auto takes_part = [&](int64_t row) {
      return values.IsValid(row) &&
             (filter == nullptr || (filter->IsValid(row) && filter->Value(row)));
    };
    if (!window_.is_chosen()) {
      window_.Choose([&](const auto& take) {
        for (int64_t row = 0; row < rows; ++row) {
          if (takes_part(row)) take(std::bit_cast<uint64_t>(numbers[row]));
        }
      });
    }
    if (filter == nullptr && values.null_count() == 0) {
      const bool far = groups_.size() > kGroupsNearby;
      for (int64_t row = 0; row < rows; ++row) {
        if (far && row + kAhead < rows)
          __builtin_prefetch(&groups_[group_indices[static_cast<size_t>(row + kAhead)]], 1);
        AddOne<kSubtract>(group_indices[static_cast<size_t>(row)],
                          std::bit_cast<uint64_t>(numbers[row]));
      }
      return;
    }
    for (int64_t row = 0; row < rows; ++row) {
      if (takes_part(row))
        AddOne<kSubtract>(group_indices[static_cast<size_t>(row)],
                          std::bit_cast<uint64_t>(numbers[row]));
    }
  }

  template <bool kSubtract>
  void AddOne(uint64_t index, uint64_t bits) {
    Group& group = groups_[index];
    group.count += kSubtract ? -1 : 1;
    const uint32_t place = window_.Place(bits);
    if (place > DoubleWindow::kSpan) [[unlikely]] {
      if (!IsZero(bits)) AddToWide(index, bits, kSubtract);
      return;
    }
    AddTerm(index, group, Term(kSubtract ? bits ^ kSignBit : bits, place));
  }

  /// A double that fits, in units of the window.
  static Int128 Term(uint64_t bits, uint32_t place) {
    const auto magnitude =
        static_cast<Int128>(static_cast<UInt128>((bits & (kHiddenBit - 1)) | kHiddenBit) << place);
    const Int128 sign = static_cast<int64_t>(bits) >> 63;
    return (magnitude ^ sign) - sign;
  }

  void AddTerm(uint64_t index, Group& group, Int128 term) {
    Int128 sum;
    if (__builtin_add_overflow(group.narrow(), term, &sum)) [[unlikely]] {
      AddTo(WideOf(index).sum, group.narrow(), window_.exponent());
      sum = term;
    }
    group.Set(sum);
  }

  /// A narrow sum of another accumulator.
  void AddNarrow(uint64_t index, Int128 narrow, int16_t window) {
    if (!window_.is_chosen()) window_.Set(window);
    const int left = window - window_.id();
    if (left >= 0 && left < 127 && ((narrow << left) >> left) == narrow) {
      AddTerm(index, groups_[index], narrow << left);
    } else {
      DoubleWindow theirs;
      theirs.Set(window);
      AddTo(WideOf(index).sum, narrow, theirs.exponent());
    }
  }

  void AddToWide(uint64_t index, uint64_t bits, bool subtract) {
    Wide& wide = WideOf(index);
    if (IsFinite(bits)) {
      wide.sum.Add(((bits & kSignBit) != 0) != subtract, Significand(bits), LastBit(bits));
    } else {
      wide.not_finite.Count(bits, subtract);
    }
  }

  static void AddTo(WideDoubleSum& wide, Int128 sum, int exponent) {
    wide.Add(sum < 0, sum < 0 ? -static_cast<UInt128>(sum) : static_cast<UInt128>(sum), exponent);
  }

  std::optional<double> ResultOf(const Group& group, const Wide* wide) const override {
    if (group.count == 0) return std::nullopt;
    const int64_t divisor = of_ == Of::kMean ? group.count : 1;
    if (wide == nullptr) {
      return of_ == Of::kMean ? NearestQuotient(group.narrow(), window_.exponent(), divisor)
                              : NearestDouble(group.narrow(), window_.exponent());
    }
    if (wide->not_finite.Any()) return wide->not_finite.SumOrMean();
    WideDoubleSum sum = wide->sum;
    // A window that was never chosen has sums of zero.
    if (group.narrow() != 0) AddTo(sum, group.narrow(), window_.exponent());
    return NearestQuotient(sum.ToInteger(), LongInteger(divisor), WideDoubleSum::kLowestBit);
  }

  static constexpr size_t kGroupsNearby = 1 << 14;  ///< as many fit the nearest caches
  static constexpr int64_t kAhead = 16;             ///< rows

  Of of_;
  DoubleWindow window_;
};

std::shared_ptr<const AggregateFunction> Make(std::string name, std::string stands_for,
                                              const std::string& what, Of of) {
  FunctionDeclaration declaration = DeclareExact(std::move(name), std::move(stands_for), what);
  declaration.example = declaration.name + "(distance)";
  declaration.arguments = {{"x", "float64", "What is added up."}};
  declaration.signatures = {{arrow::float64()}};
  declaration.takes_distinct = true;
  declaration.null_handling =
      "NULL is left out; NULL if nothing is left. NaN, or infinities of both signs, give NaN.";
  return MakeExactAggregate(
      std::move(declaration),
      {arrow::field("narrow", arrow::fixed_size_binary(sizeof(PackedGroup)), false),
       WideGroups<Wide>::Field()},
      [of] { return std::make_unique<ExactSumAccumulator>(of); });
}

}  // namespace

void AddExactSums(AggregateFunctions* functions) {
  functions->push_back(Make("exact_sum", "sum", "The sum", Of::kSum));
  functions->push_back(Make("exact_avg", "avg", "The arithmetic mean", Of::kMean));
}

}  // namespace weir
