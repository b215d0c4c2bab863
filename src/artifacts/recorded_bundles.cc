// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/recorded_bundles.h"

#include <arrow/api.h>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/sql_quotes.h"
#include "weir/catalog/catalog.h"

namespace weir {

namespace {

/// The rows of a query whose columns are texts or bytes; NULL is empty.
Result<std::vector<std::vector<std::string>>> Rows(const engine::Session& session,
                                                   const std::string& sql) {
  WEIR_ASSIGN_OR_RETURN(const auto table, session.Query(sql));
  std::vector<std::vector<std::string>> rows(static_cast<size_t>(table->num_rows()));
  for (const auto& column : table->columns()) {
    size_t row = 0;
    for (const auto& chunk : column->chunks()) {
      if (!arrow::is_base_binary_like(chunk->type_id()))
        return Status::Bug("a text was wanted, found {}", chunk->type()->ToString());
      for (int64_t i = 0; i < chunk->length(); ++i) {
        std::string_view value;
        if (!chunk->IsNull(i)) {
          value = arrow::is_large_binary_like(chunk->type_id())
                      ? static_cast<const arrow::LargeBinaryArray&>(*chunk).GetView(i)
                      : static_cast<const arrow::BinaryArray&>(*chunk).GetView(i);
        }
        rows[row++].emplace_back(value);
      }
    }
  }
  return rows;
}

Status Register(const SessionRuntime& session, const std::string& table) {
  WEIR_ASSIGN_OR_RETURN(const PinnedTable pinned,
                        PinDelta("weir." + table, ArtifactTableUrl(session.warehouse_url(), table),
                                 -1, "", session.engine()));
  return session.engine().RegisterTable(table, *pinned.table, "weir");
}

}  // namespace

Result<RecordedBundles> RecordedBundles::Open(const SessionRuntime& session) {
  for (const char* table : {"runs", "tasks", "plan_bundles", "writes"}) {
    const Status registered = Register(session, table);
    if (registered.ok()) continue;
    if (registered.code() != StatusCode::kNotFound) return registered;
    return Status::User(StatusCode::kNotFound, "no run has recorded a bundle in this warehouse")
        .WithCause(registered.ToString())
        .WithHint("`weir run` builds the views and records their bundles");
  }
  RecordedBundles recorded(session);
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      Rows(session.engine(),
           "SELECT DISTINCT arrow_cast(run_id, 'Utf8') FROM (SELECT run_id FROM weir.runs UNION "
           "ALL SELECT run_id FROM weir.plan_bundles) ORDER BY 1"));
  for (const auto& row : rows) recorded.run_ids_.push_back(row[0]);
  if (recorded.run_ids_.empty()) return Status::Bug("the artifacts of a run have no run");
  return recorded;
}

Result<std::set<std::string>> RecordedBundles::ViewsOf(const std::string& run_id) const {
  WEIR_ASSIGN_OR_RETURN(
      const auto rows, Rows(session_->engine(),
                            "SELECT arrow_cast(view_name, 'Utf8') FROM weir.tasks WHERE run_id = " +
                                QuotedSqlText(run_id)));
  std::set<std::string> views;
  for (const auto& row : rows) views.insert(row[0]);
  return views;
}

Result<std::map<std::string, RecordedBundles::Build>> RecordedBundles::BuildsUpTo(
    const std::string& run_id) const {
  // Ids begin with the time, hence their order is that of the runs.
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      Rows(session_->engine(),
           "SELECT arrow_cast(view_name, 'Utf8'), arrow_cast(run_id, 'Utf8'), "
           "arrow_cast(plan_fingerprint, 'Utf8') FROM weir.plan_bundles WHERE run_id <= " +
               QuotedSqlText(run_id) + " ORDER BY run_id"));
  std::map<std::string, Build> builds;
  for (const auto& row : rows) {
    WEIR_ASSIGN_OR_RETURN(const Fingerprint fingerprint, Fingerprint::Parse(row[2]));
    builds[row[0]] = {.run_id = row[1], .fingerprint = fingerprint};
  }
  return builds;
}

Result<std::map<std::string, RecordedBundles::TableVersion>> RecordedBundles::VersionsUpTo(
    const std::string& run_id) const {
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      Rows(session_->engine(),
           fmt::format(
               "SELECT arrow_cast(t.view_name, 'Utf8'), arrow_cast(t.run_id, 'Utf8'), "
               "arrow_cast(t.version, 'Utf8'), arrow_cast(w.content_hash, 'Utf8') FROM weir.tasks "
               "AS t LEFT JOIN (SELECT view_name, version, max(content_hash) AS content_hash FROM "
               "weir.writes GROUP BY view_name, version) AS w ON w.view_name = t.view_name AND "
               "w.version = t.version WHERE t.version IS NOT NULL AND t.run_id <= {} ORDER BY "
               "t.run_id",
               QuotedSqlText(run_id))));
  std::map<std::string, TableVersion> versions;
  for (const auto& row : rows)
    versions[row[0]] = {.run_id = row[1], .version = std::stoll(row[2]), .content_hash = row[3]};
  return versions;
}

Result<std::map<std::string, BundleDefinition>> RecordedBundles::Load(
    const std::map<std::string, Build>& builds) const {
  std::map<std::string, BundleDefinition> definitions;
  if (builds.empty()) return definitions;
  std::set<std::string> runs;
  std::string views;
  for (const auto& [view, build] : builds) {
    runs.insert(build.run_id);
    views += (views.empty() ? "" : ", ") + QuotedSqlText(view);
  }
  std::string run_list;
  for (const std::string& run : runs)
    run_list += (run_list.empty() ? "" : ", ") + QuotedSqlText(run);
  WEIR_ASSIGN_OR_RETURN(
      auto rows,
      Rows(session_->engine(),
           fmt::format("SELECT arrow_cast(view_name, 'Utf8'), arrow_cast(run_id, 'Utf8'), "
                       "arrow_cast(fingerprint_input, 'Utf8'), arrow_cast(plan_proto, 'Binary'), "
                       "arrow_cast(plan_outputs, 'Utf8') FROM weir.plan_bundles "
                       "WHERE run_id IN ({}) AND view_name IN ({})",
                       run_list, views)));
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
