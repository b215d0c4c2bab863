// SPDX-License-Identifier: Apache-2.0

#include "weir/base/filesystem.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "weir/base/file_failure.h"

namespace weir {

namespace {

namespace fs = std::filesystem;

/// Closes a file descriptor at the end of a scope.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

int WriteAll(int descriptor, std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t written = ::write(descriptor, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    contents.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

/// The one spelling under which MemoryFileSystem knows a path.
std::string Normal(const std::string& path) {
  std::string normal = fs::path(path).lexically_normal().generic_string();
  if (normal == ".") return "";
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

/// "a/" for the folder "a", "/" for the root, "" for the current folder.
std::string Prefix(const std::string& folder) {
  std::string prefix = Normal(folder);
  if (!prefix.empty() && prefix.back() != '/') prefix += '/';
  return prefix;
}

}  // namespace

Result<std::string> LocalFileSystem::ReadFile(const std::string& path) const {
  constexpr std::string_view kWhat = "read the file";
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.descriptor() < 0) return FileFailure(errno, kWhat, path);
  std::string contents;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(file.descriptor(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileFailure(errno, kWhat, path);
    if (got == 0) return contents;
    contents.append(buffer, static_cast<size_t>(got));
  }
}

Result<std::vector<std::string>> LocalFileSystem::ListFiles(const std::string& folder) const {
  constexpr std::string_view kWhat = "list the folder";
  std::vector<std::string> found;
  std::error_code error;
  if (fs::is_regular_file(folder, error)) {
    return Status::User(StatusCode::kInvalidArgument,
                        "cannot {}, a folder is wanted, found a file: `{}`", kWhat, folder);
  }
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code
        ignored;  // a file that vanished meanwhile, or a dangling link: not a file any more
    if (entry->is_regular_file(ignored))
      found.push_back(entry->path().lexically_relative(folder).generic_string());
  }
  if (error) return FileFailure(error.value(), kWhat, folder);
  std::sort(found.begin(), found.end());
  return found;
}

bool LocalFileSystem::Exists(const std::string& path) const {
  std::error_code error;
  return fs::exists(path, error);
}

bool LocalFileSystem::IsDirectory(const std::string& path) const {
  std::error_code error;
  return fs::is_directory(path, error);
}

Status LocalFileSystem::WriteNewFile(const std::string& path, std::string_view contents) {
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty()) fs::create_directories(folder, error);
  if (error) return FileFailure(error.value(), "create the folder", folder.string());

  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.descriptor() < 0) return FileFailure(errno, "create the file", path);
  const int failure = WriteAll(file.descriptor(), contents);
  if (failure == 0) return Status::OK();
  ::unlink(path.c_str());
  return FileFailure(failure, "write the file", path);
}

MemoryFileSystem::MemoryFileSystem(std::map<std::string, std::string> files) {
  for (auto& [path, contents] : files) Set(path, std::move(contents));
}

void MemoryFileSystem::Set(const std::string& path, std::string contents) {
  files_[Normal(path)] = std::move(contents);
}

void MemoryFileSystem::SetFailure(const std::string& path, Status status) {
  failures_[Normal(path)] = std::move(status);
}

Result<std::string> MemoryFileSystem::ReadFile(const std::string& path) const {
  if (const auto failure = failures_.find(Normal(path)); failure != failures_.end())
    return failure->second;
  if (const auto file = files_.find(Normal(path)); file != files_.end()) return file->second;
  return FileFailure(IsDirectory(path) ? EISDIR : ENOENT, "read the file", path);
}

Result<std::vector<std::string>> MemoryFileSystem::ListFiles(const std::string& folder) const {
  if (const auto failure = failures_.find(Normal(folder)); failure != failures_.end())
    return failure->second;
  if (files_.contains(Normal(folder))) {
    return Status::User(StatusCode::kInvalidArgument,
                        "cannot list the folder, a folder is wanted, found a file: `{}`", folder);
  }
  if (!IsDirectory(folder)) return FileFailure(ENOENT, "list the folder", folder);
  const std::string prefix = Prefix(folder);
  std::vector<std::string> found;
  for (const auto& [path, contents] : files_) {
    if (path.starts_with(prefix)) found.push_back(path.substr(prefix.size()));
  }
  return found;
}

bool MemoryFileSystem::Exists(const std::string& path) const {
  return files_.contains(Normal(path)) || IsDirectory(path);
}

bool MemoryFileSystem::IsDirectory(const std::string& path) const {
  const std::string prefix = Prefix(path);
  const auto file = files_.lower_bound(prefix);
  return file != files_.end() && file->first.starts_with(prefix);
}

Status MemoryFileSystem::WriteNewFile(const std::string& path, std::string_view contents) {
  if (const auto failure = failures_.find(Normal(path)); failure != failures_.end())
    return failure->second;
  if (Exists(path)) return FileFailure(EEXIST, "create the file", path);
  Set(path, std::string(contents));
  return Status::OK();
}

}  // namespace weir
