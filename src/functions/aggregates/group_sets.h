// SPDX-License-Identifier: Apache-2.0
//
// A set of distinct values for each group, of any type that has an order. Private to the room.
//
//   entries   one for each (group, value), in the order in which they came; its value is a row of a
//   chunk
//   slots     open addressing over (group, hash of the value) → entry; both stand in the slot, so
//   that a value which is there already costs one look into memory
//   chunks    the values of a range of entries, gathered once a batch; neighbours of like size are
//   merged as they come
//
// Where values may be taken out again they are counted: an entry without count is dead until the
// next compaction.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/array.h>

#include "weir/base/result.h"
#include "weir/functions/aggregates/row_hash.h"
#include "weir/functions/aggregates/row_order.h"
#include "weir/functions/aggregates/row_store.h"

namespace weir {

/// Not safe for use from several threads at once.
class GroupSets {
 public:
  /// Values may be taken out again only if they are `counted`.
  static Result<GroupSets> Make(std::shared_ptr<arrow::DataType> type, bool counted);

  bool counted() const { return counted_; }

  /// Adds row `rows[i]` of `values` to the set of group `groups[i]`. REQUIRES: no row is NULL.
  Status Add(const std::shared_ptr<arrow::Array>& values, const std::vector<int64_t>& rows,
             const std::vector<uint64_t>& groups);
  /// Takes one value out that was added. A value that is not there is ignored. REQUIRES: counted
  Status Remove(const std::shared_ptr<arrow::Array>& values, const std::vector<int64_t>& rows,
                const std::vector<uint64_t>& groups);

  /// The values of the groups before `count`, group by group, in the type's order; `ends[g]` is the
  /// number of values up to and with group g. Valid until the next change.
  void Sorted(int64_t count, std::vector<RowRef>* rows, std::vector<int64_t>* ends) const;

  /// Forgets the first `count` groups; those behind move down by `count`.
  void Drop(int64_t count);
  int64_t SizeBytes() const;

 private:
  static constexpr uint32_t kNothing = UINT32_MAX;
  struct Entry {
    uint64_t group;
    uint64_t hash;   ///< the value itself, in its order, where the type has order keys
    uint64_t count;  ///< how often the value was added and not taken out; 1 if not counted
    uint32_t chunk;
    uint32_t row;
  };
  struct Slot {
    uint64_t hash = 0;
    uint32_t group = 0;
    uint32_t entry = kNothing;
  };
  struct Chunk {
    std::shared_ptr<arrow::Array> values;
    size_t first_entry;
    int64_t bytes;
  };
  GroupSets(std::shared_ptr<arrow::DataType> type, bool counted)
      : type_(std::move(type)), counted_(counted) {}

  static uint64_t SlotHash(uint64_t group, uint64_t hash) { return MixBits(hash ^ MixBits(group)); }
  /// The slot of the entry, or the free one where it belongs. Values of the batch at hand are in
  /// `batch`.
  size_t FindSlot(uint64_t group, uint64_t hash, const arrow::Array& values, int64_t row,
                  const std::vector<int64_t>& batch_rows) const;
  bool SameValue(const Entry& entry, const arrow::Array& values, int64_t row,
                 const std::vector<int64_t>& batch_rows) const;
  /// Asks for the memory that rows behind row `i` of the batch will need.
  void Prefetch(size_t i, const std::vector<uint64_t>& hashes,
                const std::vector<uint64_t>& groups) const;
  /// Makes room for as many entries.
  void GrowSlots(size_t entries);
  /// Gathers the values of the entries from the last chunk's end on.
  Status AppendChunk(const arrow::Array& values, const std::vector<int64_t>& rows);
  Status MergeChunksFrom(size_t first);
  /// Keeps the live entries of groups from `first_group` on; copies no value.
  void Erase(uint64_t first_group);
  /// Forgets dead entries and their values.
  Status Compact();

  std::shared_ptr<arrow::DataType> type_;
  bool counted_;
  bool has_keys_ = false;
  std::unique_ptr<RowHash> hash_;
  std::unique_ptr<RowOrder> order_;
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;
  std::vector<Chunk> chunks_;
  size_t dead_entries_ = 0;
  int64_t chunk_bytes_ = 0;
};

}  // namespace weir
