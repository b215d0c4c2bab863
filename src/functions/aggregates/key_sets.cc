// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/aggregates/key_sets.h"

#include <algorithm>
#include <utility>

namespace weir {

void KeySets::GrowSlots(Set* set) {
  constexpr uint32_t kFewest = 4;
  Set grown;
  grown.slot_count = set->slot_count == 0 ? kFewest : set->slot_count * 2;
  grown.slots = std::make_unique<uint64_t[]>(grown.slot_count);
  for (uint32_t i = 0; i < set->slot_count; ++i) {
    if (set->slots[i] != 0) *FindSlot(grown, set->slots[i]) = set->slots[i];
  }
  slot_bytes_ += static_cast<int64_t>((grown.slot_count - set->slot_count) * sizeof(uint64_t));
  set->slots = std::move(grown.slots);
  set->slot_count = grown.slot_count;
}

void KeySets::AddKey(Set* set, uint64_t key) {
  if (key == 0) {
    set->has_zero = true;
    return;
  }
  if (set->slot_count == 0) GrowSlots(set);
  uint64_t* slot = FindSlot(*set, key);
  if (*slot == key) return;
  if ((uint64_t{set->size} + 1) * 4 > uint64_t{set->slot_count} * 3) {
    GrowSlots(set);
    slot = FindSlot(*set, key);
  }
  *slot = key;
  ++set->size;
}

void KeySets::Add(std::span<const uint64_t> keys, std::span<const uint64_t> groups) {
  if (keys.empty()) return;
  const uint64_t last = *std::max_element(groups.begin(), groups.end());
  if (last >= sets_.size()) sets_.resize(std::max<size_t>(last + 1, sets_.size() * 2));
  constexpr size_t kAhead = 16;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kAhead < keys.size()) {
      const Set& next = sets_[groups[i + kAhead]];
      __builtin_prefetch(next.slots.get() + (MixBits(keys[i + kAhead]) & (next.slot_count - 1)));
    }
    AddKey(&sets_[groups[i]], keys[i]);
  }
}

void KeySets::AppendSorted(uint64_t group, std::vector<uint64_t>* keys) const {
  if (group >= sets_.size()) return;
  const Set& set = sets_[group];
  if (set.has_zero) keys->push_back(0);
  const auto first = static_cast<int64_t>(keys->size());
  for (uint32_t i = 0; i < set.slot_count; ++i) {
    if (set.slots[i] != 0) keys->push_back(set.slots[i]);
  }
  std::sort(keys->begin() + first, keys->end());
}

void KeySets::Drop(int64_t count) {
  const auto end = sets_.begin() + std::min(count, static_cast<int64_t>(sets_.size()));
  for (auto set = sets_.begin(); set != end; ++set)
    slot_bytes_ -= static_cast<int64_t>(set->slot_count * sizeof(uint64_t));
  sets_.erase(sets_.begin(), end);
  // The engine counts on memory given back.
  sets_.shrink_to_fit();
}

int64_t KeySets::SizeBytes() const {
  return static_cast<int64_t>(sizeof(*this) + sets_.capacity() * sizeof(Set)) + slot_bytes_;
}

}  // namespace weir
