// SPDX-License-Identifier: Apache-2.0
//
// The query of a view, whichever way it was written: SQL text of a file, or steps of a C++ program.

#pragma once

#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/functions/function_registry.h"
#include "weir/project/project_definition.h"

namespace weir {

/// Plans it; not optimised. `functions`: those of the session. Fails with the place in the file, or
/// in the program.
Result<engine::Plan> PlanQuery(const ViewDefinition& view, const engine::Session& session,
                               const FunctionRegistry& functions);

/// The tables that it names, those of the default schema by their bare names.
Result<std::vector<std::string>> TablesNamed(const ViewDefinition& view,
                                             const engine::Session& session);

}  // namespace weir
