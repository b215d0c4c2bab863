// SPDX-License-Identifier: Apache-2.0
//
// What exact sums of all groups have in common: narrow sums each, wide ones for the few that need
// them. Private to the room.

#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include "weir/functions/function.h"
#include "weir/functions/result_buffers.h"

namespace weir {

/// The wide sums. `Wide` is plain bytes, which are its state.
template <typename Wide>
class WideGroups {
 public:
  static_assert(std::is_trivially_copyable_v<Wide>);

  /// Makes it if the group has none. REQUIRES: group < `group_count`, which never shrinks but by
  /// Drop
  Wide& Of(uint64_t group, size_t group_count) {
    if (wides_.size() < group_count) wides_.resize(group_count);
    auto& wide = wides_[group];
    if (wide == nullptr) {
      wide = std::make_unique<Wide>();
      ++count_;
    }
    return *wide;
  }
  /// Null if the group has none.
  const Wide* At(int64_t group) const {
    const auto index = static_cast<size_t>(group);
    return index < wides_.size() ? wides_[index].get() : nullptr;
  }

  /// Forgets the first `count` groups; those behind move down by `count`.
  void Drop(int64_t count) {
    const auto end = wides_.begin() + std::min(count, static_cast<int64_t>(wides_.size()));
    for (auto wide = wides_.begin(); wide != end; ++wide) count_ -= *wide != nullptr ? 1 : 0;
    wides_.erase(wides_.begin(), end);
    wides_.shrink_to_fit();
  }

  /// The state of the first `count` groups: a Wide's bytes, or NULL.
  Result<std::shared_ptr<arrow::Array>> Column(int64_t count) const {
    if (count_ == 0) return NoColumn(count);
    arrow::BinaryBuilder builder;
    WEIR_RETURN_NOT_OK(FromArrow(builder.Reserve(count)));
    for (int64_t group = 0; group < count; ++group) {
      const Wide* wide = At(group);
      WEIR_RETURN_NOT_OK(FromArrow(
          wide == nullptr ? builder.AppendNull()
                          : builder.Append(reinterpret_cast<const uint8_t*>(wide), sizeof *wide)));
    }
    return FromArrow(builder.Finish());
  }
  /// The state of groups without any.
  static Result<std::shared_ptr<arrow::Array>> NoColumn(int64_t rows) {
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> valid,
                          FromArrow(arrow::AllocateEmptyBitmap(rows)));
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> offsets,
                          FromArrow(arrow::AllocateBuffer((rows + 1) * 4)));
    std::memset(offsets->mutable_data(), 0, static_cast<size_t>(offsets->size()));
    auto none = std::make_shared<arrow::Buffer>(nullptr, 0);
    return arrow::MakeArray(arrow::ArrayData::Make(
        arrow::binary(), rows, {std::move(valid), std::move(offsets), std::move(none)}, rows));
  }
  static std::shared_ptr<arrow::Field> Field() { return arrow::field("wide", arrow::binary()); }
  /// REQUIRES: `state` came from Column and row `row` is not NULL
  static Wide FromState(const arrow::BinaryArray& state, int64_t row) {
    Wide wide;
    std::memcpy(static_cast<void*>(&wide), state.GetView(row).data(), sizeof wide);
    return wide;
  }

  int64_t SizeBytes() const {
    return static_cast<int64_t>(wides_.capacity() * sizeof(wides_[0])) +
           count_ * static_cast<int64_t>(sizeof(Wide));
  }

 private:
  std::vector<std::unique_ptr<Wide>> wides_;  ///< empty until a group has one
  int64_t count_ = 0;
};

/// `Group` has a `count` of rows, its narrow sums, and the state is the subclass' own.
template <typename Group, typename Wide>
class ExactGroups : public GroupsAccumulator {
 public:
  Status Update(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                const arrow::BooleanArray* filter, int64_t group_count) final {
    Grow(group_count);
    Add(arguments, group_indices, filter, /*subtract=*/false);
    return Status::OK();
  }
  bool supports_retract() const final { return true; }
  Status Retract(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                 int64_t group_count) final {
    Grow(group_count);
    Add(arguments, group_indices, nullptr, /*subtract=*/true);
    return Status::OK();
  }

  Result<std::shared_ptr<arrow::Array>> Peek(int64_t count) const final {
    WEIR_ASSIGN_OR_RETURN(auto writer, FixedColumnWriter<double>::Make(count));
    for (int64_t group = 0; group < count; ++group) {
      if (const auto result = ResultOf(groups_[static_cast<size_t>(group)], wides_.At(group))) {
        writer.Set(group, *result);
      } else {
        WEIR_RETURN_NOT_OK(writer.SetNull(group));
      }
    }
    return writer.Finish(arrow::float64());
  }

  void Drop(int64_t count) final {
    groups_.erase(groups_.begin(), groups_.begin() + count);
    groups_.shrink_to_fit();
    wides_.Drop(count);
  }
  int64_t group_count() const final { return static_cast<int64_t>(groups_.size()); }
  int64_t SizeBytes() const final {
    return wides_.SizeBytes() +
           static_cast<int64_t>(sizeof *this + groups_.capacity() * sizeof(Group));
  }

 protected:
  virtual void Add(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                   const arrow::BooleanArray* filter, bool subtract) = 0;
  /// Nothing: NULL. `wide` may be null.
  virtual std::optional<double> ResultOf(const Group& group, const Wide* wide) const = 0;

  void Grow(int64_t group_count) {
    groups_.resize(std::max(groups_.size(), static_cast<size_t>(group_count)));
  }
  Wide& WideOf(uint64_t group) { return wides_.Of(group, groups_.size()); }

  /// Each row as a group of its own. REQUIRES: `alone` has no groups
  static Result<arrow::ArrayVector> StatesOfRows(ExactGroups& alone,
                                                 const arrow::ArrayVector& arguments,
                                                 const arrow::BooleanArray* filter) {
    const int64_t rows = arguments[0]->length();
    std::vector<uint64_t> groups(static_cast<size_t>(rows));
    std::iota(groups.begin(), groups.end(), 0);
    WEIR_RETURN_NOT_OK(alone.Update(arguments, groups, filter, rows));
    return alone.PeekState(rows);
  }

  std::vector<Group> groups_;
  WideGroups<Wide> wides_;
};

}  // namespace weir
