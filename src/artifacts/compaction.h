// SPDX-License-Identifier: Apache-2.0
//
// Tables that grow by one small file a run, or are written by many threads, stay quick to read:
// from time to time their small files are put together. In: a table and its newest version. Out: a
// commit that changes no row, or none.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "weir/base/result.h"
#include "weir/delta/delta_commit.h"
#include "weir/engine/engine.h"

namespace weir {

/// Commits between compactions of an artifact table.
inline constexpr int64_t kCompactionInterval = 50;

/// Whether reading a file costs more for opening it than for its rows; one with a deletion vector
/// is left as it is.
bool IsSmallFile(int64_t size_bytes, bool has_deletion_vector);

/// Puts the small files of each partition together that has `least` of them or more; of many
/// partitions only some at a time, so that not too many files are written at once. Returns what was
/// committed; nothing where there is nothing left to do. Where it fails, the table is as it was,
/// and files written in vain may be left behind. Another writer may append meanwhile.
Result<std::optional<CommitOutcome>> CompactTable(const engine::Session& session,
                                                  const std::string& table_url, size_t least,
                                                  int64_t now_ms);

}  // namespace weir
