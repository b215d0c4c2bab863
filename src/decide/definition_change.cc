// SPDX-License-Identifier: Apache-2.0

#include "weir/decide/definition_change.h"

#include <vector>

#include <fmt/format.h>

#include "weir/base/fingerprint.h"
#include "weir/base/text_diff.h"
#include "weir/bundle/fingerprint_input.h"

namespace weir {

namespace {

constexpr std::string_view kHashed = "blake2b:";
constexpr std::string_view kPlanLines = "plan_lines";
constexpr size_t kLineDigits = 8;
constexpr size_t kMostNamed = 4;
constexpr size_t kLongestLine = 80;

std::string LineDigits(std::string_view line) { return Blake2bHex128(line).substr(0, kLineDigits); }

std::string Shortened(std::string_view line) {
  const size_t begin = std::min(line.find_first_not_of(' '), line.size());
  line = line.substr(begin);
  if (line.size() <= kLongestLine) return std::string(line);
  size_t end = kLongestLine;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
  return std::string(line.substr(0, end)) + "…";
}

/// The first line of the plan that was not there before at its place.
std::string PlanChange(const std::string& digits_before, std::string_view plan) {
  const auto lines = SplitLines(plan);
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t at = i * kLineDigits;
    if (at + kLineDigits > digits_before.size() ||
        digits_before.compare(at, kLineDigits, LineDigits(lines[i])) != 0)
      return fmt::format("plan changed at `{}`", Shortened(lines[i]));
  }
  return "plan changed";
}

/// "setting.datafusion.x" → "setting datafusion.x".
std::string Name(const std::string& tag) {
  const size_t dot = tag.find('.');
  return dot == std::string::npos ? tag : tag.substr(0, dot) + " " + tag.substr(dot + 1);
}

std::string Version(std::string value) {
  return value.starts_with("native:") ? value.substr(7) : value;
}

}  // namespace

DefinitionSections SectionsOf(std::string_view fingerprint_input) {
  DefinitionSections sections;
  FingerprintInput input = ParseFingerprintInput(fingerprint_input);
  for (FingerprintSection& section : input.sections) {
    if (section.tag == "column") {
      const size_t colon = std::min(section.value.find(": "), section.value.size());
      section.tag += "." + section.value.substr(0, colon);
      section.value = section.value.substr(std::min(colon + 2, section.value.size()));
    }
    std::string& value = sections[section.tag];
    value += (value.empty() ? "" : ", ") + section.value;
  }
  if (!input.plan.empty()) {
    std::string& digits = sections[std::string(kPlanLines)];
    for (std::string_view line : SplitLines(input.plan)) digits += LineDigits(line);
  }
  return sections;
}

std::string ExplainDefinitionChange(const DefinitionSections& before,
                                    std::string_view fingerprint_input) {
  const DefinitionSections now = SectionsOf(fingerprint_input);
  std::vector<std::string> changes;
  if (!before.empty() && !now.empty()) {
    for (const auto& [tag, value] : now) {
      if (tag == "plan" || tag == kPlanLines) continue;
      const auto old = before.find(tag);
      if (old == before.end()) {
        changes.push_back(fmt::format("{} added", Name(tag)));
      } else if (old->second != value && value.starts_with(kHashed)) {
        changes.push_back(fmt::format("{} changed", Name(tag)));
      } else if (old->second != value) {
        changes.push_back(
            fmt::format("{} {} -> {}", Name(tag), Version(old->second), Version(value)));
      }
    }
    for (const auto& [tag, value] : before) {
      if (!now.contains(tag)) changes.push_back(fmt::format("{} removed", Name(tag)));
    }
    const auto digits = before.find(std::string(kPlanLines));
    const auto plan = before.find("plan"), plan_now = now.find("plan");
    if (digits != before.end() && plan != before.end() && plan_now != now.end() &&
        plan->second != plan_now->second)
      changes.push_back(PlanChange(digits->second, ParseFingerprintInput(fingerprint_input).plan));
  }
  if (changes.empty()) return "its definition changed";
  std::string text = "its definition changed: ";
  for (size_t i = 0; i < changes.size() && i < kMostNamed; ++i)
    text += (i == 0 ? "" : "; ") + changes[i];
  if (changes.size() > kMostNamed)
    text += fmt::format("; and {} more", changes.size() - kMostNamed);
  return text;
}

}  // namespace weir
