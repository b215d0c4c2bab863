// SPDX-License-Identifier: Apache-2.0
//
// A project's cache folder, `<project>/.weir/`. Its files only save time: what is missing or
// damaged is made anew, what cannot be written is left. Version control leaves the folder out.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Safe for use from several threads and programs: nobody reads half a file.
class CacheFolder {
 public:
  /// `root`: the project's folder.
  explicit CacheFolder(const std::string& root);

  /// What was last written under `name`, which may have folders. Nullopt if there is nothing, or if
  /// it was damaged.
  std::optional<std::string> Read(const std::string& name) const;
  void Write(const std::string& name, std::string_view bytes) const;
  /// Removes the files of a folder that `keep` does not want, by their names in it.
  void Sweep(const std::string& folder,
             const std::function<bool(const std::string& file)>& keep) const;

 private:
  std::string path_;
};

}  // namespace weir
