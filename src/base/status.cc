// SPDX-License-Identifier: Apache-2.0

#include "weir/base/status.h"

#include <cstdio>
#include <cstdlib>

#include "weir/base/log.h"

namespace weir {

std::string_view ToString(Blame blame) {
  switch (blame) {
    case Blame::kUser:
      return "user";
    case Blame::kEnvironment:
      return "environment";
    case Blame::kBug:
      return "bug";
  }
  return "bug";
}

std::string_view ToString(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kInvalidArgument:
      return "invalid_argument";
    case StatusCode::kNotFound:
      return "not_found";
    case StatusCode::kAlreadyExists:
      return "already_exists";
    case StatusCode::kPlanFailed:
      return "plan_failed";
    case StatusCode::kOverflow:
      return "overflow";
    case StatusCode::kUnsupported:
      return "unsupported";
    case StatusCode::kCorrupt:
      return "corrupt";
    case StatusCode::kIo:
      return "io";
    case StatusCode::kOutOfMemory:
      return "out_of_memory";
    case StatusCode::kOutOfSpace:
      return "out_of_space";
    case StatusCode::kPermission:
      return "permission";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kTimedOut:
      return "timed_out";
    case StatusCode::kConflict:
      return "conflict";
    case StatusCode::kInternal:
      return "internal";
  }
  return "internal";
}

std::string ToString(const SourceLocation& location) {
  if (location.line == 0) return location.file;
  if (location.column == 0) return fmt::format("{}:{}", location.file, location.line);
  return fmt::format("{}:{}:{}", location.file, location.line, location.column);
}

Status::Status(StatusCode code, Blame blame, std::string message)
    : state_(code == StatusCode::kOk ? nullptr
                                     : std::make_shared<const State>(
                                           State{code, blame, std::move(message), {}, {}, {}})) {}

namespace {
const std::string& Empty() {
  static const std::string empty;
  return empty;
}
}  // namespace

const std::string& Status::message() const { return state_ ? state_->message : Empty(); }
const std::string& Status::hint() const { return state_ ? state_->hint : Empty(); }
const std::string& Status::cause() const { return state_ ? state_->cause : Empty(); }
const SourceLocation& Status::location() const {
  static const SourceLocation unknown;
  return state_ ? state_->location : unknown;
}

template <typename Change>
Status Status::Changed(Change change) const {
  if (ok()) return *this;
  auto state = std::make_shared<State>(*state_);
  change(*state);
  Status result;
  result.state_ = std::move(state);
  return result;
}

Status Status::WithLocation(SourceLocation location) const {
  return Changed([&](State& state) { state.location = std::move(location); });
}
Status Status::WithHint(std::string hint) const {
  return Changed([&](State& state) { state.hint = std::move(hint); });
}
Status Status::WithCause(std::string cause) const {
  return Changed([&](State& state) { state.cause = std::move(cause); });
}
Status Status::WithContext(std::string_view context) const {
  return Changed(
      [&](State& state) { state.message = fmt::format("{}: {}", context, state.message); });
}

std::string Status::ToString() const {
  if (ok()) return "ok";
  std::string text = state_->message;
  if (!state_->hint.empty()) text += fmt::format(" ({})", state_->hint);
  return text;
}

namespace internal {
void CheckFailed(const char* condition, const char* file, int line) {
  if (LogOwnsStderr()) {
    const LogField place[] = {{"file", file}, {"line", line}};
    WriteLog(LogLevel::kError, fmt::format("internal check failed: {}", condition), place);
  } else {
    std::fprintf(
        stderr,
        "weir: internal check failed: %s at %s:%d\nThis is a bug in Weir; please report it.\n",
        condition, file, line);
  }
  std::abort();
}
}  // namespace internal

}  // namespace weir
