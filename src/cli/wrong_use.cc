// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/wrong_use.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "weir/base/nearest.h"
#include "weir/cli/command.h"
#include "weir/cli/option_values.h"

namespace weir::cli {

namespace {

/// What is said, and what to do; an empty hint: the command's help.
struct Complaint {
  std::string message;
  std::string hint;
};

int Print(const Complaint& complaint) {
  TellError(
      Status::User(StatusCode::kInvalidArgument, "{}", complaint.message).WithHint(complaint.hint));
  return kWrongUse;
}

std::vector<std::string> OptionNames(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

bool IsOption(const std::string& name) { return name.starts_with("-"); }

/// "a b" of "--name: a b", and the name.
std::pair<std::string, std::string> NameAndRest(const std::string& what) {
  const size_t colon = what.find(": ");
  if (colon == std::string::npos) return {"", what};
  return {what.substr(0, colon), what.substr(colon + 2)};
}

Complaint OfMissing(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_required() || option->count() > 0) continue;
    return {fmt::format("an argument `{}` is wanted for `weir {}`, found none", option->get_name(),
                        command.get_name()),
            ""};
  }
  return {};
}

Complaint OfCount(const CLI::App& command, const std::string& what) {
  const auto [name, rest] = NameAndRest(what);
  if (rest.find("missing") != std::string::npos)
    return {fmt::format("a value is wanted for `{}`, found none", name), ""};
  if (IsOption(name)) return {fmt::format("`{}` is wanted once, found it again", name), ""};
  const CLI::Option* option = command.get_option_no_throw(name);
  const int most = option == nullptr ? 1 : option->get_items_expected_max();
  return {fmt::format("at most {} argument{} of `weir {}` {} wanted, found more", most,
                      most == 1 ? "" : "s", command.get_name(), most == 1 ? "is" : "are"),
          ""};
}

/// Of "Could not convert: --limit = x".
Complaint OfConversion(const CLI::App& command, const std::string& what) {
  const std::string rest = NameAndRest(what).second;
  const size_t equals = rest.find(" = ");
  const std::string name = rest.substr(0, equals);
  const std::string found = equals == std::string::npos ? "" : rest.substr(equals + 3);
  const CLI::Option* option = command.get_option_no_throw(name);
  if (option != nullptr && option->get_items_expected_max() == 0)
    return {fmt::format("`{}` takes no value, found `{}`", name, found), ""};
  return {fmt::format("a whole number is wanted for `{}`, found `{}`", name, found), ""};
}

Complaint OfValue(const CLI::App& command, const std::string& what) {
  auto [name, message] = NameAndRest(what);
  const size_t wanted = message.find(" is wanted");
  if (wanted != std::string::npos)
    message.insert(wanted + std::string_view(" is wanted").size(), fmt::format(" for `{}`", name));
  const size_t open = message.rfind(", found `");
  std::string hint;
  if (open != std::string::npos) {
    const size_t begin = open + std::string_view(", found `").size();
    hint = SuggestionHint(message.substr(begin, message.size() - begin - 1),
                          WordsOf(command.get_name(), name));
  }
  return {message, hint};
}

Complaint OfExtra(const CLI::App& command) {
  const std::vector<std::string> extras = command.remaining(/*recurse=*/true);
  const std::string extra = extras.empty() ? "" : extras.front();
  const std::string name = extra.substr(0, extra.find('='));
  if (!IsOption(name)) {
    return {
        fmt::format("`weir {}` takes no further argument, found `{}`", command.get_name(), extra),
        ""};
  }
  return {fmt::format("`weir {}` has no option `{}`", command.get_name(), name),
          SuggestionHint(name, OptionNames(command))};
}

Complaint OfCommand(const CLI::App& command, const CLI::ParseError& error) {
  const std::string what = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) return OfExtra(command);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    Complaint complaint = OfMissing(command);
    if (!complaint.message.empty()) return complaint;
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) return OfCount(command, what);
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr)
    return OfConversion(command, what);
  if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr) return OfValue(command, what);
  if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    const size_t middle = what.find(" excludes ");
    return {fmt::format("`{}` or `{}` is wanted, found both", what.substr(0, middle),
                        what.substr(middle + std::string_view(" excludes ").size())),
            ""};
  }
  return {what, ""};
}

/// An option before the command.
Complaint OfFirstOption(const CLI::App& app, int argc, char** argv) {
  const std::vector<std::string> commands = CommandNames(app);
  std::string command = "check";
  for (int i = 2; i < argc; ++i) {
    if (std::find(commands.begin(), commands.end(), argv[i]) == commands.end()) continue;
    command = argv[i];
    break;
  }
  return {fmt::format("a command is wanted first, found `{}`", argv[1]),
          fmt::format("options stand after the command: weir {} {} …", command, argv[1])};
}

}  // namespace

std::string Alternatives(const std::vector<std::string>& words) {
  const std::vector<std::string> first(words.begin(), words.end() - 1);
  return fmt::format("{} or {}", fmt::join(first, ", "), words.back());
}

CLI::Validator OneOf(const std::vector<std::string>& words) {
  return CLI::Validator(
      [words](const std::string& found) {
        if (std::find(words.begin(), words.end(), found) != words.end()) return std::string();
        return fmt::format("{} is wanted, found `{}`", Alternatives(words), found);
      },
      "");
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

const CLI::App* FindCommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

int ReportNoCommand(const CLI::App& app, const std::string& name) {
  std::string hint = SuggestionHint(name, CommandNames(app));
  return Print({fmt::format("there is no command named `{}`", name),
                hint.empty() ? "`weir --help` lists them" : hint});
}

int ReportWrongUse(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first.empty()) return Print({"a command is wanted", "`weir --help` lists them"});
  if (IsOption(first)) return Print(OfFirstOption(app, argc, argv));
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) return ReportNoCommand(app, first);
  Complaint complaint = OfCommand(*chosen.front(), error);
  if (complaint.hint.empty())
    complaint.hint = fmt::format("`weir {} --help` says what it takes", chosen.front()->get_name());
  return Print(complaint);
}

}  // namespace weir::cli
