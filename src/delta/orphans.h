// SPDX-License-Identifier: Apache-2.0
//
// Files that no version of a table names: what killed writers leave. In: the table's folder and its
// log. Out: the orphans, which may be removed while nobody writes the table.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"

namespace weir {

struct OrphanFile {
  std::string path;  ///< in the table's folder
  int64_t size_bytes = 0;
};

/// Those below a table's URL, ordered by path; none where there is no folder. Files that earlier
/// versions name are none, as long as their commits stand. A file that is being written just now
/// looks like one.
Result<std::vector<OrphanFile>> FindOrphans(const engine::Session& session,
                                            const std::string& table_url);

/// Removes them; one that is gone already counts as removed.
Status RemoveOrphans(const engine::Session& session, const std::string& table_url,
                     const std::vector<OrphanFile>& orphans);

}  // namespace weir
