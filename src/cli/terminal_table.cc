// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/terminal_table.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include <arrow/api.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "weir/base/text_width.h"
#include "weir/cli/output.h"
#include "weir/engine/engine.h"

namespace weir::cli {

namespace {

using Row = std::vector<std::string>;

/// Of cells that are cut before columns are left out.
constexpr size_t kLeastWidth = 16;
constexpr size_t kGap = 2;
constexpr const char* kLeftOut = "…";

Row RowOf(const arrow::RecordBatch& batch, int64_t row) {
  Row values;
  for (const auto& column : batch.columns()) values.push_back(CellText(*column, row));
  return values;
}

size_t Total(const std::vector<size_t>& widths, size_t most) {
  size_t total = 0;
  for (const size_t width : widths) total += std::min(width, most) + kGap;
  return total - (widths.empty() ? 0 : kGap);
}

/// The most that a column may take so that all fit; 0 if not even kLeastWidth is little enough.
size_t CommonLimit(const std::vector<size_t>& widths, size_t width) {
  const size_t widest = widths.empty() ? 0 : *std::max_element(widths.begin(), widths.end());
  if (Total(widths, widest) <= width) return std::max(widest, size_t{1});
  size_t fits = 0, low = kLeastWidth, high = widest;
  while (low <= high) {
    const size_t middle = (low + high) / 2;
    if (Total(widths, middle) <= width) {
      fits = middle;
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return fits;
}

/// How many columns from the left and from the right fit beside the mark of what is left out.
std::pair<size_t, size_t> Sides(const std::vector<size_t>& widths, size_t most, size_t width) {
  size_t used = 1, left = 0, right = 0;
  while (left + right < widths.size()) {
    const bool at_left = left <= right;
    const size_t next = at_left ? widths[left] : widths[widths.size() - 1 - right];
    const size_t needs = std::min(next, most) + kGap;
    if (used + needs > width && left > 0) break;
    used += needs;
    ++(at_left ? left : right);
  }
  return {left, right};
}

size_t TerminalWidth() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  size_t width = 0;
  if (columns != nullptr) std::from_chars(columns, columns + std::strlen(columns), width);
  return width > 0 ? width : 80;
}

template <typename Use>
Status ForEachBatch(arrow::RecordBatchReader& rows, Use use) {
  while (true) {
    auto batch = rows.Next();
    if (!batch.ok()) return engine::FromStreamFailure(batch.status());
    if (!*batch) return Status::OK();
    use(*batch);
  }
}

}  // namespace

void TerminalTable::Add(const std::shared_ptr<arrow::RecordBatch>& batch) {
  for (int64_t row = 0; row < batch->num_rows() && std::ssize(first_) < kMostRows; ++row)
    first_.push_back(RowOf(*batch, row));
  count_ += batch->num_rows();
  if (batch->num_rows() == 0) return;
  recent_.push_back(batch);
  recent_rows_ += batch->num_rows();
  while (recent_rows_ - recent_.front()->num_rows() >= kMostRows / 2) {
    recent_rows_ -= recent_.front()->num_rows();
    recent_.pop_front();
  }
}

std::vector<Row> TerminalTable::LastRows() const {
  std::vector<Row> rows;
  int64_t skipped = recent_rows_ - kMostRows / 2;
  for (const auto& batch : recent_) {
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      if (skipped-- > 0) continue;
      rows.push_back(RowOf(*batch, row));
    }
  }
  return rows;
}

std::string TerminalTable::Render() const {
  std::vector<Row> rows = first_;
  if (count_ > kMostRows) {
    rows.resize(static_cast<size_t>(kMostRows / 2));
    rows.emplace_back(header_.size(), kLeftOut);
    for (Row& row : LastRows()) rows.push_back(std::move(row));
  }
  std::vector<size_t> widths;
  widths.reserve(header_.size());
  for (const std::string& name : header_) widths.push_back(TextWidth(name));
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], TextWidth(row[i]));
  }
  size_t limit = CommonLimit(widths, width_);
  size_t left = widths.size(), right = 0;
  // One column and the mark of the others at least, on a terminal of some width.
  const bool has_mark = width_ > kGap + 1;
  if (limit == 0) {
    limit = std::min(kLeastWidth, has_mark ? width_ - kGap - 1 : width_);
    std::tie(left, right) = Sides(widths, limit, width_);
  }
  columns_shown_ = left + right;
  const auto shown = [&](const Row& row) {
    Row cells;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i == left && columns_shown_ < row.size() && has_mark) cells.emplace_back(kLeftOut);
      if (i < left || i >= row.size() - right) cells.push_back(CutToWidth(row[i], limit));
    }
    return cells;
  };
  std::vector<Row> visible;
  visible.reserve(rows.size());
  for (const Row& row : rows) visible.push_back(shown(row));
  return RenderTable(shown(header_), visible);
}

std::string TerminalTable::Note() const {
  std::string note = fmt::format("({} row{}", count_, count_ == 1 ? "" : "s");
  if (count_ > kMostRows) note += fmt::format(", {} shown", kMostRows);
  if (columns_shown_ < header_.size())
    note += fmt::format("; {} columns, {} shown", header_.size(), columns_shown_);
  return note + ")";
}

Status PrintOnTerminal(arrow::RecordBatchReader& rows) {
  TerminalTable table(rows.schema()->field_names(), TerminalWidth());
  WEIR_RETURN_NOT_OK(ForEachBatch(rows, [&](const auto& batch) { table.Add(batch); }));
  std::cout << table.Render() << std::flush;
  Tell(table.Note());
  return Status::OK();
}

Status PrintPlans(arrow::RecordBatchReader& rows) {
  bool first = true;
  return ForEachBatch(rows, [&](const auto& batch) {
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      if (!first) std::cout << "\n";
      first = false;
      std::string plan = ValueText(*batch->column(1), row);
      while (plan.ends_with('\n')) plan.pop_back();
      std::cout << ValueText(*batch->column(0), row) << "\n" << plan << "\n";
    }
  });
}

}  // namespace weir::cli
