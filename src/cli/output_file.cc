// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/output_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include <unistd.h>

namespace weir::cli {

namespace {

namespace fs = std::filesystem;

Status Refused(int error, const std::string& path) {
  StatusCode code = StatusCode::kIo;
  if (error == EACCES || error == EPERM || error == EROFS) code = StatusCode::kPermission;
  if (error == ENOSPC || error == EDQUOT) code = StatusCode::kOutOfSpace;
  return Status::Environment(code, "cannot write the file, {}: `{}`", std::strerror(error), path);
}

}  // namespace

Result<OutputFile> OutputFile::At(const std::string& path) {
  if (path.find("://") != std::string::npos) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a file of this machine is wanted for the result, found a URL: `{}`", path);
  }
  std::error_code error;
  fs::path target = fs::absolute(path, error);
  // A link stays a link.
  if (fs::is_symlink(target, error)) target = fs::weakly_canonical(target, error);
  const fs::file_status status = fs::status(target, error);
  if (fs::is_directory(status) || !target.has_filename()) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a file is wanted for the result, found a folder: `{}`", path);
  }
  if (!fs::is_directory(target.parent_path(), error)) {
    return Status::User(StatusCode::kNotFound, "the folder of the result does not exist: `{}`",
                        target.parent_path().string());
  }
  OutputFile file;
  file.path_ = target.string();
  const bool is_special = fs::exists(status) && !fs::is_regular_file(status);
  file.draft_ = is_special
                    ? file.path_
                    : (target.parent_path() / fmt::format(".weir-result-{}", ::getpid())).string();
  return file;
}

OutputFile::~OutputFile() {
  // One that was moved away has no draft.
  if (!is_open_ || draft_.empty() || draft_ == path_) return;
  stream_.reset();
  std::error_code error;
  fs::remove(draft_, error);
  // The engine's own draft, `NAME#1`, stays where writing was cancelled.
  const std::string begin = fs::path(draft_).filename().string() + "#";
  std::vector<fs::path> left;
  for (fs::directory_iterator entry(fs::path(draft_).parent_path(), error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().starts_with(begin)) left.push_back(entry->path());
  }
  for (const fs::path& file : left) fs::remove(file, error);
}

Result<std::ostream*> OutputFile::Open() {
  errno = 0;
  stream_ = std::make_unique<std::ofstream>(draft_, std::ios::binary | std::ios::trunc);
  if (!stream_->is_open()) return Refused(errno, path_);
  return stream_.get();
}

Status OutputFile::Commit() {
  errno = 0;
  if (stream_) {
    stream_->close();
    if (stream_->fail()) return Refused(errno == 0 ? EIO : errno, path_);
    stream_.reset();
  }
  if (draft_ != path_) {
    std::error_code error;
    const fs::file_status before = fs::status(path_, error);
    if (fs::exists(before)) fs::permissions(draft_, before.permissions(), error);
    fs::rename(draft_, path_, error);
    if (error) return Refused(error.value(), path_);
  }
  is_open_ = false;
  return Status::OK();
}

}  // namespace weir::cli
