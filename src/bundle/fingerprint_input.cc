// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/fingerprint_input.h"

#include <algorithm>
#include <charconv>

namespace weir {

namespace {

constexpr std::string_view kPlanHeading = "\nplan:\n";
constexpr std::string_view kHashed = "blake2b:";
constexpr size_t kHashDigits = 32;

/// Where the tag ends: it may hold blanks, but none before a number.
size_t TagEnd(std::string_view text) {
  for (size_t blank = text.find(' '); blank != std::string_view::npos;
       blank = text.find(' ', blank + 1)) {
    const size_t end = text.find_first_not_of("0123456789", blank + 1);
    if (end != std::string_view::npos && end > blank + 1 && text[end] == ' ') return blank;
  }
  return std::string_view::npos;
}

/// FingerprintBuilder::InputText: `tag length value`, a line a section, the value's own lines and
/// all.
std::vector<FingerprintSection> ParseSections(std::string_view text) {
  std::vector<FingerprintSection> sections;
  while (!text.empty()) {
    const size_t tag_end = TagEnd(text);
    if (tag_end == std::string_view::npos) break;
    const size_t length_end = text.find(' ', tag_end + 1);
    size_t length = 0;
    const auto digits = text.substr(tag_end + 1, length_end - tag_end - 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), length);
    const std::string_view rest = text.substr(length_end + 1);
    if (rest.starts_with(kHashed)) length = kHashed.size() + kHashDigits;
    if (length >= rest.size()) break;
    sections.push_back({std::string(text.substr(0, tag_end)), std::string(rest.substr(0, length))});
    text = rest.substr(length + 1);
  }
  return sections;
}

}  // namespace

FingerprintInput ParseFingerprintInput(std::string_view text) {
  const size_t heading = std::min(text.find(kPlanHeading), text.size());
  FingerprintInput input{.sections = ParseSections(text.substr(0, heading)), .plan = {}};
  if (heading < text.size()) input.plan = text.substr(heading + kPlanHeading.size());
  return input;
}

}  // namespace weir
