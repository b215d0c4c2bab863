// SPDX-License-Identifier: Apache-2.0
//
// What the artifacts of a warehouse tell upkeep: runs, what they did with views, and what earlier
// `weir gc` found. In: a session. Out: plain values. Columns that older runs did not record are
// unknown.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/session/session_runtime.h"
#include "weir/upkeep/retention.h"

namespace weir {

/// All runs, but for those that were killed before they built anything: a `weir gc` that was killed
/// is recorded as one. None where no run was recorded.
Result<std::vector<RunRecord>> ReadRuns(const SessionRuntime& session);

/// What is published: the last set of each project, and those that readers read after `runs`.
Result<std::vector<PublishedTask>> ReadPublished(const SessionRuntime& session,
                                                 const std::set<std::string>& runs);

/// The views that `runs` built or left as they were.
Result<std::vector<TaskRecord>> ReadTasks(const SessionRuntime& session,
                                          const std::set<std::string>& runs);

/// By view: when the last run that was about it began, in microseconds.
Result<std::map<std::string, int64_t>> ReadLastUses(const SessionRuntime& session,
                                                    const std::set<std::string>& views);

/// By table: when `weir gc` saw that no view has it, in microseconds, ascending.
Result<std::map<std::string, std::vector<int64_t>>> ReadSightings(const SessionRuntime& session);

}  // namespace weir
