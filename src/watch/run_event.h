// SPDX-License-Identifier: Apache-2.0
//
// What happens in a run, while it happens: the one stream that status lines, JSON, hooks, lineage
// and traces are made of. In: calls of the run. Out: events, one at a time, to each consumer.
//
//   run_started ─▶ (view_started ─▶ view_finished | view_finished)… ─▶ run_finished
//
// A view that is reused or blocked, or fails before it executes, only finishes.

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "weir/base/clock.h"
#include "weir/run/run_envelope.h"
#include "weir/run/run_options.h"

namespace weir {

/// What a run is of.
struct RunSubject {
  std::string run_id;
  std::string project;
  std::string profile;
  std::string tag;  ///< empty: none
};

enum class RunEventKind { kRunStarted, kViewStarted, kViewFinished, kRunFinished };

/// "run_started" …
std::string_view ToString(RunEventKind kind);

/// What it points at lives as long as the call that brings it.
struct RunEvent {
  RunEventKind kind = RunEventKind::kRunStarted;
  int64_t at_us = 0;
  const RunSubject* subject = nullptr;
  int finished = 0, total = 0;  ///< views
  /// Of a view's events: which of the run's threads works on it, from 0.
  int thread = 0;
  std::string view_name;                            ///< of a view's events
  const std::vector<std::string>* views = nullptr;  ///< of kRunStarted, each after those it reads
  const ViewOutcome* outcome = nullptr;             ///< of kViewFinished
  const RunEnvelope* envelope = nullptr;            ///< of kRunFinished
};

/// One object, as docs/watching.md describes it.
nlohmann::ordered_json ToJson(const RunEvent& event);

/// The permanent code of what made a view fail. REQUIRES: it failed
std::string CodeOf(const ViewOutcome& failed);

/// Whether rows violate a constraint that ends the view.
bool FailedAtConstraint(const ViewOutcome& view);

class RunEventConsumer {
 public:
  virtual ~RunEventConsumer() = default;
  /// One call at a time, from several threads. Views wait meanwhile.
  virtual void Take(const RunEvent& event) = 0;
};

/// Makes events of the calls of a run. Safe for use from several threads.
class RunEvents : public RunObserver {
 public:
  /// All must outlive the object; `consumers` are told in their order.
  RunEvents(const RunSubject& subject, std::vector<RunEventConsumer*> consumers, const Clock& clock)
      : subject_(subject), consumers_(std::move(consumers)), clock_(clock) {}

  void OnSelected(const std::vector<std::string>& views) override;
  void OnStarted(const std::string& view_name) override;
  void OnFinished(const ViewOutcome& outcome, int finished, int total) override;
  std::atomic<int64_t>* rows_written() override { return &rows_written_; }

  /// Ends the stream. Called by who has the run run, when all that belongs to it is done.
  void Finish(const RunEnvelope& envelope);

 private:
  /// REQUIRES: mutex_ is held
  void Tell(RunEvent event);
  int ThreadNumber();

  const RunSubject& subject_;
  const std::vector<RunEventConsumer*> consumers_;
  const Clock& clock_;
  std::atomic<int64_t> rows_written_ = 0;

  std::mutex mutex_;
  int finished_ = 0, total_ = 0;
  std::map<std::thread::id, int> threads_;
};

/// Writes events as lines of JSON to stdout, each at once: all of them, or the last alone.
class EventLines : public RunEventConsumer {
 public:
  explicit EventLines(bool all) : all_(all) {}
  void Take(const RunEvent& event) override;

 private:
  const bool all_;
};

}  // namespace weir
