// SPDX-License-Identifier: Apache-2.0
//
// Which stores a session knows, by their whole names. Private to the room. The engine tells stores
// apart by scheme and host alone: of `abfss://lake@account.…` and `abfss://raw@account.…` it would
// take whichever was registered last for both, and read and write in the wrong container.

#pragma once

#include <map>
#include <mutex>
#include <string>

#include "weir/base/status.h"

namespace weir::engine::internal {

/// Shared by sessions that share their stores. Safe to use from any thread.
class StoreNames {
 public:
  /// Fails with kUnsupported where the engine would take `url` for another store that it knows.
  Status Add(const std::string& url);
  /// Fails with kNotFound where the engine would look in another store for what lies at `url`.
  Status Check(const std::string& url) const;
  /// Check for Delta tables. Fails with kInvalidArgument on web servers, which cannot be listed as
  /// logs are.
  Status CheckTable(const std::string& url) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> names_;  ///< as written, by what the engine looks at
};

}  // namespace weir::engine::internal
