// SPDX-License-Identifier: Apache-2.0
//
// Takes what a message names out of it: messages of the engine, which are texts.

#pragma once

#include <string>
#include <string_view>

namespace weir {

/// The text between the first `open` and the next `close`; empty if there is none.
std::string TextBetween(std::string_view text, std::string_view open, std::string_view close);

}  // namespace weir
