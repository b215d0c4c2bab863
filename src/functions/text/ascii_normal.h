// SPDX-License-Identifier: Apache-2.0
//
// Normalises texts of plain ASCII, eight bytes at a time. Private to the room.

#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace weir {

/// What a text without white space at its ends is to become.
struct AsciiNormal {
  bool casefold;
  bool collapse_ws;

  /// Writes the normal form of `text` to `out`, which has room for as many bytes, and returns its
  /// length. Returns nullopt, having written anything, where a byte is no ASCII or where white
  /// space is more than single blanks.
  std::optional<size_t> Write(std::string_view text, char* out) const {
    const size_t length = text.size();
    if (length < kWord) {
      char padded[kWord];
      std::memset(padded, 'a', kWord);
      std::memcpy(padded, text.data(), length);
      uint64_t blank_before = 0;
      if (!WriteWord(padded, padded, &blank_before)) return std::nullopt;
      std::memcpy(out, padded, length);
      return length;
    }
    uint64_t blank_before = 0;
    for (size_t i = 0; i + kWord <= length; i += kWord) {
      if (!WriteWord(text.data() + i, out + i, &blank_before)) return std::nullopt;
    }
    // The last word begins within the one before it: each byte becomes the same again.
    blank_before = 0;
    const size_t last = length - kWord;
    if (!WriteWord(text.data() + last, out + last, &blank_before)) return std::nullopt;
    return length;
  }

 private:
  static constexpr size_t kWord = sizeof(uint64_t);
  static constexpr uint64_t kOnes = 0x0101010101010101;
  static constexpr uint64_t kHigh = 0x80 * kOnes;

  /// The high bit of each byte that is at least `least`. REQUIRES: all bytes are ASCII
  static uint64_t AtLeast(uint64_t word, uint8_t least) {
    return (word + (0x80 - least) * kOnes) & kHigh;
  }

  /// `blank_before`: whether the byte before the word is a blank; then of the word's last byte.
  bool WriteWord(const char* in, char* out, uint64_t* blank_before) const {
    static_assert(std::endian::native == std::endian::little);
    uint64_t word;
    std::memcpy(&word, in, kWord);
    if ((word & kHigh) != 0) return false;
    if (collapse_ws) {
      // Other white space is below the blank.
      if (AtLeast(word, ' ') != kHigh) return false;
      const uint64_t blanks = AtLeast(word, ' ') & ~AtLeast(word, ' ' + 1);
      if ((blanks & (blanks << 8 | *blank_before)) != 0) return false;
      *blank_before = blanks >> 56;
    }
    // A capital's bit of case is a quarter of its high bit.
    if (casefold) word += (AtLeast(word, 'A') & ~AtLeast(word, 'Z' + 1)) >> 2;
    std::memcpy(out, &word, kWord);
    return true;
  }
};

}  // namespace weir
