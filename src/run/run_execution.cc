// SPDX-License-Identifier: Apache-2.0

#include "weir/run/run_execution.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <arrow/api.h>

#include "weir/base/log.h"
#include "weir/delta/delta_commit.h"
#include "weir/run/bundle_execution.h"
#include "weir/run/current_tables.h"
#include "weir/run/delta_history.h"
#include "weir/run/landing.h"
#include "weir/run/row_difference.h"
#include "weir/run/source_comparison.h"
#include "weir/run/upstream_columns.h"
#include "weir/run/view_deadline.h"
#include "weir/run/view_hasher.h"
#include "weir/run/view_partitions.h"

namespace weir {

namespace {

/// Above this share of the memory limit no further view is started beside running ones.
constexpr double kMemoryShareToWait = 0.7;
constexpr auto kMemoryPollInterval = std::chrono::milliseconds(20);

/// One run in progress: the states of the views, and the threads that work on them.
class Execution {
 public:
  Execution(const RunScene& scene, const RunOptions& options, std::set<std::string> selected,
            RunObserver& observer, const engine::Cancellation& cancellation)
      : session_(scene.session),
        cores_(scene.session.cores()),
        graph_(scene.graph),
        history_(scene.history),
        builds_(scene.builds),
        clock_(scene.clock),
        force_(options.force),
        by_lane_(options.by_lane),
        now_us_(options.now_us),
        run_id_(options.run_id.empty() ? NewRunId(scene.clock) : options.run_id),
        tag_(options.tag),
        circumstances_(options.circumstances),
        selected_(std::move(selected)),
        observer_(observer),
        cancellation_(cancellation),
        tables_(scene.session, scene.graph),
        landings_(scene.session, run_id_, scene.clock, cancellation) {
    for (const auto& bundle : scene.compiled.bundles()) bundles_[bundle->view_name] = bundle.get();
    readings_ = CollectReadings(scene.compiled.bundles());
  }

  RunEnvelope Run() {
    envelope_.run_id = run_id_;
    envelope_.tag = tag_;
    envelope_.deferred = builds_.deferred();
    envelope_.circumstances = circumstances_;
    envelope_.started_at_us = clock_.Now();
    envelope_.now_us = now_us_ > 0 ? now_us_ : envelope_.started_at_us;
    for (const ViewTask& task : graph_.tasks()) {
      if (!selected_.contains(task.view_name)) {
        envelope_.not_selected.emplace(task.view_name, builds_.Of(task.view_name));
        continue;
      }
      AnnounceScans(*bundles_.at(task.view_name),
                    [&](const std::string& name) { return tables_.Source(name); });
      int waiting = 0;
      for (const std::string& upstream : task.upstream_views)
        waiting += selected_.contains(upstream) ? 1 : 0;
      waiting_for_[task.view_name] = waiting;
      if (waiting == 0) ready_.push_back(&task);
    }
    total_ = static_cast<int>(selected_.size());
    observer_.OnSelected(ViewsInOrder());
    std::vector<std::thread> others;
    for (int t = 1; t < ViewsAtOnce(); ++t) others.emplace_back([this] { Work(); });
    Work();
    for (std::thread& other : others) other.join();

    for (const ViewTask& task : graph_.tasks()) {
      const auto outcome = outcomes_.find(task.view_name);
      if (outcome != outcomes_.end()) envelope_.views.push_back(std::move(outcome->second));
    }
    envelope_.finished_at_us = clock_.Now();
    const bool failed =
        envelope_.Count(ViewState::kFailed) + envelope_.Count(ViewState::kBlocked) > 0;
    envelope_.state = cancellation_.is_cancelled() ? "cancelled" : failed ? "failed" : "succeeded";
    return std::move(envelope_);
  }

 private:
  std::vector<std::string> ViewsInOrder() const {
    std::vector<std::string> views;
    for (const ViewTask& task : graph_.tasks()) {
      if (selected_.contains(task.view_name)) views.push_back(task.view_name);
    }
    return views;
  }

  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return !ready_.empty() || finished_ == total_; });
      if (finished_ == total_) return;
      if (running_ > 0 && MemoryIsShort()) {
        changed_.wait_for(lock, kMemoryPollInterval);
        continue;
      }
      const ViewTask& task = *ready_.front();
      ready_.pop_front();
      ++running_;
      const int partitions = PartitionsOfNext();
      lock.unlock();
      ViewOutcome outcome = Settle(task, partitions);
      lock.lock();
      --running_;
      Finish(task, std::move(outcome));
    }
  }

  int ViewsAtOnce() const { return std::min(cores_, total_); }

  /// Cores that no other view asks for go to the partitions of the one that starts. REQUIRES:
  /// mutex_ is held, and the view is among the running ones.
  int PartitionsOfNext() const {
    const int views = std::min(running_ + static_cast<int>(ready_.size()), ViewsAtOnce());
    return PartitionsOfOne(cores_, views);
  }

  bool MemoryIsShort() const {
    return static_cast<double>(session_.engine().held_bytes()) >
           kMemoryShareToWait * static_cast<double>(session_.memory_limit_bytes());
  }

  /// REQUIRES: mutex_ is held.
  void Finish(const ViewTask& task, ViewOutcome outcome) {
    ++finished_;
    observer_.OnFinished(outcome, finished_, total_);
    outcomes_.emplace(task.view_name, std::move(outcome));
    for (const std::string& downstream : task.downstream_views) {
      if (selected_.contains(downstream) && --waiting_for_[downstream] == 0)
        ready_.push_back(graph_.Find(downstream));
    }
    changed_.notify_all();
  }

  /// Brings one view, whose upstream views are final, to its final state.
  ViewOutcome Settle(const ViewTask& task, int partitions) {
    ViewOutcome outcome;
    outcome.view_name = task.view_name;
    outcome.fingerprint = task.fingerprint;
    outcome.started_at_us = clock_.Now();
    const Status status = TrySettle(task, partitions, outcome);
    if (!status.ok()) {
      outcome.state = ViewState::kFailed;
      outcome.status = status;
    }
    outcome.finished_at_us = clock_.Now();
    return outcome;
  }

  Status TrySettle(const ViewTask& task, int partitions, ViewOutcome& outcome) {
    if (Blocked(task, outcome)) return Status::OK();
    if (cancellation_.is_cancelled())
      return Status::User(StatusCode::kCancelled, "cancelled before it began");
    const PlanBundle& bundle = *bundles_.at(task.view_name);
    const auto& last = builds_.Of(task.view_name);
    WEIR_ASSIGN_OR_RETURN(outcome.scan_units, DeriveScanUnits(bundle, [&](const std::string& name) {
                            return tables_.Source(name);
                          }));
    outcome.decision =
        Decide({.view_name = task.view_name,
                .fingerprint = task.fingerprint,
                .units = &outcome.scan_units,
                .last_build = &last,
                .why_unbuilt = [&] { return history_.WhyUnbuilt(task.view_name); },
                .upstream = [&](const std::string& view) { return StateOf(view); },
                .force = force_,
                .places = builds_.PlacesOf(task.upstream_views),
                .definition = bundle.fingerprint_input,
                .source_change =
                    [&](const std::string& table) {
                      return CompareSource(
                          table, bundle, *last, outcome.scan_units,
                          [&](const std::string& name) { return tables_.Source(name); }, session_);
                    }});
    Log(LogLevel::kDebug, "a view was decided",
        {{"view", task.view_name},
         {"action", ToString(outcome.decision.action)},
         {"reason_code", outcome.decision.code},
         {"reason", outcome.decision.reason}});
    if (outcome.decision.action == Action::kReuse) {
      outcome.state = ViewState::kReused;
      outcome.version = last->version;
      outcome.read_version = last->read_version;
      outcome.built_by = last->run_id;
      outcome.input_hash = last->input_hash;
      outcome.content = last->content;
      outcome.rows = last->rows;
      return Status::OK();
    }
    return Build(task, bundle, partitions, outcome);
  }

  bool Blocked(const ViewTask& task, ViewOutcome& outcome) {
    const std::lock_guard lock(mutex_);
    for (const std::string& upstream : task.upstream_views) {
      const auto found = outcomes_.find(upstream);
      if (found == outcomes_.end()) continue;
      if (found->second.state != ViewState::kFailed && found->second.state != ViewState::kBlocked)
        continue;
      outcome.state = ViewState::kBlocked;
      outcome.status = Status::User(StatusCode::kNotFound, "it reads `{}`, which failed", upstream);
      return true;
    }
    return false;
  }

  /// A view's final content: of this run if it took part, else of its last build.
  UpstreamState StateOf(const std::string& view) {
    const std::lock_guard lock(mutex_);
    const auto found = outcomes_.find(view);
    if (found != outcomes_.end()) return {.will_run = false, .content = found->second.content};
    const BuildRecord* last = builds_.ToRead(view).build;
    return {.will_run = false, .content = last ? std::optional(last->content) : std::nullopt};
  }

  /// Loads what the view reads, so that the lookup itself cannot fail.
  Status LoadUpstream(const ViewTask& task) {
    for (const std::string& upstream : task.upstream_views) {
      int64_t version = -1;
      bool is_of_this_run = true;
      const ReadableBuild last = builds_.ToRead(upstream);
      {
        const std::lock_guard lock(mutex_);
        const auto found = outcomes_.find(upstream);
        is_of_this_run = found != outcomes_.end();
        if (is_of_this_run) version = found->second.read_version;
      }
      if (!is_of_this_run) {
        if (last.build == nullptr) return NotBuilt(task.view_name, upstream);
        version = last.build->read_version;
      }
      auto loaded = tables_.View(upstream, version, last.table_url);
      if (!loaded.ok()) return loaded.status().WithContext(fmt::format("view `{}`", upstream));
      if (!is_of_this_run) {
        const Status fits = CheckColumnsRead(*bundles_.at(task.view_name), **loaded);
        if (!fits.ok()) {
          return fits.WithHint(fmt::format("build `{}` with it: --select {},{}", upstream, upstream,
                                           task.view_name));
        }
      }
      const std::lock_guard lock(mutex_);
      loaded_[upstream] = *loaded;
    }
    return Status::OK();
  }

  static Status NotBuilt(const std::string& view, const std::string& upstream) {
    return Status::User(StatusCode::kNotFound,
                        "it reads `{}`, which is not built in this warehouse", upstream)
        .WithHint(fmt::format("build it, too: --select {},{}; or read it from another profile's "
                              "warehouse: --defer-to PROFILE",
                              upstream, view));
  }

  /// Loads the landed tables of sources that are retained, so that the lookup itself cannot fail.
  Status LoadLanded(const std::vector<ScanUnit>& units) {
    for (const ScanUnit& unit : units) {
      const TablePtr source = tables_.Source(unit.table);
      if (source == nullptr || !source->is_retained) continue;
      WEIR_ASSIGN_OR_RETURN(TablePtr landed, landings_.Of(*source));
      const std::lock_guard lock(mutex_);
      loaded_[unit.table] = std::move(landed);
    }
    return Status::OK();
  }

  TablePtr Lookup(const std::string& name) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = loaded_.find(name);
      if (found != loaded_.end()) return found->second;
    }
    return tables_.Source(name);
  }

  Status Build(const ViewTask& task, const PlanBundle& bundle, int partitions,
               ViewOutcome& outcome) {
    observer_.OnStarted(task.view_name);
    WEIR_RETURN_NOT_OK(LoadUpstream(task));
    WEIR_RETURN_NOT_OK(LoadLanded(outcome.scan_units));
    const auto content = [&](const std::string& view) { return StateOf(view).content; };
    // As they are decided by: execution reads the landed tables of what is retained.
    const auto inputs = InputStates(outcome.scan_units, content);
    const auto listings = ListedFiles(outcome.scan_units);
    const auto input_hash = InputHash(outcome.scan_units, content);
    if (!input_hash)
      return Status::Bug("`{}` is to be built from a view without content hash", task.view_name);
    outcome.input_hash = *input_hash;
    const auto readings = readings_.find(task.view_name);
    const std::string table_url = TableUrl(session_.warehouse_url(), task.view_name);
    outcome.write_began_at_us = clock_.Now();
    ViewDeadline deadline(TimeLimitOf(bundle, session_), cancellation_);
    const Status executed = ExecuteBundle(
        bundle,
        {.lookup = [&](const std::string& name) { return Lookup(name); },
         .table_url = table_url,
         .now_us = envelope_.now_us,
         .by_lane = by_lane_,
         .most_partitions = partitions,
         .readings = readings == readings_.end() ? std::vector<Reading>() : readings->second,
         .rows_written = observer_.rows_written()},
        session_, deadline.cancellation(), outcome);
    if (!executed.ok()) return deadline.Stop(executed);
    outcome.commit_began_at_us = clock_.Now();
    const BuildRecord record{.view_name = task.view_name,
                             .fingerprint = task.fingerprint,
                             .input_hash = outcome.input_hash,
                             .content = outcome.content,
                             .run_id = run_id_,
                             .epoch = EpochAfter(builds_.Of(task.view_name)),
                             .rows = outcome.rows,
                             .inputs = inputs,
                             .pins = PinsOf(outcome.scan_units),
                             .listings = listings,
                             .deferred = builds_.PlacesOf(task.upstream_views),
                             .definition = SectionsOf(bundle.fingerprint_input)};
    auto compared = WriteRowDifference(bundle, session_, outcome.files, deadline.cancellation());
    if (const Status of_difference = deadline.Stop(compared.status()); !of_difference.ok()) {
      RemoveDataFiles(session_.engine(), table_url, outcome.files);
      return of_difference;
    }
    DeltaWriteSpec spec{.table_url = table_url,
                        .schema = bundle.stored_schema,
                        .partition_columns = bundle.partition_columns,
                        .mode = WriteMode::kOverwrite,
                        .added = outcome.files,
                        .difference = *std::move(compared),
                        .app_id = TransactionId(task.view_name),
                        .epoch = record.epoch,
                        .metadata = ToCommitMetadata(record),
                        .comment = bundle.comment,
                        .properties = bundle.properties,
                        .timestamp_ms = clock_.Now() / 1000};
    WEIR_ASSIGN_OR_RETURN(const CommitOutcome commit, CommitWrite(session_.engine(), spec));
    outcome.version = commit.version;
    outcome.read_version = commit.version;
    outcome.built_by = run_id_;
    outcome.state = ViewState::kRun;
    WEIR_ASSIGN_OR_RETURN(PinnedTable table, PinView(task.view_name, spec.table_url, commit.version,
                                                     bundle.stored_schema, bundle.partition_columns,
                                                     outcome.files, session_.engine()));
    tables_.Set(task.view_name, std::make_shared<const PinnedTable>(std::move(table)));
    return Status::OK();
  }

  /// Of this run, but later than the last build's even where the clock of that one's machine was
  /// ahead: an earlier epoch would count as committed already.
  int64_t EpochAfter(const std::optional<BuildRecord>& last) const {
    return last ? std::max(envelope_.started_at_us, last->epoch + 1) : envelope_.started_at_us;
  }

  static std::map<std::string, int64_t> PinsOf(const std::vector<ScanUnit>& units) {
    std::map<std::string, int64_t> pins;
    for (const ScanUnit& unit : units) pins[unit.table] = unit.version;
    return pins;
  }

  const SessionRuntime& session_;
  const int cores_;
  const TaskGraph& graph_;
  const BuildHistory& history_;
  const LastBuilds& builds_;
  const Clock& clock_;
  const bool force_;
  const bool by_lane_;
  const int64_t now_us_;
  const std::string run_id_;
  const std::string tag_;
  const RunCircumstances circumstances_;
  const std::set<std::string> selected_;
  RunObserver& observer_;
  const engine::Cancellation& cancellation_;
  std::map<std::string, const PlanBundle*> bundles_;
  std::map<std::string, std::vector<Reading>> readings_;
  CurrentTables tables_;
  Landings landings_;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<const ViewTask*> ready_;
  std::map<std::string, int> waiting_for_;
  std::map<std::string, ViewOutcome> outcomes_;
  std::map<std::string, TablePtr> loaded_;  // views, and landed sources
  int running_ = 0, finished_ = 0, total_ = 0;

  RunEnvelope envelope_;
};

}  // namespace

RunEnvelope ExecuteRun(const RunScene& scene, const RunOptions& options,
                       std::set<std::string> selected, RunObserver& observer,
                       const engine::Cancellation& cancellation) {
  return Execution(scene, options, std::move(selected), observer, cancellation).Run();
}

}  // namespace weir
