// SPDX-License-Identifier: Apache-2.0
//
// Bytes that are to be read as text: whether they are UTF-8, and what is shown in their place.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// The offset of the first byte that is not UTF-8, if there is one. Overlong forms and surrogates
/// are not.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

/// `text` with U+FFFD for each byte that is not UTF-8. For what people read: two texts may become
/// one.
std::string ShownAsUtf8(std::string text);

/// Two capital hex digits a byte: the text form of binary values, which loses nothing.
std::string HexText(std::string_view bytes);

}  // namespace weir
