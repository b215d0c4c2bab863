// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/composed_sql.h"

namespace weir {

namespace {

bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

/// The offset of a place; npos beyond the end.
size_t OffsetOf(std::string_view text, int line, int column) {
  size_t at = 0;
  for (; line > 1; --line) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return at;
    ++at;
  }
  for (; column > 1 && at < text.size(); --column) {
    ++at;
    while (at < text.size() && !BeginsCharacter(text[at])) ++at;
  }
  return at;
}

SourceLocation PlaceOf(std::string_view text, size_t offset) {
  SourceLocation place{.file = {}, .line = 1, .column = 1};
  for (size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else if (BeginsCharacter(text[i])) {
      ++place.column;
    }
  }
  return place;
}

}  // namespace

ComposedSql& ComposedSql::Own(std::string_view text) {
  sql_ += text;
  return *this;
}

ComposedSql& ComposedSql::Piece(SqlSlice slice) {
  parts_.push_back({.begin = sql_.size(), .slice = slice});
  sql_ += slice.In(statement_);
  // A piece may end in a comment to the end of its line.
  sql_ += '\n';
  return *this;
}

Status ComposedSql::Locate(const Status& status) const {
  if (status.ok() || status.location().line == 0) return status;
  const size_t offset = OffsetOf(sql_, status.location().line, status.location().column);
  for (const Part& part : parts_) {
    const size_t length = part.slice.end - part.slice.begin;
    if (offset < part.begin || offset > part.begin + length) continue;
    return status.WithLocation(PlaceOf(statement_, part.slice.begin + offset - part.begin));
  }
  return status.WithLocation({});
}

}  // namespace weir
