// SPDX-License-Identifier: Apache-2.0

#include "weir/base/cache_packs.h"

#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "weir/base/fingerprint.h"

namespace weir {

namespace {

constexpr size_t kHashDigits = 32;
constexpr size_t kHeadBytes = kHashDigits + sizeof(uint32_t);
/// A pack is written as soon as it has as many.
constexpr size_t kPackBytes = 4 << 20;
constexpr size_t kSmallPackBytes = kPackBytes / 4;
constexpr size_t kMostSmallPacks = 16;

std::optional<std::string> ReadAt(int descriptor, uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t read =
        pread(descriptor, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (read <= 0) return std::nullopt;
    done += static_cast<size_t>(read);
  }
  return bytes;
}

/// No length in a damaged pack makes a large allocation.
uint64_t SizeOf(int descriptor) {
  const off_t end = lseek(descriptor, 0, SEEK_END);
  return end < 0 ? 0 : static_cast<uint64_t>(end);
}

}  // namespace

CachePacks::CachePacks(const std::string& root, std::string folder)
    : files_(root), folder_(std::move(folder)) {
  for (const std::string& name : files_.List(folder_)) Load(name);
}

CachePacks::~CachePacks() {
  Rewrite(PacksToRewrite(), false);
  Flush();
  for (const Pack& pack : packs_) close(pack.descriptor);
}

void CachePacks::Load(const std::string& name) {
  const int descriptor = open(files_.PathOf(folder_ + "/" + name).c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  packs_.push_back({.name = name, .descriptor = descriptor});
  Pack& pack = packs_.back();
  pack.is_outdated = true;
  const uint64_t size = SizeOf(descriptor);
  const auto head = size < kHeadBytes ? std::nullopt : ReadAt(descriptor, 0, kHeadBytes);
  if (!head) return;
  const std::string_view hash = std::string_view(*head).substr(0, kHashDigits);
  const auto length = ByteReader(std::string_view(*head).substr(kHashDigits)).Get<uint32_t>();
  if (length > size - kHeadBytes) return;
  const auto index = ReadAt(descriptor, kHeadBytes, length);
  if (!index || Blake2bHex128(*index) != hash) return;
  ByteReader in(*index);
  const auto count = in.Get<uint32_t>();
  uint64_t offset = kHeadBytes + length;
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::string key(in.GetText());
    const auto bytes = in.Get<uint32_t>();
    places_[key] = {.pack = packs_.size() - 1,
                    .offset = offset,
                    .size = bytes,
                    .hash = std::string(in.GetText())};
    offset += bytes;
  }
  pack.bytes = offset - kHeadBytes - length;
  pack.is_outdated = offset > size;
}

std::optional<std::string> CachePacks::Read(const Place& place) const {
  const int descriptor = packs_[place.pack].descriptor;
  if (place.offset + place.size > SizeOf(descriptor)) return std::nullopt;
  auto value = ReadAt(descriptor, place.offset, place.size);
  if (!value || Blake2bHex128(*value) != place.hash) return std::nullopt;
  return value;
}

std::optional<std::string> CachePacks::Find(const std::string& key) {
  Place place;
  {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) return std::nullopt;
    place = found->second;
  }
  auto value = Read(place);
  const std::lock_guard lock(mutex_);
  if (value) {
    used_.insert(key);
  } else {
    packs_[place.pack].is_outdated = true;
    places_.erase(key);
  }
  return value;
}

void CachePacks::Keep(const std::string& key, std::string_view value) {
  const std::string hash = Blake2bHex128(value);
  Buffer full;
  {
    const std::lock_guard lock(mutex_);
    if (const auto old = places_.find(key); old != places_.end()) {
      packs_[old->second.pack].is_outdated = true;
      places_.erase(old);
    }
    used_.insert(key);
    buffer_.index.PutText(key);
    buffer_.index.Put(static_cast<uint32_t>(value.size()));
    buffer_.index.PutText(hash);
    buffer_.values += value;
    ++buffer_.count;
    if (buffer_.values.size() >= kPackBytes) full = std::exchange(buffer_, {});
  }
  Write(full);
}

void CachePacks::Flush() {
  Buffer rest;
  {
    const std::lock_guard lock(mutex_);
    rest = std::exchange(buffer_, {});
  }
  Write(rest);
}

void CachePacks::Write(const Buffer& buffer) {
  if (buffer.count == 0) return;
  ByteWriter count;
  count.Put(buffer.count);
  const std::string index = count.bytes() + buffer.index.bytes();
  const std::string name = Blake2bHex128(index);
  ByteWriter length;
  length.Put(static_cast<uint32_t>(index.size()));
  files_.WriteParts(folder_ + "/" + name, {name, length.bytes(), index, buffer.values});
  const std::lock_guard lock(mutex_);
  written_.insert(name);
}

std::unordered_set<size_t> CachePacks::PacksToRewrite() const {
  std::unordered_set<size_t> small, chosen;
  for (size_t i = 0; i < packs_.size(); ++i) {
    if (packs_[i].is_outdated) chosen.insert(i);
    if (packs_[i].bytes < kSmallPackBytes) small.insert(i);
  }
  if (small.size() > kMostSmallPacks) chosen.merge(small);
  return chosen;
}

void CachePacks::Rewrite(const std::unordered_set<size_t>& packs, bool used) {
  if (packs.empty()) return;
  std::vector<std::pair<std::string, Place>> moved;
  for (const auto& [key, place] : places_) {
    if (packs.contains(place.pack) && (!used || used_.contains(key)))
      moved.emplace_back(key, place);
  }
  for (const auto& [key, place] : moved) {
    if (const auto value = Read(place)) Keep(key, *value);
  }
  Flush();
  for (const size_t pack : packs) {
    if (!written_.contains(packs_[pack].name)) files_.Remove(folder_ + "/" + packs_[pack].name);
    packs_[pack].bytes = kPackBytes;  // not to be chosen again
    packs_[pack].is_outdated = false;
  }
}

void CachePacks::Sweep() {
  std::vector<uint64_t> live(packs_.size());
  for (const auto& [key, place] : places_) {
    if (used_.contains(key)) live[place.pack] += place.size;
  }
  std::unordered_set<size_t> rewritten = PacksToRewrite();
  std::unordered_set<std::string> names;
  for (size_t i = 0; i < packs_.size(); ++i) {
    names.insert(packs_[i].name);
    if (live[i] * 2 < packs_[i].bytes) rewritten.insert(i);
  }
  Rewrite(rewritten, true);
  Flush();
  files_.Sweep(folder_, [&](const std::string& file) {
    return names.contains(file) || written_.contains(file);
  });
}

}  // namespace weir
