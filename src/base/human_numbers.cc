// SPDX-License-Identifier: Apache-2.0

#include "weir/base/human_numbers.h"

#include <iterator>

#include <fmt/format.h>

namespace weir {

namespace {

constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T", "P"};

/// The number, a blank, the prefix and the unit.
std::string Human(int64_t number, const char* unit) {
  double value = static_cast<double>(number);
  size_t prefix = 0;
  while (value >= 1000 && prefix + 1 < std::size(kPrefixes)) {
    value /= 1000;
    ++prefix;
  }
  return prefix == 0 ? fmt::format("{} {}", number, unit)
                     : fmt::format("{:.1f} {}{}", value, kPrefixes[prefix], unit);
}

}  // namespace

std::string HumanBytes(int64_t bytes) { return Human(bytes, "B"); }

std::string HumanCount(int64_t count) {
  std::string text = Human(count, "");
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace weir
