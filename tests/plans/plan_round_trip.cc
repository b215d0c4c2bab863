// SPDX-License-Identifier: Apache-2.0
//
// Takes the plan of every view of a project apart and puts it together again: decoded, encoded,
// decoded, given back to the engine. plan_round_trip PROJECT [--rows] prints one line a view,
// `<view> ok` or `<view> <what differs>`, and ends with 1 if one differs. With --rows both plans
// are executed and must give the same rows.

#include <iostream>
#include <string>

#include "weir/bundle/compile.h"
#include "weir/engine/rows_testing.h"
#include "weir/plan/logical_plan.h"
#include "weir/project/project_definition.h"

namespace weir {

namespace {

/// The view's own query, since a result with two columns of one name cannot be selected from.
Status Check(const engine::Session& session, const ViewDefinition& view, bool rows) {
  WEIR_ASSIGN_OR_RETURN(const auto planned,
                        engine::Plan::FromSql(session, view.query_sql, view.dialect));
  WEIR_ASSIGN_OR_RETURN(const auto plan, planned.Optimize(session));
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, plan.ToProto());
  WEIR_ASSIGN_OR_RETURN(const std::string outputs, plan.Outputs());
  WEIR_ASSIGN_OR_RETURN(const auto decoded, DecodePlan(bytes, outputs));
  WEIR_ASSIGN_OR_RETURN(const std::string encoded, EncodePlan(*decoded));
  WEIR_ASSIGN_OR_RETURN(const auto again, DecodePlan(encoded, outputs));
  if (!(*again == *decoded)) return Status::Bug("decoded again it is another tree");
  // What the engine makes of either must be the same; it may rearrange what it reads.
  WEIR_ASSIGN_OR_RETURN(const auto direct, engine::Plan::FromProto(session, bytes));
  WEIR_ASSIGN_OR_RETURN(const auto back, engine::Plan::FromProto(session, encoded));
  WEIR_ASSIGN_OR_RETURN(const std::string direct_bytes, direct.ToProto());
  WEIR_ASSIGN_OR_RETURN(const std::string back_bytes, back.ToProto());
  if (direct_bytes != back_bytes) return Status::Bug("to the engine it is another plan");
  if (!rows) return Status::OK();
  WEIR_ASSIGN_OR_RETURN(const auto wanted, engine::SortedRows(session, plan));
  WEIR_ASSIGN_OR_RETURN(const auto found, engine::SortedRows(session, back));
  if (wanted != found)
    return Status::Bug("its {} rows are not those {}", found.size(), wanted.size());
  return Status::OK();
}

int CheckProject(const std::string& folder, bool rows) {
  Diagnostics diagnostics;
  const auto project = LoadProject(LocalFileSystem(), folder, "", diagnostics);
  if (!project.ok()) {
    std::cerr << project.status().ToString() << "\n";
    return 1;
  }
  const auto session = SessionRuntime::Seal(*project, diagnostics);
  if (!session.ok()) {
    std::cerr << session.status().ToString() << "\n";
    return 1;
  }
  CompileViews(*project, **session, diagnostics);
  int differing = 0;
  for (const ViewDefinition& view : project->views) {
    const Status status = Check((*session)->engine(), view, rows);
    differing += status.ok() ? 0 : 1;
    std::cout << view.name << " " << (status.ok() ? "ok" : status.ToString()) << "\n";
  }
  return differing == 0 ? 0 : 1;
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: plan_round_trip PROJECT [--rows]\n";
    return 2;
  }
  return weir::CheckProject(argv[1], argc > 2 && std::string(argv[2]) == "--rows");
}
