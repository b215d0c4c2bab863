// SPDX-License-Identifier: Apache-2.0
//
// Percent-encoded text, as URLs and Delta logs have it.

#pragma once

#include <string>
#include <string_view>

namespace weir {

/// Undoes percent-encoding, once. A `%` that two hexadecimal digits do not follow stands for
/// itself.
std::string PercentDecoded(std::string_view text);

}  // namespace weir
