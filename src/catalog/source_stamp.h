// SPDX-License-Identifier: Apache-2.0
//
// Whether the files of a source are the same as before, without reading them.

#pragma once

#include <string>

#include "weir/base/file_stamp.h"
#include "weir/project/project_definition.h"

namespace weir {

/// Changes with the files of a local source: of a Delta table with the folder of its log, of others
/// with any file. Empty for what stamps cannot tell: sources behind a URL, nothing there, files
/// that changed in the moment before `now_ns`.
std::string SourceStamp(const SourceDefinition& source, int64_t now_ns);

/// The parts of a stamp as text.
std::string ToText(const FileStamp& stamp);

}  // namespace weir
