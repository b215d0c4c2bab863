// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with a call of a function, in the words of its declaration.
// In: the engine's failure and the SQL text. Out: the same failure with the function's signature
// and the place of the call.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weir/base/status.h"
#include "weir/functions/function_registry.h"

namespace weir {

/// Explains a failure of planning `sql`: a wrong number or type of arguments, a parameter that is
/// unknown, missing or given twice. The location has line and column of the first such call in
/// `sql`, counted from 1, and no file; it is empty where the call does not stand there as text.
/// nullopt where the failure is about something else.
std::optional<Status> ExplainCallFailure(const Status& failure, std::string_view sql,
                                         const FunctionRegistry& functions);

/// The function that the engine misses: of "Invalid function 'sun'." `sun`. Empty for any other
/// message.
std::string MissingFunction(const std::string& message);

/// Explains a failure about a function that there is not, with the nearest one. nullopt where the
/// failure is about something else.
std::optional<Status> ExplainMissingFunction(const Status& failure);

/// Line and column of the first call of `function` in `sql`, as above.
SourceLocation PlaceOfCall(std::string_view sql, const FunctionDeclaration& function);

}  // namespace weir
