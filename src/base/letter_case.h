// SPDX-License-Identifier: Apache-2.0
//
// Names that differ in the case of letters alone. For what users' data calls its columns; names
// that SQL folds go by ascii_text.h.

#pragma once

#include <string>
#include <string_view>

namespace weir {

/// Lower case of all letters, as Unicode has it without regard to a language. Text that is no UTF-8
/// keeps its bytes there.
std::string LowerCase(std::string_view text);

}  // namespace weir
