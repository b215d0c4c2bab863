// SPDX-License-Identifier: Apache-2.0
//
// What `weir init` writes. In: a project's name. Out: the files of a small project that works.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// A file to create.
struct TemplateFile {
  std::string path;  ///< relative to the project folder
  std::string contents;
};

/// The files of a new project: weir.toml, a CSV source with its data, two views and a test. `name`
/// may hold any characters.
std::vector<TemplateFile> InitialProject(std::string_view name);

}  // namespace weir
