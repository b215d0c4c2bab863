// SPDX-License-Identifier: Apache-2.0
//
// Completion for shells. In: the tree of commands and options, and the words of a command line up
// to the cursor. Out: what may stand there. The scripts for the shells only ask `weir complete`;
// what is known stands here. Of a project its files are read; nothing is compiled.

#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace weir::cli {

/// Prints the script for "bash", "zsh" or "fish".
int RunCompletion(const std::string& shell);

/// Prints what may stand in the place of the last of `words`, which begin behind the program's
/// name. First a line that says what else does: `files`, `folders` or `none`; then one candidate a
/// line, with a tab and a description where there is one. Never fails: where nothing is known,
/// nothing is printed.
int RunComplete(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace weir::cli
