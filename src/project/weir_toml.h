// SPDX-License-Identifier: Apache-2.0
//
// Reads weir.toml. In: its text. Out: the project's name, warehouse, object stores and the chosen
// profile; everything wrong in any part of the file is reported, also in profiles that are not
// chosen. What the keys mean is in docs/project.md.

#pragma once

#include <string>
#include <string_view>

#include "weir/project/project_definition.h"

namespace weir {

inline constexpr std::string_view kProjectFileName = "weir.toml";

/// Sets `project`'s name, warehouse_uri, profile and object_stores from `text`. What is not said or
/// wrong gets its default. Fails with kNotFound if nothing is wrong in the text but that it has no
/// profile of that name. REQUIRES: `project.root` is set
Status ApplyWeirToml(const std::string& text, const std::string& profile_name,
                     ProjectDefinition& project, Diagnostics& diagnostics);

/// The number of bytes that a text such as "4GB", "512 MiB" or "1000" stands for. K, M, G and T are
/// powers of 1024, with or without B or iB after them, in any case.
std::optional<int64_t> ParseByteSize(std::string_view text);

/// Fills in environment variables: `${NAME}`; `$${` stands for `${`. Fails with kNotFound if a
/// variable is not set and with kInvalidArgument if a `${` has no name or no end. Messages never
/// hold a variable's value.
Result<std::string> ExpandEnvironment(std::string_view text);

}  // namespace weir
