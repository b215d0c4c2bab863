// SPDX-License-Identifier: Apache-2.0
//
// Takes back what a power cut, or a crash of the machine, left of the last commits to a local
// table. In: a table's folder, and since when its files may not have come to the disk. Out: a log
// whose versions are whole.
// Nothing here touches a commit from before that time, whatever is wrong with it.
//
//   version   …  17          18            19        20
//   found        from before whole         cut off   whole        18 may be older than 19 says:
//   left         17          18            –         –            a log has no holes
//
// Data files of commits that are taken back are left for `weir gc`, which knows what names them.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weir/base/result.h"

namespace weir {

struct TakenBack {
  int64_t first_version = -1;
  int64_t last_version = -1;
  std::string why;  ///< what is wrong with the first: "its commit ends in the middle"
};

/// Removes the commits from the first on that was written at `since_ms` (since 1970, by the file
/// system's clock) or later and is not whole: is missing or cut off, or names data files that are
/// missing or of another size, unless a later version let go of them. Checkpoints and checksums of
/// that time go where they are cut off or of versions that go: the log says the same without them.
/// nullopt where no commit is taken back. Killed in between, it can be called again.
/// REQUIRES: nobody writes the table meanwhile; `table_url` is of a local folder, which need not
/// exist
Result<std::optional<TakenBack>> TakeBackHalfWritten(const std::string& table_url,
                                                     int64_t since_ms);

}  // namespace weir
