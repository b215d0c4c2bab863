// SPDX-License-Identifier: Apache-2.0
//
// Turns a finished run into rows. In: the run envelope and what it was made from. Out: rows of
// every artifact table.

#pragma once

#include <string>

#include "weir/artifacts/artifact_tables.h"
#include "weir/artifacts/publication.h"
#include "weir/base/diagnostic.h"
#include "weir/bundle/compile.h"
#include "weir/project/project_definition.h"
#include "weir/run/project_run.h"
#include "weir/run/warehouse_lock.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Describes the bundles of those views that ran, and records everything with one commit a table.
/// Runs that ended before they could do so (`lock.unrecorded()`) are recorded first, each in
/// commits of its own, as far as their commits still stand. Recording again what is recorded adds
/// nothing: they may be forgotten once all of it is on the disk. What the run publishes is one of
/// these commits; returns what that is. REQUIRES: `lock` is held.
Result<Publication> RecordRun(const RunEnvelope& envelope, const ProjectDefinition& project,
                              const CompiledProject& compiled, const SessionRuntime& session,
                              const Diagnostics& diagnostics, const WarehouseLock& lock);

}  // namespace weir
