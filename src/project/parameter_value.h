// SPDX-License-Identifier: Apache-2.0
//
// Types and values of a project's parameters. In: texts of weir.toml and of the command line. Out:
// the same written in one way, so that equal values are equal texts, and as SQL constants.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir {

/// A type in the words of SQL, written in one way: "bigint" and "INT8" are `BIGINT`, "numeric(9,2)"
/// is `DECIMAL(9, 2)`. Fails with kInvalidArgument and a hint for what no parameter can be.
Result<std::string> ParameterType(std::string_view written);

/// The value of `type` that `text` stands for, written in one way: of DATE "2024-1-5" is
/// `2024-01-05`. Nothing is rounded, cut or guessed: fails with kInvalidArgument, and what was
/// wanted as the message, where the type does not hold the value as it is.
/// REQUIRES: `type` comes from ParameterType
Result<std::string> ParameterValue(const std::string& type, std::string_view text);

/// The constant as SQL of the generic dialect. REQUIRES: `value` comes from ParameterValue
std::string ParameterConstant(const std::string& type, const std::string& value);

/// Whether a parameter may be named so: letters, digits and `_`, no digit first, all ASCII.
bool IsParameterName(std::string_view name);

}  // namespace weir
