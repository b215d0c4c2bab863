// SPDX-License-Identifier: Apache-2.0

#include "weir/base/text_diff.h"

#include <algorithm>
#include <cstdint>

namespace weir {

namespace {

/// Of the table of longest common subsequences; above it the time would be felt.
constexpr size_t kMostCells = 16'000'000;

class Differ {
 public:
  Differ(const std::vector<std::string_view>& before, const std::vector<std::string_view>& after)
      : before_(before), after_(after) {}

  std::vector<DiffLine> Diff() {
    size_t begin = 0, before_end = before_.size(), after_end = after_.size();
    while (begin < before_end && begin < after_end && before_[begin] == after_[begin])
      Put(DiffSide::kBoth, before_[begin++]);
    while (before_end > begin && after_end > begin &&
           before_[before_end - 1] == after_[after_end - 1]) {
      --before_end;
      --after_end;
    }
    Middle(begin, before_end, after_end);
    for (size_t i = before_end; i < before_.size(); ++i) Put(DiffSide::kBoth, before_[i]);
    return std::move(lines_);
  }

 private:
  void Put(DiffSide side, std::string_view text) { lines_.push_back({side, std::string(text)}); }

  /// Walks along a longest common subsequence of what is between the common ends.
  void Middle(size_t begin, size_t before_end, size_t after_end) {
    const size_t rows = before_end - begin, columns = after_end - begin;
    size_t i = 0, j = 0;
    if (rows * columns <= kMostCells) {
      const size_t width = columns + 1;
      // longest[i * width + j]: of the lines from i and j on.
      std::vector<uint32_t> longest((rows + 1) * width, 0);
      for (size_t row = rows; row-- > 0;) {
        for (size_t column = columns; column-- > 0;) {
          longest[row * width + column] = before_[begin + row] == after_[begin + column]
                                              ? longest[(row + 1) * width + column + 1] + 1
                                              : std::max(longest[(row + 1) * width + column],
                                                         longest[row * width + column + 1]);
        }
      }
      while (i < rows && j < columns) {
        if (before_[begin + i] == after_[begin + j]) {
          Put(DiffSide::kBoth, before_[begin + i]);
          ++i;
          ++j;
        } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
          Put(DiffSide::kBefore, before_[begin + i++]);
        } else {
          Put(DiffSide::kAfter, after_[begin + j++]);
        }
      }
    }
    while (i < rows) Put(DiffSide::kBefore, before_[begin + i++]);
    while (j < columns) Put(DiffSide::kAfter, after_[begin + j++]);
  }

  const std::vector<std::string_view>& before_;
  const std::vector<std::string_view>& after_;
  std::vector<DiffLine> lines_;
};

}  // namespace

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text = text.substr(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<DiffLine> DiffLines(const std::vector<std::string_view>& before,
                                const std::vector<std::string_view>& after) {
  return Differ(before, after).Diff();
}

std::vector<DiffLine> WithContext(const std::vector<DiffLine>& lines, size_t context) {
  std::vector<bool> kept(lines.size(), false);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].side == DiffSide::kBoth) continue;
    const size_t end = std::min(lines.size(), i + context + 1);
    for (size_t near = i - std::min(i, context); near < end; ++near) kept[near] = true;
  }
  std::vector<DiffLine> shown;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (kept[i]) {
      shown.push_back(lines[i]);
    } else if (i == 0 || kept[i - 1]) {
      shown.push_back({DiffSide::kBoth, "…"});
    }
  }
  return shown;
}

}  // namespace weir
