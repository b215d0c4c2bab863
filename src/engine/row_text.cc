// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/row_text.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/base/utf8_text.h"

namespace weir {

namespace {

constexpr size_t kLongestRowText = 240;

/// `text` up to about `size` bytes, never cut inside a character.
std::string Cut(std::string text, size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size) + "…";
}

std::string ScalarText(const arrow::Scalar& value) {
  if (!value.is_valid) return "NULL";
  if (arrow::is_binary_like(value.type->id()) && !arrow::is_string(value.type->id()))
    return "X'" + HexText(static_cast<const arrow::BaseBinaryScalar&>(value).view()) + "'";
  return value.ToString();
}

}  // namespace

std::string RowText(const arrow::RecordBatch& batch, int64_t row) {
  std::string text;
  for (int column = 0; column < batch.num_columns() && text.size() <= kLongestRowText; ++column) {
    const auto value = batch.column(column)->GetScalar(row);
    text +=
        fmt::format("{}{} = {}", text.empty() ? "" : ", ", batch.schema()->field(column)->name(),
                    value.ok() ? ScalarText(**value) : "?");
  }
  return Cut(std::move(text), kLongestRowText);
}

}  // namespace weir
