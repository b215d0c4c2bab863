// SPDX-License-Identifier: Apache-2.0

#include "weir/base/log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

// A file of the log is not for the programs that are started.
#define SPDLOG_PREVENT_CHILD_FD
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "weir/base/clock.h"
#include "weir/base/json_text.h"
#include "weir/base/time_text.h"
#include "weir/base/utf8_text.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 6> kLevelNames = {"trace", "debug", "info",
                                                         "warn",  "error", "off"};
constexpr std::array<std::string_view, 6> kLevelWords = {"TRACE", "DEBUG", "INFO",
                                                         "WARN",  "ERROR", "OFF"};

/// What was opened. Never taken apart: threads of the engine may log until the process ends.
struct OpenedLog {
  spdlog::logger logger;
  LogFormat format;
  bool is_stderr;

  std::mutex mutex;
  std::string context_key = {}, context_value = {};  ///< guarded by mutex
};
OpenedLog* opened = nullptr;

bool IsEmptyText(const LogField& field) {
  const auto* text = std::get_if<std::string_view>(&field.value);
  return text != nullptr && text->empty();
}

/// Control characters as escapes, of two bytes as well: terminals obey U+0080 to U+009F, too.
std::string WithoutControls(std::string text) {
  text = ShownAsUtf8(std::move(text));
  std::string shown;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == '\n') {
      shown += "\\n";
    } else if (byte == '\t') {
      shown += "\\t";
    } else if (byte < ' ' || byte == 0x7F) {
      shown += fmt::format("\\u{:04x}", byte);
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {
      shown += fmt::format("\\u{:04x}", next);
      ++i;
    } else {
      shown += text[i];
    }
  }
  return shown;
}

/// In quotes where it could be taken for something else.
std::string ValueText(std::string_view text) {
  const bool is_plain = text.find_first_of(" =\"\\") == std::string_view::npos;
  std::string shown = WithoutControls(std::string(text));
  if (is_plain && shown == text) return shown;
  std::string quoted = "\"";
  for (const char c : std::string_view(text)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return WithoutControls(std::move(quoted)) + "\"";
}

std::string TextLine(const LogRecord& record) {
  std::string line = fmt::format("{} {} {}", TimeText(record.time_us),
                                 kLevelWords[static_cast<size_t>(record.level)],
                                 WithoutControls(std::string(record.message)));
  for (const LogField& field : record.fields) {
    if (IsEmptyText(field)) continue;
    line += fmt::format(" {}=", ValueText(field.key));
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string_view>) {
            line += ValueText(value);
          } else {
            line += fmt::format("{}", value);
          }
        },
        field.value);
  }
  return line;
}

std::string JsonLine(const LogRecord& record) {
  Json json{{"time", TimeText(record.time_us)},
            {"level", ToString(record.level)},
            {"message", record.message}};
  for (const LogField& field : record.fields) {
    if (IsEmptyText(field)) continue;
    std::visit([&](const auto& value) { json.emplace(std::string(field.key), value); },
               field.value);
  }
  return JsonText(json);
}

/// Fails where the file cannot be written; folders are not made.
Status CheckFile(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) {
    return Status::Environment(StatusCode::kIo, "the log `{}` cannot be written: {}", path,
                               std::strerror(errno));
  }
  close(file);
  return Status::OK();
}

/// Said once: a full disk fails every line.
void ReportFailure(const std::string& reason) {
  static std::once_flag said;
  if (opened->is_stderr) return;
  std::call_once(said, [&] {
    std::fprintf(stderr, "warning: the log cannot be written any more: %s\n", reason.c_str());
  });
}

}  // namespace

std::string_view ToString(LogLevel level) { return kLevelNames[static_cast<size_t>(level)]; }

std::optional<LogLevel> FindLogLevel(std::string_view name) {
  const auto* const found = std::find(kLevelNames.begin(), kLevelNames.end(), name);
  if (found == kLevelNames.end()) return std::nullopt;
  return static_cast<LogLevel>(found - kLevelNames.begin());
}

std::string LogLine(const LogRecord& record, LogFormat format) {
  return format == LogFormat::kJson ? JsonLine(record) : TextLine(record);
}

Status OpenLog(const LogSettings& settings) {
  if (settings.level == LogLevel::kOff) return Status::OK();
  spdlog::sink_ptr sink;
  if (settings.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    WEIR_RETURN_NOT_OK(CheckFile(settings.file));
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(settings.file);
    } catch (const spdlog::spdlog_ex& error) {
      return Status::Environment(StatusCode::kIo, "the log `{}` cannot be written: {}",
                                 settings.file, error.what());
    }
  }
  sink->set_pattern("%v");
  opened = new OpenedLog{.logger = spdlog::logger("weir", std::move(sink)),
                         .format = settings.format,
                         .is_stderr = settings.file.empty(),
                         .mutex = {}};
  opened->logger.set_level(spdlog::level::trace);
  // A line that was written is there, however the process ends.
  opened->logger.flush_on(spdlog::level::trace);
  opened->logger.set_error_handler(ReportFailure);
  internal::least_logged = settings.level;
  return Status::OK();
}

bool LogOwnsStderr() { return opened != nullptr && opened->is_stderr; }

void WriteLog(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  if (opened == nullptr) return;
  std::vector<LogField> all;
  std::string key, value;
  {
    const std::lock_guard lock(opened->mutex);
    key = opened->context_key;
    value = opened->context_value;
  }
  const auto is_context = [&](const LogField& field) { return field.key == key; };
  if (!key.empty() && std::none_of(fields.begin(), fields.end(), is_context))
    all.emplace_back(key, value);
  all.insert(all.end(), fields.begin(), fields.end());
  const std::string line =
      LogLine({.time_us = SystemClock().Now(), .level = level, .message = message, .fields = all},
              opened->format);
  opened->logger.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

LogContext::LogContext(std::string_view key, std::string_view value) {
  if (opened == nullptr) return;
  const std::lock_guard lock(opened->mutex);
  opened->context_key = key;
  opened->context_value = value;
}

LogContext::~LogContext() {
  if (opened == nullptr) return;
  const std::lock_guard lock(opened->mutex);
  opened->context_key.clear();
}

}  // namespace weir
