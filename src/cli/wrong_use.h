// SPDX-License-Identifier: Apache-2.0
//
// Says what was wanted and found where the command line cannot be read, with the nearest name.

#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace weir::cli {

/// "a, b or c".
std::string Alternatives(const std::vector<std::string>& words);

/// Takes some words only.
CLI::Validator OneOf(const std::vector<std::string>& words);

/// The names of a program's commands.
std::vector<std::string> CommandNames(const CLI::App& app);

/// The command of that name; null if there is none.
const CLI::App* FindCommand(const CLI::App& app, const std::string& name);

/// Prints to stderr and returns kWrongUse.
int ReportWrongUse(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv);

/// There is no such command.
int ReportNoCommand(const CLI::App& app, const std::string& name);

}  // namespace weir::cli
