// SPDX-License-Identifier: Apache-2.0
//
// What the commands share: the options every command takes, the exit codes, and the steps from a
// folder to a compiled project. Commands hold no logic: they call the rooms and print.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/bundle/compile.h"
#include "weir/cli/output.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir::cli {

/// Exit codes, documented in docs/cli.md.
enum ExitCode : int {
  kDone = 0,
  kWorkFailed = 1,   ///< the user's SQL, data, a failed test
  kWrongUse = 2,     ///< unknown command or option, no project
  kEnvironment = 3,  ///< storage, memory, permissions
  kInterrupted = 130,
};

/// The options that every command takes.
struct GlobalOptions {
  std::string project = ".";
  std::string profile = "default";
  Format format = Format::kTable;
};

/// A project loaded, its session sealed, its views compiled.
struct OpenProject {
  ProjectDefinition definition;
  std::unique_ptr<SessionRuntime> session;
  CompiledProject compiled;
  Diagnostics diagnostics;  ///< sorted; may hold errors
};

/// Loads, seals and compiles. Fails only where there is no project at all or no session can be
/// opened; what is wrong in the project's files is in the diagnostics.
Result<OpenProject> Open(const GlobalOptions& options);

/// Prints to stderr and returns the exit code that fits the blame.
int Fail(const Status& status);

/// As Fail, where the command line named something: what the user named and is not there is wrong
/// use.
int FailNamed(const Status& status);

/// Prints diagnostics to stderr and a last line that counts them; returns kWorkFailed,
/// kEnvironment, or kDone without errors.
int Report(const Diagnostics& diagnostics);

/// Prints warnings about the data that was looked at, without a count.
void ReportWarnings(const std::vector<Diagnostic>& warnings);

/// What `weir sql` is asked for.
struct SqlRequest {
  std::optional<std::string> sql;  ///< nothing: a prompt, or the statements of a pipe
  std::string dialect;             ///< read in; empty: the project's
  std::string to;                  ///< written in, instead of run; empty: run
  bool own = false;                ///< a query of Weir itself, which no policy concerns
};

// The commands; each returns its exit code.
int RunInit(const GlobalOptions& options, const std::string& folder);
int RunCheck(const GlobalOptions& options);
int RunPlan(const GlobalOptions& options, const std::vector<std::string>& select, bool force);
int RunRun(const GlobalOptions& options, const std::vector<std::string>& select, bool force);
/// `what`: "plan", "physical", "fingerprint", "lane", "scans", "graphviz", "pgjson", "sql" or
/// "ast". `to`: the dialect for "sql".
int RunExplain(const GlobalOptions& options, const std::string& view, const std::string& what,
               const std::string& to);
int RunLineage(const GlobalOptions& options, const std::string& column, bool downstream);
int RunSql(const GlobalOptions& options, SqlRequest request);
int RunFunctions(const GlobalOptions& options, const std::string& name);
int RunHistory(const GlobalOptions& options, const std::string& view, int limit);
int RunTest(const GlobalOptions& options, const std::vector<std::string>& names);
int RunVersion(const GlobalOptions& options);

}  // namespace weir::cli
