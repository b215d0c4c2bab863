// SPDX-License-Identifier: Apache-2.0
//
// What `weir init` writes. In: a template's and a project's name. Out: the files of a project that
// works. The templates are the folders of src/project/templates, built into the program.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir {

/// A file to create.
struct TemplateFile {
  std::string path;  ///< relative to the project folder
  std::string contents;
};

/// A kind of project to begin with.
struct ProjectTemplate {
  std::string_view name;
  std::string_view about;  ///< one line
  std::string_view next;   ///< what to do first, as a command; a `{}` in it is the project's folder
};

/// The templates, the default one first.
const std::vector<ProjectTemplate>& ProjectTemplates();

/// The files of a new project. `name` may hold any characters. Fails with kNotFound, and the
/// nearest name, if there is no such template.
Result<std::vector<TemplateFile>> InitialProject(std::string_view template_name,
                                                 std::string_view name);

/// A file of src/project/templates; its bytes live as long as the program.
struct EmbeddedFile {
  std::string_view template_name;
  std::string_view path;  ///< relative to the template's folder
  std::string_view contents;
};

/// All of them, ordered by template and path. Written by scripts/embed_templates.py.
const std::vector<EmbeddedFile>& EmbeddedFiles();

}  // namespace weir
