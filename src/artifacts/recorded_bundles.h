// SPDX-License-Identifier: Apache-2.0
//
// Bundles as runs recorded them. In: the artifacts of a warehouse. Out: definitions that can be
// compared with each other and with those compiled now. For people: nothing is decided by them.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "weir/artifacts/artifact_reader.h"
#include "weir/base/result.h"
#include "weir/bundle/bundle_diff.h"
#include "weir/session/session_runtime.h"

namespace weir {

class RecordedBundles {
 public:
  /// Fails with kNotFound where no run has recorded anything. `session` must outlive it, and gets
  /// the tables it reads as `weir.<table>`.
  static Result<RecordedBundles> Open(const SessionRuntime& session);

  /// Ids of all runs, oldest first; never empty.
  const std::vector<std::string>& run_ids() const { return run_ids_; }

  /// The views that a run was about, those that it only reused and those that failed included.
  Result<std::set<std::string>> ViewsOf(const std::string& run_id) const;

  /// By view: the run up to `run_id` that last built it, and the fingerprint it had.
  struct Build {
    std::string run_id;
    Fingerprint fingerprint;
  };
  Result<std::map<std::string, Build>> BuildsUpTo(const std::string& run_id) const;

  /// By view: the version of its table that the last run up to `run_id` wrote or found, and the
  /// content hash that was recorded of it, if any.
  struct TableVersion {
    std::string run_id;
    int64_t version = -1;
    std::string content_hash;
  };
  Result<std::map<std::string, TableVersion>> VersionsUpTo(const std::string& run_id) const;
  /// The versions of one view's table, by the runs that wrote or found them, oldest first.
  Result<std::vector<std::pair<std::string, int64_t>>> VersionsOf(const std::string& view) const;

  /// What those runs built, by view.
  Result<std::map<std::string, BundleDefinition>> Load(
      const std::map<std::string, Build>& builds) const;

 private:
  explicit RecordedBundles(ArtifactReader reader) : reader_(std::move(reader)) {}

  ArtifactReader reader_;
  std::vector<std::string> run_ids_;
};

}  // namespace weir
