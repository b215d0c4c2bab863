// SPDX-License-Identifier: Apache-2.0
//
// Calls the commands of [hooks] in weir.toml. In: events of a run. Out: calls with the event as
// JSON on standard input, one at a time and in order, beside the run; warnings about those that
// fail. No hook changes what a run does, except before_run.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"
#include "weir/watch/background_calls.h"
#include "weir/watch/run_event.h"

namespace weir {

/// Calls before_run, if there is one, and waits for it. Fails with what it ended with (W5007), or
/// with kCancelled; then nothing is to run.
Status CallBeforeRun(const ProjectDefinition& project, const RunSubject& subject,
                     const Clock& clock, const engine::Cancellation& cancellation);

class Hooks : public RunEventConsumer {
 public:
  /// `project` must outlive the object.
  explicit Hooks(const ProjectDefinition& project) : project_(project) {}

  /// Returns at once; the end of a run waits until all calls have ended.
  void Take(const RunEvent& event) override;

  /// W5008, at most one a hook. REQUIRES: the run has finished
  std::vector<Diagnostic> TakeWarnings();

 private:
  struct Failures {
    Diagnostic first;
    int count = 0;
  };

  void Add(const std::optional<HookCommand>& command, const std::string& event);
  void Call(const HookCommand& command, const std::string& event);

  const ProjectDefinition& project_;
  std::map<std::string, Failures> failures_;  ///< by hook; written by the calls
  BackgroundCalls calls_;
};

}  // namespace weir
