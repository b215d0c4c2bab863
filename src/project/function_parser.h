// SPDX-License-Identifier: Apache-2.0
//
// Reads CREATE FUNCTION: the files under functions/, and statements of a session. In: text with any
// number of statements. Out: a definition of each that has no error; errors are reported, and
// reading goes on after the next `;`. Types and expressions are found, not understood.

#pragma once

#include <set>
#include <string>
#include <vector>

#include "weir/project/project_definition.h"
#include "weir/project/token_cursor.h"

namespace weir {

/// Reads statements of the form
///
///     CREATE [OR REPLACE] FUNCTION name ( [argument type [DEFAULT expression], …] )
///       RETURNS type
///       RETURN expression
///
/// Adds the names of statements that have errors to `broken`, as far as they have one.
std::vector<UserFunctionDefinition> ParseFunctionFile(const SqlFile& file,
                                                      std::set<std::string>& broken,
                                                      Diagnostics& diagnostics);

}  // namespace weir
