// SPDX-License-Identifier: Apache-2.0

#include "weir/upkeep/run_records.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "weir/artifacts/artifact_reader.h"
#include "weir/base/sql_quotes.h"

namespace weir {

namespace {

int64_t IntegerOr(const std::string& text, int64_t otherwise) {
  int64_t value = otherwise;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string Text(const std::string& column) {
  return fmt::format("arrow_cast({}, 'Utf8')", column);
}

/// Microseconds; 0 for NULL.
std::string Time(const std::string& column) {
  return fmt::format("coalesce(arrow_cast({}, 'Int64'), 0)", column);
}

}  // namespace

Result<std::vector<RunRecord>> ReadRuns(const SessionRuntime& session) {
  std::vector<RunRecord> runs;
  WEIR_ASSIGN_OR_RETURN(const auto columns, RegisterArtifact(session, "runs"));
  if (!columns) return runs;
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      QueryTexts(
          session,
          fmt::format("SELECT {}, {}, {}, CASE WHEN state = 'killed' THEN NULL ELSE {} END, {} "
                      "FROM weir.runs WHERE state <> 'killed' OR views_run > 0",
                      Text("run_id"), Time("started_at"),
                      columns->contains("tag") ? Text("tag") : "''", Text("project"),
                      Text("state"))));
  for (const auto& row : rows) {
    runs.push_back({.run_id = row[0],
                    .started_at_us = IntegerOr(row[1], 0),
                    .tag = row[2],
                    // Of one that was killed, the project is that of the run that found it.
                    .project = row[3],
                    .succeeded = row[4] == "succeeded"});
  }
  return runs;
}

Result<std::vector<TaskRecord>> ReadTasks(const SessionRuntime& session,
                                          const std::set<std::string>& runs) {
  std::vector<TaskRecord> tasks;
  if (runs.empty()) return tasks;
  WEIR_ASSIGN_OR_RETURN(const auto columns, RegisterArtifact(session, "tasks"));
  if (!columns) return tasks;
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      QueryTexts(
          session,
          fmt::format("SELECT {}, {}, {} FROM weir.tasks WHERE state IN ('run', 'reused') AND "
                      "run_id IN ({})",
                      Text("run_id"), Text("view_name"),
                      columns->contains("version") ? "coalesce(version, -1)" : "-1",
                      QuotedList(runs))));
  for (const auto& row : rows)
    tasks.push_back({.run_id = row[0], .view_name = row[1], .version = IntegerOr(row[2], -1)});
  return tasks;
}

Result<std::vector<PublishedTask>> ReadPublished(const SessionRuntime& session,
                                                 const std::set<std::string>& runs) {
  std::vector<PublishedTask> published;
  WEIR_ASSIGN_OR_RETURN(const auto columns, RegisterArtifact(session, "published"));
  if (!columns) return published;
  std::set<std::string> ids = runs;
  WEIR_ASSIGN_OR_RETURN(const auto run_columns, RegisterArtifact(session, "runs"));
  if (!runs.empty() && run_columns && run_columns->contains("published_run_id")) {
    WEIR_ASSIGN_OR_RETURN(
        const auto earlier,
        QueryTexts(session,
                   fmt::format("SELECT DISTINCT {} FROM weir.runs WHERE published_run_id IS NOT "
                               "NULL AND run_id IN ({})",
                               Text("published_run_id"), QuotedList(runs))));
    for (const auto& row : earlier) ids.insert(row[0]);
  }
  WEIR_ASSIGN_OR_RETURN(
      const auto last,
      QueryTexts(session, "SELECT max(set_number) FROM weir.published GROUP BY project"));
  std::string wanted = ids.empty() ? "false" : fmt::format("run_id IN ({})", QuotedList(ids));
  for (const auto& row : last) wanted += " OR set_number = " + row[0];
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      QueryTexts(session, fmt::format("SELECT {}, {}, version FROM weir.published WHERE {}",
                                      Text("project"), Text("view_name"), wanted)));
  for (const auto& row : rows)
    published.push_back({.project = row[0], .view_name = row[1], .version = IntegerOr(row[2], -1)});
  return published;
}

Result<std::map<std::string, int64_t>> ReadLastUses(const SessionRuntime& session,
                                                    const std::set<std::string>& views) {
  std::map<std::string, int64_t> uses;
  if (views.empty()) return uses;
  for (const char* name : {"runs", "tasks"}) {
    WEIR_ASSIGN_OR_RETURN(const auto columns, RegisterArtifact(session, name));
    if (!columns) return uses;
  }
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      QueryTexts(session,
                 fmt::format("SELECT {}, max({}) FROM weir.tasks t JOIN weir.runs r ON "
                             "t.run_id = r.run_id WHERE t.view_name IN ({}) GROUP BY 1",
                             Text("t.view_name"), Time("r.started_at"), QuotedList(views))));
  for (const auto& row : rows) uses[row[0]] = IntegerOr(row[1], 0);
  return uses;
}

Result<std::map<std::string, std::vector<int64_t>>> ReadSightings(const SessionRuntime& session) {
  std::map<std::string, std::vector<int64_t>> sightings;
  WEIR_ASSIGN_OR_RETURN(const auto columns, RegisterArtifact(session, "maintenance"));
  if (!columns) return sightings;
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      QueryTexts(session, fmt::format("SELECT {}, {} FROM weir.maintenance WHERE action = "
                                      "'see_removed_view' ORDER BY 2",
                                      Text("table_name"), Time("done_at"))));
  for (const auto& row : rows) sightings[row[0]].push_back(IntegerOr(row[1], 0));
  return sightings;
}

}  // namespace weir
