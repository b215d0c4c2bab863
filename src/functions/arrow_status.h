// SPDX-License-Identifier: Apache-2.0
//
// From Arrow's Status and Result to Weir's. Private to the room.

#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include "weir/base/result.h"

namespace weir {

/// Memory is the environment's business; whatever else Arrow refuses is a bug of a kernel.
inline Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return Status::OK();
  if (status.IsOutOfMemory()) {
    return Status::Environment(StatusCode::kOutOfMemory, "{}", status.message());
  }
  if (status.IsCapacityError()) {
    return Status::User(StatusCode::kUnsupported, "{}", status.message());
  }
  return Status::Bug("Arrow: {}", status.ToString());
}

template <typename T>
Result<T> FromArrow(arrow::Result<T> result) {
  if (!result.ok()) return FromArrow(result.status());
  return *std::move(result);
}

}  // namespace weir
