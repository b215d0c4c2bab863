// SPDX-License-Identifier: Apache-2.0

#include <cstdlib>

#include "weir/base/utf8_text.h"
#include "weir/project/weir_toml.h"

namespace weir {

namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// Reads a text with variables once, from left to right.
class Expansion {
 public:
  /// `looks_up`: false reads the syntax alone.
  Expansion(std::string_view text, bool looks_up) : text_(text), looks_up_(looks_up) {}

  Result<std::string> Run() { return Part(/*in_default=*/false, looks_up_); }

 private:
  bool At(std::string_view wanted) const { return text_.substr(at_).starts_with(wanted); }

  /// Up to the end, or to the `}` of the default that it is. `wanted`: somebody needs the value.
  Result<std::string> Part(bool in_default, bool wanted) {
    std::string expanded;
    while (at_ < text_.size()) {
      if (in_default && At("}")) return expanded;
      if (At("$${")) {
        expanded += "${";
        at_ += 3;
      } else if (At("${")) {
        WEIR_ASSIGN_OR_RETURN(const std::string value, Variable(wanted));
        expanded += value;
      } else {
        expanded += text_[at_++];
      }
    }
    if (in_default) return Unreadable(text_.substr(0, 2));
    return expanded;
  }

  Result<std::string> Variable(bool wanted) {
    const size_t begin = at_;
    at_ += 2;
    const size_t name_begin = at_;
    while (at_ < text_.size() &&
           (IsLetter(text_[at_]) || (at_ > name_begin && text_[at_] >= '0' && text_[at_] <= '9')))
      ++at_;
    const std::string name(text_.substr(name_begin, at_ - name_begin));
    const bool has_default = At(":-");
    if (name.empty() || (!has_default && !At("}"))) {
      const size_t end = text_.find('}', begin);
      return Unreadable(end == std::string_view::npos ? "${"
                                                      : text_.substr(begin, end + 1 - begin));
    }
    const char* value = wanted ? std::getenv(name.c_str()) : nullptr;
    const bool is_set = value != nullptr && (value[0] != '\0' || !has_default);
    std::string expanded = is_set ? value : "";
    if (has_default) {
      at_ += 2;
      WEIR_ASSIGN_OR_RETURN(const std::string standard,
                            Part(/*in_default=*/true, wanted && !is_set));
      if (!is_set) expanded = standard;
    } else if (wanted && !is_set) {
      return Status::User(StatusCode::kNotFound, "the environment variable is not set: `{}`", name)
          .WithHint(fmt::format("set {0}, or write `${{{0}:-default}}`", name));
    }
    ++at_;  // the brace
    if (is_set && FindInvalidUtf8(expanded)) {
      return Status::User(StatusCode::kInvalidArgument,
                          "UTF-8 is wanted in the environment variable `{}`, found other bytes",
                          name);
    }
    return expanded;
  }

  static Status Unreadable(std::string_view found) {
    return Status::User(StatusCode::kInvalidArgument,
                        "the name of an environment variable is wanted in `${{…}}`, found `{}`",
                        found)
        .WithHint("write `$${` where `${` itself is meant, `${NAME:-default}` for a default");
  }

  const std::string_view text_;
  const bool looks_up_;
  size_t at_ = 0;
};

}  // namespace

bool NamesEnvironment(std::string_view text) { return text.find("${") != std::string_view::npos; }

Result<std::string> ExpandEnvironment(std::string_view text) {
  return Expansion(text, /*looks_up=*/true).Run();
}

Status CheckEnvironmentSyntax(std::string_view text) {
  return Expansion(text, /*looks_up=*/false).Run().status();
}

}  // namespace weir
