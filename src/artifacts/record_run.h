// SPDX-License-Identifier: Apache-2.0
//
// Turns a finished run into rows. In: the run envelope and what it was made from. Out: rows of
// every artifact table.

#pragma once

#include <string>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/diagnostic.h"
#include "weir/bundle/compile.h"
#include "weir/project/project_definition.h"
#include "weir/run/project_run.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Leaves a mark that the run has begun; RecordRun takes it away. What a later run finds was
/// killed.
Status MarkBegun(const std::string& run_id, const SessionRuntime& session);

/// Describes the bundles of those views that ran, and records everything with one commit a table.
/// Runs that were killed before they could do so are recorded too, as far as their commits still
/// stand.
Status RecordRun(const RunEnvelope& envelope, const ProjectDefinition& project,
                 const CompiledProject& compiled, const SessionRuntime& session,
                 const Diagnostics& diagnostics);

}  // namespace weir
