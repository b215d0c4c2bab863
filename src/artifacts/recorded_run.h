// SPDX-License-Identifier: Apache-2.0
//
// A run as it recorded itself, complete enough to be executed again. In: the artifacts of a
// warehouse. Out: bundles as they were, and what each of their scans read. Nothing of the project
// is looked at, and no table but the artifacts.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/catalog/pinned_table.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir {

struct RecordedFile {
  std::string path;  ///< relative to the table
  int64_t size_bytes = 0;
  int64_t modified_us = 0;
  std::string etag;   ///< empty if the store gave none
  bool kept = false;  ///< read; else pruned
};

/// One scan of a bundle.
struct RecordedScan {
  int scan_id = 0;
  std::string table;
  TableKind kind = TableKind::kDelta;
  std::string url;                         ///< where it was
  int64_t version = -1;                    ///< of Delta
  std::optional<SourceDefinition> source;  ///< how it is read; nothing for a view
  std::vector<RecordedFile> files;         ///< ordered by path
};

/// What one run built of one view.
struct RecordedBuild {
  std::string run_id;
  PlanBundle bundle;  ///< without what only people read
  std::vector<RecordedScan> scans;
  int64_t now_us = 0;    ///< what `now()` and the like gave
  int64_t version = -1;  ///< of the commit in the view's table
  int64_t rows = 0;
  std::string content_hash;  ///< of the result as a whole
  std::string table_url;     ///< where its table was
  std::string warehouse_url;
  std::string physical_plan;  ///< as executed; empty if that is not known
  std::map<std::string, std::string> engine_versions;
  /// Settings that can change results, by name.
  std::map<std::string, std::string> settings;
};

struct RecordedRun {
  std::string run_id;
  std::string state;                  ///< as in `runs`
  std::vector<RecordedBuild> builds;  ///< in an order in which each comes after those that it reads
  std::vector<std::string> reused;    ///< views that it left as they were, ordered by name
  std::vector<std::string> unbuilt;   ///< views that failed or were blocked
};

/// Which run, and how much of it.
struct RecordedRunChoice {
  std::string run;                 ///< its id, or `last`
  std::vector<std::string> views;  ///< these alone; empty: all
  /// What it reused, too, each as the run built it that did.
  bool with_reused = false;
};

/// Fails with kNotFound where there is no such run or view, with kUnsupported where the run is of a
/// Weir that did not record enough.
Result<RecordedRun> LoadRecordedRun(const RecordedRunChoice& choice, const SessionRuntime& session);

}  // namespace weir
