// SPDX-License-Identifier: Apache-2.0
//
// Texts of which only ASCII characters matter: names, keywords, blanks around expressions.

#pragma once

#include <string>
#include <string_view>

namespace weir {

/// Lower case of ASCII letters; other characters stay.
std::string AsciiLowerCase(std::string_view text);
/// Upper case of ASCII letters; other characters stay.
std::string AsciiUpperCase(std::string_view text);

/// Without spaces, tabs and line breaks at both ends.
std::string AsciiTrimmed(std::string_view text);

}  // namespace weir
