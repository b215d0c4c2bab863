// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/completion.h"

#include <algorithm>
#include <iostream>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "weir/base/filesystem.h"
#include "weir/cli/command.h"
#include "weir/cli/option_values.h"
#include "weir/cli/wrong_use.h"
#include "weir/functions/function_registry.h"
#include "weir/graph/task_graph.h"
#include "weir/project/weir_toml.h"

namespace weir::cli {

namespace {

struct Candidate {
  std::string text;
  std::string description = {};
};

/// What may stand in a place.
struct Place {
  std::vector<Candidate> candidates;
  std::string_view others = "none";
  /// Of the word: what stays before each candidate.
  std::string before;
};

std::string Folder(const std::vector<std::string>& words) {
  static constexpr std::string_view kOption = "--project";
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == kOption) return words[i + 1];
    if (words[i].starts_with(std::string(kOption) + "="))
      return words[i].substr(kOption.size() + 1);
  }
  return ".";
}

/// The project, as far as its files can be read.
ProjectDefinition ProjectOf(const std::vector<std::string>& words) {
  const LocalFileSystem files;
  Diagnostics diagnostics;
  auto project = LoadProject(files, Folder(words), "default", diagnostics);
  return project.ok() ? *std::move(project) : ProjectDefinition();
}

std::vector<Candidate> Profiles(const std::vector<std::string>& words) {
  const auto text = LocalFileSystem().ReadFile(Folder(words) + "/" + std::string(kProjectFileName));
  const std::vector<std::string> names = ProfileNames(text.ok() ? *text : "");
  std::vector<Candidate> candidates;
  candidates.reserve(names.size());
  for (const std::string& name : names) candidates.push_back({name});
  return candidates;
}

void AddViews(const ProjectDefinition& project, std::vector<Candidate>& candidates) {
  for (const ViewDefinition& view : project.views) candidates.push_back({view.name, view.comment});
}

void AddSources(const ProjectDefinition& project, std::vector<Candidate>& candidates) {
  for (const SourceDefinition& source : project.sources)
    candidates.push_back({source.name, "source"});
}

/// "a,+b": what stands before the name that is being written.
std::string BeforeSelector(const std::string& word) {
  size_t begin = word.rfind(',') + 1;
  if (begin < word.size() && word[begin] == '+') ++begin;
  return word.substr(0, begin);
}

std::vector<Candidate> Selectors(const ProjectDefinition& project) {
  std::vector<Candidate> candidates;
  AddViews(project, candidates);
  candidates.push_back({"changed", "views that would run by themselves"});
  std::set<std::string> tags;
  for (const ViewDefinition& view : project.views) {
    tags.merge(TagsOf(view.properties));
  }
  for (const std::string& tag : tags) candidates.push_back({"tag:" + tag});
  return candidates;
}

std::vector<Candidate> FunctionCandidates(const ProjectDefinition& project) {
  std::vector<Candidate> candidates;
  const FunctionRegistry functions = NativeFunctions();
  for (const FunctionDeclaration* function : functions.Declarations())
    candidates.push_back({function->name, std::string(ToString(function->kind))});
  for (const UserFunctionDefinition& function : project.functions)
    candidates.push_back({function.name, "function of the project"});
  return candidates;
}

std::vector<Candidate> CommandCandidates(const CLI::App& app) {
  std::vector<Candidate> candidates;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    candidates.push_back({command->get_name(), command->get_description()});
  return candidates;
}

/// Completes a value of an option, or an argument, of which `word` is what is written.
Place ValuePlace(const CLI::App& app, const std::string& command, const std::string& option,
                 const std::string& word, const std::vector<std::string>& words) {
  Place place;
  for (const std::string& known : WordsOf(command, option)) place.candidates.push_back({known});
  const ValueKind kind = KindOfValue(command, option);
  switch (kind) {
    case ValueKind::kNone:
      break;
    case ValueKind::kFiles:
      place.others = "files";
      break;
    case ValueKind::kFolders:
      place.others = "folders";
      break;
    case ValueKind::kProfiles:
      place.candidates = Profiles(words);
      break;
    case ValueKind::kCommands:
      place.candidates = CommandCandidates(app);
      break;
    case ValueKind::kFunctions:
      place.candidates = FunctionCandidates(ProjectOf(words));
      break;
    case ValueKind::kSelectors:
      place.candidates = Selectors(ProjectOf(words));
      place.before = BeforeSelector(word);
      break;
    case ValueKind::kTaskKeys:
      AddViews(ProjectOf(words), place.candidates);
      for (Candidate& candidate : place.candidates) candidate.text = TaskKey(candidate.text);
      break;
    case ValueKind::kViews:
    case ValueKind::kTables:
    case ValueKind::kTests:
    case ValueKind::kBundles: {
      const ProjectDefinition project = ProjectOf(words);
      if (kind == ValueKind::kTests) {
        place.before = BeforeSelector(word);
        for (const TestDefinition& test : project.tests)
          place.candidates.push_back({test.name, "test"});
        for (const UnitTestDefinition& test : project.unit_tests)
          place.candidates.push_back({test.name, "test of " + test.view.name});
      }
      AddViews(project, place.candidates);
      if (kind == ValueKind::kTables) AddSources(project, place.candidates);
      if (kind == ValueKind::kBundles)
        place.candidates.insert(place.candidates.end(),
                                {{"last", "the newest run"}, {"now", "as the project is"}});
      break;
    }
  }
  return place;
}

std::vector<Candidate> OptionCandidates(const CLI::App& command,
                                        const std::vector<std::string>& words) {
  std::vector<Candidate> candidates;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      const std::string written = "--" + name;
      const bool is_given = std::find(words.begin(), words.end() - 1, written) != words.end() - 1;
      if (!is_given || option->get_items_expected_max() > 1)
        candidates.push_back({written, option->get_description()});
    }
  }
  return candidates;
}

bool TakesValue(const CLI::Option* option) {
  return option != nullptr && option->get_items_expected_max() > 0;
}

/// The argument that the last of `words` is; null if the command takes no more.
const CLI::Option* ArgumentAt(const CLI::App& command, const std::vector<std::string>& words) {
  int given = 0;
  for (size_t i = 1; i + 1 < words.size(); ++i) {
    if (!words[i].starts_with("-")) {
      ++given;
    } else if (words[i].find('=') == std::string::npos &&
               TakesValue(command.get_option_no_throw(words[i]))) {
      ++i;
    }
  }
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    given -= option->get_items_expected_max();
    if (given < 0) return option;
  }
  return nullptr;
}

/// A parsing option may have several names; the values go by its long one.
std::string LongName(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name() : "--" + option.get_lnames().front();
}

Place PlaceOf(const CLI::App& app, const std::vector<std::string>& words) {
  const std::string& word = words.back();
  if (words.size() == 1) {
    Place place{.candidates = CommandCandidates(app), .before = {}};
    if (word.starts_with("-"))
      place.candidates.insert(place.candidates.end(), {{"--help", "say what there is"},
                                                       {"--version", "print the version"}});
    return place;
  }
  const CLI::App* command = FindCommand(app, words.front());
  if (command == nullptr) return {};
  const std::string& name = command->get_name();
  const std::string& previous = words[words.size() - 2];
  if (previous.starts_with("--") && previous.find('=') == std::string::npos) {
    const CLI::Option* option = command->get_option_no_throw(previous);
    if (TakesValue(option)) return ValuePlace(app, name, LongName(*option), word, words);
  }
  if (word.starts_with("-")) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos)
      return {.candidates = OptionCandidates(*command, words), .before = {}};
    const CLI::Option* option = command->get_option_no_throw(word.substr(0, equals));
    if (!TakesValue(option)) return {};
    Place place = ValuePlace(app, name, LongName(*option), word.substr(equals + 1), words);
    place.before = word.substr(0, equals + 1) + place.before;
    return place;
  }
  const CLI::Option* argument = ArgumentAt(*command, words);
  return argument == nullptr ? Place() : ValuePlace(app, name, argument->get_name(), word, words);
}

/// One line of it: shells show it beside the candidate.
std::string FirstLine(const std::string& text) {
  std::string line = text.substr(0, text.find_first_of("\r\n"));
  std::replace(line.begin(), line.end(), '\t', ' ');
  return line;
}

constexpr std::string_view kBash =
    R"sh(# Completion of weir for bash. Put it where bash looks, or load it:
#   weir completion bash > ~/.local/share/bash-completion/completions/weir
#   source <(weir completion bash)
_weir() {
  local rest=${COMP_LINE:0:COMP_POINT} current= i line name directive cut=
  local -a words=() lines=()
  COMPREPLY=()
  # Bash takes words apart at `=` and `:`, which options and selectors hold.
  for ((i = 0; i < COMP_CWORD; i++)); do
    current+=${COMP_WORDS[i]}
    rest=${rest#*"${COMP_WORDS[i]}"}
    if [[ $rest == [[:space:]]* ]]; then
      words+=("$current")
      current=
    fi
  done
  current+=${rest#"${rest%%[![:space:]]*}"}
  words+=("$current")
  mapfile -t lines < <("${words[0]/#\~/$HOME}" complete -- "${words[@]:1}" 2>/dev/null)
  directive=${lines[0]}
  if [[ $current == *[=:]* ]]; then cut=${current%"${current##*[=:]}"}; fi
  for line in "${lines[@]:1}"; do
    name=${line%%$'\t'*}
    name=${name#"$cut"}
    if [[ $name == *[!A-Za-z0-9_.,:=+@%/-]* ]]; then printf -v name %q "$name"; fi
    COMPREPLY+=("$name")
  done
  case $directive in
    files | folders)
      compopt -o filenames
      local kind=-f
      if [[ $directive == folders ]]; then kind=-d; fi
      mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$kind" -- "${current#"$cut"}")
      ;;
  esac
}
complete -F _weir weir
)sh";

constexpr std::string_view kZsh = R"sh(#compdef weir
# Completion of weir for zsh. Put it where zsh looks, or load it after compinit:
#   weir completion zsh > "${fpath[1]}/_weir"
#   source <(weir completion zsh)
_weir() {
  local -a lines described
  local line name directive
  lines=("${(@f)$("${(Q)words[1]}" complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
  directive=$lines[1]
  for line in "${(@)lines[2,-1]}"; do
    [[ -n $line ]] || continue
    name=${line%%$'\t'*}
    name=${name//:/\\:}
    if [[ $line == *$'\t'* ]]; then name+=":${line#*$'\t'}"; fi
    described+=("$name")
  done
  if (( $#described )); then _describe -t values 'value' described; fi
  case $directive in
    files) compset -P '--*='; _files ;;
    folders) compset -P '--*='; _files -/ ;;
  esac
}
if [[ $funcstack[1] == _weir ]]; then _weir "$@"; else compdef _weir weir; fi
)sh";

constexpr std::string_view kFish =
    R"sh(# Completion of weir for fish. Put it where fish looks, or load it:
#   weir completion fish > ~/.config/fish/completions/weir.fish
#   weir completion fish | source
function __weir_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
    if set -q lines[2]
        printf '%s\n' $lines[2..-1]
    end
    set -l path (string replace -r -- '^--[^=]*=' '' "$current")
    set -l before (string match -r -- '^--[^=]*=' "$current")
    switch "$lines[1]"
        case files
            printf '%s\n' "$before"(complete -C"'' $path" | string replace -r -- '\t.*' '')
        case folders
            printf '%s\n' "$before"(__fish_complete_directories "$path" '')
    end
end
complete -c weir -f -a '(__weir_complete)'
)sh";

}  // namespace

int RunCompletion(const std::string& shell) {
  std::cout << (shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish);
  return kDone;
}

int RunComplete(const CLI::App& app, const std::vector<std::string>& words) {
  const Place place = PlaceOf(app, words.empty() ? std::vector<std::string>{""} : words);
  const std::string& word = words.empty() ? "" : words.back();
  std::cout << place.others << "\n";
  std::set<std::string> printed;
  for (const Candidate& candidate : place.candidates) {
    const std::string text = place.before + candidate.text;
    if (!text.starts_with(word) || text.find('\n') != std::string::npos ||
        !printed.insert(text).second)
      continue;
    std::cout << text;
    if (!candidate.description.empty()) std::cout << '\t' << FirstLine(candidate.description);
    std::cout << "\n";
  }
  return kDone;
}

}  // namespace weir::cli
