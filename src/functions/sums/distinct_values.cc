// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/sums/distinct_values.h"

#include <cmath>
#include <limits>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>

#include "weir/functions/function_sets.h"
#include "weir/functions/result_buffers.h"

namespace weir {

namespace {

using arrow::internal::checked_cast;

/// The same values, -0 as 0, and one NaN.
Result<std::shared_ptr<arrow::Array>> Canonical(const std::shared_ptr<arrow::Array>& values) {
  const auto& doubles = checked_cast<const arrow::DoubleArray&>(*values);
  WEIR_ASSIGN_OR_RETURN(auto writer, FixedColumnWriter<double>::Make(doubles.length()));
  for (int64_t row = 0; row < doubles.length(); ++row) {
    if (doubles.IsNull(row)) {
      WEIR_RETURN_NOT_OK(writer.SetNull(row));
    } else {
      const double value = doubles.Value(row);
      writer.Set(row, std::isnan(value) ? std::numeric_limits<double>::quiet_NaN()
                      : value == 0      ? 0.0
                                        : value);
    }
  }
  return writer.Finish(arrow::float64());
}

std::shared_ptr<const AggregateFunction> CollectSet() {
  AggregateFunctions functions;
  AddCollectSet(&functions);
  return functions.front();
}

class DistinctAccumulator final : public GroupsAccumulator {
 public:
  DistinctAccumulator(std::unique_ptr<GroupsAccumulator> sets, MakeAccumulator make)
      : sets_(std::move(sets)), make_(std::move(make)) {}

  Status Update(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                const arrow::BooleanArray* filter, int64_t group_count) override {
    WEIR_ASSIGN_OR_RETURN(auto values, Canonical(arguments[0]));
    return sets_->Update({std::move(values)}, group_indices, filter, group_count);
  }
  Status Merge(const arrow::ArrayVector& states, std::span<const uint64_t> group_indices,
               const arrow::BooleanArray* filter, int64_t group_count) override {
    return sets_->Merge(states, group_indices, filter, group_count);
  }
  bool supports_retract() const override { return sets_->supports_retract(); }
  Status Retract(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                 int64_t group_count) override {
    WEIR_ASSIGN_OR_RETURN(auto values, Canonical(arguments[0]));
    return sets_->Retract({std::move(values)}, group_indices, group_count);
  }

  Result<std::shared_ptr<arrow::Array>> Peek(int64_t count) const override {
    WEIR_ASSIGN_OR_RETURN(const auto sets, sets_->Peek(count));
    const auto& lists = checked_cast<const arrow::ListArray&>(*sets);
    std::vector<uint64_t> groups;
    groups.reserve(static_cast<size_t>(lists.values()->length()));
    for (int64_t group = 0; group < lists.length(); ++group)
      groups.insert(groups.end(), static_cast<size_t>(lists.value_length(group)),
                    static_cast<uint64_t>(group));
    const auto accumulator = make_();
    const auto values = lists.values()->Slice(lists.length() > 0 ? lists.value_offset(0) : 0,
                                              static_cast<int64_t>(groups.size()));
    WEIR_RETURN_NOT_OK(accumulator->Update({values}, groups, nullptr, count));
    return accumulator->Peek(count);
  }
  Result<arrow::ArrayVector> PeekState(int64_t count) const override {
    return sets_->PeekState(count);
  }
  void Drop(int64_t count) override { sets_->Drop(count); }
  int64_t group_count() const override { return sets_->group_count(); }
  Result<arrow::ArrayVector> ConvertToState(const arrow::ArrayVector& arguments,
                                            const arrow::BooleanArray* filter) const override {
    WEIR_ASSIGN_OR_RETURN(auto values, Canonical(arguments[0]));
    return sets_->ConvertToState({std::move(values)}, filter);
  }
  int64_t SizeBytes() const override {
    return sets_->SizeBytes() + static_cast<int64_t>(sizeof(*this));
  }

 private:
  std::unique_ptr<GroupsAccumulator> sets_;
  MakeAccumulator make_;
};

}  // namespace

Result<FieldVector> DistinctStateFields(const std::shared_ptr<arrow::Field>& argument) {
  return CollectSet()->StateFields({argument}, {});
}

Result<std::unique_ptr<GroupsAccumulator>> MakeDistinctAccumulator(
    const std::shared_ptr<arrow::Field>& argument, const AggregateCall& call,
    MakeAccumulator make) {
  WEIR_ASSIGN_OR_RETURN(
      auto sets,
      CollectSet()->CreateAccumulator({argument}, {.ignore_nulls = true, .sliding = call.sliding}));
  return std::make_unique<DistinctAccumulator>(std::move(sets), std::move(make));
}

}  // namespace weir
