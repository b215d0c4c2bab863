// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/statistics_scanner.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace weir {

namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool IsOfNumber(char c) {
  return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

}  // namespace

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
  size_t begin = 0;
  while (begin < rest_.size() && IsSpace(rest_[begin])) ++begin;
  rest_.remove_prefix(begin);
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
  const char* const text = rest_.data();
  const size_t size = rest_.size();
  for (size_t i = 1; i < size; ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      raw = rest_.substr(0, i + 1);
      rest_.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

/// A number, true, false or null.
bool StatisticsScanner::Scalar() {
  for (const std::string_view word : {"true", "false", "null"}) {
    if (!rest_.starts_with(word)) continue;
    rest_.remove_prefix(word.size());
    return true;
  }
  size_t length = 0;
  while (length < rest_.size() && IsOfNumber(rest_[length])) ++length;
  rest_.remove_prefix(length);
  return length > 0;
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

bool StatisticsScanner::Wanted(const Node& node, std::string_view Column::*kind, int depth) {
  if (!SkipSpace()) return false;
  if (node.column < 0 && rest_.front() == '{') return Members(node, kind, depth + 1);
  std::string_view raw;
  if (!Value(raw, depth)) return false;
  // A null is as good as nothing.
  if (node.column >= 0 && raw != "null") columns_[static_cast<size_t>(node.column)].*kind = raw;
  return true;
}

/// The members of an object that are wanted at `node`.
bool StatisticsScanner::Members(const Node& node, std::string_view Column::*kind, int depth) {
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
    std::string_view Column::*kind = nullptr;
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
  const bool whole =
      parsed.ec == std::errc() && parsed.ptr == num_records.data() + num_records.size();
  return whole && count >= 0 ? count : -1;
}

}  // namespace weir
