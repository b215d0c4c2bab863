// SPDX-License-Identifier: Apache-2.0
//
// The parameters that weir.toml declares, and the values that profiles and the command line give
// them. In: tables of the file. Out: ProjectParameters; what is wrong is reported with its place
// (W1027 to W1030).

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "weir/base/status.h"
#include "weir/project/project_definition.h"
#include "weir/project/toml_reader.h"

namespace weir {

/// [parameters]: `day = { type = "DATE", default = "2024-01-01", description = "…" }`, or a value,
/// whose type is that of TOML.
void ReadParameters(const toml::table& table, TomlReader& reader,
                    std::vector<ProjectParameter>& parameters);

/// [profiles.NAME.parameters]: values. They are set if they are needed, else looked at.
void ReadProfileParameters(const toml::table& table, TomlReader& reader,
                           std::vector<ProjectParameter>& parameters);

/// Sets what the command line says. Fails with kNotFound for a name or a value that there is not.
Status SetParameters(const std::vector<std::pair<std::string, std::string>>& set,
                     TomlReader& reader, std::vector<ProjectParameter>& parameters);

}  // namespace weir
