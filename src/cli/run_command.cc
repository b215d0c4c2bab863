// SPDX-License-Identifier: Apache-2.0
//
// run: builds what must be built.

#include <algorithm>
#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <optional>
#include <set>

#include "weir/artifacts/record_run.h"
#include "weir/artifacts/recorded_tasks.h"
#include "weir/base/clock.h"
#include "weir/bundle/expression_place.h"
#include "weir/bundle/failure_place.h"
#include "weir/cli/command.h"
#include "weir/cli/interrupt.h"
#include "weir/cli/warehouse_access.h"
#include "weir/run/delta_history.h"
#include "weir/run/project_run.h"
#include "weir/watch/hooks.h"
#include "weir/watch/lineage_events.h"
#include "weir/watch/run_event.h"
#include "weir/watch/run_log.h"
#include "weir/watch/status_line.h"
#include "weir/watch/telemetry.h"
#include "weir/watch/trace_file.h"

namespace weir::cli {

namespace {

/// What to do about a failure that says no more itself.
std::string HintFor(const Status& status) {
  if (status.message().find("Cannot cast") != std::string::npos ||
      status.message().find("Cast error") != std::string::npos)
    return "TRY_CAST gives NULL for what cannot be converted";
  if (status.message().find("during the spilling process") != std::string::npos) {
    return "raise `max_spill` or `memory_limit` in the profile in weir.toml";
  }
  switch (status.code()) {
    case StatusCode::kOutOfMemory:
      return "raise `memory_limit` in the profile in weir.toml, or lower `threads` so that fewer "
             "views share it";
    case StatusCode::kOutOfSpace:
      return "make room on the disk, then `weir run` goes on; the table is as it was";
    case StatusCode::kPermission:
      return "give the user who runs weir the right to it, then `weir run` goes on; the table is "
             "as it was";
    default:
      return {};
  }
}

/// Prints what constraints found that did not fail their view.
void ReportViolations(const RunEnvelope& envelope, Diagnostics& diagnostics) {
  for (const ViewOutcome& view : envelope.views) {
    for (const ConstraintOutcome& constraint : view.constraints) {
      if (constraint.rows_failed == 0 || constraint.action == ViolationAction::kFailUpdate)
        continue;
      const bool dropped = constraint.action == ViolationAction::kDropRow;
      if (dropped && view.state != ViewState::kRun) continue;
      Diagnostic diagnostic{
          .code = dropped ? "W5003" : "W5002",
          .severity = Severity::kWarning,
          .message = fmt::format("view `{}`: {} of {} rows violate the constraint `{}`{}; for "
                                 "instance: {}",
                                 view.view_name, constraint.rows_failed,
                                 constraint.rows_failed + constraint.rows_passed, constraint.name,
                                 dropped ? " and were dropped" : "", constraint.example),
          .location = constraint.location,
          .view_name = view.view_name};
      Tell(diagnostic);
      diagnostics.Add(std::move(diagnostic));
    }
  }
}

/// Prints which views took another way because memory was short.
void ReportFallbacks(const RunEnvelope& envelope, Diagnostics& diagnostics) {
  for (const ViewOutcome& view : envelope.views) {
    if (view.hash_joins_failed.ok() || view.state != ViewState::kRun) continue;
    Diagnostic diagnostic = ToDiagnostic(
        "W5012", view.hash_joins_failed
                     .WithContext(fmt::format("view `{}`: its hash joins found no memory, so it "
                                              "was built with sort-merge joins",
                                              view.view_name))
                     .WithHint("these are slower: raise `memory_limit` in the profile in weir.toml "
                               "if there is more; `join_fallback = \"none\"` lets it fail"));
    diagnostic.severity = Severity::kWarning;
    diagnostic.view_name = view.view_name;
    Tell(diagnostic);
    diagnostics.Add(std::move(diagnostic));
  }
}

/// Says of a run that published nothing what readers read now.
void ReportPublication(const Publication& publication, const RunEnvelope& envelope) {
  if (envelope.state == "succeeded" && publication.misfit.empty()) return;
  std::string text = "not published";
  if (!publication.misfit.empty()) text += ": " + publication.misfit;
  if (publication.earlier_run_id.empty()) {
    text += "; no set is published yet, hence `weir sql` reads what is there";
  } else {
    text += fmt::format("; `weir sql` reads the set of run {}, and what is there with --latest",
                        publication.earlier_run_id);
  }
  if (!publication.misfit.empty()) text += "; a run of all views publishes them";
  Tell(text);
}

/// Where the expression that failed stands: in the view, or in one that it inlines.
std::optional<SourceLocation> PlaceOfFailure(const ViewOutcome& failed, const OpenProject& open) {
  const std::string expression = ExpressionOf(failed.status);
  std::vector<std::string> names = {failed.view_name};
  for (size_t i = 0; i < names.size() && !expression.empty(); ++i) {
    const auto view = std::find_if(open.definition.views.begin(), open.definition.views.end(),
                                   [&](const ViewDefinition& v) { return v.name == names[i]; });
    if (view == open.definition.views.end() ||
        (i > 0 && view->kind == ViewDefinition::Kind::kStored))
      continue;
    if (auto place = FindExpression(expression, *view)) return place;
    for (const std::string& read : open.compiled.TablesOf(view->name)) {
      if (std::find(names.begin(), names.end(), read) == names.end()) names.push_back(read);
    }
  }
  return std::nullopt;
}

/// Prints each failure once, and returns the exit code of the worst.
int ReportFailures(const RunEnvelope& envelope, OpenProject& open) {
  int code = kDone;
  std::map<std::string_view, const ViewDefinition*> definitions;
  for (const ViewDefinition& view : open.definition.views) definitions[view.name] = &view;
  for (const ViewOutcome& view : envelope.views) {
    if (view.state == ViewState::kBlocked) code = std::max<int>(code, kWorkFailed);
    if (view.state != ViewState::kFailed) continue;
    Diagnostic diagnostic = ToDiagnostic(
        CodeOf(view), view.status.WithContext(fmt::format("view `{}` failed", view.view_name)));
    diagnostic.view_name = view.view_name;
    if (diagnostic.hint.empty()) diagnostic.hint = HintFor(view.status);
    if (const auto place = PlaceOfFailure(view, open)) diagnostic.location = *place;
    if (diagnostic.location.file.empty()) {
      const auto definition = definitions.find(view.view_name);
      const auto place = definition == definitions.end()
                             ? std::nullopt
                             : PlaceOfValueFailure(view.status.message(), *definition->second);
      diagnostic.location = place ? *place : open.compiled.Find(view.view_name)->location;
    }
    if (view.status.code() != StatusCode::kCancelled) Tell(diagnostic);
    open.diagnostics.Add(diagnostic);
    code = std::max<int>(code,
                         view.status.blame() == Blame::kEnvironment ? kEnvironment : kWorkFailed);
  }
  return envelope.state == "cancelled" ? kInterrupted : code;
}

/// What of the last run is to be tried again. Fails with kNotFound where there is nothing.
Result<std::set<std::string>> ViewsToRetry(const OpenProject& open, const TaskGraph& graph) {
  WEIR_ASSIGN_OR_RETURN(const auto tasks, RecordedTasks::Open(*open.session));
  std::optional<RecordedOutcome> last;
  if (tasks) {
    WEIR_ASSIGN_OR_RETURN(last, tasks->LastOutcome(open.definition.name));
  }
  if (!last) {
    return Status::User(StatusCode::kNotFound, "there is no run to retry in the warehouse `{}`",
                        open.session->warehouse_url())
        .WithHint("`weir run` makes the first");
  }
  if (last->failed_or_blocked.empty()) {
    return Status::User(StatusCode::kNotFound, "nothing failed in the last run: {} {}",
                        last->run_id, last->state == "killed" ? "was killed" : last->state)
        .WithHint("`weir run` builds what must be built");
  }
  std::set<std::string> views;
  for (const std::string& view : last->failed_or_blocked) {
    if (graph.Find(view) != nullptr) views.insert(view);
  }
  if (views.empty()) {
    return Status::User(StatusCode::kNotFound,
                        "the project has none of the views any more that failed in the last run, "
                        "{}",
                        last->run_id)
        .WithHint("`weir run` builds what must be built");
  }
  return views;
}

/// The views that the run is about.
Result<Selection> SelectionOf(const RunRequest& request, const OpenProject& open,
                              const TaskGraph& graph) {
  Selection selection = request.selection;
  if (!request.task.empty()) {
    WEIR_ASSIGN_OR_RETURN(const ViewTask* task, graph.FindByKey(request.task));
    selection.views = {task->view_name};
  } else if (request.retry_failed) {
    WEIR_ASSIGN_OR_RETURN(selection.views, ViewsToRetry(open, graph));
  }
  return selection;
}

/// Of the environment; empty where it is not set.
std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Opens the project, with calls of object stores noted if they are to be sent as spans.
Result<OpenProject> OpenNoting(const GlobalOptions& options) {
  const auto telemetry = ReadTelemetrySettings(Variable);
  return Open(options, telemetry ? telemetry->noted_store_calls() : 0);
}

/// Opens the project, and once more where its hook was called before: it may bring data.
/// `opened_at_us`: when that began.
Result<OpenProject> OpenForRun(const GlobalOptions& options, const RunSubject& subject,
                               const Clock& clock, const engine::Cancellation& cancellation,
                               int64_t& opened_at_us, int& code) {
  opened_at_us = clock.Now();
  WEIR_ASSIGN_OR_RETURN(OpenProject open, OpenNoting(options));
  code = Report(open.diagnostics);
  if (code != kDone || !open.definition.hooks.before_run) return open;
  RunSubject requested = subject;
  requested.project = open.definition.name;
  requested.profile = open.definition.profile.name;
  const Status called = CallBeforeRun(open.definition, requested, clock, cancellation);
  if (called.code() == StatusCode::kCancelled) return called;
  if (!called.ok()) {
    Diagnostic diagnostic = ToDiagnostic("W5007", called);
    diagnostic.location = open.definition.hooks.before_run->location;
    Tell(diagnostic);
    Tell("nothing was run");
    code = kWorkFailed;
    return open;
  }
  opened_at_us = clock.Now();
  WEIR_ASSIGN_OR_RETURN(open, OpenNoting(options));
  code = Report(open.diagnostics);
  return open;
}

/// What the status line shows of the past. Without any it shows the present.
StatusLine::Sight SightOf(const OpenProject& open, const TaskGraph& graph, RunEvents& events) {
  StatusLine::Sight sight{.is_terminal = DrawsOnStderr() && !LogOwnsStderr(),
                          .rows_written = events.rows_written(),
                          .graph = &graph,
                          .last_seconds = {},
                          .threads = open.session->threads()};
  if (!sight.is_terminal) return sight;
  const auto tasks = RecordedTasks::Open(*open.session);
  if (!tasks.ok() || !*tasks) return sight;
  auto seconds = (*tasks)->LastSeconds();
  if (seconds.ok()) sight.last_seconds = *std::move(seconds);
  return sight;
}

void PrintSummary(const RunEnvelope& envelope) {
  std::cout << fmt::format(
      "{}: {} run, {} reused, {} failed, {} blocked; {} read, {} written in {:.2f} s (run {})\n",
      envelope.state, envelope.Count(ViewState::kRun), envelope.Count(ViewState::kReused),
      envelope.Count(ViewState::kFailed), envelope.Count(ViewState::kBlocked),
      HumanBytes(envelope.bytes_read()), HumanBytes(envelope.bytes_written()),
      static_cast<double>(envelope.finished_at_us - envelope.started_at_us) / 1e6, envelope.run_id);
}

/// Reports what the run left to say, records it and gives the warehouse back; returns the exit
/// code.
int ConcludeRun(RunEnvelope& envelope, OpenProject& open, WarehouseLock& lock) {
  for (const auto& [view, deferred] : envelope.deferred) Tell(Describe(view, deferred));
  ReportViolations(envelope, open.diagnostics);
  ReportFallbacks(envelope, open.diagnostics);
  for (const ViewOutcome& view : envelope.views) {
    const auto warnings = WarningsOf(view.scan_units);
    ReportWarnings(warnings);
    for (const Diagnostic& warning : warnings) open.diagnostics.Add(warning);
  }
  int code = ReportFailures(envelope, open);
  // What is published, and what is said to be built, is on the disk.
  if (envelope.Count(ViewState::kRun) > 0) {
    if (const Status durable = lock.MakeDurable(); !durable.ok()) {
      // As if killed: the next run looks at what is there.
      lock.Abandon();
      envelope.state = "failed";
      return std::max(code, Fail(durable.WithContext("the run is not recorded")));
    }
  }
  const auto recorded =
      RecordRun(envelope, open.definition, open.compiled, *open.session, open.diagnostics, lock);
  const Status ended = lock.End(envelope.state, recorded.ok(), envelope.finished_at_us);
  if (recorded.ok() && ended.ok()) lock.ForgetUnrecorded();
  if (recorded.ok()) {
    envelope.published_run_id = recorded->published_run_id;
    ReportPublication(*recorded, envelope);
  }
  if (!recorded.ok()) {
    // The views stand; only their record is missing, and the next run publishes them.
    code = std::max(
        code, Fail(recorded.status().WithContext("the run's artifacts could not be written")));
  } else if (!ended.ok()) {
    code = std::max(code, Fail(ended.WithContext("the warehouse's lock could not be given back")));
  }
  return code;
}

/// All that is told of one run.
class Watchers {
 public:
  /// `trace` may be null. All must outlive the object.
  Watchers(const RunRequest& request, Format format, const OpenProject& open,
           const RunSubject& subject, TraceFile* trace, const Clock& clock)
      : hooks_(open.definition),
        lineage_(open.definition, open.compiled, *open.session, kVersion),
        telemetry_(ReadTelemetrySettings(Variable), *open.session, kVersion),
        trace_(trace),
        prints_json_(format == Format::kJson || request.events),
        lines_(request.events),
        events_(subject, Consumers(open), clock) {}

  RunEvents& events() { return events_; }
  StatusLine& line() { return line_; }
  /// Whether JSON goes to stdout, in the place of words.
  bool prints_json() const { return prints_json_; }

  /// Ends the stream of events, and reports what could not be told. Returns kDone, or an exit code.
  int Finish(const RunEnvelope& envelope) {
    events_.Finish(envelope);
    ReportWarnings(lineage_.TakeWarnings());
    ReportWarnings(telemetry_.TakeWarnings());
    ReportWarnings(hooks_.TakeWarnings());
    return trace_ == nullptr || trace_->status().ok() ? kDone : Fail(trace_->status());
  }

 private:
  /// In the order in which they are told: who is told last has waited for all others.
  std::vector<RunEventConsumer*> Consumers(const OpenProject& open) {
    std::vector<RunEventConsumer*> consumers;
    if (!LogOwnsStderr()) consumers.push_back(&line_);
    consumers.push_back(&telemetry_);
    if (!open.definition.openlineage.empty()) consumers.push_back(&lineage_);
    if (trace_ != nullptr) consumers.push_back(trace_);
    consumers.push_back(&hooks_);
    consumers.push_back(&log_);
    if (prints_json_) consumers.push_back(&lines_);
    return consumers;
  }

  StatusLine line_;
  RunLog log_;
  Hooks hooks_;
  LineageEvents lineage_;
  Telemetry telemetry_;
  TraceFile* const trace_;
  const bool prints_json_;
  EventLines lines_;
  RunEvents events_;
};

/// Runs what was opened under `lock`, and concludes it.
int RunOpened(const GlobalOptions& options, const RunRequest& request, const RunSubject& subject,
              int64_t now_us, OpenProject& open, WarehouseLock& lock,
              std::future<RunCircumstances> circumstances, TraceFile* trace,
              const engine::Cancellation& cancellation) {
  const SystemClock clock;
  const auto defer_to = DeferTargetOf(options, open.definition, *open.session);
  if (!defer_to.ok()) return FailNamed(defer_to.status());
  const DeltaHistory history(open.session->engine(), open.session->warehouse_url());
  const ProjectRun run(open.compiled, *open.session, history, clock);
  const auto selection = SelectionOf(request, open, run.graph());
  if (!selection.ok()) return FailNamed(selection.status());
  Watchers watchers(request, options.format, open, subject, trace, clock);
  watchers.line().See(SightOf(open, run.graph(), watchers.events()));
  auto envelope = run.Run({.selection = *selection,
                           .force = request.force,
                           .by_lane = request.by_lane,
                           .now_us = now_us,
                           .run_id = subject.run_id,
                           .tag = request.tag,
                           .circumstances = circumstances.get(),
                           .defer_to = *defer_to},
                          watchers.events(), cancellation);
  if (!envelope.ok()) return FailNamed(envelope.status());
  watchers.line().Stop();
  const Status held = lock.CheckHeld();
  int code = kDone;
  if (held.ok()) {
    code = ConcludeRun(*envelope, open, lock);
  } else {
    lock.Abandon();
    // A store that failed the views, too, is why.
    if (held.code() != StatusCode::kConflict) ReportFailures(*envelope, open);
    code = Fail(held.WithContext("the run is not recorded"));
    envelope->state = "failed";
  }
  code = std::max(code, watchers.Finish(*envelope));
  if (held.ok() && !watchers.prints_json()) PrintSummary(*envelope);
  return code;
}

}  // namespace

int RunRun(const GlobalOptions& options, const RunRequest& request) {
  const InterruptScope interrupt;
  return RunOnce(options, request, interrupt.cancellation());
}

int RunOnce(const GlobalOptions& options, const RunRequest& request,
            const engine::Cancellation& cancellation) {
  const SystemClock clock;
  int64_t opened_at_us = 0;
  RunSubject subject{.run_id = NewRunId(clock), .project = {}, .profile = {}, .tag = request.tag};
  const LogContext context("run_id", subject.run_id);
  std::unique_ptr<TraceFile> trace;
  if (!request.trace_file.empty()) {
    auto opened = TraceFile::Open(request.trace_file);
    if (!opened.ok()) return Fail(opened.status());
    trace = *std::move(opened);
  }
  int compiled = kDone;
  auto open = OpenForRun(options, subject, clock, cancellation, opened_at_us, compiled);
  if (!open.ok()) return FailNamed(open.status());
  if (compiled != kDone) return compiled;
  // What --defer-to names is wrong use before anything is waited for.
  if (const auto named = DeferTargetOf(options, open->definition, *open->session); !named.ok())
    return FailNamed(named.status());
  // Git is asked beside what comes before the first view.
  const auto observe = [&] {
    return std::async(std::launch::async, ObserveCircumstances, open->definition.root, kVersion,
                      request.arguments);
  };
  std::future<RunCircumstances> circumstances = observe();
  Diagnostics recovered;
  const auto lock = TakeWarehouse(open->definition, *open->session, subject.run_id, opened_at_us,
                                  cancellation, recovered);
  if (!lock.ok()) return Fail(lock.status());
  if ((*lock)->waited()) {
    // What was pinned before may be older than what the other run has built.
    open = OpenNoting(options);
    if (!open.ok()) return FailNamed(open.status());
    if (compiled = Report(open->diagnostics); compiled != kDone) return compiled;
    circumstances = observe();
  }
  for (const Diagnostic& warning : recovered.all()) open->diagnostics.Add(warning);
  subject.project = open->definition.name;
  subject.profile = open->definition.profile.name;
  return RunOpened(options, request, subject, opened_at_us, *open, **lock, std::move(circumstances),
                   trace.get(), cancellation);
}

}  // namespace weir::cli
