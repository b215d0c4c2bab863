// SPDX-License-Identifier: Apache-2.0
//
// Tables that grow by one small file a run stay quick to read: from time to time their small files
// are put together. In: a table and its newest version. Out: a commit that changes no row, or none.

#pragma once

#include <cstdint>

#include "weir/base/result.h"
#include "weir/delta/delta_commit.h"
#include "weir/engine/engine.h"

namespace weir {

/// Commits between compactions of an artifact table.
inline constexpr int64_t kCompactionInterval = 50;

/// Puts the small files of a table without partitions together; `appended` is what was last
/// committed to it. Where it fails, the table is as it was, and files written in vain are left
/// behind. Another writer may append meanwhile.
Status CompactTable(const engine::Session& session, DeltaWriteSpec appended);

}  // namespace weir
