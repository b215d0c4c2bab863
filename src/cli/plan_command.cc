// SPDX-License-Identifier: Apache-2.0
//
// plan: what a run would do, and why.

#include <iostream>
#include <set>

#include "weir/base/clock.h"
#include "weir/base/json_text.h"
#include "weir/cli/command.h"
#include "weir/run/delta_history.h"
#include "weir/run/plan_memo.h"
#include "weir/run/project_run.h"

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

}  // namespace weir::cli
