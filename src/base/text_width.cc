// SPDX-License-Identifier: Apache-2.0

#include "weir/base/text_width.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace weir {

namespace {

constexpr UChar32 kJoiner = 0x200D;
constexpr UChar32 kEmojiVariant = 0xFE0F;
constexpr std::string_view kEllipsis = "…";

bool IsRegional(UChar32 c) { return c >= 0x1F1E6 && c <= 0x1F1FF; }

/// Of a character that stands by itself.
size_t OwnWidth(UChar32 c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return 0;
  if (c < 0x300) return c == 0xAD ? 0 : 1;
  switch (u_charType(c)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
      return 0;
    default:
      break;
  }
  // The vowels and finals of Hangul syllables that are written in parts.
  if (c >= 0x1160 && c <= 0x11FF) return 0;
  const int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
  const bool is_wide = width == U_EA_WIDE || width == U_EA_FULLWIDTH;
  return is_wide || u_hasBinaryProperty(c, UCHAR_EMOJI_PRESENTATION) ? 2 : 1;
}

/// Goes from one character with all that combines with it to the next.
class Clusters {
 public:
  explicit Clusters(std::string_view text) : text_(text) {}

  bool AtEnd() const { return at_ >= static_cast<int32_t>(text_.size()); }
  size_t offset() const { return static_cast<size_t>(at_); }

  /// Moves behind the next one and returns its columns.
  size_t Next() {
    const UChar32 first = Take();
    size_t width = first < 0 ? 1 : OwnWidth(first);
    if (IsRegional(first) && IsRegional(Peek())) {
      Take();
      return 2;
    }
    while (!AtEnd()) {
      const UChar32 next = Peek();
      if (next == kJoiner) {
        Take();
        // What is joined is drawn as one.
        if (!AtEnd() && width == 2) Take();
      } else if (next == kEmojiVariant) {
        Take();
        if (u_hasBinaryProperty(first, UCHAR_EMOJI)) width = 2;
      } else if (next >= 0 && width > 0 &&
                 (u_hasBinaryProperty(next, UCHAR_EMOJI_MODIFIER) || OwnWidth(next) == 0)) {
        Take();
      } else {
        break;
      }
    }
    return width;
  }

 private:
  UChar32 Take() {
    UChar32 c = 0;
    U8_NEXT(text_.data(), at_, static_cast<int32_t>(text_.size()), c);
    return c;
  }
  UChar32 Peek() const {
    int32_t at = at_;
    UChar32 c = -1;
    if (!AtEnd()) U8_NEXT(text_.data(), at, static_cast<int32_t>(text_.size()), c);
    return c;
  }

  std::string_view text_;
  int32_t at_ = 0;
};

}  // namespace

size_t TextWidth(std::string_view text) {
  size_t width = 0;
  for (Clusters clusters(text); !clusters.AtEnd();) width += clusters.Next();
  return width;
}

std::string CutToWidth(std::string_view text, size_t width) {
  size_t total = 0, fitting = 0;
  for (Clusters clusters(text); !clusters.AtEnd();) {
    total += clusters.Next();
    if (total + 1 <= width) fitting = clusters.offset();
    if (total > width) {
      return width == 0 ? std::string()
                        : std::string(text.substr(0, fitting)) + std::string(kEllipsis);
    }
  }
  return std::string(text);
}

}  // namespace weir
