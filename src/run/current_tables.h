// SPDX-License-Identifier: Apache-2.0
//
// The tables that views read now. In: a session's pinned sources, and the versions of views that
// are final. Out: tables to derive scans from and to bind plans to, each opened once.

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "weir/graph/task_graph.h"
#include "weir/session/session_runtime.h"

namespace weir {

using TablePtr = std::shared_ptr<const PinnedTable>;

/// Pinned sources, and results of views, loaded when first asked for. Safe for use from several
/// threads. The arguments must outlive it.
class CurrentTables {
 public:
  CurrentTables(const SessionRuntime& session, const TaskGraph& graph)
      : session_(session), graph_(graph) {}

  /// Sources only; views are unknown. Enough to decide, since views count by the content of their
  /// result.
  TablePtr Source(const std::string& name) const;
  /// Loads a view's table of the given version, once. `url`: empty for that of this warehouse.
  Result<TablePtr> View(const std::string& name, int64_t version, const std::string& url = {});
  void Set(const std::string& name, TablePtr table);

 private:
  const SessionRuntime& session_;
  const TaskGraph& graph_;
  std::mutex mutex_;
  std::map<std::string, TablePtr> views_;
};

}  // namespace weir
