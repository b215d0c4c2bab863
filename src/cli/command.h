// SPDX-License-Identifier: Apache-2.0
//
// What the commands share: the options every command takes, the exit codes, and the steps from a
// folder to a compiled project. Commands hold no logic: they call the rooms and print.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/artifacts/data_difference.h"
#include "weir/base/diagnostic.h"
#include "weir/bundle/compile.h"
#include "weir/cli/output.h"
#include "weir/cli/result_format.h"
#include "weir/graph/task_graph.h"
#include "weir/lineage/open_lineage.h"
#include "weir/project/project_definition.h"
#include "weir/run/deferral.h"
#include "weir/session/session_runtime.h"

namespace weir::cli {

/// Of this program.
inline constexpr const char* kVersion = "0.1.0";

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
  bool project_given = false;  ///< by --project; set where that makes a difference
  ProfileChoice profile = "default";
  Format format = Format::kTable;
  /// Profile whose warehouse has what is not built here; empty: none.
  std::string defer_to;
};

/// A project loaded, its session sealed, its views compiled.
struct OpenProject {
  ProjectDefinition definition;
  std::unique_ptr<SessionRuntime> session;
  CompiledProject compiled;
  Diagnostics diagnostics;  ///< sorted; may hold errors
};

/// Loads, seals and compiles. Fails only where there is no project at all or no session can be
/// opened; what is wrong in the project's files is in the diagnostics. `noted_store_calls` as in
/// engine::SessionOptions.
Result<OpenProject> Open(const GlobalOptions& options, int64_t noted_store_calls = 0);

/// A project with nothing but the defaults, in the current folder. Fails where `profile` is not
/// `default`.
Result<ProjectDefinition> WithoutProject(const ProfileChoice& profile, Diagnostics& diagnostics);

/// Where `--defer-to` says that views are read; nothing without it. Fails with kNotFound where
/// there is no such profile, or where it has the warehouse of `project` itself.
Result<std::optional<DeferTarget>> DeferTargetOf(const GlobalOptions& options,
                                                 const ProjectDefinition& project,
                                                 const SessionRuntime& session);

/// The compiled view of that name; fails with its compile errors, or with the nearest names.
Result<std::shared_ptr<const PlanBundle>> FindView(const OpenProject& open,
                                                   const std::string& name);

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

/// What `weir replay` is asked for.
struct ReplayRequest {
  std::string run;
  std::vector<std::string> views;  ///< these alone; empty: all that the run built
  bool all = false;                ///< what it reused, too
  bool verify = false;             ///< each view by itself, over recorded versions
  bool allow_drift = false;
  int threads = 0;        ///< 0: as the profile has it
  std::string warehouse;  ///< folder or URL; empty: the project's
  std::string into;       ///< folder or URL that keeps the tables; empty: none are kept
};

/// What `weir run` is asked for.
struct RunRequest {
  Selection selection;
  bool retry_failed = false;  ///< what failed or was blocked in the last run
  std::string task;           ///< this one alone, by its key; empty: as selected
  bool force = false;
  bool by_lane = false;
  bool events = false;                 ///< written to stdout as they happen, as JSON
  std::string tag;                     ///< keeps the run's versions under a name; empty: none
  std::string trace_file;              ///< gets a trace of the run; empty: none
  std::vector<std::string> arguments;  ///< of the command line
};

/// What `weir sql` is asked for.
struct SqlRequest {
  std::optional<std::string> sql;  ///< nothing: a prompt, or the statements of a pipe
  std::string dialect;             ///< read in; empty: the project's
  std::string to;                  ///< written in, instead of run; empty: run
  ResultFormat format = ResultFormat::kTable;
  std::string output;   ///< the file that gets the rows; empty: stdout
  bool own = false;     ///< a query of Weir itself, which no policy concerns
  bool latest = false;  ///< stored views are read as they are, not as they are published
  std::string run_id;   ///< whose set of stored views is read; empty: the last one
};

enum class LineageDirection {
  kInputs,      ///< what a view reads itself
  kUpstream,    ///< through views to the sources
  kDownstream,  ///< all that is made of it
};

enum class LineageOutput { kText, kDot, kMermaid, kOpenLineage };

/// What `weir lineage` is asked for.
struct LineageRequest {
  std::string column;  ///< a source or view, or a column of one
  LineageDirection direction = LineageDirection::kInputs;
  LineageOutput output = LineageOutput::kText;  ///< kText: as GlobalOptions::format says
  OpenLineageEvent event = OpenLineageEvent::kJob;
};

// The commands; each returns its exit code.
int RunInit(const GlobalOptions& options, const std::string& template_name,
            const std::string& folder);
int RunCheck(const GlobalOptions& options);
int RunPlan(const GlobalOptions& options, const Selection& selection, bool force);
int RunRun(const GlobalOptions& options, const RunRequest& request);
/// The same, for a command that does more than one run.
int RunOnce(const GlobalOptions& options, const RunRequest& request,
            const engine::Cancellation& cancellation);
/// Runs, and runs again whenever files of the project or of its local sources change, until it is
/// interrupted.
int RunWatch(const GlobalOptions& options, const RunRequest& request);
/// What is to be built in which order.
int RunGraph(const GlobalOptions& options, bool as_dot);
/// `what`: "plan", "physical", "fingerprint", "lane", "scans", "graphviz", "pgjson", "sql" or
/// "ast". `to`: the dialect for "sql".
int RunExplain(const GlobalOptions& options, const std::string& view, const std::string& what,
               const std::string& to);
/// What the operators of a view did when `run_id` built it; empty: the last run that did.
int RunAnalyze(const GlobalOptions& options, const std::string& view, const std::string& run_id);
/// The lane of a view, or of all ("*"), with the time that choosing took.
int RunExplainLanes(const GlobalOptions& options, const std::string& view);
int RunLineage(const GlobalOptions& options, const LineageRequest& request);
/// `column`: of a source or view; or all of one.
int RunImpact(const GlobalOptions& options, const std::string& column);
int RunSql(const GlobalOptions& options, SqlRequest request);
/// `planners`: list the domain planners and rewrites instead.
int RunFunctions(const GlobalOptions& options, const std::string& name, bool planners);
int RunHistory(const GlobalOptions& options, const std::string& view, int limit);
/// `selectors`: names and globs of tests or of views that they are about, `path:` globs of files.
int RunTest(const GlobalOptions& options, const std::vector<std::string>& selectors);
/// `names`: none, one or two of VIEW, VIEW@RUN, RUN, `last`, `now`. `exit_code`: kWorkFailed tells
/// that there is a difference.
int RunDiff(const GlobalOptions& options, const std::vector<std::string>& names, bool exit_code);
/// In which rows tables differ: `names` as above, or paths of Delta tables, `@v12` behind them for
/// a version. `exit_code` as above.
int RunDataDiff(const GlobalOptions& options, const std::vector<std::string>& names,
                const DataDifferenceOptions& comparison, bool exit_code);
int RunReplay(const GlobalOptions& options, const ReplayRequest& request);
/// Removes what of the warehouse nobody needs any more, and keeps its tables quick to read.
/// `dry_run`: only says what it would do.
int RunGc(const GlobalOptions& options, bool dry_run);
/// `guards`: list the guards against faults of the engine instead.
int RunVersion(const GlobalOptions& options, bool guards);

}  // namespace weir::cli
