// SPDX-License-Identifier: Apache-2.0

#include "weir/upkeep/retention.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "weir/run/landing.h"

namespace weir {

namespace {

using Json = nlohmann::json;

constexpr int64_t kMsADay = 86'400'000;
constexpr int64_t kUsADay = kMsADay * 1000;

std::string RecordedOf(const TableVersion& version, const char* key) {
  const auto found = version.recorded.find(key);
  return found == version.recorded.end() ? std::string() : found->second;
}

/// The tables of this warehouse that a build read, with their versions.
std::map<std::string, int64_t> PinsOf(const TableVersion& build) {
  std::map<std::string, int64_t> pins;
  const Json read = Json::parse(RecordedOf(build, "pins"), nullptr, false),
             elsewhere = Json::parse(RecordedOf(build, "deferred"), nullptr, false);
  if (!read.is_object()) return pins;
  for (const auto& [table, version] : read.items()) {
    if (elsewhere.is_object() && elsewhere.contains(table)) continue;
    if (version.is_number_integer()) pins[table] = version.get<int64_t>();
  }
  return pins;
}

/// Collects versions of tables, and what their builds read.
class Needed {
 public:
  explicit Needed(const Histories& histories) : histories_(histories) {}

  void AddWithPins(const std::string& table, int64_t version) {
    const TableHistory* history = Add(table, version);
    if (history == nullptr) return;
    const TableVersion* build = history->BuildAt(version);
    if (build == nullptr) return;
    for (const auto& [read, pinned] : PinsOf(*build)) Add(read, pinned);
  }
  std::map<std::string, std::set<int64_t>> Take() && { return std::move(versions_); }

 private:
  const TableHistory* Add(const std::string& table, int64_t version) {
    const auto history = histories_.find(table);
    if (history == histories_.end() || version < 0 || !history->second->IsReadable(version))
      return nullptr;
    versions_[table].insert(version);
    return history->second;
  }

  const Histories& histories_;
  std::map<std::string, std::set<int64_t>> versions_;
};

/// The version that a run found, where it did not record it: ids begin with the time, hence their
/// order is that of the runs.
int64_t VersionUpTo(const TableHistory& table, const std::string& run_id) {
  int64_t version = -1;
  for (const TableVersion& commit : table.versions()) {
    if (!commit.is_build) continue;
    const std::string by = RecordedOf(commit, "run_id");
    if (!by.empty() && by <= run_id) version = commit.version;
  }
  return version;
}

}  // namespace

std::set<std::string> RecordedKeys() {
  return {"run_id", "pins", "deferred", "view_name", kLandedSource};
}

std::vector<RunRecord> AllRuns(std::vector<RunRecord> runs, const Histories& histories) {
  std::set<std::string> known;
  for (const RunRecord& run : runs) known.insert(run.run_id);
  for (const auto& [view, history] : histories) {
    for (const TableVersion& commit : history->versions()) {
      const std::string by = RecordedOf(commit, "run_id");
      if (by.empty() || !known.insert(by).second) continue;
      // A time that nobody knows is that of the newest.
      const bool is_known = commit.time_ms < std::numeric_limits<int64_t>::max() / 1000;
      runs.push_back({.run_id = by,
                      .started_at_us =
                          is_known ? commit.time_ms * 1000 : std::numeric_limits<int64_t>::max()});
    }
  }
  return runs;
}

std::set<std::string> RetainedRuns(std::vector<RunRecord> runs, const RetentionSettings& retention,
                                   int64_t now_us) {
  std::sort(runs.begin(), runs.end(), [](const RunRecord& a, const RunRecord& b) {
    return std::tie(a.started_at_us, a.run_id) > std::tie(b.started_at_us, b.run_id);
  });
  std::set<std::string> retained, tags;
  for (size_t i = 0; i < runs.size(); ++i) {
    const bool is_last = static_cast<int64_t>(i) < retention.runs;
    const bool is_recent = runs[i].started_at_us > now_us - retention.days * kUsADay;
    const bool is_tagged =
        !runs[i].tag.empty() && runs[i].succeeded && tags.insert(runs[i].tag).second;
    if (is_last || is_recent || is_tagged) retained.insert(runs[i].run_id);
  }
  return retained;
}

std::map<std::string, std::set<int64_t>> VersionsOfRuns(const std::set<std::string>& runs,
                                                        const std::vector<TaskRecord>& tasks,
                                                        const Histories& histories) {
  Needed needed(histories);
  for (const auto& [view, history] : histories) {
    for (const TableVersion& commit : history->versions()) {
      if (runs.contains(RecordedOf(commit, "run_id"))) needed.AddWithPins(view, commit.version);
    }
  }
  for (const TaskRecord& task : tasks) {
    const auto history = histories.find(task.view_name);
    if (!runs.contains(task.run_id) || history == histories.end()) continue;
    const int64_t version =
        task.version >= 0 ? task.version : VersionUpTo(*history->second, task.run_id);
    needed.AddWithPins(task.view_name, version);
  }
  return std::move(needed).Take();
}

void AddPublished(const std::vector<PublishedTask>& published, const ProjectDefinition& project,
                  const Histories& histories, std::map<std::string, std::set<int64_t>>& versions) {
  std::set<std::string> own;
  for (const ViewDefinition& view : project.views) {
    if (view.kind == ViewDefinition::Kind::kStored) own.insert(view.name);
  }
  for (const PublishedTask& task : published) {
    if (task.project != project.name && own.contains(task.view_name)) continue;
    const auto history = histories.find(task.view_name);
    if (history == histories.end() || !history->second->IsReadable(task.version)) continue;
    versions[task.view_name].insert(task.version);
  }
}

std::set<int64_t> RecentVersions(const TableHistory& table, int64_t days, int64_t now_us) {
  std::set<int64_t> recent;
  if (table.latest() < 0) return recent;
  recent.insert(table.latest());
  const int64_t age_ms =
      std::max(days * kMsADay, table.DurationOf("delta.deletedFileRetentionDuration").value_or(0));
  const int64_t now_ms = now_us / 1000;
  const int64_t since_ms = age_ms > now_ms ? std::numeric_limits<int64_t>::min() : now_ms - age_ms;
  for (const TableVersion& commit : table.versions()) {
    // It took the place of the version before it.
    const int64_t before = commit.version - 1;
    if (commit.time_ms > since_ms && table.IsReadable(before)) recent.insert(before);
  }
  return recent;
}

}  // namespace weir
