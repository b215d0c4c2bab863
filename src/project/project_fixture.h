// SPDX-License-Identifier: Apache-2.0
//
// For the tests of this room: a project in memory, and its diagnostics as short texts.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "weir/project/project_definition.h"

namespace weir {

/// A loaded project and what was reported, each as "W1101 views/a.sql:1:8 message" with " | hint"
/// where there is one.
struct LoadedProject {
  ProjectDefinition project;
  std::vector<std::string> reports;
};

inline std::vector<std::string> Reports(const Diagnostics& diagnostics) {
  std::vector<std::string> reports;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    std::string report =
        diagnostic.code + " " + ToString(diagnostic.location) + " " + diagnostic.message;
    if (!diagnostic.hint.empty()) report += " | " + diagnostic.hint;
    reports.push_back(std::move(report));
  }
  return reports;
}

/// Loads a project at /p from `files` (relative paths); an empty weir.toml, and a view, are added
/// unless given.
inline LoadedProject Load(const std::map<std::string, std::string>& files,
                          const ProfileChoice& profile = {}) {
  MemoryFileSystem memory;
  memory.Set("/p/weir.toml", "");
  memory.Set("/p/views/some_view.sql", "SELECT 1");
  for (const auto& [path, contents] : files) memory.Set("/p/" + path, contents);
  Diagnostics diagnostics;
  Result<ProjectDefinition> project = LoadProject(memory, "/p", profile, diagnostics);
  if (!project.ok()) return {{}, {project.status().ToString()}};
  return {*std::move(project), Reports(diagnostics)};
}

}  // namespace weir
