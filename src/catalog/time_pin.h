// SPDX-License-Identifier: Apache-2.0
//
// Delta tables pinned to a time. Private to the room.

#pragma once

#include <cstdint>
#include <string>

#include "weir/base/status.h"
#include "weir/engine/engine.h"

namespace weir {

/// Fails with kNotFound where no version of the table is as old as `timestamp` (RFC 3339), for
/// which the engine found `version`: commits have the times at which their log entries were
/// written. `url`: of the table, with a trailing slash.
Status CheckTimePin(const std::string& url, const std::string& timestamp, int64_t version,
                    const engine::Session& session);

}  // namespace weir
