// SPDX-License-Identifier: Apache-2.0
//
// After a run that was cut off: a power cut, a crash of the machine. In: the lock of a local
// warehouse, which knows of such runs, and its tables. Out: tables whose versions are whole, on the
// disk, and what had to be taken back for that.

#pragma once

#include "weir/base/diagnostic.h"
#include "weir/base/result.h"
#include "weir/project/project_definition.h"
#include "weir/run/warehouse_lock.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Does nothing where all earlier runs gave the lock back. Returns a warning (W5013) for each table
/// of which commits were taken back (delta/half_written.h). Tables that are sources of the project,
/// links, and those that are being dropped, are left alone.
/// REQUIRES: `lock` is held
Result<Diagnostics> Recover(const ProjectDefinition& project, const SessionRuntime& session,
                            const WarehouseLock& lock);

}  // namespace weir
