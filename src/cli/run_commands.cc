// SPDX-License-Identifier: Apache-2.0
//
// plan and run.

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <set>

#include "weir/artifacts/record_run.h"
#include "weir/artifacts/recorded_tasks.h"
#include "weir/base/clock.h"
#include "weir/base/json_text.h"
#include "weir/bundle/expression_place.h"
#include "weir/bundle/failure_place.h"
#include "weir/cli/command.h"
#include "weir/cli/interrupt.h"
#include "weir/cli/warehouse_access.h"
#include "weir/run/delta_history.h"
#include "weir/run/plan_memo.h"
#include "weir/run/project_run.h"
#include "weir/watch/hooks.h"
#include "weir/watch/lineage_events.h"
#include "weir/watch/run_event.h"
#include "weir/watch/status_line.h"
#include "weir/watch/telemetry.h"
#include "weir/watch/trace_file.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

struct PlanTotals {
  int run = 0, reuse = 0, pending = 0;
  int64_t files = 0, bytes = 0;
};

PlanTotals TotalsOf(const std::vector<PlanRow>& rows) {
  PlanTotals totals;
  for (const PlanRow& row : rows) {
    (row.action == Action::kRun     ? totals.run
     : row.action == Action::kReuse ? totals.reuse
                                    : totals.pending) += 1;
    if (row.action == Action::kReuse) continue;
    for (const PlanRowUnit& unit : row.units) {
      totals.files += unit.files_kept;
      totals.bytes += unit.bytes_kept;
    }
  }
  return totals;
}

/// Whether something changed that does not concern the view.
bool PassesOver(const PlanRow& row) {
  return row.action == Action::kReuse && row.reason != kNothingChanged;
}

void PrintPlan(const std::vector<PlanRow>& plan) {
  // Of views that only pass something over, as many as one looks at.
  static constexpr size_t kMostPassing = 20;
  std::vector<std::vector<std::string>> rows;
  size_t passing = 0;
  for (const PlanRow& row : plan) {
    if (row.action == Action::kReuse && (!PassesOver(row) || ++passing > kMostPassing)) continue;
    int64_t kept = 0, pruned = 0, bytes = 0;
    bool known = true;
    for (const PlanRowUnit& unit : row.units) {
      kept += unit.files_kept;
      pruned += unit.files_pruned;
      bytes += unit.bytes_kept;
      known = known && unit.files_known;
    }
    const std::string more = known ? "" : "+";
    rows.push_back(
        {row.view_name, std::string(ToString(row.action)),
         fmt::format("{}{}{}", kept, more, pruned > 0 ? fmt::format(" ({} pruned)", pruned) : ""),
         HumanBytes(bytes) + more, row.reason});
  }
  if (!rows.empty())
    std::cout << RenderTable({"view", "action", "files", "bytes", "reason"}, rows) << "\n";
  std::set<std::string> deferred;
  for (const PlanRow& row : plan) {
    for (const PlanRowDeferral& view : row.deferred) deferred.insert(view.text);
  }
  for (const std::string& text : deferred) std::cout << text << "\n";
  const PlanTotals totals = TotalsOf(plan);
  if (passing > kMostPassing)
    std::cout << fmt::format("and {} more to reuse whose inputs changed elsewhere only\n",
                             passing - kMostPassing);
  std::cout << fmt::format(
      "{} to run, {} to decide when their upstream is built, {} to reuse; {}{} files, {} to read\n",
      totals.run, totals.pending, totals.reuse, totals.pending > 0 ? "at least " : "", totals.files,
      HumanBytes(totals.bytes));
}

void PrintPlanJson(const std::vector<PlanRow>& plan) {
  Json views = Json::array();
  for (const PlanRow& row : plan) {
    Json units = Json::array();
    for (const PlanRowUnit& unit : row.units) {
      units.push_back({{"table", unit.table},
                       {"kind", unit.kind},
                       {"version", unit.version},
                       {"files_known", unit.files_known},
                       {"files_kept", unit.files_kept},
                       {"files_pruned", unit.files_pruned},
                       {"bytes_kept", unit.bytes_kept}});
    }
    views.push_back({{"view", row.view_name},
                     {"action", ToString(row.action)},
                     {"code", row.code},
                     {"reason", row.reason},
                     {"fingerprint", row.fingerprint},
                     {"scan_units", units}});
    if (row.deferred.empty()) continue;
    Json deferred = Json::array();
    for (const PlanRowDeferral& view : row.deferred) {
      deferred.push_back({{"table", view.table},
                          {"profile", view.profile},
                          {"url", view.url},
                          {"version", view.version},
                          {"same_definition", view.same_definition}});
    }
    views.back()["deferred"] = deferred;
  }
  const PlanTotals totals = TotalsOf(plan);
  std::cout << JsonText(Json{{"schema_version", 1},
                             {"run", totals.run},
                             {"pending", totals.pending},
                             {"reuse", totals.reuse},
                             {"files", totals.files},
                             {"bytes", totals.bytes},
                             {"views", views}},
                        2)
            << "\n";
}

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
      std::cerr << ToText(diagnostic);
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
    std::cerr << ToText(diagnostic);
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
  std::cerr << text << "\n";
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
    if (const auto place = FindExpression(expression, *view)) return place;
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
    if (view.status.code() != StatusCode::kCancelled) std::cerr << ToText(diagnostic);
    open.diagnostics.Add(diagnostic);
    code = std::max<int>(code,
                         view.status.blame() == Blame::kEnvironment ? kEnvironment : kWorkFailed);
  }
  return envelope.state == "cancelled" ? kInterrupted : code;
}

}  // namespace

int RunPlan(const GlobalOptions& options, const Selection& selection, bool force) {
  const auto print = options.format == Format::kTable ? PrintPlan : PrintPlanJson;
  const PlanMemo memo({.root = options.project,
                       .profile = options.profile,
                       .selection = selection,
                       .force = force});
  // What another warehouse holds, the memo does not know.
  const bool remembers = options.defer_to.empty();
  if (const auto rows = remembers ? memo.Recall() : std::nullopt) {
    print(*rows);
    return kDone;
  }
  auto open = Open(options);
  if (!open.ok()) return FailNamed(open.status());
  const int compiled = Report(open->diagnostics);
  if (compiled != kDone) return compiled;
  const DeltaHistory history(open->session->engine(), open->session->warehouse_url());
  const SystemClock clock;
  const ProjectRun run(open->compiled, *open->session, history, clock);
  auto defer_to = DeferTargetOf(options, open->definition, *open->session);
  if (!defer_to.ok()) return FailNamed(defer_to.status());
  const auto planned = run.Plan({.selection = selection,
                                 .force = force,
                                 .by_lane = false,
                                 .run_id = {},
                                 .defer_to = *std::move(defer_to)});
  if (!planned.ok()) return FailNamed(planned.status());
  bool warned = !open->diagnostics.all().empty();
  for (const PlannedView& view : *planned) {
    const auto warnings = WarningsOf(view.scan_units);
    ReportWarnings(warnings);
    warned = warned || !warnings.empty();
  }
  const std::vector<PlanRow> rows = ToPlanRows(*planned, run.graph());
  // Warnings are said each time.
  if (!warned && remembers) memo.Keep(open->definition, open->compiled, rows);
  print(rows);
  return kDone;
}

namespace {

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

/// Opens the project, and once more where its hook was called before: it may bring data.
Result<OpenProject> OpenForRun(const GlobalOptions& options, const RunSubject& subject,
                               const Clock& clock, const engine::Cancellation& cancellation,
                               int& code) {
  WEIR_ASSIGN_OR_RETURN(OpenProject open, Open(options));
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
    std::cerr << ToText(diagnostic) << "nothing was run\n";
    code = kWorkFailed;
    return open;
  }
  WEIR_ASSIGN_OR_RETURN(open, Open(options));
  code = Report(open.diagnostics);
  return open;
}

/// Of the environment; empty where it is not set.
std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// What the status line shows of the past. Without any it shows the present.
StatusLine::Sight SightOf(const OpenProject& open, const TaskGraph& graph, RunEvents& events) {
  StatusLine::Sight sight{.is_terminal = DrawsOnStderr(),
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
  for (const auto& [view, deferred] : envelope.deferred)
    std::cerr << Describe(view, deferred) << "\n";
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

}  // namespace

int RunRun(const GlobalOptions& options, const RunRequest& request) {
  const SystemClock clock;
  const int64_t opened_at_us = clock.Now();
  RunSubject subject{.run_id = NewRunId(clock), .project = {}, .profile = {}, .tag = request.tag};
  std::unique_ptr<TraceFile> trace;
  if (!request.trace_file.empty()) {
    auto opened = TraceFile::Open(request.trace_file);
    if (!opened.ok()) return Fail(opened.status());
    trace = *std::move(opened);
  }
  const InterruptScope interrupt;
  int compiled = kDone;
  auto open = OpenForRun(options, subject, clock, interrupt.cancellation(), compiled);
  if (!open.ok()) return FailNamed(open.status());
  if (compiled != kDone) return compiled;
  const auto defer_to = DeferTargetOf(options, open->definition, *open->session);
  if (!defer_to.ok()) return FailNamed(defer_to.status());
  Diagnostics recovered;
  const auto lock = TakeWarehouse(open->definition, *open->session, subject.run_id, opened_at_us,
                                  interrupt.cancellation(), recovered);
  if (!lock.ok()) return Fail(lock.status());
  if ((*lock)->waited()) {
    // What was pinned before may be older than what the other run has built.
    open = Open(options);
    if (!open.ok()) return FailNamed(open.status());
    if (compiled = Report(open->diagnostics); compiled != kDone) return compiled;
  }
  for (const Diagnostic& warning : recovered.all()) open->diagnostics.Add(warning);
  subject.project = open->definition.name;
  subject.profile = open->definition.profile.name;
  const DeltaHistory history(open->session->engine(), open->session->warehouse_url());
  const ProjectRun run(open->compiled, *open->session, history, clock);
  const auto selection = SelectionOf(request, *open, run.graph());
  if (!selection.ok()) return FailNamed(selection.status());
  StatusLine line;
  Hooks hooks(open->definition);
  LineageEvents lineage(open->definition, open->compiled, *open->session, kVersion);
  Telemetry telemetry(ReadTelemetrySettings(Variable), kVersion);
  EventLines lines(request.events);
  std::vector<RunEventConsumer*> consumers = {&line, &telemetry};
  if (!open->definition.openlineage.empty()) consumers.push_back(&lineage);
  consumers.push_back(&hooks);
  if (trace) consumers.push_back(trace.get());
  const bool is_json = options.format == Format::kJson || request.events;
  if (is_json) consumers.push_back(&lines);
  RunEvents events(subject, consumers, clock);
  line.See(SightOf(*open, run.graph(), events));
  auto envelope = run.Run(
      {.selection = *selection,
       .force = request.force,
       .by_lane = request.by_lane,
       // As the lock has it, which is all that is known of a run that is killed.
       .now_us = opened_at_us,
       .run_id = subject.run_id,
       .tag = request.tag,
       .circumstances = ObserveCircumstances(open->definition.root, kVersion, request.arguments),
       .defer_to = *defer_to},
      events, interrupt.cancellation());
  if (!envelope.ok()) return FailNamed(envelope.status());
  line.Stop();
  const auto report_watchers = [&] {
    ReportWarnings(lineage.TakeWarnings());
    ReportWarnings(telemetry.TakeWarnings());
    ReportWarnings(hooks.TakeWarnings());
  };
  const Status held = (*lock)->CheckHeld();
  if (!held.ok()) {
    (*lock)->Abandon();
    // A store that failed the views, too, is why.
    if (held.code() != StatusCode::kConflict) ReportFailures(*envelope, *open);
    const int code = Fail(held.WithContext("the run is not recorded"));
    envelope->state = "failed";
    events.Finish(*envelope);
    report_watchers();
    return code;
  }
  int code = ConcludeRun(*envelope, *open, **lock);
  events.Finish(*envelope);
  report_watchers();
  if (trace && !trace->status().ok()) code = std::max(code, Fail(trace->status()));
  if (!is_json) PrintSummary(*envelope);
  return code;
}

}  // namespace weir::cli
