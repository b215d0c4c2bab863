// SPDX-License-Identifier: Apache-2.0

#include "weir/run/project_run.h"

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include <arrow/api.h>

#include "weir/delta/delta_commit.h"
#include "weir/run/delta_history.h"
#include "weir/run/last_builds.h"
#include "weir/run/row_difference.h"
#include "weir/run/source_comparison.h"
#include "weir/run/upstream_columns.h"
#include "weir/run/view_execution.h"

namespace weir {

namespace {

using TablePtr = std::shared_ptr<const PinnedTable>;

/// Above this share of the memory limit no further view is started beside running ones.
constexpr double kMemoryShareToWait = 0.7;
constexpr auto kMemoryPollInterval = std::chrono::milliseconds(20);

/// The tables that views read now: pinned sources, and the newest results of views, loaded when
/// first asked for.
class CurrentTables {
 public:
  CurrentTables(const SessionRuntime& session, const TaskGraph& graph)
      : session_(session), graph_(graph) {}

  /// Sources only; views are unknown. Enough to decide, since views count by the content of their
  /// result.
  TablePtr Source(const std::string& name) const {
    if (graph_.Find(name) != nullptr) return nullptr;
    const PinnedTable* table = session_.catalog().Find(name);
    // The catalog outlives the run and does not change in it.
    return {std::shared_ptr<void>(), table};
  }

  /// Loads a view's table of the given version, once. `url`: empty for that of this warehouse.
  Result<TablePtr> View(const std::string& name, int64_t version, const std::string& url = {}) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = views_.find(name);
      if (found != views_.end()) return found->second;
    }
    WEIR_ASSIGN_OR_RETURN(
        PinnedTable table,
        PinDelta(name, url.empty() ? TableUrl(session_.warehouse_url(), name) : url, version, "",
                 session_.engine()));
    table.kind = TableKind::kView;
    auto shared = std::make_shared<const PinnedTable>(std::move(table));
    Set(name, shared);
    return shared;
  }

  void Set(const std::string& name, TablePtr table) {
    const std::lock_guard lock(mutex_);
    views_[name] = std::move(table);
  }

 private:
  const SessionRuntime& session_;
  const TaskGraph& graph_;
  std::mutex mutex_;
  std::map<std::string, TablePtr> views_;
};

/// One run in progress: the states of the views, and the threads that work on them.
class Execution {
 public:
  Execution(const CompiledProject& compiled, const SessionRuntime& session, const TaskGraph& graph,
            const BuildHistory& history, const LastBuilds& builds, const Clock& clock,
            const RunOptions& options, std::set<std::string> selected, RunObserver& observer,
            const engine::Cancellation& cancellation)
      : session_(session),
        graph_(graph),
        history_(history),
        builds_(builds),
        clock_(clock),
        force_(options.force),
        by_lane_(options.by_lane),
        run_id_(options.run_id.empty() ? NewRunId(clock) : options.run_id),
        tag_(options.tag),
        selected_(std::move(selected)),
        observer_(observer),
        cancellation_(cancellation),
        tables_(session, graph) {
    for (const auto& bundle : compiled.bundles()) bundles_[bundle->view_name] = bundle.get();
    readings_ = CollectReadings(compiled.bundles());
  }

  RunEnvelope Run() {
    envelope_.run_id = run_id_;
    envelope_.tag = tag_;
    envelope_.deferred = builds_.deferred();
    envelope_.started_at_us = clock_.Now();
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
    std::vector<std::thread> others;
    for (int t = 1; t < std::min(session_.threads(), total_); ++t)
      others.emplace_back([this] { Work(); });
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
      const int partitions = PartitionsOfOne();
      lock.unlock();
      ViewOutcome outcome = Settle(task, partitions);
      lock.lock();
      --running_;
      Finish(task, std::move(outcome));
    }
  }

  /// Cores that no other view asks for go to the partitions of the one that starts; twice as many
  /// as there are, since the last views of a run end one by one. REQUIRES: mutex_ is held, and the
  /// view is among the running ones.
  int PartitionsOfOne() const {
    const int views = running_ + static_cast<int>(ready_.size());
    return std::clamp((2 * session_.threads() + views - 1) / views, 1, session_.threads());
  }

  bool MemoryIsShort() const {
    return static_cast<double>(session_.engine().reserved_bytes()) >
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

  TablePtr Lookup(const std::string& name) {
    if (graph_.Find(name) == nullptr) return tables_.Source(name);
    const std::lock_guard lock(mutex_);
    const auto found = loaded_.find(name);
    return found == loaded_.end() ? nullptr : found->second;
  }

  Status Build(const ViewTask& task, const PlanBundle& bundle, int partitions,
               ViewOutcome& outcome) {
    observer_.OnStarted(task.view_name);
    WEIR_RETURN_NOT_OK(LoadUpstream(task));
    const auto content = [&](const std::string& view) { return StateOf(view).content; };
    const auto inputs = InputStates(outcome.scan_units, content);
    const auto input_hash = InputHash(outcome.scan_units, content);
    if (!input_hash)
      return Status::Bug("`{}` is to be built from a view without content hash", task.view_name);
    outcome.input_hash = *input_hash;
    const auto readings = readings_.find(task.view_name);
    ViewExecution execution(bundle,
                            readings == readings_.end() ? std::vector<Reading>() : readings->second,
                            session_, cancellation_);
    WEIR_RETURN_NOT_OK(execution.Write([&](const std::string& name) { return Lookup(name); },
                                       by_lane_, partitions, outcome));
    const BuildRecord record{.view_name = task.view_name,
                             .fingerprint = task.fingerprint,
                             .input_hash = outcome.input_hash,
                             .content = outcome.content,
                             .run_id = run_id_,
                             .epoch = EpochAfter(builds_.Of(task.view_name)),
                             .rows = outcome.rows,
                             .inputs = inputs,
                             .pins = PinsOf(outcome.scan_units),
                             .listings = ListedFiles(outcome.scan_units),
                             .deferred = builds_.PlacesOf(task.upstream_views),
                             .definition = SectionsOf(bundle.fingerprint_input)};
    auto compared = WriteRowDifference(bundle, session_, outcome.files, cancellation_);
    if (!compared.ok()) {
      RemoveDataFiles(session_.engine(), TableUrl(session_.warehouse_url(), task.view_name),
                      outcome.files);
      return compared.status();
    }
    DeltaWriteSpec spec{.table_url = TableUrl(session_.warehouse_url(), task.view_name),
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
  const TaskGraph& graph_;
  const BuildHistory& history_;
  const LastBuilds& builds_;
  const Clock& clock_;
  const bool force_;
  const bool by_lane_;
  const std::string run_id_;
  const std::string tag_;
  const std::set<std::string> selected_;
  RunObserver& observer_;
  const engine::Cancellation& cancellation_;
  std::map<std::string, const PlanBundle*> bundles_;
  std::map<std::string, std::vector<Reading>> readings_;
  CurrentTables tables_;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<const ViewTask*> ready_;
  std::map<std::string, int> waiting_for_;
  std::map<std::string, ViewOutcome> outcomes_;
  std::map<std::string, TablePtr> loaded_;
  int running_ = 0, finished_ = 0, total_ = 0;

  RunEnvelope envelope_;
};

}  // namespace

std::string_view ToString(ViewState state) {
  switch (state) {
    case ViewState::kRun:
      return "run";
    case ViewState::kReused:
      return "reused";
    case ViewState::kFailed:
      return "failed";
    case ViewState::kBlocked:
      return "blocked";
  }
  return "failed";
}

int RunEnvelope::Count(ViewState state) const {
  return static_cast<int>(std::count_if(
      views.begin(), views.end(), [&](const ViewOutcome& view) { return view.state == state; }));
}

int64_t RunEnvelope::bytes_read() const {
  int64_t bytes = 0;
  for (const ViewOutcome& view : views) bytes += view.bytes_read;
  return bytes;
}

int64_t RunEnvelope::bytes_written() const {
  int64_t bytes = 0;
  for (const ViewOutcome& view : views) bytes += view.bytes_written;
  return bytes;
}

std::string NewRunId(const Clock& clock) {
  const std::time_t seconds = clock.Now() / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y%m%dT%H%M%S", &utc);
  std::random_device random;
  return fmt::format("{}.{:06}Z-{:06x}", text, clock.Now() % 1'000'000, random() & 0xFFFFFF);
}

ProjectRun::ProjectRun(const CompiledProject& compiled, const SessionRuntime& session,
                       const BuildHistory& history, const Clock& clock)
    : compiled_(compiled),
      session_(session),
      history_(history),
      clock_(clock),
      graph_(TaskGraph::Derive(compiled.bundles())) {}

Result<std::set<std::string>> ProjectRun::Select(const Selection& selection,
                                                 const LastBuilds& builds) const {
  return graph_.Select(selection, [&]() -> Result<std::set<std::string>> {
    WEIR_ASSIGN_OR_RETURN(const std::set<std::string> all, graph_.Select({}));
    WEIR_ASSIGN_OR_RETURN(const auto planned, PlanViews(all, false, builds, {}));
    std::set<std::string> changed;
    for (const PlannedView& view : planned) {
      if (view.decision.action == Action::kRun) changed.insert(view.view_name);
    }
    return changed;
  });
}

Status ProjectRun::Defer(const RunOptions& options, const std::set<std::string>& selected,
                         LastBuilds& builds) const {
  if (!options.defer_to) return Status::OK();
  WEIR_ASSIGN_OR_RETURN(
      DeferredViews deferred,
      DeferViews(
          *options.defer_to, compiled_, graph_, selected,
          [&](const std::string& view) { return builds.Of(view).has_value(); }, session_));
  builds.Defer(std::move(deferred));
  return Status::OK();
}

Result<std::vector<PlannedView>> ProjectRun::Plan(const RunOptions& options) const {
  WEIR_ASSIGN_OR_RETURN(LastBuilds builds, LastBuilds::Read(graph_, history_, session_.threads()));
  WEIR_ASSIGN_OR_RETURN(const std::set<std::string> selected, Select(options.selection, builds));
  WEIR_RETURN_NOT_OK(Defer(options, selected, builds));
  return PlanViews(selected, options.force, builds, {});
}

Result<std::vector<PlannedView>> ProjectRun::PlanAgain(
    const std::set<std::string>& views, const std::map<std::string, Action>& others) const {
  std::set<std::string> asked = views;
  for (const std::string& view : views) {
    const auto& upstream = graph_.Find(view)->upstream_views;
    asked.insert(upstream.begin(), upstream.end());
  }
  WEIR_ASSIGN_OR_RETURN(const LastBuilds builds, LastBuilds::Read({asked.begin(), asked.end()},
                                                                  history_, session_.threads()));
  return PlanViews(views, false, builds, others);
}

Result<std::vector<PlannedView>> ProjectRun::PlanViews(
    const std::set<std::string>& selected, bool force, const LastBuilds& builds,
    std::map<std::string, Action> actions) const {
  CurrentTables tables(session_, graph_);
  const auto source = [&](const std::string& name) { return tables.Source(name); };
  for (const std::string& view : selected) AnnounceScans(*compiled_.Find(view), source);
  std::vector<PlannedView> planned;
  for (const ViewTask& task : graph_.tasks()) {
    if (!selected.contains(task.view_name)) continue;
    const PlanBundle& bundle = *compiled_.Find(task.view_name);
    PlannedView view{.view_name = task.view_name, .decision = {}, .scan_units = {}};
    WEIR_ASSIGN_OR_RETURN(view.scan_units, DeriveScanUnits(bundle, [&](const std::string& name) {
                            return tables.Source(name);
                          }));
    const auto upstream = [&](const std::string& name) -> UpstreamState {
      const auto action = actions.find(name);
      if (action != actions.end() && action->second != Action::kReuse)
        return {.will_run = true, .content = {}};
      const BuildRecord* last = builds.ToRead(name).build;
      return {.will_run = false, .content = last ? std::optional(last->content) : std::nullopt};
    };
    view.decision =
        Decide({.view_name = task.view_name,
                .fingerprint = task.fingerprint,
                .units = &view.scan_units,
                .last_build = &builds.Of(task.view_name),
                .why_unbuilt = [&] { return history_.WhyUnbuilt(task.view_name); },
                .upstream = upstream,
                .force = force,
                .places = builds.PlacesOf(task.upstream_views),
                .definition = bundle.fingerprint_input,
                .source_change =
                    [&](const std::string& table) {
                      return CompareSource(
                          table, bundle, *builds.Of(task.view_name), view.scan_units,
                          [&](const std::string& name) { return tables.Source(name); }, session_);
                    }});
    actions[task.view_name] = view.decision.action;
    for (const std::string& name : task.upstream_views) {
      const auto deferred = builds.deferred().find(name);
      if (deferred != builds.deferred().end()) view.deferred.insert(*deferred);
    }
    if (view.decision.action != Action::kReuse) {
      // What it would read of views that stay as they are is known too.
      WEIR_ASSIGN_OR_RETURN(
          view.scan_units, DeriveScanUnits(bundle, [&](const std::string& name) -> TablePtr {
            if (graph_.Find(name) == nullptr) return tables.Source(name);
            const ReadableBuild last = builds.ToRead(name);
            if (upstream(name).will_run || last.build == nullptr) return nullptr;
            auto table = tables.View(name, last.build->read_version, last.table_url);
            return table.ok() ? *table : nullptr;
          }));
    }
    planned.push_back(std::move(view));
  }
  return planned;
}

Result<RunEnvelope> ProjectRun::Run(const RunOptions& options, RunObserver& observer,
                                    const engine::Cancellation& cancellation) const {
  WEIR_ASSIGN_OR_RETURN(LastBuilds builds, LastBuilds::Read(graph_, history_, session_.threads()));
  WEIR_ASSIGN_OR_RETURN(std::set<std::string> selected, Select(options.selection, builds));
  WEIR_RETURN_NOT_OK(Defer(options, selected, builds));
  return Execution(compiled_, session_, graph_, history_, builds, clock_, options,
                   std::move(selected), observer, cancellation)
      .Run();
}

}  // namespace weir
