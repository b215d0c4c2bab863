// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/written_sql.h"

#include <algorithm>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"
#include "weir/project/dialect.h"

namespace weir {

namespace {

Result<std::string> FindAmong(const std::string& name, const std::vector<std::string>& known,
                              std::string_view use) {
  const SqlDialect* dialect = FindDialect(name);
  const std::string found(dialect == nullptr ? AsciiLowerCase(name) : dialect->name);
  if (std::find(known.begin(), known.end(), found) != known.end()) return found;
  std::string hint = SuggestionHint(name, known);
  if (hint.empty()) hint = fmt::format("{} are `{}`", use, fmt::join(known, "`, `"));
  return Status::User(StatusCode::kNotFound, "one of the {} is wanted, found `{}`", use, name)
      .WithHint(std::move(hint));
}

/// The engine names what it cannot write and then prints all of it: the first words are enough.
std::string FirstWords(const std::string& message) {
  static constexpr size_t kMost = 160;
  std::string words = message.substr(0, message.find('\n'));
  static constexpr std::string_view kPrefix = "This feature is not implemented: ";
  if (words.starts_with(kPrefix)) words.erase(0, kPrefix.size());
  if (words.size() > kMost) {
    size_t end = kMost;
    while (end > 0 && (static_cast<unsigned char>(words[end]) & 0xC0) == 0x80) --end;
    words = words.substr(0, end) + "…";
  }
  return words;
}

}  // namespace

Result<std::string> FindReadDialect(const std::string& name) {
  return FindAmong(name, engine::ReadDialects(), "dialects that statements are read in");
}

Result<std::string> FindWrittenDialect(const std::string& name) {
  return FindAmong(name, engine::WrittenDialects(), "dialects that plans are written in");
}

Result<std::string> WriteSql(const engine::Plan& plan, const std::string& dialect) {
  auto sql = plan.ToSql(dialect);
  if (sql.ok()) return sql;
  return Status::User(StatusCode::kUnsupported, "the plan cannot be written as SQL of `{}`: {}",
                      dialect, FirstWords(sql.status().message()))
      .WithCause(sql.status().message())
      .WithHint("`weir explain VIEW --plan` prints any plan");
}

}  // namespace weir
