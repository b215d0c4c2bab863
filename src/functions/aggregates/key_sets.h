// SPDX-License-Identifier: Apache-2.0
//
// A set of distinct order keys (row_order.h) for each group: what a value costs is little more than
// its eight bytes. Private to the room.
//
//   group → slots     open addressing, at most three quarters full; 0 is a free slot, so that the
//   key 0 stands beside them

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "weir/functions/aggregates/row_hash.h"

namespace weir {

/// Not safe for use from several threads at once.
class KeySets {
 public:
  /// Adds key `keys[i]` to the set of group `groups[i]`. REQUIRES: keys.size() == groups.size()
  void Add(std::span<const uint64_t> keys, std::span<const uint64_t> groups);

  /// Appends the keys of a group in ascending order.
  void AppendSorted(uint64_t group, std::vector<uint64_t>* keys) const;

  /// Forgets the first `count` groups; those behind move down by `count`.
  void Drop(int64_t count);
  int64_t SizeBytes() const;

 private:
  struct Set {
    std::unique_ptr<uint64_t[]> slots;  ///< null without keys but 0
    uint32_t slot_count = 0;            ///< a power of two, or 0
    uint32_t size = 0;                  ///< taken slots
    bool has_zero = false;
  };

  /// The slot of the key, or the free one where it belongs. REQUIRES: slot_count > 0, key != 0
  static uint64_t* FindSlot(const Set& set, uint64_t key) {
    const uint64_t mask = set.slot_count - 1;
    uint64_t place = MixBits(key) & mask;
    while (set.slots[place] != 0 && set.slots[place] != key) place = (place + 1) & mask;
    return &set.slots[place];
  }
  void AddKey(Set* set, uint64_t key);
  void GrowSlots(Set* set);

  std::vector<Set> sets_;
  int64_t slot_bytes_ = 0;
};

}  // namespace weir
