// SPDX-License-Identifier: Apache-2.0
//
// Whether a Delta table can give back the rows of a source as they are read from its files. In: the
// source's columns. Out: what stands against it, a Status a column.

#pragma once

#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/diagnostic.h"
#include "weir/base/status.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Columns whose names Delta does not take, that it has no type for, or whose values it would cut.
std::vector<Status> ProblemsOfLanding(const arrow::Schema& columns);

/// Reports (W3009) the sources with `retain` that cannot be landed. Reads nothing.
void CheckLandings(const ProjectDefinition& project, const SessionRuntime& session,
                   Diagnostics& diagnostics);

}  // namespace weir
