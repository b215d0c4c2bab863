// SPDX-License-Identifier: Apache-2.0
//
// Texts of which only ASCII characters matter: names, keywords, blanks around expressions.

#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace weir {

/// Lower case of ASCII letters; other characters stay.
std::string AsciiLowerCase(std::string_view text);
/// Upper case of ASCII letters; other characters stay.
std::string AsciiUpperCase(std::string_view text);

/// Blank, tab, line feed, vertical tab, form feed, carriage return.
inline bool IsAsciiSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Without white space at both ends.
inline std::string_view TrimAscii(std::string_view text) {
  while (!text.empty() && IsAsciiSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsAsciiSpace(text.back())) text.remove_suffix(1);
  return text;
}

/// Whether `text`, with its ASCII letters in lower case, is `lower`.
inline bool EqualsIgnoringAsciiCase(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char c, char want) {
    return (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) == want;
  });
}

}  // namespace weir
