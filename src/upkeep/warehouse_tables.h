// SPDX-License-Identifier: Apache-2.0
//
// The tables of a warehouse. In: the project and a listing. Out: the tables of its views, landed
// sources, those of artifacts, and folders with a log that no view or source of the project has.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir {

struct WarehouseTable {
  enum class Of {
    kView,
    kArtifact,
    kNoView,     ///< perhaps of a view that is no more; perhaps somebody else's
    kLanding,    ///< of a source that is retained
    kNoLanding,  ///< of one that is no more, or is no longer retained
  };
  std::string name;   ///< the view's, "weir.<table>", or "_weir/sources/<source>"
  std::string owner;  ///< the view or source, as builds name what they read
  std::string url;    ///< with a slash at its end
  Of of = Of::kView;
  /// The project reads it, or what lies in it, as a source; or it is a link, hence elsewhere.
  bool is_left_alone = false;
  bool has_owner() const { return of != Of::kNoView && of != Of::kNoLanding; }
  bool is_landing() const { return of == Of::kLanding || of == Of::kNoLanding; }
  /// When an earlier `weir gc` began to drop it, in microseconds; -1: none did.
  int64_t dropping_since_us = -1;
};

/// Views and artifacts, whether they have a table or not, then landed sources and others; each
/// ordered by name. Of others, links to folders and names that views cannot have are left out.
Result<std::vector<WarehouseTable>> ListWarehouseTables(const ProjectDefinition& project,
                                                        const SessionRuntime& session);

/// The object that stands while a table is dropped, so that what a kill leaves is known for what
/// it is. It holds the time as a number.
std::string DropMarkerUrl(const std::string& warehouse_url, const std::string& table);

}  // namespace weir
