// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/log_options.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/log.h"
#include "weir/base/nearest.h"
#include "weir/cli/command.h"
#include "weir/cli/option_values.h"
#include "weir/cli/wrong_use.h"
#include "weir/engine/log_events.h"

namespace weir::cli {

namespace {

struct LogOption {
  const char* name;
  const char* variable;
  const char* help;
  const char* type;  ///< of what is no list of words
};

constexpr LogOption kLevel = {"--log-level", "WEIR_LOG_LEVEL",
                              "log what is of this level or a higher one: trace, debug, info, "
                              "warn, error or off",
                              nullptr};
constexpr LogOption kFormat = {"--log-format", "WEIR_LOG_FORMAT",
                               "a line of text or a JSON object a record of the log", nullptr};
constexpr LogOption kFile = {"--log-file", "WEIR_LOG_FILE",
                             "the file that the log is appended to, instead of stderr", "FILE"};

/// The option's value on the command line, as `--name value` or `--name=value`; empty if there is
/// none.
std::string ValueOf(const LogOption& option, int argc, char** argv) {
  const std::string_view name = option.name;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") break;
    if (word == name && i + 1 < argc) return argv[i + 1];
    if (word.starts_with(name) && word.substr(name.size()).starts_with('='))
      return std::string(word.substr(name.size() + 1));
  }
  return {};
}

/// Whether any text may stand there, or this one.
bool MayStand(const LogOption& option, const std::string& value) {
  const std::vector<std::string> words = WordsOf("", option.name);
  return words.empty() || std::find(words.begin(), words.end(), value) != words.end();
}

/// What the command line says, else the environment; empty where neither does. Fails where the
/// environment says something else than the option takes.
Result<std::string> Find(const LogOption& option, int argc, char** argv) {
  const std::string given = ValueOf(option, argc, argv);
  if (!given.empty()) return MayStand(option, given) ? given : std::string();
  const char* set = std::getenv(option.variable);
  const std::string value = set == nullptr ? "" : set;
  if (value.empty() || MayStand(option, value)) return value;
  const std::vector<std::string> words = WordsOf("", option.name);
  return Status::User(StatusCode::kInvalidArgument,
                      "{} is wanted for the variable `{}`, found `{}`", Alternatives(words),
                      option.variable, value)
      .WithHint(SuggestionHint(value, words));
}

Result<LogSettings> ReadSettings(int argc, char** argv) {
  WEIR_ASSIGN_OR_RETURN(const std::string level, Find(kLevel, argc, argv));
  WEIR_ASSIGN_OR_RETURN(const std::string format, Find(kFormat, argc, argv));
  LogSettings settings;
  WEIR_ASSIGN_OR_RETURN(settings.file, Find(kFile, argc, argv));
  settings.format = format == "json" ? LogFormat::kJson : LogFormat::kText;
  const bool is_asked_for = settings.format == LogFormat::kJson || !settings.file.empty();
  settings.level = FindLogLevel(level).value_or(is_asked_for ? LogLevel::kInfo : LogLevel::kOff);
  return settings;
}

}  // namespace

void AddLogOptions(CLI::App& command) {
  for (const LogOption& option : {kLevel, kFormat, kFile}) {
    // OpenLogAsAsked has read it.
    CLI::Option* declared = command.add_option_function<std::string>(
        option.name, [](const std::string&) {}, option.help);
    const std::vector<std::string> words = WordsOf("", option.name);
    if (!words.empty()) declared->check(OneOf(words));
    if (option.type != nullptr) declared->type_name(option.type);
  }
}

int OpenLogAsAsked(int argc, char** argv) {
  const auto settings = ReadSettings(argc, argv);
  if (!settings.ok()) {
    TellError(settings.status());
    return kWrongUse;
  }
  if (const Status opened = OpenLog(*settings); !opened.ok()) return Fail(opened);
  if (settings->level != LogLevel::kOff) engine::LogEngineEvents(settings->level);
  return kDone;
}

}  // namespace weir::cli
