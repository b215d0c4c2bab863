// SPDX-License-Identifier: Apache-2.0
//
// What the file system says of a file without opening it: enough to tell that it is the same as
// before. As in Git's index, a file that changed in the very moment of looking is not told apart by
// its times, so that its contents must be compared (`IsSettled`).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/result.h"

namespace weir {

/// Size, times in nanoseconds since 1970, and number of a file or a folder. Every write changes at
/// least one of them, but for writes within one tick of the file system's clock.
struct FileStamp {
  int64_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  uint64_t inode = 0;

  bool operator==(const FileStamp&) const = default;
};

/// A file below a folder, as a path relative to it.
struct StampedFile {
  std::string path;
  FileStamp stamp;
};

/// Nullopt if there is nothing at `path`, or it cannot be looked at. Follows links.
std::optional<FileStamp> StampOf(const std::string& path);

/// What is below a folder.
struct StampedFolder {
  std::vector<StampedFile> files;  ///< the regular ones, in byte order of their paths
  bool complete = false;           ///< each folder could be listed; false also where there is none
};

/// Stamps the files below `folder`. Links to files are followed, links to folders are not entered,
/// as in FileSystem::ListFiles; what cannot be looked at is left out.
StampedFolder StampFiles(const std::string& folder);

/// The stamp of `name` in each folder of `folder` that has it, in byte order.
std::vector<StampedFile> StampInEachFolder(const std::string& folder, const std::string& name);

/// The stamps of the folders below `folder`, at any depth, in byte order: that of one changes when
/// a file in it comes or goes. Folders whose names begin with `_` or `.` are left out, with all
/// that is in them.
std::vector<StampedFile> StampFolders(const std::string& folder);

/// Whether a later write must have changed a stamp taken at `taken_at_ns`.
bool IsSettled(const FileStamp& stamp, int64_t taken_at_ns);

/// The clock that stamps are compared with: nanoseconds since 1970.
int64_t StampClockNs();

}  // namespace weir
