// SPDX-License-Identifier: Apache-2.0
//
// The options of the log, which every command takes, and the variables WEIR_LOG_LEVEL,
// WEIR_LOG_FORMAT and WEIR_LOG_FILE, which say the same where an option is not given. They are read
// before the command line is parsed, so that what is wrong with that is in the log as well.

#pragma once

#include <CLI/CLI.hpp>

namespace weir::cli {

/// Declares the options, for help, completion and what is said of wrong values.
void AddLogOptions(CLI::App& command);

/// Opens the log that command line and environment ask for. A level is `info` where only a format
/// of `json` or a file is asked for. Returns kDone, or says what is wrong with a variable or with
/// the file and returns an exit code. Wrong values of options are left to the parser.
int OpenLogAsAsked(int argc, char** argv);

}  // namespace weir::cli
