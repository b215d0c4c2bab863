// SPDX-License-Identifier: Apache-2.0

#include "weir/project/toml_reader.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "weir/base/nearest.h"
#include "weir/project/weir_toml.h"

namespace weir {

SourceLocation LocationOf(const toml::source_region& region) {
  return {std::string(kProjectFileName), static_cast<int>(region.begin.line),
          static_cast<int>(region.begin.column)};
}

std::string_view TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a decimal number";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

std::optional<std::string> ScalarText(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::nullopt;
}

void TomlReader::Add(Diagnostic diagnostic) {
  // The chosen profile is read after all were looked at.
  const bool is_known = std::any_of(
      diagnostics_.all().begin(), diagnostics_.all().end(), [&](const Diagnostic& other) {
        return other.code == diagnostic.code && other.message == diagnostic.message &&
               other.location == diagnostic.location;
      });
  if (!is_known) diagnostics_.Add(std::move(diagnostic));
}

void TomlReader::Fail(std::string_view code, const toml::source_region& region, std::string message,
                      std::string hint) {
  Add({.code = std::string(code),
       .message = std::move(message),
       .hint = std::move(hint),
       .location = LocationOf(region)});
}

void TomlReader::FailType(const toml::node& node, std::string_view wanted, std::string_view key) {
  Fail("W1012", node.source(),
       fmt::format("{} is wanted for `{}`, found {}", wanted, key, TypeName(node)));
}

void TomlReader::CheckKeys(const toml::table& table, const std::vector<std::string>& known,
                           std::string_view where) {
  for (const auto& [key, value] : table) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
    std::string hint = SuggestionHint(key.str(), known);
    if (hint.empty()) hint = fmt::format("known keys are `{}`", fmt::join(known, "`, `"));
    Fail("W1011", key.source(), fmt::format("unknown key{}: `{}`", where, key.str()),
         std::move(hint));
  }
}

const toml::table* TomlReader::TableAt(const toml::table& parent, std::string_view key) {
  const toml::node* node = parent.get(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) FailType(*node, "a table", key);
  return node->as_table();
}

std::optional<std::string> TomlReader::StringAt(const toml::table& parent, std::string_view key,
                                                std::string_view group) {
  const toml::node* node = parent.get(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_string()) {
    FailType(*node, "a string", key);
    return std::nullopt;
  }
  auto text = Expanded(*node, node->as_string()->get(), fmt::format("{}{}", group, key));
  if (text && text->empty()) {
    Fail("W1013", node->source(),
         fmt::format("a text is wanted for `{}`, found an empty one", key));
    return std::nullopt;
  }
  return text;
}

std::optional<std::string> TomlReader::Expanded(const toml::node& node, std::string_view text,
                                                const std::string& path) {
  if (NamesEnvironment(text)) {
    const Status syntax = CheckEnvironmentSyntax(text);
    if (!syntax.ok()) {
      Fail("W1017", node.source(), syntax.message(), syntax.hint());
      return std::nullopt;
    }
    if (!needed_) return std::nullopt;
  }
  Result<std::string> expanded = ExpandEnvironment(text);
  if (needed_) unset_.erase(path);
  if (expanded.ok()) return *std::move(expanded);
  const Status& status = expanded.status();
  if (status.code() != StatusCode::kNotFound) {
    Fail("W1017", node.source(), status.message(), status.hint());
    return std::nullopt;
  }
  unset_[path] = {.code = "W1016",
                  .message = status.message(),
                  .hint = status.hint(),
                  .location = LocationOf(node.source())};
  return std::nullopt;
}

std::optional<Diagnostic> TomlReader::Unset(const std::string& path) const {
  const auto found = unset_.find(path);
  return found == unset_.end() ? std::nullopt : std::optional(found->second);
}

void TomlReader::ReportUnset() {
  for (auto& [path, diagnostic] : unset_) Add(std::move(diagnostic));
  unset_.clear();
}

}  // namespace weir
