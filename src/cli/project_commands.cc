// SPDX-License-Identifier: Apache-2.0
//
// init, check, functions, version: commands about the project and the program themselves.

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "weir/base/filesystem.h"
#include "weir/base/json_text.h"
#include "weir/base/nearest.h"
#include "weir/bundle/preflight.h"
#include "weir/cli/command.h"
#include "weir/engine/engine.h"
#include "weir/functions/domain_planners.h"
#include "weir/functions/function_registry.h"
#include "weir/guards/guard_list.h"
#include "weir/lineage/lineage.h"
#include "weir/project/initial_project.h"
#include "weir/project/weir_toml.h"
#include "weir/session/user_functions.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string Words(const std::vector<std::string>& tags) {
  return fmt::format("{}", fmt::join(tags, " "));
}

Json ToJson(const FunctionDeclaration& function) {
  Json arguments = Json::array();
  for (const FunctionArgument& argument : function.arguments) {
    Json json = {
        {"name", argument.name}, {"type", argument.type}, {"description", argument.description}};
    if (argument.default_value) json["default"] = *argument.default_value;
    if (argument.MayBeOmitted()) json["optional"] = true;
    arguments.push_back(std::move(json));
  }
  Json columns = Json::array();
  for (const FunctionColumn& column : function.columns) {
    columns.push_back({{"name", column.name()},
                       {"type", column.TypeWords()},
                       {"description", column.description}});
  }
  Json json = {{"name", function.name},
               {"aliases", function.aliases},
               {"kind", ToString(function.kind)},
               {"version", function.semantic_version},
               {"volatility", ToString(function.volatility)},
               {"tags", function.tags},
               {"syntax", function.Syntax()},
               {"result", function.result_type},
               {"description", function.description},
               {"arguments", arguments},
               {"columns", columns},
               {"null_handling", function.null_handling},
               {"example", function.example},
               {"expression", function.expression}};
  if (function.bounds) json["bounds"] = function.bounds->Text();
  if (function.rises_with) json["rises_with"] = function.arguments[*function.rises_with].name;
  if (!function.simplification.empty()) json["simplification"] = function.simplification;
  return json;
}

/// What planning knows of the results of a native function, a line each.
std::string DescribeForPlanning(const FunctionDeclaration& function) {
  std::string text;
  if (function.bounds) text += fmt::format("Results   {}\n", function.bounds->Text());
  if (function.rises_with) {
    text += fmt::format("Order     the result never falls while `{}` rises\n",
                        function.arguments[*function.rises_with].name);
  }
  if (!function.simplification.empty())
    text += fmt::format("Planning  {}\n", function.simplification);
  return text;
}

std::string Describe(const FunctionDeclaration& function) {
  std::string text =
      fmt::format("{} → {}\n\n{}\n", function.Syntax(), function.result_type, function.description);
  if (!function.arguments.empty()) text += "\nArguments\n";
  for (const FunctionArgument& argument : function.arguments) {
    text += fmt::format(
        "  {} ({}): {}{}\n", argument.name, argument.type, argument.description,
        argument.default_value ? fmt::format("; {} if left out", *argument.default_value) : "");
  }
  if (!function.columns.empty()) text += "\nColumns\n";
  for (const FunctionColumn& column : function.columns)
    text += fmt::format("  {} ({}): {}\n", column.name(), column.TypeWords(), column.description);
  if (!function.expression.empty()) {
    return text + fmt::format(
                      "\nRETURN {}\n\nA user function: the expression stands where it is "
                      "called, and fingerprints hold it.\n",
                      function.expression);
  }
  text += fmt::format("\nNULL      {}\n{}Example   {}\nVersion   {} ({}, {})\nTags      {}\n",
                      function.null_handling, DescribeForPlanning(function), function.example,
                      function.semantic_version, ToString(function.kind),
                      ToString(function.volatility), Words(function.tags));
  if (!function.aliases.empty())
    text += fmt::format("Aliases   {}\n", fmt::join(function.aliases, ", "));
  return text;
}

Json ToJson(const DomainPlanner& planner, bool enabled) {
  return {{"name", planner.name},       {"kind", planner.kind},
          {"enabled", enabled},         {"tags", planner.tags},
          {"example", planner.example}, {"description", planner.description}};
}

int ListPlanners(const GlobalOptions& options, const FunctionRegistry& functions) {
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const DomainPlanner& planner : DomainPlanners()) {
    const bool enabled = IsEnabled(planner, functions);
    all.push_back(ToJson(planner, enabled));
    rows.push_back({planner.name, planner.kind, enabled ? "yes" : "no",
                    planner.tags.empty() ? "(always)" : Words(planner.tags), planner.example,
                    planner.description});
  }
  std::cout << (options.format == Format::kJson
                    ? JsonText(all, 2) + "\n"
                    : RenderTable({"name", "kind", "enabled", "tags", "example", "description"},
                                  rows));
  return kDone;
}

/// As one word of a shell's command line.
std::string ShellWord(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 || std::strchr("_-./", c) != nullptr;
  });
  if (plain) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

int RunInit(const GlobalOptions& options, const std::string& template_name,
            const std::string& folder) {
  std::error_code error;
  const auto root = std::filesystem::absolute(folder, error).lexically_normal();
  std::string name = root.filename().string();
  if (name.empty()) name = root.parent_path().filename().string();
  LocalFileSystem files;
  const auto templates = InitialProject(template_name, name);
  if (!templates.ok()) return FailNamed(templates.status());
  for (const TemplateFile& file : *templates) {
    const std::string path = (root / file.path).string();
    if (files.Exists(path)) {
      return Fail(Status::User(StatusCode::kAlreadyExists,
                               "a new project would overwrite a file: `{}`", path)
                      .WithHint("name an empty folder: weir init DIR"));
    }
  }
  for (const TemplateFile& file : *templates) {
    const Status status = files.WriteNewFile((root / file.path).string(), file.contents);
    if (!status.ok()) return Fail(status);
  }
  if (options.format == Format::kJson) {
    Json paths = Json::array();
    for (const TemplateFile& file : *templates) paths.push_back(file.path);
    std::cout << JsonText(Json{{"project", root.string()}, {"files", paths}}, 2) << "\n";
  } else {
    for (const TemplateFile& file : *templates) std::cout << "made " << file.path << "\n";
    for (const ProjectTemplate& known : ProjectTemplates()) {
      if (known.name != template_name) continue;
      std::cout << "\nnext: " << fmt::format(fmt::runtime(known.next), ShellWord(folder)) << "\n";
    }
  }
  return kDone;
}

int RunCheck(const GlobalOptions& options) {
  PreflightOptions preflight{.root = options.project, .profile = options.profile};
  preflight.inspect = [](const std::string&, const LogicalPlan& plan) {
    return DeriveLineage(plan, Expressions::kLeftOut).status();
  };
  auto checked = CheckProject(preflight);
  if (!checked.ok()) return FailNamed(checked.status());
  if (options.format == Format::kJson) {
    Json diagnostics = Json::array();
    for (const Diagnostic& diagnostic : checked->diagnostics.all())
      diagnostics.push_back(ToJson(diagnostic));
    std::cout << JsonText(Json{{"schema_version", 1},
                               {"project", checked->project_name},
                               {"sources", checked->sources},
                               {"views", checked->views},
                               {"tests", checked->tests},
                               {"diagnostics", diagnostics}},
                          2)
              << "\n";
  }
  const int code = Report(checked->diagnostics);
  if (code == kDone && options.format == Format::kTable) {
    std::cout << fmt::format("{}: {} sources, {} views, {} tests: no errors\n",
                             checked->project_name, checked->sources, checked->views,
                             checked->tests);
  }
  return code;
}

namespace {

/// The native functions and, in a project's folder, its own. What is wrong with the files of those
/// goes to `diagnostics`.
FunctionRegistry FunctionsOf(const GlobalOptions& options, Diagnostics& diagnostics) {
  const LocalFileSystem files;
  if (!files.Exists(options.project + "/" + std::string(kProjectFileName)))
    return NativeFunctions();
  Diagnostics all;
  static const std::vector<std::string> kNoViews;
  const auto project = LoadProject(files, options.project, options.profile, all, &kNoViews);
  if (!project.ok()) return NativeFunctions();
  const FunctionRegistry functions = NativeFunctionsFor(project->profile);
  std::vector<FunctionDeclaration> own;
  for (const UserFunctionDefinition& function : project->functions) {
    if (functions.Find(function.name) == nullptr) own.push_back(DeclarationOf(function));
  }
  for (const Diagnostic& diagnostic : all.all()) {
    if (diagnostic.location.file.starts_with("functions/")) diagnostics.Add(diagnostic);
  }
  return functions.With(own);
}

}  // namespace

int RunFunctions(const GlobalOptions& options, const std::string& name, bool planners) {
  Diagnostics diagnostics;
  const FunctionRegistry functions = FunctionsOf(options, diagnostics);
  if (const int code = Report(diagnostics); code != kDone) return code;
  if (planners) return ListPlanners(options, functions);
  if (!name.empty()) {
    const FunctionDeclaration* function = functions.Find(name);
    if (function == nullptr) {
      std::vector<std::string> names;
      for (const auto* known : functions.Declarations()) names.push_back(known->name);
      std::string hint = SuggestionHint(name, names);
      return FailNamed(Status::User(StatusCode::kNotFound, "there is no function named `{}`", name)
                           .WithHint(hint.empty() ? "`weir functions` lists them" : hint));
    }
    std::cout << (options.format == Format::kJson ? JsonText(ToJson(*function), 2) + "\n"
                                                  : Describe(*function));
    return kDone;
  }
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const FunctionDeclaration* function : functions.Declarations()) {
    all.push_back(ToJson(*function));
    const size_t end = function->description.find(". ");
    rows.push_back({function->name, std::string(ToString(function->kind)),
                    function->expression.empty() ? fmt::format("{}", function->semantic_version)
                                                 : std::string("-"),
                    Words(function->tags), function->description.substr(0, end)});
  }
  if (options.format == Format::kJson) {
    std::cout << JsonText(all, 2) << "\n";
  } else {
    std::cout << RenderTable({"name", "kind", "version", "tags", "description"}, rows);
  }
  return kDone;
}

int RunGuards(const GlobalOptions& options) {
  if (options.format == Format::kJson) {
    Json all = Json::array();
    for (const engine::Guard& guard : AllGuards()) {
      all.push_back({{"name", guard.name},
                     {"version", guard.version},
                     {"fault", guard.fault},
                     {"upstream", guard.upstream},
                     {"means", guard.means},
                     {"effect", guard.effect}});
    }
    std::cout << JsonText(all, 2) << "\n";
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const engine::Guard& guard : AllGuards())
    rows.push_back({guard.name, guard.means, guard.effect});
  std::cout << RenderTable({"guard", "means", "what you get"}, rows);
  return kDone;
}

int RunVersion(const GlobalOptions& options, bool guards) {
  if (guards) return RunGuards(options);
  const auto engine = engine::EngineVersions();
  if (options.format == Format::kJson) {
    Json json = {{"weir", kVersion}};
    for (const auto& [name, version] : engine) json[name] = version;
    std::cout << JsonText(json, 2) << "\n";
    return kDone;
  }
  std::cout << "weir " << kVersion << "\n";
  for (const auto& [name, version] : engine) std::cout << "  " << name << " " << version << "\n";
  return kDone;
}

}  // namespace weir::cli
