// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/path_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"
#include "weir/base/percent_text.h"
#include "weir/base/text_between.h"
#include "weir/catalog/catalog.h"
#include "weir/catalog/path_pattern.h"

namespace weir {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileScheme = "file://";
constexpr std::string_view kDeltaLog = "_delta_log";

std::string Joined(const std::vector<std::string>& parts, size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < end; ++i) text += (text.empty() ? "" : "/") + parts[i];
  return text;
}

bool IsPartitionFolder(const std::string& part) {
  const size_t equals = part.find('=');
  return equals != std::string::npos && equals > 0;
}

/// Of the parts of a folder, of which the user wrote those from `written` on: how many are above
/// the first that is named `column=value`.
size_t AbovePartitions(const std::vector<std::string>& parts, size_t written) {
  for (size_t i = written; i < parts.size(); ++i) {
    if (IsPartitionFolder(parts[i])) return i;
  }
  return parts.size();
}

Status Denied(const std::error_code& error, const std::string& path) {
  const bool is_permission = error == std::errc::permission_denied;
  Status status = Status::Environment(is_permission ? StatusCode::kPermission : StatusCode::kIo,
                                      "cannot look into `{}`: {}", path, error.message());
  return is_permission ? status.WithHint("give the user who runs weir the right to read it")
                       : status;
}

/// Tables within a folder, of which each has a log.
Status RefuseDeltaTables(const std::set<std::string>& tables, const std::string& path) {
  if (tables.empty()) return Status::OK();
  std::string names;
  size_t count = 0;
  for (const std::string& table : tables) {
    if (++count > 3) break;
    names += fmt::format("{}`{}`", names.empty() ? "" : ", ", table);
  }
  if (tables.size() > 3) names += ", …";
  return Status::User(StatusCode::kInvalidArgument,
                      "one table is wanted at `{}`, found a folder of Delta tables: {}", path,
                      names)
      .WithHint(fmt::format("name one of them: '{}{}{}'", path, path.ends_with('/') ? "" : "/",
                            *tables.begin()));
}

/// Leaves out what is hidden, and refuses what belongs to the log of a table further down.
Result<std::vector<ObjectInfo>> FilesOfFolder(std::vector<ObjectInfo> objects,
                                              const std::string& path) {
  std::vector<ObjectInfo> files;
  std::set<std::string> tables;
  for (ObjectInfo& object : objects) {
    const std::vector<std::string> parts = PathParts(object.relative_path);
    const auto log = std::find(parts.begin(), parts.end(), kDeltaLog);
    if (log != parts.end() && log != parts.begin())
      tables.insert(Joined(parts, 0, static_cast<size_t>(log - parts.begin())));
    if (std::any_of(parts.begin(), parts.end(), IsHiddenName)) continue;
    // Object stores have folders as objects without bytes.
    if (object.size_bytes == 0 && object.relative_path.ends_with('/')) continue;
    files.push_back(std::move(object));
  }
  WEIR_RETURN_NOT_OK(RefuseDeltaTables(tables, path));
  return files;
}

Status NothingIn(const std::string& path) {
  return Status::User(StatusCode::kNotFound, "files are wanted in the folder, found none: `{}`",
                      path)
      .WithHint("what begins with `.` or `_` is not looked at");
}

// --- this machine ---

/// Names in a folder, for suggestions. Empty where it cannot be looked at.
std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (names.size() >= 10000) break;
    names.push_back(entry->path().filename().string());
  }
  return names;
}

/// Shows folders with a slash.
std::string Shown(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  return fs::is_directory(folder / name, ignored) ? name + "/" : name;
}

/// Where nothing is: the first folder on the way that is missing, or names like the file's.
Status NothingAt(const std::string& path, const fs::path& absolute) {
  std::error_code is_no_link;
  if (fs::is_symlink(absolute, is_no_link)) {
    return Status::User(StatusCode::kNotFound, "the link `{}` leads to nothing: `{}`", path,
                        fs::read_symlink(absolute, is_no_link).string());
  }
  fs::path folder = absolute;
  if (!folder.has_filename()) folder = folder.parent_path();
  std::string wanted = folder.filename().string();
  std::error_code ignored;
  while (folder.has_parent_path() && folder.parent_path() != folder) {
    wanted = folder.filename().string();
    folder = folder.parent_path();
    if (fs::exists(folder, ignored)) break;
  }
  const bool is_last = fs::path(absolute).lexically_normal().parent_path() == folder;
  Status status = Status::User(StatusCode::kNotFound, "there is no file or folder `{}`", path);
  std::vector<std::string> names = NearestNames(wanted, NamesIn(folder));
  if (names.empty()) {
    return is_last ? status.WithHint(fmt::format("paths count from the current folder, `{}`",
                                                 fs::current_path(ignored).string()))
                   : status.WithHint(
                         fmt::format("the folder `{}` has no `{}`", folder.string(), wanted));
  }
  // In the words of the path that was written.
  const std::string rest = absolute.string().substr(folder.string().size());
  const std::string before =
      path.size() > rest.size() ? path.substr(0, path.size() - rest.size() + 1) : std::string();
  std::string hint;
  for (const std::string& name : names)
    hint += fmt::format("{}`{}{}`", hint.empty() ? "" : " or ", before, Shown(folder, name));
  return status.WithHint(fmt::format("did you mean {}?", hint));
}

Result<ObjectInfo> LookAt(const fs::path& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) {
    return Denied(std::error_code(errno, std::generic_category()), file.string());
  }
  return ObjectInfo{
      .url = ToUrl(file.string(), /*folder=*/false),
      .relative_path = {},
      .size_bytes = found.st_size,
      .modified_ms = int64_t{found.st_mtim.tv_sec} * 1000 + found.st_mtim.tv_nsec / 1'000'000,
      .etag = {}};
}

/// Walks only where a pattern can fit.
class PatternWalk {
 public:
  PatternWalk(std::vector<std::string> parts, std::string pattern)
      : parts_(std::move(parts)), pattern_(std::move(pattern)) {}

  Status Walk(const fs::path& folder, size_t at) {
    if (at == parts_.size()) return Status::OK();
    const std::string& part = parts_[at];
    const bool is_last = at + 1 == parts_.size();
    if (part == "**" && !is_last) WEIR_RETURN_NOT_OK(Walk(folder, at + 1));
    if (part != "**" && !IsPathPattern(part)) return Enter(folder / part, at);
    std::error_code error;
    fs::directory_iterator entry(folder, error), end;
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
      return Status::OK();
    for (; !error && entry != end; entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      std::error_code ignored;
      if (part != "**") {
        if (FitsPart(part, name)) WEIR_RETURN_NOT_OK(Enter(entry->path(), at));
      } else if (!IsHiddenName(name)) {
        const bool is_folder = entry->is_directory(ignored);
        if (is_folder && !entry->is_symlink(ignored)) WEIR_RETURN_NOT_OK(Walk(entry->path(), at));
        if (!is_folder && is_last) files_.insert(entry->path());
      }
    }
    return error ? Denied(error, folder.string()) : Status::OK();
  }

  const std::set<fs::path>& files() const { return files_; }
  const std::set<std::string>& folders() const { return folders_; }

 private:
  Status Enter(const fs::path& path, size_t at) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (at + 1 < parts_.size()) return fs::is_directory(status) ? Walk(path, at + 1) : Status::OK();
    if (fs::is_regular_file(status)) files_.insert(path);
    if (fs::is_directory(status)) folders_.insert(path.filename().string());
    return Status::OK();
  }

  std::vector<std::string> parts_;
  std::string pattern_;
  std::set<fs::path> files_;
  std::set<std::string> folders_;
};

/// What a pattern of this machine's files fits.
Result<PathFiles> FindByPattern(const std::string& path, const std::string& absolute) {
  const std::vector<std::string> parts = PathParts(absolute);
  size_t plain = 0;
  while (plain < parts.size() && parts[plain] != "**" && !IsPathPattern(parts[plain])) ++plain;
  PatternWalk walk({parts.begin() + static_cast<std::ptrdiff_t>(plain), parts.end()}, path);
  const std::string folder = "/" + Joined(parts, 0, plain);
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    return NothingAt(folder, folder).WithContext(fmt::format("pattern `{}`", path));
  }
  WEIR_RETURN_NOT_OK(walk.Walk(folder, 0));
  if (walk.files().empty()) {
    Status status = Status::User(StatusCode::kNotFound, "no file fits the pattern `{}`", path);
    if (!walk.folders().empty()) {
      return status.WithHint(
          fmt::format("it fits folders, such as `{}`: name one of them, or "
                      "write a pattern of files, such as '{}/*.parquet'",
                      *walk.folders().begin(), path));
    }
    std::string held;
    size_t count = 0;
    for (const std::string& name : NamesIn(folder)) {
      if (++count > 3) break;
      held += fmt::format("{}`{}`", held.empty() ? "" : ", ", Shown(folder, name));
    }
    return status.WithHint(held.empty() ? fmt::format("the folder `{}` is empty", folder)
                                        : fmt::format("the folder `{}` holds {}{}", folder, held,
                                                      count > 3 ? ", …" : ""));
  }
  const size_t written = parts.size() - std::min(parts.size(), PathParts(path).size());
  const size_t root = std::min(
      plain, AbovePartitions({parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(plain)},
                             written));
  const std::string root_path = root == 0 ? "/" : "/" + Joined(parts, 0, root) + "/";
  PathFiles found{.is_folder = true, .url = ToUrl(root_path, true), .files = {}};
  for (const fs::path& file : walk.files()) {
    WEIR_ASSIGN_OR_RETURN(ObjectInfo object, LookAt(file));
    object.relative_path = file.string().substr(root_path.size());
    found.files.push_back(std::move(object));
  }
  return found;
}

Result<PathFiles> FindLocal(const std::string& path, const std::string& absolute,
                            const engine::Session& session) {
  std::error_code error;
  const fs::file_status status = fs::status(absolute, error);
  if (error == std::errc::permission_denied) return Denied(error, path);
  if (!fs::exists(status))
    return IsPathPattern(path) ? FindByPattern(path, absolute) : NothingAt(path, absolute);
  const std::vector<std::string> parts = PathParts(absolute);
  const size_t written = parts.size() - std::min(parts.size(), PathParts(path).size());
  if (fs::is_directory(status)) {
    const std::string folder_url = ToUrl(absolute, /*folder=*/true);
    if (fs::is_directory(fs::path(absolute) / kDeltaLog, error))
      return PathFiles{.is_delta = true, .is_folder = true, .url = folder_url, .files = {}};
    std::error_code opened;
    const fs::directory_iterator readable(absolute, opened);
    if (opened) return Denied(opened, path);
    WEIR_ASSIGN_OR_RETURN(auto objects, session.ListObjects(folder_url));
    WEIR_ASSIGN_OR_RETURN(auto files, FilesOfFolder(std::move(objects), path));
    if (files.empty()) return NothingIn(path);
    const size_t root = AbovePartitions(parts, written);
    const std::string below = Joined(parts, root, parts.size());
    if (!below.empty()) {
      for (ObjectInfo& file : files) file.relative_path = below + "/" + file.relative_path;
    }
    return PathFiles{.is_folder = true,
                     .url = ToUrl("/" + Joined(parts, 0, root), /*folder=*/true),
                     .files = std::move(files)};
  }
  if (!fs::is_regular_file(status)) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a file or a folder is wanted, found neither at `{}`", path);
  }
  if (::access(absolute.c_str(), R_OK) != 0) {
    return Status::Environment(StatusCode::kPermission, "cannot read the file `{}`: {}", path,
                               std::strerror(errno))
        .WithHint("give the user who runs weir the right to read it");
  }
  WEIR_ASSIGN_OR_RETURN(ObjectInfo file, LookAt(absolute));
  const std::vector<std::string> folder(parts.begin(), parts.end() - 1);
  const size_t root = AbovePartitions(folder, std::min(written, folder.size()));
  file.relative_path = Joined(parts, root, parts.size());
  return PathFiles{.url = ToUrl("/" + Joined(parts, 0, root), /*folder=*/true),
                   .files = {std::move(file)}};
}

// --- object stores ---

/// Where the path of a URL begins.
size_t PathBegin(const std::string& url) {
  const size_t host = url.find("://") + 3;
  return std::min(url.find('/', host), url.size());
}

/// What the environment says about stores, as object stores name their options.
std::map<std::string, std::string> EnvironmentOptions() {
  std::map<std::string, std::string> options;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name = AsciiLowerCase(text.substr(0, equals));
    for (const std::string_view prefix : {"aws_", "azure_", "google_"}) {
      if (name.starts_with(prefix)) options[name] = text.substr(equals + 1);
    }
  }
  return options;
}

/// Opens the store of a URL if the session does not know it.
Result<std::vector<ObjectInfo>> ListStore(const std::string& url, const engine::Session& session) {
  auto listed = session.ListObjects(url);
  if (listed.ok() || !IsOfUnknownStore(listed.status())) return listed;
  WEIR_RETURN_NOT_OK(OpenStoreByEnvironment(url, session));
  return session.ListObjects(url);
}

Status WithAccess(const Status& status, const std::string& url) {
  if (!status.hint().empty() || url.starts_with("http")) return status;
  return status.WithHint(
      fmt::format("how to reach `{}` is said by the environment (AWS_ACCESS_KEY_ID, AWS_REGION, "
                  "AWS_ENDPOINT …), or by `[object_stores.\"{}\"]` in weir.toml",
                  url.substr(0, PathBegin(url)), url.substr(0, PathBegin(url))));
}

/// Moves the folder `url` up above the first part named `column=value`; the paths of the files
/// begin there then.
PathFiles AboveStorePartitions(const std::string& url, std::vector<ObjectInfo> files) {
  const size_t begin = PathBegin(url);
  const std::vector<std::string> parts = PathParts(std::string_view(url).substr(begin));
  const size_t root = AbovePartitions(parts, 0);
  std::string below;
  for (size_t i = root; i < parts.size(); ++i) below += PercentDecoded(parts[i]) + "/";
  for (ObjectInfo& file : files) file.relative_path = below + file.relative_path;
  const std::string above = Joined(parts, 0, root);
  return PathFiles{.is_folder = true,
                   .url = url.substr(0, begin) + "/" + above + (above.empty() ? "" : "/"),
                   .files = std::move(files)};
}

Result<PathFiles> FindInStore(const std::string& url, const engine::Session& session) {
  const size_t begin = PathBegin(url);
  const size_t pattern = url.find_first_of("*?[", begin);
  if (pattern != std::string::npos && !url.starts_with("http")) {
    const size_t folder_end = url.rfind('/', pattern) + 1;
    const std::string folder = url.substr(0, folder_end);
    auto listed = ListStore(folder, session);
    if (!listed.ok()) return WithAccess(listed.status(), url);
    const std::vector<std::string> parts = PathParts(std::string_view(url).substr(folder_end));
    std::vector<ObjectInfo> files;
    for (ObjectInfo& object : *listed) {
      if (FitsPattern(parts, PathParts(object.relative_path))) files.push_back(std::move(object));
    }
    if (files.empty())
      return Status::User(StatusCode::kNotFound, "no object fits the pattern `{}`", url);
    return AboveStorePartitions(folder, std::move(files));
  }
  if (!url.ends_with('/')) {
    auto object = ListStore(url, session);
    if (object.ok() && object->size() == 1) {
      const size_t slash = url.rfind('/') + 1;
      object->front().relative_path = PercentDecoded(url.substr(slash));
      PathFiles found = AboveStorePartitions(url.substr(0, slash), *std::move(object));
      found.is_folder = false;
      return found;
    }
    if (!object.ok() && object.status().code() != StatusCode::kNotFound)
      return WithAccess(object.status(), url);
    if (url.starts_with("http"))
      return Status::User(StatusCode::kNotFound, "there is nothing at `{}`", url);
  }
  const std::string folder = ToUrl(url, /*folder=*/true);
  auto log = ListStore(folder + std::string(kDeltaLog) + "/", session);
  if (!log.ok()) return WithAccess(log.status(), url);
  if (!log->empty())
    return PathFiles{.is_delta = true, .is_folder = true, .url = folder, .files = {}};
  WEIR_ASSIGN_OR_RETURN(auto objects, ListStore(folder, session));
  if (objects.empty())
    return WithAccess(Status::User(StatusCode::kNotFound, "there is nothing at `{}`", url), url);
  WEIR_ASSIGN_OR_RETURN(auto files, FilesOfFolder(std::move(objects), url));
  if (files.empty()) return NothingIn(url);
  return AboveStorePartitions(folder, std::move(files));
}

}  // namespace

Status OpenStoreByEnvironment(const std::string& url, const engine::Session& session) {
  const std::string store = url.substr(0, PathBegin(url));
  auto options = EnvironmentOptions();
  if (url.starts_with("http://")) options["allow_http"] = "true";
  Status opened = session.RegisterObjectStore(store, options);
  // Variables that begin so may be for other programs.
  for (size_t i = options.size(); !opened.ok() && i > 0; --i) {
    static constexpr std::string_view kUnknown = "a setting of this store is wanted, found `";
    const size_t at = opened.message().find(kUnknown);
    if (at == std::string::npos) break;
    if (options.erase(TextBetween(opened.message().substr(at), kUnknown, "`")) == 0) break;
    opened = session.RegisterObjectStore(store, options);
  }
  return opened.WithContext(fmt::format("object store `{}`", store));
}

Status OpenStoreIfUnknown(const std::string& url, const std::vector<ObjectStoreDefinition>& known,
                          const engine::Session& session) {
  if (!LocalPath(url).empty()) return Status::OK();
  const bool is_known = std::ranges::any_of(known, [&](const ObjectStoreDefinition& store) {
    // A store is named by what stands before the path; `s3://logs` is not `s3://logs-of-others`.
    return url.starts_with(store.url) &&
           (store.url.ends_with('/') || url.size() == store.url.size() ||
            url[store.url.size()] == '/');
  });
  return is_known ? Status::OK() : OpenStoreByEnvironment(url, session);
}

bool IsOfUnknownStore(const Status& status) {
  return status.message().find("no object store is registered") != std::string::npos;
}

std::string LocalPath(const std::string& path) {
  std::string local = path;
  if (path.starts_with(kFileScheme)) {
    local = PercentDecoded(path.substr(kFileScheme.size()));
  } else if (path.find("://") != std::string::npos) {
    return {};
  } else if (path == "~" || path.starts_with("~/")) {
    const char* home = std::getenv("HOME");
    if (home != nullptr) local = home + path.substr(1);
  }
  std::error_code error;
  const fs::path absolute = fs::absolute(local, error);
  std::string text = (error ? fs::path(local) : absolute).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

Result<PathFiles> FindPathFiles(const std::string& path, const engine::Session& session) {
  if (path.find('\0') != std::string::npos)
    return Status::User(StatusCode::kInvalidArgument, "a path holds a zero byte");
  const std::string absolute = LocalPath(path);
  return absolute.empty() ? FindInStore(path, session) : FindLocal(path, absolute, session);
}

}  // namespace weir
