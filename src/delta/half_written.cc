// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/half_written.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "weir/base/file_failure.h"
#include "weir/base/file_stamp.h"
#include "weir/base/filesystem.h"
#include "weir/base/percent_text.h"
#include "weir/catalog/delta_names.h"
#include "weir/delta/log_actions.h"
#include "weir/delta/table_files.h"

namespace weir {

namespace {

constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
constexpr int64_t kNanosecondsAMillisecond = 1'000'000;
constexpr const char* kLastCheckpoint = "_last_checkpoint";
constexpr std::string_view kParquetMagic = "PAR1";

struct NamedFile {
  std::string path;  ///< as the log has it
  int64_t size_bytes = -1;
};

/// What one commit says of files.
struct CommitFiles {
  std::vector<NamedFile> added;
  std::vector<NamedFile> changes;
  std::set<std::string> removed;
};

/// nullopt for a commit that is cut off.
std::optional<CommitFiles> ReadCommitFiles(const std::string& text) {
  CommitFiles files;
  int64_t actions = 0, wanted = -1;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const LogJson action = LogJson::parse(line, nullptr, false);
    if (!action.is_object()) return std::nullopt;
    ++actions;
    const auto part = [&](const char* kind) {
      const auto found = action.find(kind);
      return found != action.end() && found->is_object() ? &*found : nullptr;
    };
    if (const LogJson* info = part("commitInfo")) wanted = IntegerOf(*info, kActionCount);
    if (const LogJson* add = part("add"))
      files.added.push_back({TextOf(*add, "path"), IntegerOf(*add, "size")});
    if (const LogJson* change = part("cdc"))
      files.changes.push_back({TextOf(*change, "path"), IntegerOf(*change, "size")});
    if (const LogJson* remove = part("remove")) files.removed.insert(TextOf(*remove, "path"));
  }
  // Other writers do not say how many there are.
  if (actions == 0 || (wanted >= 0 && actions != wanted)) return std::nullopt;
  return files;
}

/// What is wrong with a data file; empty if nothing is, or it lies elsewhere.
std::string WrongWith(const NamedFile& file, const std::string& folder) {
  if (file.path.find("://") != std::string::npos || file.path.starts_with('/')) return {};
  auto stamp = StampOf(folder + PercentDecoded(file.path));
  if (!stamp) stamp = StampOf(folder + file.path);
  if (!stamp) return fmt::format("its file `{}` is missing", file.path);
  if (file.size_bytes < 0 || stamp->size == file.size_bytes) return {};
  return fmt::format("its file `{}` has {} bytes of {}", file.path, stamp->size, file.size_bytes);
}

/// One table's log, as it lies in its folder.
class LocalTail {
 public:
  LocalTail(std::string folder, int64_t since_ms)
      : folder_(std::move(folder)),
        log_(folder_ + std::string(kLogFolder)),
        since_ns_(since_ms * kNanosecondsAMillisecond) {
    for (const StampedFile& file : StampFiles(log_).files) {
      const auto name = ReadLogObjectName(file.path);
      // A command without the lock may be writing what is unfinished.
      if (!name || IsUnfinished(file.path)) continue;
      const bool is_late = file.stamp.modified_ns >= since_ns_;
      objects_.push_back({file.path, name->version, std::string(name->rest), is_late});
      if (name->is_commit()) commits_[name->version] = is_late;
    }
  }

  Result<std::optional<TakenBack>> TakeBack() {
    base_ = FindBase();
    WEIR_RETURN_NOT_OK(ReadLateCommits());
    while (FindDamagedFile()) {
    }
    const bool is_ours = std::all_of(commits_.lower_bound(end_), commits_.end(),
                                     [](const auto& commit) { return commit.second; });
    if (!is_ours) end_ = kNone;
    const bool takes_back = end_ != kNone && commits_.lower_bound(end_) != commits_.end();
    WEIR_RETURN_NOT_OK(RemoveObjects());
    if (!takes_back) return std::optional<TakenBack>();
    return std::optional<TakenBack>(
        {.first_version = end_, .last_version = commits_.rbegin()->first, .why = why_});
  }

 private:
  struct Object {
    std::string name;
    int64_t version = 0;
    std::string rest;
    bool is_late = false;  ///< written since

    bool is_commit() const { return rest == ".json"; }
    bool is_checkpoint() const { return rest.starts_with(".checkpoint."); }
  };

  /// The checkpoint that the late commits follow: the newest from before; else none, where the log
  /// begins with version 0; else a late one, which then is needed.
  int64_t FindBase() const {
    int64_t before = -1, late = -1;
    for (const Object& object : objects_) {
      if (!object.is_checkpoint()) continue;
      int64_t& newest = object.is_late ? late : before;
      newest = std::max(newest, object.version);
    }
    const bool is_complete = commits_.contains(before + 1) || (before >= 0 && late < 0);
    return is_complete ? before : std::max(before, late);
  }

  /// Reads the commits behind the base, up to the first that is not whole.
  Status ReadLateCommits() {
    for (int64_t version = base_ + 1; version <= Latest(); ++version) {
      const auto commit = commits_.find(version);
      if (commit == commits_.end()) {
        SetEnd(version, "its commit is missing");
        return Status::OK();
      }
      if (!commit->second) continue;
      const std::string name = CommitName(version);
      WEIR_ASSIGN_OR_RETURN(const std::string text, LocalFileSystem().ReadFile(log_ + name));
      auto files = ReadCommitFiles(text);
      if (!files) {
        SetEnd(version, text.empty() ? "its commit is empty" : "its commit ends in the middle");
        return Status::OK();
      }
      files_[version] = *std::move(files);
    }
    return Status::OK();
  }

  /// Looks at what the commits before the end say. Returns whether the end is earlier now: files
  /// that a later commit removed count again when that one goes.
  bool FindDamagedFile() {
    for (auto commit = files_.begin(); commit != files_.end() && commit->first < end_; ++commit) {
      const auto is_removed = [&](const std::string& path) {
        return std::any_of(std::next(commit), files_.end(), [&](const auto& later) {
          return later.first < end_ && later.second.removed.contains(path);
        });
      };
      std::string wrong;
      for (const NamedFile& file : commit->second.added) {
        if (wrong.empty() && !is_removed(file.path)) wrong = WrongWith(file, folder_);
      }
      for (const NamedFile& file : commit->second.changes) {
        if (wrong.empty()) wrong = WrongWith(file, folder_);
      }
      if (wrong.empty()) continue;
      SetEnd(commit->first, wrong);
      return true;
    }
    return false;
  }

  void SetEnd(int64_t version, std::string why) {
    end_ = version;
    why_ = std::move(why);
  }

  int64_t Latest() const { return commits_.empty() ? -1 : commits_.rbegin()->first; }

  /// Of what is no commit. What was cut off has lost its end.
  bool IsWhole(const Object& object) const {
    const auto bytes = LocalFileSystem().ReadFile(log_ + object.name);
    if (!bytes.ok()) return false;
    if (object.rest.ends_with(".parquet"))
      return bytes->size() > kParquetMagic.size() && bytes->ends_with(kParquetMagic);
    return ReadCommitFiles(*bytes).has_value();
  }

  /// What only spares reading first, then commits from the last on, so that a kill leaves no hole.
  Status RemoveObjects() {
    std::vector<const Object*> commits;
    bool removes_checkpoint = false;
    for (const Object& object : objects_) {
      if (object.is_commit()) {
        if (object.version >= end_) commits.push_back(&object);
        continue;
      }
      const bool is_needed = object.is_checkpoint() && object.version == base_;
      if (is_needed || (object.version < end_ && (!object.is_late || IsWhole(object)))) continue;
      removes_checkpoint = removes_checkpoint || object.is_checkpoint();
      WEIR_RETURN_NOT_OK(Remove(object.name));
    }
    const auto hint = LocalFileSystem().ReadFile(log_ + kLastCheckpoint);
    if (hint.ok() && (removes_checkpoint || !LogJson::parse(*hint, nullptr, false).is_object()))
      WEIR_RETURN_NOT_OK(Remove(kLastCheckpoint));
    std::sort(commits.begin(), commits.end(),
              [](const Object* a, const Object* b) { return a->version > b->version; });
    for (const Object* commit : commits) WEIR_RETURN_NOT_OK(Remove(commit->name));
    return Status::OK();
  }

  Status Remove(const std::string& name) const {
    const std::string path = log_ + name;
    if (unlink(path.c_str()) == 0 || errno == ENOENT) return Status::OK();
    return FileFailure(errno, "remove the file", path);
  }

  const std::string folder_;
  const std::string log_;
  const int64_t since_ns_;
  std::vector<Object> objects_;
  std::map<int64_t, bool> commits_;  ///< whether each is late
  int64_t base_ = -1;
  std::map<int64_t, CommitFiles> files_;  ///< of late commits
  int64_t end_ = kNone;                   ///< the first version that is taken back
  std::string why_;
};

}  // namespace

Result<std::optional<TakenBack>> TakeBackHalfWritten(const std::string& table_url,
                                                     int64_t since_ms) {
  return LocalTail(LocalFolder(table_url), since_ms).TakeBack();
}

}  // namespace weir
