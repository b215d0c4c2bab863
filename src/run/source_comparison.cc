// SPDX-License-Identifier: Apache-2.0

#include "weir/run/source_comparison.h"

#include <algorithm>
#include <atomic>
#include <set>

#include <arrow/api.h>

#include "weir/base/sql_quotes.h"
#include "weir/catalog/catalog.h"
#include "weir/run/view_hasher.h"
#include "weir/session/join_fallback.h"

namespace weir {

namespace {

/// Listings with more files are not remembered file by file.
constexpr size_t kMostListedFiles = 100;
/// Files that were rewritten are compared by their rows up to this size, both sides together: a
/// plan must not take as long as the build that it may save.
constexpr int64_t kMostBytesToCompare = int64_t{1} << 30;

/// A kept file by what tells it apart: its path and its deletion vector.
using KeptFiles = std::map<std::pair<std::string, std::string>, DataFile>;

KeptFiles KeptBy(const ScanUnit& unit) {
  KeptFiles kept;
  for (const uint32_t i : unit.kept) {
    kept.emplace(
        std::pair(std::string(unit.files->path(i)), std::string(unit.files->deletion_vector(i))),
        unit.files->File(i));
  }
  return kept;
}

/// What one scan read and reads.
struct FileDifference {
  std::vector<DataFile> added;
  std::vector<DataFile> removed;
};

FileDifference Differences(const ScanUnit& before, const ScanUnit& now) {
  const KeptFiles old_files = KeptBy(before), files = KeptBy(now);
  FileDifference difference;
  for (const auto& [key, file] : files) {
    if (!old_files.contains(key)) difference.added.push_back(file);
  }
  for (const auto& [key, file] : old_files) {
    if (!files.contains(key)) difference.removed.push_back(file);
  }
  return difference;
}

/// Hashes what a reading sees of some files of a table.
Result<std::string> HashOf(const PinnedTable& table, const std::vector<DataFile>& files,
                           const Reading& reading, const SessionRuntime& session) {
  static std::atomic<uint64_t> serial = 0;
  std::vector<std::string> paths;
  for (const DataFile& file : files) paths.push_back(file.path);
  WEIR_ASSIGN_OR_RETURN(const engine::Table restricted, table.table->WithPaths(paths));
  // A name that starts with `$` is no dependency of anything.
  const std::string name = fmt::format("$comparison{}", serial++);
  WEIR_RETURN_NOT_OK(session.engine().RegisterTable(name, restricted));
  std::string columns;
  for (const std::string& column : reading.columns)
    columns += (columns.empty() ? "" : ", ") + QuotedSqlName(column);
  WEIR_ASSIGN_OR_RETURN(
      engine::Plan plan,
      engine::Plan::FromSql(session.engine(),
                            fmt::format("SELECT {} FROM {}", columns.empty() ? "1 AS one" : columns,
                                        QuotedSqlName(name))));
  WEIR_ASSIGN_OR_RETURN(plan, plan.Optimize(session.engine()));
  WEIR_ASSIGN_OR_RETURN(const auto reader, ExecuteQuery(plan, session, engine::Cancellation()));
  ViewHasher hasher(*reader->schema(), {reading}, session.engine());
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    const arrow::Status next = reader->ReadNext(&batch);
    if (!next.ok()) return engine::FromStreamFailure(next);
    if (batch == nullptr) break;
    WEIR_RETURN_NOT_OK(hasher.Add(*batch));
  }
  const ViewContent content = hasher.Finish();
  const auto hash = content.readings.find(reading.id);
  if (hash != content.readings.end()) return hash->second;
  return Status::User(StatusCode::kUnsupported, "a filter of `{}` fails on its rows", table.name);
}

/// Whether the files that came hold the rows of those that went, as far as the scan reads them.
Result<bool> SameRows(const PinnedTable& before, const PinnedTable& now,
                      const FileDifference& difference, const Reading& reading,
                      const SessionRuntime& session) {
  if (before.has_row_masks || now.has_row_masks || !before.table || !now.table) return false;
  if (difference.added.empty() || difference.removed.empty()) return false;
  int64_t rows = 0, bytes = 0;
  for (const DataFile& file : difference.added) {
    if (file.rows < 0) return false;
    rows += file.rows;
    bytes += file.size_bytes;
  }
  for (const DataFile& file : difference.removed) {
    if (file.rows < 0) return false;
    rows -= file.rows;
    bytes += file.size_bytes;
  }
  if (bytes > kMostBytesToCompare) return false;
  // With a filter, rows may come and go that nobody reads.
  if (rows != 0 && reading.filter_bytes.empty()) return false;
  WEIR_ASSIGN_OR_RETURN(const std::string added, HashOf(now, difference.added, reading, session));
  WEIR_ASSIGN_OR_RETURN(const std::string removed,
                        HashOf(before, difference.removed, reading, session));
  return added == removed;
}

std::string ColumnsText(const std::set<std::string>& columns) {
  if (columns.empty()) return "its rows alone";
  return fmt::format("{} {}", columns.size() == 1 ? "column" : "columns", fmt::join(columns, ", "));
}

std::string CountText(size_t added, size_t removed) {
  std::string text;
  if (added > 0) text += fmt::format("{} {} added", added, added == 1 ? "file" : "files");
  if (removed > 0) {
    text += text.empty() ? fmt::format("{} {} removed", removed, removed == 1 ? "file" : "files")
                         : fmt::format(", {} removed", removed);
  }
  return text;
}

std::string FileState(const DataFile& file) {
  return fmt::format("{}:{}:{}", file.size_bytes, file.modified_ms, file.etag);
}

/// The name of the one file that a source is; its path in the listing is empty.
std::string OwnFileName(const std::string& table, const std::vector<ScanUnit>& units) {
  for (const ScanUnit& unit : units) {
    if (unit.table == table) return FileName("", unit.url);
  }
  return "its file";
}

/// A listing is known by its files' names, sizes and times alone; earlier contents are gone.
SourceChange CompareListing(const std::string& table, const BuildRecord& last_build,
                            const std::vector<ScanUnit>& units, const std::string& columns) {
  const auto before = last_build.listings.find(table);
  const auto listed = ListedFiles(units);
  const auto now = listed.find(table);
  if (before == last_build.listings.end() || now == listed.end()) return {};
  std::vector<std::string> parts;
  const auto add = [&](const char* what, const std::vector<std::string>& files) {
    if (files.size() == 1) {
      const std::string name = files[0].empty() ? OwnFileName(table, units) : files[0];
      parts.push_back(fmt::format("{} {}", name, what));
    }
    if (files.size() > 1) parts.push_back(fmt::format("{} files {}", files.size(), what));
  };
  std::vector<std::string> added, changed, removed;
  for (const auto& [path, state] : now->second) {
    const auto old = before->second.find(path);
    if (old == before->second.end()) {
      added.push_back(path);
    } else if (old->second != state) {
      changed.push_back(path);
    }
  }
  for (const auto& [path, state] : before->second) {
    if (!now->second.contains(path)) removed.push_back(path);
  }
  add("added", added);
  add("modified", changed);
  add("removed", removed);
  if (parts.empty()) return {};
  return {.text = fmt::format("{} in `{}` ({})", fmt::join(parts, ", "), table, columns)};
}

Result<SourceChange> CompareDelta(const std::string& table, const PlanBundle& bundle,
                                  int64_t version, const std::vector<ScanUnit>& units,
                                  const TableLookup& lookup, const std::string& columns,
                                  const SessionRuntime& session) {
  const auto now = lookup(table);
  if (!now) return SourceChange();
  WEIR_ASSIGN_OR_RETURN(PinnedTable pinned, PinAtVersion(*now, version, session.engine()));
  const auto before = std::make_shared<const PinnedTable>(std::move(pinned));
  WEIR_ASSIGN_OR_RETURN(const std::vector<ScanUnit> old_units,
                        DeriveScanUnits(bundle, [&](const std::string& name) {
                          return name == table ? before : lookup(name);
                        }));
  std::map<int, Reading> readings;
  for (const Scan* scan : CollectScans(*bundle.plan)) readings[scan->scan_id] = ReadingOf(*scan);
  std::set<std::string> added, removed;
  bool same = true;
  for (const ScanUnit& unit : units) {
    if (unit.table != table) continue;
    for (const ScanUnit& old_unit : old_units) {
      if (old_unit.scan_id != unit.scan_id) continue;
      const FileDifference difference = Differences(old_unit, unit);
      if (difference.added.empty() && difference.removed.empty()) continue;
      for (const DataFile& file : difference.added) added.insert(file.path);
      for (const DataFile& file : difference.removed) removed.insert(file.path);
      if (!same) continue;
      const auto same_rows =
          SameRows(*before, *now, difference, readings.at(unit.scan_id), session);
      same = same_rows.ok() && *same_rows;
    }
  }
  const std::string count = CountText(added.size(), removed.size());
  if (count.empty()) {
    return SourceChange{.text = fmt::format("`{}` is at another version, {} -> {} ({})", table,
                                            before->version, now->version, columns)};
  }
  return SourceChange{
      .same_rows = same,
      .text = fmt::format("{} in `{}`{}({})", count, table,
                          same ? ", yet what it reads holds the same " : " ", columns)};
}

}  // namespace

std::map<std::string, std::map<std::string, std::string>> ListedFiles(
    const std::vector<ScanUnit>& units) {
  std::map<std::string, std::map<std::string, std::string>> listings;
  for (const ScanUnit& unit : units) {
    if (unit.kind != TableKind::kListing) continue;
    for (const uint32_t i : unit.kept) {
      const DataFile file = unit.files->File(i);
      listings[unit.table][file.path] = FileState(file);
    }
  }
  std::erase_if(listings, [](const auto& table) { return table.second.size() > kMostListedFiles; });
  return listings;
}

SourceChange CompareSource(const std::string& table, const PlanBundle& bundle,
                           const BuildRecord& last_build, const std::vector<ScanUnit>& units,
                           const TableLookup& lookup, const SessionRuntime& session) {
  std::set<std::string> read;
  bool listing = false;
  for (const ScanUnit& unit : units) {
    if (unit.table != table) continue;
    read.insert(unit.columns.begin(), unit.columns.end());
    listing = listing || unit.kind == TableKind::kListing;
  }
  const std::string columns = ColumnsText(read);
  if (listing) return CompareListing(table, last_build, units, columns);
  const auto pin = last_build.pins.find(table);
  if (pin == last_build.pins.end() || pin->second < 0) return {};
  auto change = CompareDelta(table, bundle, pin->second, units, lookup, columns, session);
  if (change.ok()) return *std::move(change);
  return {.text = fmt::format("files of `{}` changed since version {}, which cannot be read any "
                              "more ({})",
                              table, pin->second, columns)};
}

}  // namespace weir
