// SPDX-License-Identifier: Apache-2.0
//
// count_if(condition): how many rows hold.

#include <algorithm>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>

#include "weir/functions/function_sets.h"
#include "weir/functions/result_buffers.h"

namespace weir {
namespace {

using arrow::internal::checked_cast;

bool IsTrue(const arrow::BooleanArray& values, int64_t row) {
  return values.IsValid(row) && values.Value(row);
}

class CountIfAccumulator final : public GroupsAccumulator {
 public:
  Status Update(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                const arrow::BooleanArray* filter, int64_t group_count) override {
    Grow(group_count);
    const auto& conditions = checked_cast<const arrow::BooleanArray&>(*arguments[0]);
    for (int64_t row = 0; row < conditions.length(); ++row) {
      if (IsTrue(conditions, row) && (filter == nullptr || IsTrue(*filter, row))) {
        ++counts_[group_indices[static_cast<size_t>(row)]];
      }
    }
    return Status::OK();
  }

  Status Merge(const arrow::ArrayVector& states, std::span<const uint64_t> group_indices,
               const arrow::BooleanArray* filter, int64_t group_count) override {
    Grow(group_count);
    const auto& counts = checked_cast<const arrow::Int64Array&>(*states[0]);
    for (int64_t row = 0; row < counts.length(); ++row) {
      if (counts.IsValid(row) && (filter == nullptr || IsTrue(*filter, row))) {
        counts_[group_indices[static_cast<size_t>(row)]] += counts.Value(row);
      }
    }
    return Status::OK();
  }

  bool supports_retract() const override { return true; }
  Status Retract(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                 int64_t group_count) override {
    Grow(group_count);
    const auto& conditions = checked_cast<const arrow::BooleanArray&>(*arguments[0]);
    for (int64_t row = 0; row < conditions.length(); ++row) {
      if (IsTrue(conditions, row)) --counts_[group_indices[static_cast<size_t>(row)]];
    }
    return Status::OK();
  }

  Result<std::shared_ptr<arrow::Array>> Peek(int64_t count) const override {
    WEIR_ASSIGN_OR_RETURN(auto writer, FixedColumnWriter<int64_t>::Make(count));
    for (int64_t group = 0; group < count; ++group) {
      writer.Set(group, counts_[static_cast<size_t>(group)]);
    }
    return writer.Finish(arrow::int64());
  }
  Result<arrow::ArrayVector> PeekState(int64_t count) const override {
    WEIR_ASSIGN_OR_RETURN(auto counts, Peek(count));
    return arrow::ArrayVector{std::move(counts)};
  }
  void Drop(int64_t count) override {
    counts_.erase(counts_.begin(), counts_.begin() + count);
    counts_.shrink_to_fit();
  }
  int64_t group_count() const override { return static_cast<int64_t>(counts_.size()); }

  Result<arrow::ArrayVector> ConvertToState(const arrow::ArrayVector& arguments,
                                            const arrow::BooleanArray* filter) const override {
    const auto& conditions = checked_cast<const arrow::BooleanArray&>(*arguments[0]);
    WEIR_ASSIGN_OR_RETURN(auto writer, FixedColumnWriter<int64_t>::Make(conditions.length()));
    for (int64_t row = 0; row < conditions.length(); ++row) {
      const bool counts = IsTrue(conditions, row) && (filter == nullptr || IsTrue(*filter, row));
      writer.Set(row, counts ? 1 : 0);
    }
    return arrow::ArrayVector{writer.Finish(arrow::int64())};
  }

  int64_t SizeBytes() const override {
    return static_cast<int64_t>(sizeof(*this) + counts_.capacity() * sizeof(int64_t));
  }

 private:
  void Grow(int64_t group_count) {
    counts_.resize(std::max(counts_.size(), static_cast<size_t>(group_count)));
  }

  std::vector<int64_t> counts_;
};

class CountIf final : public AggregateFunction {
 public:
  CountIf() {
    declaration_.name = "count_if";
    declaration_.kind = FunctionKind::kAggregate;
    declaration_.tags = {"aggregate", "deterministic"};
    declaration_.description = "Number of rows for which the condition is true.";
    declaration_.arguments = {{"condition", "boolean", "What must hold for a row to count."}};
    declaration_.signatures = {{arrow::boolean()}};
    declaration_.result_type = "int64";
    declaration_.null_handling = "A NULL condition does not count; no rows give 0.";
    declaration_.example = "count_if(arr_delay > 15)";
  }
  const FunctionDeclaration& declaration() const override { return declaration_; }

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector&) const override {
    return arrow::field(declaration_.name, arrow::int64(), /*nullable=*/false);
  }
  Result<FieldVector> StateFields(const FieldVector&, const AggregateCall&) const override {
    return FieldVector{arrow::field("count", arrow::int64(), /*nullable=*/false)};
  }
  Result<std::unique_ptr<GroupsAccumulator>> CreateAccumulator(
      const FieldVector&, const AggregateCall&) const override {
    return std::make_unique<CountIfAccumulator>();
  }

 private:
  FunctionDeclaration declaration_;
};

}  // namespace

void AddCountIf(AggregateFunctions* functions) {
  functions->push_back(std::make_shared<CountIf>());
}

}  // namespace weir
