// SPDX-License-Identifier: Apache-2.0
//
// Tells a catalogue what runs do: OpenLineage's events, to a file or an endpoint. In: events of a
// run. Out: START, and COMPLETE, FAIL or ABORT of the run and of each view that is built; warnings
// about events that could not be delivered.

#pragma once

#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/bundle/compile.h"
#include "weir/lineage/lineage.h"
#include "weir/lineage/open_lineage.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"
#include "weir/watch/background_calls.h"
#include "weir/watch/run_event.h"

namespace weir {

/// What an event about a view says whatever became of it: its job and its tables, where they are or
/// will be. `lineage` must outlive the request.
/// REQUIRES: `view_name` is among `compiled`
LineageEventRequest LineageRequestOf(const std::string& view_name, const Lineage& lineage,
                                     const ProjectDefinition& project,
                                     const CompiledProject& compiled, const SessionRuntime& session,
                                     const std::string& weir_version);

class LineageEvents : public RunEventConsumer {
 public:
  /// All must outlive the object.
  LineageEvents(const ProjectDefinition& project, const CompiledProject& compiled,
                const SessionRuntime& session, std::string weir_version);

  /// Events go out beside the run; its end waits for them.
  void Take(const RunEvent& event) override;

  /// W5009, at most one a target. REQUIRES: the run has finished
  std::vector<Diagnostic> TakeWarnings();

 private:
  LineageEventRequest RequestOfRun(const RunEvent& event, LineageRunState state) const;
  void TakeRun(const RunEvent& event, LineageRunState state);
  void StartView(const RunEvent& event);
  void EndView(const RunEvent& event);
  void AddFacts(const RunEvent& event, LineageRunState state, LineageEventRequest& request) const;
  void Send(const std::string& text);
  void SendToUrl(const std::string& text);
  void Fail(const std::string& target, const Status& status);

  const ProjectDefinition& project_;
  const CompiledProject& compiled_;
  const SessionRuntime& session_;
  const std::string weir_version_;
  std::map<std::string, Lineage> building_;  ///< views, from their start to their end
  std::ofstream file_;

  struct Failures {
    Diagnostic first;
    int count = 0;
  };
  std::mutex mutex_;                          ///< guards failures_
  std::map<std::string, Failures> failures_;  ///< by target
  int failures_in_a_row_ = 0;                 ///< of the endpoint
  BackgroundCalls calls_;
};

}  // namespace weir
