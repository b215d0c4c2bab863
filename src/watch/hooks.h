// SPDX-License-Identifier: Apache-2.0
//
// Calls the commands of [hooks] in weir.toml. In: events of a run. Out: calls with the event as
// JSON on standard input, one at a time and in order, beside the run; warnings about those that
// fail. No hook changes what a run does, except before_run.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"
#include "weir/watch/run_event.h"

namespace weir {

/// Calls before_run, if there is one, and waits for it. Fails with what it ended with (W5007), or
/// with kCancelled; then nothing is to run.
Status CallBeforeRun(const ProjectDefinition& project, const RunSubject& subject,
                     const Clock& clock, const engine::Cancellation& cancellation);

class Hooks : public RunEventConsumer {
 public:
  /// `project` must outlive the object.
  explicit Hooks(const ProjectDefinition& project);
  ~Hooks() override;
  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;

  /// Returns at once; the end of a run waits until all calls have ended.
  void Take(const RunEvent& event) override;

  /// W5008, at most one a hook. REQUIRES: the run has finished
  std::vector<Diagnostic> TakeWarnings();

 private:
  struct Call {
    const HookCommand* command;
    std::string event;
  };
  struct Failures {
    Diagnostic first;
    int count = 0;
  };

  void Add(const std::optional<HookCommand>& command, const std::string& event);
  void Work();
  void Stop();

  const ProjectDefinition& project_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call> calls_;
  bool stops_ = false;
  std::map<std::string, Failures> failures_;
  std::thread worker_;
};

}  // namespace weir
