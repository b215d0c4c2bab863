// SPDX-License-Identifier: Apache-2.0
//
// In what this program differs from the one that recorded a build. In: the record and a session.
// Out: what is no more there, hence refused, and what is merely other.

#pragma once

#include <string>
#include <vector>

#include "weir/artifacts/recorded_run.h"
#include "weir/base/status.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Engine versions, settings and guards that are not those of the record: "datafusion was `55.1.0`,
/// now `55.2.0`".
std::vector<std::string> ProgramDrift(const RecordedBuild& build, const SessionRuntime& session);

/// Whether two executions, as their plans' indent forms show them, have the same operators but for
/// those that only move rows between partitions.
bool SameOperators(const std::string& before, const std::string& after);

}  // namespace weir
