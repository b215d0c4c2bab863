// SPDX-License-Identifier: Apache-2.0

#include "weir/project/time_limit.h"

#include <array>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"

namespace weir {

namespace {

constexpr std::string_view kNone = "none";
constexpr int64_t kDayMs = 86'400'000, kHourMs = 3'600'000, kMinuteMs = 60'000, kSecondMs = 1000;
/// Nobody waits longer, and clocks that count nanoseconds hold it.
constexpr double kMostMs = 10'000.0 * static_cast<double>(kDayMs);

struct Unit {
  std::string_view name;
  int64_t milliseconds;
};
constexpr std::array<Unit, 5> kUnits = {
    {{"d", kDayMs}, {"h", kHourMs}, {"m", kMinuteMs}, {"s", kSecondMs}, {"ms", 1}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// As long as `is`.
template <typename Predicate>
std::string_view TakeWhile(std::string_view& text, Predicate is) {
  size_t length = 0;
  while (length < text.size() && is(text[length])) ++length;
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

/// Digits, perhaps with a point among them.
std::optional<double> TakeNumber(std::string_view& text) {
  constexpr size_t kMostDigits = 18;
  const std::string_view digits = TakeWhile(text, [](char c) { return IsDigit(c) || c == '.'; });
  const bool is_number = !digits.empty() && digits.size() <= kMostDigits && digits[0] != '.' &&
                         digits.back() != '.' && digits.find('.') == digits.rfind('.');
  if (!is_number) return std::nullopt;
  return std::strtod(std::string(digits).c_str(), nullptr);
}

}  // namespace

std::optional<int64_t> ParseTimeLimit(std::string_view text) {
  text = TrimAscii(text);
  if (text == kNone) return 0;
  double total = 0;
  size_t next_unit = 0;
  while (!text.empty()) {
    const auto number = TakeNumber(text);
    if (!number) return std::nullopt;
    TakeWhile(text, IsAsciiSpace);
    const std::string_view name = TakeWhile(text, IsLetter);
    size_t unit = next_unit;
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size()) return std::nullopt;
    next_unit = unit + 1;
    total += *number * static_cast<double>(kUnits[unit].milliseconds);
    TakeWhile(text, IsAsciiSpace);
  }
  if (total > kMostMs) return std::nullopt;
  const int64_t milliseconds = std::llround(total);
  return milliseconds > 0 ? std::optional(milliseconds) : std::nullopt;
}

std::string TimeLimitHint(std::string_view text) {
  text = TrimAscii(text);
  const bool is_bare = !text.empty() && text.find_first_not_of("0123456789.") == text.npos;
  if (is_bare && ParseTimeLimit(std::string(text) + "s")) {
    return fmt::format("a time has a unit: `{}s` are seconds, `{}m` minutes", text, text);
  }
  return "units are `d`, `h`, `m`, `s` and `ms`, the longest first: \"1h30m\"; \"none\" sets no "
         "limit";
}

Result<std::optional<TimeLimit>> TimeLimitOf(const std::map<std::string, std::string>& properties) {
  const auto found = properties.find(kTimeoutProperty);
  if (found == properties.end()) return std::optional<TimeLimit>();
  const auto milliseconds = ParseTimeLimit(found->second);
  if (!milliseconds) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a time such as \"10m\" is wanted for the property `{}`, found `{}`",
                        kTimeoutProperty, found->second)
        .WithHint(TimeLimitHint(found->second));
  }
  return std::optional(TimeLimit{.milliseconds = *milliseconds,
                                 .text = found->second,
                                 .set_by = fmt::format("`{}` of the view", kTimeoutProperty)});
}

std::string TimeSpanText(int64_t milliseconds) {
  if (milliseconds < kSecondMs) return fmt::format("{} ms", milliseconds);
  if (milliseconds < kMinuteMs)
    return fmt::format("{:.1f} s", std::floor(static_cast<double>(milliseconds) / 100) / 10);
  if (milliseconds < kHourMs) {
    return fmt::format("{} min {} s", milliseconds / kMinuteMs,
                       milliseconds % kMinuteMs / kSecondMs);
  }
  return fmt::format("{} h {} min", milliseconds / kHourMs, milliseconds % kHourMs / kMinuteMs);
}

}  // namespace weir
