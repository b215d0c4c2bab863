// SPDX-License-Identifier: Apache-2.0

#include "weir/base/nearest.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"

namespace weir {

namespace {

/// Optimal string alignment: insertions, deletions, replacements, and swaps of neighbours.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({replace, last[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

/// Names longer than this are nobody's typing mistake; comparing them would cost their product.
constexpr size_t kLongestName = 256;

}  // namespace

std::vector<std::string> NearestNames(std::string_view wanted,
                                      const std::vector<std::string>& candidates, size_t max) {
  const std::string target = AsciiLowerCase(wanted);
  std::vector<std::tuple<size_t, std::string>> near;
  if (target.empty() || target.size() > kLongestName) return {};
  for (const std::string& candidate : candidates) {
    const std::string name = AsciiLowerCase(candidate);
    if (name.empty() || name.size() > kLongestName) continue;
    const size_t allowed = std::max<size_t>(1, std::max(target.size(), name.size()) / 3);
    const size_t distance = EditDistance(target, name);
    const bool is_part = target.size() >= 3 && (name.starts_with(target) || name.ends_with(target));
    // One letter that differs from one letter is no resemblance.
    if ((distance <= allowed && distance < std::max(target.size(), name.size())) || is_part)
      near.emplace_back(distance, candidate);
  }
  std::sort(near.begin(), near.end());
  near.erase(std::unique(near.begin(), near.end()), near.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < near.size() && i < max; ++i) names.push_back(std::get<1>(near[i]));
  return names;
}

std::string SuggestionHint(std::string_view wanted, const std::vector<std::string>& candidates) {
  const std::vector<std::string> names = NearestNames(wanted, candidates);
  if (names.empty()) return "";
  std::string hint = "did you mean ";
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) hint += i + 1 == names.size() ? " or " : ", ";
    hint += fmt::format("`{}`", names[i]);
  }
  return hint + "?";
}

}  // namespace weir
