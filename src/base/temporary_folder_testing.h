// SPDX-License-Identifier: Apache-2.0
/// A folder for one test.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include <stdlib.h>

namespace weir {

/// A new, empty folder that no other test and no earlier run has, removed with all that is in it at
/// the end of its life. A name made of the process's number is not enough: numbers come back.
class TemporaryFolder {
 public:
  /// `name` begins the folder's name. Throws std::runtime_error if it cannot be made.
  explicit TemporaryFolder(const std::string& name = "weir") {
    std::string pattern = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error("cannot make a temporary folder like `" + pattern + "`");
    }
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace weir
