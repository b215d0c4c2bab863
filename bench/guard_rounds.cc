// SPDX-License-Identifier: Apache-2.0
//
// What guards cost: runs every query of a project with all guards and with none, in turns, within one process.
// guard_rounds PROJECT ROUNDS [GUARD …] prints one JSON object a view: the seconds of each round on the clock and of the processor, with
// guards and without. Named guards only are left out where any is named. Rows are counted, not kept, and must be as many in both.

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cpu_seconds.h"
#include "weir/bundle/compile.h"
#include "weir/guards/guard_list.h"
#include "weir/project/project_definition.h"

namespace weir {

namespace {

struct Round {
  double seconds = 0;
  double cpu_seconds = 0;
  int64_t rows = 0;
};

Result<Round> Run(const engine::Session& session, const engine::Plan& plan) {
  Round round;
  const auto started = std::chrono::steady_clock::now();
  const double cpu_started = CpuSeconds();
  WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(session, plan));
  WEIR_ASSIGN_OR_RETURN(const auto reader, physical.Execute(session, engine::Cancellation()));
  while (true) {
    auto batch = reader->Next();
    if (!batch.ok()) return engine::FromStreamFailure(batch.status());
    if (!*batch) break;
    round.rows += (*batch)->num_rows();
  }
  round.cpu_seconds = CpuSeconds() - cpu_started;
  round.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return round;
}

/// A project opened with or without guards.
struct Side {
  ProjectDefinition project;
  std::unique_ptr<SessionRuntime> session;
};

Result<Side> OpenSide(const std::string& folder, const std::vector<std::string>& guards_off) {
  Diagnostics diagnostics;
  Side side;
  WEIR_ASSIGN_OR_RETURN(side.project, LoadProject(LocalFileSystem(), folder, "", diagnostics));
  side.project.profile.guards_off = guards_off;
  WEIR_ASSIGN_OR_RETURN(side.session, SessionRuntime::Seal(side.project, diagnostics));
  CompileViews(side.project, *side.session, diagnostics);
  return side;
}

Result<engine::Plan> PlanOf(const Side& side, const ViewDefinition& view) {
  const engine::Session& session = side.session->engine();
  WEIR_ASSIGN_OR_RETURN(auto plan, engine::Plan::FromSql(session, view.query_sql, view.dialect));
  return std::move(plan).Optimize(session);
}

std::string Json(const std::vector<Round>& rounds, double Round::* field) {
  std::vector<double> values;
  for (const Round& round : rounds) values.push_back(round.*field);
  return fmt::format("[{:.6f}]", fmt::join(values, ", "));
}

Status Measure(const std::string& folder, int rounds, const std::vector<std::string>& off) {
  WEIR_ASSIGN_OR_RETURN(const Side with, OpenSide(folder, {}));
  WEIR_ASSIGN_OR_RETURN(const Side without, OpenSide(folder, off));
  for (const ViewDefinition& view : with.project.views) {
    WEIR_ASSIGN_OR_RETURN(const engine::Plan guarded, PlanOf(with, view));
    WEIR_ASSIGN_OR_RETURN(const engine::Plan bare, PlanOf(without, view));
    std::vector<Round> on_rounds, off_rounds;
    // The first round of each warms caches and counts for nothing.
    for (int round = -1; round < rounds; ++round) {
      for (const bool guards : {round % 2 == 0, round % 2 != 0}) {
        WEIR_ASSIGN_OR_RETURN(const Round measured,
                              guards ? Run(with.session->engine(), guarded)
                                     : Run(without.session->engine(), bare));
        if (round >= 0) (guards ? on_rounds : off_rounds).push_back(measured);
      }
    }
    if (!on_rounds.empty() && on_rounds.back().rows != off_rounds.back().rows) {
      return Status::Bug("{} has {} rows with guards and {} without", view.name,
                         on_rounds.back().rows, off_rounds.back().rows);
    }
    std::cout << fmt::format(
                     R"({{"view": "{}", "with": {}, "without": {}, "cpu_with": {}, "cpu_without": {}}})",
                     view.name, Json(on_rounds, &Round::seconds), Json(off_rounds, &Round::seconds),
                     Json(on_rounds, &Round::cpu_seconds), Json(off_rounds, &Round::cpu_seconds))
              << std::endl;
  }
  return Status::OK();
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: guard_rounds PROJECT ROUNDS [GUARD …]\n";
    return 2;
  }
  std::vector<std::string> off(argv + 3, argv + argc);
  if (off.empty()) {
    for (const auto& guard : weir::AllGuards()) off.push_back(guard.name);
  }
  const weir::Status status = weir::Measure(argv[1], std::stoi(argv[2]), off);
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
