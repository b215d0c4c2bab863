// SPDX-License-Identifier: Apache-2.0
//
// A project's cache folder, `<project>/.weir/`. Its files only save time: what is missing or
// damaged is made anew, what cannot be written is left. Version control leaves the folder out.

#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  /// The parts one after the other, without a hash: for files that have their own and are read by
  /// their path.
  void WriteParts(const std::string& name, std::initializer_list<std::string_view> parts) const;
  void Remove(const std::string& name) const;
  std::string PathOf(const std::string& name) const { return path_ + name; }
  /// The names of the files in a folder, in any order.
  std::vector<std::string> List(const std::string& folder) const;
  /// Removes what is in a folder that `keep` does not want, by their names in it.
  void Sweep(const std::string& folder,
             const std::function<bool(const std::string& file)>& keep) const;

 private:
  std::string path_;
};

}  // namespace weir
