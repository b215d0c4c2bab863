// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/aggregates/group_sets.h"

#include <algorithm>
#include <numeric>

#include <arrow/util/byte_size.h>

namespace weir {
namespace {

/// Dead entries that are always tolerated.
constexpr size_t kDeadEntriesAllowed = 1024;

}  // namespace

Result<GroupSets> GroupSets::Make(std::shared_ptr<arrow::DataType> type, bool counted) {
  GroupSets sets(std::move(type), counted);
  sets.has_keys_ = OrderKeys::Accepts(*sets.type_);
  WEIR_ASSIGN_OR_RETURN(sets.hash_, RowHash::Make(*sets.type_));
  WEIR_ASSIGN_OR_RETURN(sets.order_, RowOrder::Make(*sets.type_));
  return sets;
}

bool GroupSets::SameValue(const Entry& entry, const arrow::Array& values, int64_t row,
                          const std::vector<int64_t>& batch_rows) const {
  if (has_keys_) return true;  // their hash is the value
  if (entry.chunk == kNothing)
    return order_->CompareValues(values, batch_rows[entry.row], values, row) == 0;
  return order_->CompareValues(*chunks_[entry.chunk].values, entry.row, values, row) == 0;
}

size_t GroupSets::FindSlot(uint64_t group, uint64_t hash, const arrow::Array& values, int64_t row,
                           const std::vector<int64_t>& batch_rows) const {
  const size_t mask = slots_.size() - 1;
  for (size_t place = SlotHash(group, hash) & mask;; place = (place + 1) & mask) {
    const Slot& slot = slots_[place];
    if (slot.entry == kNothing) return place;
    if (slot.hash == hash && slot.group == group &&
        SameValue(entries_[slot.entry], values, row, batch_rows)) {
      return place;
    }
  }
}

void GroupSets::GrowSlots(size_t entries) {
  if (entries == 0 || entries * 2 <= slots_.size()) return;
  size_t size = std::max<size_t>(64, slots_.size());
  while (size < entries * 2) size *= 2;
  slots_.assign(size, Slot());
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    size_t place = SlotHash(entry.group, entry.hash) & (size - 1);
    while (slots_[place].entry != kNothing) place = (place + 1) & (size - 1);
    slots_[place] = {entry.hash, static_cast<uint32_t>(entry.group), static_cast<uint32_t>(i)};
  }
}

void GroupSets::Prefetch(size_t i, const std::vector<uint64_t>& hashes,
                         const std::vector<uint64_t>& groups) const {
  constexpr size_t kAhead = 16;
  if (i + kAhead >= hashes.size()) return;
  __builtin_prefetch(
      &slots_[SlotHash(groups[i + kAhead], hashes[i + kAhead]) & (slots_.size() - 1)]);
}

Status GroupSets::Add(const std::shared_ptr<arrow::Array>& values, const std::vector<int64_t>& rows,
                      const std::vector<uint64_t>& groups) {
  if (rows.empty()) return Status::OK();
  GrowSlots(entries_.size() + rows.size());
  std::vector<uint64_t> hashes(rows.size());
  if (has_keys_) {
    const OrderKeys keys(*values);
    for (size_t i = 0; i < rows.size(); ++i) hashes[i] = keys[rows[i]];
  } else {
    for (size_t i = 0; i < rows.size(); ++i) hashes[i] = hash_->HashValue(*values, rows[i]);
  }
  std::vector<int64_t> new_rows;
  for (size_t i = 0; i < rows.size(); ++i) {
    Prefetch(i, hashes, groups);
    Slot& slot = slots_[FindSlot(groups[i], hashes[i], *values, rows[i], new_rows)];
    if (slot.entry == kNothing) {
      if (std::max<uint64_t>(entries_.size(), groups[i]) >= kNothing - 1) {
        return Status::User(StatusCode::kUnsupported,
                            "the sets of one partition have more than 2^32 values or groups");
      }
      slot = {hashes[i], static_cast<uint32_t>(groups[i]), static_cast<uint32_t>(entries_.size())};
      entries_.push_back(
          {groups[i], hashes[i], 1, kNothing, static_cast<uint32_t>(new_rows.size())});
      new_rows.push_back(rows[i]);
    } else if (counted_ && entries_[slot.entry].count++ == 0) {
      --dead_entries_;
    }
  }
  return AppendChunk(*values, new_rows);
}

Status GroupSets::Remove(const std::shared_ptr<arrow::Array>& values,
                         const std::vector<int64_t>& rows, const std::vector<uint64_t>& groups) {
  if (slots_.empty()) return Status::OK();
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint64_t hash = hash_->HashValue(*values, rows[i]);
    const uint32_t found = slots_[FindSlot(groups[i], hash, *values, rows[i], {})].entry;
    if (found == kNothing || entries_[found].count == 0) continue;
    if (--entries_[found].count == 0) ++dead_entries_;
  }
  const size_t live = entries_.size() - dead_entries_;
  return dead_entries_ > live + kDeadEntriesAllowed ? Compact() : Status::OK();
}

Status GroupSets::AppendChunk(const arrow::Array& values, const std::vector<int64_t>& rows) {
  if (rows.empty()) return Status::OK();
  std::vector<RowRef> refs;
  refs.reserve(rows.size());
  for (const int64_t row : rows) refs.push_back({&values, row});
  WEIR_ASSIGN_OR_RETURN(auto gathered, GatherRows(type_, refs));
  const size_t first_entry = entries_.size() - rows.size();
  for (size_t i = first_entry; i < entries_.size(); ++i)
    entries_[i].chunk = static_cast<uint32_t>(chunks_.size());
  const int64_t bytes = arrow::util::TotalBufferSize(*gathered);
  chunk_bytes_ += bytes;
  chunks_.push_back({std::move(gathered), first_entry, bytes});
  size_t first = chunks_.size() - 1;
  int64_t length = chunks_[first].values->length();
  while (first > 0 && chunks_[first - 1].values->length() <= 2 * length)
    length += chunks_[--first].values->length();
  // Drop leaves the values of the groups that are gone where they are.
  size_t stored = 0;
  for (const Chunk& chunk : chunks_) stored += static_cast<size_t>(chunk.values->length());
  if (stored > 2 * entries_.size() + kDeadEntriesAllowed) first = 0;
  return first + 1 < chunks_.size() ? MergeChunksFrom(first) : Status::OK();
}

Status GroupSets::MergeChunksFrom(size_t first) {
  const size_t first_entry = chunks_[first].first_entry;
  std::vector<RowRef> refs;
  refs.reserve(entries_.size() - first_entry);
  for (size_t i = first_entry; i < entries_.size(); ++i) {
    refs.push_back({chunks_[entries_[i].chunk].values.get(), entries_[i].row});
  }
  WEIR_ASSIGN_OR_RETURN(auto gathered, GatherRows(type_, refs));
  for (size_t i = first_entry; i < entries_.size(); ++i) {
    entries_[i].chunk = static_cast<uint32_t>(first);
    entries_[i].row = static_cast<uint32_t>(i - first_entry);
  }
  for (size_t i = first; i < chunks_.size(); ++i) chunk_bytes_ -= chunks_[i].bytes;
  chunks_.resize(first);
  const int64_t bytes = arrow::util::TotalBufferSize(*gathered);
  chunk_bytes_ += bytes;
  chunks_.push_back({std::move(gathered), first_entry, bytes});
  return Status::OK();
}

void GroupSets::Erase(uint64_t first_group) {
  std::erase_if(entries_,
                [&](const Entry& entry) { return entry.count == 0 || entry.group < first_group; });
  dead_entries_ = 0;
  size_t next = 0;
  for (size_t chunk = 0; chunk < chunks_.size(); ++chunk) {
    while (next < entries_.size() && entries_[next].chunk < chunk) ++next;
    chunks_[chunk].first_entry = next;
  }
  for (Entry& entry : entries_) entry.group -= first_group;
  // The engine counts on memory given back: it emits groups when there is no more.
  entries_.shrink_to_fit();
  slots_.clear();
  slots_.shrink_to_fit();
  GrowSlots(entries_.size());
  if (entries_.empty()) {
    slots_.clear();
    slots_.shrink_to_fit();
    chunks_.clear();
    chunk_bytes_ = 0;
  }
}

Status GroupSets::Compact() {
  Erase(0);
  return entries_.empty() ? Status::OK() : MergeChunksFrom(0);
}

void GroupSets::Sorted(int64_t count, std::vector<RowRef>* rows, std::vector<int64_t>* ends) const {
  const uint64_t groups = static_cast<uint64_t>(count);
  ends->assign(static_cast<size_t>(count), 0);
  for (const Entry& entry : entries_) {
    if (entry.group < groups && entry.count > 0) ++(*ends)[entry.group];
  }
  std::partial_sum(ends->begin(), ends->end(), ends->begin());
  const size_t total = ends->empty() ? 0 : static_cast<size_t>(ends->back());
  std::vector<uint32_t> sorted(total);
  std::vector<int64_t> next(ends->begin(), ends->end());
  for (size_t i = entries_.size(); i-- > 0;) {
    const Entry& entry = entries_[i];
    if (entry.group < groups && entry.count > 0)
      sorted[static_cast<size_t>(--next[entry.group])] = static_cast<uint32_t>(i);
  }
  const auto less = [this](uint32_t i, uint32_t j) {
    const Entry& a = entries_[i];
    const Entry& b = entries_[j];
    if (has_keys_) return a.hash < b.hash;
    return order_->CompareValues(*chunks_[a.chunk].values, a.row, *chunks_[b.chunk].values, b.row) <
           0;
  };
  int64_t first = 0;
  for (const int64_t end : *ends) {
    std::sort(sorted.begin() + first, sorted.begin() + end, less);
    first = end;
  }
  rows->clear();
  rows->reserve(total);
  for (const uint32_t i : sorted)
    rows->push_back({chunks_[entries_[i].chunk].values.get(), entries_[i].row});
}

void GroupSets::Drop(int64_t count) {
  if (count > 0) Erase(static_cast<uint64_t>(count));
}

int64_t GroupSets::SizeBytes() const {
  return static_cast<int64_t>(sizeof(*this) + entries_.capacity() * sizeof(Entry) +
                              slots_.capacity() * sizeof(Slot)) +
         chunk_bytes_;
}

}  // namespace weir
