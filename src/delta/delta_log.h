// SPDX-License-Identifier: Apache-2.0
//
// A table's `_delta_log` folder: which commits there are, reading one, adding one that nobody has
// written before.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"

namespace weir {

/// What the folder holds. Versions ascend.
struct LogListing {
  std::vector<int64_t> commits;
  int64_t last_checkpoint = -1;

  /// -1 for a folder without commits: there is no table.
  int64_t latest() const {
    return commits.empty() ? last_checkpoint : std::max(commits.back(), last_checkpoint);
  }
};

/// The log of one table. Safe to use from several threads; so must implementations be.
class DeltaLog {
 public:
  virtual ~DeltaLog() = default;

  /// Fails with kCorrupt, naming the version, where a commit is missing between the last checkpoint
  /// (or 0) and the latest.
  Result<LogListing> List() const;
  Result<std::string> ReadCommit(int64_t version) const;
  /// Returns false if another wrote the version already; then nothing was written. One that holds
  /// these very actions is this one, whatever the store answered.
  Result<bool> WriteCommit(int64_t version, const std::string& actions) const;

 protected:
  /// Names of the files in the folder; empty if there is none.
  virtual Result<std::vector<std::string>> ListNames() const = 0;
  virtual Result<std::string> Read(const std::string& name) const = 0;
  virtual Result<bool> WriteIfAbsent(const std::string& name, const std::string& bytes) const = 0;
  /// For messages.
  virtual std::string url() const = 0;
};

/// What a power cut leaves of a commit to a table in a local folder.
enum class CommitDurability {
  kLater,  ///< anything: whoever commits sees to it, once for many tables
  kWhole,  ///< all or nothing: what was written before is on the disk before the commit is there
};

/// The log below a table's URL, in any store of the session. Local folders are listed without the
/// engine.
std::unique_ptr<DeltaLog> OpenDeltaLog(const engine::Session& session, const std::string& table_url,
                                       CommitDurability durability = CommitDurability::kLater);

}  // namespace weir
