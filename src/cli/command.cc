// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/command.h"

#include <filesystem>
#include <iostream>

#include "weir/base/filesystem.h"
#include "weir/project/weir_toml.h"

namespace weir::cli {

Result<OpenProject> Open(const GlobalOptions& options, int64_t noted_store_calls) {
  const LocalFileSystem files;
  OpenProject open;
  WEIR_ASSIGN_OR_RETURN(open.definition,
                        LoadProject(files, options.project, options.profile, open.diagnostics));
  WEIR_ASSIGN_OR_RETURN(open.session,
                        SessionRuntime::Seal(open.definition, open.diagnostics, noted_store_calls));
  BundleCache cache(open.definition, *open.session);
  open.compiled = CompileViews(open.definition, *open.session, open.diagnostics, &cache);
  if (open.compiled.failed.empty()) cache.Sweep();
  open.diagnostics.Sort();
  return open;
}

Result<ProjectDefinition> WithoutProject(const ProfileChoice& profile, Diagnostics& diagnostics) {
  std::error_code error;
  const std::string folder = std::filesystem::current_path(error).string();
  MemoryFileSystem files;
  files.Set(folder + "/" + std::string(kProjectFileName), "");
  Diagnostics of_nothing;  // that it has no views
  auto project = LoadProject(files, folder, profile, of_nothing);
  for (const Diagnostic& diagnostic : of_nothing.all()) {
    if (diagnostic.severity == Severity::kError) diagnostics.Add(diagnostic);
  }
  return project;
}

Result<std::optional<DeferTarget>> DeferTargetOf(const GlobalOptions& options,
                                                 const ProjectDefinition& project,
                                                 const SessionRuntime& session) {
  if (options.defer_to.empty()) return std::optional<DeferTarget>();
  WEIR_ASSIGN_OR_RETURN(
      const std::string text,
      LocalFileSystem().ReadFile(project.root + "/" + std::string(kProjectFileName)));
  const auto warehouse = WarehouseOfProfile(text, project.root, options.defer_to);
  if (!warehouse.ok()) return warehouse.status().WithContext("--defer-to");
  DeferTarget target{.profile = options.defer_to, .warehouse_url = ToUrl(*warehouse, true)};
  WEIR_RETURN_NOT_OK(CheckOtherWarehouse(project.profile.name, session.warehouse_url(), target));
  return std::optional(std::move(target));
}

int Fail(const Status& status) {
  std::cout.flush();
  TellError(status);
  if (status.code() == StatusCode::kCancelled) return kInterrupted;
  return status.blame() == Blame::kEnvironment ? kEnvironment : kWorkFailed;
}

int FailNamed(const Status& status) {
  const int code = Fail(status);
  return code == kWorkFailed && status.code() == StatusCode::kNotFound ? kWrongUse : code;
}

int Report(const Diagnostics& diagnostics) {
  int errors = 0, warnings = 0;
  bool only_environment = true;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    Tell(diagnostic);
    if (diagnostic.severity == Severity::kError) {
      ++errors;
      only_environment = only_environment && diagnostic.blame == Blame::kEnvironment;
    } else {
      ++warnings;
    }
  }
  if (errors + warnings > 0) {
    Tell(fmt::format("{} error{}, {} warning{}", errors, errors == 1 ? "" : "s", warnings,
                     warnings == 1 ? "" : "s"));
  }
  if (errors == 0) return kDone;
  return only_environment ? kEnvironment : kWorkFailed;
}

void ReportWarnings(const std::vector<Diagnostic>& warnings) {
  for (const Diagnostic& warning : warnings) Tell(warning);
}

}  // namespace weir::cli
