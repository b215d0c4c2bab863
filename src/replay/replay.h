// SPDX-License-Identifier: Apache-2.0
//
// Runs a past run again from artifacts alone, and compares.
// In: what a run recorded, the program's own settings and access to storage. Out: for each view
// whether the same rows came out, and if not, what is known of why.
// The project is not looked at, and the warehouse is only read: what is written goes to a scratch
// warehouse.
//
//   recorded run ──Prepare──▶ pinned ──Execute──▶ identical
//                    └─▶ refused: all    └──────▶ differs, failed
//                        problems at once

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/artifacts/data_difference.h"
#include "weir/artifacts/recorded_run.h"
#include "weir/base/clock.h"
#include "weir/base/diagnostic.h"
#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir {

enum class ReplayState {
  kIdentical,
  kDiffers,
  kFailed,
  kBlocked,  ///< what it reads failed
};

/// "identical", "differs", "failed" or "blocked".
std::string_view ToString(ReplayState state);

/// What became of one view.
struct ReplayedView {
  std::string view_name;
  std::string built_by;  ///< the run that recorded the build
  ReplayState state = ReplayState::kIdentical;
  Status status;  ///< why it failed
  int64_t rows_then = 0, rows_now = 0;
  std::string content_then, content_now;  ///< hashes
  bool same_operators = true;             ///< of the physical plans
  std::vector<std::string> causes;        ///< of a difference, as far as they can be proven
  /// Of a view that differs; nothing where its table of the time cannot be read.
  std::optional<DataDifference> difference;
};

struct ReplayReport {
  std::vector<ReplayedView> views;  ///< each after those that it reads
  bool AllIdentical() const;
};

struct ReplayOptions {
  RecordedRunChoice choice;
  /// URL of the scratch warehouse, with a trailing slash.
  std::string scratch_url;
  /// Each view over the recorded versions of the views that it reads, not over their repetitions.
  bool each_alone = false;
  /// Goes on where engine versions, settings or guards are not those of the run.
  bool allow_drift = false;
  int64_t most_rows_shown = 5;
};

/// Told of progress: one view at a time, from several threads.
class ReplayObserver {
 public:
  virtual ~ReplayObserver() = default;
  virtual void OnReplayed(const ReplayedView& view, size_t finished, size_t total) = 0;
};

/// Belongs to one thread.
class Replay {
 public:
  /// Reads the record and pins everything that the views read, at the recorded versions; all that
  /// stands in the way goes to `diagnostics` (codes W7xxx), and then nothing may be executed.
  /// `program`: profile and object stores; its warehouse is the one whose run is replayed. Fails
  /// where there is no such run, or no readable record.
  static Result<std::unique_ptr<Replay>> Prepare(const ProjectDefinition& program,
                                                 ReplayOptions options, Diagnostics& diagnostics);

  const RecordedRun& run() const { return run_; }
  /// In what the program differs from the one of the run, each once.
  const std::vector<std::string>& drift() const { return drift_; }

  /// Executes each view after those whose repetitions it reads, as many at once as runs would.
  /// REQUIRES: Prepare reported no error.
  ReplayReport Execute(ReplayObserver& observer, const Clock& clock,
                       const engine::Cancellation& cancellation);

 private:
  using TablePtr = std::shared_ptr<const PinnedTable>;

  Replay(ProjectDefinition program, ReplayOptions options)
      : program_(std::move(program)), options_(std::move(options)) {}

  /// A session with the result settings of a build.
  Result<SessionRuntime*> SessionFor(const RecordedBuild& build);
  void CheckProgram(const RecordedBuild& build, const SessionRuntime& session,
                    Diagnostics& diagnostics);
  void PinTables(const RecordedBuild& build, SessionRuntime& session, Diagnostics& diagnostics);
  /// Whether a scan reads the repetition of a view.
  bool ReadsReplayed(const RecordedBuild& build, const RecordedScan& scan) const;
  std::string UrlNow(const RecordedBuild& build, const std::string& url) const;

  ReplayState StateOf(const std::string& view_name);
  TablePtr Repetition(const std::string& view_name);
  ReplayedView ExecuteOne(const RecordedBuild& build, int partitions, const Clock& clock,
                          const engine::Cancellation& cancellation);
  Status TryExecute(const RecordedBuild& build, const SessionRuntime& session, int partitions,
                    const Clock& clock, const engine::Cancellation& cancellation,
                    ReplayedView& view);
  void Explain(const RecordedBuild& build, const SessionRuntime& session, ReplayedView& view);

  ProjectDefinition program_;
  ReplayOptions options_;
  RecordedRun run_;
  std::map<std::string, size_t> places_;  ///< in run_.builds, by view
  std::vector<std::string> drift_;
  std::map<std::map<std::string, std::string>, std::unique_ptr<SessionRuntime>> sessions_;
  /// What the builds read, by view and table.
  std::map<std::pair<std::string, std::string>, TablePtr> tables_;

  std::mutex mutex_;                           ///< guards what follows
  std::map<std::string, TablePtr> replayed_;   ///< results, by view
  std::map<std::string, ReplayState> states_;  ///< by view
  std::mutex comparison_;
};

}  // namespace weir
