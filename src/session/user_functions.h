// SPDX-License-Identifier: Apache-2.0
//
// Makes user functions known to an engine session. In: definitions as the project's files have
// them. Out: their declarations; whatever is wrong with them is reported at its place (W202x).

#pragma once

#include <set>
#include <string>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/engine/engine.h"
#include "weir/functions/function_registry.h"
#include "weir/project/project_definition.h"

namespace weir {

/// The native functions, with what the profile sets for arguments that calls omit.
FunctionRegistry NativeFunctionsFor(const ProfileSettings& profile);

/// What readers see of a function; its expression is not looked at.
FunctionDeclaration DeclarationOf(const UserFunctionDefinition& definition);

struct UserFunctions {
  std::vector<FunctionDeclaration> declarations;
  std::set<std::string> broken;  ///< those with errors, and those that call one
};

/// Defines the project's functions, each after those that it calls. `natives` are installed.
UserFunctions DefineUserFunctions(const ProjectDefinition& project, const engine::Session& session,
                                  const FunctionRegistry& natives, Diagnostics& diagnostics);

/// Defines one function in a session that has `known`. Fails with the place in its text, and with
/// kAlreadyExists where a function has its name, unless it is a user function and the statement
/// says OR REPLACE.
Result<FunctionDeclaration> DefineUserFunction(const UserFunctionDefinition& definition,
                                               const engine::Session& session,
                                               const FunctionRegistry& known);

}  // namespace weir
