// SPDX-License-Identifier: Apache-2.0
//
// Many small values in few files of a project's cache folder: making a file for each would take
// longer than making some values. In: values under keys that tell all of what they depend on. Out:
// the same values in a later run.
//
// A pack is written once, under the hash of its index:
//
//   hash of the index │ its length, u32 │ index: count, then key, length, hash of each │ the values
//
// What is missing or damaged is not there; what cannot be written is left.

#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "weir/base/byte_stream.h"
#include "weir/base/cache_folder.h"

namespace weir {

/// Safe for use from several threads, and by several programs at once.
class CachePacks {
 public:
  /// Reads the indexes of the packs in `folder` of the cache folder of the project at `root`.
  CachePacks(const std::string& root, std::string folder);
  CachePacks(const CachePacks&) = delete;
  CachePacks& operator=(const CachePacks&) = delete;
  /// Writes what was kept.
  ~CachePacks();

  std::optional<std::string> Find(const std::string& key);
  void Keep(const std::string& key, std::string_view value);
  /// Removes what was neither found nor kept, as far as it takes more room than what was; and all
  /// that is no pack. Call it when nobody finds or keeps any more.
  void Sweep();

 private:
  struct Pack {
    std::string name;
    int descriptor = -1;
    uint64_t bytes = 0;  ///< of its values
    /// It is damaged, or holds what was kept anew.
    bool is_outdated = false;
  };
  struct Place {
    size_t pack = 0;
    uint64_t offset = 0;
    uint32_t size = 0;
    std::string hash;
  };
  /// What is kept and not yet written.
  struct Buffer {
    ByteWriter index;
    uint32_t count = 0;
    std::string values;
  };

  void Load(const std::string& name);
  std::optional<std::string> Read(const Place& place) const;
  void Write(const Buffer& buffer);
  void Flush();
  /// Keeps what packs hold anew, and removes them. `used`: only what was found or kept.
  void Rewrite(const std::unordered_set<size_t>& packs, bool used);
  /// The outdated ones, and those that hold little if there are many.
  std::unordered_set<size_t> PacksToRewrite() const;

  CacheFolder files_;
  const std::string folder_;
  std::vector<Pack> packs_;  ///< those that were there at first
  std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<std::string, Place> places_;  ///< in packs_
  std::unordered_set<std::string> used_;
  std::unordered_set<std::string> written_;  ///< names of new packs
  Buffer buffer_;
};

}  // namespace weir
