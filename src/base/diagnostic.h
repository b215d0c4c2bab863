// SPDX-License-Identifier: Apache-2.0
//
// What a user is told about a project: many at once, each with a permanent code. The codes are
// listed in docs/diagnostics.md.

#pragma once

#include <string>
#include <vector>

#include "weir/base/status.h"

namespace weir {

enum class Severity { kError, kWarning };

/// One message about one place. `code` is permanent: "W" and four digits, the first the room's (1
/// project, 2 planning, 3 sources, 4 scans, 5 runs, 6 storage, 7 replay).
struct Diagnostic {
  std::string code;
  Severity severity = Severity::kError;
  Blame blame = Blame::kUser;
  std::string message;
  std::string hint;
  SourceLocation location;
  std::string view_name;  ///< empty when it is not about a view
  std::string cause;      ///< the engine's own words; may be empty
};

/// Makes a diagnostic of a failure.
Diagnostic ToDiagnostic(std::string_view code, const Status& status);

/// Collects diagnostics; compile never stops at the first. Not safe for use from several threads at
/// once.
class Diagnostics {
 public:
  void Add(Diagnostic diagnostic) { all_.push_back(std::move(diagnostic)); }
  bool has_errors() const;
  const std::vector<Diagnostic>& all() const { return all_; }
  /// Orders by file, line, column, then code.
  void Sort();

 private:
  std::vector<Diagnostic> all_;
};

/// "error[W1203]: message\n  --> file:3:7\n  hint: …\n"
std::string ToText(const Diagnostic& diagnostic);

}  // namespace weir
