// SPDX-License-Identifier: Apache-2.0

#include "weir/upkeep/carry_out.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "weir/artifacts/artifact_tables.h"
#include "weir/artifacts/compaction.h"
#include "weir/base/log.h"
#include "weir/base/parallel.h"
#include "weir/upkeep/warehouse_tables.h"

namespace weir {

namespace {

/// One object is removed in less time than its answer takes.
constexpr size_t kRemovalsAtATime = 8;

/// Removes files, some at a time; stops at the first that cannot be.
Status RemoveAll(const engine::Session& session, const std::string& url,
                 const std::vector<std::string>& paths, std::vector<bool>& removed) {
  removed.assign(paths.size(), false);
  std::mutex mutex;
  Status failed;
  // Local files go faster than threads start.
  const size_t threads = LocalFolder(url).empty() ? kRemovalsAtATime : 1;
  ForEachInParallel(paths.size(), threads, [&](size_t i) {
    {
      const std::lock_guard lock(mutex);
      if (!failed.ok()) return;
    }
    const Status status = RemoveTableFile(session, url, paths[i]);
    const std::lock_guard lock(mutex);
    if (status.ok()) {
      removed[i] = true;
    } else if (failed.ok()) {
      failed = status;
    }
  });
  return failed;
}

class Upkeep {
 public:
  Upkeep(const SessionRuntime& session, int64_t now_us, UpkeepOutcome& outcome)
      : session_(session), now_us_(now_us), outcome_(outcome) {}

  /// REQUIRES: all actions are of one table
  Status Table(const std::vector<UpkeepAction>& actions) {
    // Data before log: what was removed of a table stays known for what it was.
    WEIR_RETURN_NOT_OK(Remove(actions, UpkeepKind::kRemoveFile));
    WEIR_RETURN_NOT_OK(Remove(actions, UpkeepKind::kRemoveLog));
    for (const UpkeepAction& action : actions) {
      switch (action.kind) {
        case UpkeepKind::kRemoveFile:
        case UpkeepKind::kRemoveLog:
          continue;
        case UpkeepKind::kDropTable:
          WEIR_RETURN_NOT_OK(Drop(action));
          break;
        case UpkeepKind::kSeeRemovedView:
        case UpkeepKind::kAwaitRemovedView:
          break;
        case UpkeepKind::kCompact:
          WEIR_RETURN_NOT_OK(Compact(action));
          break;
        case UpkeepKind::kWriteCheckpoint:
          WEIR_RETURN_NOT_OK(session_.engine().CreateCheckpoint(action.url));
          break;
      }
      outcome_.done.push_back(action);
    }
    return Status::OK();
  }

 private:
  Status Remove(const std::vector<UpkeepAction>& actions, UpkeepKind kind) {
    std::vector<const UpkeepAction*> chosen;
    std::vector<std::string> paths;
    for (const UpkeepAction& action : actions) {
      if (action.kind != kind) continue;
      chosen.push_back(&action);
      paths.push_back(action.path);
    }
    std::vector<bool> removed;
    Status status = chosen.empty()
                        ? Status::OK()
                        : RemoveAll(session_.engine(), chosen.front()->url, paths, removed);
    for (size_t i = 0; i < removed.size(); ++i) {
      if (removed[i]) outcome_.done.push_back(*chosen[i]);
    }
    return status;
  }

  /// Some partitions at a time, each time in a commit; one that fails leaves those before it.
  Status Compact(const UpkeepAction& action) {
    // Each time there are fewer; another writer must not keep this going for ever.
    static constexpr int kMostTimes = 10'000;
    for (int i = 0; i < kMostTimes; ++i) {
      WEIR_ASSIGN_OR_RETURN(const auto committed, CompactTable(session_.engine(), action.url,
                                                               kManySmallFiles, now_us_ / 1000));
      if (!committed) return Status::OK();
    }
    return Status::OK();
  }

  /// The marker first, then data, then the log from its end: what is left of it is the log of an
  /// earlier version, whose files are missing.
  Status Drop(const UpkeepAction& action) {
    const std::string marker = DropMarkerUrl(session_.warehouse_url(), action.table);
    WEIR_RETURN_NOT_OK(session_.engine().PutObject(marker, fmt::format("{}", now_us_)));
    WEIR_ASSIGN_OR_RETURN(const auto files, ListTableFiles(session_.engine(), action.url));
    std::vector<std::string> data, log;
    for (const StoredFile& file : files)
      (file.path.starts_with(kLogFolder) ? log : data).push_back(file.path);
    std::vector<bool> removed;
    WEIR_RETURN_NOT_OK(RemoveAll(session_.engine(), action.url, data, removed));
    // Names begin with the version; of one version the commit goes last, and what has none first.
    std::sort(log.begin(), log.end(), [](const std::string& a, const std::string& b) {
      const std::string version_a = a.substr(0, a.find('.')), version_b = b.substr(0, b.find('.'));
      return std::pair(version_b, a) < std::pair(version_a, b);
    });
    for (const std::string& path : log)
      WEIR_RETURN_NOT_OK(RemoveTableFile(session_.engine(), action.url, path));
    RemoveEmptyFolders(action.url);
    return session_.engine().DeleteObject(marker);
  }

  const SessionRuntime& session_;
  const int64_t now_us_;
  UpkeepOutcome& outcome_;
};

}  // namespace

UpkeepOutcome CarryOut(const UpkeepPlan& plan, const SessionRuntime& session, int64_t now_us,
                       const std::function<Status()>& check_held,
                       const engine::Cancellation& cancellation) {
  UpkeepOutcome outcome;
  for (const std::string& marker : plan.stale_markers) {
    const Status removed = session.engine().DeleteObject(marker);
    if (!removed.ok()) outcome.problems.push_back(removed);
  }
  Upkeep upkeep(session, now_us, outcome);
  for (auto begin = plan.actions.begin(); begin != plan.actions.end();) {
    const auto end = std::find_if(begin, plan.actions.end(), [&](const UpkeepAction& action) {
      return action.table != begin->table;
    });
    outcome.cancelled = cancellation.is_cancelled();
    if (outcome.cancelled) return outcome;
    if (const Status held = check_held(); !held.ok()) {
      outcome.problems.push_back(held);
      return outcome;
    }
    const size_t done_before = outcome.done.size();
    const Status status = upkeep.Table({begin, end});
    for (size_t i = done_before; i < outcome.done.size(); ++i) {
      const UpkeepAction& action = outcome.done[i];
      Log(LogLevel::kInfo, "the warehouse was kept",
          {{"table", action.table},
           {"action", ToString(action.kind)},
           {"path", action.path},
           {"bytes", action.bytes},
           {"reason", action.reason}});
    }
    if (!status.ok())
      outcome.problems.push_back(status.WithContext(fmt::format("table `{}`", begin->table)));
    begin = end;
  }
  return outcome;
}

Status RecordUpkeep(const std::string& gc_id, const std::vector<UpkeepAction>& done,
                    const SessionRuntime& session, int64_t done_at_us) {
  ArtifactRows rows(gc_id);
  bool is_empty = true;
  for (const UpkeepAction& action : done) {
    if (action.kind == UpkeepKind::kAwaitRemovedView) continue;
    is_empty = false;
    rows.Add("maintenance", {gc_id, done_at_us, action.table, std::string(ToString(action.kind)),
                             action.path.empty() ? ArtifactValue() : ArtifactValue(action.path),
                             action.version < 0 ? ArtifactValue() : ArtifactValue(action.version),
                             action.bytes, action.reason});
  }
  if (is_empty) return Status::OK();
  return rows.Commit(session.engine(), session.warehouse_url(), done_at_us / 1000);
}

}  // namespace weir
