// SPDX-License-Identifier: Apache-2.0
//
// A file that appears only when it is complete: written under another name beside it, then renamed.
// In: a path. Out: a stream, or the path of the draft for others to write.

#pragma once

#include <fstream>
#include <memory>
#include <ostream>
#include <string>

#include "weir/base/result.h"

namespace weir::cli {

class OutputFile {
 public:
  /// Nothing is created yet. Fails where no file can be: no such folder, a folder of that name, a
  /// URL. What is no regular file (`/dev/stdout`) is written to directly.
  static Result<OutputFile> At(const std::string& path);

  OutputFile(OutputFile&&) noexcept = default;
  OutputFile& operator=(OutputFile&&) = delete;
  /// Removes the draft unless it was committed.
  ~OutputFile();

  /// The absolute path that is to be written to.
  const std::string& draft() const { return draft_; }
  /// Opens the draft. Valid until Commit().
  Result<std::ostream*> Open();
  /// Puts the draft into its place.
  Status Commit();

 private:
  OutputFile() = default;

  std::string path_;
  std::string draft_;
  bool is_open_ = true;  ///< neither committed nor moved away
  std::unique_ptr<std::ofstream> stream_;
};

}  // namespace weir::cli
