// SPDX-License-Identifier: Apache-2.0
//
// For tests: a Delta log in memory that other writers can get ahead in, and a reader that replays
// it as the protocol says.

#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "weir/catalog/delta_names.h"
#include "weir/delta/delta_commit.h"
#include "weir/delta/delta_log.h"

namespace weir {

class MemoryLog : public DeltaLog {
 public:
  /// Called before each attempt to write, with the version it is for; may write itself.
  std::function<void(const std::string& name)> before_write;
  /// What the next write fails with, after it was made or not.
  Status write_failure;
  bool fails_after_writing = false;

  void Set(const std::string& name, const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    files_[name] = bytes;
  }
  void SetCommit(int64_t version, const std::string& actions) { Set(CommitName(version), actions); }
  void Remove(const std::string& name) {
    const std::lock_guard lock(mutex_);
    files_.erase(name);
  }
  std::string At(int64_t version) const { return *Read(CommitName(version)); }
  int writes() const { return writes_; }

 protected:
  Result<std::vector<std::string>> ListNames() const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files_)
      names.insert(names.begin(), name);  // stores promise no order
    return names;
  }
  Result<std::string> Read(const std::string& name) const override {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(name);
    if (found == files_.end())
      return Status::Environment(StatusCode::kNotFound, "no such file: `{}`", name);
    return found->second;
  }
  Result<bool> WriteIfAbsent(const std::string& name, const std::string& bytes) const override {
    if (before_write) before_write(name);
    const std::lock_guard lock(mutex_);
    ++writes_;
    if (!write_failure.ok() && !fails_after_writing) return write_failure;
    const bool written = files_.emplace(name, bytes).second;
    if (!write_failure.ok()) return write_failure;
    return written;
  }
  std::string url() const override { return "memory:///table/_delta_log/"; }

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::string> files_;
  mutable int writes_ = 0;
};

/// The state of a table after `version`, by replay of its commits.
struct Replayed {
  std::map<std::string, nlohmann::json> files;  ///< add actions by path as the log has it
  nlohmann::json protocol, metadata;
  std::map<std::string, int64_t> transactions;

  static Replayed Of(const DeltaLog& log, int64_t version) {
    Replayed state;
    for (int64_t v = 0; v <= version; ++v) {
      std::istringstream lines(*log.ReadCommit(v));
      for (std::string line; std::getline(lines, line);) {
        const auto action = nlohmann::json::parse(line);
        if (action.contains("protocol")) state.protocol = action["protocol"];
        if (action.contains("metaData")) state.metadata = action["metaData"];
        if (action.contains("txn"))
          state.transactions[action["txn"]["appId"]] = action["txn"]["version"];
        if (action.contains("remove"))
          state.files.erase(action["remove"]["path"].get<std::string>());
        if (action.contains("add")) state.files[action["add"]["path"]] = action["add"];
      }
    }
    return state;
  }
};

/// What CommitTo needs to know of a table whose paths need no encoding.
inline TableAt ReplayTable(const DeltaLog& log, const std::string& app_id) {
  return [&log, app_id](int64_t version) -> Result<TableState> {
    const Replayed state = Replayed::Of(log, version);
    TableState table;
    for (const auto& [path, add] : state.files) {
      table.files.push_back(DataFile{
          .path = path, .size_bytes = add["size"], .modified_ms = add["modificationTime"]});
    }
    table.metadata = state.metadata.dump();
    table.protocol = state.protocol.dump();
    const auto found = state.transactions.find(app_id);
    if (found != state.transactions.end()) table.transaction_version = found->second;
    return table;
  };
}

}  // namespace weir
