// SPDX-License-Identifier: Apache-2.0
//
// How a view's columns are stored: Delta has fewer types than the engine.

#pragma once

#include <memory>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/status.h"

namespace weir {

/// The type each output column is stored with: views and large variants become plain, unsigned
/// integers the next signed type (uint64: int64, checked value by value), timestamps microseconds,
/// dictionaries their values. All columns are nullable. Reports to `problems`, and returns what it
/// can, where a column has no stored form, a name Delta does not take, or a name that stands twice.
std::shared_ptr<arrow::Schema> StoredSchema(const arrow::Schema& output,
                                            std::vector<Status>& problems);

}  // namespace weir
