// SPDX-License-Identifier: Apache-2.0
//
// Runs the plan of one view. In: its bundle, the tables that it reads. Out: data files in the
// view's folder that no commit names yet, and what is known of the rows in them.

#pragma once

#include <string>
#include <vector>

#include "weir/bundle/plan_bundle.h"
#include "weir/run/project_run.h"
#include "weir/run/view_hasher.h"
#include "weir/scan/scan_unit.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Belongs to one thread; executes once. The arguments must outlive it.
class ViewExecution {
 public:
  /// `readings`: of this view by others, hashed while it is written.
  ViewExecution(const PlanBundle& bundle, const std::vector<Reading>& readings,
                const SessionRuntime& session, const engine::Cancellation& cancellation)
      : bundle_(bundle),
        session_(session),
        cancellation_(cancellation),
        hasher_(*bundle.stored_schema, readings, session.engine()) {}

  /// Executes the bundle's plan over `lookup`'s tables and writes the result's files; commits
  /// nothing. `by_lane`: from the bytes of the view's lane. A view that reads much is cut into up
  /// to `most_partitions`.
  Status Write(const TableLookup& lookup, bool by_lane, int most_partitions, ViewOutcome& outcome);

 private:
  /// What the plan's columns are called by which rows are sorted in the files.
  std::vector<std::string> SortColumns() const;

  const PlanBundle& bundle_;
  const SessionRuntime& session_;
  const engine::Cancellation& cancellation_;
  ViewHasher hasher_;
};

}  // namespace weir
