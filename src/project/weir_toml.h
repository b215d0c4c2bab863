// SPDX-License-Identifier: Apache-2.0
//
// Reads weir.toml. In: its text. Out: the project's name, warehouse, parameters, object stores and
// the chosen profile; everything wrong in any part of the file is reported, also in profiles that
// are not chosen. What the keys mean is in docs/project.md.

#pragma once

#include <string>
#include <string_view>

#include "weir/project/project_definition.h"

namespace weir {

inline constexpr std::string_view kProjectFileName = "weir.toml";

/// Sets `project`'s name, warehouse_uri, profile, parameters and object_stores from `text`. What is
/// not said or wrong gets its default. Fails with kNotFound if nothing is wrong in the text but
/// that it has not what `choice` names. REQUIRES: `project.root` is set
Status ApplyWeirToml(const std::string& text, const ProfileChoice& choice,
                     ProjectDefinition& project, Diagnostics& diagnostics);

/// The profiles that `text` has, "default" first, which there always is; it alone where the text is
/// no TOML.
std::vector<std::string> ProfileNames(const std::string& text);

/// The warehouse of a profile, as ProjectDefinition has it; nothing else of the profile need be
/// right. Fails with kNotFound if there is no such profile, and where a variable is not set that
/// the warehouse needs.
Result<std::string> WarehouseOfProfile(const std::string& text, const std::string& root,
                                       const std::string& profile);

/// The number of bytes that a text such as "4GB", "512 MiB" or "1000" stands for. K, M, G and T are
/// powers of 1024, with or without B or iB after them, in any case.
std::optional<int64_t> ParseByteSize(std::string_view text);

/// Whether a text holds `${`: the value of a variable, or `$${`.
bool NamesEnvironment(std::string_view text);

/// Fills in environment variables: `${NAME}`, and `${NAME:-default}` for one that is unset or
/// empty; the default may hold variables. `$${` stands for `${`. Fails with kNotFound if a variable
/// without default is not set, and with kInvalidArgument if a `${` has no name or no end, or a
/// value is no UTF-8. Messages never hold a variable's value.
Result<std::string> ExpandEnvironment(std::string_view text);

/// Fails as ExpandEnvironment does at the syntax; no variable is looked at.
Status CheckEnvironmentSyntax(std::string_view text);

}  // namespace weir
