// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/run_event.h"

#include <algorithm>
#include <iostream>

#include "weir/base/json_text.h"
#include "weir/base/time_text.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

double Seconds(int64_t begin_us, int64_t end_us) {
  return static_cast<double>(end_us - begin_us) / 1e6;
}

void AddRunStarted(const RunEvent& event, Json& json) {
  json["project"] = event.subject->project;
  json["profile"] = event.subject->profile;
  json["tag"] = event.subject->tag.empty() ? Json() : Json(event.subject->tag);
  json["total"] = event.total;
  json["views"] = *event.views;
}

void AddViewFinished(const RunEvent& event, Json& json) {
  const ViewOutcome& view = *event.outcome;
  json["state"] = ToString(view.state);
  json["started_at"] = TimeText(view.started_at_us);
  json["seconds"] = Seconds(view.started_at_us, view.finished_at_us);
  json["rows"] = view.rows;
  json["bytes_read"] = view.bytes_read;
  json["bytes_written"] = view.bytes_written;
  json["version"] = view.read_version < 0 ? Json() : Json(view.read_version);
  if (!view.decision.code.empty()) {
    json["reason_code"] = view.decision.code;
    json["reason"] = view.decision.reason;
  }
  if (view.state == ViewState::kFailed) json["code"] = CodeOf(view);
  if (!view.status.ok()) json["message"] = view.status.message();
}

void AddRunFinished(const RunEnvelope& envelope, Json& json) {
  json["state"] = envelope.state;
  json["views"] = {{"run", envelope.Count(ViewState::kRun)},
                   {"reused", envelope.Count(ViewState::kReused)},
                   {"failed", envelope.Count(ViewState::kFailed)},
                   {"blocked", envelope.Count(ViewState::kBlocked)}};
  json["published_run_id"] =
      envelope.published_run_id.empty() ? Json() : Json(envelope.published_run_id);
  json["bytes_read"] = envelope.bytes_read();
  json["bytes_written"] = envelope.bytes_written();
  json["seconds"] = Seconds(envelope.started_at_us, envelope.finished_at_us);
  json["failures"] = Json::array();
  for (const ViewOutcome& view : envelope.views) {
    if (view.status.ok()) continue;
    json["failures"].push_back({{"view", view.view_name},
                                {"state", ToString(view.state)},
                                {"message", view.status.message()}});
  }
}

}  // namespace

std::string_view ToString(RunEventKind kind) {
  static constexpr std::string_view kNames[] = {"run_started", "view_started", "view_finished",
                                                "run_finished"};
  return kNames[static_cast<size_t>(kind)];
}

bool FailedAtConstraint(const ViewOutcome& view) {
  return std::any_of(view.constraints.begin(), view.constraints.end(), [](const auto& constraint) {
    return constraint.action == ViolationAction::kFailUpdate && constraint.rows_failed > 0;
  });
}

std::string CodeOf(const ViewOutcome& failed) {
  if (failed.failed_at_partition) return "W5005";
  if (FailedAtConstraint(failed)) return "W5004";
  // Files and logs that contradict their format, and tables that need more than the reader has,
  // have one code wherever they are found.
  if (failed.status.blame() == Blame::kEnvironment) {
    if (failed.status.code() == StatusCode::kCorrupt) return "W3003";
    if (failed.status.code() == StatusCode::kUnsupported) return "W3002";
  }
  if (failed.status.code() == StatusCode::kTimedOut) return "W5011";
  return failed.status.code() == StatusCode::kOverflow ? "W5006" : "W5001";
}

nlohmann::ordered_json ToJson(const RunEvent& event) {
  Json json{{"schema_version", kSchemaVersion},
            {"event", ToString(event.kind)},
            {"at", TimeText(event.at_us)},
            {"run_id", event.subject->run_id}};
  switch (event.kind) {
    case RunEventKind::kRunStarted:
      AddRunStarted(event, json);
      return json;
    case RunEventKind::kRunFinished:
      AddRunFinished(*event.envelope, json);
      return json;
    case RunEventKind::kViewStarted:
    case RunEventKind::kViewFinished:
      break;
  }
  json["view"] = event.view_name;
  json["task"] = TaskKey(event.view_name);
  if (event.kind == RunEventKind::kViewFinished) AddViewFinished(event, json);
  json["finished"] = event.finished;
  json["total"] = event.total;
  return json;
}

void RunEvents::Tell(RunEvent event) {
  event.at_us = clock_.Now();
  event.subject = &subject_;
  event.finished = finished_;
  event.total = total_;
  for (RunEventConsumer* consumer : consumers_) consumer->Take(event);
}

int RunEvents::ThreadNumber() {
  return threads_.try_emplace(std::this_thread::get_id(), static_cast<int>(threads_.size()))
      .first->second;
}

void RunEvents::OnSelected(const std::vector<std::string>& views) {
  const std::lock_guard lock(mutex_);
  total_ = static_cast<int>(views.size());
  RunEvent event{.kind = RunEventKind::kRunStarted};
  event.views = &views;
  Tell(std::move(event));
}

void RunEvents::OnStarted(const std::string& view_name) {
  const std::lock_guard lock(mutex_);
  RunEvent event{.kind = RunEventKind::kViewStarted};
  event.thread = ThreadNumber();
  event.view_name = view_name;
  Tell(std::move(event));
}

void RunEvents::OnFinished(const ViewOutcome& outcome, int finished, int total) {
  const std::lock_guard lock(mutex_);
  finished_ = finished;
  total_ = total;
  RunEvent event{.kind = RunEventKind::kViewFinished};
  event.thread = ThreadNumber();
  event.view_name = outcome.view_name;
  event.outcome = &outcome;
  Tell(std::move(event));
}

void RunEvents::Finish(const RunEnvelope& envelope) {
  const std::lock_guard lock(mutex_);
  RunEvent event{.kind = RunEventKind::kRunFinished};
  event.envelope = &envelope;
  Tell(std::move(event));
}

void EventLines::Take(const RunEvent& event) {
  if (all_ || event.kind == RunEventKind::kRunFinished)
    std::cout << JsonText(ToJson(event)) << std::endl;
}

}  // namespace weir
