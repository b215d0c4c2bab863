// SPDX-License-Identifier: Apache-2.0

#include <cstdlib>

#include "weir/project/weir_toml.h"

namespace weir {

namespace {

bool IsVariableName(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (char c : name) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!is_letter && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

}  // namespace

Result<std::string> ExpandEnvironment(std::string_view text) {
  std::string expanded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 3) == "$${") {
      expanded += "${";
      i += 2;
      continue;
    }
    if (text.substr(i, 2) != "${") {
      expanded += text[i];
      continue;
    }
    const size_t end = text.find('}', i);
    const std::string name(text.substr(i + 2, end == std::string_view::npos ? end : end - i - 2));
    if (end == std::string_view::npos || !IsVariableName(name)) {
      return Status::User(StatusCode::kInvalidArgument,
                          "the name of an environment variable is wanted in `${{…}}`, found `{}`",
                          end == std::string_view::npos ? "${" : "${" + name + "}")
          .WithHint("write `$${` where `${` itself is meant");
    }
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) {
      return Status::User(StatusCode::kNotFound, "the environment variable is not set: `{}`", name);
    }
    expanded += value;
    i = end;
  }
  return expanded;
}

}  // namespace weir
