// SPDX-License-Identifier: Apache-2.0
//
// Patterns of paths, as shells and DuckDB have them. In: a pattern with `/` between its parts. Out:
// whether a path fits it. `*` stands for any characters of one part, `?` for one, `[a-c]` and
// `[!a-c]` for one of some; a part `**` for any number of folders, none included. Nothing is listed
// here.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Whether any character of `path` makes it a pattern.
bool IsPathPattern(std::string_view path);

/// The parts of a path between its slashes; doubled slashes count as one.
std::vector<std::string> PathParts(std::string_view path);

/// Whether `name`, one part of a path, fits the part `pattern`. Names that begin with a dot fit
/// only patterns that do.
bool FitsPart(std::string_view pattern, std::string_view name);

/// Whether a folder or file of this name is left out where `**` enters folders by itself.
bool IsHiddenName(std::string_view name);

/// Whether the parts of a path fit those of a pattern.
bool FitsPattern(const std::vector<std::string>& pattern, const std::vector<std::string>& path);

}  // namespace weir
