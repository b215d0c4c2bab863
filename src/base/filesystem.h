// SPDX-License-Identifier: Apache-2.0
//
// What Weir needs of a file system for project files: small text files and folders of them. Data
// and Delta logs never pass here; they belong to the engine's object stores.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir {

/// Reads (and for `weir init` writes) project files. Implementations are safe for concurrent reads.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Reads a whole file. Fails with kNotFound, kInvalidArgument (it is a folder), kPermission or
  /// kIo.
  virtual Result<std::string> ReadFile(const std::string& path) const = 0;

  /// Lists the regular files under `folder` and its subfolders, as paths relative to it with `/`
  /// between the parts, in byte order. Links to files are listed, links to folders are not entered.
  /// Fails with kNotFound, kInvalidArgument (it is a file), kPermission or kIo.
  virtual Result<std::vector<std::string>> ListFiles(const std::string& folder) const = 0;

  /// Says whether a file or a folder is there. What cannot be looked at is not there.
  virtual bool Exists(const std::string& path) const = 0;
  virtual bool IsDirectory(const std::string& path) const = 0;

  /// Creates a file with `contents`, and the folders above it. Fails with kAlreadyExists instead of
  /// replacing anything, else with kPermission, kOutOfSpace or kIo; a half-written file is removed.
  virtual Status WriteNewFile(const std::string& path, std::string_view contents) = 0;
};

/// The machine's own file system.
class LocalFileSystem : public FileSystem {
 public:
  Result<std::string> ReadFile(const std::string& path) const override;
  Result<std::vector<std::string>> ListFiles(const std::string& folder) const override;
  bool Exists(const std::string& path) const override;
  bool IsDirectory(const std::string& path) const override;
  Status WriteNewFile(const std::string& path, std::string_view contents) override;
};

/// Files in memory, for tests. Folders exist as long as a file is in them. Paths are compared after
/// removing `.`, `..` and doubled slashes.
class MemoryFileSystem : public FileSystem {
 public:
  MemoryFileSystem() = default;
  explicit MemoryFileSystem(std::map<std::string, std::string> files);

  /// Adds or replaces a file.
  void Set(const std::string& path, std::string contents);
  /// Makes every later read of `path` fail with `status`.
  void SetFailure(const std::string& path, Status status);

  Result<std::string> ReadFile(const std::string& path) const override;
  Result<std::vector<std::string>> ListFiles(const std::string& folder) const override;
  bool Exists(const std::string& path) const override;
  bool IsDirectory(const std::string& path) const override;
  Status WriteNewFile(const std::string& path, std::string_view contents) override;

 private:
  std::map<std::string, std::string> files_;
  std::map<std::string, Status> failures_;
};

}  // namespace weir
