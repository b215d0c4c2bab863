// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/orphans.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "weir/base/file_stamp.h"
#include "weir/base/percent_text.h"
#include "weir/delta/delta_commit.h"
#include "weir/delta/delta_log.h"

namespace weir {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kFileScheme = "file://";
constexpr std::string_view kLogFolder = "_delta_log/";

/// The local folder behind a URL; empty if it is in another store.
std::string LocalFolder(const std::string& table_url) {
  if (!table_url.starts_with(kFileScheme)) return {};
  return PercentDecoded(table_url.substr(kFileScheme.size()));
}

/// What is below the table's folder. Local files are looked at directly: the store does not show
/// those that it had begun when it was killed.
Result<std::vector<OrphanFile>> AllFiles(const engine::Session& session,
                                         const std::string& table_url) {
  std::vector<OrphanFile> files;
  if (const std::string folder = LocalFolder(table_url); !folder.empty()) {
    for (StampedFile& file : StampFiles(folder).files)
      files.push_back({std::move(file.path), file.stamp.size});
    return files;
  }
  const auto objects = session.ListObjects(table_url);
  if (!objects.ok()) {
    if (objects.status().code() == StatusCode::kNotFound) return files;
    return objects.status();
  }
  for (const ObjectInfo& object : *objects)
    files.push_back({PercentDecoded(object.relative_path), object.size_bytes});
  return files;
}

/// Adds the paths that a commit's actions name.
void AddNamed(const std::string& commit, std::set<std::string>& named) {
  std::istringstream lines(commit);
  for (std::string line; std::getline(lines, line);) {
    const Json action = Json::parse(line, nullptr, false);
    if (!action.is_object()) continue;
    for (const char* kind : {"add", "remove", "cdc"}) {
      if (!action.contains(kind) || !action[kind].is_object()) continue;
      const Json& file = action[kind];
      if (file.contains("path") && file["path"].is_string())
        named.insert(PercentDecoded(file["path"].get<std::string>()));
    }
  }
}

/// The files that the versions of the table name.
Result<std::set<std::string>> NamedFiles(const engine::Session& session,
                                         const std::string& table_url) {
  std::set<std::string> named;
  const auto log = OpenDeltaLog(session, table_url);
  WEIR_ASSIGN_OR_RETURN(const LogListing listing, log->List());
  if (listing.latest() < 0) return named;
  for (const int64_t version : listing.commits) {
    WEIR_ASSIGN_OR_RETURN(const std::string commit, log->ReadCommit(version));
    AddNamed(commit, named);
  }
  WEIR_ASSIGN_OR_RETURN(const auto snapshot, engine::DeltaSnapshot::Open(session, table_url));
  WEIR_ASSIGN_OR_RETURN(const auto active, snapshot.files());
  for (const DataFile& file : active) named.insert(file.path);
  return named;
}

/// Whether a name is that of a file which a local store had begun to write: `x.parquet#1`.
bool IsUnfinished(const std::string& path) {
  const size_t mark = path.rfind('#');
  return mark != std::string::npos && mark + 1 < path.size() &&
         path.find_first_not_of("0123456789", mark + 1) == std::string::npos;
}

}  // namespace

Result<std::vector<OrphanFile>> FindOrphans(const engine::Session& session,
                                            const std::string& table_url) {
  WEIR_ASSIGN_OR_RETURN(std::vector<OrphanFile> files, AllFiles(session, table_url));
  WEIR_ASSIGN_OR_RETURN(const std::set<std::string> named, NamedFiles(session, table_url));
  std::erase_if(files, [&](const OrphanFile& file) {
    if (IsUnfinished(file.path)) return false;
    // Of a log everything else is somebody's; Delta keeps deletion vectors beside the data.
    const bool is_data = !file.path.starts_with(kLogFolder) && file.path.ends_with(".parquet");
    return !is_data || named.contains(file.path);
  });
  std::sort(files.begin(), files.end(),
            [](const OrphanFile& a, const OrphanFile& b) { return a.path < b.path; });
  return files;
}

Status RemoveOrphans(const engine::Session& session, const std::string& table_url,
                     const std::vector<OrphanFile>& orphans) {
  const std::string folder = LocalFolder(table_url);
  if (folder.empty()) {
    std::vector<DataFile> files(orphans.size());
    for (size_t i = 0; i < files.size(); ++i) files[i].path = orphans[i].path;
    RemoveDataFiles(session, table_url, files);
    return Status::OK();
  }
  for (const OrphanFile& orphan : orphans) {
    const std::string path = folder + orphan.path;
    if (unlink(path.c_str()) == 0 || errno == ENOENT) continue;
    const bool is_refused = errno == EACCES || errno == EPERM || errno == EROFS;
    return Status::Environment(is_refused ? StatusCode::kPermission : StatusCode::kIo,
                               "a file cannot be removed: {}: `{}`", strerror(errno), path);
  }
  return Status::OK();
}

}  // namespace weir
