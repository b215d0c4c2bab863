// SPDX-License-Identifier: Apache-2.0
//
// What was asked of object stores, as a session notes it for whoever traces a run. Plain values.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

/// One request, or several that a store makes of one: pages of a listing, parts of a bulk removal,
/// attempts.
struct StoreCall {
  /// "get", "get_ranges", "head", "put", "create_multipart", "put_part", "complete_multipart",
  /// "abort_multipart", "list", "delete", "copy" or "rename".
  std::string operation;
  /// Of the object, or of the folder that is listed; without user, password and query.
  std::string url;
  std::string view_name;       ///< that it was made for; empty: that is not known
  int64_t started_at_us = 0;   ///< microseconds since 1970
  int64_t finished_at_us = 0;  ///< of a read: when its last byte came
  int64_t bytes = 0;           ///< that were read or written
  std::string error;           ///< the name of a StatusCode; empty: it succeeded
};

struct StoreCalls {
  std::vector<StoreCall> calls;  ///< in the order in which they ended
  int64_t left_out = 0;          ///< so many more were made than are noted
};

}  // namespace weir
