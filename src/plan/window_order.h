// SPDX-License-Identifier: Apache-2.0
//
// What functions make of the order of their rows. Private to the room.

#pragma once

#include <memory>
#include <string>

#include "weir/plan/expression.h"

namespace weir::internal {

/// The aggregate that takes the first value that is not NULL, and heeds no ORDER BY.
constexpr char kAnyValue[] = "any_value";

/// Whether a function keeps the order of its rows, or takes one of them by its place.
bool KeepsOrder(const std::string& function);
/// Whether an aggregate takes rows as they arrive, and no ORDER BY changes that.
bool TakesArriving(const std::string& function);

/// What a window function wants of the order of rows that tie in its keys.
enum class Need {
  kNothing,
  kValues,  ///< its arguments as further keys
  kRows,    ///< all columns as further keys
  kPeers,   ///< its rows sorted by its arguments too, but peers as they are
};

Need NeedOf(const Expression& function);

/// ROWS up to the current row, or from it on.
std::shared_ptr<const WindowFrame> RowsFrame(bool to_end_of_partition);

/// Gives a window function a frame that means the same with more keys.
/// REQUIRES: it needs values or rows
void SettleFrame(Expression& function);

}  // namespace weir::internal
