// SPDX-License-Identifier: Apache-2.0

#include "weir/upkeep/upkeep_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/base/fingerprint.h"
#include "weir/base/parallel.h"
#include "weir/base/percent_text.h"
#include "weir/base/time_text.h"
#include "weir/catalog/delta_names.h"
#include "weir/run/landing.h"
#include "weir/upkeep/retention.h"
#include "weir/upkeep/run_records.h"
#include "weir/upkeep/warehouse_tables.h"

namespace weir {

namespace {

constexpr int64_t kUsADay = 86'400'000'000;

/// What a log holds where it begins with a checkpoint.
TableAt TableAtOf(const engine::Session& session, const std::string& url) {
  return [&session, url](int64_t version) -> Result<TableState> {
    WEIR_ASSIGN_OR_RETURN(const auto snapshot, engine::DeltaSnapshot::Open(session, url, version));
    TableState table;
    WEIR_ASSIGN_OR_RETURN(table.files, snapshot.files());
    WEIR_ASSIGN_OR_RETURN(table.metadata, snapshot.metadata());
    return table;
  };
}

/// The files in a checkpoint of one file, read as the Parquet that it is.
Result<std::set<std::string>> FilesInCheckpoint(const engine::Session& session,
                                                const std::string& url, const StoredFile& file) {
  const engine::FileTableSpec spec{.root_url = url + std::string(kLogFolder),
                                   .format = "parquet",
                                   .options = {},
                                   .partition_columns = {},
                                   .required_columns = {},
                                   .files = {{.path = file.path.substr(kLogFolder.size()),
                                              .size_bytes = file.size_bytes,
                                              .modified_ms = file.modified_ms}}};
  WEIR_ASSIGN_OR_RETURN(const auto table, engine::Table::FromFiles(session, spec, nullptr));
  const std::string name =
      "_weir_checkpoint_" + FingerprintBuilder().Add("url", url).Finish().ToString();
  WEIR_RETURN_NOT_OK(session.RegisterTable(name, table));
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      session.Query(fmt::format(
          "SELECT arrow_cast(\"add\"['path'], 'Utf8') FROM \"{}\" WHERE \"add\" IS NOT NULL",
          name)));
  std::set<std::string> paths;
  for (const auto& chunk : rows->column(0)->chunks()) {
    for (int64_t i = 0; i < chunk->length(); ++i) {
      std::string path(static_cast<const arrow::StringArray&>(*chunk).GetView(i));
      if (path.starts_with(url)) path.erase(0, url.size());
      paths.insert(PercentDecoded(path));
    }
  }
  return paths;
}

int64_t BytesOf(const std::vector<StoredFile>& files) {
  int64_t bytes = 0;
  for (const StoredFile& file : files) bytes += file.size_bytes;
  return bytes;
}

class Planner {
 public:
  Planner(const ProjectDefinition& project, const SessionRuntime& session, int64_t now_us)
      : project_(project), session_(session), now_us_(now_us) {}

  Result<UpkeepPlan> Plan() {
    WEIR_ASSIGN_OR_RETURN(std::vector<WarehouseTable> tables,
                          ListWarehouseTables(project_, session_));
    WEIR_RETURN_NOT_OK(ReadTables(std::move(tables)));
    WEIR_RETURN_NOT_OK(ReadRecords());
    for (Entry& entry : entries_) {
      if (!entry.table.is_left_alone) PlanTable(entry);
    }
    return std::move(plan_);
  }

 private:
  struct Entry {
    WarehouseTable table;
    Status status;  ///< of reading
    ReadTable read;
  };

  Status ReadTables(std::vector<WarehouseTable> tables) {
    entries_.resize(tables.size());
    ForEachInParallel(tables.size(), static_cast<size_t>(session_.threads()), [&](size_t i) {
      entries_[i].table = std::move(tables[i]);
      entries_[i].status = Read(entries_[i]);
    });
    for (Entry& entry : entries_) {
      const WarehouseTable& table = entry.table;
      if (table.has_owner() && table.dropping_since_us >= 0)
        plan_.stale_markers.push_back(DropMarkerUrl(session_.warehouse_url(), table.name));
      if (entry.status.ok() && table.of != WarehouseTable::Of::kArtifact)
        histories_.try_emplace(table.owner, &entry.read.history);
      if (entry.status.ok() || !table.has_owner()) continue;
      // What a build read that cannot be looked at, nobody knows.
      knows_all_builds_ = knows_all_builds_ && table.of != WarehouseTable::Of::kView;
      plan_.problems.push_back(entry.status.WithContext(fmt::format("table `{}`", table.name)));
    }
    return Status::OK();
  }

  Status Read(Entry& entry) const {
    ReadTable& read = entry.read;
    read.name = entry.table.name;
    read.url = entry.table.url;
    // Files first: what is committed between is named then.
    WEIR_ASSIGN_OR_RETURN(read.files, ListTableFiles(session_.engine(), read.url));
    const auto log = OpenDeltaLog(session_.engine(), read.url);
    WEIR_ASSIGN_OR_RETURN(read.history,
                          TableHistory::Read(*log, read.url, read.files, RecordedKeys(),
                                             TableAtOf(session_.engine(), read.url)));
    return Status::OK();
  }

  Status ReadRecords() {
    WEIR_ASSIGN_OR_RETURN(runs_, ReadRuns(session_));
    const std::set<std::string> retained =
        RetainedRuns(AllRuns(runs_, histories_), project_.retention, now_us_);
    WEIR_ASSIGN_OR_RETURN(const auto tasks, ReadTasks(session_, retained));
    of_runs_ = VersionsOfRuns(retained, tasks, histories_);
    WEIR_ASSIGN_OR_RETURN(const auto published, ReadPublished(session_, retained));
    AddPublished(published, project_, histories_, of_runs_);
    std::set<std::string> no_views;
    for (const Entry& entry : entries_) {
      if (entry.table.of == WarehouseTable::Of::kNoView ||
          entry.table.of == WarehouseTable::Of::kNoLanding)
        no_views.insert(entry.table.name);
    }
    if (no_views.empty()) return Status::OK();
    WEIR_ASSIGN_OR_RETURN(last_uses_, ReadLastUses(session_, no_views));
    WEIR_ASSIGN_OR_RETURN(sightings_, ReadSightings(session_));
    return Status::OK();
  }

  void PlanTable(Entry& entry) {
    using Of = WarehouseTable::Of;
    if (!entry.table.has_owner()) {
      if (!PlanRemoved(entry)) return;
    } else if (!entry.status.ok()) {
      return;
    }
    const ReadTable& read = entry.read;
    // A folder without a log is what a first build has left.
    const bool is_ours =
        entry.table.of == Of::kArtifact || read.history.latest() < 0 || IsOurs(entry);
    if (!is_ours) return;
    if (entry.table.of != Of::kArtifact && !knows_all_builds_) return Add(PlanFiles(read, nullptr));
    std::set<int64_t> kept = RecentVersions(read.history, project_.retention.days, now_us_);
    if (const auto found = of_runs_.find(entry.table.owner);
        found != of_runs_.end() && entry.table.of != Of::kArtifact)
      kept.insert(found->second.begin(), found->second.end());
    Add(PlanFiles(read, &kept));
    auto log = PlanLog(read, kept, now_us_, [&](int64_t version) {
      return FilesInCheckpoint(session_.engine(), read.url, CheckpointOf(read, version));
    });
    if (log.ok()) {
      Add(*std::move(log));
    } else {
      plan_.problems.push_back(log.status().WithContext(fmt::format("table `{}`", read.name)));
    }
    Add(PlanReading(read));
  }

  static StoredFile CheckpointOf(const ReadTable& read, int64_t version) {
    const std::string path = fmt::format("{}{:020}.checkpoint.parquet", kLogFolder, version);
    const auto found = std::find_if(read.files.begin(), read.files.end(),
                                    [&](const StoredFile& file) { return file.path == path; });
    WEIR_CHECK(found != read.files.end());
    return *found;
  }

  /// Whether Weir wrote the rows that the table holds now, for the view or source of its name.
  static bool IsOurs(const Entry& entry) {
    const TableHistory& history = entry.read.history;
    const TableVersion* build = history.BuildAt(history.latest());
    const char* key = entry.table.is_landing() ? kLandedSource : "view_name";
    return build != nullptr && build->is_ours && RecordedOf(*build, key) == entry.table.owner;
  }

  /// REQUIRES: IsOurs
  static int64_t BuiltAt(const ReadTable& read) {
    return read.history.BuildAt(read.history.latest())->time_ms * 1000;
  }

  static std::string RecordedOf(const TableVersion& version, const char* key) {
    const auto found = version.recorded.find(key);
    return found == version.recorded.end() ? std::string() : found->second;
  }

  /// Of a table without a view or source. Returns whether it is to be looked after as others are.
  bool PlanRemoved(Entry& entry) {
    const ReadTable& read = entry.read;
    const char* what = entry.table.is_landing() ? "source" : "view";
    if (const int64_t since_us = entry.table.dropping_since_us; since_us >= 0) {
      const bool is_left = !entry.status.ok() || read.history.versions().empty();
      // Unless the view came back and was built anew meanwhile.
      if (is_left || (IsOurs(entry) && BuiltAt(read) <= since_us)) {
        AddWhole(read, UpkeepKind::kDropTable,
                 fmt::format("it has no {} any more; an earlier `weir gc` began to drop it", what));
        return false;
      }
    }
    if (!entry.status.ok() || !IsOurs(entry)) return false;
    const TableVersion& build = *read.history.BuildAt(read.history.latest());
    const std::string run_id = RecordedOf(build, "run_id");
    const auto run = std::find_if(runs_.begin(), runs_.end(), [&](const RunRecord& recorded) {
      return recorded.run_id == run_id;
    });
    if (run != runs_.end() && !run->project.empty() && run->project != project_.name) return false;
    const bool is_known = run != runs_.end() && !run->project.empty();
    const std::optional<int64_t> seen_us = SeenAt(read.name, build);
    if (!seen_us) {
      AddWhole(read, UpkeepKind::kSeeRemovedView,
               fmt::format("no {} of the project has it; it is kept for {} days from now on", what,
                           project_.retention.removed_views_days));
      return true;
    }
    const std::string since = fmt::format("no {} has it since {}", what, TimeText(*seen_us));
    const int64_t until_us = *seen_us + project_.retention.removed_views_days * kUsADay;
    if (!is_known) {
      AddWhole(read, UpkeepKind::kAwaitRemovedView,
               fmt::format("{}; kept, as the run that built it is not recorded, hence perhaps "
                           "another project's: `{}`",
                           since, run_id));
    } else if (now_us_ < until_us) {
      AddWhole(read, UpkeepKind::kAwaitRemovedView,
               fmt::format("{}; kept until {}", since, TimeText(until_us)));
    } else if (!knows_all_builds_) {
      AddWhole(
          read, UpkeepKind::kAwaitRemovedView,
          fmt::format("{}; kept, as the log of a table that may need it cannot be read", since));
    } else if (const auto needed = of_runs_.find(entry.table.owner);
               needed != of_runs_.end() && !needed->second.empty()) {
      AddWhole(read, UpkeepKind::kAwaitRemovedView,
               fmt::format("{}; kept, as a run or a published set that is kept needs version {}",
                           since, *needed->second.rbegin()));
    } else {
      AddWhole(read, UpkeepKind::kDropTable, since);
      return false;
    }
    return true;
  }

  /// When it was first seen after the last build and the last run that knew the view.
  std::optional<int64_t> SeenAt(const std::string& name, const TableVersion& build) const {
    int64_t last_use_us = build.time_ms * 1000;
    if (const auto use = last_uses_.find(name); use != last_uses_.end())
      last_use_us = std::max(last_use_us, use->second);
    const auto seen = sightings_.find(name);
    if (seen == sightings_.end()) return std::nullopt;
    for (const int64_t at : seen->second) {
      if (at > last_use_us) return at;
    }
    return std::nullopt;
  }

  void AddWhole(const ReadTable& read, UpkeepKind kind, std::string reason) {
    plan_.actions.push_back({.kind = kind,
                             .table = read.name,
                             .url = read.url,
                             .path = {},
                             .version = read.history.latest(),
                             .files = static_cast<int64_t>(read.files.size()),
                             .bytes = BytesOf(read.files),
                             .reason = std::move(reason)});
  }

  void Add(std::vector<UpkeepAction> actions) {
    std::move(actions.begin(), actions.end(), std::back_inserter(plan_.actions));
  }

  const ProjectDefinition& project_;
  const SessionRuntime& session_;
  const int64_t now_us_;
  std::vector<Entry> entries_;
  Histories histories_;
  bool knows_all_builds_ = true;
  std::vector<RunRecord> runs_;
  std::map<std::string, std::set<int64_t>> of_runs_;
  std::map<std::string, int64_t> last_uses_;
  std::map<std::string, std::vector<int64_t>> sightings_;
  UpkeepPlan plan_;
};

}  // namespace

Result<UpkeepPlan> PlanUpkeep(const ProjectDefinition& project, const SessionRuntime& session,
                              int64_t now_us) {
  return Planner(project, session, now_us).Plan();
}

}  // namespace weir
