// SPDX-License-Identifier: Apache-2.0
//
// plan and run.

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <set>

#include <unistd.h>

#include "weir/artifacts/record_run.h"
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

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

/// One status line on a terminal, plain lines in a pipe; both on stderr.
class Progress : public RunObserver {
 public:
  void OnStarted(const std::string& view_name) override {
    if (terminal_) std::cerr << "\r\033[K… " << view_name << std::flush;
  }
  void OnFinished(const ViewOutcome& outcome, int finished, int total) override {
    if (outcome.state == ViewState::kReused) return;  // the last line counts them
    std::string line =
        fmt::format("[{}/{}] {:7} {}", finished, total, ToString(outcome.state), outcome.view_name);
    if (outcome.state == ViewState::kRun) {
      line += fmt::format("  {} rows, {}, {:.2f} s ({})", outcome.rows,
                          HumanBytes(outcome.bytes_written),
                          static_cast<double>(outcome.finished_at_us - outcome.started_at_us) / 1e6,
                          outcome.decision.reason);
    }
    std::cerr << (terminal_ ? "\r\033[K" : "") << line << "\n";
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
};

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

Json SummaryJson(const RunEnvelope& envelope) {
  Json failures = Json::array();
  for (const ViewOutcome& view : envelope.views) {
    if (view.status.ok()) continue;
    failures.push_back({{"view", view.view_name},
                        {"state", ToString(view.state)},
                        {"message", view.status.message()}});
  }
  return {{"schema_version", 1},
          {"run_id", envelope.run_id},
          {"state", envelope.state},
          {"views",
           {{"run", envelope.Count(ViewState::kRun)},
            {"reused", envelope.Count(ViewState::kReused)},
            {"failed", envelope.Count(ViewState::kFailed)},
            {"blocked", envelope.Count(ViewState::kBlocked)}}},
          {"bytes_read", envelope.bytes_read()},
          {"bytes_written", envelope.bytes_written()},
          {"seconds", static_cast<double>(envelope.finished_at_us - envelope.started_at_us) / 1e6},
          {"failures", failures}};
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

bool FailedAtConstraint(const ViewOutcome& view) {
  return std::any_of(view.constraints.begin(), view.constraints.end(), [](const auto& constraint) {
    return constraint.action == ViolationAction::kFailUpdate && constraint.rows_failed > 0;
  });
}

/// Files and logs that contradict their format, and tables that need more than the reader has, have
/// one code wherever they are found.
std::string CodeOf(const ViewOutcome& view) {
  if (view.failed_at_partition) return "W5005";
  if (FailedAtConstraint(view)) return "W5004";
  if (view.status.blame() == Blame::kEnvironment) {
    if (view.status.code() == StatusCode::kCorrupt) return "W3003";
    if (view.status.code() == StatusCode::kUnsupported) return "W3002";
  }
  return view.status.code() == StatusCode::kOverflow ? "W5006" : "W5001";
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

int RunRun(const GlobalOptions& options, const Selection& selection, bool force, bool by_lane,
           const std::string& tag) {
  const SystemClock clock;
  const int64_t opened_at_us = clock.Now();
  auto open = Open(options);
  if (!open.ok()) return FailNamed(open.status());
  if (const int compiled = Report(open->diagnostics); compiled != kDone) return compiled;
  const auto defer_to = DeferTargetOf(options, open->definition, *open->session);
  if (!defer_to.ok()) return FailNamed(defer_to.status());
  const InterruptScope interrupt;
  const std::string run_id = NewRunId(clock);
  const auto lock = TakeWarehouse(open->definition, *open->session, run_id, opened_at_us,
                                  interrupt.cancellation());
  if (!lock.ok()) return Fail(lock.status());
  if ((*lock)->waited()) {
    // What was pinned before may be older than what the other run has built.
    open = Open(options);
    if (!open.ok()) return FailNamed(open.status());
    if (const int compiled = Report(open->diagnostics); compiled != kDone) return compiled;
  }
  const DeltaHistory history(open->session->engine(), open->session->warehouse_url());
  const ProjectRun run(open->compiled, *open->session, history, clock);
  Progress progress;
  const auto envelope = run.Run({.selection = selection,
                                 .force = force,
                                 .by_lane = by_lane,
                                 .now_us = opened_at_us,
                                 .run_id = run_id,
                                 .tag = tag,
                                 .defer_to = *defer_to},
                                progress, interrupt.cancellation());
  if (!envelope.ok()) return FailNamed(envelope.status());
  const Status held = (*lock)->CheckHeld();
  if (!held.ok()) {
    (*lock)->Abandon();
    // A store that failed the views, too, is why.
    if (held.code() != StatusCode::kConflict) ReportFailures(*envelope, *open);
    return Fail(held.WithContext("the run is not recorded"));
  }
  for (const auto& [view, deferred] : envelope->deferred)
    std::cerr << Describe(view, deferred) << "\n";
  ReportViolations(*envelope, open->diagnostics);
  for (const ViewOutcome& view : envelope->views) {
    const auto warnings = WarningsOf(view.scan_units);
    ReportWarnings(warnings);
    for (const Diagnostic& warning : warnings) open->diagnostics.Add(warning);
  }
  int code = ReportFailures(*envelope, *open);
  const auto recorded = RecordRun(*envelope, open->definition, open->compiled, *open->session,
                                  open->diagnostics, **lock);
  const Status ended = (*lock)->End(envelope->state, recorded.ok(), envelope->finished_at_us);
  if (recorded.ok()) ReportPublication(*recorded, *envelope);
  if (!recorded.ok()) {
    // The views stand; only their record is missing, and the next run publishes them.
    code = std::max(
        code, Fail(recorded.status().WithContext("the run's artifacts could not be written")));
  } else if (!ended.ok()) {
    code = std::max(code, Fail(ended.WithContext("the warehouse's lock could not be given back")));
  }
  if (options.format == Format::kJson) {
    Json summary = SummaryJson(*envelope);
    const bool is_published = recorded.ok() && !recorded->published_run_id.empty();
    summary["published_run_id"] = is_published ? Json(recorded->published_run_id) : Json();
    std::cout << JsonText(summary) << "\n";
  } else {
    std::cout << fmt::format(
        "{}: {} run, {} reused, {} failed, {} blocked; {} read, {} written in {:.2f} s (run {})\n",
        envelope->state, envelope->Count(ViewState::kRun), envelope->Count(ViewState::kReused),
        envelope->Count(ViewState::kFailed), envelope->Count(ViewState::kBlocked),
        HumanBytes(envelope->bytes_read()), HumanBytes(envelope->bytes_written()),
        static_cast<double>(envelope->finished_at_us - envelope->started_at_us) / 1e6,
        envelope->run_id);
  }
  return code;
}

}  // namespace weir::cli
