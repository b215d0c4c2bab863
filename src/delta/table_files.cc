// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/table_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <unistd.h>

#include "weir/base/file_stamp.h"
#include "weir/base/percent_text.h"
#include "weir/catalog/catalog.h"

namespace weir {

namespace {

constexpr std::string_view kFileScheme = "file://";
constexpr int64_t kNanosecondsAMillisecond = 1'000'000;

/// Removes what is empty below `folder`, and itself; stops at the first that is not.
void RemoveEmpty(const std::filesystem::path& folder) {
  std::error_code error;
  for (std::filesystem::directory_iterator entries(folder, error);
       !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (entries->is_symlink(error) || !entries->is_directory(error)) continue;
    RemoveEmpty(entries->path());
  }
  rmdir(folder.c_str());
}

/// Removes the folders of a partition whose last file it was.
void RemoveEmptyAbove(const std::string& folder, std::string path) {
  if (path.starts_with(kLogFolder)) return;
  for (size_t slash = path.rfind('/'); slash != std::string::npos; slash = path.rfind('/')) {
    path.resize(slash);
    if (rmdir((folder + path).c_str()) != 0) return;
  }
}

/// As URLs below a table's have it.
std::string EncodedPath(const std::string& path) {
  return ToUrl("/" + path, false).substr(std::string_view("file:///").size());
}

}  // namespace

std::string LocalFolder(const std::string& table_url) {
  if (!table_url.starts_with(kFileScheme)) return {};
  return PercentDecoded(table_url.substr(kFileScheme.size()));
}

/// Local files are looked at directly: the store does not show those that it had begun when it was
/// killed.
Result<std::vector<StoredFile>> ListTableFiles(const engine::Session& session,
                                               const std::string& table_url) {
  std::vector<StoredFile> files;
  if (const std::string folder = LocalFolder(table_url); !folder.empty()) {
    for (StampedFile& file : StampFiles(folder).files) {
      files.push_back({std::move(file.path), file.stamp.size,
                       file.stamp.modified_ns / kNanosecondsAMillisecond});
    }
    return files;
  }
  const auto objects = session.ListObjects(table_url);
  if (!objects.ok()) {
    if (objects.status().code() == StatusCode::kNotFound) return files;
    return objects.status();
  }
  for (const ObjectInfo& object : *objects)
    files.push_back({object.relative_path, object.size_bytes, object.modified_ms});
  std::sort(files.begin(), files.end(),
            [](const StoredFile& a, const StoredFile& b) { return a.path < b.path; });
  return files;
}

Result<std::vector<std::string>> MissingFiles(const engine::Session& session,
                                              const std::string& table_url,
                                              const std::vector<std::string>& paths) {
  std::vector<std::string> missing;
  if (paths.empty()) return missing;
  const std::string folder = LocalFolder(table_url);
  const auto is_gone = [](const std::string& file) {
    return access(file.c_str(), F_OK) != 0 && errno == ENOENT;
  };
  std::set<std::string> there;
  if (folder.empty()) {
    WEIR_ASSIGN_OR_RETURN(const auto files, ListTableFiles(session, table_url));
    for (const StoredFile& file : files) there.insert(PercentDecoded(file.path));
  }
  for (const std::string& path : paths) {
    const bool is_local_url = path.starts_with(kFileScheme);
    if (path.find("://") != std::string::npos && !is_local_url) continue;
    const std::string decoded = PercentDecoded(path);
    bool gone = false;
    if (is_local_url) {
      gone = is_gone(decoded.substr(kFileScheme.size()));
    } else if (folder.empty()) {
      gone = !there.contains(decoded) && !path.starts_with("../") && !path.starts_with('/');
    } else {
      const std::string before = path.starts_with('/') ? "" : folder;
      gone = is_gone(before + decoded) && is_gone(before + path);
    }
    if (gone) missing.push_back(path);
  }
  return missing;
}

bool IsUnfinished(std::string_view path) {
  const size_t mark = path.rfind('#');
  return mark != std::string_view::npos && mark + 1 < path.size() &&
         path.find_first_not_of("0123456789", mark + 1) == std::string_view::npos;
}

Status RemoveTableFile(const engine::Session& session, const std::string& table_url,
                       const std::string& path) {
  const std::string folder = LocalFolder(table_url);
  if (folder.empty()) {
    const Status removed = session.DeleteObject(table_url + EncodedPath(path));
    return removed.code() == StatusCode::kNotFound ? Status::OK() : removed;
  }
  const std::string file = folder + path;
  if (unlink(file.c_str()) == 0 || errno == ENOENT) {
    RemoveEmptyAbove(folder, path);
    return Status::OK();
  }
  const bool is_refused = errno == EACCES || errno == EPERM || errno == EROFS;
  return Status::Environment(is_refused ? StatusCode::kPermission : StatusCode::kIo,
                             "a file cannot be removed: {}: `{}`", strerror(errno), file);
}

void RemoveEmptyFolders(const std::string& table_url) {
  const std::string folder = LocalFolder(table_url);
  if (!folder.empty()) RemoveEmpty(std::filesystem::path(folder).parent_path());
}

}  // namespace weir
