// SPDX-License-Identifier: Apache-2.0

#include "weir/run/view_deadline.h"

#include <algorithm>
#include <utility>

namespace weir {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How often the handle of the run is looked at, which nobody announces.
constexpr milliseconds kPoll(20);

/// What a view's properties set. They were checked when it was compiled.
std::optional<TimeLimit> OwnLimit(const PlanBundle& bundle) {
  auto limit = TimeLimitOf(bundle.properties);
  return limit.ok() ? *std::move(limit) : std::nullopt;
}

}  // namespace

TimeLimit TimeLimitOf(const PlanBundle& bundle, const SessionRuntime& session) {
  return OwnLimit(bundle).value_or(session.view_timeout());
}

TimeLimit TimeLimitOfRepetition(const PlanBundle& bundle, const SessionRuntime& session) {
  const TimeLimit& now = session.view_timeout();
  auto own = OwnLimit(bundle);
  if (!now.is_set() || !own) return now;
  const bool is_longer = !own->is_set() || own->milliseconds > now.milliseconds;
  return is_longer ? *std::move(own) : now;
}

ViewDeadline::ViewDeadline(TimeLimit limit, const engine::Cancellation& outer)
    : limit_(std::move(limit)), outer_(outer), began_(steady_clock::now()) {
  if (limit_.is_set()) watcher_ = std::thread([this] { Watch(); });
}

ViewDeadline::~ViewDeadline() { (void)Stop(Status::OK()); }

void ViewDeadline::Watch() {
  const auto end = began_ + milliseconds(limit_.milliseconds);
  std::unique_lock lock(mutex_);
  while (!is_stopped_) {
    const auto now = steady_clock::now();
    is_timed_out_ = now >= end;
    if (is_timed_out_ || outer_.is_cancelled()) return own_.Cancel();
    stopped_.wait_until(lock, std::min(end, now + kPoll), [&] { return is_stopped_; });
  }
}

Status ViewDeadline::Stop(Status ended) {
  if (!watcher_.joinable()) return ended;
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  stopped_.notify_all();
  watcher_.join();
  const bool is_of_limit =
      is_timed_out_ && ended.code() == StatusCode::kCancelled && !outer_.is_cancelled();
  if (!is_of_limit) return ended;
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began_);
  return Status::User(StatusCode::kTimedOut,
                      "an end within `{}` is wanted ({}), it had run for `{}` when it was ended",
                      limit_.text, limit_.set_by, TimeSpanText(took.count()))
      .WithHint(
          "raise the limit: `view_timeout` in weir.toml for all views, 'weir.timeout' in "
          "TBLPROPERTIES for this one; `weir explain` shows its plan");
}

}  // namespace weir
