// SPDX-License-Identifier: Apache-2.0
//
// watch: runs again when files of the project or of its sources change.

#include <chrono>
#include <thread>

#include <fmt/ranges.h>

#include "weir/base/filesystem.h"
#include "weir/cli/command.h"
#include "weir/cli/interrupt.h"
#include "weir/watch/project_stamp.h"

namespace weir::cli {

namespace {

/// So long nothing may change before a run begins: editors and writers make several files.
constexpr auto kQuiet = std::chrono::milliseconds(200);
constexpr auto kLook = std::chrono::milliseconds(500);

/// The sources of the project, as it can be loaded; of a broken one those before.
void LoadSources(const GlobalOptions& options, std::vector<SourceDefinition>& sources) {
  const LocalFileSystem files;
  Diagnostics diagnostics;
  auto project = LoadProject(files, options.project, options.profile, diagnostics);
  if (project.ok() && !diagnostics.has_errors()) sources = std::move(project->sources);
}

/// Returns the stamp after a change has come to rest; empty where the user ended the wait.
std::string AwaitChange(const std::string& root, const std::vector<SourceDefinition>& sources,
                        const std::string& before, const engine::Cancellation& cancellation) {
  std::string seen = before;
  while (!cancellation.is_cancelled()) {
    std::this_thread::sleep_for(seen == before ? kLook : kQuiet);
    std::string now = ProjectStamp(root, sources);
    if (now == seen && seen != before) return now;
    seen = std::move(now);
  }
  return {};
}

void SayWhatIsNotSeen(const std::vector<SourceDefinition>& sources) {
  const std::vector<std::string> unseen = SourcesWithoutStamp(sources);
  if (unseen.empty()) return;
  Tell(fmt::format("changes of sources behind a URL are not seen, only found by the next run: {}",
                   fmt::join(unseen, ", ")));
}

}  // namespace

int RunWatch(const GlobalOptions& options, const RunRequest& request) {
  // One for all: what comes between two runs ends the command, too.
  const InterruptScope interrupt;
  std::vector<SourceDefinition> sources;
  LoadSources(options, sources);
  SayWhatIsNotSeen(sources);
  while (true) {
    // Before the run, so that what changes while it runs is found.
    const std::string stamp = ProjectStamp(options.project, sources);
    const int code = RunOnce(options, request, interrupt.cancellation());
    if (code == kInterrupted || code == kWrongUse) return code;
    Tell("watching for changes; Ctrl-C ends it");
    if (AwaitChange(options.project, sources, stamp, interrupt.cancellation()).empty())
      return kInterrupted;
    LoadSources(options, sources);
  }
}

}  // namespace weir::cli
