// SPDX-License-Identifier: Apache-2.0
//
// Rows in messages.

#pragma once

#include <cstdint>
#include <string>

#include <arrow/type_fwd.h>

namespace weir {

/// One row for a message: "id = 3, name = NULL"; long ones are cut.
std::string RowText(const arrow::RecordBatch& batch, int64_t row);

}  // namespace weir
