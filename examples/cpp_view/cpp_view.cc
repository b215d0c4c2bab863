// SPDX-License-Identifier: Apache-2.0
//
// A project with one more view, written in C++: `cpp_view PROJECT` adds the view `late_by_carrier`
// to the project in that folder, compiles all of it, and runs what must be run. The view is one
// like those of files: bundle, fingerprint, decision, Delta table, lineage.

#include <iostream>

#include "weir/artifacts/record_run.h"
#include "weir/base/clock.h"
#include "weir/bundle/compile.h"
#include "weir/expr.h"
#include "weir/lineage/lineage.h"
#include "weir/run/delta_history.h"
#include "weir/run/project_run.h"
#include "weir/run/warehouse_lock.h"

namespace {

using namespace weir;        // NOLINT(google-build-using-namespace)
using namespace weir::expr;  // NOLINT(google-build-using-namespace)

/// How often each carrier was late, and its worst flight. `flights` is a source or a view.
ViewBuilder LateByCarrier() {
  const Expr late = col("arr_delay") > 15;
  return ViewBuilder::From("flights")
      .Filter(col("arr_delay").IsNotNull())
      .Aggregate({col("carrier")}, {count_all().As("flights"), count_if(late).As("late"),
                                    arg_max(col("flight"), col("arr_delay")).As("worst")})
      .Window({rank().Over({.order_by = {col("late").Desc()}}).As("place")})
      .Select({stable_id("carrier", col("carrier")).As("id"), all()});
}

class Lines : public RunObserver {
 public:
  void OnStarted(const std::string&) override {}
  void OnFinished(const ViewOutcome& outcome, int, int) override {
    std::cout << outcome.view_name << " " << ToString(outcome.state) << " "
              << outcome.decision.reason << "\n";
  }
};

Status Run(const std::string& folder, Diagnostics& diagnostics) {
  WEIR_ASSIGN_OR_RETURN(ProjectDefinition project,
                        LoadProject(LocalFileSystem(), folder, "", diagnostics));
  WEIR_RETURN_NOT_OK(AddView(
      project, DefineView("late_by_carrier", LateByCarrier(), {.comment = "Delays by carrier"})));
  const SystemClock clock;
  const std::string run_id = NewRunId(clock);
  const RunIdentity self = RunIdentity::Own(run_id, project.profile.name, clock.Now());
  WEIR_ASSIGN_OR_RETURN(auto session, SessionRuntime::Seal(project, diagnostics));
  WEIR_ASSIGN_OR_RETURN(const auto lock, WarehouseLock::Acquire(
                                             session->engine(), session->warehouse_url(), self,
                                             [](const RunIdentity& holder) {
                                               std::cerr << "waiting for " << Describe(holder)
                                                         << "\n";
                                             },
                                             engine::Cancellation()));
  if (lock->waited()) {
    // What was pinned before may be older than what the other run has built.
    WEIR_ASSIGN_OR_RETURN(session, SessionRuntime::Seal(project, diagnostics));
  }
  const CompiledProject compiled = CompileViews(project, *session, diagnostics);
  if (diagnostics.has_errors())
    return Status::User(StatusCode::kPlanFailed, "the project does not compile");
  const auto bundle = compiled.Find("late_by_carrier");
  std::cout << "fingerprint " << bundle->fingerprint.ToString() << "\n";
  WEIR_ASSIGN_OR_RETURN(const Lineage lineage, DeriveLineage(*bundle->plan));
  for (const auto& [table, columns] : lineage.required_columns) {
    std::cout << "reads " << table << ":";
    for (const std::string& column : columns) std::cout << " " << column;
    std::cout << "\n";
  }
  const DeltaHistory history(session->engine(), session->warehouse_url());
  const ProjectRun run(compiled, *session, history, clock);
  Lines lines;
  WEIR_ASSIGN_OR_RETURN(const RunEnvelope envelope,
                        run.Run({.run_id = run_id}, lines, engine::Cancellation()));
  WEIR_RETURN_NOT_OK(RecordRun(envelope, project, compiled, *session, diagnostics, *lock).status());
  WEIR_RETURN_NOT_OK(lock->End(envelope.state, true, envelope.finished_at_us));
  for (const ViewOutcome& view : envelope.views) WEIR_RETURN_NOT_OK(view.status);
  return Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: cpp_view PROJECT\n";
    return 2;
  }
  Diagnostics diagnostics;
  const Status status = Run(argv[1], diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) std::cerr << ToText(diagnostic);
  if (!status.ok()) std::cerr << ToText(ToDiagnostic("W2005", status));
  return status.ok() ? 0 : 1;
}
