// SPDX-License-Identifier: Apache-2.0
//
// The lock of the warehouse for a command that writes it.

#pragma once

#include <memory>
#include <string>

#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"
#include "weir/run/warehouse_lock.h"
#include "weir/session/session_runtime.h"

namespace weir::cli {

/// Waits until no run holds the warehouse, and takes back what one that was cut off left half
/// written; says both on stderr, and adds what was taken back to `diagnostics`. `opened_at_us`:
/// when the command began to read: what ended later makes the lock count as waited for.
Result<std::unique_ptr<WarehouseLock>> TakeWarehouse(
    const ProjectDefinition& project, const SessionRuntime& session, const std::string& run_id,
    int64_t opened_at_us, const engine::Cancellation& cancellation, Diagnostics& diagnostics);

}  // namespace weir::cli
