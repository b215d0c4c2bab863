// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/run_log.h"

#include "weir/base/log.h"

namespace weir {

namespace {

double Seconds(int64_t begin_us, int64_t end_us) {
  return static_cast<double>(end_us - begin_us) / 1e6;
}

void LogView(const ViewOutcome& view) {
  const double seconds = Seconds(view.started_at_us, view.finished_at_us);
  switch (view.state) {
    case ViewState::kRun:
      return Log(LogLevel::kInfo, "a view was built",
                 {{"view", view.view_name},
                  {"version", view.version},
                  {"rows", view.rows},
                  {"bytes_read", view.bytes_read},
                  {"bytes_written", view.bytes_written},
                  {"files", view.files.size()},
                  {"seconds", seconds},
                  {"reason_code", view.decision.code},
                  {"reason", view.decision.reason}});
    case ViewState::kReused:
      return Log(LogLevel::kInfo, "a view was reused",
                 {{"view", view.view_name},
                  {"version", view.version},
                  {"reason_code", view.decision.code},
                  {"reason", view.decision.reason}});
    case ViewState::kFailed:
      return Log(LogLevel::kInfo, "a view failed",
                 {{"view", view.view_name},
                  {"code", CodeOf(view)},
                  {"reason", view.status.message()},
                  {"seconds", seconds}});
    case ViewState::kBlocked:
      return Log(LogLevel::kInfo, "a view was blocked",
                 {{"view", view.view_name}, {"reason", view.status.message()}});
  }
}

}  // namespace

void RunLog::Take(const RunEvent& event) {
  if (!IsLogged(LogLevel::kInfo)) return;
  switch (event.kind) {
    case RunEventKind::kRunStarted:
      return Log(LogLevel::kInfo, "a run began",
                 {{"project", event.subject->project},
                  {"profile", event.subject->profile},
                  {"tag", event.subject->tag},
                  {"views", event.total}});
    case RunEventKind::kViewStarted:
      return Log(LogLevel::kInfo, "a view is being built",
                 {{"view", event.view_name}, {"finished", event.finished}, {"total", event.total}});
    case RunEventKind::kViewFinished:
      return LogView(*event.outcome);
    case RunEventKind::kRunFinished: {
      const RunEnvelope& run = *event.envelope;
      return Log(LogLevel::kInfo, "a run ended",
                 {{"state", run.state},
                  {"run", run.Count(ViewState::kRun)},
                  {"reused", run.Count(ViewState::kReused)},
                  {"failed", run.Count(ViewState::kFailed)},
                  {"blocked", run.Count(ViewState::kBlocked)},
                  {"bytes_read", run.bytes_read()},
                  {"bytes_written", run.bytes_written()},
                  {"seconds", Seconds(run.started_at_us, run.finished_at_us)},
                  {"published_run_id", run.published_run_id}});
    }
  }
}

}  // namespace weir
