// SPDX-License-Identifier: Apache-2.0
//
// Who is told of runs: [hooks] and [openlineage] in weir.toml.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/status.h"

namespace weir {

/// A command that a run calls. Its words are not filled in with variables: a shell does that
/// itself, and what others can see of a process holds no secret then.
struct HookCommand {
  std::string name;                ///< "before_run" …
  std::vector<std::string> words;  ///< the program and its arguments, as they stand
  std::string text;                ///< as written, for messages
  SourceLocation location;
};

/// [hooks]
struct HookSettings {
  std::optional<HookCommand> before_run, after_view, after_run, on_failure;
  int64_t timeout_seconds = 300;  ///< of each call

  bool empty() const { return !before_run && !after_view && !after_run && !on_failure; }
};

/// [openlineage]: where events of runs go.
struct LineageTarget {
  std::string file;  ///< absolute path; empty: none
  std::string url;   ///< `http://host…` or `https://host…`; empty: none
  /// By name, variables filled in: they may be secrets and must not be recorded or printed.
  std::map<std::string, std::string> headers;
  int64_t timeout_seconds = 10;  ///< of each request
  SourceLocation location;

  bool empty() const { return file.empty() && url.empty(); }
};

}  // namespace weir
