// SPDX-License-Identifier: Apache-2.0

#include "weir/base/file_stamp.h"

#include <algorithm>
#include <ctime>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/parallel.h"

namespace weir {

namespace {

/// File systems take the time of the kernel's last tick, at most 10 ms old.
constexpr int64_t kTickNs = 20'000'000;

int64_t Nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

FileStamp ToStamp(const struct stat& status) {
  return {.size = status.st_size,
          .modified_ns = Nanoseconds(status.st_mtim),
          .changed_ns = Nanoseconds(status.st_ctim),
          .inode = status.st_ino};
}

bool IsFolder(int parent, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat status {};
  return fstatat(parent, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode);
}

/// Adds the paths of what is below the open folder `descriptor`, which is closed. Returns whether
/// all of it could be looked at.
bool Collect(int descriptor, const std::string& prefix, std::vector<std::string>& paths) {
  DIR* folder = descriptor < 0 ? nullptr : fdopendir(descriptor);
  if (folder == nullptr) {
    if (descriptor >= 0) close(descriptor);
    return false;
  }
  bool complete = true;
  while (const dirent* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    std::string path = prefix + entry->d_name;
    if (IsFolder(dirfd(folder), *entry)) {
      const int below =
          openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      complete = Collect(below, path + "/", paths) && complete;
    } else {
      paths.push_back(std::move(path));
    }
  }
  closedir(folder);
  return complete;
}

/// Adds the stamps of the folders in the open folder `descriptor`, which is closed.
void CollectFolders(int descriptor, const std::string& prefix, std::vector<StampedFile>& folders) {
  // A folder has a link from each one in it, where the file system counts so: of a table that is
  // not partitioned it is known without reading it that there is its log alone.
  static constexpr nlink_t kLinksWithOneFolder = 3;
  DIR* folder = descriptor < 0 ? nullptr : fdopendir(descriptor);
  if (folder == nullptr) {
    if (descriptor >= 0) close(descriptor);
    return;
  }
  while (const dirent* entry = readdir(folder)) {
    const char first = entry->d_name[0];
    struct stat status {};
    if (first == '.' || first == '_' || entry->d_type == DT_REG ||
        fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISDIR(status.st_mode))
      continue;
    std::string path = prefix + entry->d_name;
    folders.push_back({path, ToStamp(status)});
    if (status.st_nlink == kLinksWithOneFolder) {
      struct stat log {};
      const std::string inner = fmt::format("{}/_delta_log", entry->d_name);
      if (fstatat(dirfd(folder), inner.c_str(), &log, AT_SYMLINK_NOFOLLOW) == 0) continue;
    }
    if (status.st_nlink == kLinksWithOneFolder - 1) continue;
    CollectFolders(
        openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
        path + "/", folders);
  }
  closedir(folder);
}

void SortByPath(std::vector<StampedFile>& files) {
  std::sort(files.begin(), files.end(),
            [](const StampedFile& a, const StampedFile& b) { return a.path < b.path; });
}

}  // namespace

std::optional<FileStamp> StampOf(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return ToStamp(status);
}

StampedFolder StampFiles(const std::string& folder) {
  StampedFolder stamped;
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return stamped;
  std::vector<std::string> paths;
  stamped.complete = Collect(fcntl(descriptor, F_DUPFD_CLOEXEC, 0), "", paths);
  std::sort(paths.begin(), paths.end());
  stamped.files.resize(paths.size());
  // A thread takes as long to start as some 50 files to look at.
  const size_t threads = paths.size() < 500 ? 1 : std::thread::hardware_concurrency();
  ForEachInParallel(paths.size(), threads, [&](size_t i) {
    struct stat status {};
    if (fstatat(descriptor, paths[i].c_str(), &status, 0) != 0 || !S_ISREG(status.st_mode)) return;
    stamped.files[i] = {std::move(paths[i]), ToStamp(status)};
  });
  close(descriptor);
  std::erase_if(stamped.files, [](const StampedFile& file) { return file.path.empty(); });
  return stamped;
}

std::vector<StampedFile> StampInEachFolder(const std::string& folder, const std::string& name) {
  std::vector<StampedFile> files;
  DIR* entries = opendir(folder.c_str());
  if (entries == nullptr) return files;
  while (const dirent* entry = readdir(entries)) {
    const std::string path = fmt::format("{}/{}", entry->d_name, name);
    struct stat status {};
    if (entry->d_name[0] != '.' && fstatat(dirfd(entries), path.c_str(), &status, 0) == 0)
      files.push_back({path, ToStamp(status)});
  }
  closedir(entries);
  SortByPath(files);
  return files;
}

std::vector<StampedFile> StampFolders(const std::string& folder) {
  std::vector<StampedFile> folders;
  CollectFolders(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", folders);
  SortByPath(folders);
  return folders;
}

bool IsSettled(const FileStamp& stamp, int64_t taken_at_ns) {
  return std::max(stamp.modified_ns, stamp.changed_ns) < taken_at_ns - kTickNs;
}

int64_t StampClockNs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return Nanoseconds(now);
}

}  // namespace weir
