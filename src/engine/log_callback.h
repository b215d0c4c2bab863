// SPDX-License-Identifier: Apache-2.0
//
// What the bridge calls with the engine's own words. Its generated code includes this header, hence
// it knows nothing of the rest of the room; log_events.cc has the function.

#pragma once

#include <cstdint>

#include "rust/cxx.h"

namespace weir {

namespace bridge {
struct KeyValue;
}

/// Writes a record of the log. `level`: as LogLevel counts; `target`: the module that speaks, its
/// crate first. May be called from any thread, also from within calls of the bridge.
void TakeLogEvent(uint8_t level, rust::Str target, rust::Str message,
                  const rust::Vec<bridge::KeyValue>& fields) noexcept;

}  // namespace weir
