// SPDX-License-Identifier: Apache-2.0
//
// What became of a run: every view built, reused, failed or blocked, each with its metrics. Plain
// values; whoever records or prints a run reads nothing else.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/decide/decision.h"
#include "weir/decide/history.h"
#include "weir/engine/data_file.h"
#include "weir/run/constraint_check.h"
#include "weir/run/deferral.h"
#include "weir/run/run_circumstances.h"
#include "weir/scan/scan_unit.h"

namespace weir {

enum class ViewState { kRun, kReused, kFailed, kBlocked };

/// "run", "reused", "failed" or "blocked".
std::string_view ToString(ViewState state);

/// What became of one view.
struct ViewOutcome {
  std::string view_name;
  ViewState state = ViewState::kReused;
  Decision decision;
  Status status;  ///< why it failed, or which view blocked it
  std::vector<ScanUnit> scan_units;
  /// Of the commit that made the result, in this run or before. -1 if there is none.
  int64_t version = -1;
  /// The newest that holds the same rows in the same columns: what its readers read. More than
  /// `version` after maintenance.
  int64_t read_version = -1;
  std::string built_by;  ///< run id of that commit
  Fingerprint fingerprint;
  Fingerprint input_hash;
  ViewContent content;
  int64_t rows = 0;
  int64_t bytes_read = 0;  ///< that its scans fetched of files; 0 when reused
  int64_t bytes_written = 0;
  std::vector<DataFile> files;  ///< written
  /// What its constraints counted, if it ran or failed at them; in the order of the file.
  std::vector<ConstraintOutcome> constraints;
  bool failed_at_partition = false;  ///< at a value that Delta cannot partition by
  int64_t started_at_us = 0;
  int64_t write_began_at_us = 0;   ///< when its plan began to execute; 0: it did not
  int64_t commit_began_at_us = 0;  ///< when its files were written; 0: they were not
  int64_t finished_at_us = 0;
  std::string metrics_json;   ///< as ReadOperatorMetrics takes it; empty: nothing was executed
  std::string physical_plan;  ///< as executed, indent form; likewise
  /// Why its joins were executed by sorting and merging: what hash joins failed with.
  Status hash_joins_failed;
};

/// A run as a whole.
struct RunEnvelope {
  std::string run_id;
  std::string tag;    ///< as RunOptions has it
  std::string state;  ///< "succeeded", "failed" or "cancelled"
  int64_t started_at_us = 0;
  int64_t finished_at_us = 0;
  int64_t now_us = 0;              ///< what `now()` and the like gave, in all views of the run
  std::vector<ViewOutcome> views;  ///< in topological order
  DeferredViews deferred;          ///< views that were read from another warehouse
  RunCircumstances circumstances;
  /// The last builds of the project's other views; nullopt where there is none.
  std::map<std::string, std::optional<BuildRecord>> not_selected;

  /// The run whose versions readers read after this one; empty: it published nothing. Known when
  /// it is recorded.
  std::string published_run_id;

  int Count(ViewState state) const;
  int64_t bytes_read() const;
  int64_t bytes_written() const;
};

/// A new run id: time-ordered, unique, e.g. "20261121T054312Z-4f2a9c".
std::string NewRunId(const Clock& clock);

}  // namespace weir
