// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/trace_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "weir/base/json_text.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

/// The lane of the run as a whole; threads follow.
constexpr int kRunLane = 0;
constexpr int kProcess = 1;

Status CannotWrite(const std::string& path) {
  return Status::Environment(StatusCode::kIo, "the trace cannot be written to `{}`: {}", path,
                             std::strerror(errno))
      .WithHint("--profile-trace takes a file in a folder that there is");
}

Json Named(int lane, const std::string& name) {
  return {{"name", "thread_name"},
          {"ph", "M"},
          {"pid", kProcess},
          {"tid", lane},
          {"args", {{"name", name}}}};
}

}  // namespace

Result<std::unique_ptr<TraceFile>> TraceFile::Open(const std::string& path) {
  std::ofstream file(path, std::ios::app);
  if (!file) return CannotWrite(path);
  return std::unique_ptr<TraceFile>(new TraceFile(path));
}

void TraceFile::AddSlice(std::string name, std::string_view category, int lane, int64_t begin_us,
                         int64_t end_us, Json arguments) {
  slices_.push_back({{"name", std::move(name)},
                     {"cat", category},
                     {"ph", "X"},
                     {"ts", begin_us},
                     {"dur", std::max<int64_t>(0, end_us - begin_us)},
                     {"pid", kProcess},
                     {"tid", lane},
                     {"args", std::move(arguments)}});
}

void TraceFile::AddView(const RunEvent& event) {
  const ViewOutcome& view = *event.outcome;
  const int lane = event.thread + 1;
  threads_ = std::max(threads_, lane);
  Json arguments{{"state", ToString(view.state)},
                 {"rows", view.rows},
                 {"bytes_read", view.bytes_read},
                 {"bytes_written", view.bytes_written}};
  if (!view.decision.reason.empty()) arguments["reason"] = view.decision.reason;
  if (!view.status.ok()) arguments["message"] = view.status.message();
  AddSlice(view.view_name, "view", lane, view.started_at_us, view.finished_at_us,
           std::move(arguments));
  const int64_t wrote_from = view.write_began_at_us, committed_from = view.commit_began_at_us;
  const int64_t end = view.finished_at_us;
  AddSlice("decide", "phase", lane, view.started_at_us, wrote_from > 0 ? wrote_from : end, {});
  if (wrote_from > 0)
    AddSlice("write", "phase", lane, wrote_from, committed_from > 0 ? committed_from : end, {});
  if (committed_from > 0) AddSlice("commit", "phase", lane, committed_from, end, {});
}

void TraceFile::Write(const RunEvent& event) {
  const RunEnvelope& run = *event.envelope;
  AddSlice("run " + run.run_id, "run", kRunLane, run.started_at_us, run.finished_at_us,
           {{"state", run.state}});
  Json events = Json::array({Named(kRunLane, "run")});
  for (int lane = 1; lane <= threads_; ++lane)
    events.push_back(Named(lane, fmt::format("thread {}", lane)));
  for (Json& slice : slices_) {
    slice["ts"] = slice["ts"].get<int64_t>() - run.started_at_us;
    if (slice["args"].is_null()) slice.erase("args");
    events.push_back(std::move(slice));
  }
  std::ofstream file(path_, std::ios::trunc);
  file << JsonText(Json{{"traceEvents", std::move(events)},
                        {"displayTimeUnit", "ms"},
                        {"otherData",
                         {{"run_id", run.run_id},
                          {"project", event.subject->project},
                          {"profile", event.subject->profile},
                          {"started_at_us", run.started_at_us}}}})
       << "\n";
  file.close();
  if (!file) status_ = CannotWrite(path_);
}

void TraceFile::Take(const RunEvent& event) {
  if (event.kind == RunEventKind::kViewFinished) AddView(event);
  if (event.kind == RunEventKind::kRunFinished) Write(event);
}

}  // namespace weir
