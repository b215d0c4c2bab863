// SPDX-License-Identifier: Apache-2.0
//
// What `weir plan` says of one view: the decision, and what would be read of which table. Values
// that need no plan, so that they can be kept and printed again.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/byte_stream.h"
#include "weir/decide/decision.h"
#include "weir/run/project_run.h"

namespace weir {

/// What would be read of one table; see ScanUnit.
struct PlanRowUnit {
  std::string table;
  std::string kind;  ///< "delta", "listing" or "view"
  int64_t version = -1;
  bool files_known = true;
  int64_t files_kept = 0;
  int64_t files_pruned = 0;
  int64_t bytes_kept = 0;

  bool operator==(const PlanRowUnit&) const = default;
};

/// A view that would be read from another warehouse; see DeferredView.
struct PlanRowDeferral {
  std::string table;
  std::string profile;
  std::string url;
  int64_t version = -1;
  bool same_definition = true;
  std::string text;  ///< the same in words

  bool operator==(const PlanRowDeferral&) const = default;
};

struct PlanRow {
  std::string view_name;
  Action action = Action::kRun;
  std::string code;
  std::string reason;
  std::string fingerprint;
  std::vector<std::string> upstream_views;  ///< ordered by name
  std::vector<PlanRowUnit> units;
  /// Not among the bytes: what is deferred is planned each time.
  std::vector<PlanRowDeferral> deferred = {};

  bool operator==(const PlanRow&) const = default;
};

/// In the order of `planned`.
std::vector<PlanRow> ToPlanRows(const std::vector<PlannedView>& planned, const TaskGraph& graph);

void Put(ByteWriter& out, const PlanRow& row);
/// Leaves `in` not ok if the bytes are none.
PlanRow GetPlanRow(ByteReader& in);

}  // namespace weir
