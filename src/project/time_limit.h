// SPDX-License-Identifier: Apache-2.0
//
// How long a view may run. In: texts such as "90s" or "1h30m", from weir.toml and from the
// properties of views. Out: milliseconds, with what set them. Who keeps a limit is not said here.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir {

/// The property of a view that limits how long it may run.
inline constexpr const char* kTimeoutProperty = "weir.timeout";

/// How long a view may run.
struct TimeLimit {
  int64_t milliseconds = 0;  ///< 0: there is no limit, and somebody said so
  std::string text;          ///< as it was written: "1h30m"
  std::string set_by;        ///< for people: "`view_timeout` in weir.toml:7:16"

  bool is_set() const { return milliseconds > 0; }
  bool operator==(const TimeLimit&) const = default;
};

/// The milliseconds that a text such as "90s", "1.5h", "1h 30m" or "250ms" stands for: numbers with
/// the units `d`, `h`, `m`, `s` and `ms`, each at most once and the longest first. 0 for "none".
/// Nothing for other texts, for no time at all, and for more than 10000 days.
std::optional<int64_t> ParseTimeLimit(std::string_view text);

/// What to write where a text is no time limit.
std::string TimeLimitHint(std::string_view text);

/// The limit that a view's properties set: `weir.timeout`. Fails with kInvalidArgument, naming the
/// property, where its value is none.
Result<std::optional<TimeLimit>> TimeLimitOf(const std::map<std::string, std::string>& properties);

/// "250 ms", "2.1 s", "12 min 5 s" or "1 h 30 min": how long something took.
std::string TimeSpanText(int64_t milliseconds);

}  // namespace weir
