// SPDX-License-Identifier: Apache-2.0
//
// Views that are read from another profile's warehouse. In: what is selected, what was built here.
// Out: for each view that a selected one reads and that is neither, its last build there, at a
// version. The other warehouse is only read: no lock is taken, nothing is recorded in it.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "weir/bundle/compile.h"
#include "weir/catalog/pinned_table.h"
#include "weir/decide/history.h"
#include "weir/graph/task_graph.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Where is read what is not built here.
struct DeferTarget {
  std::string profile;
  std::string warehouse_url;  ///< with a trailing slash
};

/// A view's table in the other warehouse.
struct DeferredView {
  std::string profile;
  std::string table_url;
  BuildRecord build;
  bool same_definition = true;  ///< its fingerprint there is the one that it has here
};

/// By view.
using DeferredViews = std::map<std::string, DeferredView>;

/// The table of a stored view at `url`, in its latest version; where it is not built, that of the
/// other warehouse. Fails as PinDelta does.
Result<PinnedTable> PinStored(const std::string& view, const std::string& url,
                              const std::optional<DeferTarget>& target,
                              const engine::Session& session);

/// The views that the selected ones read and that are neither selected nor built here. Fails with
/// kPlanFailed where one is not built there either, or where its table there has not the columns
/// that a reader was planned with.
Result<DeferredViews> DeferViews(const DeferTarget& target, const CompiledProject& compiled,
                                 const TaskGraph& graph, const std::set<std::string>& selected,
                                 const std::function<bool(const std::string& view)>& is_built_here,
                                 const SessionRuntime& session);

/// "`a` is read from profile `prod`, version 3 of …; it was built there by another definition".
std::string Describe(const std::string& view, const DeferredView& deferred);

/// Fails with kInvalidArgument where both are one place.
Status CheckOtherWarehouse(const std::string& profile, const std::string& warehouse_url,
                           const DeferTarget& target);

}  // namespace weir
