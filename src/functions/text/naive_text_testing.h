// SPDX-License-Identifier: Apache-2.0
//
// Texts letter by letter: what the models know of UTF-8, white space and normal forms.

#pragma once

#include <set>

#include "weir/functions/scalar_model_testing.h"
#include "weir/functions/text/unicode_vectors_testing.h"

namespace weir::testing {

/// The code points of valid UTF-8.
inline std::u32string CodePoints(const std::string& text) {
  std::u32string points;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t point = bytes == 1 ? lead : lead & (0xff >> (bytes + 1));
    for (size_t k = 1; k < bytes; ++k)
      point = (point << 6) | (static_cast<uint8_t>(text[i + k]) & 0x3f);
    points += point;
    i += bytes;
  }
  return points;
}

inline size_t Utf8Bytes(char32_t point) {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

inline bool IsWhite(char32_t c) {
  static const std::set<char32_t> kOthers = {0x20,   0x85,   0xa0,   0x1680, 0x2028,
                                             0x2029, 0x202f, 0x205f, 0x3000};
  return (c >= 9 && c <= 13) || (c >= 0x2000 && c <= 0x200a) || kOthers.contains(c);
}

/// A text is a sequence of pieces; a letter stands for each.
inline const UnicodePiece* FindPiece(const std::string& text, size_t at) {
  const UnicodePiece* longest = nullptr;
  for (const UnicodePiece& piece : kUnicodePieces) {
    if (text.compare(at, piece.text.size(), piece.text) != 0) continue;
    if (longest == nullptr || piece.text.size() > longest->text.size()) longest = &piece;
  }
  return longest;
}

inline std::vector<const UnicodePiece*> PiecesOf(const std::string& text) {
  std::vector<const UnicodePiece*> pieces;
  for (size_t at = 0; at < text.size();) {
    const UnicodePiece* piece = FindPiece(text, at);
    if (piece == nullptr) throw std::logic_error("no piece");
    pieces.push_back(piece);
    at += piece->text.size();
  }
  return pieces;
}

inline Json NaiveTrim(const std::string& text) {
  const auto pieces = PiecesOf(text);
  const auto is_ink = [](const UnicodePiece* piece) { return !piece->is_white_space; };
  const auto first = std::find_if(pieces.begin(), pieces.end(), is_ink);
  const auto end = std::find_if(pieces.rbegin(), pieces.rend(), is_ink).base();
  std::string trimmed;
  for (auto piece = first; piece < end; ++piece) trimmed += (*piece)->text;
  return trimmed.empty() ? Json() : Json(trimmed);
}

inline Parameter UnicodeText(uint64_t white_one_in) {
  return {kTextTypes, [white_one_in](Random& random) -> Json {
            const bool ascii = random() % 3 == 0;
            std::string text;
            for (uint64_t i = random() % 8; i > 0; --i) {
              const UnicodePiece* piece;
              do {
                piece = &kUnicodePieces[random() % std::size(kUnicodePieces)];
              } while ((ascii && static_cast<uint8_t>(piece->text[0]) >= 0x80) ||
                       (random() % white_one_in == 0 && !piece->is_white_space));
              text += piece->text;
            }
            return text;
          }};
}

}  // namespace weir::testing
