// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/hooks.h"

#include <chrono>

#include "weir/base/child_process.h"
#include "weir/base/json_text.h"
#include "weir/base/log.h"
#include "weir/base/time_text.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

/// Fails with the user to blame: the command is theirs.
Status CallHook(const ProjectDefinition& project, const HookCommand& command,
                const std::string& event, const std::function<bool()>& is_given_up) {
  const int64_t timeout_ms = project.hooks.timeout_seconds * 1000;
  ChildProcess child{.words = command.words,
                     .directory = project.root,
                     .input = event + "\n",
                     .timeout_ms = timeout_ms,
                     .is_given_up = is_given_up};
  if (LogOwnsStderr()) {
    child.on_line = [&](std::string_view line) {
      Log(LogLevel::kInfo, line, {{"hook", command.name}});
    };
  }
  const auto began = std::chrono::steady_clock::now();
  auto end = RunChildProcess(child);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  Log(LogLevel::kInfo, "a hook was called",
      {{"hook", command.name},
       {"succeeded", end.ok() && end->succeeded()},
       {"seconds", took.count()}});
  if (!end.ok()) {
    return end.status()
        .WithContext(fmt::format("hook `{}`", command.name))
        .WithHint("an array is a program and its arguments; a text is a command of a shell");
  }
  if (end->given_up) return Status::User(StatusCode::kCancelled, "cancelled");
  if (end->succeeded()) return Status::OK();
  return Status::User(StatusCode::kInvalidArgument, "hook `{}` {}: `{}`", command.name,
                      Describe(*end, timeout_ms), command.text)
      .WithHint(end->timed_out ? "`timeout_seconds` in [hooks] gives it longer"
                               : "it gets the event as JSON on standard input; 0 is success");
}

}  // namespace

Status CallBeforeRun(const ProjectDefinition& project, const RunSubject& subject,
                     const Clock& clock, const engine::Cancellation& cancellation) {
  if (!project.hooks.before_run) return Status::OK();
  const Json event{{"schema_version", 1},
                   {"event", "run_requested"},
                   {"at", TimeText(clock.Now())},
                   {"run_id", subject.run_id},
                   {"project", subject.project},
                   {"profile", subject.profile},
                   {"tag", subject.tag.empty() ? Json() : Json(subject.tag)}};
  return CallHook(project, *project.hooks.before_run, JsonText(event),
                  [&] { return cancellation.is_cancelled(); });
}

void Hooks::Add(const std::optional<HookCommand>& command, const std::string& event) {
  if (command) calls_.Add([this, &command = *command, event] { Call(command, event); });
}

void Hooks::Take(const RunEvent& event) {
  const HookSettings& hooks = project_.hooks;
  if (event.kind == RunEventKind::kViewFinished && hooks.after_view) {
    const ViewState state = event.outcome->state;
    const bool is_worth_telling =
        state == ViewState::kRun ||
        (state == ViewState::kFailed && event.outcome->status.code() != StatusCode::kCancelled);
    if (is_worth_telling) Add(hooks.after_view, JsonText(ToJson(event)));
  }
  if (event.kind != RunEventKind::kRunFinished) return;
  const std::string text = JsonText(ToJson(event));
  if (event.envelope->state == "failed") Add(hooks.on_failure, text);
  Add(hooks.after_run, text);
  calls_.Finish();
}

void Hooks::Call(const HookCommand& command, const std::string& event) {
  const Status called = CallHook(project_, command, event, {});
  if (called.ok()) return;
  Failures& failures = failures_[command.name];
  if (++failures.count > 1) return;
  failures.first = ToDiagnostic("W5008", called);
  failures.first.severity = Severity::kWarning;
  failures.first.location = command.location;
}

std::vector<Diagnostic> Hooks::TakeWarnings() {
  std::vector<Diagnostic> warnings;
  for (auto& [name, failures] : failures_) {
    if (failures.count > 1)
      failures.first.message += fmt::format("; so did {} more calls of it", failures.count - 1);
    warnings.push_back(std::move(failures.first));
  }
  failures_.clear();
  return warnings;
}

}  // namespace weir
