// SPDX-License-Identifier: Apache-2.0

#include "weir/base/sql_quotes.h"

namespace weir {
namespace {

/// Quotes within are written twice.
std::string Quoted(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) quoted.append(c == quote ? 2 : 1, c);
  return quoted + quote;
}

}  // namespace

std::string QuotedSqlText(std::string_view text) { return Quoted(text, '\''); }

std::string QuotedSqlName(std::string_view name) { return Quoted(name, '"'); }

}  // namespace weir
