// SPDX-License-Identifier: Apache-2.0
//
// Files of a project's cache folder, `<project>/.weir/`. They only save time: what is missing or
// damaged is made anew, what cannot be written is left.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// The path of a cache file of the project in the folder `root`.
std::string CachePath(const std::string& root, const std::string& name);

/// What WriteCacheFile wrote last. Nullopt if there is none, or if it was damaged.
std::optional<std::string> ReadCacheFile(const std::string& path);

/// Replaces the file at once, so that nobody reads half of it. Version control leaves the folder
/// out.
void WriteCacheFile(const std::string& path, std::string_view bytes);

}  // namespace weir
