// SPDX-License-Identifier: Apache-2.0
//
// Which runs are kept, and which versions of which tables these need. In: what artifacts and logs
// tell, and the project's settings. Out: versions. Plain functions of values: they read nothing.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "weir/delta/table_history.h"
#include "weir/project/project_definition.h"

namespace weir {

/// A run, as far as retention is concerned.
struct RunRecord {
  std::string run_id;
  int64_t started_at_us = 0;
  std::string tag;         ///< empty: none
  std::string project;     ///< empty: not recorded
  bool succeeded = false;  ///< only then its tag counts
};

/// What a run did with a view.
struct TaskRecord {
  std::string run_id;
  std::string view_name;
  int64_t version = -1;  ///< of its table, that the run wrote or left; -1: not recorded
};

/// A view in a published set.
struct PublishedTask {
  std::string project;
  std::string view_name;
  int64_t version = -1;
};

/// The logs of views' tables, by view.
using Histories = std::map<std::string, const TableHistory*>;

/// The keys of a build's record that retention needs of each commit.
std::set<std::string> RecordedKeys();

/// `runs`, and those that commits name and artifacts do not (yet) know.
std::vector<RunRecord> AllRuns(std::vector<RunRecord> runs, const Histories& histories);

/// The ids of the last runs, of those within the days, and of the newest run of each tag that
/// succeeded.
std::set<std::string> RetainedRuns(std::vector<RunRecord> runs, const RetentionSettings& retention,
                                   int64_t now_us);

/// The versions of each view's table that the runs wrote, left as they were, or read, and those
/// that the builds of these versions read. Versions that a log no longer tells are left out.
std::map<std::string, std::set<int64_t>> VersionsOfRuns(const std::set<std::string>& runs,
                                                        const std::vector<TaskRecord>& tasks,
                                                        const Histories& histories);

/// Adds the versions of published sets to those that are needed, as far as logs still tell them.
/// Sets of other projects count for tables that are not those of `project`'s views: what a project
/// published under an earlier name is nobody's.
void AddPublished(const std::vector<PublishedTask>& published, const ProjectDefinition& project,
                  const Histories& histories, std::map<std::string, std::set<int64_t>>& versions);

/// The latest version, and those that were the latest within the days, or within the table's own
/// `delta.deletedFileRetentionDuration` if that is longer.
std::set<int64_t> RecentVersions(const TableHistory& table, int64_t days, int64_t now_us);

}  // namespace weir
