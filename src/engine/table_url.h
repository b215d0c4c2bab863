// SPDX-License-Identifier: Apache-2.0
//
// Where Delta tables may lie. Private to the room.

#pragma once

#include <string>

#include "weir/base/status.h"

namespace weir::engine::internal {

/// Fails with kInvalidArgument for web servers, which cannot be listed as logs are.
Status CheckTableUrl(const std::string& url);

}  // namespace weir::engine::internal
