// SPDX-License-Identifier: Apache-2.0
//
// Who runs what, and where: what a run's record says besides what it built. Nothing here changes a
// result.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// The state of the version control that a folder is in.
struct GitState {
  std::string commit;     ///< its full hash; empty: there is none yet
  std::string branch;     ///< empty: none is checked out
  bool is_dirty = false;  ///< files of the folder differ from the commit, new ones included

  bool operator==(const GitState&) const = default;
};

struct RunCircumstances {
  std::string weir_version;
  std::string user, host;
  int64_t pid = 0;
  std::string os;    ///< "Debian GNU/Linux 12 (bookworm), Linux 6.1.0 x86_64"
  int64_t cpus = 0;  ///< that this process may use
  int64_t memory_bytes = 0;
  std::optional<GitState> git;         ///< nothing: no Git, or the folder is in no repository
  std::vector<std::string> arguments;  ///< of the command line, as RecordableArguments has them
};

/// Of this process and machine, and of the project in `folder`. Asks `git`, as long as that takes a
/// few seconds at most.
RunCircumstances ObserveCircumstances(const std::string& folder, const std::string& weir_version,
                                      const std::vector<std::string>& arguments);

std::optional<GitState> GitStateOf(const std::string& folder);

/// The arguments of a command line without values that could be secrets: `--set NAME=VALUE` becomes
/// `--set NAME=…` (values of parameters are recorded as such), `scheme://user:password@host` loses
/// what stands before the `@`, and values of `name=value` whose name looks like a secret's become
/// `***`.
std::vector<std::string> RecordableArguments(const std::vector<std::string>& arguments);

}  // namespace weir
