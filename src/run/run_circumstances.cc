// SPDX-License-Identifier: Apache-2.0

#include "weir/run/run_circumstances.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "weir/base/child_process.h"
#include "weir/base/secret_names.h"
#include "weir/run/run_identity.h"

namespace weir {

namespace {

constexpr int64_t kGitTimeoutMs = 5'000;

/// What `git` prints about the folder, without the line's end; nothing where it fails.
std::optional<std::string> AskGit(const std::string& folder, std::vector<std::string> words) {
  // Nothing is to be written, and no other program started, for being asked.
  words.insert(words.begin(), {"git", "--no-optional-locks", "-c", "core.fsmonitor=false"});
  const auto end = RunChildProcess({.words = std::move(words),
                                    .directory = folder,
                                    .input = {},
                                    .keeps_output = true,
                                    .is_silent = true,
                                    .timeout_ms = kGitTimeoutMs});
  if (!end.ok() || !end->succeeded()) return std::nullopt;
  std::string output = end->output;
  while (output.ends_with('\n')) output.pop_back();
  return output;
}

std::string OsText() {
  std::string name;
  std::ifstream release("/etc/os-release");
  for (std::string line; std::getline(release, line);) {
    static constexpr std::string_view kKey = "PRETTY_NAME=";
    if (line.starts_with(kKey)) name = line.substr(kKey.size());
  }
  std::erase(name, '"');
  utsname system{};
  if (uname(&system) != 0) return name;
  const std::string kernel =
      fmt::format("{} {} {}", system.sysname, system.release, system.machine);
  return name.empty() ? kernel : name + ", " + kernel;
}

int64_t Cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return sysconf(_SC_NPROCESSORS_ONLN);
}

/// `name=value` with the value left out.
std::string WithoutValue(const std::string& pair) {
  return pair.substr(0, pair.find('=') + 1) + "…";
}

}  // namespace

std::optional<GitState> GitStateOf(const std::string& folder) {
  const auto status =
      AskGit(folder, {"status", "--porcelain=v2", "--branch", "--untracked-files=normal", "."});
  if (!status) return std::nullopt;
  GitState state;
  std::istringstream lines(*status);
  for (std::string line; std::getline(lines, line);) {
    static constexpr std::string_view kCommit = "# branch.oid ", kBranch = "# branch.head ";
    if (line.starts_with(kCommit)) {
      state.commit = line.substr(kCommit.size());
    } else if (line.starts_with(kBranch)) {
      state.branch = line.substr(kBranch.size());
    } else if (!line.starts_with('#')) {
      state.is_dirty = true;
    }
  }
  // What git says of a repository without commits, and of a HEAD that is no branch.
  if (state.commit == "(initial)") state.commit.clear();
  if (state.branch == "(detached)") state.branch.clear();
  return state;
}

std::vector<std::string> RecordableArguments(const std::vector<std::string>& arguments) {
  static constexpr std::string_view kSet = "--set";
  std::vector<std::string> kept;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const size_t sign = argument.find('=');
    if (i > 0 && arguments[i - 1] == kSet) {
      kept.push_back(WithoutValue(argument));
    } else if (argument.starts_with("--set=")) {
      kept.push_back("--set=" + WithoutValue(argument.substr(6)));
    } else if (sign != std::string::npos &&
               NamesSecret(std::string_view(argument).substr(0, sign))) {
      kept.push_back(argument.substr(0, sign + 1) + "***");
    } else {
      kept.push_back(WithoutUserInfo(argument));
    }
  }
  return kept;
}

RunCircumstances ObserveCircumstances(const std::string& folder, const std::string& weir_version,
                                      const std::vector<std::string>& arguments) {
  const RunIdentity self = RunIdentity::Own({}, {}, 0);
  return {.weir_version = weir_version,
          .user = self.user,
          .host = self.host,
          .pid = self.pid,
          .os = OsText(),
          .cpus = Cpus(),
          .memory_bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE),
          .git = GitStateOf(folder),
          .arguments = RecordableArguments(arguments)};
}

}  // namespace weir
