// SPDX-License-Identifier: Apache-2.0

#include "weir/project/parameter_value.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"
#include "weir/base/sql_quotes.h"
#include "weir/base/utf8_text.h"

namespace weir {

namespace {

constexpr int kMostDigits = 38;
constexpr int kUsualScale = 10;

/// What SQL calls the types that a parameter may have, in upper case.
const std::map<std::string, std::string, std::less<>>& TypeNames() {
  static const std::map<std::string, std::string, std::less<>> kNames = {
      {"BOOLEAN", "BOOLEAN"},   {"BOOL", "BOOLEAN"},    {"TINYINT", "TINYINT"},
      {"SMALLINT", "SMALLINT"}, {"INT", "INT"},         {"INTEGER", "INT"},
      {"BIGINT", "BIGINT"},     {"REAL", "REAL"},       {"FLOAT", "REAL"},
      {"DOUBLE", "DOUBLE"},     {"VARCHAR", "VARCHAR"}, {"TEXT", "VARCHAR"},
      {"STRING", "VARCHAR"},    {"DATE", "DATE"},       {"TIMESTAMP", "TIMESTAMP"},
      {"DECIMAL", "DECIMAL"},   {"NUMERIC", "DECIMAL"}};
  return kNames;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool AreDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}

Status Wanted(std::string_view what) {
  return Status::User(StatusCode::kInvalidArgument, "{}", what);
}

/// A whole number of few digits; nullopt for anything else.
std::optional<int> SmallNumber(std::string_view text, size_t most_digits) {
  if (!AreDigits(text) || text.size() > most_digits) return std::nullopt;
  int value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value;
}

/// Takes the text before `separator` off the front; all of it if there is none.
std::string_view TakeUntil(std::string_view& text, char separator, bool& found) {
  const size_t end = text.find(separator);
  found = end != std::string_view::npos;
  const std::string_view part = text.substr(0, end);
  text = found ? text.substr(end + 1) : std::string_view();
  return part;
}

std::optional<std::string> DateValue(std::string_view text) {
  bool has_month = false, has_day = false, more = false;
  const std::string_view year_text = TakeUntil(text, '-', has_month);
  const std::string_view month_text = TakeUntil(text, '-', has_day);
  const std::string_view day_text = TakeUntil(text, '-', more);
  if (!has_month || !has_day || more || year_text.size() != 4) return std::nullopt;
  const auto year = SmallNumber(year_text, 4), month = SmallNumber(month_text, 2),
             day = SmallNumber(day_text, 2);
  if (!year || !month || !day || *year == 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return fmt::format("{:04}-{:02}-{:02}", *year, *month, *day);
}

/// "HH:MM[:SS[.ffffff]]", written in one way.
std::optional<std::string> TimeValue(std::string_view text) {
  bool has_minute = false, has_second = false, has_fraction = false, more = false;
  const std::string_view hour_text = TakeUntil(text, ':', has_minute);
  const std::string_view minute_text = TakeUntil(text, ':', has_second);
  const std::string_view second_text = TakeUntil(text, '.', has_fraction);
  std::string fraction(TakeUntil(text, '.', more));
  const auto hour = SmallNumber(hour_text, 2), minute = SmallNumber(minute_text, 2);
  const auto second = has_second ? SmallNumber(second_text, 2) : std::optional(0);
  if (!has_minute || more || !hour || !minute || !second || *hour > 23 || *minute > 59 ||
      *second > 59 || (has_fraction && !AreDigits(fraction)))
    return std::nullopt;
  while (fraction.ends_with('0')) fraction.pop_back();
  if (fraction.size() > 6) return std::nullopt;  // nobody keeps parts of a microsecond
  return fmt::format("{:02}:{:02}:{:02}{}{}", *hour, *minute, *second, fraction.empty() ? "" : ".",
                     fraction);
}

Result<std::string> TimestampValue(std::string_view text) {
  const size_t date_end = text.find_first_of("T ");
  const auto date = DateValue(text.substr(0, date_end));
  const auto time = date_end == std::string_view::npos ? std::optional<std::string>("00:00:00")
                                                       : TimeValue(text.substr(date_end + 1));
  if (date && time) return *date + "T" + *time;
  return Wanted(
      "a time such as 2024-05-31T12:00:00 (years 0001 to 9999, microseconds, no time zone)");
}

Result<std::string> WholeNumber(const std::string& type, std::string_view text) {
  const int bits = type == "TINYINT" ? 8 : type == "SMALLINT" ? 16 : type == "INT" ? 32 : 64;
  const int64_t most = bits == 64 ? INT64_MAX : (int64_t{1} << (bits - 1)) - 1;
  const int64_t least = -most - 1;
  const std::string_view number = text.starts_with('+') ? text.substr(1) : text;
  int64_t value = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
  if (!AreDigits(number.starts_with('-') && !text.starts_with('+') ? number.substr(1) : number) ||
      parsed.ec != std::errc() || value < least || value > most)
    return Wanted(fmt::format("a whole number from {} to {}", least, most));
  return fmt::format("{}", value);
}

template <typename Float>
Result<std::string> FloatValue(std::string_view text) {
  const std::string_view number = text.starts_with('+') ? text.substr(1) : text;
  Float value = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() ||
      (text.starts_with('+') && number.starts_with('-')))
    return Wanted("a number such as 1.5 or 1e-3, `inf` or `NaN`");
  if (std::isnan(value)) return std::string("NaN");
  return fmt::format("{}", value);
}

/// Precision and scale of "DECIMAL(9, 2)".
std::pair<int, int> DigitsOf(const std::string& type) {
  int precision = 0, scale = 0;
  const char* at = type.data() + std::string_view("DECIMAL(").size();
  const char* end = type.data() + type.size();
  at = std::from_chars(at, end, precision).ptr;
  std::from_chars(at + 2, end, scale);
  return {precision, scale};
}

Result<std::string> DecimalValue(const std::string& type, std::string_view text) {
  const auto [precision, scale] = DigitsOf(type);
  const bool negative = text.starts_with('-');
  std::string_view rest = negative || text.starts_with('+') ? text.substr(1) : text;
  bool has_point = false;
  std::string whole(TakeUntil(rest, '.', has_point)), part(rest);
  const bool is_number = (whole.empty() || AreDigits(whole)) && (part.empty() || AreDigits(part)) &&
                         !(whole.empty() && part.empty());
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  while (part.ends_with('0')) part.pop_back();
  if (!is_number || static_cast<int>(whole.size()) > precision - scale ||
      static_cast<int>(part.size()) > scale) {
    return Wanted(fmt::format("a number of at most {} digits before the point and {} behind it",
                              precision - scale, scale));
  }
  part.resize(static_cast<size_t>(scale), '0');
  const bool is_zero = whole.empty() && part.find_first_not_of('0') == std::string::npos;
  return fmt::format("{}{}{}{}", negative && !is_zero ? "-" : "", whole.empty() ? "0" : whole,
                     scale > 0 ? "." : "", part);
}

/// What stands in the parentheses of a DECIMAL.
Result<std::string> DecimalType(std::string_view written, std::string_view digits) {
  bool has_scale = false, more = false;
  const auto precision = SmallNumber(TrimAscii(TakeUntil(digits, ',', has_scale)), 2);
  const auto scale =
      has_scale ? SmallNumber(TrimAscii(TakeUntil(digits, ',', more)), 2) : std::optional(0);
  if (!precision || !scale || more || *precision == 0 || *precision > kMostDigits ||
      *scale > *precision) {
    return Status::User(StatusCode::kInvalidArgument,
                        "DECIMAL with up to {} digits is wanted, found `{}`", kMostDigits, written)
        .WithHint("such as `DECIMAL(10, 2)`");
  }
  return fmt::format("DECIMAL({}, {})", *precision, *scale);
}

}  // namespace

Result<std::string> ParameterType(std::string_view written) {
  const std::string text(TrimAscii(written));
  const size_t open = std::min(text.find('('), text.size());
  const std::string name = AsciiUpperCase(TrimAscii(std::string_view(text).substr(0, open)));
  const auto found = TypeNames().find(name);
  const bool has_digits = open < text.size();
  if (found != TypeNames().end() && found->second == "DECIMAL") {
    if (!has_digits) return fmt::format("DECIMAL({}, {})", kMostDigits, kUsualScale);
    if (text.ends_with(')'))
      return DecimalType(text, std::string_view(text).substr(open + 1, text.size() - open - 2));
  } else if (found != TypeNames().end() && !has_digits) {
    return found->second;
  }
  std::vector<std::string> names;
  for (const auto& [known, type] : TypeNames()) names.push_back(known);
  std::string hint = SuggestionHint(name, names);
  if (hint.empty() || has_digits) {
    hint =
        "types are `BOOLEAN`, `TINYINT`, `SMALLINT`, `INT`, `BIGINT`, `REAL`, `DOUBLE`, "
        "`DECIMAL(p, s)`, `VARCHAR`, `DATE` and `TIMESTAMP`";
  }
  return Status::User(StatusCode::kInvalidArgument, "a type of a parameter is wanted, found `{}`",
                      text)
      .WithHint(std::move(hint));
}

Result<std::string> ParameterValue(const std::string& type, std::string_view text) {
  if (type == "VARCHAR") {
    if (FindInvalidUtf8(text)) return Wanted("a text of UTF-8");
    return std::string(text);
  }
  if (type == "BOOLEAN") {
    const std::string word = AsciiLowerCase(text);
    if (word == "true" || word == "false") return word;
    return Wanted("`true` or `false`");
  }
  if (type == "DATE") {
    if (auto date = DateValue(text)) return *std::move(date);
    return Wanted("a date such as 2024-05-31 (years 0001 to 9999)");
  }
  if (type == "TIMESTAMP") return TimestampValue(text);
  if (type == "DOUBLE") return FloatValue<double>(text);
  if (type == "REAL") return FloatValue<float>(text);
  if (type.starts_with("DECIMAL")) return DecimalValue(type, text);
  return WholeNumber(type, text);
}

std::string ParameterConstant(const std::string& type, const std::string& value) {
  if (type == "BOOLEAN") return value;
  if (type == "VARCHAR") return QuotedSqlText(value);
  return fmt::format("CAST({} AS {})", QuotedSqlText(value), type);
}

bool IsParameterName(std::string_view name) {
  return !name.empty() && !IsDigit(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_';
  });
}

}  // namespace weir
