// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/recorded_bundles.h"

#include <utility>

#include "weir/base/sql_quotes.h"

namespace weir {

Result<RecordedBundles> RecordedBundles::Open(const SessionRuntime& session) {
  WEIR_ASSIGN_OR_RETURN(ArtifactReader reader,
                        ArtifactReader::Open(session, {"runs", "tasks", "plan_bundles", "writes"}));
  RecordedBundles recorded(std::move(reader));
  std::set<std::string> ids;
  for (const char* table : {"runs", "plan_bundles"}) {
    WEIR_ASSIGN_OR_RETURN(const auto rows, recorded.reader_.Select(table, {"run_id"}, "true"));
    for (const auto& row : rows) ids.insert(row[0]);
  }
  recorded.run_ids_ = {ids.begin(), ids.end()};
  if (recorded.run_ids_.empty()) return Status::Bug("the artifacts of a run have no run");
  return recorded;
}

Result<std::set<std::string>> RecordedBundles::ViewsOf(const std::string& run_id) const {
  WEIR_ASSIGN_OR_RETURN(
      const auto rows, reader_.Select("tasks", {"view_name"}, "run_id = " + QuotedSqlText(run_id)));
  std::set<std::string> views;
  for (const auto& row : rows) views.insert(row[0]);
  return views;
}

Result<std::map<std::string, RecordedBundles::Build>> RecordedBundles::BuildsUpTo(
    const std::string& run_id) const {
  // Ids begin with the time, hence their order is that of the runs.
  WEIR_ASSIGN_OR_RETURN(const auto rows,
                        reader_.Select("plan_bundles", {"run_id", "view_name", "plan_fingerprint"},
                                       "run_id <= " + QuotedSqlText(run_id)));
  std::map<std::string, Build> builds;
  for (const auto& row : rows) {
    WEIR_ASSIGN_OR_RETURN(const Fingerprint fingerprint, Fingerprint::Parse(row[2]));
    builds[row[1]] = {.run_id = row[0], .fingerprint = fingerprint};
  }
  return builds;
}

Result<std::map<std::string, RecordedBundles::TableVersion>> RecordedBundles::VersionsUpTo(
    const std::string& run_id) const {
  WEIR_ASSIGN_OR_RETURN(const auto writes,
                        reader_.Select("writes", {"view_name", "version", "content_hash"}, "true"));
  std::map<std::pair<std::string, std::string>, std::string> hashes;
  for (const auto& row : writes) hashes[{row[0], row[1]}] = row[2];
  WEIR_ASSIGN_OR_RETURN(
      const auto tasks,
      reader_.Select("tasks", {"run_id", "view_name", "version"},
                     "version IS NOT NULL AND run_id <= " + QuotedSqlText(run_id)));
  std::map<std::string, TableVersion> versions;
  for (const auto& row : tasks) {
    const auto hash = hashes.find({row[1], row[2]});
    versions[row[1]] = {.run_id = row[0],
                        .version = std::stoll(row[2]),
                        .content_hash = hash == hashes.end() ? "" : hash->second};
  }
  return versions;
}

Result<std::vector<std::pair<std::string, int64_t>>> RecordedBundles::VersionsOf(
    const std::string& view) const {
  WEIR_ASSIGN_OR_RETURN(const auto rows, reader_.Select("tasks", {"run_id", "version"},
                                                        "version IS NOT NULL AND view_name = " +
                                                            QuotedSqlText(view)));
  std::vector<std::pair<std::string, int64_t>> versions;
  versions.reserve(rows.size());
  for (const auto& row : rows) versions.emplace_back(row[0], std::stoll(row[1]));
  return versions;
}

Result<std::map<std::string, BundleDefinition>> RecordedBundles::Load(
    const std::map<std::string, Build>& builds) const {
  std::map<std::string, BundleDefinition> definitions;
  if (builds.empty()) return definitions;
  std::set<std::string> runs, views;
  for (const auto& [view, build] : builds) {
    runs.insert(build.run_id);
    views.insert(view);
  }
  WEIR_ASSIGN_OR_RETURN(
      auto rows,
      reader_.Select("plan_bundles",
                     {"view_name", "run_id", "fingerprint_input", "plan_proto", "plan_outputs"},
                     fmt::format("run_id IN ({}) AND view_name IN ({})", QuotedList(runs),
                                 QuotedList(views))));
  for (auto& row : rows) {
    const Build& build = builds.at(row[0]);
    if (build.run_id != row[1]) continue;
    definitions[row[0]] = {.view_name = row[0],
                           .run_id = row[1],
                           .fingerprint = build.fingerprint,
                           .fingerprint_input = std::move(row[2]),
                           .plan_proto = std::move(row[3]),
                           .plan_outputs = std::move(row[4])};
  }
  return definitions;
}

}  // namespace weir
