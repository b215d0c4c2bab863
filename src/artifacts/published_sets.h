// SPDX-License-Identifier: Apache-2.0
//
// The sets of versions that runs published, read. In: `_weir/published` of a warehouse. Out: for
// each view of a project the version that readers read. A set is whole or not there: one commit
// makes it.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "weir/base/result.h"
#include "weir/engine/engine.h"

namespace weir {

/// A view in a set.
struct PublishedVersion {
  int64_t version = -1;        ///< of its table, that readers read
  int64_t built_version = -1;  ///< whose commit made the rows; less after maintenance
  std::string built_by;        ///< run id of that commit
  std::string content_hash;
  int64_t rows = 0;

  bool operator==(const PublishedVersion&) const = default;
};

/// What one run published of a project.
struct PublishedSet {
  int64_t number = 0;  ///< sets of a warehouse are numbered from 1 on, those of all its projects
  std::string run_id;
  std::map<std::string, PublishedVersion> views;
};

/// The sets of one project in one warehouse, at the moment of Open. Needs neither lock nor run.
class PublishedSets {
 public:
  /// A warehouse without sets has none; fails where what is there cannot be read.
  static Result<PublishedSets> Open(const engine::Session& session,
                                    const std::string& warehouse_url, const std::string& project);

  /// The highest number of any project's set; 0: there is no set.
  int64_t last_number() const { return last_number_; }
  /// The newest of the project; nullopt: there is none yet.
  Result<std::optional<PublishedSet>> Last() const;
  /// The set that readers read after a run: its own, or the earlier one of a run that changed
  /// nothing. Fails with kNotFound, with the nearest ids, where there is no such run, with
  /// kInvalidArgument where the run published nothing.
  Result<PublishedSet> OfRun(const std::string& run_id) const;

 private:
  PublishedSets(engine::Session session, std::string warehouse_url, std::string project)
      : session_(std::move(session)),
        warehouse_url_(std::move(warehouse_url)),
        project_(std::move(project)) {}
  /// Nothing where it is not of the project.
  Result<std::optional<PublishedSet>> Numbered(int64_t number) const;
  /// The highest number of the project's sets for which a condition holds; 0: there is none.
  Result<int64_t> LastWhere(const std::string& condition) const;
  /// Why a run without a set of its own has none, or whose it has.
  Result<std::string> EarlierRunOf(const std::string& run_id) const;

  engine::Session session_;
  std::string warehouse_url_;
  std::string project_;
  int64_t last_number_ = 0;
};

}  // namespace weir
