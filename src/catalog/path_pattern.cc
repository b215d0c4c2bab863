// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/path_pattern.h"

#include <cstdint>
#include <span>

namespace weir {

namespace {

/// The bytes of the character at the beginning of `text`, which is not empty.
std::string_view FirstCharacter(std::string_view text) {
  size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
    ++length;
  return text.substr(0, length);
}

/// `[…]` at the beginning of a pattern: whether a character is in it. Sets `length` to its size,
/// or to 0 where no `]` ends it: then the bracket stands for itself.
bool FitsSet(std::string_view pattern, std::string_view character, size_t& length) {
  size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  // A `]` at the beginning is one of the characters.
  const size_t end = pattern.find(']', at + 1);
  if (end == std::string_view::npos) {
    length = 0;
    return false;
  }
  length = end + 1;
  bool found = false;
  while (at < end) {
    const std::string_view from = FirstCharacter(pattern.substr(at, end - at));
    at += from.size();
    std::string_view to = from;
    if (at + 1 < end && pattern[at] == '-') {
      to = FirstCharacter(pattern.substr(at + 1, end - at - 1));
      at += 1 + to.size();
    }
    // The order of UTF-8 is that of code points.
    found = found || (from <= character && character <= to);
  }
  return found != negated;
}

bool FitsRest(std::span<const std::string> pattern, std::span<const std::string> path) {
  if (pattern.empty()) return path.empty();
  if (pattern.front() != "**") {
    return !path.empty() && FitsPart(pattern.front(), path.front()) &&
           FitsRest(pattern.subspan(1), path.subspan(1));
  }
  for (size_t skipped = 0; skipped <= path.size(); ++skipped) {
    if (FitsRest(pattern.subspan(1), path.subspan(skipped))) return true;
    if (skipped < path.size() && IsHiddenName(path[skipped])) return false;
  }
  return false;
}

}  // namespace

bool IsPathPattern(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

std::vector<std::string> PathParts(std::string_view path) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin < path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) parts.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool IsHiddenName(std::string_view name) { return name.starts_with('.') || name.starts_with('_'); }

bool FitsPart(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.')) return false;
  size_t at = 0, in_name = 0;
  // Where to go on if what follows the last `*` does not fit: one character further.
  size_t star = std::string_view::npos, after_star = 0;
  while (in_name < name.size()) {
    const std::string_view character = FirstCharacter(name.substr(in_name));
    size_t length = 0;
    bool fits = false;
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      after_star = in_name;
      continue;
    }
    if (at < pattern.size() && pattern[at] == '?') {
      fits = true;
      length = 1;
    } else if (at < pattern.size() && pattern[at] == '[') {
      fits = FitsSet(pattern.substr(at), character, length);
    }
    if (at < pattern.size() && length == 0) {
      const std::string_view wanted = FirstCharacter(pattern.substr(at));
      fits = wanted == character;
      length = wanted.size();
    }
    if (fits) {
      at += length;
      in_name += character.size();
    } else if (star != std::string_view::npos) {
      after_star += FirstCharacter(name.substr(after_star)).size();
      in_name = after_star;
      at = star + 1;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

bool FitsPattern(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  return FitsRest(pattern, path);
}

}  // namespace weir
