// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/statistics_scanner.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>

namespace weir {

StatisticsScanner::StatisticsScanner(const std::vector<StatisticsPath>& columns)
    : columns_(columns.size()) {
  for (size_t i = 0; i < columns.size(); ++i) {
    Node* node = &root_;
    for (const std::string& name : columns[i]) {
      auto found = std::find_if(node->children.begin(), node->children.end(),
                                [&](const Node& child) { return child.name == name; });
      if (found == node->children.end()) {
        node->children.push_back({.name = name, .column = -1, .children = {}});
        found = std::prev(node->children.end());
      }
      node = &*found;
    }
    node->column = static_cast<int>(i);
  }
}

bool StatisticsScanner::SkipSpace() {
  const size_t begin = rest_.find_first_not_of(" \t\r\n");
  rest_.remove_prefix(std::min(begin, rest_.size()));
  return !rest_.empty();
}

bool StatisticsScanner::Take(char c) {
  if (!SkipSpace() || rest_.front() != c) return false;
  rest_.remove_prefix(1);
  return true;
}

/// `raw` with its quotes.
bool StatisticsScanner::String(std::string_view& raw) {
  if (!SkipSpace() || rest_.front() != '"') return false;
  for (size_t i = 1; i < rest_.size(); ++i) {
    if (rest_[i] == '\\') {
      ++i;
    } else if (rest_[i] == '"') {
      raw = rest_.substr(0, i + 1);
      rest_.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

/// A number, true, false or null.
bool StatisticsScanner::Scalar() {
  size_t length = 0;
  while (length < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[length])) != 0 ||
                                   rest_[length] == '-' || rest_[length] == '+' ||
                                   rest_[length] == '.'))
    ++length;
  const std::string_view text = rest_.substr(0, length);
  rest_.remove_prefix(length);
  if (text == "true" || text == "false" || text == "null") return true;
  return !text.empty() && text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

bool StatisticsScanner::Container(char open, int depth) {
  const char close = open == '{' ? '}' : ']';
  rest_.remove_prefix(1);
  if (Take(close)) return true;
  while (true) {
    std::string_view ignored;
    if (open == '{' && (!String(ignored) || !Take(':'))) return false;
    if (!Value(ignored, depth + 1)) return false;
    if (Take(close)) return true;
    if (!Take(',')) return false;
  }
}

bool StatisticsScanner::Value(std::string_view& raw, int depth) {
  if (depth > kMaxDepth || !SkipSpace()) return false;
  if (rest_.front() == '"') return String(raw);
  const std::string_view begin = rest_;
  const bool read =
      rest_.front() == '{' || rest_.front() == '[' ? Container(rest_.front(), depth) : Scalar();
  raw = begin.substr(0, begin.size() - rest_.size());
  return read;
}

bool StatisticsScanner::Wanted(const Node& node, std::string_view Column::* kind, int depth) {
  if (!SkipSpace()) return false;
  if (node.column < 0 && rest_.front() == '{') return Members(node, kind, depth + 1);
  std::string_view raw;
  if (!Value(raw, depth)) return false;
  // A null is as good as nothing.
  if (node.column >= 0 && raw != "null") columns_[static_cast<size_t>(node.column)].*kind = raw;
  return true;
}

/// The members of an object that are wanted at `node`.
bool StatisticsScanner::Members(const Node& node, std::string_view Column::* kind, int depth) {
  if (depth > kMaxDepth || !Take('{')) return false;
  if (Take('}')) return true;
  while (true) {
    std::string_view quoted, ignored;
    if (!String(quoted) || !Take(':')) return false;
    const std::string_view name = quoted.substr(1, quoted.size() - 2);
    const auto child = std::find_if(node.children.begin(), node.children.end(),
                                    [&](const Node& each) { return each.name == name; });
    if (child == node.children.end() ? !Value(ignored, depth) : !Wanted(*child, kind, depth))
      return false;
    if (Take('}')) return true;
    if (!Take(',')) return false;
  }
}

bool StatisticsScanner::Scan(std::string_view json) {
  rest_ = json;
  num_records_ = {};
  std::fill(columns_.begin(), columns_.end(), Column());
  const auto fail = [this] {
    num_records_ = {};
    std::fill(columns_.begin(), columns_.end(), Column());
    return false;
  };
  if (!Take('{')) return fail();
  if (Take('}')) return !SkipSpace() || fail();
  while (true) {
    std::string_view key, value;
    if (!String(key) || !Take(':') || !SkipSpace()) return fail();
    std::string_view Column::* kind = nullptr;
    if (key == "\"minValues\"") kind = &Column::min;
    if (key == "\"maxValues\"") kind = &Column::max;
    if (key == "\"nullCount\"") kind = &Column::null_count;
    const bool descend = kind != nullptr && rest_.front() == '{' && !root_.children.empty();
    if (!(descend ? Members(root_, kind, 1) : Value(value, 1))) return fail();
    if (key == "\"numRecords\"") num_records_ = value;
    if (Take('}')) break;
    if (!Take(',')) return fail();
  }
  return !SkipSpace() || fail();
}

int64_t RecordCount(std::string_view num_records) {
  int64_t count = -1;
  const auto parsed =
      std::from_chars(num_records.data(), num_records.data() + num_records.size(), count);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == num_records.data() + num_records.size();
  return whole && count >= 0 ? count : -1;
}

}  // namespace weir
