// SPDX-License-Identifier: Apache-2.0
//
// The log: what happens, for programs and for those who look afterwards. In: records, each of a
// level, a message and fields. Out: one line a record, as text or as JSON, to stderr or to a file;
// nothing as long as no log is open. The one log of the process; safe for use from several threads.

#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "weir/base/status.h"

namespace weir {

enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kOff };

/// "trace", "debug", "info", "warn", "error" or "off".
std::string_view ToString(LogLevel level);

/// The level of that name.
std::optional<LogLevel> FindLogLevel(std::string_view name);

enum class LogFormat { kText, kJson };

/// One value beside the message. Texts are looked at during the call only; an empty one is unknown
/// and left out.
struct LogField {
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, std::integral auto number)
      : key(name), value(static_cast<int64_t>(number)) {}
  LogField(std::string_view name, bool flag) : key(name), value(flag) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}

  std::string_view key;  ///< in lower case, words joined by `_`; not `time`, `level` or `message`
  std::variant<std::string_view, int64_t, double, bool> value;
};

struct LogRecord {
  int64_t time_us = 0;  ///< since 1970, UTC
  LogLevel level = LogLevel::kInfo;
  std::string_view message;
  std::span<const LogField> fields;
};

/// One line without its end. Text: `2026-01-31T12:00:00.000Z INFO message key=value key="a value"`;
/// control characters are escaped. JSON: an object with `time`, `level`, `message` and the fields.
/// Always valid UTF-8: other bytes become U+FFFD.
std::string LogLine(const LogRecord& record, LogFormat format);

struct LogSettings {
  LogLevel level = LogLevel::kOff;
  LogFormat format = LogFormat::kText;
  std::string file;  ///< is appended to; empty: stderr
};

/// Opens the log, for the rest of the process. Does nothing for kOff. Fails with kIo where the file
/// cannot be written.
/// REQUIRES: called once, before there are other threads
Status OpenLog(const LogSettings& settings);

/// Whether all of stderr is the log's: nobody else may write there.
bool LogOwnsStderr();

namespace internal {
inline std::atomic<LogLevel> least_logged = LogLevel::kOff;
}

/// Whether records of that level are written. Asked before work that only the log needs.
inline bool IsLogged(LogLevel level) {
  return level >= internal::least_logged.load(std::memory_order_relaxed);
}

/// Writes a record whatever its level.
void WriteLog(LogLevel level, std::string_view message, std::span<const LogField> fields);

/// Writes a record if its level is wanted.
inline void Log(LogLevel level, std::string_view message,
                std::initializer_list<LogField> fields = {}) {
  if (IsLogged(level)) WriteLog(level, message, {fields.begin(), fields.size()});
}

/// As long as it lives, each record of the process has this field, unless it has one of that name
/// itself. One at a time.
class LogContext {
 public:
  LogContext(std::string_view key, std::string_view value);
  ~LogContext();
  LogContext(const LogContext&) = delete;
  LogContext& operator=(const LogContext&) = delete;
};

}  // namespace weir
