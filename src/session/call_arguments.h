// SPDX-License-Identifier: Apache-2.0
//
// The arguments of one call of a table function, matched to its declaration, and failures of calls.
// In: constants by position and by name. Out: one value a parameter. Private to the room.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/functions/function.h"

namespace weir {

/// A constant argument: left out or NULL, a number, or a text.
using TableArgument = std::variant<std::monostate, int64_t, std::string>;

/// A failure of a call in the form that gets the place of the call: it begins with the signature.
template <typename... Args>
Status CallFailure(const FunctionDeclaration& function, fmt::format_string<Args...> format,
                   Args&&... args) {
  return Status::User(StatusCode::kPlanFailed, "{}: {}", function.Syntax(),
                      fmt::format(format, std::forward<Args>(args)...));
}
/// Gives a failure that form.
inline Status InCall(const FunctionDeclaration& function, const Status& status) {
  return status.WithContext(function.Syntax());
}

/// One value for each declared parameter, in their order. Fails with kPlanFailed, with the
/// function's signature, on too many arguments, an unknown name (with the nearest), a parameter
/// given twice or missing, and a constant that is neither a whole number nor a text.
Result<std::vector<TableArgument>> MatchArguments(const FunctionDeclaration& function,
                                                  const std::vector<engine::CallArgument>& given);

}  // namespace weir
