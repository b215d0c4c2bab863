// SPDX-License-Identifier: Apache-2.0
//
// What recording costs: builds a project from nothing, in turns, within one process: with the record of the run; without it, but with the
// lock, which also sees to it that all that was written is on the disk; and with neither, and nobody told of progress.
// recording_rounds PROJECT WAREHOUSE ROUNDS prints one JSON object: the seconds of each round on the clock and of the processor, and of the
// rounds with a record the seconds that it took by itself, both. WAREHOUSE gets a folder a round. A round is what `weir run` does: open,
// compile, lock with its heartbeat, run.

#include <chrono>
#include <filesystem>
#include <future>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cpu_seconds.h"
#include "weir/artifacts/record_run.h"
#include "weir/base/filesystem.h"
#include "weir/run/delta_history.h"
#include "weir/run/project_run.h"
#include "weir/run/run_circumstances.h"
#include "weir/run/warehouse_lock.h"
#include "weir/watch/run_event.h"
#include "weir/watch/status_line.h"
#include "weir/watch/telemetry.h"

namespace weir {

namespace {

struct Round {
  double seconds = 0;
  double cpu_seconds = 0;
  double recording_seconds = 0;
  double recording_cpu_seconds = 0;
};

double SecondsSince(std::chrono::steady_clock::time_point started) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

/// What a round does beside building.
enum class Side { kRecord, kLock, kNothing };
constexpr Side kSides[] = {Side::kRecord, Side::kLock, Side::kNothing};
constexpr const char* kNames[] = {"record", "lock", "nothing"};

/// Nobody is told.
class Silence : public RunObserver {
 public:
  void OnStarted(const std::string&) override {}
  void OnFinished(const ViewOutcome&, int, int) override {}
};

Status CheckSucceeded(const RunEnvelope& envelope) {
  for (const ViewOutcome& view : envelope.views) {
    if (view.state != ViewState::kRun)
      return Status::Bug("`{}` did not run: {}", view.view_name, view.status.ToString());
  }
  return Status::OK();
}

/// One build from nothing.
Status Build(ProjectDefinition project, Side side, Round& round) {
  const SystemClock clock;
  Diagnostics diagnostics;
  WEIR_ASSIGN_OR_RETURN(const auto session, SessionRuntime::Seal(project, diagnostics));
  const CompiledProject compiled = CompileViews(project, *session, diagnostics);
  if (!compiled.failed.empty()) return Status::Bug("views do not compile: {}", compiled.failed);
  const DeltaHistory history(session->engine(), session->warehouse_url());
  const ProjectRun run(compiled, *session, history, clock);
  const engine::Cancellation cancellation;
  RunOptions options;
  options.run_id = NewRunId(clock);
  if (side == Side::kNothing) {
    Silence silence;
    WEIR_ASSIGN_OR_RETURN(const RunEnvelope envelope, run.Run(options, silence, cancellation));
    return CheckSucceeded(envelope);
  }
  // As `weir run` does: beside the lock.
  std::future<RunCircumstances> circumstances;
  if (side == Side::kRecord) {
    circumstances = std::async(std::launch::async, ObserveCircumstances, project.root, "bench",
                               std::vector<std::string>{"run"});
  }
  WEIR_ASSIGN_OR_RETURN(
      const auto lock,
      WarehouseLock::Acquire(session->engine(), session->warehouse_url(),
                             RunIdentity::Own(options.run_id, project.profile.name, clock.Now()),
                             [](const RunIdentity&) {}, cancellation));
  if (side == Side::kLock) {
    Silence silence;
    WEIR_ASSIGN_OR_RETURN(const RunEnvelope envelope, run.Run(options, silence, cancellation));
    WEIR_RETURN_NOT_OK(lock->End(envelope.state, /*is_recorded=*/false, envelope.finished_at_us));
    return CheckSucceeded(envelope);
  }
  StatusLine line;
  EventLines lines(/*all=*/false);
  RunEvents events({.run_id = options.run_id, .project = project.name, .profile = {}, .tag = {}},
                   {&line, &lines}, clock);
  options.circumstances = circumstances.get();
  WEIR_ASSIGN_OR_RETURN(const RunEnvelope envelope, run.Run(options, events, cancellation));
  line.Stop();
  const auto started = std::chrono::steady_clock::now();
  const double cpu_started = CpuSeconds();
  WEIR_RETURN_NOT_OK(
      RecordRun(envelope, project, compiled, *session, diagnostics, *lock).status());
  round.recording_seconds = SecondsSince(started);
  round.recording_cpu_seconds = CpuSeconds() - cpu_started;
  WEIR_RETURN_NOT_OK(lock->End(envelope.state, /*is_recorded=*/true, envelope.finished_at_us));
  return CheckSucceeded(envelope);
}

Result<Round> Measure(ProjectDefinition project, Side side) {
  // A name of its own: files in the place of ones just deleted cost more.
  static int serial = 0;
  project.warehouse_uri += fmt::format("/{}", serial++);
  Round round;
  const auto started = std::chrono::steady_clock::now();
  const double cpu_started = CpuSeconds();
  WEIR_RETURN_NOT_OK(Build(project, side, round));
  round.cpu_seconds = CpuSeconds() - cpu_started;
  round.seconds = SecondsSince(started);
  std::filesystem::remove_all(project.warehouse_uri);
  return round;
}

std::string Json(const std::vector<Round>& rounds, double Round::* field) {
  std::vector<double> values;
  for (const Round& round : rounds) values.push_back(round.*field);
  return fmt::format("[{:.6f}]", fmt::join(values, ", "));
}

Status MeasureAll(const std::string& folder, const std::string& warehouse, int rounds) {
  Diagnostics diagnostics;
  WEIR_ASSIGN_OR_RETURN(ProjectDefinition project,
                        LoadProject(LocalFileSystem(), folder, "", diagnostics));
  project.warehouse_uri = warehouse;
  constexpr int kCount = std::size(kSides);
  std::vector<Round> measured[kCount];
  // The first round of each warms caches and counts for nothing.
  for (int round = -1; round < rounds; ++round) {
    for (int turn = 0; turn < kCount; ++turn) {
      const int side = (round + 1 + turn) % kCount;
      WEIR_ASSIGN_OR_RETURN(const Round one, Measure(project, kSides[side]));
      std::cerr << fmt::format("bench: recording: round {} of {}: {} {:.3f} s\n", round + 1, rounds,
                               kNames[side], one.seconds);
      if (round >= 0) measured[side].push_back(one);
    }
  }
  std::string json;
  for (int side = 0; side < kCount; ++side) {
    json += fmt::format(R"("{0}": {1}, "cpu_{0}": {2}, )", kNames[side],
                        Json(measured[side], &Round::seconds),
                        Json(measured[side], &Round::cpu_seconds));
  }
  std::cout << fmt::format(R"({{{}"by_itself": {}, "cpu_by_itself": {}}})", json,
                           Json(measured[0], &Round::recording_seconds),
                           Json(measured[0], &Round::recording_cpu_seconds))
            << std::endl;
  return Status::OK();
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: recording_rounds PROJECT WAREHOUSE ROUNDS\n";
    return 2;
  }
  const weir::Status status = weir::MeasureAll(argv[1], argv[2], std::stoi(argv[3]));
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
