// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <filesystem>
#include <thread>
#include <unordered_map>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"
#include "weir/base/parallel.h"
#include "weir/base/utf8_text.h"
#include "weir/project/change_feed_calls.h"
#include "weir/project/function_parser.h"
#include "weir/project/parameter_uses.h"
#include "weir/project/project_definition.h"
#include "weir/project/source_parser.h"
#include "weir/project/unit_test_parser.h"
#include "weir/project/view_parser.h"
#include "weir/project/weir_toml.h"

namespace weir {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Absolute, without a slash at the end.
std::string AbsoluteFolder(const std::string& folder) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(folder, error);
  std::string absolute =
      (error ? std::filesystem::path(folder) : path).lexically_normal().generic_string();
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  return absolute;
}

/// The place of a byte in a text.
SourceLocation LocationAt(const std::string& file, std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t line_begin = before.rfind('\n') + 1;  // 0 if there is none
  const std::string_view line = before.substr(line_begin);
  const auto characters = std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
  return {file, static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(characters) + 1};
}

/// A bad file is the user's business, a file that cannot be had the environment's.
void AddReadFailure(const Status& status, const std::string& path, Diagnostics& diagnostics) {
  Diagnostic diagnostic = ToDiagnostic("W1002", status);
  diagnostic.location = {path, 0, 0};
  diagnostics.Add(std::move(diagnostic));
}

class ProjectLoader {
 public:
  ProjectLoader(const FileSystem& files, ProjectDefinition& project, Diagnostics& diagnostics)
      : files_(files), project_(project), diagnostics_(diagnostics) {}

  void LoadSources() {
    for (const SqlFile& file : LoadFolder("sources")) {
      for (SourceDefinition& source : ParseSourceFile(file, project_.root, diagnostics_)) {
        if (Claim(source.name, "table", "W1310", source.location, first_table_))
          project_.sources.push_back(std::move(source));
      }
    }
    SortByName(project_.sources);
  }

  void LoadFunctions() {
    std::unordered_map<std::string, SourceLocation> first;
    for (const SqlFile& file : LoadFolder("functions")) {
      auto functions = ParseFunctionFile(file, project_.broken_functions, diagnostics_);
      if (!CheckParameterUses(file, project_.parameters, diagnostics_)) {
        for (const UserFunctionDefinition& function : functions)
          project_.broken_functions.insert(function.name);
        continue;
      }
      for (UserFunctionDefinition& function : functions) {
        if (Claim(function.name, "function", "W1502", function.name_location, first))
          project_.functions.push_back(std::move(function));
      }
    }
    SortByName(project_.functions);
  }

  /// `selected`: the files to read; null for all.
  void LoadViews(const std::vector<std::string>* selected) {
    const std::unordered_map<std::string, SourceLocation> sources = first_table_;
    const std::vector<std::string> paths = selected == nullptr ? ListFolder("views") : *selected;
    struct Loaded {
      std::optional<ViewDefinition> view;
      Diagnostics diagnostics;
    };
    const FunctionParameters functions(project_.functions);
    std::vector<Loaded> loaded(paths.size());
    ForEachInParallel(paths.size(), std::thread::hardware_concurrency(), [&](size_t i) {
      const auto file = LoadFile(paths[i], loaded[i].diagnostics);
      if (file) loaded[i].view = LoadView(*file, functions, loaded[i].diagnostics);
    });
    std::vector<ViewDefinition*> views;
    for (Loaded& file : loaded) {
      for (const Diagnostic& diagnostic : file.diagnostics.all()) diagnostics_.Add(diagnostic);
      if (!file.view) continue;
      ViewDefinition& view = *file.view;
      if (const auto source = sources.find(view.name); source != sources.end()) {
        diagnostics_.Add(
            {.code = "W1207",
             .message = fmt::format(
                 "the view has the name of a source, which it would shadow: `{}`", view.name),
             .hint = fmt::format("rename the view, or the source at {}", ToString(source->second)),
             .location = view.location,
             .view_name = view.name});
      } else if (Claim(view.name, "view", "W1206", view.location, first_table_)) {
        views.push_back(&view);
      }
    }
    MoveByName(views, project_.views);
    if (selected == nullptr && paths.empty()) {
      diagnostics_.Add({.code = "W1216",
                        .severity = Severity::kWarning,
                        .message = "the project has no views: no `*.sql` under `views`",
                        .location = {"views", 0, 0}});
    }
  }

  void LoadTests() {
    std::unordered_map<std::string, SourceLocation> first_test;
    for (const SqlFile& file : LoadFolder("tests")) {
      if (!CheckParameterUses(file, project_.parameters, diagnostics_)) continue;
      if (HoldsUnitTests(file)) {
        for (UnitTestDefinition& test : ParseUnitTestFile(file, diagnostics_)) {
          if (Claim(test.name, "test", "W1402", test.location, first_test))
            project_.unit_tests.push_back(std::move(test));
        }
        continue;
      }
      std::optional<TestDefinition> test = ParseTestFile(file, diagnostics_);
      if (test && Claim(test->name, "test", "W1402", test->location, first_test))
        project_.tests.push_back(*std::move(test));
    }
    SortByName(project_.tests);
    SortByName(project_.unit_tests);
  }

  /// Adds the change feeds that views read to the sources.
  void LoadChangeFeeds() {
    std::vector<SourceDefinition> feeds;
    for (ViewDefinition& view : project_.views) {
      for (SourceDefinition& feed : TakeChangeFeeds(view, project_.sources))
        feeds.push_back(std::move(feed));
    }
    for (SourceDefinition& feed : feeds) {
      const bool is_known =
          std::any_of(project_.sources.begin(), project_.sources.end(),
                      [&](const SourceDefinition& source) { return source.name == feed.name; });
      if (!is_known) project_.sources.push_back(std::move(feed));
    }
    if (!feeds.empty()) SortByName(project_.sources);
  }

 private:
  std::optional<ViewDefinition> LoadView(const SqlFile& file, const FunctionParameters& functions,
                                         Diagnostics& diagnostics) const {
    std::optional<ViewDefinition> view = ParseViewFile(file, diagnostics);
    Diagnostics found;
    if (!CheckParameterUses(file, project_.parameters, found)) {
      for (Diagnostic diagnostic : found.all()) {
        if (view) diagnostic.view_name = view->name;
        diagnostics.Add(std::move(diagnostic));
      }
      return std::nullopt;
    }
    if (!view || project_.parameters.empty()) return view;
    std::set<std::string> named;
    const auto add_named = [&](const std::string& text) {
      named.merge(functions.CalledIn(text, *file.dialect));
      for (ParameterUse& use : FindParameterUses(text, *file.dialect))
        named.insert(std::move(use.name));
    };
    add_named(view->query_sql);
    for (const ConstraintDefinition& constraint : view->constraints) {
      // One that only warns changes no row.
      if (constraint.action != ViolationAction::kWarn) add_named(constraint.expression_sql);
    }
    // Where `$` begins names, others may stand there.
    for (const ProjectParameter& parameter : project_.parameters) {
      if (named.contains(parameter.name)) view->parameters.insert(parameter.name);
    }
    return view;
  }

  /// Takes a name for what is at `location`; reports `code` if it has been taken.
  bool Claim(const std::string& name, std::string_view what, std::string_view code,
             const SourceLocation& location,
             std::unordered_map<std::string, SourceLocation>& taken) {
    const auto [first, is_new] = taken.emplace(name, location);
    if (is_new) return true;
    diagnostics_.Add({.code = std::string(code),
                      .message = fmt::format("there are two {}s of this name: `{}`", what, name),
                      .hint = fmt::format("the other one is at {}", ToString(first->second)),
                      .location = location,
                      .view_name = what == "view" ? name : ""});
    return false;
  }

  template <typename T>
  static void SortByName(std::vector<T>& values) {
    std::sort(values.begin(), values.end(), [](const T& a, const T& b) { return a.name < b.name; });
  }

  /// Moves each value once, for views are many and large.
  template <typename T>
  static void MoveByName(std::vector<T*>& from, std::vector<T>& to) {
    std::sort(from.begin(), from.end(), [](const T* a, const T* b) { return a->name < b->name; });
    to.reserve(from.size());
    for (T* value : from) to.push_back(std::move(*value));
  }

  /// The readable SQL files in a folder of the project, in byte order.
  std::vector<SqlFile> LoadFolder(const std::string& folder) {
    std::vector<SqlFile> loaded;
    for (const std::string& path : ListFolder(folder)) {
      if (auto file = LoadFile(path, diagnostics_)) loaded.push_back(*std::move(file));
    }
    return loaded;
  }

  /// The paths of the SQL files in a folder of the project, in byte order.
  std::vector<std::string> ListFolder(const std::string& folder) {
    std::vector<std::string> paths;
    const std::string path = project_.root + "/" + folder;
    if (!files_.Exists(path)) return paths;
    const auto names = files_.ListFiles(path);
    if (!names.ok()) {
      AddReadFailure(names.status(), folder, diagnostics_);
      return paths;
    }
    for (const std::string& name : *names) {
      if (IsSqlFile(name)) paths.push_back(folder + "/" + name);
    }
    return paths;
  }

  std::optional<SqlFile> LoadFile(const std::string& path, Diagnostics& diagnostics) const {
    auto text = files_.ReadFile(project_.root + "/" + path);
    if (!text.ok()) {
      AddReadFailure(text.status(), path, diagnostics);
      return std::nullopt;
    }
    if (text->starts_with(kByteOrderMark)) text->erase(0, kByteOrderMark.size());
    if (const auto bad = FindInvalidUtf8(*text)) {
      diagnostics.Add({.code = "W1003",
                       .message = fmt::format("UTF-8 is wanted, found the byte `0x{:02X}`",
                                              static_cast<unsigned char>((*text)[*bad])),
                       .hint = "save the file as UTF-8",
                       .location = LocationAt(path, *text, *bad)});
      return std::nullopt;
    }
    const SqlDialect* dialect = DialectOf(path, *text, diagnostics);
    if (dialect == nullptr) return std::nullopt;
    return SqlFile{path, *std::move(text), dialect};
  }

  /// The dialect that a file names, else the project's; null if there is none of that name, which
  /// is reported.
  const SqlDialect* DialectOf(const std::string& path, std::string_view text,
                              Diagnostics& diagnostics) const {
    const std::optional<DialectComment> comment = FindDialectComment(text);
    const SqlDialect* dialect = FindDialect(comment ? comment->name : project_.dialect);
    if (dialect != nullptr || !comment) return dialect == nullptr ? &GenericDialect() : dialect;
    diagnostics.Add(
        {.code = "W1103",
         .message = fmt::format("a dialect of SQL is wanted, found `{}`", comment->name),
         .hint = DialectHint(comment->name),
         .location = {path, comment->line, comment->column}});
    return nullptr;
  }

  const FileSystem& files_;
  ProjectDefinition& project_;
  Diagnostics& diagnostics_;
  std::unordered_map<std::string, SourceLocation> first_table_;  ///< sources and views by name
};

}  // namespace

bool IsSqlFile(const std::string& path) {
  if (path.starts_with('.') || path.find("/.") != std::string::npos) return false;
  return AsciiLowerCase(path).ends_with(".sql");
}

Result<ProjectDefinition> LoadProject(const FileSystem& files, const std::string& root,
                                      const ProfileChoice& choice, Diagnostics& diagnostics,
                                      const std::vector<std::string>* view_files) {
  ProjectDefinition project;
  project.root = AbsoluteFolder(root);
  const std::string file = project.root + "/" + std::string(kProjectFileName);
  if (!files.IsDirectory(project.root)) {
    return Status::User(StatusCode::kNotFound, "a project folder is wanted, found none at `{}`",
                        project.root)
        .WithHint("`weir init` creates a project, `--project` names the folder of one");
  }
  if (!files.Exists(file)) {
    return Status::User(StatusCode::kNotFound,
                        "a project folder with a `weir.toml` is wanted, found none in `{}`",
                        project.root)
        .WithHint("`weir init` creates a project, `--project` names the folder of one");
  }
  WEIR_ASSIGN_OR_RETURN(std::string text, files.ReadFile(file));
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  WEIR_RETURN_NOT_OK(ApplyWeirToml(text, choice, project, diagnostics));

  ProjectLoader loader(files, project, diagnostics);
  loader.LoadSources();
  loader.LoadFunctions();
  loader.LoadViews(view_files);
  loader.LoadChangeFeeds();
  loader.LoadTests();
  return project;
}

}  // namespace weir
