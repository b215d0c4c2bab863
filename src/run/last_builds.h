// SPDX-License-Identifier: Apache-2.0
//
// The last builds of views, read at once and in parallel, and from where views are read that are
// not built now. In: history and, perhaps, what is deferred to another warehouse. Out: records.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weir/decide/history.h"
#include "weir/graph/task_graph.h"
#include "weir/run/deferral.h"

namespace weir {

/// A result of a view that can be read.
struct ReadableBuild {
  const BuildRecord* build = nullptr;  ///< null: there is none
  std::string table_url;               ///< empty: the table of this warehouse
};

/// Immutable once all is deferred, hence safe to share across threads.
class LastBuilds {
 public:
  static Result<LastBuilds> Read(const std::vector<std::string>& views, const BuildHistory& history,
                                 int threads);
  static Result<LastBuilds> Read(const TaskGraph& graph, const BuildHistory& history, int threads);

  void Defer(DeferredViews deferred) { deferred_ = std::move(deferred); }
  const DeferredViews& deferred() const { return deferred_; }

  /// In this warehouse.
  const std::optional<BuildRecord>& Of(const std::string& view_name) const {
    return records_.at(view_name);
  }
  /// What a reader reads of a view that does not run: in this warehouse, else where it is deferred
  /// to.
  ReadableBuild ToRead(const std::string& view_name) const;
  /// Where the tables are that are read of other warehouses, by view; of all `views` that are.
  std::map<std::string, std::string> PlacesOf(const std::vector<std::string>& views) const;

 private:
  std::map<std::string, std::optional<BuildRecord>> records_;
  DeferredViews deferred_;
};

}  // namespace weir
