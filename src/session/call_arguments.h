// SPDX-License-Identifier: Apache-2.0
//
// The arguments of one call of a table function, matched to its declaration. In: constants by
// position and by name. Out: one value a parameter. Private to the room.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/functions/function.h"

namespace weir {

/// A constant argument: left out or NULL, a number, or a text.
using TableArgument = std::variant<std::monostate, int64_t, std::string>;

/// One value for each declared parameter, in their order. Fails with kPlanFailed, with the
/// function's signature, on too many arguments, an unknown name (with the nearest), a parameter
/// given twice or missing, and a constant that is neither a whole number nor a text.
Result<std::vector<TableArgument>> MatchArguments(const FunctionDeclaration& function,
                                                  const std::vector<engine::CallArgument>& given);

}  // namespace weir
