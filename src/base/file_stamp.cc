// SPDX-License-Identifier: Apache-2.0

#include "weir/base/file_stamp.h"

#include <algorithm>
#include <ctime>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

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

/// Adds what is below the open folder `descriptor`, which is closed.
void Collect(int descriptor, const std::string& prefix, std::vector<StampedFile>& files) {
  DIR* folder = fdopendir(descriptor);
  if (folder == nullptr) {
    close(descriptor);
    return;
  }
  while (const dirent* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat status {};
    if (entry->d_type == DT_DIR) {
      const int below =
          openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (below >= 0) Collect(below, prefix + entry->d_name + "/", files);
      continue;
    }
    if (fstatat(dirfd(folder), entry->d_name, &status, 0) != 0) continue;
    if (S_ISREG(status.st_mode)) files.push_back({prefix + entry->d_name, ToStamp(status)});
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

std::vector<StampedFile> StampFiles(const std::string& folder) {
  std::vector<StampedFile> files;
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) Collect(descriptor, "", files);
  SortByPath(files);
  return files;
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

bool IsSettled(const FileStamp& stamp, int64_t taken_at_ns) {
  return std::max(stamp.modified_ns, stamp.changed_ns) < taken_at_ns - kTickNs;
}

int64_t StampClockNs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return Nanoseconds(now);
}

}  // namespace weir
