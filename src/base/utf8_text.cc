// SPDX-License-Identifier: Apache-2.0

#include "weir/base/utf8_text.h"

namespace weir {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::optional<size_t> FindInvalidUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80   ? 1
                          : lead < 0xC2 ? 0
                          : lead < 0xE0 ? 2
                          : lead < 0xF0 ? 3
                          : lead < 0xF5 ? 4
                                        : 0;
    if (length == 0 || i + length > text.size()) return i;
    for (size_t k = 1; k < length; ++k) {
      if (!IsContinuation(text[i + k])) return i;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
    const bool is_overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool is_out_of_range = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
    if (is_overlong || is_out_of_range) return i;
    i += length;
  }
  return std::nullopt;
}

std::string ShownAsUtf8(std::string text) {
  std::optional<size_t> bad = FindInvalidUtf8(text);
  if (!bad) return text;
  std::string shown;
  std::string_view rest = text;
  for (; bad; bad = FindInvalidUtf8(rest)) {
    shown.append(rest.substr(0, *bad)).append(kReplacement);
    rest.remove_prefix(*bad + 1);
  }
  return shown.append(rest);
}

std::string HexText(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 0xF];
  }
  return text;
}

}  // namespace weir
