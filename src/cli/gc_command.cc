// SPDX-License-Identifier: Apache-2.0
//
// gc: what of the warehouse nobody needs any more.

#include <iostream>

#include "weir/base/clock.h"
#include "weir/base/filesystem.h"
#include "weir/base/json_text.h"
#include "weir/cli/command.h"
#include "weir/cli/interrupt.h"
#include "weir/cli/warehouse_access.h"
#include "weir/run/project_run.h"
#include "weir/upkeep/carry_out.h"
#include "weir/upkeep/upkeep_plan.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Totals {
  int64_t files = 0;
  int64_t bytes = 0;
  int64_t dropped = 0;
};

Totals TotalsOf(const std::vector<UpkeepAction>& actions) {
  Totals totals;
  for (const UpkeepAction& action : actions) {
    if (!IsRemoval(action.kind)) continue;
    totals.files += action.files;
    totals.bytes += action.bytes;
    totals.dropped += action.kind == UpkeepKind::kDropTable ? 1 : 0;
  }
  return totals;
}

void PrintJson(const std::string& gc_id, const std::vector<UpkeepAction>& actions, bool dry_run) {
  Json json = Json::array();
  for (const UpkeepAction& action : actions) {
    json.push_back({{"table", action.table},
                    {"action", ToString(action.kind)},
                    {"path", action.path.empty() ? Json() : Json(action.path)},
                    {"version", action.version < 0 ? Json() : Json(action.version)},
                    {"files", action.files},
                    {"bytes", action.bytes},
                    {"reason", action.reason}});
  }
  const Totals totals = TotalsOf(actions);
  std::cout << JsonText(Json{{"schema_version", 1},
                             {"gc_id", gc_id},
                             {"dry_run", dry_run},
                             {"files", totals.files},
                             {"bytes", totals.bytes},
                             {"actions", json}},
                        2)
            << "\n";
}

void PrintTable(const std::vector<UpkeepAction>& actions, bool dry_run) {
  std::vector<std::vector<std::string>> rows;
  for (const UpkeepAction& action : actions) {
    const std::string what = !action.path.empty()
                                 ? action.path
                                 : fmt::format("version {}, {} file{}", action.version,
                                               action.files, action.files == 1 ? "" : "s");
    rows.push_back({action.table, std::string(ToString(action.kind)), what,
                    HumanBytes(action.bytes), action.reason});
  }
  if (!rows.empty())
    std::cout << RenderTable({"table", "action", "what", "bytes", "reason"}, rows) << "\n";
  const Totals totals = TotalsOf(actions);
  std::cout << fmt::format(
      "{} file{}, {}{}{}\n", totals.files, totals.files == 1 ? "" : "s", HumanBytes(totals.bytes),
      totals.dropped == 0
          ? std::string()
          : fmt::format(", {} table{} with them", totals.dropped, totals.dropped == 1 ? "" : "s"),
      totals.files == 0 ? ""
      : dry_run         ? "; `weir gc` removes them"
                        : "; removed");
}

}  // namespace

int RunGc(const GlobalOptions& options, bool dry_run) {
  const LocalFileSystem files;
  Diagnostics diagnostics;
  const auto project = LoadProject(files, options.project, options.profile, diagnostics);
  if (!project.ok()) return FailNamed(project.status());
  // With a broken file nobody knows all tables, and nothing of them is to be touched.
  if (diagnostics.has_errors()) return Report(diagnostics);
  Diagnostics of_sources, of_warehouse;  // which are not looked at
  const auto session = SessionRuntime::Seal(*project, of_sources);
  if (!session.ok()) return FailNamed(session.status());
  const InterruptScope interrupt;
  const SystemClock clock;
  const std::string gc_id = NewRunId(clock);
  const auto lock = TakeWarehouse(*project, **session, gc_id, clock.Now(), interrupt.cancellation(),
                                  of_warehouse);
  if (!lock.ok()) return Fail(lock.status());

  const int64_t now_us = clock.Now();
  auto plan = PlanUpkeep(*project, **session, now_us);
  if (!plan.ok()) return Fail(plan.status().WithContext("nothing is removed"));
  int code = kDone;
  for (const Status& problem : plan->problems) code = std::max(code, Fail(problem));
  const auto print = [&](const std::vector<UpkeepAction>& actions) {
    if (options.format == Format::kJson) return PrintJson(gc_id, actions, dry_run);
    PrintTable(actions, dry_run);
  };
  if (dry_run) {
    print(plan->actions);
    return code;
  }
  const UpkeepOutcome outcome = CarryOut(
      *plan, **session, now_us,
      [&] {
        Status held = (*lock)->CheckHeld();
        if (!held.ok()) (*lock)->Abandon();
        return held;
      },
      interrupt.cancellation());
  for (const Status& problem : outcome.problems) code = std::max(code, Fail(problem));
  const Status recorded = RecordUpkeep(gc_id, outcome.done, **session, clock.Now());
  if (!recorded.ok())
    code = std::max(code, Fail(recorded.WithContext("what was done could not be recorded")));
  if (const Status ended = (*lock)->End("", /*is_recorded=*/true, 0); !ended.ok())
    code = std::max(code, Fail(ended.WithContext("the warehouse's lock could not be given back")));
  print(outcome.done);
  return outcome.cancelled ? kInterrupted : code;
}

}  // namespace weir::cli
