// SPDX-License-Identifier: Apache-2.0
//
// Keeps one row for each group, of columns of any type. Private to the room.
//
// Rows are appended as small arrays ("chunks") which hold the rows of one batch that replaced older
// ones. A replaced row is dead weight until its chunk is merged: neighbours of similar size are
// merged as they come, everything once most rows are dead. Each row is thus copied a number of
// times that grows with the logarithm of the rows.
//
//   chunks:  [g0 g1 g2 g3 | g1 g4 | g0]      live: g2 g3 | g1 g4 | g0

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <arrow/array.h>

#include "weir/base/result.h"

namespace weir {

/// A row of a source array; no row (NULL) if the array is null.
struct RowRef {
  const arrow::Array* array = nullptr;
  int64_t row = 0;
};

/// Copies rows of arrays of type `type` into one array.
Result<std::shared_ptr<arrow::Array>> GatherRows(const std::shared_ptr<arrow::DataType>& type,
                                                 std::span<const RowRef> rows);

/// Not safe for use from several threads at once.
class RowStore {
 public:
  explicit RowStore(std::vector<std::shared_ptr<arrow::DataType>> types)
      : types_(std::move(types)) {}

  void Grow(int64_t group_count);
  int64_t group_count() const { return static_cast<int64_t>(places_.size()); }
  bool Has(uint64_t group) const { return places_[group].chunk != kNowhere; }
  /// REQUIRES: Has(group). Valid until the next change.
  RowRef Get(uint64_t group, size_t column) const {
    const Place place = places_[group];
    return {chunks_[place.chunk].columns[column].get(), place.row};
  }

  /// Copies row `rows[i]` of `columns` in as the row of group `groups[i]`. Groups must differ.
  Status Put(const arrow::ArrayVector& columns, std::span<const uint64_t> groups,
             std::span<const int64_t> rows);
  /// The column of the first `count` groups; NULL where a group has no row.
  Result<std::shared_ptr<arrow::Array>> Column(size_t column, int64_t count) const;
  void Drop(int64_t count);
  int64_t SizeBytes() const;

 private:
  static constexpr uint32_t kNowhere = UINT32_MAX;
  struct Place {
    uint32_t chunk = kNowhere;
    uint32_t row = 0;
  };
  struct Chunk {
    arrow::ArrayVector columns;
    std::vector<uint64_t>
        groups;  ///< counted from the first group ever, so that Drop need not touch them
    int64_t bytes = 0;
  };

  bool IsLive(uint32_t chunk, uint32_t row) const;
  Status Append(Chunk chunk);
  /// Makes one chunk of the live rows of the chunks from `first` on.
  Status MergeFrom(size_t first);

  std::vector<std::shared_ptr<arrow::DataType>> types_;
  std::vector<Place> places_;
  std::vector<Chunk> chunks_;
  uint64_t dropped_groups_ = 0;
  int64_t stored_rows_ = 0;
  int64_t live_rows_ = 0;
  int64_t chunk_bytes_ = 0;
};

}  // namespace weir
