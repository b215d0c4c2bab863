// SPDX-License-Identifier: Apache-2.0
//
// The change feed of a Delta table: which rows its commits inserted, deleted and updated
// (PROTOCOL.md, "Reader Requirements for Change Data Feed"). In: a range of commits. Out: the files
// that hold those rows, each with what its rows mean, known from these commits alone.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/data_file.h"
#include "weir/engine/engine.h"

namespace weir {

/// An end of a range of commits: a version, or a time in RFC 3339; neither: open.
struct ChangeBound {
  int64_t version = -1;
  std::string timestamp;
};

/// The changes of commits, both ends included.
struct ChangeFeed {
  int64_t first = 0;
  int64_t last = -1;  ///< before `first`: no commit is in the range
  std::vector<ChangeFile> files;
};

/// What the commits from `from` to `to` changed, as far as `snapshot`, whose table lies at `url`,
/// knows of them. A commit tells its changes if it has change data files, or only adds files, or
/// only removes some; else the table must have `delta.enableChangeDataFeed`: fails with
/// kUnsupported, naming the version, where it does not. Fails with kNotFound where a commit is
/// gone. Times are those that commits carry.
Result<ChangeFeed> ReadChangeFeed(const engine::Session& session, const std::string& url,
                                  const engine::DeltaSnapshot& snapshot, const ChangeBound& from,
                                  const ChangeBound& to);

}  // namespace weir
