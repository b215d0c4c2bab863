// SPDX-License-Identifier: Apache-2.0

#include "weir/project/watch_toml.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "weir/base/http_url.h"
#include "weir/project/source_parser.h"

namespace weir {

namespace {

constexpr int64_t kMostSeconds = 86'400;

/// A whole number of seconds, from 1.
void ReadSeconds(const toml::table& table, TomlReader& reader, int64_t& seconds) {
  static constexpr std::string_view kKey = "timeout_seconds";
  const toml::node* node = table.get(kKey);
  if (node == nullptr) return;
  if (!node->is_integer()) return reader.FailType(*node, "an integer", kKey);
  const int64_t found = node->as_integer()->get();
  if (found < 1 || found > kMostSeconds) {
    return reader.Fail("W1013", node->source(),
                       fmt::format("a number from 1 to {} is wanted for `{}`, found `{}`",
                                   kMostSeconds, kKey, found));
  }
  seconds = found;
}

/// The words of an array; nothing if one of them is no text.
std::optional<std::vector<std::string>> WordsOf(const toml::array& array, std::string_view key,
                                                TomlReader& reader) {
  std::vector<std::string> words;
  for (const toml::node& node : array) {
    if (!node.is_string()) {
      reader.FailType(node, "a string", key);
      return std::nullopt;
    }
    words.push_back(node.as_string()->get());
  }
  return words;
}

std::optional<HookCommand> ReadCommand(const toml::table& table, const char* key,
                                       TomlReader& reader) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return std::nullopt;
  HookCommand command{.name = key, .words = {}, .text = {}, .location = LocationOf(node->source())};
  if (const auto* text = node->as_string()) {
    command.text = text->get();
    command.words = {"/bin/sh", "-c", command.text};
  } else if (const auto* array = node->as_array()) {
    auto words = WordsOf(*array, key, reader);
    if (!words) return std::nullopt;
    command.words = *std::move(words);
    command.text = fmt::format("{}", fmt::join(command.words, " "));
  } else {
    reader.FailType(
        *node, "a string (a command of a shell) or an array (a program and its arguments)", key);
    return std::nullopt;
  }
  const bool is_blank = command.text.find_first_not_of(" \t\r\n") == std::string::npos;
  const bool has_program = !command.words.empty() && !command.words.front().empty();
  const bool has_nul = std::any_of(command.words.begin(), command.words.end(),
                                   [](const auto& w) { return w.find('\0') != std::string::npos; });
  if (is_blank || !has_program || has_nul) {
    reader.Fail("W1032", node->source(),
                fmt::format("a command is wanted for `{}`, found `{}`", key, command.text),
                "a text is a command of a shell; an array is a program and its arguments");
    return std::nullopt;
  }
  return command;
}

void ReportUrl(const std::string& url, const toml::source_region& region, TomlReader& reader) {
  // What stands before an @ may be a secret.
  const bool has_user = url.find('@') != std::string::npos;
  reader.Fail("W1033", region,
              fmt::format("a URL such as `http://localhost:5000/api/v1/lineage` is wanted for "
                          "`url`, found {}",
                          has_user ? "one with a name before its host" : "`" + url + "`"),
              has_user ? "`headers` take what the endpoint asks for" : "");
}

void ReadHeaders(const toml::table& table, TomlReader& reader,
                 std::map<std::string, std::string>& headers) {
  for (const auto& [key, value] : table) {
    const std::string name(key.str());
    const std::optional<std::string> text = ScalarText(value);
    if (!text) {
      reader.FailType(value, "a string, number or boolean", name);
      continue;
    }
    const auto expanded = reader.Expanded(value, *text, "openlineage.headers." + name);
    if (!expanded) continue;
    if (!IsHeaderName(name) || !FitsHeader(*expanded)) {
      // The value may be a secret.
      reader.Fail("W1033", key.source(),
                  fmt::format("a header of a request on one line is wanted, found `{}`", name));
      continue;
    }
    headers[name] = *expanded;
  }
}

}  // namespace

HookSettings ReadHooks(const toml::table& table, TomlReader& reader) {
  reader.CheckKeys(table,
                   {"before_run", "after_view", "after_run", "on_failure", "timeout_seconds"},
                   " in [hooks]");
  HookSettings hooks;
  hooks.before_run = ReadCommand(table, "before_run", reader);
  hooks.after_view = ReadCommand(table, "after_view", reader);
  hooks.after_run = ReadCommand(table, "after_run", reader);
  hooks.on_failure = ReadCommand(table, "on_failure", reader);
  ReadSeconds(table, reader, hooks.timeout_seconds);
  return hooks;
}

LineageTarget ReadLineageTarget(const toml::table& table, const std::string& root,
                                TomlReader& reader) {
  reader.CheckKeys(table, {"file", "url", "headers", "timeout_seconds"}, " in [openlineage]");
  LineageTarget target{
      .file = {}, .url = {}, .headers = {}, .location = LocationOf(table.source())};
  if (const auto file = reader.StringAt(table, "file", "openlineage.")) {
    if (file->empty() || file->find("://") != std::string::npos ||
        file->find('\0') != std::string::npos) {
      reader.Fail("W1033", table.get("file")->source(),
                  fmt::format("a path is wanted for `file`, found `{}`", *file),
                  "`url` takes an endpoint");
    } else {
      target.file = ResolveLocation(*file, root);
    }
  }
  if (const auto url = reader.StringAt(table, "url", "openlineage.")) {
    if (IsHttpUrl(*url)) {
      target.url = *url;
    } else {
      ReportUrl(*url, table.get("url")->source(), reader);
    }
  }
  if (const toml::table* headers = reader.TableAt(table, "headers"))
    ReadHeaders(*headers, reader, target.headers);
  ReadSeconds(table, reader, target.timeout_seconds);
  return target;
}

}  // namespace weir
