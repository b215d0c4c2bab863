// SPDX-License-Identifier: Apache-2.0

#include "weir/run/run_envelope.h"

#include <algorithm>
#include <ctime>
#include <random>

#include <fmt/format.h>

namespace weir {

std::string_view ToString(ViewState state) {
  switch (state) {
    case ViewState::kRun:
      return "run";
    case ViewState::kReused:
      return "reused";
    case ViewState::kFailed:
      return "failed";
    case ViewState::kBlocked:
      return "blocked";
  }
  return "failed";
}

int RunEnvelope::Count(ViewState state) const {
  return static_cast<int>(std::count_if(
      views.begin(), views.end(), [&](const ViewOutcome& view) { return view.state == state; }));
}

int64_t RunEnvelope::bytes_read() const {
  int64_t bytes = 0;
  for (const ViewOutcome& view : views) bytes += view.bytes_read;
  return bytes;
}

int64_t RunEnvelope::bytes_written() const {
  int64_t bytes = 0;
  for (const ViewOutcome& view : views) bytes += view.bytes_written;
  return bytes;
}

std::string NewRunId(const Clock& clock) {
  const std::time_t seconds = clock.Now() / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y%m%dT%H%M%S", &utc);
  std::random_device random;
  return fmt::format("{}.{:06}Z-{:06x}", text, clock.Now() % 1'000'000, random() & 0xFFFFFF);
}

}  // namespace weir
