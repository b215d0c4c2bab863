// SPDX-License-Identifier: Apache-2.0
//
// What differs between two texts, line by line. In: two lists of lines. Out: one list with all of
// them, each marked with the side that it is on.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class DiffSide { kBoth, kBefore, kAfter };

struct DiffLine {
  DiffSide side = DiffSide::kBoth;
  std::string text;

  bool operator==(const DiffLine&) const = default;
};

/// Cuts at line breaks; a last line break ends the last line and begins no other.
std::vector<std::string_view> SplitLines(std::string_view text);

/// As many lines as possible stand on both sides. Where the texts have very many lines that differ,
/// those stand one side after the other instead.
std::vector<DiffLine> DiffLines(const std::vector<std::string_view>& before,
                                const std::vector<std::string_view>& after);

/// Only the lines within `context` of one that differs; "…" stands for those left out.
std::vector<DiffLine> WithContext(const std::vector<DiffLine>& lines, size_t context);

}  // namespace weir
