// SPDX-License-Identifier: Apache-2.0

#include "weir/project/csv_rows.h"

#include <utility>
#include <vector>

namespace weir {

namespace {

class CsvReader {
 public:
  CsvReader(std::string_view text, SourceLocation begin) : text_(text), place_(std::move(begin)) {}

  /// The next line that is not blank; empty at the end and at a failure.
  std::vector<GivenCell> NextLine() {
    while (at_ < text_.size() && IsBlankLine()) {
      while (at_ < text_.size() && text_[at_] != '\n') Step();
      if (at_ < text_.size()) Step();
    }
    std::vector<GivenCell> cells;
    if (at_ >= text_.size()) return cells;
    while (true) {
      cells.push_back(NextField());
      if (failed_) return {};
      if (at_ < text_.size() && text_[at_] == ',') {
        Step();
        continue;
      }
      if (at_ < text_.size()) Step();  // the line break
      return cells;
    }
  }

  bool failed() const { return failed_; }
  const SourceLocation& failure() const { return failure_; }

 private:
  static bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

  bool IsBlankLine() const {
    size_t at = at_;
    while (at < text_.size() && IsBlank(text_[at])) ++at;
    return at >= text_.size() || text_[at] == '\n';
  }

  void Step() {
    if (text_[at_] == '\n') {
      ++place_.line;
      place_.column = 1;
    } else if (at_ + 1 >= text_.size() ||
               (static_cast<unsigned char>(text_[at_ + 1]) & 0xC0) != 0x80) {
      ++place_.column;
    }
    ++at_;
  }

  GivenCell NextField() {
    while (at_ < text_.size() && IsBlank(text_[at_])) Step();
    GivenCell cell{.text = {}, .is_csv = true, .is_null = false, .location = place_};
    if (at_ < text_.size() && text_[at_] == '"') {
      QuotedField(cell);
      return cell;
    }
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n') {
      cell.text += text_[at_];
      Step();
    }
    while (!cell.text.empty() && IsBlank(cell.text.back())) cell.text.pop_back();
    cell.is_null = cell.text.empty();
    return cell;
  }

  void QuotedField(GivenCell& cell) {
    const SourceLocation begin = place_;
    Step();
    while (at_ < text_.size()) {
      if (text_[at_] == '"') {
        Step();
        if (at_ >= text_.size() || text_[at_] != '"') {
          while (at_ < text_.size() && IsBlank(text_[at_])) Step();
          if (at_ >= text_.size() || text_[at_] == ',' || text_[at_] == '\n') return;
          break;  // something stands behind the quote
        }
      }
      cell.text += text_[at_];
      Step();
    }
    failed_ = true;
    failure_ = begin;
  }

  std::string_view text_;
  size_t at_ = 0;
  SourceLocation place_;
  bool failed_ = false;
  SourceLocation failure_;
};

}  // namespace

bool ParseCsvRows(std::string_view text, const SourceLocation& begin, GivenRows& into,
                  Diagnostics& diagnostics) {
  CsvReader reader(text, begin);
  const auto report = [&](std::string message, const SourceLocation& location) {
    diagnostics.Add({.code = "W1406", .message = std::move(message), .location = location});
    return false;
  };
  static constexpr char kNoEnd[] = "a quoted CSV field ends with `\"` before `,` or the line's end";
  const std::vector<GivenCell> header = reader.NextLine();
  if (reader.failed()) return report(kNoEnd, reader.failure());
  if (header.empty()) return report("a line with the names of columns is wanted in the CSV", begin);
  for (const GivenCell& cell : header) into.columns.push_back({cell.text, cell.location});
  while (true) {
    std::vector<GivenCell> cells = reader.NextLine();
    if (reader.failed()) return report(kNoEnd, reader.failure());
    if (cells.empty()) return true;
    const SourceLocation location = cells.front().location;
    into.rows.push_back({std::move(cells), location});
  }
}

}  // namespace weir
