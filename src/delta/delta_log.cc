// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/delta_log.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "weir/base/durability.h"
#include "weir/base/file_failure.h"
#include "weir/base/filesystem.h"
#include "weir/base/percent_text.h"
#include "weir/catalog/delta_names.h"

namespace weir {

namespace {

constexpr std::string_view kFileScheme = "file://";

/// The rest of a checkpoint's name; files that a writer was killed over have other ends.
bool IsCheckpoint(std::string_view rest) {
  return rest.starts_with(".checkpoint.") &&
         (rest.ends_with(".parquet") || rest.ends_with(".json"));
}

Status ListFailed(const std::error_code& error, const std::string& path) {
  const auto code =
      error == std::errc::permission_denied ? StatusCode::kPermission : StatusCode::kIo;
  return Status::Environment(code, "cannot list the log of a table: {}: `{}`", error.message(),
                             path);
}

class StoreLog : public DeltaLog {
 public:
  StoreLog(const engine::Session& session, const std::string& table_url)
      : session_(session), url_(table_url + "_delta_log/") {}

 protected:
  Result<std::vector<std::string>> ListNames() const override {
    std::vector<std::string> names;
    auto objects = session_.ListObjects(url_);
    if (!objects.ok()) {
      if (objects.status().code() == StatusCode::kNotFound) return names;
      return objects.status();
    }
    for (const ObjectInfo& object : *objects) names.push_back(object.relative_path);
    return names;
  }
  Result<std::string> Read(const std::string& name) const override {
    return session_.GetObject(url_ + name);
  }
  Result<bool> WriteIfAbsent(const std::string& name, const std::string& bytes) const override {
    return session_.PutObjectIfAbsent(url_ + name, bytes);
  }
  std::string url() const override { return url_; }

 protected:
  const engine::Session session_;
  const std::string url_;
};

/// Reads the file system itself: projects have thousands of tables, and each is looked at in every
/// run.
class LocalLog : public StoreLog {
 public:
  LocalLog(const engine::Session& session, const std::string& table_url)
      : StoreLog(session, table_url), path_(PercentDecoded(url_.substr(kFileScheme.size()))) {}

 protected:
  Result<std::vector<std::string>> ListNames() const override {
    std::vector<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator entries(path_, error);
    if (error == std::errc::no_such_file_or_directory) return names;
    if (error) return ListFailed(error, path_);
    for (; entries != std::filesystem::directory_iterator(); entries.increment(error)) {
      names.push_back(entries->path().filename().string());
    }
    if (error) return ListFailed(error, path_);
    return names;
  }
  Result<std::string> Read(const std::string& name) const override {
    auto bytes = LocalFileSystem().ReadFile(path_ + name);
    // A log is nothing that users write.
    if (!bytes.ok())
      return Status(bytes.status().code(), Blame::kEnvironment, bytes.status().message());
    return bytes;
  }

 protected:
  const std::string path_;
};

/// A file under a name that readers pass over, removed at the end of its life.
class UnfinishedFile {
 public:
  static Result<UnfinishedFile> Write(const std::string& path, const std::string& bytes) {
    static constexpr int kMostKilledOver = 1000;
    for (int number = 1; number <= kMostKilledOver; ++number) {
      UnfinishedFile file(fmt::format("{}#{}", path, number));
      const Status written = LocalFileSystem().WriteNewFile(file.path_, bytes);
      if (written.ok()) return file;
      file.path_.clear();
      if (written.code() != StatusCode::kAlreadyExists) return written;
    }
    return Status::Environment(StatusCode::kIo, "many writers were killed over the file: `{}`",
                               path);
  }
  ~UnfinishedFile() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  UnfinishedFile(UnfinishedFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  UnfinishedFile& operator=(UnfinishedFile&&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit UnfinishedFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

class WholeLocalLog : public LocalLog {
 public:
  using LocalLog::LocalLog;

 protected:
  Result<bool> WriteIfAbsent(const std::string& name, const std::string& bytes) const override {
    const std::string path = path_ + name;
    WEIR_ASSIGN_OR_RETURN(const UnfinishedFile file, UnfinishedFile::Write(path, bytes));
    WEIR_RETURN_NOT_OK(SyncFileSystem(path_));
    if (link(file.path().c_str(), path.c_str()) == 0) return true;
    if (errno == EEXIST) return false;
    return FileFailure(errno, "write the file", path);
  }
};

}  // namespace

Result<LogListing> DeltaLog::List() const {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames());
  LogListing listing;
  for (const std::string& name : names) {
    const auto object = ReadLogObjectName(name);
    if (!object) continue;
    if (object->is_commit()) listing.commits.push_back(object->version);
    if (IsCheckpoint(object->rest))
      listing.last_checkpoint = std::max(listing.last_checkpoint, object->version);
  }
  std::sort(listing.commits.begin(), listing.commits.end());
  int64_t expected = listing.last_checkpoint + 1;
  for (int64_t version : listing.commits) {
    if (version < expected) continue;
    if (version > expected) {
      return Status::Environment(StatusCode::kCorrupt,
                                 "the log of a table has a hole: version {} is missing in `{}`",
                                 expected, url())
          .WithHint(
              "restore the file from a backup, or remove the table's folder to build it anew");
    }
    ++expected;
  }
  return listing;
}

Result<std::string> DeltaLog::ReadCommit(int64_t version) const {
  return Read(CommitName(version));
}

Result<bool> DeltaLog::WriteCommit(int64_t version, const std::string& actions) const {
  auto written = WriteIfAbsent(CommitName(version), actions);
  if (written.ok() && *written) return true;
  // The answer may have been lost on its way, not the commit; and a store that is asked again says
  // that what it has written is there.
  const auto found = ReadCommit(version);
  if (found.ok() && *found == actions) return true;
  return written;
}

std::unique_ptr<DeltaLog> OpenDeltaLog(const engine::Session& session, const std::string& table_url,
                                       CommitDurability durability) {
  if (table_url.starts_with(kFileScheme)) {
    if (durability == CommitDurability::kWhole)
      return std::make_unique<WholeLocalLog>(session, table_url);
    return std::make_unique<LocalLog>(session, table_url);
  }
  return std::make_unique<StoreLog>(session, table_url);
}

}  // namespace weir
