// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/delta_log.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace weir {

namespace {

bool AllDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Undoes the percent-encoding of a file URL's path.
std::string LocalPath(const std::string& url) {
  static constexpr std::string_view kScheme = "file://";
  std::string path;
  for (size_t i = kScheme.size(); i < url.size(); ++i) {
    if (url[i] == '%' && i + 2 < url.size()) {
      path += static_cast<char>(std::stoi(url.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      path += url[i];
    }
  }
  return path;
}

class StoreLog : public DeltaLog {
 public:
  StoreLog(const engine::Session& session, const std::string& table_url) : session_(session), url_(table_url + "_delta_log/") {}

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
  Result<std::string> Read(const std::string& name) const override { return session_.GetObject(url_ + name); }
  Result<bool> WriteIfAbsent(const std::string& name, const std::string& bytes) const override {
    return session_.PutObjectIfAbsent(url_ + name, bytes);
  }
  std::string url() const override { return url_; }

 protected:
  const engine::Session session_;
  const std::string url_;
};

/// Reads the file system itself: projects have thousands of tables, and each is looked at in every run.
class LocalLog : public StoreLog {
 public:
  LocalLog(const engine::Session& session, const std::string& table_url) : StoreLog(session, table_url), path_(LocalPath(url_)) {}

 protected:
  Result<std::vector<std::string>> ListNames() const override {
    std::vector<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator entries(path_, error);
    if (error == std::errc::no_such_file_or_directory) return names;
    if (error) {
      const auto code = error == std::errc::permission_denied ? StatusCode::kPermission : StatusCode::kIo;
      return Status::Environment(code, "cannot list the log of a table: {}: `{}`", error.message(), path_);
    }
    for (const auto& entry : entries) names.push_back(entry.path().filename().string());
    return names;
  }
  Result<std::string> Read(const std::string& name) const override {
    std::ifstream file(path_ + name, std::ios::binary);
    if (!file) return Status::Environment(StatusCode::kIo, "cannot read a commit: `{}`", path_ + name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

 private:
  const std::string path_;
};

}  // namespace

std::string CommitName(int64_t version) { return fmt::format("{:020}.json", version); }

Result<LogListing> DeltaLog::List() const {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames());
  LogListing listing;
  for (const std::string& name : names) {
    if (name.size() < 25 || !AllDigits(std::string_view(name).substr(0, 20))) continue;
    const int64_t version = std::stoll(name.substr(0, 20));
    const std::string_view rest = std::string_view(name).substr(20);
    if (rest == ".json") listing.commits.push_back(version);
    if (rest.starts_with(".checkpoint.")) listing.last_checkpoint = std::max(listing.last_checkpoint, version);
  }
  std::sort(listing.commits.begin(), listing.commits.end());
  int64_t expected = listing.last_checkpoint + 1;
  for (int64_t version : listing.commits) {
    if (version < expected) continue;
    if (version > expected) {
      return Status::Environment(StatusCode::kCorrupt, "the log of a table has a hole: version {} is missing in `{}`", expected, url())
          .WithHint("restore the file from a backup, or remove the table's folder to build it anew");
    }
    ++expected;
  }
  return listing;
}

Result<std::string> DeltaLog::ReadCommit(int64_t version) const { return Read(CommitName(version)); }

Result<bool> DeltaLog::WriteCommit(int64_t version, const std::string& actions) const {
  return WriteIfAbsent(CommitName(version), actions);
}

std::unique_ptr<DeltaLog> OpenDeltaLog(const engine::Session& session, const std::string& table_url) {
  if (table_url.starts_with("file://")) return std::make_unique<LocalLog>(session, table_url);
  return std::make_unique<StoreLog>(session, table_url);
}

}  // namespace weir
