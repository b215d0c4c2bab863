// SPDX-License-Identifier: Apache-2.0
//
// What a run publishes. In: how the run ended, and the last set of its project. Out: the next set,
// or why there is none. A set is consistent: each of its views was built from those results of
// other views that the set has.

#pragma once

#include <functional>
#include <optional>
#include <string>

#include "weir/artifacts/published_sets.h"
#include "weir/decide/history.h"
#include "weir/run/project_run.h"

namespace weir {

struct Publication {
  /// To be written: its number is to be given. Nothing: no set is new.
  std::optional<PublishedSet> set;
  /// The run whose set readers read after this one, as `weir.runs` has it: this run's, or that of
  /// the last set where nothing changed. Empty: the run published nothing.
  std::string published_run_id;
  std::string earlier_run_id;  ///< of the last set; empty: there is none
  std::string misfit;          ///< why a run that succeeded published nothing
};

/// The record of an earlier build of a view, by the version of its commit; nullopt if nobody knows.
using BuildAtVersion =
    std::function<std::optional<BuildRecord>(const std::string& view, int64_t version)>;

/// A run that succeeded publishes what it built or found. Views that were not selected stay as they
/// are in `last`, but for those that must move with what the run built: what that was built from,
/// and what would otherwise have been built from another result. Where there is no last set, they
/// are taken as they are.
Publication DecidePublication(const RunEnvelope& run, const std::optional<PublishedSet>& last,
                              const BuildAtVersion& build_at);

}  // namespace weir
