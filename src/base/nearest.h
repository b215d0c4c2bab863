// SPDX-License-Identifier: Apache-2.0
//
// Suggestions for a name that does not exist, among those that do.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Picks the `candidates` that somebody who wrote `wanted` may have meant, nearest first, at most
/// `max` of them; equally near ones in byte order. Upper and lower case count as equal. Near are
/// names at an edit distance (with swapped neighbours as one edit) of at most a third of the longer
/// name's length, at least one, and names that begin or end with `wanted` if that has three or more
/// characters.
std::vector<std::string> NearestNames(std::string_view wanted,
                                      const std::vector<std::string>& candidates, size_t max = 3);

/// "did you mean `x`?", "did you mean `x` or `y`?", "did you mean `x`, `y` or `z`?"; empty if
/// nothing is near.
std::string SuggestionHint(std::string_view wanted, const std::vector<std::string>& candidates);

}  // namespace weir
