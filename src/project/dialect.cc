// SPDX-License-Identifier: Apache-2.0

#include "weir/project/dialect.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"

namespace weir {

namespace {

constexpr SqlDialect kGeneric = {
    .name = "generic", .escape_strings = true, .nested_comments = true};

constexpr SqlDialect kDialects[] = {
    {.name = "ansi", .nested_comments = true},
    {.name = "bigquery",
     .identifier_quotes = "`",
     .backslash_escapes = true,
     .triple_quotes = true,
     .hash_comments = true},
    {.name = "clickhouse", .backslash_escapes = true, .nested_comments = true},
    {.name = "databricks", .identifier_quotes = "`", .nested_comments = true},
    {.name = "duckdb"},
    kGeneric,
    {.name = "hive", .dollar_strings = false, .hash_comments = true, .dollar_names = true},
    {.name = "mssql", .identifier_quotes = "\"[", .nested_comments = true},
    {.name = "mysql",
     .identifier_quotes = "`",
     .backslash_escapes = true,
     .dollar_strings = false,
     .hash_comments = true,
     .dash_comment_needs_space = true,
     .dollar_names = true},
    {.name = "postgresql",
     .alias = "postgres",
     .identifier_quotes = "\"",
     .escape_strings = true,
     .nested_comments = true},
    {.name = "redshift",
     .identifier_quotes = "\"`[",
     .bracket_needs_word = true,
     .backslash_escapes = true,
     .escape_strings = true},
    {.name = "snowflake", .backslash_escapes = true, .hash_comments = true, .slash_comments = true},
    {.name = "spark", .alias = "sparksql", .identifier_quotes = "`", .nested_comments = true},
    {.name = "sqlite", .identifier_quotes = "\"`[", .dollar_strings = false},
};

constexpr std::string_view kBlank = " \t\r\f\v";

/// The text after "dialect:" in a comment; nothing if it says something else.
std::optional<std::string_view> DialectIn(std::string_view comment) {
  static constexpr std::string_view kKey = "dialect";
  const auto skip_blanks = [&] {
    comment.remove_prefix(std::min(comment.find_first_not_of(kBlank), comment.size()));
  };
  skip_blanks();
  if (AsciiLowerCase(comment.substr(0, kKey.size())) != kKey) return std::nullopt;
  comment.remove_prefix(kKey.size());
  skip_blanks();
  if (!comment.starts_with(':')) return std::nullopt;
  comment.remove_prefix(1);
  skip_blanks();
  const size_t last = comment.find_last_not_of(kBlank);
  return comment.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

const SqlDialect& GenericDialect() { return kGeneric; }

const SqlDialect* FindDialect(std::string_view name) {
  const std::string lower = AsciiLowerCase(name);
  if (lower.empty()) return nullptr;
  const auto* found = std::find_if(
      std::begin(kDialects), std::end(kDialects),
      [&](const SqlDialect& dialect) { return dialect.name == lower || dialect.alias == lower; });
  return found == std::end(kDialects) ? nullptr : found;
}

std::vector<std::string> DialectNames() {
  std::vector<std::string> names;
  for (const SqlDialect& dialect : kDialects) names.emplace_back(dialect.name);
  return names;
}

std::string DialectHint(std::string_view name) {
  const std::vector<std::string> names = DialectNames();
  std::string hint = SuggestionHint(name, names);
  return hint.empty() ? fmt::format("dialects are `{}`", fmt::join(names, "`, `")) : hint;
}

std::string QuoteIdentifier(std::string_view name, const SqlDialect& dialect) {
  const char quote = dialect.quotes_identifier('"') ? '"' : '`';
  std::string quoted(1, quote);
  for (const char c : name) {
    if (c == quote) quoted += quote;
    quoted += c;
  }
  return quoted + quote;
}

std::optional<DialectComment> FindDialectComment(std::string_view text) {
  size_t at = 0;
  int line = 1;
  const auto skip_to = [&](size_t end) {
    line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                                        text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    at = end;
  };
  while (true) {
    skip_to(std::min(text.find_first_not_of(" \t\r\f\v\n", at), text.size()));
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("/*")) {
      const size_t end = text.find("*/", at + 2);
      if (end == std::string_view::npos) return std::nullopt;
      skip_to(end + 2);
    } else if (rest.starts_with("--")) {
      const size_t end = std::min(text.find('\n', at), text.size());
      if (const auto name = DialectIn(text.substr(at + 2, end - at - 2))) {
        const size_t begin_of_line = text.rfind('\n', at) + 1;  // 0 if there is none
        const std::string_view before = text.substr(
            begin_of_line, static_cast<size_t>(name->data() - text.data()) - begin_of_line);
        const auto characters = std::count_if(before.begin(), before.end(), [](char c) {
          return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        });
        return DialectComment{std::string(*name), line, static_cast<int>(characters) + 1};
      }
      skip_to(end);
    } else {
      return std::nullopt;
    }
  }
}

}  // namespace weir
