// SPDX-License-Identifier: Apache-2.0
//
// Whether a source and its files are the same as before, without reading them.

#pragma once

#include <string>

#include "weir/base/file_stamp.h"
#include "weir/project/project_definition.h"

namespace weir {

/// Changes with the files of a local source: of a Delta table with the folder of its log, of others
/// with any file. Empty for what stamps cannot tell: sources behind a URL, nothing there, files
/// that changed in the moment before `now_ns`.
std::string SourceStamp(const SourceDefinition& source, int64_t now_ns);

/// Changes with what a source says of itself: where its files are and how they are read. Variables
/// of the environment stand in it with their values, hashed.
std::string SourceDefinitionHash(const SourceDefinition& source);

/// The parts of a stamp as text.
std::string ToText(const FileStamp& stamp);

}  // namespace weir
