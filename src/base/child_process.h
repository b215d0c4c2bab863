// SPDX-License-Identifier: Apache-2.0
//
// Runs another program and waits for it, no longer than is wanted. In: its words, a folder, what it
// reads. Out: how it ended, and what it wrote.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir {

struct ChildProcess {
  /// The program, found along PATH as a shell does, and its arguments.
  std::vector<std::string> words;
  std::string directory;  ///< where it runs; empty: where this process does
  std::string input;      ///< its standard input
  /// What it writes to its standard output is returned, at most `kMostOutputBytes`; else it goes to
  /// this process' standard error.
  bool keeps_output = false;
  bool is_silent = false;  ///< what it writes to its standard error goes nowhere
  /// Gets the lines of what it writes, to its standard output and error, while it does; they go
  /// nowhere else. Of a line at most `kMostOutputBytes`. May be empty.
  std::function<void(std::string_view line)> on_line = {};
  int64_t timeout_ms = 0;
  /// Asked from time to time; it is killed when this says so. May be empty.
  std::function<bool()> is_given_up = {};

  static constexpr size_t kMostOutputBytes = 1 << 20;
};

struct ChildProcessEnd {
  int exit_code = 0;       ///< -1 where a signal ended it
  int signal = 0;          ///< 0 where it ended by itself
  bool timed_out = false;  ///< it was killed, with all that it had started in its process group
  bool given_up = false;   ///< likewise
  std::string output;

  bool succeeded() const { return exit_code == 0 && signal == 0; }
};

/// Fails with kNotFound or kPermission where the program cannot be started, by the reason of the
/// system; with the user to blame.
/// REQUIRES: `child.words` is not empty
Result<ChildProcessEnd> RunChildProcess(const ChildProcess& child);

/// "ended with exit code 3", "was ended by signal 9", "took longer than 5 s and was ended".
std::string Describe(const ChildProcessEnd& end, int64_t timeout_ms);

}  // namespace weir
