// SPDX-License-Identifier: Apache-2.0
//
// The one way in which a bundle is executed, by runs, unit tests and replays alike.
// In: a bundle, compiled now or recorded by any earlier run, and the tables that its scans read.
// Out: data files that no commit names yet, and what is known of the rows in them.
// Nothing here plans: the plan is read from the bundle's bytes, and is refused where this program's
// functions are not those that it was made with.

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "weir/bundle/plan_bundle.h"
#include "weir/engine/engine.h"
#include "weir/run/run_envelope.h"
#include "weir/scan/reading.h"
#include "weir/scan/scan_unit.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// What one execution of a bundle reads and writes.
struct BundleRequest {
  TableLookup lookup;     ///< the tables that its scans read
  std::string table_url;  ///< whose folder gets the files
  /// By scan, the paths of the files that are read; of other scans, those that can matter.
  std::map<int, std::set<std::string>> recorded_files = {};
  /// What `now()` and the like give, in microseconds since the epoch.
  int64_t now_us = 0;
  /// From the bytes of the bundle's lane, Substrait where it carries the plan.
  bool by_lane = false;
  /// A view that reads much is cut into up to so many.
  int most_partitions = 1;
  /// Of this view by others, hashed while it is written.
  std::vector<Reading> readings = {};
  /// Counts rows on their way into files; may be null.
  std::atomic<int64_t>* rows_written = nullptr;
};

/// The executable plan of a bundle: its scans bound to tables, its calls of the clock to a time.
Result<engine::Plan> PlanOfBundle(const PlanBundle& bundle, bool by_lane, int64_t now_us,
                                  const std::vector<std::pair<uint32_t, engine::Table>>& scans,
                                  const SessionRuntime& session);

/// Executes a bundle and writes the files of its result; commits nothing. What is known of the
/// execution goes to `outcome`, as far as it came. Fails with kConflict where the bundle needs
/// functions that the program has not, or files that its tables have not.
Status ExecuteBundle(const PlanBundle& bundle, const BundleRequest& request,
                     const SessionRuntime& session, const engine::Cancellation& cancellation,
                     ViewOutcome& outcome);

}  // namespace weir
