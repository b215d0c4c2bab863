// SPDX-License-Identifier: Apache-2.0
//
// Whether a project or what it reads changed, without reading any of it.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/project/project_definition.h"

namespace weir {

/// Changes with weir.toml, with any SQL file that a run reads, and with the files of local sources;
/// of Delta tables with their logs. Sources behind a URL do not count.
std::string ProjectStamp(const std::string& root, const std::vector<SourceDefinition>& sources);

/// Names of the sources that stamps do not tell about.
std::vector<std::string> SourcesWithoutStamp(const std::vector<SourceDefinition>& sources);

}  // namespace weir
