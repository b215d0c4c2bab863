// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/option_values.h"

#include "weir/cli/result_format.h"
#include "weir/engine/engine.h"
#include "weir/project/initial_project.h"

namespace weir::cli {

namespace {

struct Kind {
  std::string_view command;  ///< empty: any
  std::string_view option;
  ValueKind kind;
};

constexpr Kind kKinds[] = {
    {"", "--project", ValueKind::kFolders},        {"", "--profile", ValueKind::kProfiles},
    {"", "--defer-to", ValueKind::kProfiles},      {"", "--output", ValueKind::kFiles},
    {"run", "--profile-trace", ValueKind::kFiles}, {"", "--log-file", ValueKind::kFiles},
    {"run", "--task", ValueKind::kTaskKeys},       {"test", "--select", ValueKind::kTests},
    {"test", "tests", ValueKind::kTests},          {"", "--select", ValueKind::kSelectors},
    {"", "--exclude", ValueKind::kSelectors},      {"init", "folder", ValueKind::kFolders},
    {"explain", "view", ValueKind::kViews},        {"history", "view", ValueKind::kViews},
    {"diff", "sides", ValueKind::kBundles},        {"lineage", "column", ValueKind::kTables},
    {"impact", "column", ValueKind::kTables},      {"sql", "sql", ValueKind::kFiles},
    {"functions", "name", ValueKind::kFunctions},  {"changes", "table", ValueKind::kTables},
    {"help", "command", ValueKind::kCommands},
};

}  // namespace

ValueKind KindOfValue(std::string_view command, std::string_view option) {
  for (const Kind& kind : kKinds) {
    if (kind.option == option && (kind.command.empty() || kind.command == command))
      return kind.kind;
  }
  return ValueKind::kNone;
}

std::vector<std::string> WordsOf(std::string_view command, std::string_view option) {
  if (option == "--format" && (command == "sql" || command == "changes"))
    return ResultFormatNames();
  if (option == "--format" && command == "lineage")
    return {"table", "json", "dot", "mermaid", "openlineage"};
  if (option == "--format" && command == "graph") return {"table", "json", "dot"};
  if (option == "--format") return {"table", "json"};
  if (option == "--log-level") return {"trace", "debug", "info", "warn", "error", "off"};
  if (option == "--log-format") return {"text", "json"};
  if (option == "--event") return {"job", "run", "dataset"};
  if (option == "--dialect") return engine::ReadDialects();
  if (option == "--to" && command != "changes") return engine::WrittenDialects();
  if (option == "--template") {
    std::vector<std::string> names;
    for (const ProjectTemplate& known : ProjectTemplates()) names.emplace_back(known.name);
    return names;
  }
  if (command == "completion" && option == "shell") return {"bash", "zsh", "fish"};
  return {};
}

}  // namespace weir::cli
