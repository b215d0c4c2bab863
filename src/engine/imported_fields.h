// SPDX-License-Identifier: Apache-2.0
//
// Fields that cross the bridge with every call. The same ones come again and again, so each thread
// keeps what it has read. Private to the room.

#pragma once

#include <arrow/c/abi.h>
#include <arrow/result.h>
#include <arrow/type.h>

namespace weir::engine::internal {

/// The fields of a struct schema, which is released.
arrow::Result<arrow::FieldVector> ImportFieldsOnce(ArrowSchema* schema);

}  // namespace weir::engine::internal
