// SPDX-License-Identifier: Apache-2.0

#include "weir/base/diagnostic.h"

#include <algorithm>
#include <tuple>

namespace weir {

Diagnostic ToDiagnostic(std::string_view code, const Status& status) {
  return {.code = std::string(code),
          .severity = Severity::kError,
          .blame = status.blame(),
          .message = status.message(),
          .hint = status.hint(),
          .location = status.location(),
          .view_name = {},
          .cause = status.cause()};
}

bool Diagnostics::has_errors() const {
  return std::any_of(all_.begin(), all_.end(),
                     [](const Diagnostic& d) { return d.severity == Severity::kError; });
}

void Diagnostics::Sort() {
  std::stable_sort(all_.begin(), all_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.location.file, a.location.line, a.location.column, a.code) <
           std::tie(b.location.file, b.location.line, b.location.column, b.code);
  });
}

std::string ToText(const Diagnostic& diagnostic) {
  std::string text =
      fmt::format("{}[{}]: {}\n", diagnostic.severity == Severity::kError ? "error" : "warning",
                  diagnostic.code, diagnostic.message);
  if (!diagnostic.location.file.empty())
    text += fmt::format("  --> {}\n", ToString(diagnostic.location));
  if (!diagnostic.hint.empty()) text += fmt::format("  hint: {}\n", diagnostic.hint);
  return text;
}

}  // namespace weir
