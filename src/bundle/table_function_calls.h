// SPDX-License-Identifier: Apache-2.0
//
// Calls of table functions in views. What their rows are depends on the machine, or on what a log
// says at the moment: a view of them could be neither pinned nor repeated, so views may not call
// them; `weir sql` and tests may.

#pragma once

#include <optional>

#include "weir/base/diagnostic.h"
#include "weir/engine/engine.h"
#include "weir/functions/function_registry.h"
#include "weir/project/project_definition.h"

namespace weir {

/// What is wrong with the first call of a table function of Weir in the view's query (W2010), at
/// its place; nullopt if there is none. A query that has syntax errors is passed over: planning
/// says it better.
std::optional<Diagnostic> RefuseTableFunctions(const ViewDefinition& view,
                                               const FunctionRegistry& functions,
                                               const engine::Session& session);

}  // namespace weir
