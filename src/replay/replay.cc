// SPDX-License-Identifier: Apache-2.0

#include "weir/replay/replay.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "weir/base/ordered_work.h"
#include "weir/bundle/required_functions.h"
#include "weir/catalog/catalog.h"
#include "weir/catalog/path_files.h"
#include "weir/delta/delta_commit.h"
#include "weir/plan/unstable_calls.h"
#include "weir/replay/program_drift.h"
#include "weir/replay/recorded_tables.h"
#include "weir/run/bundle_execution.h"
#include "weir/run/view_deadline.h"
#include "weir/run/view_partitions.h"
#include "weir/session/result_settings.h"

namespace weir {

namespace {

/// The program's own settings, but for those that can change results: they are the run's.
ProjectDefinition WithSettings(const ProjectDefinition& program,
                               const std::map<std::string, std::string>& settings) {
  static constexpr std::string_view kEngine = "datafusion.";
  ProjectDefinition project;
  project.name = program.name;
  project.root = program.root;
  project.warehouse_uri = program.warehouse_uri;
  project.object_stores = program.object_stores;
  project.profile = program.profile;
  std::erase_if(project.profile.settings,
                [](const auto& setting) { return CanChangeResults(setting.first); });
  for (const auto& [name, value] : settings) {
    if (name.starts_with(kEngine)) project.profile.settings[name] = value;
  }
  const auto is = [&](const char* name, std::string_view value) {
    const auto found = settings.find(name);
    return found != settings.end() && found->second == value;
  };
  project.profile.deterministic = !is("weir.deterministic", "false");
  project.profile.overflow_wraps = is("weir.overflow", "wrap");
  return project;
}

/// A scan with the files of all scans of the build that read the same table.
RecordedScan AllReadOf(const RecordedScan& scan, const RecordedBuild& build) {
  RecordedScan all = scan;
  std::set<std::string> read;
  for (const RecordedScan& other : build.scans) {
    if (other.table != scan.table) continue;
    for (const RecordedFile& file : other.files) {
      if (file.kept) read.insert(file.path);
    }
  }
  for (RecordedFile& file : all.files) file.kept = read.contains(file.path);
  return all;
}

void AddProblem(std::string_view code, const std::string& view, const Status& status,
                Diagnostics& diagnostics) {
  Diagnostic diagnostic = ToDiagnostic(code, status.WithContext(fmt::format("view `{}`", view)));
  diagnostic.view_name = view;
  diagnostics.Add(std::move(diagnostic));
}

}  // namespace

std::string_view ToString(ReplayState state) {
  static constexpr std::string_view kNames[] = {"identical", "differs", "failed", "blocked"};
  return kNames[static_cast<size_t>(state)];
}

bool ReplayReport::AllIdentical() const {
  return std::ranges::all_of(
      views, [](const ReplayedView& view) { return view.state == ReplayState::kIdentical; });
}

Result<std::unique_ptr<Replay>> Replay::Prepare(const ProjectDefinition& program,
                                                ReplayOptions options, Diagnostics& diagnostics) {
  std::unique_ptr<Replay> replay(new Replay(program, std::move(options)));
  Diagnostics of_nothing;
  WEIR_ASSIGN_OR_RETURN(const auto reader,
                        SessionRuntime::Seal(WithSettings(program, {}), of_nothing));
  WEIR_RETURN_NOT_OK(
      OpenStoreIfUnknown(reader->warehouse_url(), program.object_stores, reader->engine()));
  WEIR_ASSIGN_OR_RETURN(replay->run_, LoadRecordedRun(replay->options_.choice, *reader));
  for (size_t i = 0; i < replay->run_.builds.size(); ++i)
    replay->places_[replay->run_.builds[i].bundle.view_name] = i;
  for (const RecordedBuild& build : replay->run_.builds) {
    WEIR_ASSIGN_OR_RETURN(SessionRuntime* const session, replay->SessionFor(build));
    std::set<std::string> urls = {session->warehouse_url(), replay->options_.scratch_url};
    for (const RecordedScan& scan : build.scans) urls.insert(replay->UrlNow(build, scan.url));
    for (const std::string& url : urls)
      WEIR_RETURN_NOT_OK(OpenStoreIfUnknown(url, program.object_stores, session->engine()));
    replay->CheckProgram(build, *session, diagnostics);
    replay->PinTables(build, *session, diagnostics);
  }
  return replay;
}

Result<SessionRuntime*> Replay::SessionFor(const RecordedBuild& build) {
  auto& session = sessions_[build.settings];
  if (!session) {
    Diagnostics of_nothing;
    WEIR_ASSIGN_OR_RETURN(session,
                          SessionRuntime::Seal(WithSettings(program_, build.settings), of_nothing));
  }
  return session.get();
}

void Replay::CheckProgram(const RecordedBuild& build, const SessionRuntime& session,
                          Diagnostics& diagnostics) {
  std::vector<std::string> missing;
  for (const MissingFunction& each : MissingFunctions(build.bundle, session.functions())) {
    missing.push_back(fmt::format("`{}` was `{}`, now `{}`", each.name, each.version,
                                  each.found.empty() ? "not there" : each.found));
  }
  if (!missing.empty()) {
    AddProblem(
        "W7003", build.bundle.view_name,
        Status(StatusCode::kConflict, Blame::kEnvironment,
               fmt::format("the functions that its plan calls are wanted as they were: {}",
                           fmt::join(missing, "; ")))
            .WithHint("replay it with the Weir that ran it; `weir run` builds the view anew"),
        diagnostics);
  }
  for (std::string& text : ProgramDrift(build, session)) {
    if (std::ranges::find(drift_, text) != drift_.end()) continue;
    if (!options_.allow_drift) {
      diagnostics.Add(ToDiagnostic(
          "W7004",
          Status(StatusCode::kConflict, Blame::kEnvironment,
                 fmt::format("the program of the run is wanted, found another: {}", text))
              .WithHint("--allow-drift replays it all the same, and says so where rows differ")));
    }
    drift_.push_back(std::move(text));
  }
}

bool Replay::ReadsReplayed(const RecordedBuild& build, const RecordedScan& scan) const {
  if (options_.each_alone || scan.kind != TableKind::kView) return false;
  const auto place = places_.find(scan.table);
  if (place == places_.end()) return false;
  const RecordedBuild& other = run_.builds[place->second];
  return other.version == scan.version && UrlNow(other, other.table_url) == UrlNow(build, scan.url);
}

std::string Replay::UrlNow(const RecordedBuild& build, const std::string& url) const {
  return MovedUrl(url, build.warehouse_url, ToUrl(program_.warehouse_uri, /*folder=*/true));
}

void Replay::PinTables(const RecordedBuild& build, SessionRuntime& session,
                       Diagnostics& diagnostics) {
  for (const RecordedScan& scan : build.scans) {
    const std::pair key(build.bundle.view_name, scan.table);
    if (ReadsReplayed(build, scan) || tables_.contains(key)) continue;
    auto pinned = PinRecorded(AllReadOf(scan, build), UrlNow(build, scan.url), session);
    if (pinned.ok()) {
      tables_[key] = std::make_shared<const PinnedTable>(*std::move(pinned));
      continue;
    }
    tables_[key] = nullptr;
    const bool is_gone = pinned.status().code() == StatusCode::kNotFound;
    Status status = pinned.status();
    const bool is_another = status.code() == StatusCode::kConflict;
    if (status.hint().empty() && (is_gone || is_another)) {
      status = status.WithHint(
          is_gone && scan.kind != TableKind::kListing
              ? "what was vacuumed cannot be replayed: `weir run --tag` and [retention] in "
                "weir.toml keep a warehouse's own versions, a source's are its owner's"
              : "restore the files as they were");
    }
    AddProblem(scan.kind == TableKind::kListing ? "W7002" : "W7001", build.bundle.view_name, status,
               diagnostics);
  }
}

ReplayReport Replay::Execute(ReplayObserver& observer, const Clock& clock,
                             const engine::Cancellation& cancellation) {
  const std::vector<RecordedBuild>& builds = run_.builds;
  std::vector<std::vector<size_t>> after(builds.size());
  for (size_t i = 0; i < builds.size(); ++i) {
    std::set<size_t> upstream;
    for (const RecordedScan& scan : builds[i].scans) {
      if (ReadsReplayed(builds[i], scan)) upstream.insert(places_.at(scan.table));
    }
    after[i].assign(upstream.begin(), upstream.end());
  }
  const int cores = builds.empty() ? 1 : sessions_.begin()->second->cores();
  const int at_once = std::clamp(static_cast<int>(builds.size()), 1, cores);
  const int partitions = PartitionsOfOne(cores, at_once);
  std::vector<std::optional<ReplayedView>> views(builds.size());
  size_t finished = 0;
  ForEachInOrder(after, at_once, [&](size_t i) {
    if (cancellation.is_cancelled()) return;
    ReplayedView view = ExecuteOne(builds[i], partitions, clock, cancellation);
    const std::lock_guard lock(mutex_);
    states_[view.view_name] = view.state;
    observer.OnReplayed(view, ++finished, builds.size());
    views[i] = std::move(view);
  });
  ReplayReport report;
  for (std::optional<ReplayedView>& view : views) {
    if (view) report.views.push_back(*std::move(view));
  }
  return report;
}

ReplayState Replay::StateOf(const std::string& view_name) {
  const std::lock_guard lock(mutex_);
  return states_[view_name];
}

Replay::TablePtr Replay::Repetition(const std::string& view_name) {
  const std::lock_guard lock(mutex_);
  return replayed_[view_name];
}

ReplayedView Replay::ExecuteOne(const RecordedBuild& build, int partitions, const Clock& clock,
                                const engine::Cancellation& cancellation) {
  ReplayedView view;
  view.view_name = build.bundle.view_name;
  view.built_by = build.run_id;
  view.rows_then = build.rows;
  view.content_then = build.content_hash;
  for (const RecordedScan& scan : build.scans) {
    if (!ReadsReplayed(build, scan)) continue;
    const ReplayState upstream = StateOf(scan.table);
    if (upstream != ReplayState::kFailed && upstream != ReplayState::kBlocked) continue;
    view.state = ReplayState::kBlocked;
    view.status = Status::User(StatusCode::kNotFound, "it reads `{}`, which failed", scan.table);
    return view;
  }
  const SessionRuntime& session = *sessions_.at(build.settings);
  view.status = TryExecute(build, session, partitions, clock, cancellation, view);
  if (!view.status.ok()) {
    view.state = ReplayState::kFailed;
  } else if (view.content_now != view.content_then || view.rows_now != view.rows_then) {
    view.state = ReplayState::kDiffers;
    Explain(build, session, view);
  }
  return view;
}

Status Replay::TryExecute(const RecordedBuild& build, const SessionRuntime& session, int partitions,
                          const Clock& clock, const engine::Cancellation& cancellation,
                          ReplayedView& view) {
  const PlanBundle& bundle = build.bundle;
  std::map<std::string, TablePtr> tables;
  BundleRequest request{.lookup =
                            [&](const std::string& name) {
                              const auto found = tables.find(name);
                              return found == tables.end() ? nullptr : found->second;
                            },
                        .table_url = TableUrl(options_.scratch_url, bundle.view_name),
                        .now_us = build.now_us,
                        .most_partitions = partitions};
  for (const RecordedScan& scan : build.scans) {
    if (ReadsReplayed(build, scan)) {
      tables[scan.table] = Repetition(scan.table);
      continue;
    }
    tables[scan.table] = tables_.at({bundle.view_name, scan.table});
    // Of a listing the table has these files alone.
    if (scan.kind == TableKind::kListing) continue;
    auto& files = request.recorded_files[scan.scan_id];
    for (const RecordedFile& file : scan.files) {
      if (file.kept) files.insert(file.path);
    }
  }
  ViewOutcome outcome;
  ViewDeadline deadline(TimeLimitOfRepetition(bundle, session), cancellation);
  WEIR_RETURN_NOT_OK(
      deadline.Stop(ExecuteBundle(bundle, request, session, deadline.cancellation(), outcome)));
  const DeltaWriteSpec spec{.table_url = request.table_url,
                            .schema = bundle.stored_schema,
                            .partition_columns = bundle.partition_columns,
                            .mode = WriteMode::kOverwrite,
                            .added = outcome.files,
                            .app_id = {},
                            .metadata = {{"view_name", bundle.view_name},
                                         {"replay_of", build.run_id},
                                         {"content_hash", outcome.content.whole}},
                            .comment = bundle.comment,
                            .properties = bundle.properties,
                            .timestamp_ms = clock.Now() / 1000};
  WEIR_ASSIGN_OR_RETURN(const CommitOutcome commit, CommitWrite(session.engine(), spec));
  WEIR_ASSIGN_OR_RETURN(PinnedTable table, PinView(bundle.view_name, spec.table_url, commit.version,
                                                   bundle.stored_schema, bundle.partition_columns,
                                                   outcome.files, session.engine()));
  auto repetition = std::make_shared<const PinnedTable>(std::move(table));
  {
    const std::lock_guard lock(mutex_);
    replayed_[bundle.view_name] = std::move(repetition);
  }
  view.rows_now = outcome.rows;
  view.content_now = outcome.content.whole;
  view.same_operators =
      build.physical_plan.empty() || SameOperators(build.physical_plan, outcome.physical_plan);
  return Status::OK();
}

void Replay::Explain(const RecordedBuild& build, const SessionRuntime& session,
                     ReplayedView& view) {
  for (const UnstableCall& call : UnstableCallsOf(*build.bundle.plan)) {
    if (!call.is_of_clock)
      view.causes.push_back(fmt::format("`{}` {}", call.function, call.problem));
  }
  for (const RecordedScan& scan : build.scans) {
    if (ReadsReplayed(build, scan) && StateOf(scan.table) == ReplayState::kDiffers)
      view.causes.push_back(fmt::format("it reads `{}`, which differs", scan.table));
  }
  for (const std::string& text : ProgramDrift(build, session)) view.causes.push_back(text);
  if (build.settings.contains("weir.deterministic") &&
      build.settings.at("weir.deterministic") == "false")
    view.causes.emplace_back(
        "it was built with `deterministic = false`: the order of rows decides");
  const auto then =
      PinDelta(view.view_name, UrlNow(build, build.table_url), build.version, "", session.engine());
  if (!then.ok()) return;
  const TablePtr now = Repetition(view.view_name);
  // Both tables have names in the session that all comparisons use.
  const std::lock_guard lock(comparison_);
  auto difference =
      FindDataDifference(*then, *now, {.key = {}, .samples = options_.most_rows_shown}, session);
  if (difference.ok()) view.difference = *std::move(difference);
}

}  // namespace weir
