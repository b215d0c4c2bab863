// SPDX-License-Identifier: Apache-2.0
//
// Two tables as bags of rows. In: tables of the same columns. Out: how many rows each has that the
// other has not, and the first of them.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/catalog/pinned_table.h"
#include "weir/engine/engine.h"

namespace weir {

struct BagDifference {
  int64_t only_before = 0;  ///< rows, duplicates counted
  int64_t only_after = 0;
  std::vector<std::string> rows_before;  ///< the first of them, as messages show rows
  std::vector<std::string> rows_after;
};

/// Rows count as equal where their content hashes are. Reads both tables twice, and holds 24 bytes
/// a different row; fails with kUnsupported on tables of more than a hundred million rows.
Result<BagDifference> CompareBags(const PinnedTable& before, const PinnedTable& after,
                                  size_t most_rows, const engine::Session& session,
                                  const engine::Cancellation& cancellation);

}  // namespace weir
